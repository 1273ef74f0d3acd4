"""The checks of lesson 00."""

from collections.abc import Callable

import torch

from vaelib.checks.verdict import report


def check_numbers_in(function: Callable) -> None:
    """Checks `function(image)`: how many numbers make one image (C, H, W)."""
    image = torch.zeros(3, 32, 32)
    mistakes = {
        "these are the pixels: each of them has three colours": torch.tensor(32 * 32),
        "this is the number of colours, or of axes: count the values": torch.tensor(3),
        "you added the sizes: they multiply": torch.tensor(3 + 32 + 32),
    }
    report(function, (image,), torch.tensor(3 * 32 * 32), mistakes, "3 × 32 × 32 = 3072 numbers")
