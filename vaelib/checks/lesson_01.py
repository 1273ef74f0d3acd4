"""The checks of lesson 01."""

from collections.abc import Callable

import torch

from vaelib.checks.verdict import generator, report


def check_reconstruction(function: Callable) -> None:
    """Checks `function(x, x_hat)`: |x − x̂| summed over pixels, averaged over images; (B, C, H, W) twice → scalar."""
    x, x_hat = torch.rand(2, 5, 3, 4, 4, generator=generator())
    difference = x - x_hat
    right = difference.abs().sum() / 5
    mistakes = {
        "you averaged over the pixels too: that is 48 times too small here, 3072 times on a face. "
        "Sum over pixels, average over images": difference.abs().mean(),
        "you summed over the images as well: divide by their number": difference.abs().sum(),
        "you averaged over the three colours: sum over them, too": difference.abs().sum() / 15,
        "signs cancel: take the absolute value of each difference first": difference.sum() / 5,
        "this is the absolute value of the sum; it should be the sum of absolute values": difference.sum().abs() / 5,
        "you squared the differences: |·| is the absolute error": difference.square().sum() / 5,
    }
    report(function, (x, x_hat), right, mistakes, "|x − x̂| is summed over pixels and averaged over images")


def check_interpolation(function: Callable) -> None:
    """Checks `function(h_a, h_b, steps)`: codes (steps, D) on the straight line from h_a (D,) to h_b (D,)."""
    h_a, h_b = torch.randn(2, 3, generator=generator())
    t = torch.linspace(0, 1, 5)[:, None]
    right = (1 - t) * h_a + t * h_b
    fractions = torch.arange(5)[:, None] / 5
    mistakes = {
        "your line runs the wrong way: it should start at h_a": right.flip(0),
        "the shape is (D, steps): one code for each row, please": right.T,
        "your line stops before h_b: t must run from 0 to 1 with both ends": (1 - fractions) * h_a + fractions * h_b,
        "you add t·h_b but keep all of h_a: the weights (1 − t) and t add up to 1": h_a + t * h_b,
    }
    report(function, (h_a, h_b, 5), right, mistakes, "five codes, evenly spaced, from h_a to h_b")
