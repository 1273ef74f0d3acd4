"""The terms of the VAE's loss, one function each, and their sum.

Reductions are the same everywhere: sum over pixels, sum over latents, mean over images. All terms are in nats.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal

RECONSTRUCTIONS = ("l1", "mse", "bce")


class Loss(NamedTuple):
    """The loss and its parts: `total`, `reconstruction` and `kl` are scalars, `kl_per_latent` is (D,); in nats."""

    total: Tensor
    reconstruction: Tensor
    kl: Tensor
    kl_per_latent: Tensor


def vae_loss(
    x: Tensor, x_hat: Tensor, q: Normal, beta: float = 1.0, reconstruction: str = "l1", scale: float = 1.0
) -> Loss:
    """L = |x − x̂| + β Σ_j KL(q_j(z|x) ‖ N(0, 1)), averaged over the images of the batch.

    `x` and `x_hat` are (B, C, H, W), `q` is a Normal over (B, D). With `beta` = 1 this is the negative ELBO up to a
    constant (Kingma and Welling 2014, arXiv 1312.6114, eq. 10); a general `beta` makes it a β-VAE (Higgins et al.
    2017). `reconstruction` and `scale` choose the likelihood, see `reconstruction_error`.
    Raises TypeError or ValueError that names the argument.
    """
    check_beta(beta)
    error = reconstruction_error(x, x_hat, reconstruction, scale).mean()  # scalar
    kl_per_latent = kl_to_standard_normal(q).mean(dim=0)  # (D,)
    if len(q.mean) != len(x):
        raise ValueError(f"q must describe the {len(x)} images of x, it describes {len(q.mean)}")
    kl = kl_per_latent.sum()
    return Loss(error + beta * kl, error, kl, kl_per_latent)


def reconstruction_error(x: Tensor, x_hat: Tensor, reconstruction: str = "l1", scale: float = 1.0) -> Tensor:
    """The distortion of each image in nats, (B,): a negative log-likelihood up to a constant, summed over pixels.

    "l1": Σ|x − x̂| / scale (Laplace, scale b). "mse": ½ Σ(x − x̂)² / scale² (Gaussian, standard deviation s).
    "bce": −Σ(x log x̂ + (1 − x) log(1 − x̂)) (Bernoulli; `scale` must stay 1).
    `x` and `x_hat` are (B, C, H, W); for "bce" both must lie in [0, 1].
    Raises TypeError or ValueError that names the argument.
    """
    check_likelihood(reconstruction, scale)
    check_images("x", x)
    check_images("x_hat", x_hat)
    if x.shape != x_hat.shape:
        raise ValueError(f"x_hat must have the shape of x, {tuple(x.shape)}, got {tuple(x_hat.shape)}")
    if x.dtype != x_hat.dtype:
        raise TypeError(f"x_hat must have the dtype of x, {x.dtype}, got {x_hat.dtype}")
    if reconstruction == "l1":
        error = (x - x_hat).abs().sum(dim=(1, 2, 3)) / scale  # (B,)
    elif reconstruction == "mse":
        error = 0.5 * (x - x_hat).square().sum(dim=(1, 2, 3)) / scale**2  # (B,)
    else:
        for name, image in (("x", x), ("x_hat", x_hat)):
            if not ((image >= 0) & (image <= 1)).all():  # NaN does not
                raise ValueError(f'{name} must lie in [0, 1] for reconstruction="bce"; pixels in 0..255, or NaN?')
        # Back to logits: exact but within eps of 0 and 1, and three times as fast as F.binary_cross_entropy.
        logits = torch.logit(x_hat, eps=torch.finfo(x_hat.dtype).eps)
        error = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=(1, 2, 3))  # (B,)
    if not error.isfinite().all():  # one look at B numbers; only a failure looks at every pixel
        for name, image in (("x", x), ("x_hat", x_hat)):
            if not image.isfinite().all():
                raise ValueError(f"{name} must be finite, it holds NaN or inf")
    return error


def log_likelihood(x: Tensor, x_hat: Tensor, reconstruction: str = "l1", scale: float = 1.0) -> Tensor:
    """log p(x|z) of each image in nats, (B,): minus `reconstruction_error`, minus the constant it leaves out.

    The constant is log 2b for each pixel of a Laplace and ½ log 2πs² for a Gaussian. For the Bernoulli it is 0, which
    is exact for black-and-white pixels only.
    """
    error = reconstruction_error(x, x_hat, reconstruction, scale)
    normaliser = {"l1": 2 * scale, "mse": math.sqrt(2 * math.pi) * scale, "bce": 1}[reconstruction]
    return -error - x[0].numel() * math.log(normaliser)


def kl_to_standard_normal(q: Normal) -> Tensor:
    """KL(q_j(z|x) ‖ N(0, 1)) = ½ (μ² + σ² − 1 − log σ²) for each image and latent, (B, D), in nats.

    Kingma and Welling 2014 (arXiv 1312.6114), appendix B. Raises TypeError if `q` is no Normal, ValueError if it is
    not over (B, D).
    """
    check_posterior("q", q)
    kl = 0.5 * (q.mean.square() + q.variance - 1 - 2 * q.stddev.log())  # (B, D); σ² may underflow where σ doesn't
    if not kl.isfinite().all():
        raise ValueError("q must have a finite mean and a finite standard deviation above 0")
    return kl


def check_images(name: str, images: Tensor) -> None:
    """Raise TypeError or ValueError, naming the argument, unless `images` is floating-point (B, C, H, W), B ≥ 1."""
    if not isinstance(images, Tensor) or not images.is_floating_point():
        got = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"{name} must be a floating-point tensor, got {got}")
    if images.ndim != 4 or images.numel() == 0:
        raise ValueError(f"{name} must have shape (B, C, H, W), none of them 0, got {tuple(images.shape)}")


def check_posterior(name: str, q: Normal) -> None:
    """Raise TypeError or ValueError, naming the argument, unless `q` is a Normal over (B, D), both at least 1."""
    if not isinstance(q, Normal):
        raise TypeError(f"{name} must be a torch.distributions.Normal, got {type(q).__name__}")
    if q.mean.ndim != 2 or q.mean.numel() == 0:
        raise ValueError(f"{name} must be over (B, D), both at least 1, got {tuple(q.mean.shape)}")


def check_whole_number(name: str, value: int, least: int = 1) -> None:
    """Raise TypeError or ValueError, naming the argument, unless `value` is an int of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def check_beta(beta: float) -> None:
    """Raise TypeError or ValueError, naming the argument, unless `beta` is a finite number of at least 0."""
    if not isinstance(beta, (int, float)) or isinstance(beta, bool):
        raise TypeError(f"beta must be a number, got {type(beta).__name__}")
    if not 0 <= beta < math.inf:
        raise ValueError(f"beta must be a finite number of at least 0, got {beta}")


def check_likelihood(reconstruction: str, scale: float) -> None:
    """Raise TypeError or ValueError, naming the argument, unless the two describe a likelihood."""
    if reconstruction not in RECONSTRUCTIONS:
        raise ValueError(f"reconstruction must be one of {RECONSTRUCTIONS}, got {reconstruction!r}")
    if not isinstance(scale, (int, float)) or isinstance(scale, bool):
        raise TypeError(f"scale must be a number, got {type(scale).__name__}")
    if not 0 < scale < math.inf:
        raise ValueError(f"scale must be a finite number above 0, got {scale}")
    if reconstruction == "bce" and scale != 1:
        raise ValueError(f'scale must be 1 for reconstruction="bce", which has none, got {scale}')
