"""The terms of the VAE's loss, one function each, and their sum.

Reductions are the same everywhere: sum over pixels, sum over latents, mean over images. All terms are in nats.
The functions that start with an underscore are the formulas alone; the public ones look at their arguments first.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal

from vaelib import require

RECONSTRUCTIONS = ("l1", "mse", "bce")
GREATEST_SCALE = 1e100  # whose square is far from an overflow


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

    `x` and `x_hat` are (B, C, H, W), x in [0, 1], and `q` is a Normal over (B, D). With `beta` = 1 this is the negative
    ELBO up to a constant (Kingma and Welling 2014, arXiv 1312.6114, eq. 10); a general `beta` makes it a β-VAE (Higgins
    et al. 2017). `reconstruction` and `scale` choose the likelihood, see `reconstruction_error`.
    Raises TypeError or ValueError that names the argument.
    """
    beta = require.number("beta", beta, least=0)
    error = reconstruction_error(x, x_hat, reconstruction, scale)  # (B,)
    require.pixels("x", x)
    kl = kl_to_standard_normal(q)  # (B, D)
    if len(kl) != len(x):
        raise ValueError(f"q must describe the {len(x)} images of x, it describes {len(kl)}")
    loss = _vae_loss(error, kl, beta)
    if not loss.total.isfinite():
        raise ValueError(f"beta must be smaller: with {beta:g} the loss of these x, x_hat and q overflows")
    return loss


def _vae_loss(error: Tensor, kl: Tensor, beta: float) -> Loss:
    """The loss from the distortion (B,) and the KL (B, D) of each image."""
    reconstruction = error.mean()
    kl_per_latent = kl.mean(dim=0)  # (D,)
    rate = kl_per_latent.sum()
    return Loss(reconstruction + beta * rate, reconstruction, rate, kl_per_latent)


def _multi_rate_loss(error: Tensor, kl: Tensor, betas: Tensor) -> Loss:
    """The loss of a MultiRateVAE from the distortion (B,), the KL (B, D) and the β (B,) of each image.

    Each image's loss is divided by (β + 0.1)^¼, else the large β with their large losses would get all the attention.
    """
    rate = kl.sum(dim=1)  # (B,)
    total = ((error + betas * rate) / (betas + 0.1) ** 0.25).mean()
    return Loss(total, error.mean(), rate.mean(), kl.mean(dim=0))


def reconstruction_error(x: Tensor, x_hat: Tensor, reconstruction: str = "l1", scale: float = 1.0) -> Tensor:
    """The distortion of each image in nats, (B,): a negative log-likelihood up to a constant, summed over pixels.

    "l1": Σ|x − x̂| / scale (Laplace, scale b). "mse": ½ Σ(x − x̂)² / scale² (Gaussian, standard deviation s).
    "bce": −Σ(x log x̂ + (1 − x) log(1 − x̂)) (Bernoulli; `scale` must stay 1).
    `x` and `x_hat` are (B, C, H, W); for "bce" both must lie in [0, 1]. (The others are densities, of any x.)
    Raises TypeError or ValueError that names the argument.
    """
    scale = require_likelihood(reconstruction, scale)
    require.images("x", x)
    require.images("x_hat", x_hat)
    if x.shape != x_hat.shape:
        raise ValueError(f"x_hat must have the shape of x, {tuple(x.shape)}, got {tuple(x_hat.shape)}")
    if x.dtype != x_hat.dtype:
        raise TypeError(f"x_hat must have the dtype of x, {x.dtype}, got {x_hat.dtype}")
    require.beside("x_hat", x_hat, "x", x)
    if reconstruction == "bce":
        require.pixels("x", x)
        require.pixels("x_hat", x_hat)
    error = _distortion(x, x_hat, reconstruction, scale)
    if not error.isfinite().all():  # one look at B numbers; only a failure looks at every pixel
        for name, image in (("x", x), ("x_hat", x_hat)):
            if not image.isfinite().all():
                raise ValueError(f"{name} must be finite, it holds NaN or inf")
        raise ValueError(f"x_hat must lie nearer to x, or scale be larger: the error over {scale:g} overflows")
    return error


def _distortion(x: Tensor, x_hat: Tensor, reconstruction: str, scale: float) -> Tensor:
    if reconstruction == "l1":
        return (x - x_hat).abs().sum(dim=(1, 2, 3)) / scale  # (B,)
    if reconstruction == "mse":
        return 0.5 * (x - x_hat).square().sum(dim=(1, 2, 3)) / scale**2  # (B,)
    # Back to logits: exact except within eps of 0 and 1, and three times as fast as F.binary_cross_entropy.
    logits = torch.logit(x_hat, eps=torch.finfo(x_hat.dtype).eps)
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=(1, 2, 3))  # (B,)


def log_likelihood(x: Tensor, x_hat: Tensor, reconstruction: str = "l1", scale: float = 1.0) -> Tensor:
    """log p(x|z) of each image in nats, (B,): minus `reconstruction_error`, minus the constant it leaves out.

    The constant is log 2b for each pixel of a Laplace and ½ log 2πs² for a Gaussian. For the Bernoulli it is 0, which
    is exact for black-and-white pixels only. Raises TypeError or ValueError that names the argument.
    """
    error = reconstruction_error(x, x_hat, reconstruction, scale)
    return -error - left_out_constant(x, reconstruction, scale)


def left_out_constant(x: Tensor, reconstruction: str, scale: float) -> float:
    """What `reconstruction_error` of one of the images `x` lacks to be −log p(x|z), in nats."""
    normaliser = {"l1": 2 * scale, "mse": math.sqrt(2 * math.pi) * scale, "bce": 1}[reconstruction]
    return x[0].numel() * math.log(normaliser)


def kl_to_standard_normal(q: Normal) -> Tensor:
    """KL(q_j(z|x) ‖ N(0, 1)) = ½ (μ² + σ² − 1 − log σ²) for each image and latent, (B, D), in nats.

    Kingma and Welling 2014 (arXiv 1312.6114), appendix B. Raises TypeError if `q` is no Normal, ValueError if it is
    not over (B, D).
    """
    require.posterior("q", q)
    kl = _kl(q)
    if not kl.isfinite().all():
        raise ValueError("q must have a finite mean and a finite standard deviation above 0")
    return kl


def _kl(q: Normal) -> Tensor:
    return 0.5 * (q.mean.square() + q.variance - 1 - 2 * q.stddev.log())  # (B, D); σ² may underflow where σ doesn't


def require_likelihood(reconstruction: str, scale: float) -> float:
    """The `scale` as a float. Raises TypeError or ValueError, naming the argument, unless the two describe a
    likelihood."""
    require.choice("reconstruction", reconstruction, RECONSTRUCTIONS)
    number = require.number("scale", scale, above=0, most=GREATEST_SCALE)
    if reconstruction == "bce" and number != 1:
        raise ValueError(f'scale must be 1 for reconstruction="bce", which has none, got {scale}')
    return number
