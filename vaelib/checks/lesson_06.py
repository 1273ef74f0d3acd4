"""The checks of lesson 06."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vaelib.checks.record import NotYet, exercise
from vaelib.checks.verdict import Case, answer_of, compare, generator, is_same
from vaelib.language import _


@exercise
def check_traversal(function: Callable) -> str:
    """Checks `function(z, j, values)`: z (D,) with its latent j set to each of the values (n,) → (n, D)."""
    case = next(_walks())
    z, j, values = case.arguments
    walked = z.clone()
    answer = answer_of(function, (walked, j, values), None)
    if is_same(answer, case.right) and not torch.equal(z, walked):
        raise NotYet(_("the rows are right, but you changed z itself: work on a copy, z.repeat(len(values), 1)"))
    compare(function, _walks())
    return _("latent j takes each value, the others stay")


def _walks() -> Iterator[Case]:
    # The values are not in order, and some lie beyond ±3; j is neither the middle one nor always the same.
    values = torch.tensor([2.5, -4.0, 0.5, 3.5])
    yield _walk(torch.randn(5, generator=generator()), 1, values)
    yield _walk(torch.randn(6, generator=generator(), dtype=torch.float64), 4, values[[3, 0, 1]].double())
    yield _walk(torch.randn(3, generator=generator()), 0, values[1:2])


def _walk(z: Tensor, j: int, values: Tensor) -> Case:
    n, D = len(values), len(z)

    def shifted(k: int, rows: Tensor) -> Tensor:
        table = z.repeat(n, 1)
        table[:, k] = rows
        return table

    right = shifted(j, values)
    others_at_0 = torch.zeros(n, D).to(z)
    others_at_0[:, j] = values
    mistakes = {
        _("you added the values to latent j: set it to them"): shifted(j, z[j] + values),
        _("you multiplied latent j by the values: set it to them"): shifted(j, z[j] * values),
        _("off by one: latent j is column j, counted from 0; you changed column j − 1"): shifted(j - 1, values),
        _("off by one: latent j is column j, counted from 0; you changed column j + 1"): shifted((j + 1) % D, values),
        _("you counted from the end: latent j is column j, not −j"): shifted(-j, values),
        _("you counted from the end: latent j is column j, not −j − 1"): shifted(-j - 1, values),
        _("you changed the latent in the middle: change latent j"): shifted(D // 2, values),
        _("you changed every latent: only column j takes the values"): values[:, None].expand(n, D),
        _("you added the values to every latent: only column j changes"): z + values[:, None],
        _("you multiplied every latent by the values: only column j changes, and it is set to them"): z
        * values[:, None],
        _("the other latents are 0: they should stay as they are in z"): others_at_0,
        _("nothing has changed: set column j to the values"): z.expand(n, D),
        _("all rows hold the last value: they are one and the same tensor, take a copy for each"): right[-1:].expand(
            n, D
        ),
        _("all rows hold the first value: each row takes its own"): right[:1].expand(n, D),
        _("the values were put in order: take them as they come"): shifted(j, values.sort().values),
        _("the values were cut off: take them as they come"): shifted(j, values.clamp(-3, 3)),
        _("the values were spread evenly from the first to the last: take them as they come"): shifted(
            j, torch.linspace(values[0].item(), values[-1].item(), n).to(z)
        ),
        _("the values were rounded: take them as they come"): shifted(j, values.trunc()),
        _("the shape is (D, n): one point for each row, please"): right.T,
        _("these are the values of latent j alone: the other latents belong to each row, too"): values[:, None],
        _("the values run backwards"): right.flip(0),
    }
    what = _("j = {j} of {D} latents and {n} values in {dtype}").format(j=j, D=D, n=n, dtype=z.dtype)
    return Case((z, j, values), right, mistakes, what)


@exercise
def check_push_forward(function: Callable) -> str:
    """Checks `function(weight, sigma)`: each attribute's σ from the probes' weight (K, D) and sigma (B, D) → (B, K)."""
    compare(function, _probes())
    return _("variances add up, with squared weights: √Σ w² σ²")


def _probes() -> Iterator[Case]:
    # D is not 4 at first: the root of a mean over 4 latents is half of the right answer.
    for K, D, B, dtype in ((3, 7, 5, torch.float32), (6, 10, 2, torch.float64), (4, 4, 4, torch.float32)):
        weight = 0.5 + torch.rand(K, D, generator=generator(), dtype=dtype)  # (K, D)
        weight[:, 1] *= -0.3  # negative, but no sum of squares below comes out negative with it
        sigma = 0.3 + torch.rand(B, D, generator=generator(1), dtype=dtype)  # (B, D)
        what = _("{K} attributes, {D} latents and {B} images in {dtype}").format(K=K, D=D, B=B, dtype=dtype)
        yield Case((weight, sigma), (sigma**2 @ weight.T**2).sqrt(), _mistakes_in_width(weight, sigma), what)


def _mistakes_in_width(weight: Tensor, sigma: Tensor) -> dict[str, Tensor]:
    variance = sigma.square() @ weight.square().T  # (B, K)
    right, D = variance.sqrt(), weight.shape[1]
    return {
        _("this is the variance: take its root"): variance,
        _("the weights must be squared: a variance grows with the square of a factor"): (
            sigma.square() @ weight.T
        ).sqrt(),
        _("the absolute weights stand where their squares should"): (sigma.square() @ weight.abs().T).sqrt(),
        _("σ must be squared: it is variances that add up"): (sigma @ weight.square().T).sqrt(),
        _("this is Σ w σ: signs let the widths cancel. Add variances, Σ w² σ², then take the root"): sigma @ weight.T,
        _("this is Σ |w| σ: as if all latents always erred together. Add variances, Σ w² σ², then take the root"): (
            sigma @ weight.abs().T
        ),
        _("this is |Σ w σ|: square each w σ before you add"): (sigma @ weight.T).abs(),
        _("this is Σ w² σ: square σ as well, and take the root"): sigma @ weight.square().T,
        _("this is Σ w σ²: square the weights as well, and take the root"): sigma.square() @ weight.T,
        _("you averaged over the latents: sum over them"): (variance / D).sqrt(),
        _("this is the widest latent's part: add the variances of all"): ((sigma[:, None] * weight).abs().amax(dim=2)),
        _("there is one ½ too many: the root alone is what turns a variance into a width"): right / 2,
        _("this is log of the width: leave the logarithm out"): right.log(),
        _("you summed over the attributes as well: keep one width for each"): variance.sum(dim=1).sqrt(),
        _("the product has no sum in it: add up over the latents"): ((sigma[:, None] * weight).abs()),
        _("the shape is (K, B): one row for each image, please"): right.T,
    }
