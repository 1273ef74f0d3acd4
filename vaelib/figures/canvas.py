"""What all figures stand on: their style, their lines and marks, their alt text, and how they become a picture."""

import base64
import functools
import html
import io
import re
from collections.abc import Callable, Iterator, Mapping

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from torch import Tensor

from vaelib import require
from vaelib.language import decimals
from vaelib.palette import BLUE, CLASS_COLOURS, CLASS_MARKERS, GREY, ORANGE

STYLE = {
    "font.size": 15,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 16,
    "figure.facecolor": "white",
    "figure.dpi": 110,
}
# Curves and points are told apart without their colours, too.
LINE_STYLES = (("-", BLUE), ("--", ORANGE), (":", "black"), ("-.", GREY))
POINT_STYLES = tuple(
    {"marker": marker, "color": colour, "linestyle": line, "linewidth": 2}
    for marker, colour, line in zip(CLASS_MARKERS, CLASS_COLOURS, ("-", "--", "-.", ":", "-") * 2, strict=True)
)
LOSSLESS = {"lossless": True}
LIKE_A_PHOTOGRAPH = {"quality": 70}  # a tenth of the bytes, and no difference to be seen
COLOUR_STEP = 5  # of 255: the blurred edges of lines and letters need no more colours, and these take a third less room


class CourseFigure(Figure):
    """A matplotlib Figure with an alt text, `alt`, which reaches the notebook's page together with the picture."""

    alt: str = ""

    def draw(self, renderer) -> None:
        """Draw it, with the decimal sign of the language in every number, those beside the axes too."""
        draw_text = renderer.draw_text

        def draw_in_language(gc, x, y, text, prop, angle, ismath, mtext):
            said = decimals(text)
            if ismath:  # there a comma would be followed by a space
                said = re.sub(r"(?<=\d),(?=\d)", "{,}", said)
            draw_text(gc, x, y, said, prop, angle, ismath, mtext)

        renderer.draw_text = draw_in_language
        try:
            super().draw(renderer)
        finally:
            renderer.draw_text = draw_text

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        display(HTML(self.to_html()))

    def to_html(self) -> str:
        """An `<img>` element that holds the picture (WebP) and its alt text."""
        file = io.BytesIO()
        with course_style():
            # Constrained layout ignores the tick labels of axes whose proportions are fixed: let "tight" grow the page
            # instead of cutting them.
            self.savefig(file, bbox_inches="tight", pad_inches=0.08, pil_kwargs={"compress_level": 1})
        for text in self.findobj(Text):  # each holds all pixels of the page, 4 MB, and a notebook holds its figures
            text._renderer = None
        in_colour = any(image.get_array().ndim == 3 for axes in self.axes for image in axes.images)
        picture = as_webp(Image.open(file).convert("RGB"), like_a_photograph=in_colour)
        return image_element(picture, self.alt, "max-width: 100%; background: white")


def as_webp(picture: Image.Image, *, like_a_photograph: bool) -> bytes:
    """The bytes of a picture: of faces with a loss that nobody sees, of drawings, text and digits without."""
    file = io.BytesIO()
    if like_a_photograph:
        picture.save(file, "webp", **LIKE_A_PHOTOGRAPH)
    else:
        rounded = picture.point([COLOUR_STEP * round(value / COLOUR_STEP) for value in range(256)] * 3)
        rounded.save(file, "webp", **LOSSLESS)
    return file.getvalue()


def course_style():
    """The course's style on top of matplotlib's own, whatever style a reader chose for figures of their own."""
    return matplotlib.style.context(["default", STYLE])


def in_course_style(draw: Callable[..., CourseFigure]) -> Callable[..., CourseFigure]:
    """Let `draw` draw in the course's style."""

    @functools.wraps(draw)
    def drawn(*arguments, **options) -> CourseFigure:
        with course_style():
            return draw(*arguments, **options)

    return drawn


def new_figure(width: float, height: float, alt: str) -> CourseFigure:
    """An empty figure of that size in inches."""
    figure = CourseFigure(figsize=(width, height), layout="constrained")
    figure.alt = alt
    return figure


def side_by_side(figure: Figure, panels: Mapping) -> Iterator[tuple]:
    """New axes on `figure`, one beside the other, each with a label of `panels` and what stands under it."""
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    return ((some, label, value) for some, (label, value) in zip(axes, panels.items(), strict=True))


def as_array(values: Tensor) -> np.ndarray:
    """A tensor of any dtype, on any device, as an array of float64: matplotlib takes no others in all cases."""
    return values.detach().cpu().double().numpy()


def draw_image(axes: Axes, image: Tensor, extent: tuple[float, float, float, float] | None = None) -> None:
    """One image (C, H, W) in [0, 1], smoothly enlarged if in colour; `extent` as in matplotlib."""
    pixels = image.detach().float().clamp(0, 1).permute(1, 2, 0).squeeze(-1).cpu().numpy()
    grey = pixels.ndim == 2
    axes.imshow(
        pixels,
        cmap="gray_r" if grey else None,
        vmin=0,
        vmax=1,
        interpolation="nearest" if grey else "bilinear",
        extent=extent,
    )
    hide_axes(axes)


def hide_axes(axes: Axes) -> None:
    """Neither ticks nor frame."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def image_element(webp: bytes, alt: str, style: str) -> str:
    """The `<img>` of a picture."""
    data = base64.b64encode(webp).decode()
    return f'<img alt="{html.escape(decimals(alt))}" src="data:image/webp;base64,{data}" style="{style}">'


def require_alt(alt: str) -> None:
    """Raise TypeError or ValueError unless `alt` says something."""
    require.text("alt", alt, "say what the picture shows")
