"""Rows of images, as a figure with labels or as one strip for a slider."""

import io
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from vaelib import require
from vaelib.figures.canvas import (
    LOSSLESS,
    STYLE,
    CourseFigure,
    draw_image,
    image_element,
    in_course_style,
    new_figure,
    require_alt,
)
from vaelib.language import _, listed
from vaelib.models import images_of, in_mode, points_of

PAGE = (11.8, 5.9)  # inches: as wide for its height as a slide below its headline
LABEL, LETTER = 0.4, 0.12  # inches: the height of a row's label, where it stands above the row; a letter's width
SMALLEST = 1.0  # inches: of an image, however many rows there are


def picture_html(images: Tensor, alt: str, *, height: int = 192) -> str:
    """Images (B, C, H, W) in [0, 1] side by side as one `<img>`, `height` pixels high: for a slider to show.

    Raises TypeError or ValueError for other images or an empty `alt`.
    """
    require.pictures("images", images)
    require_alt(alt)
    require.whole_number("height", height)
    images = images.detach().float().clamp(0, 1)
    images = 1 - images if images.shape[1] == 1 else images  # ink is dark, as in the figures
    strip = torch.cat(list(F.pad(images, (1, 1, 1, 1), value=1.0)), dim=2).expand(3, -1, -1)  # (3, H + 2, B (W + 2))
    file = io.BytesIO()
    pixels = (255 * strip).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    Image.fromarray(pixels).save(file, "webp", **LOSSLESS)
    return image_element(file.getvalue(), alt, f"height: {height}px; max-width: 100%")


@in_course_style
def pictures(rows: Mapping[str, Tensor], *, columns: Sequence[str] = (), title: str = "", alt: str) -> CourseFigure:
    """Rows of images: each label with a tensor (B, C, H, W). `columns` may name what stands above each image.

    Raises TypeError or ValueError that names the argument.
    """
    require.mapping("rows", rows)
    require_alt(alt)
    require.words("title", title)
    require.names("columns", columns)
    for label, images in rows.items():
        require.pictures(f"rows[{label!r}]", images)
    count = max(len(images) for images in rows.values())
    if len(columns) > count:
        raise ValueError(f"columns must be at most {count} names, one for each image, got {len(columns)}")
    columns, labels = [_(name) for name in columns], [_(label) for label in rows]
    size, beside = _layout(labels, count)
    over = 0 if beside else LABEL
    height = len(rows) * (1.04 * size + over) + 0.45 * bool(columns) + 0.45 * bool(title)
    figure = new_figure(beside + size * count + 0.1, height, alt)
    axes = figure.subplots()  # one for all: one for each image would take seconds
    gap = 0.06  # of an image's width
    lefts, middles, top = [k * (1 + gap) for k in range(count)], [], 0.0
    for label, images in zip(labels, rows.values(), strict=True):
        height = images.shape[2] / images.shape[3]
        if over:
            top += over / size
            axes.text(0, top - 0.03, label, va="bottom", size=STYLE["axes.titlesize"])
        for left, image in zip(lefts, images, strict=False):  # a row may be shorter
            draw_image(axes, image, extent=(left, left + 1, top + height, top))
        middles.append(top + height / 2)
        top += height + gap
    axes.set(xlim=(0, lefts[-1] + 1), ylim=(top - gap, 0))
    if beside:
        axes.set_yticks(middles, labels)
    if columns:
        axes.xaxis.tick_top()
        axes.set_xticks([left + 0.5 for left in lefts[: len(columns)]], columns, size=STYLE["axes.titlesize"])
    axes.tick_params(length=0)
    if title:
        figure.suptitle(title)
    return figure


def _layout(labels: list[str], count: int) -> tuple[float, float]:
    """How large an image is, in inches, and how wide the rows' labels are at its left; 0 where they stand above.

    They stand where images are larger then.
    """
    (width, height), rows = PAGE, len(labels)
    beside = 0.3 + LETTER * max(map(len, labels))
    if_above = min(width / count, (height / rows - LABEL) / 1.04)
    if_beside = min((width - beside) / count, height / rows / 1.04)
    return (if_above, 0) if if_above > if_beside else (max(if_beside, SMALLEST), beside)


def reconstructions(models: Mapping[str, object], images: Tensor) -> CourseFigure:
    """The `images` (B, C, H, W) above what each model makes of them, from its code or the mean of its posterior.

    Raises TypeError or ValueError that names the argument.
    """
    require.mapping("models", models)
    rows = {_("image x"): images}
    for name, model in models.items():
        model_name = f"models[{name!r}]"
        with torch.no_grad(), in_mode(model, training=False):
            points = points_of(model, images, model_name=model_name)
            rows[_("x̂ of {name}").format(name=name)] = images_of(model, points, model_name=model_name)
    alt = _("{count} images in the first row; below, the reconstructions by {models}.")
    return pictures(rows, alt=alt.format(count=len(images), models=listed(models)))
