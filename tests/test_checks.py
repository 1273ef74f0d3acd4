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


def noise(mu):
    return torch.randn(mu.shape, generator=torch.Generator().manual_seed(1))


RIGHT = {
    checks.check_numbers_in: lambda image: image.numel(),
    checks.check_reconstruction: lambda x, y: error(x, y).mean(),
    checks.check_interpolation: line,
    checks.check_sample: lambda m, v: m + (0.5 * v).exp() * noise(m),
    checks.check_kl: kl,
    checks.check_vae_loss: lambda x, y, m, v, beta: (error(x, y) + beta * kl(m, v).sum(dim=1)).mean(),
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
