"""The checks of lesson 00."""

import math
from collections.abc import Callable, Iterator

import torch

from vaelib.checks.record import exercise
from vaelib.checks.verdict import Case, compare
from vaelib.language import _


@exercise
def check_numbers_in(function: Callable) -> str:
    """Checks `function(image)`: how many numbers make one image (C, H, W)."""
    compare(function, _cases())
    return _("3 × 32 × 32 = 3072 numbers")


def _cases() -> Iterator[Case]:
    for C, H, W in ((3, 32, 32), (1, 28, 28), (3, 5, 7)):
        mistakes = {
            _("these are the pixels: each of them has three colours"): torch.tensor(H * W),
            _("this is the number of colours, or of axes: count the values"): torch.tensor(C),
            _("you added the sizes: they multiply"): torch.tensor(C + H + W),
            _("this is the shape: multiply its numbers"): torch.tensor((C, H, W)),
            _("these are the colours times the rows: the columns are missing"): torch.tensor(C * H),
            _("these are bytes: each number takes four of them"): torch.tensor(4 * C * H * W),
            _("this is the sum of the values: count them"): torch.tensor(0.5 * C * H * W),
        }
        if math.prod((C, H, W)) != 3072:
            mistakes[_("it gives 3072 for every image: count the numbers of the one that comes in")] = torch.tensor(
                3072
            )
        yield Case(
            (torch.full((C, H, W), 0.5),),
            torch.tensor(C * H * W),
            mistakes,
            _("an image of {C} × {H} × {W}").format(C=C, H=H, W=W),
        )
