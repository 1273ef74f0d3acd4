"""Every check behind an exercise accepts what is right and names each mistake that it knows."""

import math
import re

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vaelib import checks, vae_loss
from vaelib.checks import yours


def variance(log_var):
    return log_var.exp()


def error(x, x_hat):
    return (x - x_hat).abs().sum(dim=(1, 2, 3))  # (B,)


def kl(mu, log_var):
    return 0.5 * (mu**2 + variance(log_var) - 1 - log_var)  # (B, D)


def line(a, b, n):
    return torch.lerp(a, b, torch.linspace(0, 1, n)[:, None])


def elbo(f, m, s, e):
    return f(m + s * e).mean() - kl_to_prior(m, s)


def kl_to_prior(m, s):
    return 0.5 * (m**2 + s**2 - 1) - s.log()


def of_normals(mq, sq, mp, sp):
    return put((sp / sq).log(), sq**2 + (mq - mp) ** 2, 2 * sp**2)


def put(logarithm, above, below):
    return logarithm + above / below - 0.5


def log_ratio(q, p, z):
    return q.log_prob(z) - p.log_prob(z)


def difference(q, p, z):
    return q.log_prob(z).exp() - p.log_prob(z).exp()


def traversal(z, j, values):
    rows = z.repeat(len(values), 1)
    rows[:, j] = values
    return rows


def traversal_in_place(z, j, values):
    rows = []
    for value in values:
        z[j] = value
        rows.append(z.clone())
    return torch.stack(rows)


def traversal_of_one_tensor(z, j, values):
    rows = []
    for value in values:
        z[j] = value
        rows.append(z)
    return torch.stack(rows)


def variances(weight, sigma):
    return sigma**2 @ weight.T**2  # (B, K)


def first_batch(loss_of, x, n):
    for batch in x.split(n):
        return loss_of(batch)


def last_batch(loss_of, x, n):
    return loss_of(x.split(n)[-1])


def batch_means(loss_of, x, n):
    return torch.stack([loss_of(batch).mean() for batch in x.split(n)])


def each_image(loss_of, x, n):
    return torch.cat([loss_of(batch) for batch in x.split(n)])


def drawn(mu, log_sigma):
    return mu + log_sigma.exp() * noise(mu)


STANDARD = Normal(0.0, 1.0, validate_args=False)
quantiles = STANDARD.icdf


def tiles(photo, size):
    x = photo.permute(2, 0, 1) / 255
    tops, lefts = range(0, x.shape[1] - size + 1, size), range(0, x.shape[2] - size + 1, size)
    return torch.stack([x[:, i : i + size, j : j + size] for i in tops for j in lefts])


def side_by_side(images):
    return images[..., 1:] - images[..., :-1]


def noise(mu):
    return torch.randn(mu.shape)


RIGHT = {
    checks.check_numbers_in: lambda image: image.numel(),
    checks.check_reconstruction: lambda x, y: error(x, y).mean(),
    checks.check_interpolation: line,
    checks.check_posterior_on_grid: lambda lj, z: torch.softmax(lj, 0) / (z[1] - z[0]),
    checks.check_elbo: elbo,
    checks.check_sample: lambda m, v: m + (0.5 * v).exp() * noise(m),
    checks.check_kl: kl,
    checks.check_vae_loss: lambda x, y, m, v, beta: (error(x, y) + beta * kl(m, v).sum(dim=1)).mean(),
    checks.check_kl_by_samples: lambda q, p, n: log_ratio(q, p, q.sample((n,))).mean(),
    checks.check_kl_of_normals: of_normals,
    checks.check_collapsed: lambda kl: (kl.mean(dim=0) < 0.01).sum(),
    checks.check_effective_beta: lambda pixels, latents, weight: weight * pixels / latents,
    checks.check_traversal: traversal,
    checks.check_push_forward: lambda w, s: variances(w, s).sqrt(),
    checks.check_draw: lambda q: q.rsample(),
    checks.check_sampler_and_kl: lambda m, v: (drawn(m, 0.5 * v), kl(m, v)),
    checks.check_test_loss: lambda loss_of, x, n: each_image(loss_of, x, n).mean().item(),
    checks.check_pixels: lambda raw: raw / 16,
    checks.check_prior_quantiles: lambda n: quantiles((torch.arange(n) + 0.5) / n),
    checks.check_log_mean_exp: lambda w: torch.logsumexp(w, dim=0) - math.log(len(w)),
    checks.check_tiles: tiles,
    checks.check_detail: lambda x: side_by_side(x).abs().mean(dim=(1, 2, 3)),
}

# check, what a student might write, what the check says about it
MISTAKES = [
    (checks.check_numbers_in, lambda image: image.shape[1] * image.shape[2], "three colours"),
    (checks.check_numbers_in, lambda image: len(image), "number of colours"),
    (checks.check_numbers_in, lambda image: sum(image.shape), "they multiply"),
    (checks.check_reconstruction, lambda x, y: (x - y).abs().mean(), "averaged over the pixels"),
    (checks.check_reconstruction, lambda x, y: error(x, y).mean() / 3, "three colours"),
    (checks.check_reconstruction, lambda x, y: (x - y).abs().sum(), "divide by their number"),
    (checks.check_reconstruction, lambda x, y: (x - y).sum() / len(x), "signs cancel"),
    (checks.check_reconstruction, lambda x, y: (x - y).sum().abs() / len(x), "sum of absolute values"),
    (checks.check_reconstruction, lambda x, y: (x - y).square().sum() / len(x), "you squared"),
    (checks.check_reconstruction, lambda x, y: error(x, y), "one number for each image"),
    (checks.check_interpolation, lambda a, b, n: line(b, a, n), "wrong way"),
    (checks.check_interpolation, lambda a, b, n: line(a, b, n).T, "one code for each row"),
    (checks.check_interpolation, lambda a, b, n: line(a, b, n + 1)[:n], "stops before h_b"),
    (checks.check_interpolation, lambda a, b, n: a + torch.linspace(0, 1, n)[:, None] * b, "keep all of h_a"),
    (checks.check_posterior_on_grid, lambda lj, z: lj.exp() / lj.exp().sum(), "there is NaN"),
    (checks.check_posterior_on_grid, lambda lj, z: lj.exp(), "only zeros"),
    (checks.check_posterior_on_grid, lambda lj, z: torch.softmax(lj, 0), "its sum is 1"),
    (checks.check_posterior_on_grid, lambda lj, z: torch.softmax(lj, 0) * (z[1] - z[0]), "you multiplied by the step"),
    (checks.check_posterior_on_grid, lambda lj, z: (lj - lj.max()).exp(), "its top is 1"),
    (checks.check_posterior_on_grid, lambda lj, z: torch.log_softmax(lj, 0) - (z[1] - z[0]).log(), "take exp"),
    (checks.check_posterior_on_grid, lambda lj, z: lj / (lj.sum() * (z[1] - z[0])), "normalised the logarithms"),
    (checks.check_posterior_on_grid, lambda lj, z: torch.softmax(lj, 0) / 0.005, "your area is|yours is 4"),
    (checks.check_posterior_on_grid, lambda lj, z: torch.softmax(lj - z**2 / 2, 0) / (z[1] - z[0]), "counts twice"),
    (
        checks.check_elbo,
        lambda f, m, s, e: (f(m + s * e) - Normal(m, s).log_prob(m + s * e) + Normal(0, 1).log_prob(m + s * e)).mean(),
        "closed form",
    ),
    (checks.check_elbo, lambda f, m, s, e: -elbo(f, m, s, e), "this is the loss"),
    (checks.check_elbo, lambda f, m, s, e: f(m + s * e).mean() + kl_to_prior(m, s), "the KL is a cost"),
    (checks.check_elbo, lambda f, m, s, e: f(m + s * e).mean(), "the KL to the prior is missing"),
    (checks.check_elbo, lambda f, m, s, e: -kl_to_prior(m, s), "only the KL to the prior"),
    (checks.check_elbo, lambda f, m, s, e: f(m + s * e).sum() - kl_to_prior(m, s), "summed over the samples"),
    (checks.check_elbo, lambda f, m, s, e: f(m) - kl_to_prior(m, s), "noise is never used"),
    (checks.check_elbo, lambda f, m, s, e: f(m + s**2 * e).mean() - kl_to_prior(m, s), "spread it by σ²"),
    (checks.check_elbo, lambda f, m, s, e: f(e).mean() - kl_to_prior(m, s), "ε is not z"),
    (checks.check_elbo, lambda f, m, s, e: f(m + s * e).exp().mean().log() - kl_to_prior(m, s), "logarithm last"),
    (checks.check_elbo, lambda f, m, s, e: f(m + s * e).mean() - kl_to_prior(m, s) + (s**2 - s) / 2, "not σ, in its"),
    (checks.check_elbo, lambda f, m, s, e: f(m + s * e).mean() - kl_to_prior(m, s) - s.log() / 2, "2 log σ"),
    (checks.check_sample, lambda m, v: m.long(), "real numbers"),
    (checks.check_sample, lambda m, v: m, "no noise"),
    (checks.check_sample, lambda m, v: m + (0.5 * v).exp() * noise(m[:1]), "all images share one ε"),
    (checks.check_sample, lambda m, v: m + (0.5 * v).exp() * torch.tensor([0.5, 0.502]), "all images share one ε"),
    (checks.check_sample, lambda m, v: m + (0.5 * v).exp() * noise(m[:1, :1]), "one ε for all entries"),
    (checks.check_sample, lambda m, v: m + (0.5 * v).exp() * noise(m[:, :1]), "all latents of an image share one ε"),
    (checks.check_sample, lambda m, v: m + v.exp() * noise(m), "σ², not σ"),
    (checks.check_sample, lambda m, v: m + v * noise(m), "log σ²: take"),
    (checks.check_sample, lambda m, v: m + (-0.5 * v).exp() * noise(m), "1/σ"),
    (checks.check_sample, lambda m, v: m + (0.25 * v).exp() * noise(m), "√σ"),
    (checks.check_sample, lambda m, v: m + noise(m), "multiply ε by σ"),
    (checks.check_sample, lambda m, v: m + (0.5 * v).exp() * torch.rand_like(m), "uniform"),
    (checks.check_sample, lambda m, v: (0.5 * v).exp() * noise(m), "should average 5"),
    (checks.check_sample, lambda m, v: torch.normal(m, (0.5 * v).exp()).detach(), "no gradient"),
    (checks.check_sample, lambda m, v: m.detach() + (0.5 * v).exp() * noise(m), "reaches mu"),
    (checks.check_sample, lambda m, v: m + (0.5 * v).exp().detach() * noise(m), "reaches log_var"),
    (checks.check_kl, lambda m, v: -kl(m, v), "never negative"),
    (checks.check_kl, lambda m, v: 2 * kl(m, v), "whole bracket"),
    (checks.check_kl, lambda m, v: kl(m, v) / 2, "one ½ too many"),
    (checks.check_kl, lambda m, v: kl(m, 2 * v), "log σ where log σ² is expected"),
    (checks.check_kl, lambda m, v: 0.5 * (m**2 + (v / 2).exp() - 1 - v), "σ stands where σ²"),
    (checks.check_kl, lambda m, v: 0.5 * (m**2 + v.exp() - 1 + v), "sign of log σ²"),
    (checks.check_kl, lambda m, v: 0.5 * (m**2 + v - 1 - v.log()), "logarithm already"),
    (checks.check_kl, lambda m, v: 0.5 * (m**2 + v.exp() - v), "−1 is missing"),
    (checks.check_kl, lambda m, v: 0.5 * (m + v.exp() - 1 - v), "squared"),
    (checks.check_kl, lambda m, v: m**2 + v.exp() - 1 - 0.5 * v, "last bracket"),
    (checks.check_kl, lambda m, v: kl(m, v).sum(dim=1), "summed over the latents"),
    (checks.check_kl, lambda m, v: kl(m, v).sum(), "summed over everything"),
    (checks.check_kl, lambda m, v: kl(m, v).mean(), "averaged over everything"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (error(x, y) + kl(m, v).sum(1)).mean(), "never used"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (b * error(x, y) + kl(m, v).sum(1)).mean(), "on the reconstruction"),
    (checks.check_vae_loss, lambda x, y, m, v, b: b * (error(x, y) + kl(m, v).sum(1)).mean(), "both terms"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (error(x, y) - b * kl(m, v).sum(1)).mean(), "subtracted"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (x - y).abs().mean() + b * kl(m, v).sum() / 5, "mean over pixels:"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (error(x, y) + b * kl(m, v).mean(1)).mean(), "mean over latents:"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (x - y).abs().mean() + b * kl(m, v).mean(), "sum over both"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (error(x, y) + b * kl(m, v).sum(1)).sum(), "average over them"),
    (checks.check_vae_loss, lambda x, y, m, v, b: error(x, y).mean() + b * kl(m, v).sum(), "summed over the images"),
    (checks.check_vae_loss, lambda x, y, m, v, b: error(x, y).sum() + b * kl(m, v).sum(1).mean(), "KL averaged"),
    (checks.check_vae_loss, lambda x, y, m, v, b: error(x, y).mean(), "KL term is missing"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (error(x, y) + b * kl(m, 2 * v).sum(1)).mean(), "KL: .* log σ"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (error(x, y) + 2 * b * kl(m, v).sum(1)).mean(), "in the KL: twice"),
    (checks.check_vae_loss, lambda x, y, m, v, b: ((x - y) ** 2).sum() / 5 + b * kl(m, v).sum(1).mean(), "squared"),
    (checks.check_kl_by_samples, lambda q, p, n: log_ratio(q, p, q.sample((1000,))).mean(), "follow n"),
    (checks.check_kl_by_samples, lambda q, p, n: -log_ratio(q, p, q.sample((n,))).mean(), "sign is turned"),
    (checks.check_kl_by_samples, lambda q, p, n: log_ratio(q, p, p.sample((n,))).mean(), "samples come from p"),
    (checks.check_kl_by_samples, lambda q, p, n: log_ratio(p, q, p.sample((n,))).mean(), r"this is KL\(p ‖ q\)"),
    (checks.check_kl_by_samples, lambda q, p, n: log_ratio(q, p, q.sample((n,))).sum(), "take their mean"),
    (checks.check_kl_by_samples, lambda q, p, n: log_ratio(q, p, q.sample((n,))), "n log ratios"),
    (checks.check_kl_by_samples, lambda q, p, n: log_ratio(q, p, q.sample((n, 2))).mean(0), "single number"),
    (checks.check_kl_by_samples, lambda q, p, n: torch.distributions.kl_divergence(q, p), "exact value"),
    (checks.check_kl_by_samples, lambda q, p, n: difference(q, p, q.sample((n,))).mean(), "without exp"),
    (checks.check_kl_by_samples, lambda q, p, n: log_ratio(q, p, q.sample((n,))).exp().mean(), "mean of the ratio"),
    (checks.check_kl_by_samples, lambda q, p, n: log_ratio(q, p, q.sample((n,))).exp().mean().log(), "the mean ratio"),
    (checks.check_kl_by_samples, lambda q, p, n: q.log_prob(q.sample((n,))).mean(), "only log q"),
    (checks.check_kl_by_samples, lambda q, p, n: p.log_prob(q.sample((n,))).mean(), "only log p"),
    (checks.check_kl_by_samples, lambda q, p, n: log_ratio(q, p, q.sample()), "do you draw n samples"),
    (checks.check_kl_by_samples, lambda q, p, n: 3 + torch.rand(()) / 100, "should be near 1.44"),
    (
        checks.check_kl_of_normals,
        lambda m, s, n, t: torch.log(t / s) + (s**2 + (m - n) ** 2) / 2 * t**2 - 0.5,
        "brackets",
    ),
    (checks.check_kl_of_normals, lambda a, b, c, d: of_normals(c, d, a, b), "other direction"),
    (checks.check_kl_of_normals, lambda a, b, c, d: -of_normals(a, b, c, d), "never negative"),
    (checks.check_kl_of_normals, lambda a, b, c, d: of_normals(a, b, c, d) + 0.5, "−½ is missing"),
    (checks.check_kl_of_normals, lambda a, b, c, d: put((b / d).log(), b**2 + (a - c) ** 2, 2 * d**2), "upside down"),
    (checks.check_kl_of_normals, lambda a, b, c, d: put(0, b**2 + (a - c) ** 2, 2 * d**2), "logarithm is missing"),
    (checks.check_kl_of_normals, lambda a, b, c, d: put(2 * (d / b).log(), b**2 + (a - c) ** 2, 2 * d**2), "needs a ½"),
    (checks.check_kl_of_normals, lambda a, b, c, d: put((d / b).log(), b + (a - c) ** 2, 2 * d), "above and below"),
    (checks.check_kl_of_normals, lambda a, b, c, d: put((d / b).log(), b + (a - c) ** 2, 2 * d**2), "the numerator"),
    (checks.check_kl_of_normals, lambda a, b, c, d: put((d / b).log(), b**2 + (a - c) ** 2, 2 * d), "the denominator"),
    (checks.check_kl_of_normals, lambda a, b, c, d: put((d / b).log(), b**2 + (a - c) ** 2, d**2), "lacks its ½"),
    (checks.check_kl_of_normals, lambda a, b, c, d: put((d / b).log(), b**2 + a - c, 2 * d**2), "must be squared"),
    (checks.check_kl_of_normals, lambda a, b, c, d: put((d / b).log(), (a - c) ** 2, 2 * d**2), "σ_q² is missing"),
    (checks.check_kl_of_normals, lambda a, b, c, d: of_normals(a, b, 0 * c, d / d), "taken for N"),
    (checks.check_kl_of_normals, lambda a, b, c, d: 2 * of_normals(a, b, c, d), "twice too large"),
    (checks.check_kl_of_normals, lambda a, b, c, d: of_normals(a, b, c, d).sum(), "you summed"),
    (checks.check_kl_of_normals, lambda a, b, c, d: of_normals(a, b, c, d).mean(), "you averaged"),
    (checks.check_collapsed, lambda kl: (kl.mean(dim=0) >= 0.01).sum(), "alive"),
    (checks.check_collapsed, lambda kl: (kl < 0.01).all(dim=0).sum(), "on every image"),
    (checks.check_collapsed, lambda kl: (kl < 0.01).any(dim=0).sum(), "a single image"),
    (checks.check_collapsed, lambda kl: (kl.sum(dim=0) < 0.01).sum(), "you summed"),
    (checks.check_collapsed, lambda kl: (kl < 0.01).sum(), "pairs of an image and a latent"),
    (checks.check_collapsed, lambda kl: (kl.mean(dim=1) < 0.01).sum(), "counted images"),
    (checks.check_collapsed, lambda kl: (kl.mean(dim=0) < 0.01).float().mean(), "the share"),
    (checks.check_collapsed, lambda kl: (kl.mean() < 0.01).sum(), "averaged over everything"),
    (checks.check_collapsed, lambda kl: kl.mean(dim=0) < 0.01, "which latents"),
    (checks.check_effective_beta, lambda pixels, latents, weight: weight * latents / pixels, "upside down"),
    (checks.check_effective_beta, lambda pixels, latents, weight: weight * pixels, "mean over latents is forgotten"),
    (checks.check_effective_beta, lambda pixels, latents, weight: weight / latents, "mean over pixels is forgotten"),
    (checks.check_effective_beta, lambda pixels, latents, weight: weight * pixels * latents, "against each other"),
    (checks.check_effective_beta, lambda pixels, latents, weight: pixels / latents, "weight is forgotten"),
    (checks.check_effective_beta, lambda pixels, latents, weight: pixels / latents / weight, "multiply by it"),
    (checks.check_effective_beta, lambda pixels, latents, weight: weight, "only for sums"),
    (checks.check_traversal, lambda z, j, v: traversal(z, j, z[j] + v), "you added the values to latent j"),
    (checks.check_traversal, lambda z, j, v: traversal(z, j, z[j] * v), "multiplied"),
    (checks.check_traversal, lambda z, j, v: traversal(z, j - 1, v), "column j − 1"),
    (checks.check_traversal, lambda z, j, v: traversal(z, j + 1, v), r"column j \+ 1"),
    (checks.check_traversal, lambda z, j, v: v[:, None].repeat(1, len(z)), "changed every latent"),
    (checks.check_traversal, lambda z, j, v: z + v[:, None], "added the values to every latent"),
    (checks.check_traversal, lambda z, j, v: traversal(torch.zeros_like(z), j, v), "other latents are 0"),
    (checks.check_traversal, traversal_in_place, "changed z itself"),
    (checks.check_traversal, traversal_of_one_tensor, "all rows hold the last value"),
    (checks.check_traversal, lambda z, j, v: traversal(z, j, v).T, "one point for each row"),
    (checks.check_traversal, lambda z, j, v: traversal(z, j, v.flip(0)), "backwards"),
    (checks.check_push_forward, variances, "take its root"),
    (checks.check_push_forward, lambda w, s: (s**2 @ w.T).sqrt(), "weights must be squared"),
    (checks.check_push_forward, lambda w, s: (s**2 @ w.T.abs()).sqrt(), "absolute weights"),
    (checks.check_push_forward, lambda w, s: (s @ w.T**2).sqrt(), "σ must be squared"),
    (checks.check_push_forward, lambda w, s: s @ w.T, "signs let the widths cancel"),
    (checks.check_push_forward, lambda w, s: s @ w.T.abs(), "always erred together"),
    (checks.check_push_forward, lambda w, s: s @ w.T**2, "square σ as well"),
    (checks.check_push_forward, lambda w, s: (variances(w, s) / w.shape[1]).sqrt(), "averaged over the latents"),
    (checks.check_push_forward, lambda w, s: variances(w, s).sum(dim=1).sqrt(), "summed over the attributes"),
    (checks.check_push_forward, lambda w, s: variances(w, s).sqrt().T, "one row for each image"),
    (checks.check_sample, lambda m, v: torch.normal(m, (0.5 * v).exp()), "no gradient reaches mu"),
    (checks.check_draw, lambda q: q.sample(), r"no gradient reaches μ and σ: q\.rsample"),
    (checks.check_draw, lambda q: q.rsample().detach(), "no gradient reaches μ and σ"),
    (checks.check_draw, lambda q: torch.normal(q.mean, q.stddev), "no gradient reaches μ"),
    (checks.check_draw, lambda q: q.mean + q.stddev.detach() * noise(q.mean), "no gradient reaches σ"),
    (checks.check_draw, lambda q: q.mean, r"add σ times torch.randn_like\(q.mean\)"),
    (checks.check_draw, lambda q: q.mean + q.variance * noise(q.mean), "q.variance stands"),
    (checks.check_draw, lambda q: q.mean + q.stddev.log() * noise(q.mean), "take no logarithm"),
    (checks.check_draw, lambda q: q.mean + q.stddev.exp() * noise(q.mean), "take no exponential"),
    (checks.check_draw, lambda q: q.mean + (q.stddev / 2).exp() * noise(q.mean), r"exp\(½ σ\)"),
    (checks.check_draw, lambda q: q.mean + noise(q.mean), "multiply ε by σ"),
    (checks.check_draw, lambda q: q.mean + q.stddev * noise(q.mean[:1]), "all images share one ε"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v), kl(m, v)), "charges for σ, but z is drawn with σ²"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v), kl(m, 2 * v)), "both read the argument as log σ"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v / 2), kl(m, 2 * v)), "z is right, but the KL"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v), 2 * kl(m, v)), "in z, the spread is σ²"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v / 4), kl(m, v)), "in z, the spread is √σ"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v / 2).detach(), kl(m, v)), "in z, no gradient"),
    (checks.check_sampler_and_kl, lambda m, v: (m.long(), kl(m, v)), "in z, z should hold real numbers"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v / 2), kl(m, v) / 2), "in the KL, half"),
    (checks.check_sampler_and_kl, lambda m, v: (drawn(m, v / 2), kl(m, v).sum(1)), r"should have shape \(40000, 2\)"),
    (checks.check_sampler_and_kl, lambda m, v: drawn(m, v / 2), "return z, kl"),
    (checks.check_test_loss, lambda f, x, n: first_batch(f, x, n).sum() / len(x), "first.*number of all images: does"),
    (checks.check_test_loss, lambda f, x, n: first_batch(f, x, n).mean() / 3, "first.*number of all batches"),
    (checks.check_test_loss, lambda f, x, n: first_batch(f, x, n).mean() / len(x), "first.*and over all images"),
    (checks.check_test_loss, lambda f, x, n: first_batch(f, x, n).mean(), "first batch in it, averaged: does"),
    (checks.check_test_loss, lambda f, x, n: first_batch(f, x, n).sum(), "first batch in it, summed up"),
    (checks.check_test_loss, lambda f, x, n: last_batch(f, x, n).mean(), "last batch in it: add up"),
    (checks.check_test_loss, lambda f, x, n: last_batch(f, x, n).sum() / len(x), "last batch in it, divided"),
    (checks.check_test_loss, lambda f, x, n: batch_means(f, x, n).mean(), "mean of the batches' means"),
    (checks.check_test_loss, lambda f, x, n: each_image(f, x[:8], n).mean(), "smaller batch is left out$"),
    (checks.check_test_loss, lambda f, x, n: each_image(f, x[:8], n).sum() / len(x), "though its images are counted"),
    (checks.check_test_loss, lambda f, x, n: each_image(f, x, n).sum(), "this is the sum over the images"),
    (checks.check_test_loss, lambda f, x, n: batch_means(f, x, n).sum(), "sum of the batches' means"),
    (checks.check_test_loss, lambda f, x, n: batch_means(f, x, n).sum() / len(x), "you added up means"),
    (checks.check_test_loss, lambda f, x, n: each_image(f, x, n).sum() / 3, "number of batches, not of images"),
    (checks.check_test_loss, lambda f, x, n: f(x).mean(), "11 images went through at once"),
    (checks.check_test_loss, lambda f, x, n: sum(f(image) for image in x) / 11, "takes a batch of images"),
    (checks.check_pixels, lambda raw: raw.float().clamp(0, 1), "rather than clip"),
    (checks.check_pixels, lambda raw: (raw > 0).float(), "rather than clip"),
    (
        checks.check_test_loss,
        lambda f, x, size: sum(f(batch).mean() * size for batch in x.split(size)) / len(x),
        "multiply its mean by len",
    ),
    (checks.check_pixels, lambda raw: raw.float(), "still the raw numbers"),
    (checks.check_pixels, lambda raw: raw / 255, "divided by 255"),
    (checks.check_pixels, lambda raw: raw / 256, "divided by 256"),
    (checks.check_pixels, lambda raw: raw / 15, "divided by 15"),
    (checks.check_pixels, lambda raw: raw / 17, "divided by 17"),
    (checks.check_pixels, lambda raw: raw / raw.max(), "divided by the largest value of this batch"),
    (checks.check_pixels, lambda raw: raw / raw.amax(dim=(1, 2, 3), keepdim=True), "each image's own maximum"),
    (checks.check_pixels, lambda raw: raw // 16, "with /, not //"),
    (checks.check_pixels, lambda raw: (raw > 8).float(), "black and white: keep"),
    (checks.check_pixels, lambda raw: 1 - raw / 16, "are exchanged"),
    (checks.check_pixels, lambda raw: raw / 8 - 1, r"mapped to \[-1, 1\]"),
    (checks.check_pixels, lambda raw: (raw.float() - raw.float().mean()) / raw.float().std(), "standardised"),
    (checks.check_pixels, lambda raw: raw.double() / 16, "torch.float64; the weights"),
    (checks.check_prior_quantiles, lambda n: (torch.arange(n) + 0.5) / n, "turn them into z"),
    (checks.check_prior_quantiles, lambda n: STANDARD.cdf((torch.arange(n) + 0.5) / n), "here it is icdf"),
    (checks.check_prior_quantiles, lambda n: quantiles(torch.linspace(0, 1, n)), r"run from 0 to 1"),
    (checks.check_prior_quantiles, lambda n: quantiles(torch.arange(n) / n), "lower ends"),
    (checks.check_prior_quantiles, lambda n: quantiles(torch.arange(1, n + 1) / n), "upper ends"),
    (checks.check_prior_quantiles, lambda n: quantiles(torch.arange(1, n + 1) / (n + 1)), "borders"),
    (checks.check_prior_quantiles, lambda n: torch.linspace(*quantiles(torch.tensor([0.5, n - 0.5]) / n), n), "evenly"),
    (checks.check_prior_quantiles, lambda n: torch.linspace(-1, 1, n), "from −1 to 1"),
    (checks.check_prior_quantiles, lambda n: torch.linspace(-2, 2, n), "from −2 to 2"),
    (checks.check_prior_quantiles, lambda n: torch.linspace(-3, 3, n), "from −3 to 3"),
    (checks.check_prior_quantiles, lambda n: quantiles((torch.arange(n) + 0.5) / n).flip(0), "backwards"),
    (checks.check_log_mean_exp, lambda w: w.mean(dim=0), "mean of the logs"),
    (checks.check_log_mean_exp, lambda w: w.logsumexp(0), "log of the sum"),
    (checks.check_log_mean_exp, lambda w: w.logsumexp(0) - len(w), "subtracted K"),
    (checks.check_log_mean_exp, lambda w: w.logsumexp(0) + math.log(len(w)), "added log K"),
    (checks.check_log_mean_exp, lambda w: w.logsumexp(0) / len(w), "divided the log"),
    (checks.check_log_mean_exp, lambda w: w.logsumexp(1) - math.log(w.shape[1]), "wrong axis"),
    (checks.check_log_mean_exp, lambda w: w.logsumexp(0) - math.log(w.shape[1]), "number of images"),
    (checks.check_log_mean_exp, lambda w: w.max(dim=0).values, "largest"),
    (checks.check_log_mean_exp, lambda w: w.exp().mean(dim=0).log(), "logsumexp"),
    (checks.check_log_mean_exp, lambda w: (w.logsumexp(0) - math.log(len(w))).mean(), "averaged over the images"),
    (checks.check_tiles, lambda p, n: tiles(p, n) * 255, "divide by 255"),
    (checks.check_tiles, lambda p, n: tiles(p, n) * 255 / 256, "largest byte is 255"),
    (checks.check_tiles, lambda p, n: tiles(p, n).permute(0, 2, 3, 1), "colours stand last"),
    (checks.check_tiles, lambda p, n: tiles(p, n).transpose(2, 3), "rows and columns of the pixels"),
    (checks.check_tiles, lambda p, n: 2 * tiles(p, n) - 1, r"mapped to \[-1, 1\]"),
    (checks.check_tiles, lambda p, n: tiles(p, n)[:1], "first tile alone$"),
    (checks.check_tiles, lambda p, n: tiles(p, n).flip(1), "red and blue"),
    (checks.check_tiles, lambda p, n: tiles(p, n).double(), "torch.float64; the weights"),
    (checks.check_detail, lambda x: side_by_side(x).mean(dim=(1, 2, 3)), "signs cancel"),
    (checks.check_detail, lambda x: side_by_side(x).square().mean(dim=(1, 2, 3)), "you squared"),
    (checks.check_detail, lambda x: side_by_side(x).abs().sum(dim=(1, 2, 3)), "you summed over the pixels"),
    (checks.check_detail, lambda x: side_by_side(x).abs().mean(), "keep one for each"),
    (checks.check_detail, lambda x: side_by_side(x.transpose(2, 3)).abs().mean(dim=(1, 2, 3)), "one above the other"),
    (checks.check_detail, lambda x: x.std(dim=(1, 2, 3)), "the spread of the pixels"),
]  # fmt: skip


@pytest.mark.parametrize("check", RIGHT, ids=lambda check: check.__name__)
def test_a_right_answer_passes(check, capsys):
    check(RIGHT[check])
    said = capsys.readouterr().out
    assert said.startswith("✓") and "None" not in said and len(said) > 20, said


@pytest.mark.parametrize(("check", "answer", "named"), MISTAKES, ids=[f"{c.__name__}: {n}" for c, _, n in MISTAKES])
def test_a_mistake_is_named(check, answer, named, capsys):
    with torch.random.fork_rng():  # or, once in 250 runs, two ε of an answer are so near that they pass for one
        torch.manual_seed(0)
        check(answer)
    said = capsys.readouterr().out
    assert said.startswith("✗") and re.search(named, said), said


@pytest.mark.parametrize("check", RIGHT, ids=lambda check: check.__name__)
def test_every_check_knows_at_least_three_mistakes(check):
    assert sum(known is check for known, _, _ in MISTAKES) >= 3


@pytest.mark.parametrize("check", RIGHT, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda *a: ..., "○"),
        (lambda *a: None, "✗ not yet: your function returns nothing"),
        (lambda *a: 1 / 0, "✗ not yet: your function stopped with ZeroDivisionError"),
        (lambda *a: "text", "✗ not yet: the result should be a tensor"),
        (lambda *a: torch.zeros(7, 7, 7), "✗ not yet: the result should have shape"),
    ],
    ids=["stub", "None", "raises", "text", "shape"],
)
def test_whatever_is_written_a_check_answers_in_one_line(check, answer, said, capsys):
    check(answer)
    out = capsys.readouterr().out
    assert out.startswith(said) and out.count("\n") == 1, out


def test_yours_takes_an_answer_that_is_right_and_the_courses_for_all_others(capsys):
    def sample(mu, log_var):
        return mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)

    assert yours(sample) is sample and capsys.readouterr().out == "sample: yours\n"

    def kl(mu, log_var):
        return 0.5 * (mu**2 + log_var.exp() - log_var)  # the −1 is lost

    course = yours(kl)
    assert course is not kl and "the course's" in capsys.readouterr().out
    mu, log_var = torch.randn(2, 4, 3)
    right = kl_divergence(Normal(mu, (0.5 * log_var).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(course(mu, log_var), right)

    def loss_of_the_course(x, x_hat, mu, log_var, beta):
        return ...

    x, x_hat = torch.rand(2, 4, 3, 8, 8)
    expected = (x - x_hat).abs().sum(dim=(1, 2, 3)).mean() + 2 * right.sum(dim=1).mean()
    leaves = [values.clone().requires_grad_() for values in (x_hat, mu, log_var)]
    loss = yours(loss_of_the_course)(x, *leaves, 2.0)
    torch.testing.assert_close(loss.detach(), expected)
    gradients = torch.autograd.grad(loss, leaves)
    vaelibs = vae_loss(x, leaves[0], Normal(leaves[1], (0.5 * leaves[2]).exp()), beta=2.0).total
    torch.testing.assert_close(gradients, torch.autograd.grad(vaelibs, leaves))
    with pytest.raises(TypeError, match="one of the exercises sample, kl"):
        yours(print)
