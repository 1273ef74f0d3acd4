"""The plane of two latents: where the images lie, and what is decoded from each place."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.patches import Circle, Ellipse
from torch import Tensor
from torch.distributions import Normal

from vaelib import require
from vaelib.figures.canvas import (
    CourseFigure,
    as_array,
    draw_image,
    in_course_style,
    new_figure,
    require_alt,
    side_by_side,
)
from vaelib.language import _, listed
from vaelib.models import Autoencoder, code_of, images_of, in_mode, require_images_for, sample
from vaelib.palette import CLASS_COLOURS, CLASS_MARKERS


@in_course_style
def latent_scatter(model, images: Tensor, labels: Tensor, *, ellipses: int = 30) -> CourseFigure:
    """The 2-D latent space: a marker for each image (n, C, H, W), its colour and shape by class `labels` (n,).

    For a VAE the first `ellipses` posteriors are drawn to scale: the half axes are one σ. Raises ValueError if the
    model has another number of latents than 2.
    """
    require_images_for(model, images)
    require.whole_number("ellipses", ellipses, least=0)
    if not isinstance(labels, Tensor) or labels.is_floating_point() or labels.is_complex():
        raise TypeError("labels must be a tensor of whole numbers")
    require.there("labels", labels)
    if labels.shape != (len(images),):
        raise ValueError(f"labels must be one for each of the {len(images)} images, got {tuple(labels.shape)}")
    with torch.no_grad(), in_mode(model, training=False):
        code = code_of(model, images)
    points = code.mean if isinstance(code, Normal) else code  # (n, 2)
    if points.shape[1] != 2:
        raise ValueError(f"model must have 2 latents to be drawn in a plane, it has {points.shape[1]}")
    alt = _("The two latents of {images} images, colour and marker by class.")
    if isinstance(code, Normal):
        alt = _(
            "The two latents of {images} images, colour and marker by class, with {ellipses} posterior ellipses of one "
            "standard deviation, to scale."
        )
    figure = new_figure(7.6, 6.4, alt.format(images=len(images), ellipses=min(ellipses, len(images))))
    axes = figure.subplots()
    points, labels = as_array(points), labels.cpu().numpy()
    for label in np.unique(labels).tolist():
        style = {"color": CLASS_COLOURS[label % 10], "marker": CLASS_MARKERS[label % 10]}
        size = 22 if len(images) > 200 else 50
        axes.scatter(*points[labels == label].T, s=size, alpha=0.75, linewidths=0, label=str(label), **style)
    if isinstance(code, Normal):
        for centre, sigma in zip(code.mean[:ellipses].tolist(), code.stddev[:ellipses].tolist(), strict=True):
            axes.add_patch(Ellipse(centre, 2 * sigma[0], 2 * sigma[1], fill=False, color="black", linewidth=1.3))
    axes.set(
        xlabel="$z_1$" if isinstance(code, Normal) else "$h_1$", ylabel="$z_2$" if isinstance(code, Normal) else "$h_2$"
    )
    axes.set_aspect("equal", adjustable="datalim")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=1.6)
    return figure


@in_course_style
def latent_planes(
    models: Mapping[str, object],
    images: Tensor,
    labels: Tensor,
    *,
    names: Sequence[str] = (),
    clouds: bool = False,
    seen: str = "",
) -> CourseFigure:
    """The planes of models with two latents side by side, at one scale: a mark for each of the `images` (n, C, H, W).

    Colour and marker say the class `labels` (n,); `names` may name the classes. A UAE's mark is its h, a VAE's its μ,
    or with `clouds` one z drawn from each posterior. Where there is a VAE, dashed circles show N(0, 1) at 1σ and 2σ.
    `seen` may end the alt text: what these models show. Raises TypeError or ValueError that names the argument.
    """
    require.mapping("models", models)
    require.images("images", images)
    require.names("names", names)
    require.flag("clouds", clouds)
    require.words("seen", seen)
    require.labels("labels", labels, len(images))
    points, letters = {}, {}
    for name, model in models.items():
        require_images_for(model, images, model_name=f"models[{name!r}]")
        with torch.no_grad(), in_mode(model, training=False):
            code = code_of(model, images, model_name=f"models[{name!r}]")
        points[name], letters[name] = code, "z" if isinstance(code, Normal) else "h"
        if isinstance(code, Normal):
            points[name] = sample(code, torch.Generator().manual_seed(0)) if clouds else code.mean
        if points[name].shape != (len(images), 2):
            raise ValueError(f"models[{name!r}] must have 2 latents to be drawn in a plane")
    names, prior = [_(name) for name in names], "z" in letters.values()
    alt = _("The latent planes of {models} at one scale: {images} images, {kinds}.")
    if prior:
        alt = _("The latent planes of {models} at one scale: {images} images, {kinds}; N(0, 1) dashed.")
    alt = alt.format(models=listed(models), images=len(images), kinds=", ".join(names) or _("by class"))
    alt = f"{alt} {seen}".strip()
    alone = len(models) == 1
    figure = new_figure(8, 6.4, alt) if alone else new_figure(6.4 * len(models), 7.2, alt)
    window = _window(torch.cat(list(points.values())), around_0=prior)
    points, labels = {name: as_array(places) for name, places in points.items()}, labels.cpu().numpy()
    for axes, name, places in side_by_side(figure, points):
        for label in np.unique(labels).tolist():
            style = {"color": CLASS_COLOURS[label], "marker": CLASS_MARKERS[label]}
            said = names[label] if label < len(names) else str(label)
            axes.scatter(*places[labels == label].T, s=26, alpha=0.7, linewidths=0, label=said, **style)
        for radius in (1, 2) if prior else ():
            axes.add_patch(Circle((0, 0), radius, fill=False, color="black", linestyle="--", linewidth=1.5))
        letter = letters[name]
        axes.set(title=name, xlabel=f"${letter}_1$", ylabel=f"${letter}_2$", aspect="equal", **window)
    if alone:
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=1.8)
    else:
        marks = axes.get_legend_handles_labels()
        figure.legend(*marks, loc="outside lower center", ncols=5, frameon=False, markerscale=1.8)
    return figure


def _window(points: Tensor, *, around_0: bool) -> dict[str, tuple[float, float]]:
    """A square that holds the `points` (n, 2), and the prior's circles if it lies around 0."""
    low, high = points.amin(dim=0), points.amax(dim=0)
    middle = low.new_zeros(2) if around_0 else (low + high) / 2
    half = 1.05 * max((points - middle).abs().max().item(), 2.1 if around_0 else 0.1)
    (x, y) = middle.tolist()
    return {"xlim": (x - half, x + half), "ylim": (y - half, y + half)}


@in_course_style
def latent_maps(
    panels: Mapping[str, tuple[object, Tensor, Tensor]], *, codes: Mapping[str, Tensor] | None = None, alt: str
) -> CourseFigure:
    """The plane of a model with two latents, decoded over a grid: one picture without gaps for each title.

    Each panel is a model, the first latent's values from left to right (n,) and the second's from bottom to top (m,),
    which need not be evenly spaced; the axes carry them. `codes` (k, 2), by the title of their panel, are marked by
    dots. Raises TypeError or ValueError that names the argument.
    """
    require_alt(alt)
    require.mapping("panels", panels)
    if codes is None:
        codes = {}
    else:
        require.mapping("codes", codes)
    for title, places in codes.items():
        if title not in panels:
            raise ValueError(f"codes must belong to panels, by their titles, there is no panel {title!r}")
        require.table(f"codes[{title!r}]", places, (None, 2))
    figure = new_figure(7.4 * len(panels), 7.4, alt)
    for axes, title, panel in side_by_side(figure, panels):
        name = f"panels[{title!r}]"
        if not isinstance(panel, tuple) or len(panel) != 3 or not _has_a_plane(panel[0]):
            raise ValueError(f"{name} must be a model of 2 latents and the values of each, three in all")
        model, across, up = panel
        require.line(f"{name}[1]", across)
        require.line(f"{name}[2]", up)
        down = up.flip(0)
        with torch.no_grad(), in_mode(model, training=False):
            points = torch.cartesian_prod(down, across).flip(1)  # (m·n, 2), row by row from the top
            images = images_of(model, points, model_name=f"{name}[0]")
        _, height, width = images.shape[1:]
        rows = [torch.cat(list(row), dim=2) for row in images.split(len(across))]  # m times (C, H, n·W)
        draw_image(axes, torch.cat(rows, dim=1))
        for axis, values, step in ((axes.xaxis, across, width), (axes.yaxis, down, height)):
            labelled = values[:: -(-len(values) // 7)]  # not more than there is room for
            said = [f"{value:.1f}".replace("-", "−") for value in labelled]
            axis.set_ticks(_pixels_of(labelled, values, step), said)
        if title in codes:
            x, y = (
                _pixels_of(places, values, step)
                for places, values, step in zip(codes[title].T, (across, down), (width, height), strict=True)
            )
            axes.scatter(x, y, s=24, color="black", edgecolors="white", linewidths=0.8)
        letter = "h" if isinstance(model, Autoencoder) else "z"
        axes.set(title=title, xlabel=f"${letter}_1$", ylabel=f"${letter}_2$")
    return figure


def _pixels_of(places: Tensor, values: Tensor, step: int) -> np.ndarray:
    """Where `places` of a latent (k,) lie in a row of pictures of its `values` (n,), each `step` pixels wide.

    NaN beyond the middles of the first and of the last, where nothing says how far it is.
    """
    values, order = values.sort()
    middles = (order + 0.5) * step - 0.5
    return np.interp(*map(as_array, (places, values, middles)), left=np.nan, right=np.nan)


def _has_a_plane(model) -> bool:
    """Can it decode two latents? A model of one's own need not say how many it has."""
    return callable(getattr(model, "decode", None)) and getattr(model, "latent_dim", 2) == 2
