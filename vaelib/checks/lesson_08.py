"""The checks of lesson 08."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Normal

from vaelib.checks.mistakes import SIGMA, SPREADS, fault_of_gradients, fault_of_noise, kl_of, leaf, mistakes_in_kl
from vaelib.checks.verdict import answer_of, generator, is_same, judge, not_yet, pair_of


def check_draw(function: Callable) -> None:
    """Checks `function(q)`: one z ~ q for each entry of a Normal over (B, D), with gradients to its mean and σ."""
    mu, sigma = leaf(5.0), leaf(SIGMA)
    z = answer_of(function, (Normal(mu, sigma, validate_args=False),), mu.shape)
    if z is None:
        return
    spreads = {
        SIGMA**2: "the spread is σ²: q.variance stands where q.stddev should",
        math.log(SIGMA): "the spread is log σ: q.stddev is σ itself, take no logarithm",
        math.exp(SIGMA): "the spread is exp(σ): q.stddev is σ itself, take no exponential",
        math.exp(SIGMA / 2): "the spread is exp(½ σ): q.stddev is σ itself, not log σ²",
    }
    way = "q.rsample() keeps it, q.sample() and torch.normal() lose it, and so does .detach()"
    fault = fault_of_noise(z, SPREADS | spreads, "q.mean") or fault_of_gradients(z, {"μ": mu, "σ": sigma}, way)
    if fault:
        return not_yet(fault)
    print("✓ right: samples of q, and gradients reach its μ and its σ")


def check_sampler_and_kl(function: Callable) -> None:
    """Checks `function(mu, log_var)`: z ~ N(μ, σ²) and the KL of the same N(μ, σ²), both (B, D)."""
    mu, log_var = leaf(5.0), leaf(2 * math.log(SIGMA))
    pair = pair_of(function, (mu, log_var), mu.shape)
    if pair is None:
        return
    z, kl = pair
    spread = z.detach().double().std().item()
    if math.isclose(spread, SIGMA**2, rel_tol=0.03):  # z takes the argument for log σ
        if is_same(kl, kl_of(mu, log_var)):
            return not_yet("the KL charges for σ, but z is drawn with σ²: σ = exp(½ log σ²)")
        if is_same(kl, kl_of(mu, 2 * log_var)):
            return not_yet("z and KL agree with each other, but both read the argument as log σ; it is log σ²")
    if math.isclose(spread, SIGMA, rel_tol=0.03) and is_same(kl, kl_of(mu, 2 * log_var)):
        return not_yet("z is right, but the KL reads its argument as log σ: σ² = exp(log_var), without a 2")
    way = "write z as mu + sigma * epsilon, without .detach() or .data"
    fault = fault_of_noise(z, SPREADS, "mu") or fault_of_gradients(z, {"mu": mu, "log_var": log_var}, way)
    if fault:
        return not_yet(f"in z, {fault}")
    mu, log_var = torch.randn(2, 4, 3, generator=generator())
    pair = pair_of(function, (mu, log_var), mu.shape)
    if pair is not None:
        mistakes = {f"in the KL, {reason}": wrong for reason, wrong in mistakes_in_kl(mu, log_var).items()}
        praise = "the noise that is drawn is the noise that is charged for"
        judge(pair[1], kl_of(mu, log_var), mistakes, praise)


def check_test_loss(function: Callable) -> None:
    """Checks `function(loss_of, images, batch_size)`: the mean over all images of loss_of(batch) → (B,), a scalar."""
    images, size, seen = torch.rand(8, 1, 2, 2, generator=generator()), 3, []
    losses = images.sum(dim=(1, 2, 3)) + torch.arange(8).square()  # (8,), the last batch unlike the others

    def loss_of(batch: Tensor) -> Tensor:
        if batch.shape[1:] != images.shape[1:]:
            raise ValueError("loss_of takes a batch of images, (B, C, H, W)")
        seen.append(len(batch))
        return losses[[next(k for k, image in enumerate(images) if torch.equal(image, x)) for x in batch]]

    batches = losses.split(size)  # of 3, 3 and 2 images
    means = torch.stack([batch.mean() for batch in batches])
    only_first = "there is only the first batch in it, {}: does the return stand inside the loop?"
    mistakes = {
        only_first.format("divided by the number of all images"): batches[0].sum() / 8,
        only_first.format("divided by the number of all batches"): means[0] / 3,
        only_first.format("averaged over all batches, and over all images"): means[0] / 8,
        only_first.format("averaged"): means[0],
        only_first.format("summed up"): batches[0].sum(),
        "there is only the last batch in it: add up inside the loop, don't start anew": means[-1],
        "there is only the last batch in it, divided by the number of all images: add up inside the loop": (
            batches[-1].sum() / 8
        ),
        "this is the mean of the batches' means: the last batch is smaller, so its images would count more. "
        "Add up sums, and divide once by the number of images": means.mean(),
        "the last, smaller batch is left out": losses[:6].mean(),
        "the last, smaller batch is left out, though its images are counted": losses[:6].sum() / 8,
        "this is the sum over the images: divide by their number": losses.sum(),
        "this is the sum of the batches' means: add up sums, and divide once by the number of images": means.sum(),
        "you added up means, and divided by the number of images: add up sums": means.sum() / 8,
        "you divided by the number of batches, not of images": losses.sum() / 3,
        "the last batch is smaller than batch_size: multiply its mean by len(batch), or add up sums": means.sum()
        * size
        / 8,
    }
    answer = answer_of(function, (loss_of, images, size), None)
    if answer is None:
        return
    if is_same(answer, losses.mean()) and max(seen) > size:
        return not_yet(
            f"the value is right, but {max(seen)} images went through at once: at most batch_size, here {size}"
        )
    praise = "every test image counts once, whatever the size of the batches"
    judge(answer, losses.mean(), mistakes, praise)


def check_pixels(function: Callable) -> None:
    """Checks `function(raw)`: pixels (B, 1, H, W) from whole numbers in 0..16 to float32 in [0, 1]."""
    raw = torch.randint(0, 11, (5, 1, 4, 4), generator=generator(), dtype=torch.uint8)
    raw[:, 0, 0, 0] = torch.arange(11, 6, -1)  # each image has another maximum, and none is 16
    values = raw.float()
    right = values / 16
    own_maximum = values.amax(dim=(1, 2, 3), keepdim=True)
    mistakes = {
        "these are still the raw numbers: divide by the largest value that a pixel can have, 16": values,
        "divided by 255, the largest byte: here the largest value is 16, so this leaves 94 % of the range unused": (
            values / 255
        ),
        "divided by 256: here the largest value is 16": values / 256,
        "divided by 15: 0..16 are seventeen values, and the largest is 16": values / 15,
        "divided by 17: seventeen values, but the largest is 16": values / 17,
        "divided by the largest value of this batch: the same ink would be another grey in another batch": (
            values / values.max()
        ),
        "divided by each image's own maximum: faint strokes would become as black as strong ones": values / own_maximum,
        "everything between 0 and 16 became 0: divide with /, not //, and before you change the type": 0 * values,
        "this is black and white: keep the grey values between": (values > 8).float(),
        "everything from 1 to 16 became 1: divide by 16 rather than clip": values.clamp(max=1),
        "black and white are exchanged: 0 is paper and stays 0": 1 - right,
        "mapped to [-1, 1]: the BCE wants [0, 1]": 2 * right - 1,
        "standardised to mean 0: the BCE wants [0, 1]": (values - values.mean()) / values.std(),
    }
    answer = answer_of(function, (raw,), None)
    if answer is None:
        return
    if is_same(answer, right) and answer.dtype != torch.float32:
        return not_yet(
            f"the values are right, but they are {answer.dtype}; the weights of the models are torch.float32"
        )
    judge(answer, right, mistakes, "pixels in [0, 1], each divided by the same 16")
