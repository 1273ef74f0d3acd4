"""The checks of lesson 00."""

import math
from collections.abc import Callable, Iterator

import torch

from vaelib.checks.record import exercise
from vaelib.checks.verdict import Case, compare


@exercise
def check_numbers_in(function: Callable) -> str:
    """Checks `function(image)`: how many numbers make one image (C, H, W)."""
    compare(function, _cases())
    return "3 × 32 × 32 = 3072 numbers"


def _cases() -> Iterator[Case]:
    for C, H, W in ((3, 32, 32), (1, 28, 28), (3, 5, 7)):
        mistakes = {
            "these are the pixels: each of them has three colours": torch.tensor(H * W),
            "this is the number of colours, or of axes: count the values": torch.tensor(C),
            "you added the sizes: they multiply": torch.tensor(C + H + W),
            "this is the shape: multiply its numbers": torch.tensor((C, H, W)),
            "these are the colours times the rows: the columns are missing": torch.tensor(C * H),
            "these are bytes: each number takes four of them": torch.tensor(4 * C * H * W),
            "this is the sum of the values: count them": torch.tensor(0.5 * C * H * W),
        }
        if math.prod((C, H, W)) != 3072:
            mistakes["it gives 3072 for every image: count the numbers of the one that comes in"] = torch.tensor(3072)
        yield Case((torch.full((C, H, W), 0.5),), torch.tensor(C * H * W), mistakes, f"an image of {C} × {H} × {W}")
