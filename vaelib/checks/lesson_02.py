"""The checks of lesson 02."""

import math
from collections.abc import Callable, Iterator

import torch
from torch.distributions import Normal, kl_divergence

from vaelib.checks.record import NotYet, exercise
from vaelib.checks.verdict import Case, answer_of, compare
from vaelib.language import _

REPEATED = 20  # estimates
DRAWN = 20_000  # samples for each of them


@exercise
def check_kl_by_samples(function: Callable) -> str:
    """Checks `function(q, p, n)`: KL(q ‖ p) of two one-dimensional Normals from n samples of q, a scalar."""
    for k, (q, p) in enumerate(
        (
            (Normal(1.0, 0.5), Normal(-0.5, 1.0)),
            (Normal(-0.4, 0.8), Normal(0.9, 1.7)),
            (Normal(torch.tensor(0.3).double(), 0.2), Normal(torch.tensor(0.1).double(), 0.9)),
        )
    ):
        fault = _fault_of_estimates(function, q, p)
        if fault:
            raise NotYet(_("right for one q and p, but not for others: {fault}").format(fault=fault) if k else fault)
    return _("the mean of log q − log p over samples of q")


def _fault_of_estimates(function: Callable, q: Normal, p: Normal) -> str:
    """What is wrong with the estimates of KL(q ‖ p); "" if nothing is."""
    exact = kl_divergence(q, p).item()
    estimate = answer_of(function, (q, p, 3), None)
    if estimate.shape == (3,):
        return _("these are the n log ratios: take their mean")
    if estimate.shape != ():
        return _("the result should have shape (), a single number, it has {shape}").format(shape=tuple(estimate.shape))
    if math.isclose(estimate.item(), exact, rel_tol=1e-5):
        return _("this is the exact value, from a closed form: estimate it from n samples")
    estimates = [answer_of(function, (q, p, DRAWN), ()).item() for _ in range(REPEATED)]
    if len(set(estimates)) == 1 and math.isclose(estimates[0], exact, rel_tol=0.2):
        return _("the same samples at each call: set no seed inside of the function")
    return _fault_of_mean(estimates, q, p, exact)


def _fault_of_mean(estimates: list[float], q: Normal, p: Normal, exact: float) -> str:
    mean, apart = sum(estimates) / len(estimates), max(estimates) - min(estimates)
    z = torch.linspace(-9, 9, 18_001).to(q.mean.dtype)  # for the averages that have no closed form here
    density, log_ratio = q.log_prob(z).exp(), q.log_prob(z) - p.log_prob(z)

    def average(values) -> float:
        return torch.trapezoid(density * values, z).item()

    one_estimate = math.sqrt(average((log_ratio - exact) ** 2) / DRAWN)  # its standard deviation
    if apart > 0.3 * abs(mean):
        return _(
            "with n = {DRAWN} your estimates should agree, they lie {apart:.1f} apart: do you draw n samples?"
        ).format(DRAWN=DRAWN, apart=apart)
    if math.isclose(mean, exact, rel_tol=0.02):
        if apart > 8.5 * one_estimate:  # of 20 right ones: 3.7 times that, give or take 0.7
            return _(
                "right on average, but too far apart for n = {DRAWN}: does the number of samples follow n?"
            ).format(DRAWN=DRAWN)
        return ""
    mean_ratio, reverse = average(log_ratio.exp()), kl_divergence(p, q).item()
    mistakes = {
        _("the sign is turned round: log q − log p, averaged over samples of q"): -exact,
        _("the samples come from p: KL(q ‖ p) averages over values of q"): -reverse,
        _("this is KL(p ‖ q): draw from q, and subtract p's log density from q's"): reverse,
        _("you summed the n log ratios: take their mean"): DRAWN * exact,
        _("these are densities: take log_prob as it is, without exp"): average(density - p.log_prob(z).exp()),
        _("this is the mean of the ratio q/p: take its logarithm for each sample"): mean_ratio,
        _("this is the logarithm of the mean ratio: take the mean of the logarithms"): math.log(mean_ratio),
        _("only log q is averaged: subtract log p"): average(q.log_prob(z)),
        _("only log p is averaged: the log ratio is log q − log p"): average(p.log_prob(z)),
        _("these are logarithms to the base 2, bits: nats take the natural one"): exact / math.log(2),
        _("half of what it should be: there is no ½ in it"): exact / 2,
        _("the log ratios are squared: take their mean as they are"): average(log_ratio**2),
        _("you took the absolute values of the log ratios: take their mean as they are"): average(log_ratio.abs()),
        _("both densities are added up: the log ratio is log q − log p"): average(q.log_prob(z) + p.log_prob(z)),
        _("the samples are N(0, 1), not q"): torch.trapezoid(Normal(0.0, 1.0).log_prob(z).exp() * log_ratio, z).item(),
    }
    for reason, wrong in mistakes.items():
        if math.isclose(mean, wrong, rel_tol=0.02):
            return reason
    return _("with n = {DRAWN} the estimate should be near {exact:.3f}, it is {mean:.3f}").format(
        DRAWN=DRAWN, exact=exact, mean=mean
    )


@exercise
def check_kl_of_normals(function: Callable) -> str:
    """Checks `function(mu_q, sigma_q, mu_p, sigma_p)`: KL(N(μ_q, σ_q²) ‖ N(μ_p, σ_p²)), four times (n,) → (n,)."""
    compare(function, _pairs_of_normals())
    return _("log(σ_p/σ_q) + (σ_q² + (μ_q − μ_p)²) / 2σ_p² − ½")


def _pairs_of_normals() -> Iterator[Case]:
    q, p = torch.tensor([[0.3, -1.0, 2.0], [0.6, 1.7, 0.4]]), torch.tensor([[-0.5, 1.1, 0.6], [1.4, 0.7, 2.2]])
    yield _of_normals(*q, *p)
    yield _of_normals(*(values.double().flip(0).repeat(3)[:7] for values in (*q, *p)), _("n = 7 in float64"))
    yield _of_normals(*(values[:1] for values in (*p, *q)), _("one pair"))


def _of_normals(mu_q, sigma_q, mu_p, sigma_p, what: str = "") -> Case:
    squared = (mu_q - mu_p) ** 2
    spread, log_ratio = sigma_q**2 + squared, torch.log(sigma_p / sigma_q)
    answer = log_ratio + spread / (2 * sigma_p**2) - 0.5
    mistakes = {
        _("this is the other direction, KL(p ‖ q): q's σ goes into the numerator, p's into the denominator"): -log_ratio
        + (sigma_p**2 + squared) / (2 * sigma_q**2)
        - 0.5,
        _("the sign is turned round: a KL divergence is never negative"): -answer,
        _("the −½ is missing: for q = p the KL must be 0"): answer + 0.5,
        _("the logarithm is upside down: it is log(σ_p / σ_q)"): answer - 2 * log_ratio,
        _("the logarithm is missing"): answer - log_ratio,
        _("this is the logarithm of σ_p² / σ_q²: it needs a ½, or σ instead of σ²"): answer + log_ratio,
        _("σ stands where σ² should, above and below"): log_ratio + (sigma_q + squared) / (2 * sigma_p) - 0.5,
        _("in the numerator σ_q must be squared"): log_ratio + (sigma_q + squared) / (2 * sigma_p**2) - 0.5,
        _("in the denominator σ_p must be squared"): log_ratio + spread / (2 * sigma_p) - 0.5,
        _("the quotient lacks its ½: divide by 2 σ_p²"): log_ratio + spread / sigma_p**2 - 0.5,
        _("μ_q − μ_p must be squared"): log_ratio + (sigma_q**2 + mu_q - mu_p) / (2 * sigma_p**2) - 0.5,
        _("σ_q² is missing: the values of q spread around μ_q"): log_ratio + squared / (2 * sigma_p**2) - 0.5,
        _("p is taken for N(0, 1): use mu_p and sigma_p"): 0.5 * (mu_q**2 + sigma_q**2 - 1) - sigma_q.log(),
        _("twice too large: is a ½ missing everywhere?"): 2 * answer,
        _("brackets: x / 2 * y is (x / 2) · y; divide by (2 * sigma_p**2)"): (
            log_ratio + spread / 2 * sigma_p**2 - 0.5
        ),
        _("the sign of the ½ is turned round: for q = p the KL must be 0"): answer + 1,
        _("you summed: keep one value for each pair"): answer.sum(),
        _("you averaged: keep one value for each pair"): answer.mean(),
    }
    return Case((mu_q, sigma_q, mu_p, sigma_p), answer, mistakes, what)
