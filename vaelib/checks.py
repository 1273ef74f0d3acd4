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
    }
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
        "the KL is a cost: subtract it": rebuilt(z) + kl,
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
        "you summed: keep one value for each pair": right.sum(),
        "you averaged: keep one value for each pair": right.mean(),
    }
    _report(
        function, (mu_q, sigma_q, mu_p, sigma_p), right, mistakes, "log(σ_p/σ_q) + (σ_q² + (μ_q − μ_p)²) / 2σ_p² − ½"
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
    return a.shape == b.shape and torch.allclose(a.detach().double(), b.double(), rtol=1e-4, atol=1e-6, equal_nan=True)


def _short(values: Tensor) -> str:
    first = ", ".join(f"{value:.3f}" for value in values.detach().flatten()[:4].tolist())
    return first if values.numel() == 1 else f"values that begin with {first}"


def _no(reason: str) -> None:
    print(f"✗ not yet: {reason}")


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
