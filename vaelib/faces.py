"""Cartoon faces drawn from six known factors: no download, any number of them, ground truth known.

Each shape is a signed distance function (negative inside, in units of half the picture); its coverage of a pixel
falls from 1 to 0 over the width of that pixel, which is what makes the edges smooth. Shapes are painted back to
front, for many faces at once.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vaelib import require
from vaelib.language import Name

FACTORS = tuple(map(Name, ("skin tone", "hair colour", "smile", "glasses", "beard", "hair length")))

KINDS = ("plain", "glasses", "beard", "glasses and beard")  # what `four_kinds` draws, by label

_BACKGROUND = (0.86, 0.91, 0.96)
_SHIRT = (0.16, 0.50, 0.55)
_SKIN = ((0.99, 0.86, 0.76), (0.80, 0.57, 0.42), (0.52, 0.35, 0.26))  # light, medium, dark
_HAIR = ((0.92, 0.76, 0.42), (0.62, 0.34, 0.18), (0.17, 0.13, 0.14))  # blond, auburn, black
_BEARD = (0.13, 0.08, 0.07)  # beards are darker than hair, so that they stand out from every skin
_CHUNK = 250  # faces painted at once: few enough for the processor's cache


class Faces(NamedTuple):
    """`images` (n, 3, S, S) float32 in [0, 1]; `factors` (n, 6) float32 in [0, 1], columns as in `FACTORS`."""

    images: Tensor
    factors: Tensor


class Kinds(NamedTuple):
    """`images` (n, 3, S, S) float32 in [0, 1]; `labels` (n,) int64, the place of each face's kind in `KINDS`."""

    images: Tensor
    labels: Tensor


def faces(n: int, *, seed: int = 0, size: int = 32) -> Faces:
    """Draw `n` faces whose six factors are independent and uniform on [0, 1].

    `size` is the side S in pixels, from 16 to 256. The global random generator is not touched. Raises TypeError or
    ValueError for an `n`, `seed` or `size` that is not a whole number or is out of range.
    """
    require.whole_number("n", n)
    require.seed("seed", seed)
    _require_size(size, n)
    factors = torch.rand(n, len(FACTORS), generator=torch.Generator().manual_seed(seed))
    return Faces(render(factors, size=size), factors)


def four_kinds(n: int, *, seed: int = 0, size: int = 32) -> Kinds:
    """Draw `n` faces of one person, who may wear glasses, a beard, both or neither.

    Two attributes are free, and each is either absent or strong: glasses at 0 or in [0.7, 1], the beard at 0 or in
    [0.6, 1], independently and as often as not. So there are four kinds of faces, and nothing between them. Raises as
    `faces` does.
    """
    require.whole_number("n", n)
    require.seed("seed", seed)
    _require_size(size, n)
    worn, grown, glasses, beard = torch.rand(n, 4, generator=torch.Generator().manual_seed(seed)).T
    worn, grown = worn > 0.5, grown > 0.5
    factors = torch.tensor([0.25, 0.5, 0.3, 0.0, 0.0, 0.6]).repeat(n, 1)
    factors[:, FACTORS.index("glasses")] = worn * (0.7 + 0.3 * glasses)
    factors[:, FACTORS.index("beard")] = grown * (0.6 + 0.4 * beard)
    return Kinds(render(factors, size=size), worn + 2 * grown)


def render(factors: Tensor, *, size: int = 32) -> Tensor:
    """Draw the faces with the given `factors` (n, 6) in [0, 1], columns as in `FACTORS` → images (n, 3, S, S).

    Raises TypeError if `factors` is not a floating-point tensor or `size` no int, ValueError if the shape is another,
    a value lies outside [0, 1] or is NaN, or `size` is not in 16..256.
    """
    require.floats("factors", factors)
    if factors.ndim != 2 or factors.shape[1] != len(FACTORS) or len(factors) == 0:
        raise ValueError(f"factors must have shape (n, {len(FACTORS)}) with n ≥ 1, got {tuple(factors.shape)}")
    require.unit_interval("factors", factors, " and hold no NaN")
    _require_size(size, len(factors))
    images = torch.empty(len(factors), 3, size, size, device=factors.device)
    for some, their in zip(images.split(_CHUNK), factors.detach().float().split(_CHUNK), strict=True):
        right = _paint(their, size)
        some[..., size // 2 :] = right
        some[..., : size // 2] = right[..., size % 2 :].flip(-1)  # an odd S has one column in the middle
    return images


def _require_size(size: int, n: int) -> None:
    require.whole_number("size", size, least=16, most=256)
    require.room("n", n * 3 * size**2)


def _paint(factors: Tensor, size: int) -> Tensor:
    """The right half of each face, (n, 3, S, S - S // 2): it is symmetric."""
    canvas = _Canvas(len(factors), size, factors.device)
    side, y = canvas.side, canvas.y
    skin_tone, hair_colour, smile, glasses, beard, length = factors.T[:, :, None, None]  # six of (n, 1, 1)
    smile = smile**0.7  # the powers make equal steps of a factor change the picture about equally
    skin, hair = _blend(_SKIN, skin_tone), _blend(_HAIR, hair_colour)

    # Behind the head: shoulders, neck, ears, and the hair that falls over the ears as it grows.
    canvas.paint(_box(side, y - 1.25, 0.78, 0.45, 0.30), _SHIRT)
    canvas.paint(_box(side, y - 0.70, 0.19, 0.28, 0.10), skin, shade=0.86)
    canvas.paint(_ellipse(side - 0.56, y - 0.04, 0.11, 0.16), skin, shade=0.92)
    tips = 1.10 * length**0.6 - 0.14
    canvas.paint(_box(side, y - (tips - 0.8) / 2, 0.64 + 0.05 * length, (tips + 0.8) / 2, 0.28), hair, shade=0.94)

    # The head. Cheeks glow with the smile. The beard climbs from the chin to the cheeks, highest at the sides.
    head = _ellipse(side, y - 0.04, 0.58, 0.76)
    canvas.paint(head, skin)
    canvas.paint(_ellipse(side - 0.36, y - 0.24, 0.20, 0.15), (0.95, 0.33, 0.36), opacity=0.85 * smile, blur=3)
    edge = 0.58 - 0.28 * beard - 1.9 * (side * (0.4 + 0.6 * beard)) ** 2
    beard_colour = torch.lerp(hair, hair.new_tensor(_BEARD)[:, None, None], 0.8)
    canvas.paint(torch.maximum(head - 0.03 * beard, edge - y), beard_colour, opacity=beard**0.7)

    # The mouth: between two parabolas, from a tight frown to a wide open grin.
    width = 0.20 + 0.22 * smile
    bow = (1 - (side / width) ** 2).clamp(min=-1)
    upper = 0.42 + (0.22 * smile - 0.10) * bow - 0.03
    lower = upper + 0.055 + 0.23 * smile * bow
    mouth = torch.maximum(torch.maximum(upper - y, y - lower) * 0.8, side - width)
    canvas.paint(mouth - 0.02, (0.72, 0.20, 0.24))
    teeth = torch.maximum(mouth + 0.03, y - upper - 0.16 * smile)
    canvas.paint(teeth, (1.0, 1.0, 1.0), opacity=(2 * smile).clamp(max=1))

    # Nose, eyes, and brows that rise with the smile.
    canvas.paint(_ellipse(side, y - 0.20, 0.07, 0.09), skin, shade=0.84)
    canvas.paint(_ellipse(side - 0.24, y + 0.04, 0.13, 0.11), (1.0, 1.0, 1.0))
    canvas.paint(_ellipse(side - 0.23, y + 0.03, 0.07, 0.08), (0.12, 0.10, 0.12))
    brow = y + 0.20 + 0.09 * smile - (side - 0.25) ** 2
    canvas.paint(torch.maximum(brow.abs() - 0.032, (side - 0.25).abs() - 0.14), beard_colour)

    # The hair on top: the upper part of a slightly larger head, cut along a fringe.
    fringe = y + 0.42 - 0.55 * side**2
    canvas.paint(torch.maximum(_ellipse(side, y - 0.02, 0.65, 0.84), fringe), hair)

    # Glasses: from none over wire frames to bold, tinted ones.
    lens = _box(side - 0.26, y + 0.03, 0.20, 0.16, 0.10)
    canvas.paint(lens, (0.15, 0.20, 0.35), opacity=0.65 * glasses)
    rim = lens.abs() - 0.06 * glasses
    bridge = torch.maximum((y + 0.07).abs() - 0.05 * glasses, side - 0.08)
    temple = torch.maximum((y + 0.09).abs() - 0.04 * glasses, (side - 0.50).abs() - 0.08)
    frame = torch.minimum(torch.minimum(rim, bridge), temple)
    canvas.paint(frame, (0.10, 0.12, 0.30), opacity=(6 * glasses).clamp(max=1))
    return canvas.image


class _Canvas:
    """Half faces under way: `image` (n, 3, S, S - S // 2), and the coordinates of its pixels, `side` from the middle to
    the right, in [0, 1], and `y` down, in [-1, 1]."""

    def __init__(self, n: int, size: int, device: torch.device):
        self.pixel = 2 / size
        centres = (torch.arange(size, device=device) + 0.5) * self.pixel - 1
        self.side, self.y = centres[None, None, size // 2 :].abs(), centres[None, :, None]
        self.image = torch.tensor(_BACKGROUND, device=device)[:, None, None].repeat(n, 1, size, size - size // 2)

    def paint(self, distance, colour, *, shade=1.0, opacity=1.0, blur=1.0):
        """Cover what lies inside `distance` < 0 with `colour`, a triple or (n, 3, 1, 1)."""
        cover = (0.5 - distance / (blur * self.pixel)).clamp_(0, 1) * opacity  # (n or 1, S, S - S // 2)
        if not isinstance(colour, Tensor):
            colour = self.image.new_tensor(colour)[None, :, None, None]
        self.image.lerp_((shade * colour).expand_as(self.image), cover[:, None].expand_as(self.image))


def _blend(stops, t: Tensor) -> Tensor:
    """Colours (n, 3, 1, 1) at t (n, 1, 1) in [0, 1] along a path of three colours."""
    first, middle, last = t.new_tensor(stops)[:, None, :, None, None]
    t = 2 * t[:, None]
    return torch.where(t < 1, torch.lerp(first, middle, t), torch.lerp(middle, last, t - 1))


def _ellipse(x: Tensor, y: Tensor, a: float, b: float) -> Tensor:
    """Near the edge, the distance to an ellipse with half axes a and b: implicit function over its gradient."""
    f = (x / a) ** 2 + (y / b) ** 2
    gradient = 2 * ((x / a**2) ** 2 + (y / b**2) ** 2).sqrt()
    return (f - 1) / gradient.clamp(min=1e-3)


def _box(x: Tensor, y: Tensor, a, b, radius: float) -> Tensor:
    """The distance to a box with half sides a and b and round corners."""
    dx, dy = x.abs() - a + radius, y.abs() - b + radius
    outside = (dx.clamp(min=0) ** 2 + dy.clamp(min=0) ** 2).sqrt()
    return outside + torch.maximum(dx, dy).clamp(max=0) - radius
