"""The checks of lesson 05."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vaelib.checks.record import exercise
from vaelib.checks.verdict import Case, compare, generator
from vaelib.language import _
from vaelib.measures import COLLAPSED_BELOW


@exercise
def check_collapsed(function: Callable) -> str:
    """Checks `function(kl)`: how many latents have a KL below 0.01 nats on average; KL (n, D) → a whole number."""
    compare(function, _tables())
    return _("a latent is collapsed if its mean KL is below 0.01 nats")


def _tables() -> Iterator[Case]:
    # Exponential draws, whose means are in no order; so large that hardly two mistakes give the same count.
    means = 10 ** (4 * torch.rand(40, generator=generator()) - 3.5)  # (D,), from 0.0003 to 3
    draws = -torch.rand(57, 40, generator=generator(1)).log()
    table = draws / draws.mean(dim=0) * means
    table[1:4] = 0.0  # three images that say nothing
    table[:, [5, 17]] = 0.0  # two latents that never say anything
    table[:, [12, 27]] = 1e-5  # two that say so little that their sum over the images is small, too
    yield _of_table(table, "")
    yield _of_table(table[4:33, 3:14].double(), _("29 images, 11 latents, in float64"))
    yield _of_table(torch.full((4, 6), 0.5), _("latents that are all alive"))
    yield _of_table(torch.full((3, 5), 0.002), _("latents that have all collapsed"))


def _of_table(kl: Tensor, what: str) -> Case:
    def is_small(kl: Tensor) -> Tensor:
        return kl < COLLAPSED_BELOW

    small, mean = is_small(kl), kl.mean(dim=0)  # (n, D), (D,)
    mistakes = {
        _("these are the latents that are alive: count the others"): (~is_small(mean)).sum(),
        _("you ask for a KL below 0.01 on every image: take the mean over the images first"): small.all(dim=0).sum(),
        _("a single image is enough for you: take the mean over the images first"): small.any(dim=0).sum(),
        _("you summed over the images: take their mean"): is_small(kl.sum(dim=0)).sum(),
        _("you counted pairs of an image and a latent: take the mean over the images first"): small.sum(),
        _("you averaged over the latents and counted images: axis 0 holds the images"): is_small(kl.mean(dim=1)).sum(),
        _("this is the share of latents: count them"): is_small(mean).float().mean(),
        _("you averaged over everything: there should be one mean for each latent"): is_small(kl.mean()).sum(),
        _("you took the median over the images: it is the mean that counts"): is_small(kl.median(dim=0).values).sum(),
        _("only a KL of exactly 0 counts for you: the threshold is 0.01 nats"): (mean == 0).sum(),
        _("you looked at one image alone: take the mean over the images"): small[0].sum(),
        _("this is which latents: count them"): is_small(mean),
    }
    for threshold in (0.1, 0.05, 0.02, 0.009, 0.005, 0.001):
        mistakes[_("your threshold may be {threshold}: it is 0.01 nats").format(threshold=threshold)] = (
            mean < threshold
        ).sum()
    return Case((kl,), is_small(mean).sum(), mistakes, what)


@exercise
def check_effective_beta(function: Callable) -> str:
    """Checks `function(pixels, latents, weight)`: the course's β of a loss with means over pixels and over latents."""
    compare(function, _reductions())
    return _("weight · pixels / latents")


def _reductions() -> Iterator[Case]:
    for pixels, latents, weight in ((48, 5, 0.3), (3072, 10, 0.00025), (784, 2, 4)):
        mistakes = {
            _("upside down: the mean over pixels makes the reconstruction small, so β is large"): weight
            * latents
            / pixels,
            _("the mean over latents is forgotten: it makes the KL {latents} times smaller here").format(
                latents=latents
            ): weight * pixels,
            _("the mean over pixels is forgotten: it makes the reconstruction {pixels} times smaller here").format(
                pixels=pixels
            ): weight / latents,
            _("the mean over pixels is forgotten, and that over latents works the other way"): weight * latents,
            _("the mean over latents is forgotten, and that over pixels works the other way"): weight / pixels,
            _("the means work against each other: divide by the number of latents"): weight * pixels * latents,
            _("both means are turned round"): weight / pixels / latents,
            _("the weight is forgotten"): pixels / latents,
            _("the weight stands on the KL, as β does: multiply by it"): pixels / latents / weight,
            _("the weight alone is β only for sums"): weight,
            _("a whole number of pixels for each latent: divide with /, not //"): weight * (pixels // latents),
            _("the squared error has no part in it: no ½, and nothing squared"): 0.5 * weight * pixels / latents,
        }
        mistakes = {reason: torch.tensor(float(wrong)) for reason, wrong in mistakes.items()}
        right = torch.tensor(weight * pixels / latents)
        what = _("{pixels} pixels, {latents} latents and a weight of {weight}").format(
            pixels=pixels, latents=latents, weight=weight
        )
        yield Case((pixels, latents, weight), right, mistakes, what)
