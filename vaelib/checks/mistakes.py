"""Mistakes that several exercises share: in the noise of z, in its gradients, in the KL."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.distributions import Normal

from vaelib.checks.verdict import generator, stopped_by_gradients
from vaelib.language import _, later, listed

SIGMA = 3.0  # a value at which no two mistakes give the same spread
SPREADS = {
    SIGMA**2: later("the spread is σ², not σ: σ = exp(½ log σ²)"),
    2 * math.log(SIGMA): later("the spread is log σ²: take σ = exp(½ log σ²) of it"),
    1 / SIGMA: later("the spread is 1/σ: check the sign inside exp"),
    math.sqrt(SIGMA): later("the spread is √σ: ½ log σ² is already log σ, don't halve it twice"),
    1.0: later("the spread is 1 whatever σ is: multiply ε by σ"),
    SIGMA / math.sqrt(12): later(
        "this is uniform noise: ε must be normal, torch.randn_like rather than torch.rand_like"
    ),
}


def leaf(value: float) -> Tensor:
    """A tensor (40000, 2) full of `value`, which takes gradients."""
    return torch.full((40_000, 2), value, requires_grad=True)


def leaves_of_all_sizes(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """μ and log σ² (2001, 3), no two entries alike, which take gradients."""
    mu, log_var = torch.randn(2, 2001, 3, generator=generator(), dtype=dtype)
    return (4 * mu).requires_grad_(), log_var.requires_grad_()


def fault_of_noise(z: Tensor, again: Tensor, spreads: Mapping[float, str], mu: str) -> str:
    """What is wrong with z (40000, 2) and with z of a second call, which should be samples of N(5, SIGMA²); "" if
    nothing is."""
    if not z.is_floating_point():
        return _("z should hold real numbers, it holds {dtype}").format(dtype=z.dtype)
    z, again = z.detach().double(), again.detach().double()
    if not z.isfinite().all():
        return _("z should be finite, it holds NaN or inf")
    varies = not torch.equal(z, z[:1, :1].expand_as(z))
    if varies and torch.equal(z, z[:1].expand_as(z)):
        return _("all images share one ε: draw one for each entry of {mu}, torch.randn_like({mu})").format(mu=mu)
    if varies and torch.equal(z, z[:, :1].expand_as(z)):
        return _("all latents of an image share one ε: draw one for each entry of {mu}, torch.randn_like({mu})").format(
            mu=mu
        )
    if z.std() < 0.01:
        return _("there is no noise in z, or one ε for all entries: add σ times torch.randn_like({mu})").format(mu=mu)
    mean, deviation = z.mean().item(), z.std().item()
    if not math.isclose(deviation, SIGMA, rel_tol=0.03):
        reasons = [_(text) for spread, text in spreads.items() if math.isclose(deviation, spread, rel_tol=0.03)]
        return (
            reasons[0]
            if reasons
            else _("with σ = 3 the samples should spread by 3, not by {deviation:.2f}").format(deviation=deviation)
        )
    if not math.isclose(mean, 5, abs_tol=0.1):
        return _("with μ = 5 the samples should average 5, yours: {mean:.2f}").format(mean=mean)
    if torch.equal(z, again):
        return _("the same noise at each call: draw ε anew, and set no seed inside of the function")
    return _fault_of_shape((z - 5) / SIGMA, mu)


def _fault_of_shape(epsilon: Tensor, mu: str) -> str:
    """Is ε (n, 2), of mean 0 and spread 1, normal, and is each entry a draw of its own?"""
    values = epsilon.flatten().sort().values
    if len(values.unique()) < 0.97 * len(values):
        if len(values.unique()) < 10:
            return _("ε takes a few values only: it must be normal, torch.randn_like")
        return _("many entries share one ε: draw one for each entry of {mu}, torch.randn_like({mu})").format(mu=mu)
    expected = (torch.arange(len(values)) + 0.5) / len(values)
    apart = (Normal(0.0, 1.0).cdf(values) - expected).abs().max().item()  # of 80 000 right ones: 0.003; 0.007 is rare
    kurtosis = values.pow(4).mean().item()  # of right ones: 3, give or take 0.02
    if values.abs().max() < 3.5 and kurtosis > 2:
        return _("your noise has no tails: 80 000 draws of N(0, 1) reach beyond 4, so don't clip ε")
    if apart > 0.012 or abs(kurtosis - 3) > 0.2:
        if abs(kurtosis - 1.8) < 0.1:
            return _("mean and spread are right, but the noise is uniform: ε must be normal, torch.randn_like")
        return _("mean and spread are right, but the noise is not normal: ε must be normal, torch.randn_like")
    related = torch.corrcoef(epsilon.T)[0, 1].abs() > 0.03 or (epsilon[1:] * epsilon[:-1]).mean().abs() > 0.03
    if not related:
        return ""
    return _("the entries of ε follow from each other: draw each on its own, torch.randn_like({mu})").format(mu=mu)


def fault_of_each_entry(z: Tensor, mu: Tensor, sigma: Tensor) -> str:
    """Is z (n, D) drawn with each entry's own μ and σ, of which no two are alike?"""
    epsilon = ((z - mu) / sigma).detach().double()
    # With n · D = 6003 right ones the mean is 0 ± 0.013, the spread 1 ± 0.01.
    off = abs(epsilon.mean().item()) > 0.1 or abs(epsilon.std().item() - 1) > 0.08
    if off or not epsilon.isfinite().all():
        return _(
            "right where all μ and all σ are equal, but not where they differ: each entry needs its own μ and its σ"
        )
    return ""


def fault_of_gradients(z: Tensor, leaves: Mapping[str, Tensor], slopes: Mapping[str, Tensor], way: str) -> str:
    """Which of the `leaves` gets no gradient from z, or not the one in `slopes`, and the `way` to give it one."""
    if not z.requires_grad:
        return _("no gradient reaches {names}: {way}").format(names=listed(leaves), way=way)
    try:
        found = torch.autograd.grad(z.sum(), list(leaves.values()), allow_unused=True)
    except RuntimeError as error:
        return stopped_by_gradients(error)
    for name, slope in zip(leaves, found, strict=True):
        if slope is None or not slope.any():  # torch.normal sends back zeros
            return _("no gradient reaches {name}: {way}").format(name=name, way=way)
        if not torch.allclose(slope.double(), slopes[name].detach().double(), rtol=1e-3, atol=1e-4):
            return _("a gradient reaches {name}, but not that of z = μ + σ ε: {way}").format(name=name, way=way)
    return ""


def kl_of(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)), written here again from log σ², as the exercises take it."""
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)


def mistakes_in_kl(mu: Tensor, log_var: Tensor) -> dict[str, Tensor]:
    """What each likely mistake makes of that KL, by what is to be said of it."""
    right, var = kl_of(mu, log_var), log_var.exp()
    return {
        _("the sign is turned round: a KL divergence is never negative"): -right,
        _("twice too large: the ½ applies to the whole bracket"): 2 * right,
        _("half of what it should be: there is one ½ too many"): 0.5 * right,
        _("this looks like log σ where log σ² is expected: σ² = exp(log_var)"): kl_of(mu, 2 * log_var),
        _("σ stands where σ² should: σ² = exp(log_var), without a ½"): 0.5
        * (mu**2 + (0.5 * log_var).exp() - 1 - log_var),
        _("the sign of log σ² is turned round"): 0.5 * (mu**2 + var - 1 + log_var),
        _("log_var is a logarithm already: don't take it for σ²"): 0.5 * (mu**2 + log_var - 1 - log_var.log()),
        _("log_var is a logarithm already: don't take it for σ"): 0.5
        * (mu**2 + log_var**2 - 1 - log_var.square().log()),
        _("log_var is log σ² already: it is subtracted once"): 0.5 * (mu**2 + var - 1 - 2 * log_var),
        _("σ² is exp(log_var): log_var stands where it should"): 0.5 * (mu**2 + log_var - 1 - log_var),
        _("log σ² must be subtracted: without it nothing keeps σ away from 0"): 0.5 * (mu**2 + var - 1),
        _("μ is missing: the KL must grow with its distance from 0"): 0.5 * (var - 1 - log_var),
        _("σ² is missing: the KL must grow with it"): 0.5 * (mu**2 - 1 - log_var),
        _("the −1 is missing: at μ = 0, σ = 1 the KL must be 0"): right + 0.5,
        _("the sign of the 1 is turned round: at μ = 0, σ = 1 the KL must be 0"): right + 1,
        _("μ must be squared"): 0.5 * (mu + var - 1 - log_var),
        _("μ must be squared, and |μ| is not μ²"): 0.5 * (mu.abs() + var - 1 - log_var),
        _("σ² must be squared no more: exp(log_var) is σ² already"): 0.5 * (mu**2 + var**2 - 1 - log_var),
        _("this is KL(N(0, 1) ‖ q), the other direction"): 0.5 * ((1 + mu**2) / var - 1 + log_var),
        _("only the last bracket got its ½"): mu**2 + var - 1 - 0.5 * log_var,
        _("you summed over the latents: keep one value for each image and latent"): right.sum(dim=1),
        _("you averaged over the latents: keep one value for each image and latent"): right.mean(dim=1),
        _("you averaged over the images: keep one value for each image and latent"): right.mean(dim=0),
        _("you summed over everything: keep one value for each image and latent"): right.sum(),
        _("you averaged over everything: keep one value for each image and latent"): right.mean(),
    }
