"""The latent planes of a UAE and of a VAE, to walk through."""

import torch

from vaelib.digits import Digits
from vaelib.explorers.base import Explorer, Index, Point, bundle, weights_of
from vaelib.explorers.defaults import digits_or_defaults, require_in_a_plane, rows_of_each_class
from vaelib.faces import Kinds
from vaelib.models import VAE, Autoencoder, code_of
from vaelib.trained import trained


class ExploreMap(Explorer):
    """See `explore_map`. Traits: `z` and `h`, two numbers each, the place in the VAE's and in the UAE's plane, and
    `image`, the number of the chosen image from 0."""

    _esm = bundle("explore_map")
    z = Point().tag(sync=True)
    h = Point().tag(sync=True)
    image = Index(of="rows_to_choose").tag(sync=True)


@torch.no_grad()
def explore_map(
    autoencoder: Autoencoder | None = None, vae: VAE | None = None, digits: Digits | Kinds | None = None
) -> ExploreMap:
    """The planes of a UAE and of a VAE with two latents side by side: move through them and see what they decode to.

    `autoencoder` and `vae` are models of 2 latents for images of one shape; one alone is shown alone. If both are None,
    the course's own for digits are shown, the VAE at β = 1. `digits` are images (n, C, H, W), of digits or others, and
    their labels (n,), 0 to 9, the test digits if None: the first 300 are shown in the planes, and of each class the
    first can be chosen.
    Raises TypeError or ValueError that names the argument.
    """
    if autoencoder is None and vae is None:
        autoencoder, vae = trained("digits-uae"), trained("digits").at(1.0)
    if vae is not None:
        require_in_a_plane("vae", vae, VAE)
    if autoencoder is not None:
        require_in_a_plane("autoencoder", autoencoder, Autoencoder)
    models = {"vae": vae, "autoencoder": autoencoder}
    models = {name: model for name, model in models.items() if model is not None}
    if len(models) == 2 and autoencoder.image_shape != vae.image_shape:
        raise ValueError(f"autoencoder must have the image shape of vae, {vae.image_shape}")
    images, labels = digits_or_defaults(digits, models)
    chosen = rows_of_each_class(labels)
    arrays, traits, letters = {"images": images[chosen]}, {"h": (0.0, 0.0), "z": (0.0, 0.0)}, []
    if autoencoder is not None:
        h = code_of(autoencoder, images, model_name="autoencoder", images_name="digits.images")
        arrays |= weights_of(autoencoder, "uae.", encoder=False) | {"uae.codes": h}
        traits["h"] = tuple(h[chosen[0]].tolist())
        letters.append("h")
    if vae is not None:
        q = code_of(vae, images, model_name="vae", images_name="digits.images")
        arrays |= weights_of(vae, "vae.", encoder=False) | {"vae.codes": q.mean, "vae.sigma": q.stddev}
        traits["z"] = tuple(q.mean[chosen[0]].tolist())
        letters.append("z")
    about = {
        "shape": list(images.shape[1:]),
        "labels": labels.tolist(),
        "rows_to_choose": chosen,
        "letters": letters,
    }
    return ExploreMap(arrays, about, **traits)
