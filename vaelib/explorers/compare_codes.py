"""The two figures of the course, live: a number for each attribute above a bell curve for each."""

from collections.abc import Sequence

import torch

from vaelib import require
from vaelib.explorers.base import Between, Explorer, Index, Numbers, Rows, bundle, weights_of
from vaelib.explorers.defaults import SHOWN, faces_models_or_defaults
from vaelib.faces import FACTORS, Faces
from vaelib.language import _
from vaelib.measures import attribute_directions, fit_probes
from vaelib.models import VAE, Autoencoder, code_of, sample

SAMPLES = 4
NOISES = (0.0, 6.0)  # how much of its σ the VAE's samples may stray


class CompareCodes(Explorer):
    """See `compare_codes`. Traits: `image`, the number of the chosen face from 0; `shifts`, what is added to each of
    the K attributes; `epsilon`, the noise (4, D) of the VAE's samples z = μ + noise · σ ε, and `noise`, from 0 to 6,
    how much of it: 1 is what the encoder says."""

    _esm = bundle("compare_codes")
    image = Index(of="shown").tag(sync=True)
    shifts = Numbers(of="names").tag(sync=True)
    epsilon = Rows(of="epsilon").tag(sync=True)
    noise = Between(of="noises").tag(sync=True)


@torch.no_grad()
def compare_codes(
    autoencoder: Autoencoder | None = None,
    vae: VAE | None = None,
    train: Faces | None = None,
    test: Faces | None = None,
    *,
    names: Sequence[str] = FACTORS,
    seed: int = 0,
) -> CompareCodes:
    """Figures 1 and 2 made live, one above the other: image → attributes → decoded faces. The UAE has one number for
    each attribute, the VAE a bell curve. Sliders shift the attributes, and both decoders follow; the noise of the
    VAE's samples, z = μ + noise · σ ε, can be turned up to 6 until they differ for all to see, and the bells with it.

    The attributes are read off the codes by linear probes; what each face was drawn with, its factors, is marked.

    `autoencoder` and `vae` are trained; they are the course's own for faces if None, the VAE at β = 1. On `train`,
    faces that they know (2000 are plenty), the probes and the directions of the attributes called `names` are fitted;
    the first eight of `test` can be chosen, and their factors are the truth. `seed` sets the noise of the VAE's
    four samples.
    Raises TypeError or ValueError that names the argument.
    """
    autoencoder, vae, train, test = faces_models_or_defaults(autoencoder, vae, train, test, names, seed)
    require.table("test.factors", test.factors, (len(test.images), len(names)))
    truth = test.factors[:SHOWN]
    h = code_of(autoencoder, train.images, model_name="autoencoder", images_name="train.images")
    q = code_of(vae, train.images, model_name="vae", images_name="train.images")
    chosen_h, chosen_q = autoencoder.encode(test.images[:SHOWN]), vae.encode(test.images[:SHOWN])
    # The VAE's probes are fitted on samples z, not on μ: the μ of a collapsed latent is nearly constant, so its weight
    # would explode, and with σ = 1 the bell curve too.
    z = sample(q, torch.Generator().manual_seed(seed))
    arrays = {"images": test.images[:SHOWN], "vae.sigmas": chosen_q.stddev, "truth": truth}  # (8, D), (8, K)
    for prefix, model, chosen, known, means in (
        ("uae.", autoencoder, chosen_h, h, h),
        ("vae.", vae, chosen_q.mean, z, q.mean),
    ):
        probes = fit_probes(known, train.factors, names)
        arrays |= weights_of(model, prefix, encoder=False) | {
            f"{prefix}codes": chosen,  # (8, D)
            f"{prefix}table": attribute_directions(means, train.factors),  # (K, D)
            f"{prefix}weight": probes.weight,  # (K, D)
            f"{prefix}bias": probes.bias,  # (K,)
        }
    size = [SAMPLES, vae.latent_dim]
    about = {
        "shape": list(vae.image_shape),
        "shown": SHOWN,
        "names": [_(name) for name in names],
        "epsilon": size,
        "noises": list(NOISES),
    }
    epsilon = torch.randn(size, generator=torch.Generator().manual_seed(seed)).tolist()
    return CompareCodes(arrays, about, shifts=[0.0] * len(names), epsilon=epsilon, noise=1.0)
