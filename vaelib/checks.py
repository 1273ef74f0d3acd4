"""The checks behind the exercises: each tries your function on small cases and names the likely mistake.

A check prints one line and raises nothing, so that an unsolved exercise never stops a notebook. The line starts with
✓ (solved), ✗ (not yet, and why) or ○ (nothing written so far).
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence


def check_numbers_in(function: Callable) -> None:
    """Checks `function(image)`: how many numbers make one image (C, H, W)."""
    image = torch.zeros(3, 32, 32)
    mistakes = {
        "these are the pixels: each of them has three colours": torch.tensor(32 * 32),
        "this is the number of colours, or of axes: count the values": torch.tensor(3),
        "you added the sizes: they multiply": torch.tensor(3 + 32 + 32),
    }
    _report(function, (image,), torch.tensor(3 * 32 * 32), mistakes, "3 × 32 × 32 = 3072 numbers")


def check_reconstruction(function: Callable) -> None:
    """Checks `function(x, x_hat)`: |x − x̂| summed over pixels, averaged over images; (B, C, H, W) twice → scalar."""
    x, x_hat = torch.rand(2, 5, 3, 4, 4, generator=_generator())
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
    _report(function, (x, x_hat), right, mistakes, "|x − x̂| is summed over pixels and averaged over images")


def check_interpolation(function: Callable) -> None:
    """Checks `function(h_a, h_b, steps)`: codes (steps, D) on the straight line from h_a (D,) to h_b (D,)."""
    h_a, h_b = torch.randn(2, 3, generator=_generator())
    t = torch.linspace(0, 1, 5)[:, None]
    right = (1 - t) * h_a + t * h_b
    fractions = torch.arange(5)[:, None] / 5
    mistakes = {
        "your line runs the wrong way: it should start at h_a": right.flip(0),
        "the shape is (D, steps): one code for each row, please": right.T,
        "your line stops before h_b: t must run from 0 to 1 with both ends": (1 - fractions) * h_a + fractions * h_b,
        "you add t·h_b but keep all of h_a: the weights (1 − t) and t add up to 1": h_a + t * h_b,
    }
    _report(function, (h_a, h_b, 5), right, mistakes, "five codes, evenly spaced, from h_a to h_b")


def check_posterior_on_grid(function: Callable) -> None:
    """Checks `function(log_joint, z)`: p(z|x) (n,) from log p(x, z) (n,) on an evenly spaced grid z (n,)."""
    z = torch.linspace(-4, 4, 401, dtype=torch.float64)
    step = z[1] - z[0]
    log_joint = -9000 - 3 * (z - 1).abs() - 0.5 * z**2  # far below 0, as for an image of many pixels
    sums_to_one = torch.softmax(log_joint, dim=0)
    right = sums_to_one / step
    mistakes = {
        "there is NaN: exp(−9000) is 0 for a computer, and 0/0 is not a number. Subtract the largest log first": (
            torch.full_like(z, math.nan)
        ),
        "there are only zeros: exp(−9000) is 0 for a computer. Subtract the largest log first": torch.zeros_like(z),
        "its sum is 1, but a density has area 1: divide by the step of the grid": sums_to_one,
        "you multiplied by the step: divide, so that sum times step is 1": sums_to_one * step,
        "its top is 1, its area is not: divide by the sum times the step": (log_joint - log_joint.max()).exp(),
        "this is the logarithm of the posterior: take exp": right.log(),
        "you normalised the logarithms: take exp first": log_joint / (log_joint.sum() * step),
        "the prior counts twice: log p(x, z) already holds it": torch.softmax(log_joint - 0.5 * z**2, dim=0) / step,
    }
    answer = _call(function, (log_joint, z), None)
    if answer is None:
        return
    if answer.shape == z.shape and _same(answer * (sums_to_one.sum() / answer.sum()), sums_to_one):
        area = (answer.sum() * step).item()
        known = any(_same(answer, wrong) for wrong in mistakes.values())
        if not known and not math.isclose(area, 1, rel_tol=1e-4):
            return _no(
                f"the area should be 1, yours is {area:.3g}: take the step from the z of your function, z[1] − z[0]"
            )
    _report(function, (log_joint, z), right, mistakes, "a density of area 1 on the grid")


def check_elbo(function: Callable) -> None:
    """Checks `function(log_likelihood, mu, sigma, epsilon)`: the ELBO of N(μ, σ²) from noise (S,), a scalar."""
    mu, sigma = torch.tensor(0.8), torch.tensor(0.5)
    epsilon = torch.randn(6, generator=_generator())

    def log_likelihood(z):
        return -3 * (z - 1.3).abs()

    def rebuilt(z):
        return log_likelihood(z).mean()

    z = mu + sigma * epsilon
    kl = 0.5 * (mu**2 + sigma**2 - 1) - sigma.log()
    right = rebuilt(z) - kl
    mistakes = {
        "this is the loss: the ELBO is minus that": -right,
        "the KL is a cost: subtract it (or is the sign of your KL turned round?)": rebuilt(z) + kl,
        "the KL to the prior is missing": rebuilt(z),
        "only the KL to the prior is left: add the average of log p(x|z)": -kl,
        "you summed over the samples: average over them": log_likelihood(z).sum() - kl,
        "the noise is never used: average over z = μ + σ ε, not at z = μ": rebuilt(mu) - kl,
        "z = μ + σ ε: you spread it by σ²": rebuilt(mu + sigma**2 * epsilon) - kl,
        "ε is not z: write z = μ + σ ε": rebuilt(epsilon) - kl,
        "you averaged p(x|z) and took the logarithm last: average the logarithms": (
            torch.logsumexp(log_likelihood(z), dim=0) - math.log(6) - kl
        ),
        "the KL needs σ², not σ, in its bracket": rebuilt(z) - (0.5 * (mu**2 + sigma - 1) - sigma.log()),
        "you estimated the KL from the samples as well: here, use its closed form": (
            rebuilt(z) - (Normal(mu, sigma).log_prob(z) - Normal(0.0, 1.0).log_prob(z)).mean()
        ),
        "the KL needs log σ², which is 2 log σ": rebuilt(z) - 0.5 * (mu**2 + sigma**2 - 1 - sigma.log()),
    }
    _report(
        function,
        (log_likelihood, mu, sigma, epsilon),
        right,
        mistakes,
        "the average log p(x|z) minus the KL to the prior",
    )


def check_sample(function: Callable) -> None:
    """Checks `function(mu, log_var)`: one z = μ + σ ε for each entry of (B, D), with gradients to both."""
    mu, log_var = _leaf(5.0), _leaf(2 * math.log(_SIGMA))
    z = _call(function, (mu, log_var), mu.shape)
    if z is None:
        return
    way = "write z as mu + sigma * epsilon, without .detach() or .data"
    fault = _fault_of_noise(z, _SPREADS, "mu") or _fault_of_gradients(z, {"mu": mu, "log_var": log_var}, way)
    if fault:
        return _no(fault)
    print("✓ right: samples of N(μ, σ²), and gradients reach μ and log σ²")


def check_kl(function: Callable) -> None:
    """Checks `function(mu, log_var)`: KL(N(μ, σ²) ‖ N(0, 1)) for each entry of (B, D)."""
    mu, log_var = torch.randn(2, 4, 3, generator=_generator())
    praise = "½ (μ² + σ² − 1 − log σ²) for each image and latent"
    _report(function, (mu, log_var), _kl(mu, log_var), _mistakes_in_kl(mu, log_var), praise)


def check_vae_loss(function: Callable) -> None:
    """Checks `function(x, x_hat, mu, log_var, beta)`: the loss of the course, a scalar."""
    x, x_hat = torch.rand(2, 5, 3, 4, 4, generator=_generator())
    mu, log_var = torch.randn(2, 5, 3, generator=_generator())
    error = (x - x_hat).abs().sum(dim=(1, 2, 3))  # (B,)
    kl = _kl(mu, log_var)  # (B, D)
    beta = 2.7  # not the number of latents: a mean over them must not pass for β
    right = (error + beta * kl.sum(dim=1)).mean()
    pixels = x[0].numel()
    mistakes = {
        "β is never used: multiply the KL by it": (error + kl.sum(dim=1)).mean(),
        "β stands on the reconstruction term: it belongs to the KL": (beta * error + kl.sum(dim=1)).mean(),
        "β multiplies both terms: it belongs to the KL alone": beta * (error + kl.sum(dim=1)).mean(),
        "the KL is subtracted, or its sign turned round: both terms are costs": (error - beta * kl.sum(dim=1)).mean(),
        "mean over pixels: the reconstruction term is 48 times too small here, 3072 times on a face": (
            error / pixels + beta * kl.sum(dim=1)
        ).mean(),
        "mean over latents: sum the KL over them": (error + beta * kl.mean(dim=1)).mean(),
        "mean over pixels and over latents: sum over both": (error / pixels + beta * kl.mean(dim=1)).mean(),
        "you summed over the images: average over them": (error + beta * kl.sum(dim=1)).sum(),
        "the KL is summed over the images, the reconstruction averaged": error.mean() + beta * kl.sum(),
        "the reconstruction is summed over the images, the KL averaged": error.sum() + beta * kl.sum(dim=1).mean(),
        "the KL term is missing": error.mean(),
        "squared error: the course takes |x − x̂|": (
            (x - x_hat).square().sum(dim=(1, 2, 3)) + beta * kl.sum(dim=1)
        ).mean(),
    }
    for reason, wrong in _mistakes_in_kl(mu, log_var).items():
        if wrong.shape == kl.shape:
            mistakes[f"in the KL: {reason}"] = (error + beta * wrong.sum(dim=1)).mean()
    _report(
        function, (x, x_hat, mu, log_var, beta), right, mistakes, "sum over pixels, sum over latents, mean over images"
    )


def check_kl_by_samples(function: Callable) -> None:
    """Checks `function(q, p, n)`: KL(q ‖ p) of two one-dimensional Normals from n samples of q, a scalar."""
    q, p = Normal(1.0, 0.5), Normal(-0.5, 1.0)
    right, reverse = kl_divergence(q, p).item(), kl_divergence(p, q).item()
    estimate = _call(function, (q, p, 3), None)
    if estimate is None:
        return
    if estimate.shape == (3,):
        return _no("these are the n log ratios: take their mean")
    if estimate.shape != ():
        return _no(f"the result should have shape (), a single number, it has {tuple(estimate.shape)}")
    if math.isclose(estimate.item(), right, rel_tol=1e-5):
        return _no("this is the exact value, from a closed form: estimate it from n samples")
    n = 20_000
    estimates = []
    for _ in range(20):
        estimate = _call(function, (q, p, n), ())
        if estimate is None:
            return
        estimates.append(estimate.item())
    mean, apart = sum(estimates) / 20, max(estimates) - min(estimates)
    z = torch.linspace(-9, 9, 18_001)  # for the averages that have no closed form here
    density, ratio = q.log_prob(z).exp(), (q.log_prob(z) - p.log_prob(z)).exp()
    mean_ratio = torch.trapezoid(density * ratio, z).item()
    mistakes = {
        "the sign is turned round: log q − log p, averaged over samples of q": -right,
        "the samples come from p: KL(q ‖ p) averages over values of q": -reverse,
        "this is KL(p ‖ q): draw from q, and subtract p's log density from q's": reverse,
        "you summed the n log ratios: take their mean": n * right,
        "these are densities: take log_prob as it is, without exp": torch.trapezoid(
            density * (density - p.log_prob(z).exp()), z
        ).item(),
        "this is the mean of the ratio q/p: take its logarithm for each sample": mean_ratio,
        "this is the logarithm of the mean ratio: take the mean of the logarithms": math.log(mean_ratio),
        "only log q is averaged: subtract log p": -0.5 * math.log(2 * math.pi * math.e * 0.25),
        "only log p is averaged: the log ratio is log q − log p": -0.5 * math.log(2 * math.pi) - 0.5 * (1.5**2 + 0.25),
    }
    if apart > 0.3 * abs(mean):
        return _no(f"with n = {n} your estimates should agree, they lie {apart:.1f} apart: do you draw n samples?")
    if math.isclose(mean, right, rel_tol=0.02):
        if apart > 0.055:  # of 20 right ones: 0.024, give or take 0.005
            return _no(f"right on average, but too far apart for n = {n}: does the number of samples follow n?")
        print("✓ right: the mean of log q − log p over samples of q")
        return
    for reason, wrong in mistakes.items():
        if math.isclose(mean, wrong, rel_tol=0.02):
            return _no(reason)
    _no(f"with n = {n} the estimate should be near {right:.3f}, it is {mean:.3f}")


def check_kl_of_normals(function: Callable) -> None:
    """Checks `function(mu_q, sigma_q, mu_p, sigma_p)`: KL(N(μ_q, σ_q²) ‖ N(μ_p, σ_p²)), four times (n,) → (n,)."""
    mu_q, sigma_q = torch.tensor([0.3, -1.0, 2.0]), torch.tensor([0.6, 1.7, 0.4])
    mu_p, sigma_p = torch.tensor([-0.5, 1.1, 0.6]), torch.tensor([1.4, 0.7, 2.2])
    squared = (mu_q - mu_p) ** 2
    spread, log_ratio = sigma_q**2 + squared, torch.log(sigma_p / sigma_q)
    right = log_ratio + spread / (2 * sigma_p**2) - 0.5
    mistakes = {
        "this is the other direction, KL(p ‖ q): q's σ goes into the numerator, p's into the denominator": -log_ratio
        + (sigma_p**2 + squared) / (2 * sigma_q**2)
        - 0.5,
        "the sign is turned round: a KL divergence is never negative": -right,
        "the −½ is missing: for q = p the KL must be 0": right + 0.5,
        "the logarithm is upside down: it is log(σ_p / σ_q)": right - 2 * log_ratio,
        "the logarithm is missing": right - log_ratio,
        "this is the logarithm of σ_p² / σ_q²: it needs a ½, or σ instead of σ²": right + log_ratio,
        "σ stands where σ² should, above and below": log_ratio + (sigma_q + squared) / (2 * sigma_p) - 0.5,
        "in the numerator σ_q must be squared": log_ratio + (sigma_q + squared) / (2 * sigma_p**2) - 0.5,
        "in the denominator σ_p must be squared": log_ratio + spread / (2 * sigma_p) - 0.5,
        "the quotient lacks its ½: divide by 2 σ_p²": log_ratio + spread / sigma_p**2 - 0.5,
        "μ_q − μ_p must be squared": log_ratio + (sigma_q**2 + mu_q - mu_p) / (2 * sigma_p**2) - 0.5,
        "σ_q² is missing: the values of q spread around μ_q": log_ratio + squared / (2 * sigma_p**2) - 0.5,
        "p is taken for N(0, 1): use mu_p and sigma_p": 0.5 * (mu_q**2 + sigma_q**2 - 1) - sigma_q.log(),
        "twice too large: is a ½ missing everywhere?": 2 * right,
        "brackets: x / 2 * y is (x / 2) · y; divide by (2 * sigma_p**2)": (log_ratio + spread / 2 * sigma_p**2 - 0.5),
        "you summed: keep one value for each pair": right.sum(),
        "you averaged: keep one value for each pair": right.mean(),
    }
    _report(
        function, (mu_q, sigma_q, mu_p, sigma_p), right, mistakes, "log(σ_p/σ_q) + (σ_q² + (μ_q − μ_p)²) / 2σ_p² − ½"
    )


def check_draw(function: Callable) -> None:
    """Checks `function(q)`: one z ~ q for each entry of a Normal over (B, D), with gradients to its mean and σ."""
    mu, sigma = _leaf(5.0), _leaf(_SIGMA)
    z = _call(function, (Normal(mu, sigma, validate_args=False),), mu.shape)
    if z is None:
        return
    spreads = {
        _SIGMA**2: "the spread is σ²: q.variance stands where q.stddev should",
        math.log(_SIGMA): "the spread is log σ: q.stddev is σ itself, take no logarithm",
        math.exp(_SIGMA): "the spread is exp(σ): q.stddev is σ itself, take no exponential",
        math.exp(_SIGMA / 2): "the spread is exp(½ σ): q.stddev is σ itself, not log σ²",
    }
    way = "q.rsample() keeps it, q.sample() and torch.normal() lose it, and so does .detach()"
    fault = _fault_of_noise(z, _SPREADS | spreads, "q.mean") or _fault_of_gradients(z, {"μ": mu, "σ": sigma}, way)
    if fault:
        return _no(fault)
    print("✓ right: samples of q, and gradients reach its μ and its σ")


def check_sampler_and_kl(function: Callable) -> None:
    """Checks `function(mu, log_var)`: z ~ N(μ, σ²) and the KL of the same N(μ, σ²), both (B, D)."""
    mu, log_var = _leaf(5.0), _leaf(2 * math.log(_SIGMA))
    pair = _call_for_pair(function, (mu, log_var), mu.shape)
    if pair is None:
        return
    z, kl = pair
    spread = z.detach().double().std().item()
    if math.isclose(spread, _SIGMA**2, rel_tol=0.03):  # z takes the argument for log σ
        if _same(kl, _kl(mu, log_var)):
            return _no("the KL charges for σ, but z is drawn with σ²: σ = exp(½ log σ²)")
        if _same(kl, _kl(mu, 2 * log_var)):
            return _no("z and KL agree with each other, but both read the argument as log σ; it is log σ²")
    if math.isclose(spread, _SIGMA, rel_tol=0.03) and _same(kl, _kl(mu, 2 * log_var)):
        return _no("z is right, but the KL reads its argument as log σ: σ² = exp(log_var), without a 2")
    way = "write z as mu + sigma * epsilon, without .detach() or .data"
    fault = _fault_of_noise(z, _SPREADS, "mu") or _fault_of_gradients(z, {"mu": mu, "log_var": log_var}, way)
    if fault:
        return _no(f"in z, {fault}")
    mu, log_var = torch.randn(2, 4, 3, generator=_generator())
    pair = _call_for_pair(function, (mu, log_var), mu.shape)
    if pair is not None:
        mistakes = {f"in the KL, {reason}": wrong for reason, wrong in _mistakes_in_kl(mu, log_var).items()}
        praise = "the noise that is drawn is the noise that is charged for"
        _report(lambda: pair[1], (), _kl(mu, log_var), mistakes, praise)


def check_test_loss(function: Callable) -> None:
    """Checks `function(loss_of, images, batch_size)`: the mean over all images of loss_of(batch) → (B,), a scalar."""
    images, size, seen = torch.rand(8, 1, 2, 2, generator=_generator()), 3, []
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
    answer = _call(function, (loss_of, images, size), None)
    if answer is None:
        return
    if _same(answer, losses.mean()) and max(seen) > size:
        return _no(f"the value is right, but {max(seen)} images went through at once: at most batch_size, here {size}")
    praise = "every test image counts once, whatever the size of the batches"
    _report(lambda: answer, (), losses.mean(), mistakes, praise)


def check_pixels(function: Callable) -> None:
    """Checks `function(raw)`: pixels (B, 1, H, W) from whole numbers in 0..16 to float32 in [0, 1]."""
    raw = torch.randint(0, 11, (5, 1, 4, 4), generator=_generator(), dtype=torch.uint8)
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
    answer = _call(function, (raw,), None)
    if answer is None:
        return
    if _same(answer, right) and answer.dtype != torch.float32:
        return _no(f"the values are right, but they are {answer.dtype}; the weights of the models are torch.float32")
    _report(lambda: answer, (), right, mistakes, "pixels in [0, 1], each divided by the same 16")


_SIGMA = 3.0  # a value at which no two mistakes give the same spread
_SPREADS = {
    _SIGMA**2: "the spread is σ², not σ: σ = exp(½ log σ²)",
    2 * math.log(_SIGMA): "the spread is log σ²: take σ = exp(½ log σ²) of it",
    1 / _SIGMA: "the spread is 1/σ: check the sign inside exp",
    math.sqrt(_SIGMA): "the spread is √σ: ½ log σ² is already log σ, don't halve it twice",
    1.0: "the spread is 1 whatever σ is: multiply ε by σ",
    _SIGMA / math.sqrt(12): "this is uniform noise: ε must be normal, torch.randn_like rather than torch.rand_like",
}


def _leaf(value: float) -> Tensor:
    return torch.full((40_000, 2), value, requires_grad=True)


def _fault_of_noise(z: Tensor, spreads: Mapping[float, str], mu: str) -> str:
    """What is wrong with z (40000, 2), which should be samples of N(5, _SIGMA²); "" if nothing is."""
    if not z.is_floating_point():
        return f"z should hold real numbers, it holds {z.dtype}"
    if z.detach().std() < 0.01:
        return f"there is no noise in z, or one ε for all entries: add σ times torch.randn_like({mu})"
    if torch.equal(z[0], z[1]):
        return f"all images share one ε: draw one for each entry of {mu}, torch.randn_like({mu})"
    if torch.equal(z[:, 0], z[:, 1]):
        return f"all latents of an image share one ε: draw one for each entry of {mu}, torch.randn_like({mu})"
    mean, deviation = z.mean().item(), z.std().item()
    if not math.isclose(deviation, _SIGMA, rel_tol=0.03):
        reasons = [text for spread, text in spreads.items() if math.isclose(deviation, spread, rel_tol=0.03)]
        return reasons[0] if reasons else f"with σ = 3 the samples should spread by 3, not by {deviation:.2f}"
    return "" if math.isclose(mean, 5, abs_tol=0.1) else f"with μ = 5 the samples should average 5, yours: {mean:.2f}"


def _fault_of_gradients(z: Tensor, leaves: Mapping[str, Tensor], way: str) -> str:
    """Which of the `leaves` gets no gradient from z, and the `way` to give it one; "" if all do."""
    if not z.requires_grad:
        return f"no gradient reaches {' and '.join(leaves)}: {way}"
    z.sum().backward()
    for name, leaf in leaves.items():
        if leaf.grad is None or not leaf.grad.any():  # torch.normal sends back zeros
            return f"no gradient reaches {name}: {way}"
    return ""


def _kl(mu: Tensor, log_var: Tensor) -> Tensor:
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).detach()


def _mistakes_in_kl(mu: Tensor, log_var: Tensor) -> dict[str, Tensor]:
    right, var = _kl(mu, log_var), log_var.exp()
    return {
        "the sign is turned round: a KL divergence is never negative": -right,
        "twice too large: the ½ applies to the whole bracket": 2 * right,
        "half of what it should be: there is one ½ too many": 0.5 * right,
        "this looks like log σ where log σ² is expected: σ² = exp(log_var)": _kl(mu, 2 * log_var),
        "σ stands where σ² should: σ² = exp(log_var), without a ½": 0.5 * (mu**2 + (0.5 * log_var).exp() - 1 - log_var),
        "the sign of log σ² is turned round": 0.5 * (mu**2 + var - 1 + log_var),
        "log_var is a logarithm already: don't take it for σ²": 0.5 * (mu**2 + log_var - 1 - log_var.log()),
        "the −1 is missing: at μ = 0, σ = 1 the KL must be 0": right + 0.5,
        "μ must be squared": 0.5 * (mu + var - 1 - log_var),
        "only the last bracket got its ½": mu**2 + var - 1 - 0.5 * log_var,
        "you summed over the latents: keep one value for each image and latent": right.sum(dim=1),
        "you summed over everything: keep one value for each image and latent": right.sum(),
        "you averaged over everything: keep one value for each image and latent": right.mean(),
    }


def _call_for_pair(function: Callable, arguments: tuple, shape) -> tuple[Tensor, Tensor] | None:
    """The function's two answers, each a tensor of that shape, or None after saying why there are none."""
    answers = []

    def first_of_two(*arguments):
        answer = function(*arguments)
        if isinstance(answer, (tuple, list)) and len(answer) == 2:
            answers.extend(answer)
            return answer[0]
        return answer

    first = _call(first_of_two, arguments, shape)
    if first is None:
        return None
    if not answers:
        _no("the result should be a pair of tensors: return z, kl")
        return None
    second = _call(lambda: answers[1], (), shape)
    return None if second is None else (first, second)


def check_traversal(function: Callable) -> None:
    """Checks `function(z, j, values)`: z (D,) with its latent j set to each of the values (n,) → (n, D)."""
    z = torch.randn(5, generator=_generator())
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
    answer = _call(function, (z, j, values), None)
    if answer is None:
        return
    if _same(answer, right) and not torch.equal(z, before):
        return _no("the rows are right, but you changed z itself: work on a copy, z.repeat(len(values), 1)")
    _report(lambda *_: answer, (), right, mistakes, "latent j takes each value, the others stay")


def check_push_forward(function: Callable) -> None:
    """Checks `function(weight, sigma)`: each attribute's σ from the probes' weight (K, D) and sigma (B, D) → (B, K)."""
    weight = 0.5 + torch.rand(3, 4, generator=_generator())  # (K, D)
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
    _report(function, (weight, sigma), right, mistakes, "variances add up, with squared weights: √Σ w² σ²")


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
    _report(function, (kl,), torch.tensor(5), mistakes, "a latent is collapsed if its mean KL is below 0.01 nats")


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
    _report(function, (pixels, latents, weight), right, mistakes, "weight · pixels / latents")


def check_prior_quantiles(function: Callable) -> None:
    """Checks `function(n)`: the z at the middle of each of n equally probable slices of N(0, 1) → (n,)."""
    n, prior = 7, Normal(0.0, 1.0)
    k = torch.arange(n)
    middle = (k + 0.5) / n
    right = prior.icdf(middle)
    mistakes = {
        "these are the probabilities: turn them into z with icdf": middle,
        "icdf turns probabilities into z, cdf turns z into probabilities: here it is icdf": prior.cdf(middle),
        "your probabilities run from 0 to 1, where z is −∞ and +∞: take the middles, (k + ½)/n": prior.icdf(
            torch.linspace(0, 1, n)
        ),
        "these are the lower ends of the slices, the first at −∞: take the middles, (k + ½)/n": prior.icdf(k / n),
        "these are the upper ends of the slices, the last at +∞: take the middles, (k + ½)/n": prior.icdf((k + 1) / n),
        "these are the n borders between n + 1 slices: take the middles of n slices, (k + ½)/n": prior.icdf(
            (k + 1) / (n + 1)
        ),
        "the slices are evenly spaced in z, not equally probable: space the probabilities evenly": torch.linspace(
            right[0].item(), right[-1].item(), n
        ),
        "these are evenly spaced from −1 to 1": torch.linspace(-1, 1, n),
        "these are evenly spaced from −2 to 2": torch.linspace(-2, 2, n),
        "these are evenly spaced from −3 to 3": torch.linspace(-3, 3, n),
        "the values run backwards": right.flip(0),
    }
    _report(function, (n,), right, mistakes, "the middles of n equally probable slices")


def check_log_mean_exp(function: Callable) -> None:
    """Checks `function(log_weights)`: the log of the average weight over the samples, (K, n) → (n,)."""
    near_0 = torch.randn(6, 4, generator=_generator(), dtype=torch.float64)  # (K, n)
    shift = torch.tensor([-1000.0, -1010.0, -990.0, -1200.0], dtype=torch.float64)
    log_weights = near_0 + shift  # exp of these is 0
    right = near_0.exp().mean(dim=0).log() + shift
    sums = near_0.exp().sum(dim=0).log() + shift
    mistakes = {
        "this is the mean of the logs, an estimate of the ELBO; here it is the log of the mean": log_weights.mean(0),
        "this is the log of the sum: subtract log K": sums,
        "you subtracted K: it is log K that goes": sums - 6,
        "you added log K: dividing the sum by K subtracts it": sums + math.log(6),
        "you divided the log by K: divide the sum inside the log, that is, subtract log K": sums / 6,
        "wrong axis: average over the samples, axis 0, and keep one value for each image": (
            torch.logsumexp(log_weights, dim=1) - math.log(4)
        ),
        "you subtracted the log of the number of images: it is the number of samples, K, that divides": sums
        - math.log(4),
        "this is the largest log weight: the others count, too": log_weights.max(dim=0).values,
        "exp(−1000) is 0 on a computer, and log 0 is −∞: use torch.logsumexp": torch.full_like(right, -math.inf),
        "you averaged over the images as well: keep one value for each": right.mean(),
    }
    _report(function, (log_weights,), right, mistakes, "log of the mean weight, with no underflow")


def _report(function: Callable, arguments: tuple, right: Tensor, mistakes: Mapping[str, Tensor], praise: str) -> None:
    answer = _call(function, arguments, None)
    if answer is None:
        return
    if _same(answer, right):
        print(f"✓ right: {praise}")
        return
    for reason, wrong in mistakes.items():
        if _same(answer, wrong):
            return _no(reason)
    if answer.shape != right.shape:
        return _no(f"the result should have shape {tuple(right.shape)}, it has {tuple(answer.shape)}")
    _no(f"expected {_short(right)}, got {_short(answer)}")


def _call(function: Callable, arguments: tuple, shape) -> Tensor | None:
    """The function's answer as a tensor, or None after saying why there is none."""
    try:
        answer = function(*arguments)
    except Exception as error:  # whatever a student's code may raise: say it, and let the notebook go on
        _no(f"your function stopped with {type(error).__name__}: {error}")
        return None
    if answer is None:
        _no("your function returns nothing: is a `return` missing?")
        return None
    if answer is ...:
        print("○ nothing to check yet: replace the ... in the cell above, run it, then run this cell again")
        return None
    try:
        answer = torch.as_tensor(answer)
    except (TypeError, ValueError, RuntimeError):
        _no(f"the result should be a tensor, it is a {type(answer).__name__}")
        return None
    if shape is not None and answer.shape != shape:
        _no(f"the result should have shape {tuple(shape)}, it has {tuple(answer.shape)}")
        return None
    return answer


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.detach().double(), b.double(), rtol=1e-4, atol=1e-6, equal_nan=True)


def _short(values: Tensor) -> str:
    first = ", ".join(f"{value:.3f}" for value in values.detach().flatten()[:4].tolist())
    return first if values.numel() == 1 else f"values that begin with {first}"


def _no(reason: str) -> None:
    print(f"✗ not yet: {reason}")


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
