"""One slider for β: how the balance of the two terms changes everything."""

import torch
from torch import Tensor
from traitlets import Float, TraitError, validate

from vaelib import require
from vaelib.explorers.base import Explorer, Index, bundle, weights_of
from vaelib.explorers.defaults import MOST_LATENTS, SHOWN, encoded, require_for_the_browser
from vaelib.faces import faces
from vaelib.measures import COLLAPSED_BELOW, evaluate
from vaelib.models import require_images_for
from vaelib.multirate import GREATEST_BETA, MultiRateVAE, beta_at
from vaelib.trained import trained


class ExploreBeta(Explorer):
    """See `explore_beta`. Traits: `beta`, and `image`, the number of the chosen image from 0."""

    _esm = bundle("explore_beta")
    beta = Float(1.0).tag(sync=True)
    image = Index(of="shown").tag(sync=True)

    @validate("beta")
    def _beta_is_known(self, proposal):
        if not 0 <= proposal["value"] <= GREATEST_BETA:
            raise TraitError(f"beta must lie between 0 and {GREATEST_BETA:g}, got {proposal['value']}")
        return proposal["value"]


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
    if not SHOWN <= len(images) <= 64:
        raise ValueError(f"images must be {SHOWN} to 64, got {len(images)}")
    beta = require.number("beta", beta, least=0)
    if beta > GREATEST_BETA:
        raise ValueError(f"beta must lie between 0 and {GREATEST_BETA:g}, got {beta}")
    require.seed("seed", seed)
    encoded("multirate", multirate.at(beta), images)
    generator = torch.Generator().manual_seed(seed)  # the first n rows are those that evaluate draws
    noise = torch.randn(len(images), multirate.latent_dim, generator=generator)
    curve = [evaluate(multirate.at(at), images, seed=seed) for at in beta_at(torch.linspace(-1, 1, 41)).tolist()]
    arrays = weights_of(multirate) | {
        "images": images,
        "noise": noise,
        "prior": torch.randn(SHOWN, multirate.latent_dim, generator=generator),
        "curve": torch.tensor([[e.rate, e.distortion] for e in curve]),
    }
    about = {"shape": list(images.shape[1:]), "shown": SHOWN, "collapsed_below": COLLAPSED_BELOW}
    return ExploreBeta(arrays, about, beta=beta)
