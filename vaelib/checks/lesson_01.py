"""The checks of lesson 01."""

from collections.abc import Callable, Iterator

import torch

from vaelib.checks.record import exercise
from vaelib.checks.verdict import Case, compare, generator
from vaelib.language import _


@exercise
def check_reconstruction(function: Callable) -> str:
    """Checks `function(x, x_hat)`: |x − x̂| summed over pixels, averaged over images; (B, C, H, W) twice → scalar."""
    compare(function, _pairs_of_images())
    return _("|x − x̂| is summed over pixels and averaged over images")


def _pairs_of_images() -> Iterator[Case]:
    for B, C, H, W, dtype in ((5, 3, 4, 4, torch.float32), (7, 1, 2, 5, torch.float64), (1, 3, 6, 5, torch.float32)):
        x, x_hat = torch.rand(2, B, C, H, W, generator=generator(), dtype=dtype)
        difference, pixels = x - x_hat, C * H * W
        right = difference.abs().sum() / B
        mistakes = {
            _(
                "you averaged over the pixels too: that is {pixels} times too small here, 3072 times on a face. "
                "Sum over pixels, average over images"
            ).format(pixels=pixels): difference.abs().mean(),
            _("you summed over the images as well: divide by their number"): difference.abs().sum(),
            _("you averaged over the three colours: sum over them, too"): difference.abs().sum() / B / C,
            _("signs cancel: take the absolute value of each difference first"): difference.sum() / B,
            _("this is the absolute value of the sum; it should be the sum of absolute values"): difference.sum().abs()
            / B,
            _("you squared the differences: |·| is the absolute error"): difference.square().sum() / B,
            _(
                "you squared the differences and averaged over the pixels: |·| is the absolute error, and it is summed"
            ): (difference.square().mean()),
            _("this is the length √Σ(x − x̂)² of the difference: add up absolute values"): (
                difference.flatten(1).norm(dim=1).mean()
            ),
            _("you divided by the number of colours, not of images"): difference.abs().sum() / C,
            _("you divided by the number of rows or columns, not of images"): difference.abs().sum() / H,
            _("this is the largest difference: add all of them up"): difference.abs().flatten(1).amax(dim=1).mean(),
            _("there is only the first image in it: average over all"): difference[0].abs().sum(),
            _("this is one number for each image: average over the images"): difference.abs().sum(dim=(1, 2, 3)),
        }
        yield Case(
            (x, x_hat), right, mistakes, _("images of shape {shape} in {dtype}").format(shape=(B, C, H, W), dtype=dtype)
        )


@exercise
def check_interpolation(function: Callable) -> str:
    """Checks `function(h_a, h_b, steps)`: codes (steps, D) on the straight line from h_a (D,) to h_b (D,)."""
    compare(function, _pairs_of_codes())
    return _("five codes, evenly spaced, from h_a to h_b")


def _pairs_of_codes() -> Iterator[Case]:
    for steps, D, dtype in ((5, 3, torch.float32), (4, 7, torch.float64), (2, 1, torch.float32)):
        h_a, h_b = torch.randn(2, D, generator=generator(), dtype=dtype)
        t = torch.linspace(0, 1, steps, dtype=dtype)[:, None]  # (steps, 1)
        right = (1 - t) * h_a + t * h_b
        unfinished = torch.arange(steps, dtype=dtype)[:, None] / steps
        inside = torch.linspace(0, 1, steps + 2, dtype=dtype)[1:-1, None]
        longer = torch.linspace(0, 1, steps + 1, dtype=dtype)[:, None]
        angle = torch.acos((h_a @ h_b / (h_a.norm() * h_b.norm())).clamp(-0.9999, 0.9999))
        mistakes = {
            _("your line runs the wrong way: it should start at h_a"): right.flip(0),
            _("the shape is (D, steps): one code for each row, please"): right.T,
            _("your line stops before h_b: t must run from 0 to 1 with both ends"): (1 - unfinished) * h_a
            + unfinished * h_b,
            _("your line leaves out both ends: t must run from 0 to 1 with both of them"): (1 - inside) * h_a
            + inside * h_b,
            _("one code too many: `steps` counts the codes, both ends included"): (1 - longer) * h_a + longer * h_b,
            _("you add t·h_b but keep all of h_a: the weights (1 − t) and t add up to 1"): h_a + t * h_b,
            _("the weights (1 − t) and t belong to h_a and h_b: you add t · (h_a − h_b)"): h_a + t * (h_a - h_b),
            _("this is the middle between them, at every step"): ((h_a + h_b) / 2).expand(steps, -1),
            _("only h_a is in it: add t · h_b"): (1 - t) * h_a,
            _("this is the way from h_a to h_b, not the codes on it: add h_a"): t * (h_b - h_a),
            _("this goes round on an arc: here it is the straight line"): (
                torch.sin((1 - t) * angle) * h_a + torch.sin(t * angle) * h_b
            )
            / torch.sin(angle),
        }
        yield Case(
            (h_a, h_b, steps),
            right,
            mistakes,
            _("{steps} steps and D = {D}, in {dtype},").format(steps=steps, D=D, dtype=dtype),
        )
