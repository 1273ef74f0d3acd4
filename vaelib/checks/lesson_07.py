"""The checks of lesson 07."""

import math
from collections.abc import Callable

import torch
from torch.distributions import Normal

from vaelib.checks.verdict import generator, report


def check_prior_quantiles(function: Callable) -> None:
    """Checks `function(n)`: the z at the middle of each of n equally probable slices of N(0, 1) → (n,)."""
    n, prior = 7, Normal(0.0, 1.0)
    k = torch.arange(n)
    middle = (k + 0.5) / n
    right = prior.icdf(middle)
    mistakes = {
        "these are the probabilities: turn them into z with icdf": middle,
        "icdf turns probabilities into z, cdf turns z into probabilities: here it is icdf": prior.cdf(middle),
        "your probabilities run from 0 to 1, where z is −∞ and +∞: take the middles, (k + ½)/n": prior.icdf(
            torch.linspace(0, 1, n)
        ),
        "these are the lower ends of the slices, the first at −∞: take the middles, (k + ½)/n": prior.icdf(k / n),
        "these are the upper ends of the slices, the last at +∞: take the middles, (k + ½)/n": prior.icdf((k + 1) / n),
        "these are the n borders between n + 1 slices: take the middles of n slices, (k + ½)/n": prior.icdf(
            (k + 1) / (n + 1)
        ),
        "the slices are evenly spaced in z, not equally probable: space the probabilities evenly": torch.linspace(
            right[0].item(), right[-1].item(), n
        ),
        "these are evenly spaced from −1 to 1": torch.linspace(-1, 1, n),
        "these are evenly spaced from −2 to 2": torch.linspace(-2, 2, n),
        "these are evenly spaced from −3 to 3": torch.linspace(-3, 3, n),
        "the values run backwards": right.flip(0),
    }
    report(function, (n,), right, mistakes, "the middles of n equally probable slices")


def check_log_mean_exp(function: Callable) -> None:
    """Checks `function(log_weights)`: the log of the average weight over the samples, (K, n) → (n,)."""
    near_0 = torch.randn(6, 4, generator=generator(), dtype=torch.float64)  # (K, n)
    shift = torch.tensor([-1000.0, -1010.0, -990.0, -1200.0], dtype=torch.float64)
    log_weights = near_0 + shift  # exp of these is 0
    right = near_0.exp().mean(dim=0).log() + shift
    sums = near_0.exp().sum(dim=0).log() + shift
    mistakes = {
        "this is the mean of the logs, an estimate of the ELBO; here it is the log of the mean": log_weights.mean(0),
        "this is the log of the sum: subtract log K": sums,
        "you subtracted K: it is log K that goes": sums - 6,
        "you added log K: dividing the sum by K subtracts it": sums + math.log(6),
        "you divided the log by K: divide the sum inside the log, that is, subtract log K": sums / 6,
        "wrong axis: average over the samples, axis 0, and keep one value for each image": (
            torch.logsumexp(log_weights, dim=1) - math.log(4)
        ),
        "you subtracted the log of the number of images: it is the number of samples, K, that divides": sums
        - math.log(4),
        "this is the largest log weight: the others count, too": log_weights.max(dim=0).values,
        "exp(−1000) is 0 on a computer, and log 0 is −∞: use torch.logsumexp": torch.full_like(right, -math.inf),
        "you averaged over the images as well: keep one value for each": right.mean(),
    }
    report(function, (log_weights,), right, mistakes, "log of the mean weight, with no underflow")
