"""The checks of lesson 03."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.distributions import Normal

from vaelib.checks.record import NotYet, exercise
from vaelib.checks.verdict import Case, answer_of, compare, generator, is_same
from vaelib.language import _


@exercise
def check_posterior_on_grid(function: Callable) -> str:
    """Checks `function(log_joint, z)`: p(z|x) (n,) from log p(x, z) (n,) on an evenly spaced grid z (n,)."""
    case = next(_grids())
    answer = answer_of(function, tuple(one.clone() for one in case.arguments), None)
    fault = _fault_of_area(answer, case)
    if fault:
        raise NotYet(fault)
    compare(function, _grids())
    return _("a density of area 1 on the grid")


def _fault_of_area(answer: Tensor, case: Case) -> str:
    """Has the answer the right shape and an area that no other mistake has?"""
    z, n = case.arguments[1], len(case.right)
    step = z[1] - z[0]
    if answer.shape != z.shape or not is_same(answer / answer.sum(), case.right / case.right.sum()):
        return ""
    area = (answer.double().sum() * step).item()
    if math.isclose(area, n / (n - 1), rel_tol=1e-5):
        return _("n points have n − 1 steps between them: the area should be 1, yours is {area:.5f}").format(area=area)
    if math.isclose(area, (n - 1) / n, rel_tol=1e-5) or math.isclose(area, (n - 1) / (n + 1), rel_tol=1e-5):
        return _(
            "the step is z[1] − z[0], n points have n − 1 of them: the area should be 1, yours is {area:.5f}"
        ).format(area=area)
    known = any(is_same(answer, wrong) for wrong in case.mistakes.values())
    if known or math.isclose(area, 1, rel_tol=1e-4):
        return ""
    return _(
        "the area should be 1, yours is {area:.5g}: take the step from the z of your function, z[1] − z[0]"
    ).format(area=area)


def _grids() -> Iterator[Case]:
    for least, most, n, height, dtype in (
        (-4, 4, 401, -9000, torch.float64),
        (-5, 6, 150, -300, torch.float32),
        (-4, 5, 1001, 800, torch.float64),
    ):
        z = torch.linspace(least, most, n, dtype=dtype)
        log_joint = height - 3 * (z - 1).abs() - 0.5 * z**2  # −9000, as for an image of many pixels
        what = (
            _("{n} points from {least} to {most} and logarithms near {height}")
            .format(n=n, least=least, most=most, height=height)
            .replace("-", "−")
        )
        yield _on_grid(log_joint, z, what)


def _on_grid(log_joint: Tensor, z: Tensor, what: str) -> Case:
    step = z[1] - z[0]
    sums_to_one = torch.softmax(log_joint, dim=0)
    right = sums_to_one / step
    mistakes = {
        _("there is NaN: exp(−9000) is 0 for a computer, and 0/0 is not a number. Subtract the largest log first"): (
            torch.full_like(z, math.nan)
        ),
        _("there are only zeros: exp(−9000) is 0 for a computer. Subtract the largest log first"): torch.zeros_like(z),
        _("its sum is 1, but a density has area 1: divide by the step of the grid"): sums_to_one,
        _("you multiplied by the step: divide, so that sum times step is 1"): sums_to_one * step,
        _("its top is 1, its area is not: divide by the sum times the step"): (log_joint - log_joint.max()).exp(),
        _("this is the logarithm of the posterior: take exp"): right.log(),
        _("you normalised the logarithms: take exp first"): log_joint / (log_joint.sum() * step),
        _("the prior counts twice: log p(x, z) already holds it"): torch.softmax(log_joint - 0.5 * z**2, dim=0) / step,
        _(
            "float32 keeps seven digits: of logarithms near −9000 too few are left. Stay in float64, or subtract the "
            "largest first"
        ): torch.softmax(log_joint.float(), dim=0).to(z) / step,
        _("only positive numbers are left of the logarithms, or a constant too large was added"): torch.full_like(
            z, math.inf
        ),
        _("the area of the left half alone is 1: sum over the whole grid"): right
        * right.sum()
        / right[: len(z) // 2].sum(),
        _("it is the running area, a distribution function: this is the sum up to z, not the density"): right.cumsum(0)
        * step,
        _("softmax turned round: the smallest logarithm got the greatest density"): torch.softmax(-log_joint, dim=0)
        / step,
    }
    return Case((log_joint, z), right, mistakes, what, rtol=1e-4 if z.dtype == torch.float64 else 1e-3)


@exercise
def check_elbo(function: Callable) -> str:
    """Checks `function(log_likelihood, mu, sigma, epsilon)`: the ELBO of N(μ, σ²) from noise (S,), a scalar."""
    compare(function, _estimates())
    return _("the average log p(x|z) minus the KL to the prior, with gradients to μ and σ")


def _estimates() -> Iterator[Case]:
    yield _of_elbo(0.8, 0.5, 6, torch.float32, lambda z: -3 * (z - 1.3).abs())
    yield _of_elbo(
        -1.4, 1.6, 9, torch.float64, lambda z: -0.5 * (z + 0.4) ** 2 - 0.2 * z**4 / 10, _("a broad q, left of 0")
    )
    yield _of_elbo(0.1, 0.05, 1, torch.float32, lambda z: -2 * (z - 1) ** 2 - 70, _("a single ε"))


def _of_elbo(mu: float, sigma: float, S: int, dtype: torch.dtype, log_likelihood: Callable, what: str = "") -> Case:
    mu, sigma = (torch.tensor(value, dtype=dtype, requires_grad=True) for value in (mu, sigma))
    epsilon = torch.randn(S, generator=generator(), dtype=dtype)

    def rebuilt(z):
        return log_likelihood(z).mean()

    z = mu + sigma * epsilon
    kl = 0.5 * (mu**2 + sigma**2 - 1) - sigma.log()
    right = rebuilt(z) - kl
    mistakes = {
        _("this is the loss: the ELBO is minus that"): -right,
        _("the KL is a cost: subtract it (or is the sign of your KL turned round?)"): rebuilt(z) + kl,
        _("the KL to the prior is missing"): rebuilt(z),
        _("only the KL to the prior is left: add the average of log p(x|z)"): -kl,
        _("you summed over the samples: average over them"): log_likelihood(z).sum() - kl,
        _("this is one value for each sample: average over them"): log_likelihood(z) - kl,
        _("the noise is never used: average over z = μ + σ ε, not at z = μ"): rebuilt(mu) - kl,
        _("z = μ + σ ε: you spread it by σ²"): rebuilt(mu + sigma**2 * epsilon) - kl,
        _("z = μ + σ ε: you spread it by √σ"): rebuilt(mu + sigma.sqrt() * epsilon) - kl,
        _("z = μ + σ ε: you spread it by 1"): rebuilt(mu + epsilon) - kl,
        _("z = μ + σ ε: μ is missing"): rebuilt(sigma * epsilon) - kl,
        _("z = μ + σ ε: you subtracted the noise"): rebuilt(mu - sigma * epsilon) - kl,
        _("ε is not z: write z = μ + σ ε"): rebuilt(epsilon) - kl,
        _("you averaged p(x|z) and took the logarithm last: average the logarithms"): (
            torch.logsumexp(log_likelihood(z), dim=0) - math.log(S) - kl
        ),
        _("you took the log-likelihood at the average z: average the log-likelihoods"): log_likelihood(z.mean()) - kl,
        _("the KL needs σ², not σ, in its bracket"): rebuilt(z) - (0.5 * (mu**2 + sigma - 1) - sigma.log()),
        _("you estimated the KL from the samples as well: here, use its closed form"): (
            rebuilt(z) - (Normal(mu, sigma).log_prob(z) - Normal(0.0, 1.0).log_prob(z)).mean()
        ),
        _("the KL needs log σ², which is 2 log σ"): rebuilt(z) - 0.5 * (mu**2 + sigma**2 - 1 - sigma.log()),
        _("the KL lacks its ½"): rebuilt(z) - 2 * kl,
        _("there is one ½ too many in the KL"): rebuilt(z) - kl / 2,
        _("the −1 of the KL is missing: for N(0, 1) it must be 0"): right - 0.5,
        _("this is the KL of the prior to q: it goes the other way round"): (
            rebuilt(z) - (sigma.log() + (1 + mu**2) / (2 * sigma**2) - 0.5)
        ),
    }
    return Case((log_likelihood, mu, sigma, epsilon), right, mistakes, what, {"μ": mu, "σ": sigma})
