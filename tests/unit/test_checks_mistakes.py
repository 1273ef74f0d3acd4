"""The rarer mistakes that a check knows: each is made here once, and must be called by its name."""

import math
import re

import pytest
import torch
from torch.distributions import Normal

from vaelib import checks

STANDARD = Normal(0.0, 1.0)


def kl(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)


def error(x, x_hat):
    return (x - x_hat).abs().sum(dim=(1, 2, 3))  # (B,)


def loss_with(kl_of):
    """The loss of the course, with another KL in it."""
    return lambda x, x_hat, mu, log_var, beta: (error(x, x_hat) + beta * kl_of(mu, log_var).sum(1)).mean()


def elbo(f, mu, sigma, rebuilt, of_kl=None):
    exact = 0.5 * (mu**2 + sigma**2 - 1) - sigma.log()
    return rebuilt - (exact if of_kl is None else of_kl(exact))


def angle(a, b):
    return torch.acos(a @ b / a.norm() / b.norm())


def points(z, column, rows):
    table = z.repeat(len(rows), 1)
    table[:, column] = rows
    return table


def middles(n):
    return (torch.arange(n).double() + 0.5) / n


def icdf(p):
    return Normal(torch.tensor(0.0).double(), 1.0).icdf(p)


def borders(n):
    return icdf(torch.arange(n + 1).double() / n)


def averages_of_slices(n):
    height = STANDARD.log_prob(borders(n)).exp()
    return n * (height[:-1] - height[1:])


def whole(photo, size):
    """Colours first, without what fills no tile."""
    rows, columns = photo.shape[0] // size * size, photo.shape[1] // size * size
    return (photo[:rows, :columns] / 255).permute(2, 0, 1)


def tiles(photo, size, step=None, by_columns=False):
    values = whole(photo, size).unfold(1, size, step or size).unfold(2, size, step or size)  # (3, rows, columns, s, s)
    order = (2, 1, 0, 3, 4) if by_columns else (1, 2, 0, 3, 4)
    return values.permute(*order).reshape(-1, 3, size, size)


def stretched(raw, least, most):
    return (raw.float() - least) / (most - least)


def standardised(raw):
    return (raw.float() - raw.float().mean()) / raw.float().std(unbiased=False)


def per_image(raw, extreme):
    return getattr(raw.float(), extreme)(dim=(1, 2, 3), keepdim=True)


def losses_of(f, x, n):
    return torch.cat([f(batch) for batch in x.split(n)])


def widths(weight, sigma):
    return (sigma**2 @ weight.T**2).sqrt()


IN_THE_KL = {
    "the sign is turned round": lambda m, v: -kl(m, v),
    "there is one ½ too many": lambda m, v: 0.5 * kl(m, v),
    "without a ½": lambda m, v: 0.5 * (m**2 + (0.5 * v).exp() - 1 - v),
    "the sign of log σ² is turned round": lambda m, v: 0.5 * (m**2 + v.exp() - 1 + v),
    "don't take it for σ$": lambda m, v: 0.5 * (m**2 + v**2 - 1 - 2 * v.abs().log()),
    "it is subtracted once": lambda m, v: 0.5 * (m**2 + v.exp() - 1 - 2 * v),
    "log_var stands where it should": lambda m, v: 0.5 * (m**2 + v - 1 - v),
    "nothing keeps σ away from 0": lambda m, v: 0.5 * (m**2 + v.exp() - 1),
    "μ is missing": lambda m, v: 0.5 * (v.exp() - 1 - v),
    "σ² is missing": lambda m, v: 0.5 * (m**2 - 1 - v),
    "the −1 is missing": lambda m, v: kl(m, v) + 0.5,
    "the sign of the 1 is turned round": lambda m, v: kl(m, v) + 1,
    "μ must be squared": lambda m, v: 0.5 * (m + v.exp() - 1 - v),
    "|μ| is not μ²": lambda m, v: 0.5 * (m.abs() + v.exp() - 1 - v),
    "σ² must be squared no more": lambda m, v: 0.5 * (m**2 + v.exp() ** 2 - 1 - v),
    "the other direction": lambda m, v: 0.5 * ((1 + m**2) / v.exp() - 1 + v),
    "only the last bracket got its ½": lambda m, v: m**2 + v.exp() - 1 - 0.5 * v,
}


def changed_in_place(mu, log_var):
    half = log_var.exp()
    half += mu**2
    half -= 1 + log_var
    return 0.5 * half


def drawn_in_place(mu, log_var):
    z = torch.exp(0.5 * log_var)
    z *= torch.randn_like(z)
    z += mu
    return z


MISTAKES = [
    *((checks.check_kl, answer, words) for words, answer in IN_THE_KL.items()),
    *(
        (checks.check_vae_loss, loss_with(answer), f"in the KL: .*{words}")
        for words, answer in IN_THE_KL.items()
        if words != "the sign is turned round"  # which the whole loss has a word of its own for
    ),
    (checks.check_kl, lambda m, v: kl(m, v).mean(1), "averaged over the latents"),
    (checks.check_kl, lambda m, v: kl(m, v).sum(), "summed over everything"),
    (checks.check_kl, lambda m, v: kl(m, v).mean(), "averaged over everything"),
    # lessons 00 to 03
    (checks.check_numbers_in, lambda image: len(image) * image.shape[1], "colours times the rows"),
    (checks.check_reconstruction, lambda x, y: error(x, y).sum() / x.shape[1], "number of colours"),
    (checks.check_reconstruction, lambda x, y: error(x, y).sum() / x.shape[2], "number of rows or columns"),
    (checks.check_reconstruction, lambda x, y: (x - y).abs().flatten(1).amax(1).mean(), "largest difference"),
    (checks.check_interpolation, lambda a, b, n: ((a + b) / 2).expand(n, -1), "the middle between them"),
    (checks.check_interpolation, lambda a, b, n: (1 - torch.linspace(0, 1, n)[:, None]) * a, "only h_a"),
    (checks.check_interpolation, lambda a, b, n: torch.linspace(0, 1, n)[:, None] * (b - a), "this is the way"),
    (
        checks.check_interpolation,
        lambda a, b, n: (
            torch.sin((1 - (t := torch.linspace(0, 1, n)[:, None])) * (w := angle(a, b))) * a + torch.sin(t * w) * b
        ) / torch.sin(w),
        "round on an arc",
    ),
    (checks.check_posterior_on_grid, lambda lj, z: torch.full_like(z, math.inf), "only positive numbers"),
    (
        checks.check_posterior_on_grid,
        lambda lj, z: (p := lj.softmax(0)) / p[: len(z) // 2].sum() / (z[1] - z[0]),
        "the left half",
    ),
    (checks.check_posterior_on_grid, lambda lj, z: (-lj).softmax(0) / (z[1] - z[0]), "turned round"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, f(m + s * e)), "one value for each sample"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, f(m + s.sqrt() * e).mean()), "by √σ"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, f(m + e).mean()), "by 1"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, f(s * e).mean()), "μ is missing"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, f(m - s * e).mean()), "subtracted the noise"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, f((m + s * e).mean())), "at the average z"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, f(m + s * e).mean(), lambda kl: 2 * kl), "lacks its ½"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, f(m + s * e).mean(), lambda kl: kl / 2), "½ too many"),
    (checks.check_elbo, lambda f, m, s, e: elbo(f, m, s, f(m + s * e).mean(), lambda kl: kl + 0.5), "−1 of the KL"),
    (
        checks.check_elbo,
        lambda f, m, s, e: f(m + s * e).mean() - (s.log() + (1 + m**2) / (2 * s**2) - 0.5),
        "KL of the prior to q",
    ),
    # lesson 04
    (checks.check_vae_loss, lambda x, y, m, v, b: (error(x, y) + b + kl(m, v).sum(1)).mean(), "β is added"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (error(x, y) + kl(m, v).sum(1) / b).mean(), "divide the KL by β"),
    (checks.check_vae_loss, lambda x, y, m, v, b: (error(x, y) + b**2 * kl(m, v).sum(1)).mean(), "β counts twice"),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: (error(x, y) / 48 + b * kl(m, v).sum(1)).mean(),
        "mean over pixels: the",
    ),
    (checks.check_vae_loss, lambda x, y, m, v, b: b * kl(m, v).sum(1).mean(), "reconstruction term is missing"),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: (0.5 * (x - y).square().sum((1, 2, 3)) + b * kl(m, v).sum(1)).mean(),
        "half the squared error",
    ),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: (x - y).square().mean() + b * kl(m, v).sum(1).mean(),
        "mean of the squared error",
    ),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: ((x - y).sum((1, 2, 3)) + b * kl(m, v).sum(1)).mean(),
        "signs cancel in the reconstruction",
    ),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: error(x, y).mean() + b * kl(m, v).sum(),
        "the KL is summed over the images",
    ),
    (
        checks.check_vae_loss,
        lambda x, y, m, v, b: error(x, y).sum() + b * kl(m, v).sum(1).mean(),
        "the reconstruction is summed over the images",
    ),
    # lesson 05
    (checks.check_collapsed, lambda kl: (kl.mean(0) == 0).sum(), "exactly 0"),
    *(
        (checks.check_collapsed, lambda kl, least=least: (kl.mean(0) < least).sum(), f"threshold may be {least}:")
        for least in (0.02, 0.005, 0.001)
    ),
    (checks.check_effective_beta, lambda p, d, w: w / d, "pixels is forgotten: it makes"),
    (checks.check_effective_beta, lambda p, d, w: w * d, "that over latents works the other way"),
    (checks.check_effective_beta, lambda p, d, w: w * p, "the mean over latents is forgotten: it makes"),
    (checks.check_effective_beta, lambda p, d, w: w / p, "that over pixels works the other way"),
    (checks.check_effective_beta, lambda p, d, w: 0.5 * w * p / d, "nothing squared"),
    # lesson 06
    (checks.check_traversal, lambda z, j, v: points(z, -j, v), "column j, not −j$"),
    (checks.check_traversal, lambda z, j, v: z * v[:, None], "multiplied every latent"),
    (checks.check_traversal, lambda z, j, v: points(z, j, v)[:1].expand(len(v), -1), "the first value"),
    (checks.check_traversal, lambda z, j, v: points(z, j, v.trunc()), "rounded"),
    (checks.check_traversal, lambda z, j, v: v[:, None], "latent j alone"),
    (checks.check_traversal, lambda z, j, v: points(z, j, v).flip(0), "run backwards"),
    (checks.check_push_forward, lambda w, s: widths(w, s) / 2, "one ½ too many"),
    (checks.check_push_forward, lambda w, s: widths(w, s).log(), "log of the width"),
    (checks.check_push_forward, lambda w, s: (s[:, None] * w).abs(), "no sum in it"),
    (checks.check_push_forward, lambda w, s: (s**2 @ w.T**2).sum(1).sqrt(), "summed over the attributes"),
    (checks.check_push_forward, lambda w, s: widths(w, s) + 0j, "complex numbers"),
    (checks.check_kl, changed_in_place, "stopped with RuntimeError: .*inplace"),
    (checks.check_sample, drawn_in_place, "stopped with RuntimeError: .*inplace"),
    (checks.check_push_forward, lambda w, s: widths(w, s).to_sparse(), "it is a cpu sparse_coo Tensor$"),
    (checks.check_push_forward, lambda w, s: widths(w, s).to("meta"), "it is a meta strided Tensor$"),
    # lesson 07
    (checks.check_prior_quantiles, lambda n: icdf(middles(n) + 1 / n), "k runs from 1"),
    (checks.check_prior_quantiles, averages_of_slices, "averages of the slices"),
    (checks.check_prior_quantiles, lambda n: (borders(n)[:-1] + borders(n)[1:]) / 2, "middles of the borders"),
    (checks.check_prior_quantiles, lambda n: 2 * icdf(middles(n)), "factor √2"),
    (checks.check_prior_quantiles, lambda n: icdf(torch.linspace(0.05, 0.95, n).double()), "from 0.05 to 0.95"),
    (checks.check_prior_quantiles, lambda n: icdf(middles(n)).flip(0), "run backwards"),
    (checks.check_prior_quantiles, lambda n: [10**400] * n, "it is a list of 7:"),
    (checks.check_log_mean_exp, lambda w: (w.exp().mean(0) + 1e-7).log(), "a small number inside"),
    (checks.check_log_mean_exp, lambda w: w.exp().mean(0), "the mean weight"),
    (checks.check_log_mean_exp, lambda w: w.logsumexp(0) - math.log(len(w)) - w.amax(0), "not added again"),
    (checks.check_log_mean_exp, lambda w: math.log(len(w)) - w.logsumexp(0), "the sign turned round"),
    (checks.check_log_mean_exp, lambda w: w.logsumexp(0) - math.log(len(w) - 1), "divided by K − 1"),
    (checks.check_log_mean_exp, lambda w: w.logsumexp((0, 1)) - math.log(w.numel()), "over everything inside"),
    # lesson 08
    (checks.check_test_loss, lambda f, x, n: f(x[-(len(x) % n or n) :]).sum(), "the last batch in it, summed up"),
    (checks.check_test_loss, lambda f, x, n: losses_of(f, x[n:], n).sum() / len(x), "first batch is left out"),
    (checks.check_test_loss, lambda f, x, n: losses_of(f, x[1:], n).mean(), "first image is left out"),
    (checks.check_test_loss, lambda f, x, n: losses_of(f, x, n).sum() / n / len(x.split(n)), "images of full batches"),
    (checks.check_test_loss, lambda f, x, n: losses_of(f, x, n).sum() / (len(x) - 1), "divided by n − 1"),
    (checks.check_test_loss, lambda f, x, n: losses_of(f, x, n).median(), "the median"),
    (checks.check_pixels, lambda raw: raw / 10, "divided by 10:"),
    (checks.check_pixels, lambda raw: raw / 100, "divided by 100:"),
    (checks.check_pixels, lambda raw: (raw == 16).float(), "between 0 and 16 became 0"),
    (checks.check_pixels, lambda raw: (raw >= 8).float(), "a half counts as black"),
    (checks.check_pixels, lambda raw: (raw > 8).float(), "this is black and white:"),
    (checks.check_pixels, lambda raw: raw / 16 - 0.5, "mapped to .-½"),
    (checks.check_pixels, lambda raw: stretched(raw, raw.min(), raw.max()), "smallest to the largest value"),
    (
        checks.check_pixels,
        lambda raw: stretched(raw, per_image(raw, "amin"), per_image(raw, "amax")),
        "faint strokes",
    ),
    (checks.check_pixels, standardised, "standardised"),
    # lesson 10
    (checks.check_tiles, lambda p, n: tiles(p, n) / (p.max() / 255), "divided by the largest"),
    (checks.check_tiles, lambda p, n: (tiles(p, n) == 1).float(), "everything below 255"),
    (checks.check_tiles, lambda p, n: tiles(p, n).permute(0, 2, 3, 1).reshape(-1, 3, n, n), "within each tile"),
    (checks.check_tiles, lambda p, n: tiles(p, n, by_columns=True), "column by column"),
    (checks.check_tiles, lambda p, n: tiles(p, n, step=1), "the tiles overlap"),
    (checks.check_tiles, lambda p, n: tiles(p, n)[0], "a batch of one"),
    (checks.check_tiles, lambda p, n: tiles(p, n)[: -(p.shape[1] // n)], "last row of tiles"),
    (
        checks.check_tiles,
        lambda p, n: tiles(p[:, : p.shape[1] // n * n - 1], n),
        "last column of tiles",
    ),
    (checks.check_tiles, lambda p, n: tiles(p, n).flip(0), "run backwards"),
    (checks.check_detail, lambda x: x.diff(dim=-1).abs().mean(-1), "for each row"),
    (checks.check_detail, lambda x: x.diff(dim=-1).mean((1, 2, 3)).abs(), "absolute value of the mean"),
    (checks.check_detail, lambda x: x.diff(dim=-1).square().mean((1, 2, 3)).sqrt(), "took the root"),
    (checks.check_detail, lambda x: x.diff(dim=-1).abs().sum((1, 2, 3)) / x[0].numel(), "pixels, not of pairs"),
    (checks.check_detail, lambda x: (x[..., 2:] - x[..., :-2]).abs().mean((1, 2, 3)), "two steps apart"),
    (checks.check_detail, lambda x: (x[1:] - x[:-1]).abs().mean((1, 2, 3)), "images are compared"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "answer", "words"), MISTAKES, ids=[f"{c.__name__}: {w}" for c, _, w in MISTAKES])
def test_a_rarer_mistake_is_named(check, answer, words, capsys):
    check(answer)
    said = capsys.readouterr().out
    assert said.startswith("✗") and re.search(words, said) and said.count("\n") == 1, said
