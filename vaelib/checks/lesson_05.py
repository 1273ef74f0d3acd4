"""The checks of lesson 05."""

from collections.abc import Callable

import torch

from vaelib.checks.verdict import report


def check_collapsed(function: Callable) -> None:
    """Checks `function(kl)`: how many latents have a KL below 0.01 nats on average; KL (n, D) → a whole number."""
    kl = torch.tensor(  # over the images the latents average 0.9, 0.05, 0.012, 0.008, 0.004, 0.005, 0.001, 0.0001
        [
            [0.02, 0.000, 0.009, 0.024, 0.004, 0.005, 0.001, 0.0],
            [1.18, 0.150, 0.011, 0.000, 0.002, 0.005, 0.001, 0.0003],
            [1.50, 0.000, 0.016, 0.000, 0.006, 0.005, 0.001, 0.0],
        ]
    )
    small = kl < 0.01  # (n, D)
    mistakes = {
        "these are the latents that are alive: count the others": torch.tensor(3),
        "you ask for a KL below 0.01 on every image: take the mean over the images first": small.all(dim=0).sum(),
        "a single image is enough for you: take the mean over the images first": small.any(dim=0).sum(),
        "you summed over the images: take their mean": (kl.sum(dim=0) < 0.01).sum(),
        "you counted pairs of an image and a latent: take the mean over the images first": small.sum(),
        "you averaged over the latents and counted images: axis 0 holds the images": (kl.mean(dim=1) < 0.01).sum(),
        "this is the share of latents: count them": torch.tensor(5 / 8),
        "you averaged over everything: there should be one mean for each latent": torch.tensor(0),
        "this is which latents: count them": kl.mean(dim=0) < 0.01,
    }
    report(function, (kl,), torch.tensor(5), mistakes, "a latent is collapsed if its mean KL is below 0.01 nats")


def check_effective_beta(function: Callable) -> None:
    """Checks `function(pixels, latents, weight)`: the course's β of a loss with means over pixels and over latents."""
    pixels, latents, weight = 48, 5, 0.3
    mistakes = {
        "upside down: the mean over pixels makes the reconstruction small, so β is large": weight * latents / pixels,
        "the mean over latents is forgotten: it makes the KL 5 times smaller here": weight * pixels,
        "the mean over pixels is forgotten: it makes the reconstruction 48 times smaller here": weight / latents,
        "the means work against each other: divide by the number of latents": weight * pixels * latents,
        "the weight is forgotten": pixels / latents,
        "the weight stands on the KL, as β does: multiply by it": pixels / latents / weight,
        "the weight alone is β only for sums": weight,
    }
    mistakes = {reason: torch.tensor(wrong) for reason, wrong in mistakes.items()}
    right = torch.tensor(weight * pixels / latents)
    report(function, (pixels, latents, weight), right, mistakes, "weight · pixels / latents")
