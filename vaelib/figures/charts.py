"""Charts: curves, bars, points and tables of what the models say."""

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import LogLocator, ScalarFormatter
from torch import Tensor

from vaelib import require
from vaelib.figures.canvas import (
    LINE_STYLES,
    POINT_STYLES,
    CourseFigure,
    as_array,
    in_course_style,
    new_figure,
    require_alt,
    side_by_side,
)
from vaelib.history import History
from vaelib.language import _, later, listed
from vaelib.measures import COLLAPSED_BELOW, Evaluation
from vaelib.palette import BLUE, ORANGE

GROUND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0}  # of words that a line may run under


@in_course_style
def training_curves(history: History) -> CourseFigure:
    """The loss and its parts for each epoch of `history`, on a logarithmic scale.

    Raises TypeError or ValueError that names the argument.
    """
    if not isinstance(history, History):
        raise TypeError(f"history must be what fit returns, got {type(history).__name__}")
    if not history.loss:
        raise ValueError("history is empty: the training was stopped before the end of its first epoch")
    curves = {later("loss"): history.loss, later("reconstruction"): history.reconstruction, "KL": history.kl}
    styles = {"loss": "-o", "reconstruction": "--s", "KL": ":^"}
    colours = {"loss": "black", "reconstruction": BLUE, "KL": ORANGE}
    if not any(history.kl_per_latent):  # the UAE's loss is its reconstruction term
        curves = {"reconstruction": history.reconstruction}
    alt = _("Training curves over {epochs} epochs: {names}, in nats per image.")
    figure = new_figure(8, 4.2, alt.format(epochs=len(history.loss), names=", ".join(_(name) for name in curves)))
    axes = figure.subplots()
    for name, values in curves.items():
        epochs = range(1, len(values) + 1)
        axes.plot(epochs, values, styles[name], color=colours[name], label=_(name), markersize=5)
    axes.set(xlabel=_("epoch"), ylabel=_("nats per image"), yscale="log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ScalarFormatter())  # 50 rather than 5 × 10¹
    axes.yaxis.set_minor_formatter("")
    axes.legend(frameon=False)
    return figure


@in_course_style
def kl_bars(kl_per_latent: Mapping[str, Sequence[float]]) -> CourseFigure:
    """Each latent's KL in nats, largest first, for every label. Collapsed latents, below the dotted line at 0.01,
    are marked ×.

    Raises TypeError or ValueError that names the argument.
    """
    require.mapping("kl_per_latent", kl_per_latent)
    kl_per_latent = {label: _nats(f"kl_per_latent[{label!r}]", values) for label, values in kl_per_latent.items()}
    alt = _("Bars with the KL of each latent, largest first, for {labels}.").format(labels=listed(kl_per_latent))
    width = max(6.2, 0.34 * max(map(len, kl_per_latent.values())))  # or the numbers under the bars would overlap
    figure = new_figure(width * len(kl_per_latent), 3.8 if len(kl_per_latent) == 1 else 5.6, alt)
    for axes, label, values in side_by_side(figure, kl_per_latent):
        ordered = sorted(enumerate(values, start=1), key=lambda item: -item[1])
        for place, (_j, value) in enumerate(ordered):
            axes.bar(place, value, color=ORANGE)
            if value < COLLAPSED_BELOW:
                axes.text(place, 0, "×", ha="center", va="bottom")
        axes.set_ylim(0, 1.05 * max(map(max, kl_per_latent.values())) + 0.01)  # one scale, or they can't be compared
        axes.axhline(COLLAPSED_BELOW, color="black", linestyle=":", linewidth=1)
        if len(ordered) > 12:  # no room for z's
            axes.set_xticks(range(len(ordered)), [str(j) for j, _ in ordered], fontsize=11)
            axes.set_xlabel(_("number of the latent"))
        else:
            axes.set_xticks(range(len(ordered)), [f"$z_{{{j}}}$" for j, _ in ordered])
        axes.set(title=label, ylabel=_("KL in nats"))
    return figure


def _nats(name: str, values: Sequence[float]) -> list[float]:
    """The KL of each latent as a list of floats."""
    if not isinstance(values, (Sequence, Tensor, np.ndarray)) or isinstance(values, str) or not np.ndim(values) == 1:
        raise TypeError(f"{name} must be a list of numbers, got {require.shown(values)}")
    if len(values) == 0:
        raise ValueError(f"{name} must be numbers of at least 0, got none")
    return [require.number(name, value, least=0) for value in values]


@in_course_style
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
    require_alt(alt)
    require.mapping("panels", panels)
    require.line("x", x)
    for title, lines in panels.items():
        require.mapping(f"panels[{title!r}]", lines)
        for label, values in lines.items():
            require.line(f"panels[{title!r}][{label!r}]", values)
            if len(values) != len(x):
                raise ValueError(f"panels[{title!r}][{label!r}] must be as many as x, {len(x)}, got {len(values)}")
    require.names("filled", filled)
    require.words("xlabel", xlabel)
    unknown = set(filled) - {label for lines in panels.values() for label in lines}
    if unknown:
        raise ValueError(f"filled must name curves, there is no {', '.join(sorted(unknown))}")
    limits = {} if limits is None else limits
    if not isinstance(limits, Mapping):
        raise TypeError(f"limits must be a dict with two numbers for a panel's title, got {type(limits).__name__}")
    if limits:
        require.mapping("limits", limits)
    if not set(limits) <= set(panels):
        raise ValueError(f"limits must be for panels, there is no {', '.join(sorted(set(limits) - set(panels)))}")
    for title, ends in limits.items():
        if not isinstance(ends, Sequence) or len(ends) != 2 or not all(map(require.is_finite_number, ends)):
            raise ValueError(f"limits[{title!r}] must be two finite numbers, got {require.shown(ends)}")
    x = as_array(x)
    rows = -(-len(panels) // 3)  # more than three in a row get too small to read
    columns = -(-len(panels) // rows)
    width, height = {1: (7.2, 4.2), 2: (11.4, 5.4), 3: (14.8, 6.4)}[columns]  # so that letters stay large on a slide
    figure = new_figure(width, height if rows == 1 else 4.2 * rows, alt)
    for place, (title, lines) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        for (label, values), (style, colour) in zip(lines.items(), cycle(LINE_STYLES)):
            y = as_array(values)
            axes.plot(x, y, style, color=colour, linewidth=2.5, label=label)
            if label in filled:
                axes.fill_between(x, y, where=y >= 0, color=colour, alpha=0.3, linewidth=0)
                axes.fill_between(x, y, where=y <= 0, facecolor="none", edgecolor=colour, hatch="///", linewidth=0)
        axes.set(title=title, xlabel=xlabel, ylim=limits.get(title))
        low, high = axes.get_ylim()
        if low < 0 < high and any(values.min() < 0 for values in lines.values()):
            axes.axhline(0, color="black", linewidth=1)
        columns_of_legend = 2 if max(map(len, lines)) < (20 if columns == 1 else 14) else 1
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False, ncols=columns_of_legend)
    return figure


@in_course_style
def labelled_points(
    series: Mapping[str, Mapping[str, tuple[float, float]]], *, xlabel: str, ylabel: str, alt: str
) -> CourseFigure:
    """Points in a plane: a label for each series, and in it a name, written next to the point, with its (x, y).

    The points of a series are joined in their order. Raises TypeError or ValueError that names the argument.
    """
    require_alt(alt)
    require.words("xlabel", xlabel)
    require.words("ylabel", ylabel)
    require.mapping("series", series)
    for label, points in series.items():
        require.mapping(f"series[{label!r}]", points)
        for name, point in points.items():
            if not isinstance(point, Sequence) or len(point) != 2 or not all(map(require.is_finite_number, point)):
                got = require.shown(point)
                raise ValueError(f"series[{label!r}][{name!r}] must be two finite numbers, x and y, got {got}")
    figure = new_figure(10.5, 6.4, alt)
    axes = figure.subplots()
    sides = ((7, 6), "left"), ((-7, -18), "right")  # above a falling curve, and below
    for (label, points), style, (away, align) in zip(series.items(), cycle(POINT_STYLES), cycle(sides)):
        places = list(zip(*points.values(), strict=True))
        axes.plot(*places, **style, markersize=11, label=label)
        axes.plot(*places, **style | {"linestyle": "none"}, markersize=11, zorder=4)  # above the labels' white ground
        for name, point in points.items():
            axes.annotate(name, point, away, textcoords="offset points", ha=align, bbox=GROUND)
    axes.margins(0.1)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.legend(frameon=False, loc="best")
    return figure


def rate_distortion(models: Mapping[str, Mapping[float, Evaluation]]) -> CourseFigure:
    """The distortion against the rate: for each label the `Evaluation` of models trained at some β, keyed by it.

    Alemi et al. 2018, "Fixing a broken ELBO" (arXiv 1711.00464). Raises TypeError or ValueError that names the
    argument.
    """
    require.mapping("models", models)
    series = {}
    for label, at in models.items():
        require.mapping(f"models[{label!r}]", at, labels=False)
        for beta, found in at.items():
            require.number(f"models[{label!r}]'s β", beta, least=0)
            if not isinstance(found, Evaluation):
                raise TypeError(
                    f"models[{label!r}][{beta!r}] must be what evaluate returns, got {require.shown(found)}"
                )
            if not all(map(require.is_finite_number, found[:2])):
                got = require.shown(found[:2])
                raise ValueError(f"models[{label!r}][{beta!r}] must hold finite numbers, got {got}")
        series[label] = {f"β = {float(beta):g}": (found.rate, found.distortion) for beta, found in at.items()}
    points = "; ".join(
        _("{label}, {name}: rate about {rate:.1f}, distortion about {distortion:.0f}").format(
            label=label, name=name, rate=rate, distortion=distortion
        )
        for label, named in series.items()
        for name, (rate, distortion) in named.items()
    )
    return labelled_points(
        series,
        xlabel=_("rate (KL in nats per image)"),
        ylabel=_("distortion (nats per image)"),
        alt=_("Distortion against rate, in nats per image. {points}.").format(points=points),
    )


@in_course_style
def against_beta(
    lines: Mapping[str, Mapping[float, float]], *, ylabel: str, collapsed: float | None = None, alt: str
) -> CourseFigure:
    """What becomes of each quantity as β grows, on a logarithmic axis: a label and its value at each β > 0.

    With `collapsed`, which must be above 0, values are at least 0 and their axis is logarithmic too. What lies below
    that threshold, a dotted line, is marked × and drawn no lower than a third of it. Raises TypeError or ValueError
    that names the argument.
    """
    require_alt(alt)
    if collapsed is not None and not (require.is_finite_number(collapsed) and collapsed > 0):
        raise ValueError(f"collapsed must be a number above 0 or None, got {require.shown(collapsed)}")
    require.words("ylabel", ylabel)
    require.mapping("lines", lines)
    for label, values in lines.items():
        require.mapping(f"lines[{label!r}]", values, labels=False)
        for beta, value in values.items():
            numbers = require.is_finite_number(beta) and require.is_finite_number(value)
            if not numbers or beta <= 0 or (collapsed and value < 0):
                said = f"{require.shown(value)} at {require.shown(beta)}"
                raise ValueError(f"lines[{label!r}] must map each β > 0 to its value, got {said}")
    figure = new_figure(10.5, 5.6, alt)
    axes = figure.subplots()
    for (label, values), style in zip(lines.items(), cycle(POINT_STYLES)):
        floor = -math.inf if collapsed is None else collapsed / 3
        drawn = [max(value, floor) for value in values.values()]
        axes.plot(list(values), drawn, **style, markersize=9, label=_(label))
        dead = [(beta, max(value, floor)) for beta, value in values.items() if collapsed and value < collapsed]
        for beta, value in dead:
            axes.plot(beta, value, "x", color="black", markersize=13, markeredgewidth=2.5)
    axes.set(xlabel="β", ylabel=ylabel, xscale="log")
    if collapsed is not None:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")  # 0.01 rather than 10⁻²
        axes.axhline(collapsed, color="black", linestyle=":", linewidth=1.5)
        axes.annotate(_("collapsed ×"), (0, collapsed), (6, -18), xycoords=("axes fraction", "data"),
                      textcoords="offset points")  # fmt: skip
    axes.set_xticks(betas := sorted({beta for values in lines.values() for beta in values}), [f"{b:g}" for b in betas])
    axes.xaxis.set_minor_formatter("")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@in_course_style
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
    require_alt(alt)
    require.names("rows", rows)
    require.names("columns", columns)
    require.mapping("tables", tables)
    for title, values in tables.items():
        require.floats(f"tables[{title!r}]", values)
        if values.shape != (len(rows), len(columns)) or not values.isfinite().all():
            raise ValueError(f"tables[{title!r}] must be finite, ({len(rows)}, {len(columns)}): its rows and columns")
    middle, reach = require.number("middle", middle), require.number("reach", reach, above=0)
    colours = LinearSegmentedColormap.from_list("course", [BLUE, "white", ORANGE])
    rows, columns = [_(name) for name in rows], [_(name) for name in columns]
    width = 0.85 * len(columns) + 0.11 * max(map(len, rows)) + 0.4
    figure = new_figure(width * len(tables), 0.5 * len(rows) + 1.7, alt)
    for axes, title, values in side_by_side(figure, tables):
        shown = as_array(values)
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


@in_course_style
def hole_bars(
    distances: Mapping[str, Tensor], *, xlabel: str = later("distance to the nearest real face (0 = a copy)")
) -> CourseFigure:
    """The distance to the nearest real image for each way to draw a latent: the middle half, and the median.

    Labels that start with "VAE" get its colour and a dot, all others the UAE's and a square. Raises TypeError or
    ValueError that names the argument.
    """
    require.words("xlabel", xlabel)
    require.mapping("distances", distances)
    for label, values in distances.items():
        require.floats(f"distances[{label!r}]", values)
        if values.ndim != 1 or len(values) == 0 or not values.isfinite().all():
            raise ValueError(f"distances[{label!r}] must be finite and (n,), got {tuple(values.shape)}")
    labels, xlabel = [_(label) for label in distances], _(xlabel)
    alt = _("For each way to draw a latent the {what}, median and middle half: {labels}.")
    alt = alt.format(what=xlabel, labels="; ".join(labels))
    figure = new_figure(10, 0.8 * len(distances) + 1.0, alt)
    axes = figure.subplots()
    for row, (label, values) in enumerate(distances.items()):
        values = values.detach().double()
        low, middle, high = values.quantile(values.new_tensor([0.25, 0.5, 0.75])).tolist()
        colour, marker = (ORANGE, "o") if label.startswith("VAE") else (BLUE, "s")
        axes.plot([low, high], [row, row], color=colour, linewidth=7, alpha=0.35, solid_capstyle="butt")
        axes.plot(middle, row, marker, color=colour, markersize=11)
    axes.set_yticks(range(len(distances)), labels)
    axes.set(xlabel=xlabel, ylim=(len(distances) - 0.5, -0.5))
    axes.set_xlim(left=0)
    return figure
