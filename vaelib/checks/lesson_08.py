"""The checks of lesson 08."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.distributions import Normal

from vaelib.checks.lesson_04 import cases_of_kl, fault_of_slopes_in_z
from vaelib.checks.mistakes import (
    SIGMA,
    SPREADS,
    fault_of_each_entry,
    fault_of_gradients,
    fault_of_noise,
    kl_of,
    leaf,
    leaves_of_all_sizes,
)
from vaelib.checks.record import NotYet, exercise
from vaelib.checks.verdict import (
    Case,
    answer_of,
    compare,
    detached,
    fault_of_slopes,
    fault_of_value,
    generator,
    is_same,
    pair_of,
)
from vaelib.language import _, later


@exercise
def check_draw(function: Callable) -> str:
    """Checks `function(q)`: one z ~ q for each entry of a Normal over (B, D), with gradients to its mean and σ."""
    spreads = {
        SIGMA**2: later("the spread is σ²: q.variance stands where q.stddev should"),
        math.log(SIGMA): later("the spread is log σ: q.stddev is σ itself, take no logarithm"),
        math.exp(SIGMA): later("the spread is exp(σ): q.stddev is σ itself, take no exponential"),
        math.exp(SIGMA / 2): later("the spread is exp(½ σ): q.stddev is σ itself, not log σ²"),
    }
    way = _("q.rsample() keeps it, q.sample() and torch.normal() lose it, and so does .detach()")
    every_mu, every_log_var = leaves_of_all_sizes(torch.float64)
    every_sigma = (0.5 * every_log_var).exp().detach().requires_grad_()
    for mu, sigma in ((leaf(5.0), leaf(SIGMA)), (every_mu, every_sigma)):
        q = Normal(mu, sigma, validate_args=False)
        z, again = (answer_of(function, (q,), mu.shape) for _ in range(2))
        all_alike = mu is not every_mu
        fault = (
            fault_of_noise(z, again, SPREADS | spreads, "q.mean") if all_alike else fault_of_each_entry(z, mu, sigma)
        )
        slopes = {"μ": torch.ones_like(mu), "σ": (z - mu) / sigma}
        fault = fault or fault_of_gradients(z, {"μ": mu, "σ": sigma}, slopes, way)
        if fault:
            raise NotYet(fault)
    return _("samples of q, and gradients reach its μ and its σ")


@exercise
def check_sampler_and_kl(function: Callable) -> str:
    """Checks `function(mu, log_var)`: z ~ N(μ, σ²) and the KL of the same N(μ, σ²), both (B, D), with gradients."""
    mu, log_var = leaf(5.0), leaf(2 * math.log(SIGMA))
    (z, kl), (again, _kl) = (pair_of(function, (mu, log_var), mu.shape) for _ in range(2))
    fault = _fault_of_both(z, kl, mu, log_var)
    if fault:
        raise NotYet(fault)
    fault = fault_of_noise(z, again, SPREADS, "mu") or fault_of_slopes_in_z(z, mu, log_var)
    if not fault:
        mu, log_var = leaves_of_all_sizes(torch.float64)
        z, _kl = pair_of(function, (mu, log_var), mu.shape)
        fault = fault_of_each_entry(z, mu, (0.5 * log_var).exp()) or fault_of_slopes_in_z(z, mu, log_var)
    if fault:
        raise NotYet(_("in z, {fault}").format(fault=fault))
    for case in cases_of_kl():
        _z, kl = pair_of(function, detached(case.arguments), case.right.shape)
        fault = fault_of_value(kl, case) or fault_of_slopes(lambda *pieces: function(*pieces)[1], case)
        if fault:
            raise NotYet(_("in the KL, {fault}").format(fault=fault))
    return _("the noise that is drawn is the noise that is charged for, and gradients reach μ and log σ² by both ways")


def _fault_of_both(z: Tensor, kl: Tensor, mu: Tensor, log_var: Tensor) -> str:
    """What can be said only of both: their order, and whether they read the argument in the same way."""
    if is_same(z, kl_of(mu, log_var)) or (z.detach().double().std() < 0.01 < kl.detach().double().std()):
        return _("z and KL are swapped: return z, kl, in this order")
    spread = z.detach().double().std().item()
    if math.isclose(spread, SIGMA**2, rel_tol=0.03):  # z takes the argument for log σ
        if is_same(kl, kl_of(mu, log_var)):
            return _("the KL charges for σ, but z is drawn with σ²: σ = exp(½ log σ²)")
        if is_same(kl, kl_of(mu, 2 * log_var)):
            return _("z and KL agree with each other, but both read the argument as log σ; it is log σ²")
    if math.isclose(spread, SIGMA, rel_tol=0.03) and is_same(kl, kl_of(mu, 2 * log_var)):
        return _("z is right, but the KL reads its argument as log σ: σ² = exp(log_var), without a 2")
    return ""


@exercise
def check_test_loss(function: Callable) -> str:
    """Checks `function(loss_of, images, batch_size)`: the mean over all images of loss_of(batch) → (B,), a scalar."""
    for k, (n, size, dtype) in enumerate(((11, 4, torch.float32), (7, 7, torch.float64), (5, 1, torch.float32),
                                          (4, 100, torch.float32), (12, 4, torch.float32))):  # fmt: skip
        evaluation = _Evaluation(n, size, dtype)
        answer = answer_of(function, evaluation.case.arguments, None)
        fault = fault_of_value(answer, evaluation.case)
        most = max(evaluation.seen, default=0)
        if not fault and most > size:
            fault = _(
                "the value is right, but {most} images went through at once: at most batch_size, here {size}"
            ).format(most=most, size=size)
        if fault:
            raise NotYet(
                _("right at first, but for {n} images in batches of {size}: {fault}").format(
                    n=n, size=size, fault=fault
                )
                if k
                else fault
            )
    return _("every test image counts once, whatever the size of the batches")


class _Evaluation:
    """Some images, a loss whose last batch is unlike the others, and the sizes of the batches that it has seen."""

    def __init__(self, n: int, size: int, dtype: torch.dtype):
        self.images = torch.rand(n, 1, 2, 2, generator=generator(), dtype=dtype)
        self.losses = self.images.sum(dim=(1, 2, 3)) + torch.arange(n).square()  # (n,)
        self.seen: list[int] = []
        mistakes = _mistakes_in_evaluation(self.losses, size)
        self.case = Case((self._loss_of, self.images, size), self.losses.mean(), mistakes)

    def _loss_of(self, batch: Tensor) -> Tensor:
        if batch.ndim != 4 or batch.shape[1:] != self.images.shape[1:]:
            raise ValueError("loss_of takes a batch of images, (B, C, H, W)")
        self.seen.append(len(batch))
        rows = [next(k for k, image in enumerate(self.images) if torch.equal(image, x)) for x in batch]
        return self.losses[rows]


def _mistakes_in_evaluation(losses: Tensor, size: int) -> dict[str, Tensor]:
    n, batches = len(losses), losses.split(size)
    means = torch.stack([batch.mean() for batch in batches])
    whole = losses[: n - n % size] if n >= size else losses  # without a smaller last batch
    return {
        _(
            "there is only the first batch in it, divided by the number of all images: does the return stand inside "
            "the loop?"
        ): batches[0].sum() / n,
        _(
            "there is only the first batch in it, divided by the number of all batches: does the return stand inside "
            "the loop?"
        ): means[0] / len(batches),
        _(
            "there is only the first batch in it, averaged over all batches, and over all images: does the return "
            "stand inside the loop?"
        ): means[0] / n,
        _("there is only the first batch in it, averaged: does the return stand inside the loop?"): means[0],
        _("there is only the first batch in it, summed up: does the return stand inside the loop?"): batches[0].sum(),
        _("there is only the last batch in it: add up inside the loop, don't start anew"): means[-1],
        _("there is only the last batch in it, divided by the number of all images: add up inside the loop"): (
            batches[-1].sum() / n
        ),
        _("there is only the last batch in it, summed up: add up inside the loop"): batches[-1].sum(),
        _(
            "this is the mean of the batches' means: the last batch is smaller, so its images would count more. "
            "Add up sums, and divide once by the number of images"
        ): means.mean(),
        _("the last, smaller batch is left out"): whole.mean(),
        _("the last, smaller batch is left out, though its images are counted"): whole.sum() / n,
        _("the first batch is left out"): losses[size:].sum() / n,
        _("the first image is left out"): losses[1:].mean(),
        _("this is the sum over the images: divide by their number"): losses.sum(),
        _("this is the sum of the batches' means: add up sums, and divide once by the number of images"): means.sum(),
        _("you added up means, and divided by the number of images: add up sums"): means.sum() / n,
        _("you divided by the number of batches, not of images"): losses.sum() / len(batches),
        _("you divided by batch_size, not by the number of images"): losses.sum() / size,
        _("you divided by the images of full batches: the last one is smaller"): losses.sum() / (size * len(batches)),
        _("you divided by n − 1: it is a mean, not a variance"): losses.sum() / max(n - 1, 0.5),
        _("this is the median: take the mean"): losses.median(),
        _("the last batch is smaller than batch_size: multiply its mean by len(batch), or add up sums"): means.sum()
        * size
        / n,
    }


@exercise
def check_pixels(function: Callable) -> str:
    """Checks `function(raw)`: pixels (B, 1, H, W) from whole numbers in 0..16 to float32 in [0, 1]."""
    for case in _raw_digits():
        answer = answer_of(function, case.arguments, None)
        if is_same(answer, case.right) and answer.dtype != torch.float32:
            raise NotYet(
                _("the values are right, but they are {dtype}; the weights of the models are torch.float32").format(
                    dtype=answer.dtype
                )
            )
    compare(function, _raw_digits())
    return _("pixels in [0, 1], each divided by the same 16")


def _raw_digits() -> Iterator[Case]:
    some = torch.randint(1, 11, (5, 1, 4, 4), generator=generator(), dtype=torch.uint8)
    some[:, 0, 0, 0] = torch.arange(11, 6, -1)  # each image has another maximum, none is 16, and none has a 0
    yield Case((some,), some / 16, _mistakes_in_pixels(some))
    full = torch.randint(0, 17, (3, 1, 5, 2), generator=generator(), dtype=torch.uint8)
    full[0, 0, 0, 0] = 16
    yield Case((full,), full / 16, _mistakes_in_pixels(full), _("pixels that reach 16"))
    faint = torch.tensor([[[[3, 0, 1]]]], dtype=torch.uint8)
    yield Case((faint,), faint / 16, _mistakes_in_pixels(faint), _("one faint image of 1 × 3 pixels"))


def _mistakes_in_pixels(raw: Tensor) -> dict[str, Tensor]:
    values = raw.float()
    right, own_maximum = values / 16, values.amax(dim=(1, 2, 3), keepdim=True)
    least, own_least = values.min(), values.amin(dim=(1, 2, 3), keepdim=True)
    return {
        _("these are still the raw numbers: divide by the largest value that a pixel can have, 16"): values,
        _("divided by 255, the largest byte: here the largest value is 16, so this leaves 94 % of the range unused"): (
            values / 255
        ),
        _("divided by 16 and by 255: the largest value is 16"): values / 16 / 255,
        _("divided by 256, or by 16 twice: here the largest value is 16"): values / 256,
        _("divided by 15: 0..16 are seventeen values, and the largest is 16"): values / 15,
        _("divided by 17: seventeen values, but the largest is 16"): values / 17,
        _("divided by 10: the largest value is 16"): values / 10,
        _("divided by 100: the largest value is 16"): values / 100,
        _("divided by the largest value of this batch: the same ink would be another grey in another batch"): (
            values / values.max()
        ),
        _("divided by each image's own maximum: faint strokes would become as black as strong ones"): values
        / own_maximum,
        _(
            "stretched from the smallest to the largest value of this batch: the same ink would be another grey in "
            "another batch"
        ): (values - least) / (values.max() - least),
        _("stretched from each image's smallest to its largest value: faint strokes would become as black as strong"): (
            (values - own_least) / (own_maximum - own_least)
        ),
        _("everything between 0 and 16 became 0: divide with /, not //, and before you change the type"): 0 * values,
        _("everything below 16 became 0: divide with /, not //, and before you change the type"): (
            values == 16
        ).float(),
        _("this is black and white: keep the grey values between"): (values > 8).float(),
        _("this is black and white, and a half counts as black: keep the grey values between"): (values >= 8).float(),
        _("the values were rounded: keep the grey values between"): right.round(),
        _("everything from 1 to 16 became 1: divide by 16 rather than clip"): values.clamp(max=1),
        _("black and white are exchanged: 0 is paper and stays 0"): 1 - right,
        _("mapped to [-1, 1]: the BCE wants [0, 1]"): 2 * right - 1,
        _("mapped to [-½, ½]: the BCE wants [0, 1]"): right - 0.5,
        _("squashed by a sigmoid: 0 is paper and stays 0, and 16 becomes 1"): values.sigmoid(),
        _("the axis of the channels is lost: keep the shape (B, 1, H, W)"): right[:, 0],
        _("standardised to mean 0: the BCE wants [0, 1]"): (values - values.mean()) / values.std(),
        _("standardised to mean 0: the BCE wants [0, 1] (and numpy's std divides by n)"): (values - values.mean())
        / values.std(unbiased=False),
    }
