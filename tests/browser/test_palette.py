"""The colours and marks that Python and the browser share: both draw them, and the drawings are compared."""

import io
import re

import pytest
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import PathPatch

from vaelib import digits, figures
from vaelib.explorers import explore_map, watch_training
from vaelib.explorers.base import FOLDER
from vaelib.palette import BLUE, BLUE_ON_DARK, CLASS_COLOURS, CLASS_MARKERS, ORANGE, ORANGE_INK, ORANGE_ON_DARK
from vaelib.trained import trained

# Both drawings of a mark, as pixels


def marks_of_figures():
    """{class: (its shape, its colour)} as a figure draws them."""
    axes = figures.latent_scatter(trained("digits").at(1.0), *(part[:300] for part in digits("test"))).axes[0]
    marks = {}
    for points in axes.collections:
        figure = Figure(figsize=(4, 4))
        alone = figure.add_axes((0, 0, 1, 1))
        alone.axis("off")
        alone.set_aspect("equal")
        alone.add_patch(PathPatch(points.get_paths()[0], color=points.get_facecolor()[0][:3], linewidth=0))
        alone.autoscale_view()
        png = io.BytesIO()
        figure.savefig(png)
        marks[int(points.get_label())] = shape_and_colour(png.getvalue())
    return marks


def marks_of_browser(page):
    """The same as an explorer draws them, in the key to its classes: each alone, large, in the explorer's place."""
    keys = "() => (window.keys = [...document.querySelectorAll('.vl-key')]).map((key) => Number(key.textContent))"
    alone = """
    (k) => {
      const mark = keys[k].querySelector("svg");
      mark.style = "width: 400px; height: 400px; background: white";
      document.querySelector(".vl").replaceChildren(mark);
    }
    """
    marks = {}
    for k, label in enumerate(page.evaluate(keys)):
        page.evaluate(alone, k)
        marks[label] = shape_and_colour(page.locator(".vl > svg").screenshot())
    return marks


def shape_and_colour(png):
    """What is not white, in the middle of 160 × 160 and as large as it can be, and its colour from 0 to 255."""
    pixels = torch.tensor(imread(io.BytesIO(png)))[..., :3]
    colours, counts = (255 * pixels).round().int().view(-1, 3).unique(dim=0, return_counts=True)
    colours, counts = colours[colours.sum(dim=1) < 765], counts[colours.sum(dim=1) < 765]
    drawn = pixels.min(dim=2).values < 0.9
    rows, columns = drawn.any(dim=1).nonzero(), drawn.any(dim=0).nonzero()
    box = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (round(160 * size / max(box.shape)) for size in box.shape)
    above, left = (160 - height) // 2, (160 - width) // 2
    shape = torch.zeros(160, 160, dtype=torch.bool)
    fitted = F.interpolate(box[None, None].float(), (height, width))[0, 0].bool()
    shape[above : above + height, left : left + width] = fitted
    return shape, colours[counts.argmax()].tolist()


def overlap(one, other):
    return ((one & other).sum() / (one | other).sum()).item()


def compare(page):
    """Raise AssertionError unless the page draws the mark of each class as the figures do."""
    right, found = marks_of_figures(), marks_of_browser(page)
    assert set(found) == set(right) == set(range(10))
    for label, (shape, colour) in found.items():
        likeness = {other: overlap(shape, mark) for other, (mark, _) in right.items()}
        assert max(likeness, key=likeness.get) == label and likeness[label] > 0.9, f"the shape of {label}: {likeness}"
        assert max(abs(a - b) for a, b in zip(colour, right[label][1], strict=True)) <= 2, f"the colour of {label}"


@pytest.fixture
def light(blank):
    blank.emulate_media(color_scheme="light")


def test_a_class_has_the_same_mark_in_figures_and_in_explorers(shown, light):
    compare(shown(explore_map()))


def exchanged(values, one, other):
    values = list(values)
    values[one], values[other] = values[other], values[one]
    return values


@pytest.mark.parametrize(
    ("drift", "named"),
    [
        ({"class_markers": "".join(exchanged(CLASS_MARKERS, 6, 7))}, "the shape of 6"),  # as they once had drifted
        ({"class_markers": "".join(exchanged(CLASS_MARKERS, 8, 9))}, "the shape of 8"),
        ({"class_markers": CLASS_MARKERS.replace("P", "s")}, "the shape of 5"),
        ({"class_colours": exchanged(CLASS_COLOURS, 0, 4)}, "the colour of 0"),
        ({"class_colours": [*CLASS_COLOURS[:9], "#7A7676"]}, "the colour of 9"),
    ],
)
def test_a_mark_that_drifts_is_noticed(drift, named, shown, light):
    widget = explore_map()
    widget.palette = widget.palette | drift
    with pytest.raises(AssertionError, match=named):
        compare(shown(widget))


def test_another_shape_in_the_browser_is_noticed(shown, light):
    widget = explore_map()
    right = '"*": "M0 -5.5L1.24 -1.7'
    assert widget._esm.count(right) == 1
    widget._esm = widget._esm.replace(right, '"*": "M0 -5.5L3.6 -1.7')  # between two points of the star
    with pytest.raises(AssertionError, match="the shape of 6"):
        compare(shown(widget))


# The UAE's blue and the VAE's orange


@pytest.mark.parametrize(
    ("scheme", "uae", "vae"), [("light", BLUE, ORANGE_INK), ("dark", BLUE_ON_DARK, ORANGE_ON_DARK)]
)
def test_the_two_models_have_their_colours(scheme, uae, vae, shown, blank):
    blank.emulate_media(color_scheme=scheme)
    page = shown(watch_training())
    fill = "mark => getComputedStyle(mark).fill.match(/\\d+/g).map(Number)"
    blank.emulate_media(color_scheme=scheme)
    assert page.locator(".vl-mark-uae").first.evaluate(fill) == list(rgb(uae))
    assert page.locator(".vl-mark-vae").first.evaluate(fill) == list(rgb(vae))


def rgb(colour):
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def contrast(one, other):
    """Of two colours, as WCAG 2.2 defines it."""

    def luminance(colour):
        parts = [part / 255 for part in rgb(colour)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_text_can_be_read_in_these_colours():
    for colour in (BLUE, ORANGE_INK):
        assert contrast(colour, "#FFFFFF") >= 4.5
    for colour in (BLUE_ON_DARK, ORANGE_ON_DARK):
        assert contrast(colour, "#111111") >= 4.5  # JupyterLab's dark page
    assert contrast(ORANGE, "#FFFFFF") < 4.5, "else one orange would do"


def test_no_colour_of_the_course_stands_in_the_browsers_files():
    """They come from Python; what is left is the grey of a hint, and black, which the page's ink stands for."""
    files = [path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.[jc]s*") if path.suffix != ".py"]
    found = {colour for text in files for colour in re.findall(r"#[0-9a-fA-F]{3,8}\b", text)}
    assert len(files) > 12 and found == {"#595959", "#000000"}
