"""The checks of lesson 02."""

import math
from collections.abc import Callable

import torch
from torch.distributions import Normal, kl_divergence

from vaelib.checks.verdict import answer_of, not_yet, report


def check_kl_by_samples(function: Callable) -> None:
    """Checks `function(q, p, n)`: KL(q ‖ p) of two one-dimensional Normals from n samples of q, a scalar."""
    q, p = Normal(1.0, 0.5), Normal(-0.5, 1.0)
    right, reverse = kl_divergence(q, p).item(), kl_divergence(p, q).item()
    estimate = answer_of(function, (q, p, 3), None)
    if estimate is None:
        return
    if estimate.shape == (3,):
        return not_yet("these are the n log ratios: take their mean")
    if estimate.shape != ():
        return not_yet(f"the result should have shape (), a single number, it has {tuple(estimate.shape)}")
    if math.isclose(estimate.item(), right, rel_tol=1e-5):
        return not_yet("this is the exact value, from a closed form: estimate it from n samples")
    n = 20_000
    estimates = []
    for _ in range(20):
        estimate = answer_of(function, (q, p, n), ())
        if estimate is None:
            return
        estimates.append(estimate.item())
    mean, apart = sum(estimates) / 20, max(estimates) - min(estimates)
    z = torch.linspace(-9, 9, 18_001)  # for the averages that have no closed form here
    density, ratio = q.log_prob(z).exp(), (q.log_prob(z) - p.log_prob(z)).exp()
    mean_ratio = torch.trapezoid(density * ratio, z).item()
    mistakes = {
        "the sign is turned round: log q − log p, averaged over samples of q": -right,
        "the samples come from p: KL(q ‖ p) averages over values of q": -reverse,
        "this is KL(p ‖ q): draw from q, and subtract p's log density from q's": reverse,
        "you summed the n log ratios: take their mean": n * right,
        "these are densities: take log_prob as it is, without exp": torch.trapezoid(
            density * (density - p.log_prob(z).exp()), z
        ).item(),
        "this is the mean of the ratio q/p: take its logarithm for each sample": mean_ratio,
        "this is the logarithm of the mean ratio: take the mean of the logarithms": math.log(mean_ratio),
        "only log q is averaged: subtract log p": -0.5 * math.log(2 * math.pi * math.e * 0.25),
        "only log p is averaged: the log ratio is log q − log p": -0.5 * math.log(2 * math.pi) - 0.5 * (1.5**2 + 0.25),
    }
    if apart > 0.3 * abs(mean):
        return not_yet(f"with n = {n} your estimates should agree, they lie {apart:.1f} apart: do you draw n samples?")
    if math.isclose(mean, right, rel_tol=0.02):
        if apart > 0.055:  # of 20 right ones: 0.024, give or take 0.005
            return not_yet(f"right on average, but too far apart for n = {n}: does the number of samples follow n?")
        print("✓ right: the mean of log q − log p over samples of q")
        return
    for reason, wrong in mistakes.items():
        if math.isclose(mean, wrong, rel_tol=0.02):
            return not_yet(reason)
    not_yet(f"with n = {n} the estimate should be near {right:.3f}, it is {mean:.3f}")


def check_kl_of_normals(function: Callable) -> None:
    """Checks `function(mu_q, sigma_q, mu_p, sigma_p)`: KL(N(μ_q, σ_q²) ‖ N(μ_p, σ_p²)), four times (n,) → (n,)."""
    mu_q, sigma_q = torch.tensor([0.3, -1.0, 2.0]), torch.tensor([0.6, 1.7, 0.4])
    mu_p, sigma_p = torch.tensor([-0.5, 1.1, 0.6]), torch.tensor([1.4, 0.7, 2.2])
    squared = (mu_q - mu_p) ** 2
    spread, log_ratio = sigma_q**2 + squared, torch.log(sigma_p / sigma_q)
    right = log_ratio + spread / (2 * sigma_p**2) - 0.5
    mistakes = {
        "this is the other direction, KL(p ‖ q): q's σ goes into the numerator, p's into the denominator": -log_ratio
        + (sigma_p**2 + squared) / (2 * sigma_q**2)
        - 0.5,
        "the sign is turned round: a KL divergence is never negative": -right,
        "the −½ is missing: for q = p the KL must be 0": right + 0.5,
        "the logarithm is upside down: it is log(σ_p / σ_q)": right - 2 * log_ratio,
        "the logarithm is missing": right - log_ratio,
        "this is the logarithm of σ_p² / σ_q²: it needs a ½, or σ instead of σ²": right + log_ratio,
        "σ stands where σ² should, above and below": log_ratio + (sigma_q + squared) / (2 * sigma_p) - 0.5,
        "in the numerator σ_q must be squared": log_ratio + (sigma_q + squared) / (2 * sigma_p**2) - 0.5,
        "in the denominator σ_p must be squared": log_ratio + spread / (2 * sigma_p) - 0.5,
        "the quotient lacks its ½: divide by 2 σ_p²": log_ratio + spread / sigma_p**2 - 0.5,
        "μ_q − μ_p must be squared": log_ratio + (sigma_q**2 + mu_q - mu_p) / (2 * sigma_p**2) - 0.5,
        "σ_q² is missing: the values of q spread around μ_q": log_ratio + squared / (2 * sigma_p**2) - 0.5,
        "p is taken for N(0, 1): use mu_p and sigma_p": 0.5 * (mu_q**2 + sigma_q**2 - 1) - sigma_q.log(),
        "twice too large: is a ½ missing everywhere?": 2 * right,
        "brackets: x / 2 * y is (x / 2) · y; divide by (2 * sigma_p**2)": (log_ratio + spread / 2 * sigma_p**2 - 0.5),
        "you summed: keep one value for each pair": right.sum(),
        "you averaged: keep one value for each pair": right.mean(),
    }
    report(
        function, (mu_q, sigma_q, mu_p, sigma_p), right, mistakes, "log(σ_p/σ_q) + (σ_q² + (μ_q − μ_p)²) / 2σ_p² − ½"
    )
