"""The checks of lesson 04."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vaelib.checks.mistakes import (
    SIGMA,
    SPREADS,
    fault_of_each_entry,
    fault_of_gradients,
    fault_of_noise,
    kl_of,
    leaf,
    leaves_of_all_sizes,
    mistakes_in_kl,
)
from vaelib.checks.record import NotYet, exercise
from vaelib.checks.verdict import Case, answer_of, compare, generator
from vaelib.language import _


@exercise
def check_sample(function: Callable) -> str:
    """Checks `function(mu, log_var)`: one z = μ + σ ε for each entry of (B, D), with gradients to both."""
    mu, log_var = leaf(5.0), leaf(2 * math.log(SIGMA))
    z, again = (answer_of(function, (mu, log_var), mu.shape) for _ in range(2))
    fault = fault_of_noise(z, again, SPREADS, "mu") or fault_of_slopes_in_z(z, mu, log_var)
    if fault:
        raise NotYet(fault)
    mu, log_var = leaves_of_all_sizes(torch.float64)
    z = answer_of(function, (mu, log_var), mu.shape)
    fault = fault_of_each_entry(z, mu, (0.5 * log_var).exp()) or fault_of_slopes_in_z(z, mu, log_var)
    if fault:
        raise NotYet(fault)
    return _("samples of N(μ, σ²), and gradients reach μ and log σ²")


def fault_of_slopes_in_z(z: Tensor, mu: Tensor, log_var: Tensor) -> str:
    """Are the gradients of z those of μ + exp(½ log σ²) ε?"""
    slopes = {"mu": torch.ones_like(mu), "log_var": 0.5 * (z - mu)}
    way = _("write z as mu + sigma * epsilon, without .detach() or .data")
    return fault_of_gradients(z, {"mu": mu, "log_var": log_var}, slopes, way)


@exercise
def check_kl(function: Callable) -> str:
    """Checks `function(mu, log_var)`: KL(N(μ, σ²) ‖ N(0, 1)) for each entry of (B, D), with gradients to both."""
    compare(function, cases_of_kl())
    return _("½ (μ² + σ² − 1 − log σ²) for each image and latent")


def cases_of_kl() -> Iterator[Case]:
    """μ and log σ² of odd sizes; one where σ is tiny, as it is at β = 0."""
    for B, D, shift, dtype in ((4, 3, 0, torch.float32), (5, 7, -1, torch.float64), (3, 1, -12, torch.float32)):
        mu, log_var = torch.randn(2, B, D, generator=generator(), dtype=dtype)
        log_var = log_var + shift
        mu.requires_grad_()
        log_var.requires_grad_()
        what = _("μ and log σ² of shape {shape} in {dtype}")
        if shift:
            what = _("μ and log σ² of shape {shape} in {dtype}, log σ² near −{shift},")
        what = what.format(shape=(B, D), dtype=dtype, shift=-shift)
        leaves = {"mu": mu, "log_var": log_var}
        yield Case((mu, log_var), kl_of(mu, log_var), mistakes_in_kl(mu, log_var), what, leaves)


@exercise
def check_vae_loss(function: Callable) -> str:
    """Checks `function(x, x_hat, mu, log_var, beta)`: the loss of the course, a scalar, with gradients to x_hat, mu
    and log_var."""
    compare(function, _cases_of_loss())
    return _("sum over pixels, sum over latents, mean over images")


def _cases_of_loss() -> Iterator[Case]:
    # β is not the number of latents: a mean over them must not pass for β.
    for shape, D, beta, dtype in (
        ((5, 3, 4, 4), 3, 2.7, torch.float32),
        ((3, 1, 2, 5), 4, 0.3, torch.float64),
        ((1, 3, 5, 2), 2, 0, torch.float32),
    ):
        x, x_hat = torch.rand(2, *shape, generator=generator(), dtype=dtype)
        mu, log_var = torch.randn(2, shape[0], D, generator=generator(), dtype=dtype)
        leaves = {"x_hat": x_hat.requires_grad_(), "mu": mu.requires_grad_(), "log_var": log_var.requires_grad_()}
        error = (x - x_hat).abs().sum(dim=(1, 2, 3))  # (B,)
        right = (error + beta * kl_of(mu, log_var).sum(dim=1)).mean()
        mistakes = _mistakes_in_loss(x, x_hat, mu, log_var, beta)
        what = _("images of shape {shape}, {D} latents, β = {beta} and {dtype}").format(
            shape=shape, D=D, beta=beta, dtype=dtype
        )
        yield Case((x, x_hat, mu, log_var, beta), right, mistakes, what, leaves if beta else {})


def _mistakes_in_loss(x, x_hat, mu, log_var, beta) -> dict[str, Tensor]:
    error = (x - x_hat).abs().sum(dim=(1, 2, 3))  # (B,)
    kl = kl_of(mu, log_var)  # (B, D)
    pixels, rate = x[0].numel(), kl.sum(dim=1)
    mistakes = {
        _("β is never used: multiply the KL by it"): (error + rate).mean(),
        _("β stands on the reconstruction term: it belongs to the KL"): (beta * error + rate).mean(),
        _("β multiplies both terms: it belongs to the KL alone"): beta * (error + rate).mean(),
        _("β is added to the KL: multiply by it"): (error + beta + rate).mean(),
        _("you divide the KL by β: multiply by it"): (error + rate / max(beta, 1e-9)).mean(),
        _("β counts twice, or squared"): (error + beta**2 * rate).mean(),
        _("the KL is subtracted, or its sign turned round: both terms are costs"): (error - beta * rate).mean(),
        _("mean over pixels: the reconstruction term is {pixels} times too small here, 3072 times on a face").format(
            pixels=pixels
        ): (error / pixels + beta * rate).mean(),
        _("mean over latents: sum the KL over them"): (error + beta * kl.mean(dim=1)).mean(),
        _("mean over pixels and over latents: sum over both"): (error / pixels + beta * kl.mean(dim=1)).mean(),
        _("you summed over the images: average over them"): (error + beta * rate).sum(),
        _("this is the loss of each image: average over them"): error + beta * rate,
        _("the KL is summed over the images, the reconstruction averaged"): error.mean() + beta * kl.sum(),
        _("the reconstruction is summed over the images, the KL averaged"): error.sum() + beta * rate.mean(),
        _("the KL term is missing"): error.mean(),
        _("the reconstruction term is missing"): beta * rate.mean(),
        _("squared error: the course takes |x − x̂|"): ((x - x_hat).square().sum(dim=(1, 2, 3)) + beta * rate).mean(),
        _("half the squared error: the course takes |x − x̂|"): (
            0.5 * (x - x_hat).square().sum(dim=(1, 2, 3)) + beta * rate
        ).mean(),
        _("mean of the squared error: the course takes |x − x̂|, summed over pixels"): (
            (x - x_hat).square().mean() + beta * rate.mean()
        ),
        _("signs cancel in the reconstruction term: take the absolute value of each difference"): (
            (x - x_hat).sum(dim=(1, 2, 3)) + beta * rate
        ).mean(),
    }
    for reason, wrong in mistakes_in_kl(mu, log_var).items():
        if wrong.shape == kl.shape:
            mistakes[_("in the KL: {reason}").format(reason=reason)] = (error + beta * wrong.sum(dim=1)).mean()
    return mistakes
