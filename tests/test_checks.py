"""Every check behind an exercise accepts what is right and names each mistake that it knows."""

import re

import pytest
import torch

from vaelib import checks


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


def noise(mu):
    return torch.randn(mu.shape, generator=torch.Generator().manual_seed(1))


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
}

# check, what a student might write, what the check says about it
MISTAKES = [
    (checks.check_numbers_in, lambda image: image.shape[1] * image.shape[2], "three colours"),
    (checks.check_numbers_in, lambda image: len(image), "number of colours"),
    (checks.check_numbers_in, lambda image: sum(image.shape), "they multiply"),
    (checks.check_reconstruction, lambda x, y: (x - y).abs().mean(), "averaged over the pixels"),
    (checks.check_reconstruction, lambda x, y: (x - y).abs().sum(), "divide by their number"),
    (checks.check_reconstruction, lambda x, y: (x - y).sum() / len(x), "signs cancel"),
    (checks.check_reconstruction, lambda x, y: (x - y).sum().abs() / len(x), "sum of absolute values"),
    (checks.check_reconstruction, lambda x, y: (x - y).square().sum() / len(x), "you squared"),
    (checks.check_reconstruction, lambda x, y: error(x, y), r"should have shape \(\)"),
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
    (checks.check_vae_loss, lambda x, y, m, v, b: error(x, y).mean(), "KL term is missing"),
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
]  # fmt: skip


@pytest.mark.parametrize("check", RIGHT, ids=lambda check: check.__name__)
def test_a_right_answer_passes(check, capsys):
    check(RIGHT[check])
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(("check", "answer", "named"), MISTAKES, ids=[f"{c.__name__}: {n}" for c, _, n in MISTAKES])
def test_a_mistake_is_named(check, answer, named, capsys):
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
        (lambda *a: None, "○"),
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
