"""Three measures as pictures: how many latents are used, what a rate is made of, where q stands in the posterior."""

import math
from collections.abc import Mapping

import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Ellipse
from torch import Tensor
from torch.distributions import Normal

from vaelib import require
from vaelib.figures.canvas import CourseFigure, draw_image, in_course_style, new_figure, require_alt, side_by_side
from vaelib.language import _
from vaelib.measures import heard_codes_of
from vaelib.models import images_of, in_eval_mode, points_of
from vaelib.palette import BLUE, GREY, ORANGE
from vaelib.rate import RateParts

BELOW_THE_PEAK = (-1000, -100, -30, -10, -3, -1, 0)  # nats: the contours of a posterior
STILL_BELOW = 0.1  # of the greatest change: a latent that changes a picture less than that is called still
SEEN = 1e-3  # of one white pixel, in all of a picture: less is rounding, and still whatever the others do


@torch.no_grad()
@in_eval_mode("model")
def walks_of_latents(
    model, image: Tensor, images: Tensor, *, reach: float = 2.0, steps: int = 2, seed: int = 0
) -> Tensor:
    """What each latent does to an `image` (1, C, H, W), decoded → (D, steps, C, H, W), the greatest change first.

    Latent j walks in even `steps` around its mean over `images` (n, C, H, W), from minus to plus `reach` times its
    standard deviation, both at most 1000; the others stay at the image's code. The same rule serves both models: of a
    VAE the z are sampled, so that an unused latent, which is noise like the prior, walks as far as any other.
    Raises TypeError or ValueError that names the argument.
    """
    require.images("image", image)
    if len(image) != 1:
        raise ValueError(f"image must be a single one, (1, C, H, W), got {tuple(image.shape)}")
    require.number("reach", reach, above=0, most=1000)
    require.whole_number("steps", steps, least=2, most=1000)
    heard = heard_codes_of(model, images, seed=seed)  # (n, D)
    if len(heard) < 2:
        raise ValueError("images must be at least 2 to have a spread, got 1")
    latents = heard.shape[1]
    require.room("steps", latents * steps * image.numel())
    walk = points_of(model, image, images_name="image").repeat(latents, steps, 1)  # (D, steps, D)
    places = torch.linspace(-reach, reach, steps).to(heard)[:, None] * heard.std(dim=0) + heard.mean(dim=0)
    for j in range(latents):
        walk[j, :, j] = places[:, j]
    decoded = images_of(model, walk.flatten(0, 1)).unflatten(0, (latents, steps))  # (D, steps, C, H, W)
    return decoded[change_of(decoded).argsort(descending=True)]


def change_of(walks: Tensor) -> Tensor:
    """By how much each latent changes the picture from one end to the other: (D, steps, C, H, W) → |x̂ − x̂′|, (D,).

    Raises TypeError or ValueError for other `walks`.
    """
    _require_walks("walks", walks)
    return (walks[:, -1] - walks[:, 0]).abs().sum(dim=(1, 2, 3))


def _require_walks(name: str, walks: Tensor) -> None:
    require.floats(name, walks)
    if walks.ndim != 5 or walks.numel() == 0:
        raise ValueError(f"{name} must be (D, steps, C, H, W), what walks_of_latents returns")
    require.finite(name, walks)


@in_course_style
def every_latent(walks: Mapping[str, Tensor], *, columns: int = 16) -> CourseFigure:
    """All latents of each model at once: for every label what `walks_of_latents` returns, (D, steps, C, H, W).

    A pair is one latent at its lower end and, below, at its upper end, in the order given, `columns` pairs a row;
    "=" marks pairs that hardly differ. Raises TypeError or ValueError that names the argument.
    """
    require.mapping("walks", walks)
    require.whole_number("columns", columns, most=100)
    for label, walk in walks.items():
        _require_walks(f"walks[{label!r}]", walk)
    changes = {label: change_of(walk) for label, walk in walks.items()}
    still = {label: change < max(STILL_BELOW * change.max().item(), SEEN) for label, change in changes.items()}
    said = "; ".join(
        _("{label}: about {changing} of {all} change the picture").format(
            label=label, changing=(~of).sum(), all=len(of)
        )
        for label, of in still.items()
    )
    alt = _("Each latent moved from its lower to its upper end. {said}.").format(said=said)
    rows = {label: -(-len(walk) // columns) for label, walk in walks.items()}
    height = sum(2.2 * count + 0.4 for count in rows.values())
    figure = new_figure(columns, height, alt)
    panels = figure.subplots(len(walks), 1, squeeze=False, height_ratios=list(rows.values()))[:, 0]
    for axes, (label, walk) in zip(panels, walks.items(), strict=True):
        for place, ends in enumerate(walk[:, [0, -1]]):
            top, left = 2.3 * (place // columns), 1.06 * (place % columns)
            for k, picture in enumerate(ends):
                draw_image(axes, picture, extent=(left, left + 1, top + k + 1, top + k))
            if still[label][place]:
                axes.text(left + 0.5, top + 2.02, "=", ha="center", va="top", color=GREY, weight="bold")
        axes.set(xlim=(0, 1.06 * columns - 0.06), ylim=(2.3 * rows[label], 0))
        axes.set_title(label, loc="left", weight="bold", color=ORANGE if label.startswith("VAE") else BLUE)
    return figure


@in_course_style
def rate_bars(parts: Mapping[str, RateParts], *, images: int) -> CourseFigure:
    """The rate of each label as one bar, its information below and the crowd's distance from the prior on top.

    `parts` are what `decompose_rate` returns for that many `images`: the dotted line is the most that the information
    can be, log n. Raises TypeError or ValueError that names the argument.
    """
    require.mapping("parts", parts)
    require.whole_number("images", images, least=2)
    for label, of in parts.items():
        if not isinstance(of, RateParts):
            raise TypeError(f"parts[{label!r}] must be what decompose_rate returns, got {type(of).__name__}")
        if not all(map(require.is_finite_number, of)):
            raise ValueError(f"parts[{label!r}] must hold finite numbers, got {require.shown(tuple(of))}")
    said = "; ".join(
        _("{label}: information about {information:.1f}, distance about {distance:.1f}").format(
            label=label, information=of.information, distance=max(of.distance, 0)
        )
        for label, of in parts.items()
    )
    alt = _("The rate as a stacked bar, in nats per image. {said}.").format(said=said)
    figure = new_figure(10.5, 5.6, alt)
    axes = figure.subplots()
    names = {"distance": _("KL(q(z) ‖ p(z)):\ncrowd from prior"), "information": _("I(x; z):\nwhich image it was")}
    for place, of in enumerate(parts.values()):
        distance = max(of.distance, 0.0)  # what is below 0 is the draws' error
        bottom = axes.bar(place, of.information, color=ORANGE)
        top = axes.bar(place, distance, bottom=of.information, facecolor="white", edgecolor=BLUE, hatch="///")
        if place == 0:
            handles = {"distance": top, "information": bottom}
        axes.text(place, of.information + distance, f" {of.information:.1f} + {distance:.1f}", ha="center", va="bottom")
    axes.axhline(math.log(images), color="black", linestyle=":", linewidth=1.5)
    axes.annotate(f"log {images}", (1, math.log(images)), (4, -5), xycoords=("axes fraction", "data"),
                  textcoords="offset points")  # fmt: skip
    axes.set_xticks(range(len(parts)), list(parts))
    axes.set(ylabel=_("nats per image"))
    axes.margins(y=0.12)
    axes.legend(list(handles.values()), [names[name] for name in handles], frameon=False, loc="center left",
                bbox_to_anchor=(1.08, 0.6), labelspacing=1.2)  # fmt: skip
    return figure


@in_course_style
def posterior_planes(panels: Mapping[str, tuple[Tensor, Normal]], line: Tensor, *, alt: str) -> CourseFigure:
    """The true posterior of an image in a plane of two latents, and the q that stands in for it, one panel per label.

    A panel is log p(x, z) (n, n) at the points of `line` (n,), z₁ by rows and z₂ by columns, and q over (1, 2). The
    contours say by how many nats log p(z|x) lies below its peak, ×; the ellipse is q's, two σ, to scale.
    Raises TypeError or ValueError that names the argument.
    """
    require_alt(alt)
    require.mapping("panels", panels)
    require.line("line", line)
    for label, panel in panels.items():
        if not isinstance(panel, tuple) or len(panel) != 2:
            raise ValueError(f"panels[{label!r}] must be two things, log p(x, z) and q")
        require.table(f"panels[{label!r}][0]", panel[0], (None, None))
        if panel[0].shape != (len(line), len(line)):
            raise ValueError(
                f"panels[{label!r}][0] must have a row and a column for each of the {len(line)} points of line, "
                f"got {tuple(panel[0].shape)}"
            )
        require.bells(f"panels[{label!r}][1]", panel[1], latents=2)
        if len(panel[1].mean) != 1:
            raise ValueError(
                f"panels[{label!r}][1] must be of one image, over (1, 2), got {tuple(panel[1].mean.shape)}"
            )
    if not (line.diff() > 0).all():
        raise ValueError("line must rise from point to point")
    line = line.detach().cpu().double()
    panels = {label: (log_joint.detach().double(), q) for label, (log_joint, q) in panels.items()}
    colours = LinearSegmentedColormap.from_list("course", ["white", BLUE])
    figure = new_figure(5.6 * len(panels) + 1, 5.6, alt)
    axes = []
    for some, label, (log_joint, q) in side_by_side(figure, panels):
        axes.append(some)
        peak = line[torch.stack(torch.unravel_index(log_joint.argmax(), log_joint.shape)).cpu()].tolist()
        below = (log_joint - log_joint.max()).T.cpu().numpy()  # matplotlib's rows run along y
        filled = some.contourf(line, line, below, BELOW_THE_PEAK, colors=colours([0, 0.1, 0.25, 0.4, 0.6, 0.9]),
                               extend="min")  # fmt: skip
        some.plot(*peak, "x", color="black", markersize=12, markeredgewidth=2.5)
        centre, sigma = q.mean[0].tolist(), q.stddev[0].tolist()
        some.add_patch(Ellipse(centre, 4 * sigma[0], 4 * sigma[1], fill=False, color=ORANGE, linewidth=3))
        some.annotate("q", centre, (12, 12), textcoords="offset points", color=ORANGE, weight="bold")
        half = 0.5 + max(abs(a - b) for a, b in zip(peak, centre, strict=True)) / 2
        for set_limits, a, b in zip((some.set_xlim, some.set_ylim), peak, centre, strict=True):
            set_limits((a + b) / 2 - half, (a + b) / 2 + half)
        some.set(title=label, xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    below_peak, ticks = _("log p(z|x), nats below its peak"), lambda value, _place: f"{value:g}".replace("-", "−")
    figure.colorbar(filled, ax=axes, label=below_peak, format=ticks)
    return figure
