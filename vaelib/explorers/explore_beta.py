"""One slider for β: how the balance of the two terms changes everything."""

import torch
from torch import Tensor

from vaelib import require
from vaelib.explorers.base import Between, Explorer, Index, bundle, weights_of
from vaelib.explorers.defaults import MOST_LATENTS, SHOWN, require_for_the_browser
from vaelib.faces import faces
from vaelib.losses import kl_to_standard_normal, reconstruction_error
from vaelib.measures import COLLAPSED_BELOW
from vaelib.models import code_of, require_images_for
from vaelib.multirate import GREATEST_BETA, MultiRateVAE, beta_at
from vaelib.trained import trained

POINTS = 41  # of the rate-distortion curve


class ExploreBeta(Explorer):
    """See `explore_beta`. Traits: `beta`, and `image`, the number of the chosen image from 0."""

    _esm = bundle("explore_beta")
    beta = Between(ends=(0.0, GREATEST_BETA)).tag(sync=True)
    image = Index(of="shown").tag(sync=True)


def explore_beta(
    multirate: MultiRateVAE | None = None, images: Tensor | None = None, *, beta: float = 1.0, seed: int = 0
) -> ExploreBeta:
    """A slider for β: reconstructions, samples, posteriors, each latent's KL, and the point on the rate-distortion
    curve move together.

    `multirate` is a trained MultiRateVAE with at most 16 latents, the course's own for faces if None; `images`
    (n, C, H, W) are 8 to 64 images that it has not seen. The first eight are shown; rate and distortion are means
    over all n, with one sample z of each, the same at each β. `beta`, from 0 to 100, is where the slider starts; `seed`
    sets those samples and the prior's.
    Raises TypeError or ValueError that names the argument.
    """
    multirate = trained("faces") if multirate is None else multirate
    require_for_the_browser("multirate", multirate, MultiRateVAE)
    if multirate.latent_dim > MOST_LATENTS:
        raise ValueError(
            f"multirate must have at most {MOST_LATENTS} latents to be shown, it has {multirate.latent_dim}"
        )
    images = faces(16, seed=1).images if images is None else images
    require_images_for(multirate, images, model_name="multirate")
    require.pixels("images", images)
    if not SHOWN <= len(images) <= 64:
        raise ValueError(f"images must be {SHOWN} to 64, got {len(images)}")
    beta = require.number("beta", beta, least=0, most=GREATEST_BETA)
    require.seed("seed", seed)
    code_of(multirate.at(beta), images, model_name="multirate")
    generator = torch.Generator().manual_seed(seed)  # the first n rows are those that evaluate draws
    noise = torch.randn(len(images), multirate.latent_dim, generator=generator, dtype=images.dtype)
    arrays = weights_of(multirate) | {
        "images": images,
        "noise": noise,
        "prior": torch.randn(SHOWN, multirate.latent_dim, generator=generator),
        "curve": _curve(multirate, images, noise),
    }
    about = {"shape": list(images.shape[1:]), "shown": SHOWN, "collapsed_below": COLLAPSED_BELOW}
    return ExploreBeta(arrays, about, beta=beta)


@torch.no_grad()
def _curve(multirate: MultiRateVAE, images: Tensor, noise: Tensor) -> Tensor:
    """Rate and distortion at some β from 0 to 100, (POINTS, 2): each the mean over the images (n, C, H, W), with the
    noise (n, D). All β go through the network at once: a VAE for each would take a second."""
    betas = beta_at(torch.linspace(-1, 1, POINTS, dtype=images.dtype)).repeat_interleave(len(images))
    x = images.repeat(POINTS, 1, 1, 1)
    q = multirate.encode(x, betas)
    x_hat = multirate.decode(q.mean + q.stddev * noise.repeat(POINTS, 1), betas)
    each = torch.stack([kl_to_standard_normal(q).sum(dim=1), reconstruction_error(x, x_hat)], dim=1)
    return each.view(POINTS, len(images), 2).mean(dim=1)
