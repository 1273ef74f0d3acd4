"""A slider for each latent and for each attribute: what the same move does to a UAE and to a VAE."""

from collections.abc import Sequence

import torch
from torch import Tensor
from traitlets import Float, List, observe

from vaelib.explorers.base import Explorer, Index, Numbers, bundle, weights_of
from vaelib.explorers.defaults import MOST_LATENTS, SHOWN, faces_models_or_defaults
from vaelib.faces import FACTORS, Faces
from vaelib.language import _
from vaelib.losses import kl_to_standard_normal
from vaelib.measures import COLLAPSED_BELOW, attribute_directions
from vaelib.models import VAE, Autoencoder, code_of


class ExploreLatents(Explorer):
    """See `explore_latents`. Traits:

    `image`, the number of the face to start from, or -1 for the `sample`, D numbers from N(0, I); `latents` (D) and
    `attributes` (K), what is added, the latents in the VAE's own order; and what comes of it, for reading only: `z`,
    which the VAE decodes, and `h`, which the UAE decodes, D numbers each.
    """

    _esm = bundle("explore_latents")
    image = Index(of="shown", least=-1).tag(sync=True)
    sample = Numbers(of="kl").tag(sync=True)
    latents = Numbers(of="kl").tag(sync=True)
    attributes = Numbers(of="names").tag(sync=True)
    z = List(Float(), read_only=True)
    h = List(Float(), read_only=True)

    def __init__(self, arrays: dict[str, Tensor], about: dict, **traits):
        self._codes = {name: array.double() for name, array in arrays.items() if name.endswith((".codes", ".table"))}
        super().__init__(arrays, about, **traits)

    @observe("image", "sample", "latents", "attributes")
    def _move(self, _):
        amounts = torch.tensor([*self.latents, *self.attributes], dtype=torch.float64)  # (D + K,)
        for name, model in (("z", "vae"), ("h", "uae")):
            codes, table = self._codes[f"{model}.codes"], self._codes[f"{model}.table"]
            start = torch.tensor(self.sample).to(codes) if self.image == -1 else codes[self.image]  # (D,)
            self.set_trait(name, (start + amounts @ table).tolist())


@torch.no_grad()
def explore_latents(
    autoencoder: Autoencoder | None = None,
    vae: VAE | None = None,
    train: Faces | None = None,
    test: Faces | None = None,
    *,
    names: Sequence[str] = FACTORS,
    seed: int = 0,
) -> ExploreLatents:
    """A slider for each latent and for each attribute, and what the UAE and the VAE make of the same move.

    `autoencoder` and `vae` are trained, with the same number of latents, at most 16; they are the course's own for
    faces if None, the VAE at β = 1. `train` are faces that they know (2000 are plenty): on them are measured each
    latent's KL, in whose order the VAE's latents stand, the standard deviation of each entry of the UAE's code, and
    the directions of the attributes called `names`. The first eight of `test` are there to start from. `seed` sets the
    first sample of the prior. Raises TypeError or ValueError that names the argument.
    """
    autoencoder, vae, train, test = faces_models_or_defaults(autoencoder, vae, train, test, names, seed)
    D = vae.latent_dim
    if autoencoder.latent_dim != D or D > MOST_LATENTS:
        got = f"{autoencoder.latent_dim} and {D}"
        raise ValueError(f"autoencoder and vae must have the same number of latents, at most {MOST_LATENTS}, got {got}")
    h = code_of(autoencoder, train.images, model_name="autoencoder", images_name="train.images")
    q = code_of(vae, train.images, model_name="vae", images_name="train.images")
    kl = kl_to_standard_normal(q).mean(dim=0)  # (D,)
    deviation = h.std(dim=0)  # (D,)
    # The VAE's slider of the greatest KL moves the UAE's entry of the greatest variance, and so on down the ranks.
    moves_of_h = h.new_zeros(D, D)
    moves_of_h[kl.argsort(descending=True), deviation.argsort(descending=True)] = deviation.sort(descending=True).values
    moves_of_z = torch.eye(D).to(q.mean)  # by 1, which is one σ of the prior
    arrays = {
        "images": test.images[:SHOWN],
        "uae.codes": autoencoder.encode(test.images[:SHOWN]),  # (8, D)
        "uae.table": torch.cat([moves_of_h, attribute_directions(h, train.factors)]),  # (D + K, D)
        "vae.codes": vae.encode(test.images[:SHOWN]).mean,
        "vae.table": torch.cat([moves_of_z, attribute_directions(q.mean, train.factors)]),
        **weights_of(autoencoder, "uae.", encoder=False),
        **weights_of(vae, "vae.", encoder=False),
    }
    about = {
        "shape": list(vae.image_shape),
        "shown": SHOWN,
        "names": [_(name) for name in names],
        "kl": kl.tolist(),
        "collapsed_below": COLLAPSED_BELOW,
    }
    prior = torch.randn(D, generator=torch.Generator().manual_seed(seed)).tolist()
    return ExploreLatents(arrays, about, sample=prior, latents=[0.0] * D, attributes=[0.0] * len(names))
