"""Mistakes that several exercises share: in the noise of z, in its gradients, in the KL."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

SIGMA = 3.0  # a value at which no two mistakes give the same spread
SPREADS = {
    SIGMA**2: "the spread is σ², not σ: σ = exp(½ log σ²)",
    2 * math.log(SIGMA): "the spread is log σ²: take σ = exp(½ log σ²) of it",
    1 / SIGMA: "the spread is 1/σ: check the sign inside exp",
    math.sqrt(SIGMA): "the spread is √σ: ½ log σ² is already log σ, don't halve it twice",
    1.0: "the spread is 1 whatever σ is: multiply ε by σ",
    SIGMA / math.sqrt(12): "this is uniform noise: ε must be normal, torch.randn_like rather than torch.rand_like",
}


def leaf(value: float) -> Tensor:
    """A tensor (40000, 2) full of `value`, which takes gradients."""
    return torch.full((40_000, 2), value, requires_grad=True)


def fault_of_noise(z: Tensor, spreads: Mapping[float, str], mu: str) -> str:
    """What is wrong with z (40000, 2), which should be samples of N(5, SIGMA²); "" if nothing is."""
    if not z.is_floating_point():
        return f"z should hold real numbers, it holds {z.dtype}"
    if z.detach().std() < 0.01:
        return f"there is no noise in z, or one ε for all entries: add σ times torch.randn_like({mu})"
    if torch.equal(z[0], z[1]):
        return f"all images share one ε: draw one for each entry of {mu}, torch.randn_like({mu})"
    if torch.equal(z[:, 0], z[:, 1]):
        return f"all latents of an image share one ε: draw one for each entry of {mu}, torch.randn_like({mu})"
    mean, deviation = z.mean().item(), z.std().item()
    if not math.isclose(deviation, SIGMA, rel_tol=0.03):
        reasons = [text for spread, text in spreads.items() if math.isclose(deviation, spread, rel_tol=0.03)]
        return reasons[0] if reasons else f"with σ = 3 the samples should spread by 3, not by {deviation:.2f}"
    return "" if math.isclose(mean, 5, abs_tol=0.1) else f"with μ = 5 the samples should average 5, yours: {mean:.2f}"


def fault_of_gradients(z: Tensor, leaves: Mapping[str, Tensor], way: str) -> str:
    """Which of the `leaves` gets no gradient from z, and the `way` to give it one; "" if all do."""
    if not z.requires_grad:
        return f"no gradient reaches {' and '.join(leaves)}: {way}"
    z.sum().backward()
    for name, leaf in leaves.items():
        if leaf.grad is None or not leaf.grad.any():  # torch.normal sends back zeros
            return f"no gradient reaches {name}: {way}"
    return ""


def kl_of(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)), written here again from log σ², as the exercises take it."""
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).detach()


def mistakes_in_kl(mu: Tensor, log_var: Tensor) -> dict[str, Tensor]:
    """What each likely mistake makes of that KL, by what is to be said of it."""
    right, var = kl_of(mu, log_var), log_var.exp()
    return {
        "the sign is turned round: a KL divergence is never negative": -right,
        "twice too large: the ½ applies to the whole bracket": 2 * right,
        "half of what it should be: there is one ½ too many": 0.5 * right,
        "this looks like log σ where log σ² is expected: σ² = exp(log_var)": kl_of(mu, 2 * log_var),
        "σ stands where σ² should: σ² = exp(log_var), without a ½": 0.5 * (mu**2 + (0.5 * log_var).exp() - 1 - log_var),
        "the sign of log σ² is turned round": 0.5 * (mu**2 + var - 1 + log_var),
        "log_var is a logarithm already: don't take it for σ²": 0.5 * (mu**2 + log_var - 1 - log_var.log()),
        "the −1 is missing: at μ = 0, σ = 1 the KL must be 0": right + 0.5,
        "μ must be squared": 0.5 * (mu + var - 1 - log_var),
        "only the last bracket got its ½": mu**2 + var - 1 - 0.5 * log_var,
        "you summed over the latents: keep one value for each image and latent": right.sum(dim=1),
        "you summed over everything: keep one value for each image and latent": right.sum(),
        "you averaged over everything: keep one value for each image and latent": right.mean(),
    }
