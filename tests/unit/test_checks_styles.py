"""Right answers in other styles pass every check, and answers that are right by luck, or cut a gradient, do not."""

import math
import re
import statistics
from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Independent, Laplace, MultivariateNormal, Normal, kl_divergence
from torch.utils.data import DataLoader

from vaelib import checks, vae_loss
from vaelib.losses import kl_to_standard_normal, reconstruction_error
from vaelib.measures import Probes
from vaelib.models import sample

STANDARD = Normal(0.0, 1.0)


def normal(mu, log_var):
    return Normal(mu, (0.5 * log_var).exp())


def prior(mu):
    return Normal(torch.zeros_like(mu), torch.ones_like(mu))


def kl(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)


def error(x, x_hat):
    return (x - x_hat).abs().sum(dim=(1, 2, 3))  # (B,)


def drawn(mu, log_var):
    return mu + (0.5 * log_var).exp() * torch.randn_like(mu)


def elbo(f, mu, sigma, epsilon):
    return f(mu + sigma * epsilon).mean() - 0.5 * (mu**2 + sigma**2 - 1) + sigma.log()


def step(z):
    return z[1] - z[0]


# ---- right, each in a way of its own


def codes_by_a_loop(a, b, steps):
    return torch.stack([a + k / (steps - 1) * (b - a) for k in range(steps)])


def density_by_the_largest(log_joint, z):
    p = (log_joint - log_joint.max()).exp()
    return p / torch.trapezoid(p, z)


def density_in_place(log_joint, z):
    log_joint -= log_joint.max()
    log_joint.exp_()
    return log_joint / (log_joint.sum() * step(z))


def density_by_numpy(log_joint, z):
    p = np.exp(log_joint.numpy() - log_joint.numpy().max())
    return p / (p.sum() * (z[1] - z[0]).item())


def kl_by_a_loop(q, p, n):
    total = 0.0
    for z in q.sample((n,)).split(1000):
        total += (q.log_prob(z) - p.log_prob(z)).sum()
    return total / n


def kl_by_antithetic_draws(q, p, n):
    half = q.sample(((n + 1) // 2,))
    z = torch.cat([half, 2 * q.mean - half])[:n]
    return (q.log_prob(z) - p.log_prob(z)).mean()


def collapsed_by_a_loop(kl):
    return sum(1 for j in range(kl.shape[1]) if kl[:, j].mean() < 0.01)


def points_by_where(z, j, values):
    return torch.where(torch.arange(len(z)) == j, values[:, None], z)


def points_by_stack(z, j, values):
    return torch.stack([torch.cat([z[:j], value[None], z[j + 1 :]]) for value in values])


def points_by_a_unit_vector(z, j, values):
    unit = torch.eye(len(z))[j]
    return z + (values - z[j])[:, None] * unit


def points_by_numpy(z, j, values):
    points = np.tile(z.numpy(), (len(values), 1))
    points[:, j] = values.numpy()
    return points


def points_by_scatter(z, j, values):
    points = z.expand(len(values), -1).clone()
    return points.index_copy_(1, torch.tensor([j]), values[:, None])


def widths_by_covariance(weight, sigma):
    variances = torch.stack([weight @ torch.diag(s**2) @ weight.T for s in sigma])  # (B, K, K)
    return variances.diagonal(dim1=1, dim2=2).sqrt()


def widths_by_push_forward(weight, sigma):
    bias = torch.zeros(len(weight), dtype=weight.dtype)
    names = tuple(f"{k}" for k in range(len(weight)))
    return Probes(weight, bias, names).push_forward(Normal(torch.zeros_like(sigma), sigma)).stddev


def test_loss_by_a_loader(loss_of, images, batch_size):
    return sum(loss_of(x).sum() for x in DataLoader(images, batch_size)) / len(images)


def test_loss_by_weights(loss_of, images, batch_size):
    return sum(loss_of(x).mean() * len(x) / len(images) for x in images.split(batch_size))


def test_loss_by_range(loss_of, images, batch_size):
    losses = []
    for start in range(0, len(images), batch_size):
        losses.extend(loss_of(images[start : start + batch_size]).tolist())
    return statistics.fmean(losses)


test_loss_by_a_loader.__test__ = test_loss_by_weights.__test__ = test_loss_by_range.__test__ = False  # no tests


def log_mean_by_the_largest(w):
    greatest = w.max(dim=0, keepdim=True).values
    return (greatest + (w - greatest).exp().mean(dim=0, keepdim=True).log())[0]


def log_mean_by_logaddexp(w):
    total = w[0]
    for row in w[1:]:
        total = torch.logaddexp(total, row)
    return total - math.log(len(w))


def _whole(photo, size):
    """(3, H, W) in [0, 1], cut to a whole number of tiles."""
    H, W, _ = photo.shape
    return photo[: H // size * size, : W // size * size].permute(2, 0, 1) / 255


def tiles_by_unfold(photo, size):
    x = _whole(photo, size).unfold(1, size, size).unfold(2, size, size)  # (3, rows, columns, size, size)
    return x.permute(1, 2, 0, 3, 4).flatten(0, 1)


def tiles_by_numpy(photo, size):
    x = photo.numpy().astype(np.float32) / 255
    rows, columns = x.shape[0] // size, x.shape[1] // size
    x = x[: rows * size, : columns * size].reshape(rows, size, columns, size, 3)
    return x.transpose(0, 2, 4, 1, 3).reshape(-1, 3, size, size)


RIGHT = [
    (checks.check_numbers_in, lambda image: image.shape[0] * image.shape[1] * image.shape[2]),
    (checks.check_numbers_in, lambda image: image.numpy().size),
    (checks.check_numbers_in, lambda image: math.prod(image.shape)),
    (checks.check_numbers_in, lambda image: len(image.flatten())),
    (checks.check_numbers_in, lambda image: torch.tensor(image.size()).prod()),
    (checks.check_numbers_in, lambda image: np.prod(image.shape)),
    (checks.check_reconstruction, lambda x, y: F.l1_loss(x, y, reduction="sum") / len(x)),
    (checks.check_reconstruction, lambda x, y: torch.abs(y - x).flatten(1).sum(1).mean().item()),
    (checks.check_reconstruction, lambda x, y: np.abs((x - y).numpy()).sum(axis=(1, 2, 3)).mean()),
    (checks.check_reconstruction, lambda x, y: (x - y).abs().mean() * x[0].numel()),
    (checks.check_reconstruction, lambda x, y: torch.cdist(x.flatten(1), y.flatten(1), p=1).diagonal().mean()),
    (checks.check_reconstruction, lambda x, y: reconstruction_error(x, y).mean()),
    (checks.check_interpolation, codes_by_a_loop),
    (checks.check_interpolation, lambda a, b, n: a + torch.outer(torch.linspace(0, 1, n), b - a)),
    (checks.check_interpolation, lambda a, b, n: torch.lerp(a, b, torch.linspace(0, 1, n)[:, None])),
    (checks.check_interpolation, lambda a, b, n: np.linspace(a.numpy(), b.numpy(), n)),
    (checks.check_interpolation, lambda a, b, n: [[(a + k * (b - a) / (n - 1)).tolist() for k in range(n)]][0]),
    (checks.check_posterior_on_grid, density_by_the_largest),
    (checks.check_posterior_on_grid, density_in_place),
    (checks.check_posterior_on_grid, density_by_numpy),
    (checks.check_posterior_on_grid, lambda lj, z: (lj - lj.logsumexp(0) - step(z).log()).exp()),
    (checks.check_posterior_on_grid, lambda lj, z: lj.softmax(0) * (len(z) - 1) / (z[-1] - z[0])),
    (checks.check_posterior_on_grid, lambda lj, z: F.softmax((lj - lj.max()).float(), 0) / step(z)),
    (checks.check_elbo, lambda f, m, s, e: f(m + s * e).mean() - kl_divergence(Normal(m, s), STANDARD)),
    (checks.check_elbo, lambda f, m, s, e: sum(f(m + s * one) for one in e) / len(e) - kl(m, 2 * s.log())),
    (checks.check_elbo, lambda f, m, s, e: (f(torch.addcmul(m, s, e)) - kl(m, (s * s).log())).mean()),
    (checks.check_elbo, lambda f, m, s, e: -(kl(m, 2 * torch.log(s)) - torch.mean(f(e * s + m)))),
    (checks.check_sample, lambda m, v: normal(m, v).rsample()),
    (checks.check_sample, lambda m, v: m + v.exp().sqrt() * torch.randn(m.shape)),
    (checks.check_sample, lambda m, v: torch.addcmul(m, (v / 2).exp(), torch.randn_like(v))),
    (checks.check_sample, lambda m, v: m + torch.normal(0.0, 1.0, m.shape) * torch.exp(v) ** 0.5),
    (checks.check_sample, lambda m, v: m + (0.5 * v).exp() * STANDARD.sample(m.shape)),
    (checks.check_sample, lambda m, v: Independent(normal(m, v), 1).rsample()),
    (checks.check_sample, lambda m, v: m - (0.5 * v).exp() * torch.randn_like(m)),
    (checks.check_sample, lambda m, v: m + (0.5 * v).exp() * torch.from_numpy(np.random.randn(*m.shape))),
    (checks.check_sample, lambda m, v: sample(normal(m, v))),
    (checks.check_sample, lambda m, v: MultivariateNormal(m, torch.diag_embed(v.exp())).rsample()),
    (checks.check_kl, lambda m, v: kl_divergence(normal(m, v), prior(m))),
    (checks.check_kl, lambda m, v: -0.5 * (1 + v - m.pow(2) - v.exp())),
    (checks.check_kl, lambda m, v: kl_to_standard_normal(normal(m, v))),
    (checks.check_kl, lambda m, v: (m * m + torch.expm1(v) - v) / 2),
    (checks.check_kl, lambda m, v: kl_divergence(normal(m, v), STANDARD)),
    (checks.check_vae_loss, lambda x, y, m, v, b: vae_loss(x, y, normal(m, v), b).total),
    (checks.check_vae_loss, lambda x, y, m, v, b: ((x - y).abs().sum() + b * kl(m, v).sum()) / len(x)),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: F.l1_loss(y, x, reduction="sum") / len(x) + b * kl(m, v).sum(1).mean(),
    ),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: (
            -Laplace(y, 1.0).log_prob(x).sum((1, 2, 3)).mean()
            - x[0].numel() * math.log(2)
            + b * kl_divergence(normal(m, v), prior(m)).sum(dim=-1).mean()
        ),
    ),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: error(x, y).mean() - 0.5 * b * (1 + v - m**2 - v.exp()).sum(1).mean(),
    ),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: torch.stack([*map(torch.add, error(x, y), b * kl(m, v).sum(1))]).mean(),
    ),
    (checks.check_kl_by_samples, kl_by_a_loop),
    (checks.check_kl_by_samples, kl_by_antithetic_draws),
    (checks.check_kl_by_samples, lambda q, p, n: -(p.log_prob(z := q.rsample((n,))) - q.log_prob(z)).mean()),
    (
        checks.check_kl_by_samples,
        lambda q, p, n: statistics.fmean((q.log_prob(z := q.sample((n,))) - p.log_prob(z)).tolist()),
    ),
    (checks.check_kl_of_normals, lambda a, b, c, d: kl_divergence(Normal(a, b), Normal(c, d))),
    (checks.check_kl_of_normals, lambda a, b, c, d: d.log() - b.log() + 0.5 * ((b / d) ** 2 + ((a - c) / d) ** 2 - 1)),
    (checks.check_kl_of_normals, lambda a, b, c, d: kl((a - c) / d, 2 * (b / d).log())),
    (
        checks.check_kl_of_normals,
        lambda a, b, c, d: [
            math.log(t / s) + (s * s + (m - n) ** 2) / 2 / t**2 - 0.5
            for m, s, n, t in zip(a.tolist(), b.tolist(), c.tolist(), d.tolist(), strict=True)
        ],
    ),
    (checks.check_collapsed, collapsed_by_a_loop),
    (checks.check_collapsed, lambda kl: kl.mean(0).lt(0.01).sum().item()),
    (checks.check_collapsed, lambda kl: kl.shape[1] - torch.count_nonzero(kl.mean(dim=0) >= 0.01)),
    (checks.check_collapsed, lambda kl: len([k for k in kl.numpy().mean(axis=0) if k < 0.01])),
    (checks.check_collapsed, lambda kl: (kl.sum(0) / len(kl) < 0.01).float().sum()),
    (checks.check_effective_beta, lambda pixels, latents, weight: weight / latents * pixels),
    (checks.check_effective_beta, lambda pixels, latents, weight: torch.tensor(weight) * pixels / latents),
    (checks.check_effective_beta, lambda pixels, latents, weight: np.float64(weight) * pixels / latents),
    (checks.check_effective_beta, lambda pixels, latents, weight: Fraction(weight) * Fraction(pixels, latents)),
    (checks.check_traversal, points_by_where),
    (checks.check_traversal, points_by_stack),
    (checks.check_traversal, points_by_a_unit_vector),
    (checks.check_traversal, points_by_numpy),
    (checks.check_traversal, points_by_scatter),
    (checks.check_push_forward, widths_by_covariance),
    (checks.check_push_forward, widths_by_push_forward),
    (checks.check_push_forward, lambda w, s: torch.einsum("kd,bd->bk", w**2, s**2) ** 0.5),
    (checks.check_push_forward, lambda w, s: (s[:, None] * w).norm(dim=2)),
    (checks.check_push_forward, lambda w, s: torch.stack([(w * one).pow(2).sum(1).sqrt() for one in s])),
    (checks.check_draw, lambda q: q.mean + q.stddev * torch.randn_like(q.mean)),
    (checks.check_draw, lambda q: q.loc + q.scale * torch.randn(q.loc.shape)),
    (checks.check_draw, lambda q: Normal(q.mean, q.variance.sqrt()).rsample()),
    (checks.check_draw, sample),
    (checks.check_draw, lambda q: q.rsample((1,))[0]),
    (checks.check_sampler_and_kl, lambda m, v: (normal(m, v).rsample(), kl_divergence(normal(m, v), prior(m)))),
    (checks.check_sampler_and_kl, lambda m, v: [drawn(m, v), -0.5 * (1 + v - m * m - v.exp())]),
    (checks.check_sampler_and_kl, lambda m, v: (sample(normal(m, v)), kl_to_standard_normal(normal(m, v)))),
    (checks.check_test_loss, test_loss_by_a_loader),
    (checks.check_test_loss, test_loss_by_weights),
    (checks.check_test_loss, test_loss_by_range),
    (checks.check_test_loss, lambda f, x, n: torch.cat([f(batch) for batch in x.split(n)]).mean()),
    (checks.check_test_loss, lambda f, x, n: sum(f(one[None]) for one in x).squeeze() / len(x)),
    (checks.check_pixels, lambda raw: raw.float().div(16)),
    (checks.check_pixels, lambda raw: raw.to(torch.float32) * 0.0625),
    (checks.check_pixels, lambda raw: torch.linspace(0, 1, 17)[raw.long()]),
    (checks.check_pixels, lambda raw: raw.numpy().astype(np.float32) / 16),
    (checks.check_pixels, lambda raw: (raw.double() / 16).float()),
    (checks.check_prior_quantiles, lambda n: [statistics.NormalDist().inv_cdf((k + 0.5) / n) for k in range(n)]),
    (checks.check_prior_quantiles, lambda n: 2**0.5 * torch.erfinv((2 * torch.arange(n) + 1) / n - 1)),
    (checks.check_prior_quantiles, lambda n: torch.special.ndtri((torch.arange(n).double() + 0.5) / n)),
    (checks.check_prior_quantiles, lambda n: STANDARD.icdf(torch.linspace(0.5 / n, 1 - 0.5 / n, n))),
    (checks.check_tiles, tiles_by_unfold),
    (checks.check_tiles, tiles_by_numpy),
    (
        checks.check_tiles,
        lambda p, n: (
            torch.cat([F.pixel_unshuffle(c[None, None], n) for c in _whole(p, n)])
            .flatten(2)
            .permute(2, 0, 1)
            .unflatten(2, (n, n))
        ),
    ),
    (checks.check_detail, lambda x: x.diff(dim=-1).abs().mean(dim=(1, 2, 3))),
    (checks.check_detail, lambda x: np.abs(np.diff(x.numpy(), axis=3)).mean(axis=(1, 2, 3))),
    (checks.check_detail, lambda x: torch.stack([one.diff(dim=2).abs().mean() for one in x])),
    (checks.check_detail, lambda x: [F.l1_loss(one[:, :, 1:], one[:, :, :-1]).item() for one in x]),
    (checks.check_log_mean_exp, log_mean_by_the_largest),
    (checks.check_log_mean_exp, log_mean_by_logaddexp),
    (checks.check_log_mean_exp, lambda w: torch.logsumexp(w - math.log(len(w)), dim=0)),
    (checks.check_log_mean_exp, lambda w: np.logaddexp.reduce(w.double().numpy(), axis=0) - np.log(len(w))),
    (checks.check_log_mean_exp, lambda w: w[0] - w.log_softmax(0)[0] - math.log(len(w))),
]

# ---- wrong


def seeded(function):
    """The same noise at each call."""

    def called(*arguments):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return function(*arguments)

    return called


def with_noise(noise):
    return lambda mu, log_var: mu + (0.5 * log_var).exp() * noise(mu)


def of_q_with_noise(noise):
    return lambda q: q.mean + q.stddev * noise(q.mean)


def signs(mu):
    return torch.randint(0, 2, mu.shape) * 2.0 - 1


def uniform(mu):
    return math.sqrt(12) * (torch.rand_like(mu) - 0.5)


def laplace(mu):
    return Laplace(0.0, math.sqrt(0.5)).sample(mu.shape)


def clipped(mu):
    return torch.randn_like(mu).clamp(-3, 3)


def twice_over(mu):
    half = torch.randn_like(mu[: (len(mu) + 1) // 2])
    return torch.cat([half, half])[: len(mu)]


def mirrored(mu):
    first = torch.randn_like(mu[:, :1])
    return first * torch.tensor([1.0, -1, 1])[: mu.shape[1]]


def no_gradient(function):
    def called(*arguments):
        with torch.no_grad():
            return function(*arguments)

    return called


def loss(x, x_hat, mu, log_var, beta):
    return (error(x, x_hat) + beta * kl(mu, log_var).sum(dim=1)).mean()


def points(z, j, values):
    rows = z.repeat(len(values), 1)
    rows[:, j] = values
    return rows


def log_mean_below(w, shift):
    return (w - shift).exp().mean(dim=0).log() + shift


WRONG = [
    # right for the one case that was tried
    (checks.check_numbers_in, lambda image: 3072, "it gives 3072 for every image"),
    (checks.check_numbers_in, lambda image: 3 * image.shape[1] ** 2, "right at first, but for an image of 1 × 28 × 28"),
    (checks.check_numbers_in, lambda image: image.size, r"function size itself.*numel\(\)"),
    (checks.check_numbers_in, lambda image: image.numel, "the function numel itself: call it"),
    (checks.check_numbers_in, lambda image: image.shape, "this is the shape"),
    (checks.check_numbers_in, lambda image: image.nbytes, "these are bytes"),
    (checks.check_numbers_in, lambda image: image.sum(), "sum of the values"),
    (checks.check_reconstruction, lambda x, y: (x - y).abs().sum() / 5, r"right at first, but for images of shape \(7"),
    (
        checks.check_reconstruction,
        lambda x, y: 48 * (x - y).abs().mean(),
        r"right at first, but for images of shape \(7",
    ),
    (checks.check_reconstruction, lambda x, y: (x - y).flatten(1).norm(dim=1).mean(), "this is the length"),
    (checks.check_reconstruction, lambda x, y: (x - y).square().mean(), "you squared the differences and averaged"),
    (checks.check_reconstruction, lambda x, y: error(x, y)[0], "only the first image"),
    (
        checks.check_interpolation,
        lambda a, b, n: torch.lerp(a, b, torch.linspace(0, 1, 5)[:, None]),
        "4 steps and D = 7",
    ),
    (
        checks.check_interpolation,
        lambda a, b, n: a + torch.linspace(0, 1, n)[:, None] * (a - b),
        r"you add t · \(h_a − h_b",
    ),
    (
        checks.check_interpolation,
        lambda a, b, n: torch.lerp(a, b, torch.linspace(0, 1, n + 1)[:, None]),
        "one code too many",
    ),
    (
        checks.check_interpolation,
        lambda a, b, n: torch.lerp(a, b, torch.linspace(0, 1, n + 2)[1:-1, None]),
        "out both ends",
    ),
    (
        checks.check_interpolation,
        lambda a, b, n: [a + k * (b - a) / (n - 1) for k in range(n)],
        "torch.stack makes one",
    ),
    (checks.check_posterior_on_grid, lambda lj, z: lj.softmax(0) / ((z[-1] - z[0]) / len(z)), r"n − 1 steps.*1\.0025"),
    (checks.check_posterior_on_grid, lambda lj, z: lj.float().softmax(0) / step(z), "float32 keeps seven digits"),
    (
        checks.check_posterior_on_grid,
        lambda lj, z: lj.softmax(0) / 0.02,
        "right at first, but for 150 points from −5 to 6",
    ),
    (
        checks.check_posterior_on_grid,
        lambda lj, z: (lj + 9000).exp() / ((lj + 9000).exp() * step(z)).sum(),
        "right at first.*−300",
    ),
    (checks.check_posterior_on_grid, lambda lj, z: lj.softmax(0).cumsum(0), "running area"),
    (
        checks.check_kl_by_samples,
        seeded(lambda q, p, n: (q.log_prob(z := q.sample((n,))) - p.log_prob(z)).mean()),
        "same samples at each call",
    ),
    (
        checks.check_kl_by_samples,
        lambda q, p, n: (q.log_prob(z := 1 + 0.5 * torch.randn(n)) - p.log_prob(z)).mean(),
        "right for one q and p",
    ),
    (
        checks.check_kl_by_samples,
        lambda q, p, n: 1.4427 * (q.log_prob(z := q.sample((n,))) - p.log_prob(z)).mean(),
        "to the base 2",
    ),
    (checks.check_kl_by_samples, lambda q, p, n: (q.log_prob(z := q.sample((n,))) + p.log_prob(z)).mean(), "added up"),
    (
        checks.check_kl_of_normals,
        lambda a, b, c, d: kl_divergence(Normal(a, b), Normal(c, d))[[0, 1, 2]],
        "n = 7|IndexError|shape",
    ),
    (checks.check_kl_of_normals, lambda a, b, c, d: kl_divergence(Normal(a, b), Normal(c, d)) + 1, "sign of the ½"),
    (checks.check_collapsed, lambda kl: 20, "right at first, but for 29 images"),
    (checks.check_collapsed, lambda kl: (kl.mean(dim=0) < 0.009).sum(), "threshold may be 0.009"),
    (checks.check_collapsed, lambda kl: (kl.median(dim=0).values < 0.01).sum(), "took the median"),
    (checks.check_collapsed, lambda kl: (kl.mean(dim=0) < 0.1).sum(), "threshold may be 0.1"),
    (checks.check_collapsed, lambda kl: (kl[0] < 0.01).sum(), "one image alone"),
    (checks.check_effective_beta, lambda pixels, latents, weight: 2.88, "right at first, but for 3072 pixels"),
    (
        checks.check_effective_beta,
        lambda pixels, latents, weight: weight * (pixels // latents),
        "divide with /, not //",
    ),
    (checks.check_effective_beta, lambda pixels, latents, weight: weight / pixels / latents, "both means are turned"),
    (checks.check_traversal, lambda z, j, v: points(z, -j - 1, v), "counted from the end"),
    (checks.check_traversal, lambda z, j, v: points(z, len(z) // 2, v), "in the middle|column j \\+ 1"),
    (checks.check_traversal, lambda z, j, v: points(z, 1, v), "right at first, but for j = 4"),
    (checks.check_traversal, lambda z, j, v: points(z, j, v.sort().values), "put in order"),
    (checks.check_traversal, lambda z, j, v: points(z, j, v.clamp(-3, 3)), "cut off"),
    (
        checks.check_traversal,
        lambda z, j, v: points(z, j, torch.linspace(v[0].item(), v[-1].item(), len(v))),
        "spread evenly",
    ),
    (checks.check_traversal, lambda z, j, v: z.repeat(len(v), 1), "nothing has changed"),
    (checks.check_traversal, lambda z, j, v: list(points(z, j, v)), "torch.stack makes one"),
    (checks.check_push_forward, lambda w, s: (s @ w.T).abs(), "signs let the widths cancel"),
    (checks.check_push_forward, lambda w, s: (s[:, None] * w).abs().amax(2), "widest latent"),
    (checks.check_push_forward, lambda w, s: s**2 @ w.T, "square the weights as well"),
    (
        checks.check_prior_quantiles,
        lambda n: STANDARD.icdf((torch.arange(7) + 0.5) / 7),
        "right at first, but for n = 12",
    ),
    (checks.check_prior_quantiles, lambda n: STANDARD.icdf((torch.arange(n) + 0.5) / n) / 2**0.5, "another width"),
    (checks.check_prior_quantiles, lambda n: torch.randn(n).sort().values, "changes from call to call"),
    (checks.check_prior_quantiles, lambda n: STANDARD.icdf(torch.linspace(0.01, 0.99, n)), "almost from 0 to 1"),
    (checks.check_log_mean_exp, lambda w: log_mean_below(w, w.max()), "one number is subtracted for all images"),
    (checks.check_log_mean_exp, lambda w: log_mean_below(w, -1000), "one number is added to all logs"),
    (checks.check_log_mean_exp, lambda w: log_mean_below(w, w.mean()), "the mean, is subtracted for all"),
    (checks.check_log_mean_exp, lambda w: (w.exp().mean(0) + 1e-10).log(), "tiny number inside the logarithm"),
    (checks.check_log_mean_exp, lambda w: w.logsumexp(0) - math.log(6), "right at first, but for K = 9"),
    (checks.check_log_mean_exp, lambda w: w.double().exp().mean(0).log(), "use torch.logsumexp"),
    (
        checks.check_test_loss,
        lambda f, x, n: sum(f(b).sum() for b in x.split(n)) / 11,
        "right at first, but for 7 images",
    ),
    (
        checks.check_test_loss,
        lambda f, x, n: sum(f(b).sum() for b in x.split(3)) / len(x),
        "right at first.*batches of 1",
    ),
    (checks.check_test_loss, lambda f, x, n: sum(f(b).sum() for b in x.split(n)) / n, "divided by batch_size"),
    (checks.check_pixels, lambda raw: raw / raw.max() * 11 / 16, "right at first, but for pixels that reach 16"),
    (checks.check_pixels, lambda raw: raw / 16 / 255, "by 16 and by 255"),
    (checks.check_pixels, lambda raw: (raw.float() / 16).round(), "keep the grey values"),
    (checks.check_pixels, lambda raw: raw.float().sigmoid(), "sigmoid"),
    (checks.check_pixels, lambda raw: raw[:, 0] / 16, "axis of the channels"),
    (checks.check_tiles, lambda p, n: tiles_by_unfold(p, 4), "right at first"),
    (checks.check_tiles, lambda p, n: _whole(p, n).reshape(-1, 3, n, n), "scrambled|furthest off"),
    (
        checks.check_tiles,
        lambda p, n: (_whole(p, n) * 255).permute(1, 2, 0).reshape(-1, 3, n, n) / 255,
        "pixels are scrambled",
    ),
    (checks.check_tiles, lambda p, n: tiles_by_unfold(p.flip(0), n), "furthest off"),
    (checks.check_detail, lambda x: (x - x.roll(1, dims=-1)).abs().mean(dim=(1, 2, 3)), "leave that pair out"),
    (
        checks.check_detail,
        lambda x: x.diff(dim=-1).abs().sum(dim=(1, 2, 3)) / (3 * 5 * 5),
        "right at first, but for images",
    ),
    (checks.check_detail, lambda x: x.diff(dim=1).abs().mean(dim=(1, 2, 3)), "colours are compared"),
    # no gradient, or a part of it
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, e).item(), "no gradient reaches μ and σ"),
    (
        checks.check_elbo,
        lambda f, m, s, e: elbo(lambda z: f(z.detach()), m, s, e),
        "part of the gradient that should reach μ",
    ),
    (checks.check_elbo, lambda f, m, s, e: f(m + s * e).mean() - kl(m, 2 * s.log()).detach(), "part of the gradient"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s.detach(), e), "no gradient reaches σ"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, e[:6]), "right at first, but for a broad q"),
    (checks.check_elbo, no_gradient(elbo), "no gradient reaches μ and σ"),
    (checks.check_kl, lambda m, v: kl(m, v).detach(), "no gradient reaches mu and log_var"),
    (checks.check_kl, lambda m, v: kl(m.detach(), v), "no gradient reaches mu:"),
    (checks.check_kl, lambda m, v: kl(m, v.data), "no gradient reaches log_var"),
    (
        checks.check_kl,
        lambda m, v: 0.5 * (m**2 + v.detach().exp() - 1 - v),
        "part of the gradient that should reach log_var",
    ),
    (
        checks.check_kl,
        lambda m, v: 0.5 * (m.numpy() ** 2 + np.exp(v.numpy()) - 1 - v.numpy()),
        "NumPy keeps no gradients",
    ),
    (checks.check_kl, lambda m, v: torch.tensor(kl(m, v).tolist()), "no gradient reaches"),
    (checks.check_kl, lambda m, v: kl(m, v.clamp(-8, 8)), "right at first, but for .* log σ² near −12"),
    (checks.check_kl, lambda m, v: kl(m, v).mean(0), "averaged over the images"),
    (checks.check_vae_loss, lambda *a: loss(*a).item(), "no gradient reaches x_hat and mu and log_var"),
    (checks.check_vae_loss, lambda x, y, m, v, b: loss(x, y.detach(), m, v, b), "no gradient reaches x_hat"),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: error(x, y).mean() + b * kl(m, v).detach().sum(1).mean(),
        "reaches mu",
    ),
    (checks.check_vae_loss, lambda x, y, m, v, b: loss(x, y, m.detach(), v, b), "no gradient reaches mu:"),
    (checks.check_vae_loss, no_gradient(loss), "no gradient reaches x_hat"),
    (checks.check_vae_loss, lambda x, y, m, v, b: vae_loss(x, y, normal(m, v), b), "return its .total"),
    (checks.check_vae_loss, lambda x, y, m, v, b: loss(x, y, m, v, 2.7), "right at first, but for images"),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: error(x, y).mean() + b * kl(m, v).mean() * 3,
        "right at first.*latents",
    ),
    (checks.check_vae_loss, lambda x, y, m, v, b: loss(x, y, m, v, b)[None], "take the number out"),
    (checks.check_vae_loss, lambda x, y, m, v, b: error(x, y) + b * kl(m, v).sum(1), "loss of each image"),
    (checks.check_draw, lambda q: q.mean.detach() + q.stddev * torch.randn_like(q.mean), "no gradient reaches μ:"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v), kl(m, v).detach()), "in the KL, .*no gradient reaches mu"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v), kl(m, v.detach())), "in the KL, .*reaches log_var"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m.detach(), v), kl(m, v)), "in z, no gradient reaches mu"),
    (checks.check_sampler_and_kl, lambda m, v: (kl(m, v), drawn(m, v)), "swapped"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v), drawn(m, v)), "in the KL, expected"),
    # the same noise at each call, noise that is not normal, μ and σ of another entry
    (checks.check_sample, seeded(drawn), "same noise at each call"),
    (checks.check_draw, seeded(lambda q: q.rsample()), "same noise at each call"),
    (checks.check_sampler_and_kl, seeded(lambda m, v: (drawn(m, v), kl(m, v))), "in z, the same noise at each call"),
    (checks.check_sample, with_noise(signs), "a few values only"),
    (checks.check_sample, with_noise(uniform), "the noise is uniform"),
    (checks.check_sample, with_noise(laplace), "the noise is not normal"),
    (checks.check_sample, with_noise(clipped), "no tails"),
    (checks.check_sample, with_noise(twice_over), "many entries share one ε"),
    (checks.check_sample, with_noise(mirrored), "follow from each other|share one ε"),
    (checks.check_draw, of_q_with_noise(signs), "a few values only"),
    (checks.check_draw, of_q_with_noise(uniform), "the noise is uniform"),
    (checks.check_draw, of_q_with_noise(laplace), "the noise is not normal"),
    (checks.check_sampler_and_kl, lambda m, v: (with_noise(uniform)(m, v), kl(m, v)), "in z, .*the noise is uniform"),
    (checks.check_sample, lambda m, v: drawn(m.mean().expand_as(m), v), "needs its own μ"),
    (checks.check_sample, lambda m, v: drawn(m, v.mean().expand_as(v)), "not that of z"),
    (checks.check_sample, lambda m, v: m + 3 * torch.randn_like(m) + 0 * v, "no gradient reaches log_var"),
    (checks.check_draw, lambda q: q.mean.flip(0) + q.stddev * torch.randn_like(q.mean), "needs its own μ"),
]


def named(cases):
    return [f"{check.__name__} {k}" for k, (check, *_) in enumerate(cases)]


@pytest.mark.parametrize(("check", "answer"), RIGHT, ids=named(RIGHT))
def test_a_right_answer_in_another_style_passes(check, answer, capsys):
    check(answer)
    said = capsys.readouterr().out
    assert said.startswith("✓") and said.count("\n") == 1 and "None" not in said, said


@pytest.mark.parametrize(("check", "answer", "words"), WRONG, ids=named(WRONG))
def test_a_wrong_answer_is_named(check, answer, words, capsys):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        check(answer)
    said = capsys.readouterr().out
    assert said.startswith("✗") and re.search(words, said) and said.count("\n") == 1, said
    numbers = re.search(r"expected (\S+).* got (\S+)$", said)
    assert numbers is None or numbers[1] != numbers[2], said


def test_there_are_many_of_both():
    assert min(len(RIGHT), len(WRONG)) >= 100
    checked = {check for check, *_ in RIGHT}
    assert (
        checked
        == {check for check, *_ in WRONG}
        == {getattr(checks, name) for name in checks.__all__ if name.startswith("check")}
    )


def test_two_answers_that_differ_little_are_told_apart_in_print(capsys):
    checks.check_kl_of_normals(lambda a, b, c, d: kl_divergence(Normal(a, b), Normal(c, d)) * 1.0004)
    expected, place, got = re.search(
        r"expected (\S+) at (\[\d\]), .* got (\S+)$", capsys.readouterr().out.strip()
    ).groups()
    assert expected != got and place == "[1]"  # where the KL is greatest
