"""The loss of one image over the μ and σ of one latent, the others held at the encoder's means."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Normal

from vaelib import require
from vaelib.models import code_of, images_of, in_eval_mode, require_images_for

STEP = 0.01  # between the latents at which the error is computed, at most: sums are exact while it is no wider than σ
CUT = 6.0  # σ away from μ nothing weighs
AT_ONCE = 500  # images
MOST_PLACES = 1e6  # of z: some minutes


class Landscape(NamedTuple):
    """Both terms of the loss in nats, (S, M) each: for each σ a row, for each μ a column."""

    mu: Tensor  # (M,)
    sigma: Tensor  # (S,)
    distortion: Tensor
    rate: Tensor

    def loss(self, beta: float) -> Tensor:
        """distortion + β rate, (S, M). Raises TypeError or ValueError for another `beta`."""
        return self.distortion + require.number("beta", beta, least=0) * self.rate

    def lowest(self, beta: float) -> tuple[float, float]:
        """(μ, σ) of the lowest of the points at this β."""
        row, column = divmod(self.loss(beta).argmin().item(), len(self.mu))
        return self.mu[column].item(), self.sigma[row].item()


@in_eval_mode("vae")
@torch.no_grad()
def loss_landscape(vae, image: Tensor, latent: int, mu: Tensor, sigma: Tensor) -> Landscape:
    """E|x − x̂| and KL(N(μ, σ²) ‖ N(0, 1)) of an `image` (1, C, H, W), for each pair of `mu` (M,) and `sigma` (S,).

    The mean runs over z_j ~ N(μ, σ²) of the one `latent` j, counted from 0. The other latents stay at the encoder's
    means, without noise, and their KL is left out. |·| is the sum over pixels and channels. The error along z_j is
    computed once; each mean of it is then a sum (the trapezoidal rule). Raises TypeError or ValueError that names the
    argument.
    """
    require_images_for(vae, image, model_name="vae", images_name="image")
    if len(image) != 1:
        raise ValueError(f"image must be a single one, (1, C, H, W), got {tuple(image.shape)}")
    q = code_of(vae, image, model_name="vae", images_name="image")
    if not isinstance(q, Normal):
        raise TypeError(f"vae must encode to a distribution, a VAE does; got {type(vae).__name__}")
    require.whole_number("latent", latent, least=0)
    if latent >= q.mean.shape[1]:
        raise ValueError(f"latent must be from 0 to {q.mean.shape[1] - 1}, got {latent}")
    require.line("mu", mu)
    require.line("sigma", sigma)
    if not (sigma > 0).all():
        raise ValueError("sigma must be positive")
    mu = mu.double()
    sigma = sigma.to(mu)
    far, step = CUT * sigma.max(), min(STEP, sigma.min().item())
    first, last = ((mu.min() - far) / step).floor().item(), ((mu.max() + far) / step).ceil().item()
    if last - first > MOST_PLACES:
        raise ValueError(f"sigma must be larger, or mu not reach so far: z would take {last - first:.1g} places")
    z = step * torch.arange(first, last + 1).to(mu)  # the same places, whatever part of them is asked for
    codes = q.mean.repeat(len(z), 1)  # (knots, D)
    codes[:, latent] = z.to(codes)
    decoded = (images_of(vae, some, model_name="vae") for some in codes.split(AT_ONCE))
    errors = torch.cat([(image - some).abs().sum(dim=(1, 2, 3)) for some in decoded]).to(mu)
    means = []
    for width in sigma:
        weights = torch.softmax(-0.5 * ((z - mu[:, None]) / width) ** 2, dim=1)  # (M, knots)
        means.append(weights @ errors)
    return Landscape(mu, sigma, torch.stack(means), 0.5 * (mu**2 + sigma[:, None] ** 2 - 1) - sigma[:, None].log())
