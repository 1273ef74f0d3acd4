"""The checks of lesson 07."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.distributions import Normal

from vaelib.checks.record import exercise
from vaelib.checks.verdict import Case, compare, generator
from vaelib.language import _


@exercise
def check_prior_quantiles(function: Callable) -> str:
    """Checks `function(n)`: the z at the middle of each of n equally probable slices of N(0, 1) → (n,)."""
    compare(function, _numbers_of_slices())
    return _("the middles of n equally probable slices")


def _numbers_of_slices() -> Iterator[Case]:
    prior = Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
    for n in (7, 12, 1):
        k = torch.arange(n, dtype=torch.float64)
        middle, borders = (k + 0.5) / n, prior.icdf(torch.arange(n + 1) / n)
        right = prior.icdf(middle)
        height = prior.log_prob(borders).exp()
        mistakes = {
            _("these are the probabilities: turn them into z with icdf"): middle,
            _("icdf turns probabilities into z, cdf turns z into probabilities: here it is icdf"): prior.cdf(middle),
            _("your probabilities run from 0 to 1, where z is −∞ and +∞: take the middles, (k + ½)/n"): prior.icdf(
                torch.linspace(0, 1, n)
            ),
            _("your probabilities run almost from 0 to 1: take the middles, (k + ½)/n"): prior.icdf(
                torch.linspace(0.01, 0.99, n)
            ),
            _("your probabilities run from 0.05 to 0.95: take the middles, (k + ½)/n"): prior.icdf(
                torch.linspace(0.05, 0.95, n)
            ),
            _("these are the lower ends of the slices, the first at −∞: take the middles, (k + ½)/n"): prior.icdf(
                k / n
            ),
            _("these are the upper ends of the slices, the last at +∞: take the middles, (k + ½)/n"): prior.icdf(
                (k + 1) / n
            ),
            _("these are the n borders between n + 1 slices: take the middles of n slices, (k + ½)/n"): prior.icdf(
                (k + 1) / (n + 1)
            ),
            _("k runs from 1 here: with k from 0 to n − 1 it is (k + ½)/n"): prior.icdf((k + 1.5) / n),
            _("these are the averages of the slices: here it is the z that halves each, its middle"): n
            * (height[:-1] - height[1:]),
            _("these are the middles of the borders' z: take the middle of the probabilities, (k + ½)/n"): (
                0.5 * (borders[:-1] + borders[1:])
            ),
            _(
                "the slices are evenly spaced in z, not equally probable: space the probabilities evenly"
            ): torch.linspace(right[0].item(), right[-1].item(), n),
            _("this is the normal of another width: σ is 1"): right / math.sqrt(2),
            _("this is the normal of another width: σ is 1, and erfinv needs a factor √2"): 2 * right,
            _("these are evenly spaced from −1 to 1"): torch.linspace(-1, 1, n),
            _("these are evenly spaced from −2 to 2"): torch.linspace(-2, 2, n),
            _("these are evenly spaced from −3 to 3"): torch.linspace(-3, 3, n),
            _("the values run backwards"): right.flip(0),
        }
        yield Case((n,), right, mistakes, _("n = {n}").format(n=n))


@exercise
def check_log_mean_exp(function: Callable) -> str:
    """Checks `function(log_weights)`: the log of the average weight over the samples, (K, n) → (n,)."""
    compare(function, _tables_of_weights())
    return _("log of the mean weight, with no underflow")


def _tables_of_weights() -> Iterator[Case]:
    # Images whose weights lie 1000 nats apart: one maximum for all of them, or one constant, does not do.
    for K, near, dtype in (
        (6, (-1000.0, 0.0, 900.0, -2300.0), torch.float64),
        (9, (-400.0, -110.0, -130.0, -120.0, -4.0), torch.float32),
        (5, (700.0, -1800.0), torch.float64),
        (1, (-1000.0, -3.0, 2.0), torch.float64),
    ):
        near_0 = 1.5 * torch.randn(K, len(near), generator=generator(), dtype=dtype)  # (K, n)
        log_weights = near_0 + torch.tensor(near, dtype=dtype)
        shift = log_weights.max(dim=0).values.double()
        sums = (log_weights.double() - shift).exp().sum(dim=0).log() + shift
        what = _("K = {K}, n = {n} in {dtype}").format(K=K, n=len(near), dtype=dtype)
        mistakes = _mistakes_in_average(log_weights, sums)
        yield Case((log_weights,), sums - math.log(K), mistakes, what, rtol=1e-5)


def _mistakes_in_average(log_weights: Tensor, sums: Tensor) -> dict[str, Tensor]:
    (K, n), greatest = log_weights.shape, log_weights.max()
    right, naive = sums - math.log(K), log_weights.exp().mean(dim=0).log()
    return {
        _("this is the mean of the logs, an estimate of the ELBO; here it is the log of the mean"): log_weights.mean(0),
        _("this is the log of the sum: subtract log K"): sums,
        _("you subtracted K: it is log K that goes"): sums - K,
        _("you added log K: dividing the sum by K subtracts it"): sums + math.log(K),
        _("you divided the log by K: divide the sum inside the log, that is, subtract log K"): sums / K,
        _("wrong axis: average over the samples, axis 0, and keep one value for each image"): (
            torch.logsumexp(log_weights, dim=1) - math.log(n)
        ),
        _("you subtracted the log of the number of images: it is the number of samples, K, that divides"): sums
        - math.log(n),
        _("you divided by K − 1: it is a mean, not a variance"): sums - math.log(max(K - 1, 0.5)),
        _("this is the largest log weight: the others count, too"): log_weights.max(dim=0).values,
        _("exp(−1000) is 0 on a computer, and log 0 is −∞ (exp(900) is ∞): use torch.logsumexp"): naive,
        _(
            "one number is subtracted for all images before exp, and some images lie 1000 away from it: take each "
            "column's own maximum, or torch.logsumexp"
        ): (log_weights - greatest).exp().mean(dim=0).log() + greatest,
        _(
            "one number is added to all logs before exp, and some images lie 1000 away from it: take each column's own "
            "maximum, or torch.logsumexp"
        ): (log_weights + 1000).exp().mean(dim=0).log() - 1000,
        _(
            "one number, the mean, is subtracted for all images before exp: take each column's own maximum, or "
            "torch.logsumexp"
        ): (log_weights - log_weights.mean()).exp().mean(dim=0).log() + log_weights.mean(),
        _(
            "you added a small number inside the logarithm, and where the weights are smaller it is all that is left: "
            "use torch.logsumexp"
        ): (log_weights.exp().mean(dim=0) + 1e-7).log(),
        _(
            "you added a tiny number inside the logarithm, and where the weights are smaller it is all that is left: "
            "use torch.logsumexp"
        ): (log_weights.exp().mean(dim=0) + 1e-10).log(),
        _("this is the mean weight: take its logarithm"): log_weights.exp().mean(dim=0),
        _("the maximum that was subtracted is not added again"): right - log_weights.max(dim=0).values,
        _("this is −log, with the sign turned round"): -right,
        _("you averaged over the images as well: keep one value for each"): right.mean(),
        _("you took the mean over everything inside the logarithm: keep one value for each image"): (
            torch.logsumexp(log_weights, dim=(0, 1)) - math.log(K * n)
        ),
    }
