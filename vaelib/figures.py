"""Figures made by trained models. Each function returns a matplotlib Figure that carries its own alt text."""

import base64
import html
import io
import math
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.patches import Ellipse
from matplotlib.ticker import LogLocator, ScalarFormatter
from torch import Tensor
from torch.distributions import Normal

from vaelib.losses import check_images, check_posterior, check_whole_number
from vaelib.measures import Evaluation, Probes, reconstruct
from vaelib.models import Autoencoder, check_model, sample
from vaelib.palette import BLUE, CLASS_COLOURS, CLASS_MARKERS, GREY, ORANGE
from vaelib.training import History

_LINES = (("-", BLUE), ("--", ORANGE), (":", "black"), ("-.", GREY))
_POINTS = tuple(  # told apart without their colours
    {"marker": marker, "color": colour, "linestyle": line, "linewidth": 2}
    for marker, colour, line in zip(CLASS_MARKERS, CLASS_COLOURS, ("-", "--", "-.", ":", "-") * 2, strict=True)
)
_STYLE = {
    "font.size": 15,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 16,
    "figure.facecolor": "white",
    "figure.dpi": 110,
}


class CourseFigure(Figure):
    """A matplotlib Figure with an alt text, `alt`, which reaches the notebook's page together with the picture."""

    alt: str = ""

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        display(HTML(self.to_html()))

    def to_html(self) -> str:
        """An `<img>` element that holds the picture and its alt text."""
        file = io.BytesIO()
        # The layout forgets the labels beside a picture whose proportions are fixed: let the paper fit them.
        self.savefig(file, format="png", bbox_inches="tight", pad_inches=0.08)
        return _img(file.getvalue(), self.alt, "max-width: 100%; background: white")


def picture_html(images: Tensor, alt: str, *, height: int = 192) -> str:
    """Images (B, C, H, W) in [0, 1] side by side as one `<img>`, `height` pixels high: for a slider to show.

    Raises TypeError or ValueError for other images or an empty `alt`.
    """
    check_images("images", images)
    _check_alt(alt)
    check_whole_number("height", height)
    images = images.detach().float().clamp(0, 1)
    images = 1 - images if images.shape[1] == 1 else images  # ink is dark, as in the figures
    strip = torch.cat(list(F.pad(images, (1, 1, 1, 1), value=1.0)), dim=2).expand(3, -1, -1)  # (3, H + 2, B (W + 2))
    file = io.BytesIO()
    imsave(file, (255 * strip).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy(), format="png")
    return _img(file.getvalue(), alt, f"height: {height}px; max-width: 100%")


@rc_context(_STYLE)
def training_curves(history: History) -> CourseFigure:
    """The loss and its parts for each epoch of `history`, on a logarithmic scale."""
    if not isinstance(history, History):
        raise TypeError(f"history must be what fit returns, got {type(history).__name__}")
    if not history.loss:
        raise ValueError("history is empty: the training was stopped before the end of its first epoch")
    curves = {"loss": history.loss, "reconstruction": history.reconstruction, "KL": history.kl}
    styles = {"loss": "-o", "reconstruction": "--s", "KL": ":^"}
    colours = {"loss": "black", "reconstruction": BLUE, "KL": ORANGE}
    if not any(history.kl_per_latent):  # the UAE's loss is its reconstruction term
        curves = {"reconstruction": history.reconstruction}
    figure = _figure(
        8, 4.2, f"Training curves over {len(history.loss)} epochs: {', '.join(curves)}, in nats per image."
    )
    axes = figure.subplots()
    for name, values in curves.items():
        epochs = range(1, len(values) + 1)
        axes.plot(epochs, values, styles[name], color=colours[name], label=name, markersize=5)
    axes.set(xlabel="epoch", ylabel="nats per image", yscale="log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ScalarFormatter())  # 50 rather than 5 × 10¹
    axes.yaxis.set_minor_formatter("")
    axes.legend(frameon=False)
    return figure


@rc_context(_STYLE)
def pictures(rows: Mapping[str, Tensor], *, columns: Sequence[str] = (), title: str = "", alt: str) -> CourseFigure:
    """Rows of images: each label with a tensor (B, C, H, W). `columns` may name what stands above each image."""
    _check_mapping("rows", rows)
    _check_alt(alt)
    for label, images in rows.items():
        check_images(f"rows[{label!r}]", images)
    count = max(len(images) for images in rows.values())
    if len(columns) > count:
        raise ValueError(f"columns must be at most {count} names, one for each image, got {len(columns)}")
    figure = _figure(2.6 + 1.15 * count, 1.2 * len(rows) + 0.45 * bool(columns) + 0.45 * bool(title), alt)
    axes = figure.subplots()  # one for all: one for each image would take seconds
    gap = 0.06  # of an image's width
    lefts, middles, top = [k * (1 + gap) for k in range(count)], [], 0.0
    for images in rows.values():
        height = images.shape[2] / images.shape[3]
        for left, image in zip(lefts, images, strict=False):  # a row may be shorter
            _draw_image(axes, image, extent=(left, left + 1, top + height, top))
        middles.append(top + height / 2)
        top += height + gap
    axes.set(xlim=(0, lefts[-1] + 1), ylim=(top - gap, 0))
    axes.set_yticks(middles, rows)
    if columns:
        axes.xaxis.tick_top()
        axes.set_xticks([left + 0.5 for left in lefts[: len(columns)]], columns, size=_STYLE["axes.titlesize"])
    axes.tick_params(length=0)
    if title:
        figure.suptitle(title)
    return figure


def reconstructions(models: Mapping[str, object], images: Tensor) -> CourseFigure:
    """The `images` (B, C, H, W) above what each model makes of them, from its code or the mean of its posterior."""
    _check_mapping("models", models)
    rows = {"image x": images} | {f"x̂ of {name}": reconstruct(model, images) for name, model in models.items()}
    alt = f"{len(images)} images in the first row; below, the reconstructions by {' and '.join(models)}."
    return pictures(rows, alt=alt)


@rc_context(_STYLE)
def figure_uae(autoencoder, probes: Probes, image: Tensor) -> CourseFigure:
    """Figure 1: an `image` (1, C, H, W) → one number for each attribute → the image again."""
    _check_face(autoencoder, "autoencoder", probes, image)
    if isinstance(autoencoder.encode(image), Normal):
        raise TypeError("autoencoder must encode to a code; for a VAE there is figure_vae")
    with torch.no_grad():
        h = autoencoder.encode(image)
        values = probes.predict(h)[0].tolist()
        x_hat = autoencoder.decode(h)
    said = ", ".join(f"{name} about {value:.2f}" for name, value in zip(probes.names, values, strict=True))
    alt = f"Figure 1, the UAE: a face, one number for each attribute ({said}), and the face decoded from its code."
    figure, axes = _figure_of_attributes(
        "UAE: one number for each attribute (read off its code)", image, x_hat, probes.names, alt
    )
    for row, value in enumerate(values):
        axes.plot(value, row + 0.12, "s", color=BLUE, markersize=12)
        axes.text(1.2, row + 0.12, f"{value:.2f}", va="center", ha="left", color=BLUE, weight="bold")
    return figure


@rc_context(_STYLE)
def figure_vae(vae, probes: Probes, image: Tensor, *, samples: int = 4, seed: int = 0) -> CourseFigure:
    """Figure 2: an `image` (1, C, H, W) → a bell curve for each attribute → faces decoded from sampled z.

    The bells are the exact push-forward of q(z|x) through the probes. Their widths are to scale; all are drawn
    equally high.
    """
    _check_face(vae, "vae", probes, image)
    check_whole_number("samples", samples)
    check_whole_number("seed", seed, least=0)
    if not isinstance(vae.encode(image), Normal):
        raise TypeError("vae must encode to a distribution; for a UAE there is figure_uae")
    with torch.no_grad():
        q = vae.encode(image)
        bells = probes.push_forward(q)
        many = Normal(q.mean.expand(samples, -1), q.stddev.expand(samples, -1))
        x_hat = vae.decode(sample(many, torch.Generator().manual_seed(seed)))
    means, deviations = bells.mean[0].tolist(), bells.stddev[0].tolist()
    said = ", ".join(
        f"{n} about {m:.2f} ± about {s:.2f}" for n, m, s in zip(probes.names, means, deviations, strict=True)
    )
    alt = (
        f"Figure 2, the VAE: a face, a bell curve for each attribute ({said}), and {samples} faces decoded from "
        "samples of its posterior."
    )
    figure, axes = _figure_of_attributes(
        "VAE: a distribution for each attribute (read off its z)", image, x_hat, probes.names, alt
    )
    for row, (mean, deviation) in enumerate(zip(means, deviations, strict=True)):
        _draw_bell(axes, mean, deviation, ORANGE, base=row - 0.25, height=0.75)
        axes.text(1.2, row + 0.12, f"{mean:.2f} ± {deviation:.2f}", va="center", ha="left", color=ORANGE, weight="bold")
    return figure


@rc_context(_STYLE)
def attribute_bells(posteriors: Mapping[str, Normal], names: Sequence[str]) -> CourseFigure:
    """The attributes of one face, side by side: for each label a push-forward (1, K) of its posterior."""
    _check_posteriors(posteriors)
    for label, q in posteriors.items():
        if q.mean.shape[1] != len(names):
            raise ValueError(
                f"names must be the {q.mean.shape[1]} attributes of posteriors[{label!r}], got {len(names)}"
            )
    alt = f"For each of {', '.join(names)}: bell curves of the same face under {' and '.join(posteriors)}."
    figure = _figure(6.2 * len(posteriors), 0.75 * len(names) + 1.0, alt)
    for axes, (label, q) in zip(figure.subplots(1, len(posteriors), squeeze=False)[0], posteriors.items(), strict=True):
        _draw_tracks(axes, names)
        axes.set_title(label)
        for row, (mean, deviation) in enumerate(zip(q.mean[0].tolist(), q.stddev[0].tolist(), strict=True)):
            _draw_bell(axes, mean, deviation, ORANGE, base=row - 0.25, height=0.75)
            axes.text(1.2, row + 0.1, f"± {deviation:.3f}", va="center", ha="left", color=ORANGE)
    return figure


@rc_context(_STYLE)
def latent_bells(posteriors: Mapping[str, Normal]) -> CourseFigure:
    """For each label the D posteriors q_j(z|x) (1, D) of one image in latent units, over the prior N(0, 1).

    All bells of one panel are drawn equally high; widths and positions are to scale.
    """
    _check_posteriors(posteriors)
    alt = f"The latent distributions of one image under {' and '.join(posteriors)}, each over the prior's bell curve."
    latents = max(q.mean.shape[1] for q in posteriors.values())
    span = max(4, *(1.1 * (q.mean.abs() + 2 * q.stddev).max().item() for q in posteriors.values()))  # one scale
    figure = _figure(6.2 * len(posteriors), 0.5 * latents + 1.6, alt)
    for axes, (label, q) in zip(figure.subplots(1, len(posteriors), squeeze=False)[0], posteriors.items(), strict=True):
        for row, (mean, deviation) in enumerate(zip(q.mean[0].tolist(), q.stddev[0].tolist(), strict=True)):
            _draw_bell(axes, 0.0, 1.0, GREY, base=row - 0.3, height=0.7, dashed=True)
            _draw_bell(axes, mean, deviation, ORANGE, base=row - 0.3, height=0.7)
        axes.set(title=label, xlabel="z   (dashed: the prior)", xlim=(-span, span), ylim=(latents - 0.4, -1.1))
        axes.set_yticks(range(latents), [f"$z_{{{j + 1}}}$" for j in range(latents)])
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False)
    return figure


@rc_context(_STYLE)
def kl_bars(kl_per_latent: Mapping[str, Sequence[float]]) -> CourseFigure:
    """Each latent's KL in nats, largest first, for every label. Collapsed latents, below the dotted line at 0.01,
    are marked ×."""
    _check_mapping("kl_per_latent", kl_per_latent)
    for label, values in kl_per_latent.items():
        if len(values) == 0 or not all(0 <= value < math.inf for value in values):
            raise ValueError(f"kl_per_latent[{label!r}] must be numbers of at least 0, got {values}")
    alt = f"Bars with the KL of each latent, largest first, for {' and '.join(kl_per_latent)}."
    figure = _figure(6.2 * len(kl_per_latent), 3.8, alt)
    for axes, (label, values) in zip(
        figure.subplots(1, len(kl_per_latent), squeeze=False)[0], kl_per_latent.items(), strict=True
    ):
        ordered = sorted(enumerate(values, start=1), key=lambda item: -item[1])
        for place, (_, value) in enumerate(ordered):
            axes.bar(place, value, color=ORANGE)
            if value < 0.01:
                axes.text(place, 0, "×", ha="center", va="bottom")
        axes.set_ylim(0, 1.05 * max(map(max, kl_per_latent.values())) + 0.01)  # one scale, or they can't be compared
        axes.axhline(0.01, color="black", linestyle=":", linewidth=1)
        if len(ordered) > 12:  # no room for z's
            axes.set_xticks(range(len(ordered)), [str(j) for j, _ in ordered], fontsize=11)
            axes.set_xlabel("number of the latent")
        else:
            axes.set_xticks(range(len(ordered)), [f"$z_{{{j}}}$" for j, _ in ordered])
        axes.set(title=label, ylabel="KL in nats")
    return figure


@rc_context(_STYLE)
def curves(
    x: Tensor,
    panels: Mapping[str, Mapping[str, Tensor]],
    *,
    filled: Collection[str] = (),
    limits: Mapping[str, tuple[float, float]] | None = None,
    xlabel: str = "z",
    alt: str,
) -> CourseFigure:
    """Panels over one axis `x` (n,), three in a row: each title with its curves, a label and values (n,) for each.

    The area between 0 and the curves whose labels are in `filled` is coloured, and hatched where they are negative.
    `limits` may fix the ends of a panel's y axis, by its title. Raises TypeError or ValueError that names the argument.
    """
    _check_alt(alt)
    _check_mapping("panels", panels)
    _check_line("x", x, None)
    for title, lines in panels.items():
        _check_mapping(f"panels[{title!r}]", lines)
        for label, values in lines.items():
            _check_line(f"panels[{title!r}][{label!r}]", values, len(x))
    unknown = set(filled) - {label for lines in panels.values() for label in lines}
    if unknown:
        raise ValueError(f"filled must name curves, there is no {', '.join(sorted(unknown))}")
    limits = {} if limits is None else limits
    if not isinstance(limits, Mapping):
        raise TypeError(f"limits must be a dict with two numbers for a panel's title, got {type(limits).__name__}")
    if not set(limits) <= set(panels):
        raise ValueError(f"limits must be for panels, there is no {', '.join(sorted(set(limits) - set(panels)))}")
    x = x.detach().cpu().numpy()
    rows = -(-len(panels) // 3)  # more than three in a row get too small to read
    columns = -(-len(panels) // rows)
    figure = _figure(6.2 * columns + 1, 4.2 * rows, alt)
    for place, (title, lines) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        for (label, values), (style, colour) in zip(lines.items(), cycle(_LINES)):
            y = values.detach().cpu().numpy()
            axes.plot(x, y, style, color=colour, linewidth=2.5, label=label)
            if label in filled:
                axes.fill_between(x, y, where=y >= 0, color=colour, alpha=0.3, linewidth=0)
                axes.fill_between(x, y, where=y <= 0, facecolor="none", edgecolor=colour, hatch="///", linewidth=0)
        axes.set(title=title, xlabel=xlabel, ylim=limits.get(title))
        low, high = axes.get_ylim()
        if low < 0 < high and any(values.min() < 0 for values in lines.values()):
            axes.axhline(0, color="black", linewidth=1)
        axes.legend(loc="best", framealpha=0.8, edgecolor="none")  # where it must lie on a curve, both can be read
    return figure


@rc_context(_STYLE)
def labelled_points(
    series: Mapping[str, Mapping[str, tuple[float, float]]], *, xlabel: str, ylabel: str, alt: str
) -> CourseFigure:
    """Points in a plane: a label for each series, and in it a name, written next to the point, with its (x, y).

    The points of a series are joined in their order. Raises TypeError or ValueError that names the argument.
    """
    _check_alt(alt)
    _check_mapping("series", series)
    for label, points in series.items():
        _check_mapping(f"series[{label!r}]", points)
        for name, point in points.items():
            if not isinstance(point, Sequence) or len(point) != 2 or not all(map(_is_finite, point)):
                raise ValueError(f"series[{label!r}][{name!r}] must be two finite numbers, x and y, got {point!r}")
    figure = _figure(10.5, 6.4, alt)
    axes = figure.subplots()
    for (label, points), style, below in zip(series.items(), cycle(_POINTS), cycle((6, -18))):
        axes.plot(*zip(*points.values(), strict=True), **style, markersize=11, label=label)
        for name, point in points.items():
            axes.annotate(name, point, (7, below), textcoords="offset points")
    axes.margins(0.1)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.legend(frameon=False, loc="best")
    return figure


def rate_distortion(models: Mapping[str, Mapping[float, Evaluation]]) -> CourseFigure:
    """The distortion against the rate: for each label the `Evaluation` of models trained at some β, keyed by it.

    Alemi et al. 2018, "Fixing a broken ELBO" (arXiv 1711.00464). Raises TypeError or ValueError that names the
    argument.
    """
    _check_mapping("models", models)
    series = {}
    for label, at in models.items():
        _check_mapping(f"models[{label!r}]", at)
        for beta, found in at.items():
            if not isinstance(found, Evaluation):
                raise TypeError(f"models[{label!r}][{beta!r}] must be what evaluate returns, got {found!r}")
        series[label] = {f"β = {beta:g}": (found.rate, found.distortion) for beta, found in at.items()}
    points = "; ".join(
        f"{label}, {name}: rate about {rate:.1f}, distortion about {distortion:.0f}"
        for label, named in series.items()
        for name, (rate, distortion) in named.items()
    )
    return labelled_points(
        series,
        xlabel="rate (KL in nats per image)",
        ylabel="distortion (nats per image)",
        alt=f"Distortion against rate, in nats per image. {points}.",
    )


@rc_context(_STYLE)
def against_beta(
    lines: Mapping[str, Mapping[float, float]], *, ylabel: str, collapsed: float | None = None, alt: str
) -> CourseFigure:
    """What becomes of each quantity as β grows, on a logarithmic axis: a label and its value at each β > 0.

    With `collapsed`, which must be above 0, values are at least 0 and their axis is logarithmic too. What lies below
    that threshold, a dotted line, is marked × and drawn no lower than a third of it. Raises TypeError or ValueError
    that names the argument.
    """
    _check_alt(alt)
    if collapsed is not None and not (_is_finite(collapsed) and collapsed > 0):
        raise ValueError(f"collapsed must be a number above 0 or None, got {collapsed!r}")
    _check_mapping("lines", lines)
    for label, values in lines.items():
        _check_mapping(f"lines[{label!r}]", values)
        for beta, value in values.items():
            if not _is_finite(beta) or beta <= 0 or not _is_finite(value) or (collapsed and value < 0):
                raise ValueError(f"lines[{label!r}] must map each β > 0 to its value, got {value!r} at {beta!r}")
    figure = _figure(10.5, 5.6, alt)
    axes = figure.subplots()
    for (label, values), style in zip(lines.items(), cycle(_POINTS)):
        floor = -math.inf if collapsed is None else collapsed / 3
        drawn = [max(value, floor) for value in values.values()]
        axes.plot(list(values), drawn, **style, markersize=9, label=label)
        dead = [(beta, max(value, floor)) for beta, value in values.items() if collapsed and value < collapsed]
        for beta, value in dead:
            axes.plot(beta, value, "x", color="black", markersize=13, markeredgewidth=2.5)
    axes.set(xlabel="β", ylabel=ylabel, xscale="log")
    if collapsed is not None:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")  # 0.01 rather than 10⁻²
        axes.axhline(collapsed, color="black", linestyle=":", linewidth=1.5)
        axes.annotate("collapsed ×", (0, collapsed), (6, -18), xycoords=("axes fraction", "data"),
                      textcoords="offset points")  # fmt: skip
    axes.set_xticks(betas := sorted({beta for values in lines.values() for beta in values}), [f"{b:g}" for b in betas])
    axes.xaxis.set_minor_formatter("")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@rc_context(_STYLE)
def number_tables(
    tables: Mapping[str, Tensor],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    middle: float = 0.0,
    reach: float = 1.0,
    alt: str,
) -> CourseFigure:
    """Tables side by side: each title with a tensor (R, C), its `rows` and `columns` named, every number written out.

    A cell is white at `middle`, and turns to orange above and blue below, fully so `reach` away from it.
    Raises TypeError or ValueError that names the argument.
    """
    _check_alt(alt)
    _check_mapping("tables", tables)
    for title, values in tables.items():
        if not isinstance(values, Tensor) or not values.is_floating_point():
            raise TypeError(f"tables[{title!r}] must be a floating-point tensor, got {type(values).__name__}")
        if values.shape != (len(rows), len(columns)) or not values.isfinite().all():
            raise ValueError(f"tables[{title!r}] must be finite, ({len(rows)}, {len(columns)}): its rows and columns")
    if isinstance(reach, bool) or not isinstance(reach, (int, float)) or not 0 < reach < math.inf:
        raise ValueError(f"reach must be a finite number above 0, got {reach!r}")
    colours = LinearSegmentedColormap.from_list("course", [BLUE, "white", ORANGE])
    width = 0.85 * len(columns) + 0.11 * max(map(len, rows)) + 0.4
    figure = _figure(width * len(tables), 0.5 * len(rows) + 1.7, alt)
    for axes, (title, values) in zip(figure.subplots(1, len(tables), squeeze=False)[0], tables.items(), strict=True):
        shown = values.detach().cpu().numpy()
        axes.imshow(shown, cmap=colours, vmin=middle - reach, vmax=middle + reach, aspect="auto", alpha=0.7)
        for (row, column), value in np.ndenumerate(shown):
            axes.text(column, row, f"{value:.2f}".replace("-", "−"), ha="center", va="center")
        axes.set_xticks(range(len(columns)), columns, rotation=30, ha="left", rotation_mode="anchor")
        axes.set_yticks(range(len(rows)), rows)
        axes.set_title(title)
        axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure


@rc_context(_STYLE)
def latent_scatter(model, images: Tensor, labels: Tensor, *, ellipses: int = 30) -> CourseFigure:
    """The 2-D latent space: a marker for each image (n, C, H, W), its colour and shape by class `labels` (n,).

    For a VAE the first `ellipses` posteriors are drawn to scale: the half axes are one σ. Raises ValueError if the
    model has another number of latents than 2.
    """
    check_model(model, "images", images)
    check_whole_number("ellipses", ellipses, least=0)
    if not isinstance(labels, Tensor) or labels.is_floating_point() or labels.is_complex():
        raise TypeError("labels must be a tensor of whole numbers")
    if labels.shape != (len(images),):
        raise ValueError(f"labels must be one for each of the {len(images)} images, got {tuple(labels.shape)}")
    if model.latent_dim != 2:
        raise ValueError(f"model must have 2 latents to be drawn in a plane, it has {model.latent_dim}")
    with torch.no_grad():
        code = model.encode(images)
    points = code.mean if isinstance(code, Normal) else code  # (n, 2)
    said = (
        f", with {ellipses} posterior ellipses of one standard deviation, to scale" if isinstance(code, Normal) else ""
    )
    figure = _figure(7.6, 6.4, f"The two latents of {len(images)} images, colour and marker by class{said}.")
    axes = figure.subplots()
    for label in labels.unique().tolist():
        some = points[labels == label]
        style = {"color": CLASS_COLOURS[label % 10], "marker": CLASS_MARKERS[label % 10]}
        size = 22 if len(images) > 200 else 50
        axes.scatter(*some.T.cpu().numpy(), s=size, alpha=0.75, linewidths=0, label=str(label), **style)
    if isinstance(code, Normal):
        for centre, sigma in zip(code.mean[:ellipses].tolist(), code.stddev[:ellipses].tolist(), strict=True):
            axes.add_patch(Ellipse(centre, 2 * sigma[0], 2 * sigma[1], fill=False, color="black", linewidth=1.3))
    axes.set(
        xlabel="$z_1$" if isinstance(code, Normal) else "$h_1$", ylabel="$z_2$" if isinstance(code, Normal) else "$h_2$"
    )
    axes.set_aspect("equal", adjustable="datalim")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=1.6)
    return figure


@rc_context(_STYLE)
def latent_maps(panels: Mapping[str, tuple[object, Tensor, Tensor]], *, alt: str) -> CourseFigure:
    """The plane of a model with two latents, decoded over a grid: one picture without gaps for each title.

    Each panel is a model, the first latent's values from left to right (n,) and the second's from bottom to top (m,),
    which need not be evenly spaced; the axes carry them. Raises TypeError or ValueError that names the argument.
    """
    _check_alt(alt)
    _check_mapping("panels", panels)
    figure = _figure(7.4 * len(panels), 7.4, alt)
    for axes, (title, panel) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        name = f"panels[{title!r}]"
        if not isinstance(panel, tuple) or len(panel) != 3 or getattr(panel[0], "latent_dim", None) != 2:
            raise ValueError(f"{name} must be a model of 2 latents and the values of each, three in all")
        model, across, up = panel
        _check_line(f"{name}[1]", across, None)
        _check_line(f"{name}[2]", up, None)
        down = up.flip(0)
        with torch.no_grad():
            images = model.decode(torch.cartesian_prod(down, across).flip(1))  # (m·n, C, H, W), row by row from the top
        _, height, width = images.shape[1:]
        rows = [torch.cat(list(row), dim=2) for row in images.split(len(across))]  # m times (C, H, n·W)
        _draw_image(axes, torch.cat(rows, dim=1))
        for axis, values, step in ((axes.xaxis, across, width), (axes.yaxis, down, height)):
            places = range(0, len(values), max(1, len(values) // 7))
            axis.set_ticks([(k + 0.5) * step - 0.5 for k in places], [f"{values[k]:.1f}" for k in places])
        letter = "h" if isinstance(model, Autoencoder) else "z"
        axes.set(title=title, xlabel=f"${letter}_1$", ylabel=f"${letter}_2$")
    return figure


@rc_context(_STYLE)
def hole_bars(
    distances: Mapping[str, Tensor], *, xlabel: str = "distance to the nearest real face (0 = a copy)"
) -> CourseFigure:
    """The distance to the nearest real image for each way to draw a latent: the middle half, and the median."""
    _check_mapping("distances", distances)
    for label, values in distances.items():
        if not isinstance(values, Tensor) or not values.is_floating_point():
            raise TypeError(f"distances[{label!r}] must be a floating-point tensor, got {type(values).__name__}")
        if values.ndim != 1 or len(values) == 0 or not values.isfinite().all():
            raise ValueError(f"distances[{label!r}] must be finite and (n,), got {tuple(values.shape)}")
    alt = f"For each way to draw a latent the {xlabel}, median and middle half: " + "; ".join(distances) + "."
    figure = _figure(10, 0.8 * len(distances) + 1.0, alt)
    axes = figure.subplots()
    for row, (label, values) in enumerate(distances.items()):
        low, middle, high = values.quantile(values.new_tensor([0.25, 0.5, 0.75])).tolist()
        colour, marker = (ORANGE, "o") if label.startswith("VAE") else (BLUE, "s")
        axes.plot([low, high], [row, row], color=colour, linewidth=7, alpha=0.35, solid_capstyle="butt")
        axes.plot(middle, row, marker, color=colour, markersize=11)
    axes.set_yticks(range(len(distances)), list(distances))
    axes.set(xlabel=xlabel, ylim=(len(distances) - 0.5, -0.5))
    axes.set_xlim(left=0)
    return figure


def _check_alt(alt: str) -> None:
    if not isinstance(alt, str):
        raise TypeError(f"alt must be a str, got {type(alt).__name__}")
    if not alt.strip():
        raise ValueError("alt must say what the picture shows")


def _check_mapping(name: str, values: Mapping) -> None:
    if not isinstance(values, Mapping):
        raise TypeError(f"{name} must be a dict with a label for each, got {type(values).__name__}")
    if not values:
        raise ValueError(f"{name} must hold at least one entry")


def _is_finite(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check_line(name: str, values: Tensor, length: int | None) -> None:
    """`values` must be a finite floating-point (n,); `length` None stands for any n from 2."""
    if not isinstance(values, Tensor) or not values.is_floating_point():
        raise TypeError(f"{name} must be a floating-point tensor, got {type(values).__name__}")
    if values.ndim != 1 or len(values) < 2 or length not in (None, len(values)) or not values.isfinite().all():
        raise ValueError(f"{name} must be finite and of shape ({length or 'n'},), got {tuple(values.shape)}")


def _check_posteriors(posteriors: Mapping[str, Normal]) -> None:
    _check_mapping("posteriors", posteriors)
    for label, q in posteriors.items():
        check_posterior(f"posteriors[{label!r}]", q)
        if len(q.mean) != 1:
            raise ValueError(f"posteriors[{label!r}] must be of one image, over (1, D), got {tuple(q.mean.shape)}")


def _check_face(model, called: str, probes: Probes, image: Tensor) -> None:
    check_images("image", image)
    if len(image) != 1:
        raise ValueError(f"image must be a single one, (1, C, H, W), got {tuple(image.shape)}")
    check_model(model, "image", image, called=called)
    if not isinstance(probes, Probes):
        raise TypeError(f"probes must be what fit_probes returns, got {type(probes).__name__}")
    if probes.weight.shape[1] != model.latent_dim:
        raise ValueError(
            f"probes must read the {model.latent_dim} latents of {called}, they read {probes.weight.shape[1]}"
        )


def _figure_of_attributes(title: str, image: Tensor, x_hat: Tensor, names: Sequence[str], alt: str):
    """Image | attribute tracks | decoded images, with arrows between; the caller draws on the tracks."""
    figure = _figure(14, 5.2, alt)
    figure.suptitle(title, weight="bold", fontsize=22)
    columns = figure.add_gridspec(1, 5, width_ratios=(2.8, 1.0, 5.6, 1.0, 2.8))
    face = figure.add_subplot(columns[0])
    _draw_image(face, image[0])
    face.set_title("image x")
    for column, name in ((1, "encoder"), (3, "decoder")):
        gap = figure.add_subplot(columns[column])
        gap.set(xlim=(0, 1), ylim=(0, 1))
        _hide_axes(gap)
        arrow = {"arrowstyle": "-|>", "linewidth": 3, "color": GREY, "mutation_scale": 25}
        gap.annotate("", (1, 0.5), (0, 0.5), arrowprops=arrow)
        gap.text(0.5, 0.55, name, ha="center")
    tracks = figure.add_subplot(columns[2])
    _draw_tracks(tracks, names)
    side = 1 if len(x_hat) == 1 else 2
    grid = columns[4].subgridspec(-(-len(x_hat) // side), side)
    for k, decoded in enumerate(x_hat):
        axes = figure.add_subplot(grid[k // side, k % side])
        _draw_image(axes, decoded)
        axes.set_title("decoded: x̂" if side == 1 else f"sample {k + 1}")
    return figure, tracks


def _draw_tracks(axes: Axes, names: Sequence[str]) -> None:
    """One horizontal track from 0 to 1 for each attribute, first on top."""
    for row in range(len(names)):
        axes.plot([0, 1], [row + 0.12, row + 0.12], color="#DDDDDD", linewidth=3, zorder=0)
    axes.set(xlim=(-0.12, 1.6), ylim=(len(names) - 0.4, -0.7))  # on the right there is room for numbers
    axes.set_yticks([row + 0.12 for row in range(len(names))], names)
    axes.set_xticks([0, 0.5, 1])
    axes.tick_params(left=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_bell(
    axes: Axes, mean: float, deviation: float, colour: str, *, base: float, height: float, dashed=False
) -> None:
    """A normal density, its width to scale, on an axis that points down: its foot at base + height."""
    x = mean + deviation * torch.linspace(-4, 4, 161)
    y = base + height * (1 - torch.exp(-0.5 * ((x - mean) / deviation) ** 2))
    if not dashed:
        axes.fill_between(x.numpy(), y.numpy(), base + height, color=colour, alpha=0.3, linewidth=0)
    axes.plot(x.numpy(), y.numpy(), "--" if dashed else "-", color=colour, linewidth=1.2 if dashed else 2)


def _draw_image(axes: Axes, image: Tensor, extent: tuple[float, float, float, float] | None = None) -> None:
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
    _hide_axes(axes)


def _hide_axes(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _figure(width: float, height: float, alt: str) -> CourseFigure:
    figure = CourseFigure(figsize=(width, height), layout="constrained")
    figure.alt = alt
    return figure


def _img(png: bytes, alt: str, style: str) -> str:
    data = base64.b64encode(png).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}" style="{style}">'
