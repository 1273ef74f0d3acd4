"""Is a new output of a lesson the same as the stored one, for whoever looks at it?

Then the stored one stays, byte for byte: a repository should grow by what has changed, not by what was computed again.
A picture is the same if the eye can't tell them apart, a text if it is equal except for the numbers written
"about 0.42", which come out of a training and may differ a little. In a cell tagged `measures-time` they may differ by
any amount.
"""

import base64
import configparser
import functools
import io
import math
import re

import numpy as np
from PIL import Image

from tools.lessons import ROOT

PICTURE = re.compile(r"data:(image/\w+);base64,([A-Za-z0-9+/=]+)")
NUMBER = re.compile(r"[-−]?\d+(?:,\d{3})*(?:\.\d+)?")
BLOCK = 8  # pixels: what is smaller is seen as one dot
JUST_SEEN = 4 / 255  # a difference of a block's mean that the eye does not notice
ABOUT_EQUAL = 0.05  # of the number


def keep_the_same(stored, new) -> None:
    """Put the outputs of the `stored` notebook into the `new` one, the same after a run, where they are the same."""
    for before, after in zip(stored.cells, new.cells, strict=True):
        if after.cell_type != "code" or len(before.outputs) != len(after.outputs):
            continue
        tolerance = math.inf if "measures-time" in after.metadata.get("tags", []) else ABOUT_EQUAL
        if all(is_the_same(one, other, tolerance) for one, other in zip(before.outputs, after.outputs, strict=True)):
            for output, as_before in zip(after.outputs, before.outputs, strict=True):
                output.update({key: as_before[key] for key in ("data", "text") if key in as_before})


def is_the_same(stored, new, tolerance: float = ABOUT_EQUAL) -> bool:
    """Are two outputs of the same kind, and do they show the same?"""
    if stored.output_type != new.output_type or stored.get("name") != new.get("name"):
        return False
    if "text" in stored or "text" in new:
        return same_text(stored.get("text", ""), new.get("text", ""), tolerance)
    before, after = stored.get("data", {}), new.get("data", {})
    return before.keys() == after.keys() and all(same_text(before[kind], after[kind], tolerance) for kind in before)


def same_text(stored: str, new: str, tolerance: float = ABOUT_EQUAL) -> bool:
    """Equal texts, with pictures that look the same and numbers that are about the same."""
    pictures, new_pictures = PICTURE.findall(stored), PICTURE.findall(new)
    words, numbers = without_trained_numbers(PICTURE.sub("PICTURE", stored))
    new_words, new_numbers = without_trained_numbers(PICTURE.sub("PICTURE", new))
    return (
        words == new_words
        and len(numbers) == len(new_numbers)
        and all(about_equal(one, other, tolerance) for one, other in zip(numbers, new_numbers, strict=True))
        and all(kind == as_kind and look_the_same(one, other)
                for (kind, one), (as_kind, other) in zip(pictures, new_pictures, strict=True))
    )  # fmt: skip


def without_trained_numbers(text: str) -> tuple[str, list[str]]:
    """The text as nbval compares it, and the numbers that it hides."""
    numbers = []
    for pattern, replacement in sanitizers():
        numbers += [number for hidden in pattern.finditer(text) for number in NUMBER.findall(hidden[0])]
        text = pattern.sub(replacement, text)
    return text, numbers


@functools.cache
def sanitizers() -> list[tuple[re.Pattern, str]]:
    """What nbval hides, and what it puts in its place, from its settings."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "tests" / "lessons" / "nbval.cfg", encoding="utf-8")
    return [(re.compile(some["regex"]), some["replace"]) for some in map(settings.__getitem__, settings.sections())]


def about_equal(stored: str, new: str, tolerance: float = ABOUT_EQUAL) -> bool:
    """Two numbers that differ by that share of them at most, or by one in the last place that is written."""
    one, other = (float(number.replace("−", "-").replace(",", "")) for number in (stored, new))
    last_place = 10.0 ** -len(new.partition(".")[2])
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=1.5 * last_place)


def look_the_same(stored: str, new: str) -> bool:
    """Two pictures, base64, of one size, whose blocks of a few pixels differ by less than the eye can see."""
    if stored == new:
        return True
    before, after = pixels(stored), pixels(new)
    return before.shape == after.shape and bool((np.abs(blocks(before) - blocks(after)) < JUST_SEEN).all())


def pixels(picture: str) -> np.ndarray:
    """(H, W, 3) in [0, 1]."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    return np.asarray(image, dtype=np.float32) / 255


def blocks(image: np.ndarray) -> np.ndarray:
    """The mean colour of each block, (rows, columns, 3); what is left at an edge is filled up with its last pixels."""
    height, width, _ = image.shape
    whole = np.pad(image, ((0, -height % BLOCK), (0, -width % BLOCK), (0, 0)), mode="edge")
    rows, columns = whole.shape[0] // BLOCK, whole.shape[1] // BLOCK
    return whole.reshape(rows, BLOCK, columns, BLOCK, 3).mean(axis=(1, 3))
