"""Diagrams of the models, drawn by code: the two directions between x and z, the boxes of a network, and z = μ + σε."""

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from torch import Tensor, nn

from vaelib import require
from vaelib.figures.canvas import CourseFigure, hide_axes, in_course_style, new_figure
from vaelib.language import _
from vaelib.models import VAE, Autoencoder
from vaelib.palette import BLUE, GREY, ORANGE

FARTHEST = 1e6  # that a number may lie from 0: the line ends at 5
SAID, BOX, NODE = 19, 22, 30  # sizes of the letters, for the back of a hall


@in_course_style
def two_arrows() -> CourseFigure:
    """The two directions between an image x and its latent z: p makes x from z, q looks for z given x."""
    figure = new_figure(
        11,
        4.6,
        _(
            "Two circles, z and x. An arrow p(x|z), the decoder, leads from z to x; an arrow q(z|x), the encoder, "
            "leads back. The prior p(z) points at z."
        ),
    )
    axes = _empty(figure, (-2.5, 8.2), (-1.55, 1.55))
    for place, letter, colour in ((1, "z", "white"), (6, "x", "#e6e6e6")):
        axes.add_patch(Circle((place, 0), 0.6, facecolor=colour, edgecolor="black", linewidth=2.5))
        axes.text(place, 0, f"${letter}$", ha="center", va="center", size=NODE)
    _arrow(axes, (1.5, 0.4), (5.5, 0.4), BLUE, bend=-0.25)
    _arrow(axes, (5.5, -0.4), (1.5, -0.4), ORANGE, bend=-0.25, line="--")
    _arrow(axes, (-0.9, 0), (0.38, 0), BLUE)
    decoder, encoder = (
        _("$p(x|z)$: the decoder, how an image comes about"),
        _("$q(z|x)$: the encoder, which z it may have been"),
    )
    axes.text(3.5, 1.0, decoder, color=BLUE, ha="center", va="bottom", size=19)
    axes.text(3.5, -1.0, encoder, color=ORANGE, ha="center", va="top", size=19)
    axes.text(-1.0, 0, _("prior $p(z)$\n$= N(0, 1)$"), color=BLUE, ha="right", va="center", size=SAID)
    return figure


@in_course_style
def network_boxes(model: Autoencoder | VAE) -> CourseFigure:
    """The layers of a UAE or a VAE as boxes, as tall as they are wide in numbers (by the logarithm), from x to x̂.

    Raises TypeError or ValueError that names the argument.
    """
    if not isinstance(model, (Autoencoder, VAE)):
        raise TypeError(f"model must be an Autoencoder or a VAE, got {type(model).__name__}")
    is_vae = isinstance(model, VAE)
    encoder = [layer.in_features for layer in model.trunk if isinstance(layer, nn.Linear)]
    decoder = [layer.out_features for layer in model.decoder if isinstance(layer, nn.Linear)]
    widths = [*encoder, model.head.in_features, model.latent_dim, *decoder]
    names = ["x", *[""] * len(encoder), "z" if is_vae else "h", *[""] * (len(decoder) - 1), "x̂"]
    middle = names.index("z" if is_vae else "h")
    alt = _("Boxes from left to right: {before} numbers, then the code h, {after} numbers.")
    if is_vae:
        alt = _(
            "Boxes from left to right: {before} numbers, then μ and σ of each latent, then a sample z, {after} numbers."
        )
    before, after = (", ".join(map(str, some)) for some in (widths[:middle], widths[middle:]))
    figure = new_figure(12.5, 5.6, alt.format(before=before, after=after))
    step = 2.6
    places = [step * k + (step if is_vae and k >= middle else 0) for k in range(len(widths))]
    axes = _empty(figure, (-1, places[-1] + 1), (-2.6, 2.9))
    for place, width, name in zip(places, widths, names, strict=True):
        colour = ORANGE if is_vae and name == "z" else BLUE if name == "h" else GREY
        _box(axes, place, 0, width, f"{width}", colour)
        axes.text(place, 2.45, name, ha="center", va="center", size=NODE)
    for k in range(len(places) - 1):
        if is_vae and k == middle - 1:
            between = places[k] + step
            for height, letter in ((0.95, "μ"), (-0.95, "σ")):
                _box(axes, between, height, model.latent_dim, f"{letter}: {model.latent_dim}", ORANGE)
                _arrow(axes, (places[k] + 0.6, 0), (between - 0.6, height), "black")
                _arrow(axes, (between + 0.6, height), (places[middle] - 0.6, 0), "black")
        else:
            _arrow(axes, (places[k] + 0.6, 0), (places[k + 1] - 0.6, 0), "black")
    if is_vae:
        axes.text(places[middle], -1.0, "$= \\mu + \\sigma\\varepsilon$", ha="center", va="center", size=SAID)
    for first, last, said in ((0, middle - 1, _("encoder")), (middle + 1, -1, _("decoder"))):
        axes.text((places[first] + places[last]) / 2, -2.45, said, ha="center", va="center", size=BOX)
    return figure


@in_course_style
def noise_to_latent(mu: float, sigma: float, epsilon: Tensor) -> CourseFigure:
    """Reparameterisation: draws `epsilon` (n,) of N(0, 1) above, and below where z = μ + σε takes each of them.

    Raises TypeError or ValueError that names the argument.
    """
    mu, sigma = require.number("mu", mu), require.number("sigma", sigma, least=0)
    if max(abs(mu), sigma) > FARTHEST:
        raise ValueError(f"mu and sigma must be at most {FARTHEST:g}, got {mu:g} and {sigma:g}")
    require.line("epsilon", epsilon)
    epsilon = epsilon.detach().cpu().float()
    z = mu + sigma * epsilon
    alt = _("{count} draws of ε on a line above, arrows to z = {mu:.1f} + {sigma:.2f} ε on a line below.")
    figure = new_figure(11, 5.4, alt.format(count=len(epsilon), mu=mu, sigma=sigma))
    axes = _empty(figure, (-5.2, 5), (-1.4, 2.6))
    grid = torch.linspace(-5, 5, 801)
    for base, mean, width, colour in ((1.3, 0.0, 1.0, GREY), (-1.0, mu, max(sigma, 1e-3), ORANGE)):
        bell = torch.exp(-0.5 * ((grid - mean) / width) ** 2)  # as tall for every width: only where and how wide counts
        axes.fill_between(grid, base, base + 0.9 * bell, color=colour, alpha=0.25, linewidth=0)
        axes.plot((-5, 5), (base, base), color="black", linewidth=1)
    for start, end in zip(epsilon.tolist(), z.tolist(), strict=True):
        _arrow(axes, (start, 1.3), (end, -1.0), "black", width=1.5)
    axes.scatter(epsilon, torch.full_like(epsilon, 1.3), s=90, color=GREY, zorder=3)
    axes.scatter(z, torch.full_like(z, -1.0), s=90, color=ORANGE, marker="s", zorder=3)
    axes.text(-5.1, 2.1, "$\\varepsilon \\sim N(0, 1)$", size=BOX, va="center")
    axes.text(
        -5.1,
        -0.2,
        f"$z = \\mu + \\sigma\\varepsilon$\n$\\mu = {mu:.1f}$, $\\sigma = {sigma:.2f}$",
        size=BOX,
        va="center",
    )
    return figure


def _empty(figure: CourseFigure, across: tuple[float, float], up: tuple[float, float]) -> Axes:
    axes = figure.subplots()
    axes.set(xlim=across, ylim=up)
    hide_axes(axes)
    return axes


def _arrow(axes: Axes, start, end, colour: str, *, bend: float = 0.0, line: str = "-", width: float = 2.5) -> None:
    style = {"arrowstyle": "-|>", "mutation_scale": 22, "shrinkA": 0, "shrinkB": 0}
    curve = f"arc3,rad={bend}"
    axes.add_patch(
        FancyArrowPatch(start, end, connectionstyle=curve, color=colour, linewidth=width, linestyle=line, **style)
    )


def _box(axes: Axes, x: float, y: float, count: int, said: str, colour: str) -> None:
    """A box for a layer of so many numbers."""
    height = 0.55 + 0.36 * torch.tensor(float(count)).log10().item() ** 1.5
    shape = FancyBboxPatch((x - 0.5, y - height / 2), 1.0, height, boxstyle="round,pad=0.06")
    shape.set(facecolor=colour, alpha=0.3, linewidth=0)
    axes.add_patch(shape)
    axes.text(x, y, said, ha="center", va="center", size=SAID)
