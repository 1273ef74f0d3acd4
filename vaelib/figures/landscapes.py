"""The loss of one image over the μ and σ of one latent, at several β."""

import math
from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator
from torch import Tensor

from vaelib import require
from vaelib.figures.canvas import CourseFigure, in_course_style, new_figure, side_by_side
from vaelib.landscape import Landscape, loss_landscape
from vaelib.language import _
from vaelib.models import in_eval_mode
from vaelib.palette import BLUE, ORANGE

SIGMAS = (0.01, 2.0)
LEVELS = 2.0 ** torch.arange(-2, 11)  # nats above the lowest point
SHADES = [str(grey) for grey in torch.linspace(0.4, 0.97, len(LEVELS) + 1).tolist()]  # the deeper, the darker
SIGMA_MARKS = (0.01, 0.03, 0.1, 0.3, 1)


@in_course_style
@in_eval_mode("vae")
def loss_landscapes(vae, image: Tensor, latent: int, betas: Sequence[float] = (0, 1, 10, 100)) -> CourseFigure:
    """The loss E|x − x̂| + β KL of an `image` (1, C, H, W) over (μ, σ) of one `latent`, counted from 0, for each β.

    A still of `explore_loss`. The networks stay as they are, and the other latents at the encoder's means. ● is the
    lowest point, ◇ the encoder's answer, + the prior. Raises TypeError or ValueError that names the argument.
    """
    if not isinstance(betas, Sequence) or isinstance(betas, str) or not betas:
        raise TypeError(f"betas must be a list of numbers, got {require.shown(betas)}")
    betas = [require.number("betas", beta, least=0, most=1e6) for beta in betas]  # or all contours are one
    sigma = torch.logspace(*(math.log10(end) for end in SIGMAS), 61)
    land = loss_landscape(vae, image, latent, torch.linspace(-3, 3, 241), sigma)
    with torch.no_grad():
        q = vae.encode(image)
    answer = q.mean[0, latent].item(), q.stddev[0, latent].item()
    lowest = [land.lowest(beta) for beta in betas]
    said = "; ".join(
        _("β = {beta:g}: μ about {mu:.2f}, σ about {sigma:.2f}").format(beta=beta, mu=mu, sigma=sigma)
        for beta, (mu, sigma) in zip(betas, lowest, strict=True)
    )
    alt = _("Contours of the loss over μ and σ of latent {latent}. The lowest point, {said}.")
    alt = alt.format(latent=latent + 1, said=said)
    figure = new_figure(3.6 * len(betas) + 0.8, 4.6, alt)
    panels = {f"β = {beta:g}": beta for beta in betas}
    for axes, label, beta in side_by_side(figure, panels):
        marks = _draw_landscape(axes, land, beta, answer)
        axes.set_title(label, fontsize=22)
        axes.set_xlabel("μ", fontsize=18)
        if beta == betas[0]:
            axes.set_ylabel(_("σ (logarithmic)"), fontsize=18)
    figure.legend(marks.values(), marks, loc="outside lower center", ncols=len(marks), frameon=False, fontsize=18)
    return figure


def _draw_landscape(axes: Axes, land: Landscape, beta: float, answer: tuple[float, float]) -> dict[str, Line2D]:
    """Returns its three marks by their names."""
    loss = land.loss(beta)
    levels = (loss.min() + LEVELS).tolist()
    axes.contourf(land.mu, land.sigma, loss, [loss.min().item() - 1, *levels], colors=SHADES, extend="max")
    axes.contour(land.mu, land.sigma, loss, levels, colors="black", linewidths=0.8)
    (lowest,) = axes.plot(
        *land.lowest(beta), "o", color=ORANGE, markersize=17, markeredgecolor="white", clip_on=False, zorder=4
    )
    (prior,) = axes.plot(0, 1, "+", color="black", markersize=14, markeredgewidth=3, zorder=5)
    (encoder,) = axes.plot(
        *answer, "D", color="white", markersize=10, markeredgecolor=BLUE, markeredgewidth=3, zorder=5
    )
    axes.set(yscale="log", ylim=SIGMAS, xticks=[-2, 0, 2])
    axes.set_xticklabels(["−2", "0", "2"])
    axes.yaxis.set_major_locator(FixedLocator(SIGMA_MARKS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels([f"{mark:g}" for mark in SIGMA_MARKS])
    return {_("lowest"): lowest, _("encoder"): encoder, _("prior"): prior}
