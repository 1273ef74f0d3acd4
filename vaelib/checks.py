"""The checks behind the exercises: each tries your function on small cases and names the likely mistake.

A check prints one line and raises nothing, so that an unsolved exercise never stops a notebook. The line starts with
✓ (solved), ✗ (not yet, and why) or ○ (nothing written so far).
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor


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


def check_sample(function: Callable) -> None:
    """Checks `function(mu, log_var)`: one z = μ + σ ε for each entry of (B, D), with gradients to both."""
    sigma = 3.0  # a value at which no two mistakes give the same spread
    mu = torch.full((40_000, 2), 5.0, requires_grad=True)
    log_var = torch.full((40_000, 2), 2 * math.log(sigma), requires_grad=True)
    z = _call(function, (mu, log_var), mu.shape)
    if z is None:
        return
    if not z.is_floating_point():
        return _no(f"z should hold real numbers, it holds {z.dtype}")
    if z.detach().std() < 0.01:
        return _no("there is no noise in z: add σ times torch.randn_like(mu)")
    if torch.equal(z[0], z[1]):
        return _no("all images share one ε: draw one for each entry of mu, torch.randn_like(mu)")
    if torch.equal(z[:, 0], z[:, 1]):
        return _no("all latents of an image share one ε: draw one for each entry of mu, torch.randn_like(mu)")
    mean, deviation = z.mean().item(), z.std().item()
    mistakes = {
        sigma**2: "the spread is σ², not σ: σ = exp(½ log σ²)",
        2 * math.log(sigma): "the spread is log σ²: take σ = exp(½ log σ²) of it",
        1 / sigma: "the spread is 1/σ: check the sign inside exp",
        math.sqrt(sigma): "the spread is √σ: ½ log σ² is already log σ, don't halve it twice",
        1.0: "the spread is 1 whatever σ is: multiply ε by σ",
        sigma / math.sqrt(12): "this is uniform noise: ε must be normal, torch.randn_like rather than torch.rand_like",
    }
    if not math.isclose(deviation, sigma, rel_tol=0.03):
        reasons = [text for spread, text in mistakes.items() if math.isclose(deviation, spread, rel_tol=0.03)]
        return _no(reasons[0] if reasons else f"with σ = 3 the samples should spread by 3, not by {deviation:.2f}")
    if not math.isclose(mean, 5, abs_tol=0.1):
        return _no(f"with μ = 5 the samples should average 5, yours average {mean:.2f}")
    if not z.requires_grad:
        return _no("no gradient reaches mu and log_var: write z as mu + sigma * epsilon, without .detach() or .data")
    z.sum().backward()
    for name, tensor in (("mu", mu), ("log_var", log_var)):
        if tensor.grad is None:
            return _no(f"no gradient reaches {name}: z must be computed from it, without .detach() or .data")
    print("✓ right: samples of N(μ, σ²), and gradients reach μ and log σ²")


def check_kl(function: Callable) -> None:
    """Checks `function(mu, log_var)`: KL(N(μ, σ²) ‖ N(0, 1)) for each entry of (B, D)."""
    mu, log_var = torch.randn(2, 4, 3, generator=_generator())
    var = log_var.exp()
    right = 0.5 * (mu**2 + var - 1 - log_var)
    mistakes = {
        "the sign is turned round: a KL divergence is never negative": -right,
        "twice too large: the ½ applies to the whole bracket": 2 * right,
        "half of what it should be: there is one ½ too many": 0.5 * right,
        "this looks like log σ where log σ² is expected: σ² = exp(log_var)": 0.5
        * (mu**2 + (2 * log_var).exp() - 1 - 2 * log_var),
        "σ stands where σ² should: σ² = exp(log_var), without a ½": 0.5 * (mu**2 + (0.5 * log_var).exp() - 1 - log_var),
        "the sign of log σ² is turned round": 0.5 * (mu**2 + var - 1 + log_var),
        "the −1 is missing: at μ = 0, σ = 1 the KL must be 0": right + 0.5,
        "μ must be squared": 0.5 * (mu + var - 1 - log_var),
        "only the last bracket got its ½": mu**2 + var - 1 - 0.5 * log_var,
        "you summed over the latents: keep one value for each image and latent": right.sum(dim=1),
        "you summed over everything: keep one value for each image and latent": right.sum(),
        "you averaged over everything: keep one value for each image and latent": right.mean(),
    }
    _report(function, (mu, log_var), right, mistakes, "½ (μ² + σ² − 1 − log σ²) for each image and latent")


def check_vae_loss(function: Callable) -> None:
    """Checks `function(x, x_hat, mu, log_var, beta)`: the loss of the course, a scalar."""
    x, x_hat = torch.rand(2, 5, 3, 4, 4, generator=_generator())
    mu, log_var = torch.randn(2, 5, 3, generator=_generator())
    error = (x - x_hat).abs().sum(dim=(1, 2, 3))  # (B,)
    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var)  # (B, D)
    beta = 2.5  # not the number of latents: a mean over them must not pass for β
    right = (error + beta * kl.sum(dim=1)).mean()
    pixels = x[0].numel()
    mistakes = {
        "β is never used: multiply the KL by it": (error + kl.sum(dim=1)).mean(),
        "β stands on the reconstruction term: it belongs to the KL": (beta * error + kl.sum(dim=1)).mean(),
        "β multiplies both terms: it belongs to the KL alone": beta * (error + kl.sum(dim=1)).mean(),
        "the KL is subtracted: both terms are costs": (error - beta * kl.sum(dim=1)).mean(),
        "mean over pixels: the reconstruction term is 48 times too small here, 3072 times on a face": (
            error / pixels + beta * kl.sum(dim=1)
        ).mean(),
        "mean over latents: sum the KL over them": (error + beta * kl.mean(dim=1)).mean(),
        "mean over pixels and over latents: sum over both": (error / pixels + beta * kl.mean(dim=1)).mean(),
        "you summed over the images: average over them": (error + beta * kl.sum(dim=1)).sum(),
        "the KL is summed over the images, the reconstruction averaged": error.mean() + beta * kl.sum(),
        "the KL term is missing": error.mean(),
    }
    _report(
        function, (x, x_hat, mu, log_var, beta), right, mistakes, "sum over pixels, sum over latents, mean over images"
    )


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
    if answer is None or answer is ...:
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
    return a.shape == b.shape and torch.allclose(a.detach().double(), b.double(), rtol=1e-4, atol=1e-6)


def _short(values: Tensor) -> str:
    first = ", ".join(f"{value:.3f}" for value in values.detach().flatten()[:4].tolist())
    return first if values.numel() == 1 else f"values that begin with {first}"


def _no(reason: str) -> None:
    print(f"✗ not yet: {reason}")


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
