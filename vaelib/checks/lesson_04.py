"""The checks of lesson 04."""

import math
from collections.abc import Callable

import torch

from vaelib.checks.mistakes import SIGMA, SPREADS, fault_of_gradients, fault_of_noise, kl_of, leaf, mistakes_in_kl
from vaelib.checks.verdict import answer_of, generator, not_yet, report


def check_sample(function: Callable) -> None:
    """Checks `function(mu, log_var)`: one z = μ + σ ε for each entry of (B, D), with gradients to both."""
    mu, log_var = leaf(5.0), leaf(2 * math.log(SIGMA))
    z = answer_of(function, (mu, log_var), mu.shape)
    if z is None:
        return
    way = "write z as mu + sigma * epsilon, without .detach() or .data"
    fault = fault_of_noise(z, SPREADS, "mu") or fault_of_gradients(z, {"mu": mu, "log_var": log_var}, way)
    if fault:
        return not_yet(fault)
    print("✓ right: samples of N(μ, σ²), and gradients reach μ and log σ²")


def check_kl(function: Callable) -> None:
    """Checks `function(mu, log_var)`: KL(N(μ, σ²) ‖ N(0, 1)) for each entry of (B, D)."""
    mu, log_var = torch.randn(2, 4, 3, generator=generator())
    praise = "½ (μ² + σ² − 1 − log σ²) for each image and latent"
    report(function, (mu, log_var), kl_of(mu, log_var), mistakes_in_kl(mu, log_var), praise)


def check_vae_loss(function: Callable) -> None:
    """Checks `function(x, x_hat, mu, log_var, beta)`: the loss of the course, a scalar."""
    x, x_hat = torch.rand(2, 5, 3, 4, 4, generator=generator())
    mu, log_var = torch.randn(2, 5, 3, generator=generator())
    error = (x - x_hat).abs().sum(dim=(1, 2, 3))  # (B,)
    kl = kl_of(mu, log_var)  # (B, D)
    beta = 2.7  # not the number of latents: a mean over them must not pass for β
    right = (error + beta * kl.sum(dim=1)).mean()
    pixels = x[0].numel()
    mistakes = {
        "β is never used: multiply the KL by it": (error + kl.sum(dim=1)).mean(),
        "β stands on the reconstruction term: it belongs to the KL": (beta * error + kl.sum(dim=1)).mean(),
        "β multiplies both terms: it belongs to the KL alone": beta * (error + kl.sum(dim=1)).mean(),
        "the KL is subtracted, or its sign turned round: both terms are costs": (error - beta * kl.sum(dim=1)).mean(),
        "mean over pixels: the reconstruction term is 48 times too small here, 3072 times on a face": (
            error / pixels + beta * kl.sum(dim=1)
        ).mean(),
        "mean over latents: sum the KL over them": (error + beta * kl.mean(dim=1)).mean(),
        "mean over pixels and over latents: sum over both": (error / pixels + beta * kl.mean(dim=1)).mean(),
        "you summed over the images: average over them": (error + beta * kl.sum(dim=1)).sum(),
        "the KL is summed over the images, the reconstruction averaged": error.mean() + beta * kl.sum(),
        "the reconstruction is summed over the images, the KL averaged": error.sum() + beta * kl.sum(dim=1).mean(),
        "the KL term is missing": error.mean(),
        "squared error: the course takes |x − x̂|": (
            (x - x_hat).square().sum(dim=(1, 2, 3)) + beta * kl.sum(dim=1)
        ).mean(),
    }
    for reason, wrong in mistakes_in_kl(mu, log_var).items():
        if wrong.shape == kl.shape:
            mistakes[f"in the KL: {reason}"] = (error + beta * wrong.sum(dim=1)).mean()
    report(
        function, (x, x_hat, mu, log_var, beta), right, mistakes, "sum over pixels, sum over latents, mean over images"
    )
