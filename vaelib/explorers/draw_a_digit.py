"""A sheet to draw a digit on, and where the VAE puts it."""

import torch
from traitlets import List, TraitError, default, validate

from vaelib import require
from vaelib.digits import Digits
from vaelib.explorers.base import Explorer, Number, bundle, weights_of
from vaelib.explorers.defaults import digits_or_defaults, require_in_a_plane, rows_of_each_class
from vaelib.models import VAE, code_of
from vaelib.trained import trained

SIDE = 28  # pixels, of MNIST's images
SAMPLES = 4


class DrawADigit(Explorer):
    """See `draw_a_digit`. The trait `image` is what the network sees: 28 rows of 28 numbers, 0 paper to 1 ink; all of
    them are 0 while nothing is drawn. `torch.tensor(widget.image)[None, None]` is a batch for `vae.encode`."""

    _esm = bundle("draw_a_digit")
    image = List(List(Number())).tag(sync=True)

    @default("image")
    def _nothing_is_drawn(self):
        return [[0.0] * SIDE for _ in range(SIDE)]

    @validate("image")
    def _image_is_grey(self, proposal):
        rows = proposal["value"]
        if len(rows) != SIDE or any(len(row) != SIDE for row in rows):
            raise TraitError(f"image must be {SIDE} rows of {SIDE} numbers")
        if not all(0 <= value <= 1 for row in rows for value in row):  # also False for NaN
            raise TraitError("image must lie between 0, paper, and 1, ink")
        return rows


@torch.no_grad()
def draw_a_digit(vae: VAE | None = None, digits: Digits | None = None, *, seed: int = 0) -> DrawADigit:
    """A sheet to draw a digit on: it is encoded as a distribution in the VAE's plane, sampled and decoded, live.

    `vae` has 2 latents and takes images (n, 1, 28, 28), the course's own at β = 1 if None. `digits` are images and
    their labels (n,), 0 to 9, the test digits if None: the first 300 are shown in the plane, and of each class the
    first can be loaded instead of drawing. `seed` sets the four samples' ε. What is drawn is made into an image as
    MNIST's were (LeCun et al. 1998): its ink fills a box of 20 × 20 pixels, with its centre of mass in the middle.
    Raises TypeError or ValueError that names the argument.
    """
    vae = trained("digits").at(1.0) if vae is None else vae
    require_in_a_plane("vae", vae, VAE)
    if vae.image_shape != (1, SIDE, SIDE):
        raise ValueError(f"vae must take images of shape {1, SIDE, SIDE}, it takes {vae.image_shape}")
    require.seed("seed", seed)
    images, labels = digits_or_defaults(digits, {"vae": vae})
    chosen = rows_of_each_class(labels)
    arrays = weights_of(vae) | {
        "codes": code_of(vae, images, model_name="vae", images_name="digits.images").mean,
        "images": images[chosen],
        "noise": torch.randn(SAMPLES, 2, generator=torch.Generator().manual_seed(seed)),
    }
    return DrawADigit(arrays, {"labels": labels.tolist(), "classes_to_choose": labels[chosen].tolist()})
