"""The checks of lesson 06."""

from collections.abc import Callable

import torch
from torch import Tensor

from vaelib.checks.verdict import answer_of, generator, is_same, judge, not_yet, report


def check_traversal(function: Callable) -> None:
    """Checks `function(z, j, values)`: z (D,) with its latent j set to each of the values (n,) → (n, D)."""
    z = torch.randn(5, generator=generator())
    before, j, values = z.clone(), 2, torch.tensor([-1.5, 0.5, 2.5, 3.0])
    right = before.repeat(4, 1)
    right[:, j] = values

    def shifted(k: int, rows: Tensor) -> Tensor:
        table = before.repeat(4, 1)
        table[:, k] = rows
        return table

    others_at_0 = torch.zeros(4, 5)
    others_at_0[:, j] = values
    mistakes = {
        "you added the values to latent j: set it to them": shifted(j, before[j] + values),
        "you multiplied latent j by the values: set it to them": shifted(j, before[j] * values),
        "off by one: latent j is column j, counted from 0; you changed column j − 1": shifted(j - 1, values),
        "off by one: latent j is column j, counted from 0; you changed column j + 1": shifted(j + 1, values),
        "you changed every latent: only column j takes the values": values[:, None].expand(4, 5),
        "you added the values to every latent: only column j changes": before + values[:, None],
        "the other latents are 0: they should stay as they are in z": others_at_0,
        "all rows hold the last value: they are one and the same tensor, take a copy for each": right[-1:].expand(4, 5),
        "the shape is (D, n): one point for each row, please": right.T,
        "the values run backwards": right.flip(0),
    }
    answer = answer_of(function, (z, j, values), None)
    if answer is None:
        return
    if is_same(answer, right) and not torch.equal(z, before):
        return not_yet("the rows are right, but you changed z itself: work on a copy, z.repeat(len(values), 1)")
    judge(answer, right, mistakes, "latent j takes each value, the others stay")


def check_push_forward(function: Callable) -> None:
    """Checks `function(weight, sigma)`: each attribute's σ from the probes' weight (K, D) and sigma (B, D) → (B, K)."""
    weight = 0.5 + torch.rand(3, 4, generator=generator())  # (K, D)
    weight[:, 1] *= -0.3  # negative, but no sum of squares below comes out negative with it
    sigma = 0.3 + torch.rand(5, 4, generator=torch.Generator().manual_seed(1))  # (B, D)
    variance = sigma.square() @ weight.square().T  # (B, K)
    right = variance.sqrt()
    mistakes = {
        "this is the variance: take its root": variance,
        "the weights must be squared: a variance grows with the square of a factor": (sigma.square() @ weight.T).sqrt(),
        "the absolute weights stand where their squares should": (sigma.square() @ weight.abs().T).sqrt(),
        "σ must be squared: it is variances that add up": (sigma @ weight.square().T).sqrt(),
        "this is Σ w σ: signs let the widths cancel. Add variances, Σ w² σ², then take the root": sigma @ weight.T,
        "this is Σ |w| σ: as if all latents always erred together. Add variances, Σ w² σ², then take the root": (
            sigma @ weight.abs().T
        ),
        "this is Σ w² σ: square σ as well, and take the root": sigma @ weight.square().T,
        "you averaged over the latents: sum over them": (variance / 4).sqrt(),
        "you summed over the attributes as well: keep one width for each": variance.sum(dim=1).sqrt(),
        "the shape is (K, B): one row for each image, please": right.T,
    }
    report(function, (weight, sigma), right, mistakes, "variances add up, with squared weights: √Σ w² σ²")
