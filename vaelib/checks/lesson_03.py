"""The checks of lesson 03."""

import math
from collections.abc import Callable

import torch
from torch.distributions import Normal

from vaelib.checks.verdict import answer_of, generator, is_same, judge, not_yet, report


def check_posterior_on_grid(function: Callable) -> None:
    """Checks `function(log_joint, z)`: p(z|x) (n,) from log p(x, z) (n,) on an evenly spaced grid z (n,)."""
    z = torch.linspace(-4, 4, 401, dtype=torch.float64)
    step = z[1] - z[0]
    log_joint = -9000 - 3 * (z - 1).abs() - 0.5 * z**2  # far below 0, as for an image of many pixels
    sums_to_one = torch.softmax(log_joint, dim=0)
    right = sums_to_one / step
    mistakes = {
        "there is NaN: exp(−9000) is 0 for a computer, and 0/0 is not a number. Subtract the largest log first": (
            torch.full_like(z, math.nan)
        ),
        "there are only zeros: exp(−9000) is 0 for a computer. Subtract the largest log first": torch.zeros_like(z),
        "its sum is 1, but a density has area 1: divide by the step of the grid": sums_to_one,
        "you multiplied by the step: divide, so that sum times step is 1": sums_to_one * step,
        "its top is 1, its area is not: divide by the sum times the step": (log_joint - log_joint.max()).exp(),
        "this is the logarithm of the posterior: take exp": right.log(),
        "you normalised the logarithms: take exp first": log_joint / (log_joint.sum() * step),
        "the prior counts twice: log p(x, z) already holds it": torch.softmax(log_joint - 0.5 * z**2, dim=0) / step,
    }
    answer = answer_of(function, (log_joint.clone(), z), None)  # a copy, for an answer may be computed in its place
    if answer is None:
        return
    if answer.shape == z.shape and is_same(answer * (sums_to_one.sum() / answer.sum()), sums_to_one):
        area = (answer.sum() * step).item()
        known = any(is_same(answer, wrong) for wrong in mistakes.values())
        if not known and not math.isclose(area, 1, rel_tol=1e-4):
            return not_yet(
                f"the area should be 1, yours is {area:.3g}: take the step from the z of your function, z[1] − z[0]"
            )
    judge(answer, right, mistakes, "a density of area 1 on the grid")


def check_elbo(function: Callable) -> None:
    """Checks `function(log_likelihood, mu, sigma, epsilon)`: the ELBO of N(μ, σ²) from noise (S,), a scalar."""
    mu, sigma = torch.tensor(0.8), torch.tensor(0.5)
    epsilon = torch.randn(6, generator=generator())

    def log_likelihood(z):
        return -3 * (z - 1.3).abs()

    def rebuilt(z):
        return log_likelihood(z).mean()

    z = mu + sigma * epsilon
    kl = 0.5 * (mu**2 + sigma**2 - 1) - sigma.log()
    right = rebuilt(z) - kl
    mistakes = {
        "this is the loss: the ELBO is minus that": -right,
        "the KL is a cost: subtract it (or is the sign of your KL turned round?)": rebuilt(z) + kl,
        "the KL to the prior is missing": rebuilt(z),
        "only the KL to the prior is left: add the average of log p(x|z)": -kl,
        "you summed over the samples: average over them": log_likelihood(z).sum() - kl,
        "the noise is never used: average over z = μ + σ ε, not at z = μ": rebuilt(mu) - kl,
        "z = μ + σ ε: you spread it by σ²": rebuilt(mu + sigma**2 * epsilon) - kl,
        "ε is not z: write z = μ + σ ε": rebuilt(epsilon) - kl,
        "you averaged p(x|z) and took the logarithm last: average the logarithms": (
            torch.logsumexp(log_likelihood(z), dim=0) - math.log(6) - kl
        ),
        "the KL needs σ², not σ, in its bracket": rebuilt(z) - (0.5 * (mu**2 + sigma - 1) - sigma.log()),
        "you estimated the KL from the samples as well: here, use its closed form": (
            rebuilt(z) - (Normal(mu, sigma).log_prob(z) - Normal(0.0, 1.0).log_prob(z)).mean()
        ),
        "the KL needs log σ², which is 2 log σ": rebuilt(z) - 0.5 * (mu**2 + sigma**2 - 1 - sigma.log()),
    }
    report(
        function,
        (log_likelihood, mu, sigma, epsilon),
        right,
        mistakes,
        "the average log p(x|z) minus the KL to the prior",
    )
