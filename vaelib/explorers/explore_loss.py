"""The loss of one image as a landscape over the μ and σ of one latent, and a ball that rolls in it."""

import math

import torch
from torch import Tensor

from vaelib import require
from vaelib.explorers.base import Between, Explorer, Index, bundle, weights_of
from vaelib.explorers.defaults import MOST_LATENTS, SHOWN, require_for_the_browser
from vaelib.faces import faces
from vaelib.losses import kl_to_standard_normal
from vaelib.measures import COLLAPSED_BELOW
from vaelib.models import VAE, code_of, require_images_for
from vaelib.multirate import GREATEST_BETA
from vaelib.trained import trained

SIGMAS = (0.01, 2.0)  # of the landscape: below, a posterior is as good as a point
LEAST_SPAN = 3.0  # of its μ, on either side of 0


class ExploreLoss(Explorer):
    """See `explore_loss`. Traits: `beta`; `image` and `latent`, the numbers of the chosen ones from 0; `mu` and
    `sigma`, where the ball is."""

    _esm = bundle("explore_loss")
    beta = Between(ends=(0.0, GREATEST_BETA)).tag(sync=True)
    image = Index(of="shown").tag(sync=True)
    latent = Index(of="latents").tag(sync=True)
    mu = Between(of="mus").tag(sync=True)
    sigma = Between(of="sigmas").tag(sync=True)


@torch.no_grad()
def explore_loss(vae: VAE | None = None, images: Tensor | None = None, *, beta: float = 1.0) -> ExploreLoss:
    """The loss of one image x over (μ, σ) of one latent z_j, as a landscape: a ball to drag, or to let roll down.

    Shown is L(μ, σ) = E|x − x̂| + β KL(N(μ, σ²) ‖ N(0, 1)) in nats, and each of its two terms. The mean runs over
    z_j ~ N(μ, σ²) alone: the other latents stay at the encoder's means, without noise, and their KL, which is the
    same everywhere, is left out. |·| is the sum over pixels and channels, whatever the model was trained with. The
    networks stay as they are: β only weighs the KL. μ goes from −3 to 3, or further if a code of the images does; σ
    from 0.01 to 2: with β = 0 the loss falls towards σ = 0, so the ball comes to rest at the edge, 0.01.

    `vae` is a trained VAE with at most 16 latents, the course's own for faces at β = 1 if None; the first eight of
    `images` (n, C, H, W) can be chosen. At first the ball lies on the prior, and the latent is, of those that have
    not collapsed, the one with the least KL: its valley is the widest. `beta`, from 0 to 100, is where the slider
    starts.
    Raises TypeError or ValueError that names the argument.
    """
    vae = trained("faces").at(1.0) if vae is None else vae
    require_for_the_browser("vae", vae, VAE)
    if vae.latent_dim > MOST_LATENTS:
        raise ValueError(f"vae must have at most {MOST_LATENTS} latents to be shown, it has {vae.latent_dim}")
    images = faces(SHOWN, seed=1).images if images is None else images
    require_images_for(vae, images, model_name="vae")
    if len(images) < SHOWN:
        raise ValueError(f"images must be at least {SHOWN}, got {len(images)}")
    require.pixels("images", images)
    beta = require.number("beta", beta, least=0, most=GREATEST_BETA)
    images = images[:SHOWN]
    q = code_of(vae, images, model_name="vae")
    rates = kl_to_standard_normal(q).mean(dim=0)
    collapsed = rates < COLLAPSED_BELOW
    span = max(LEAST_SPAN, math.ceil(1.1 * q.mean.abs().max().item()))
    arrays = weights_of(vae, encoder=False) | {"images": images, "mu": q.mean, "sigma": q.stddev}
    about = {
        "shape": list(images.shape[1:]),
        "shown": SHOWN,
        "latents": vae.latent_dim,
        "collapsed": collapsed.tolist(),
        "mus": [-float(span), float(span)],
        "sigmas": list(SIGMAS),
    }
    latent = rates.masked_fill(collapsed, math.inf).argmin().item()
    return ExploreLoss(arrays, about, beta=beta, latent=latent, sigma=1.0)
