"""Figures 1 and 2, and the bell curves of attributes and of latents."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor
from torch.distributions import Normal

from vaelib import require
from vaelib.figures.canvas import CourseFigure, draw_image, hide_axes, in_course_style, new_figure, side_by_side
from vaelib.measures import Probes
from vaelib.models import code_of, in_eval_mode, in_mode, require_images_for, sample
from vaelib.palette import BLUE, GREY, ORANGE


@in_course_style
@in_eval_mode("autoencoder")
def figure_uae(autoencoder, probes: Probes, image: Tensor) -> CourseFigure:
    """Figure 1: an `image` (1, C, H, W) → one number for each attribute → the image again."""
    _require_face(autoencoder, "autoencoder", probes, image)
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


@in_course_style
@in_eval_mode("vae")
def figure_vae(vae, probes: Probes, image: Tensor, *, samples: int = 4, seed: int = 0) -> CourseFigure:
    """Figure 2: an `image` (1, C, H, W) → a bell curve for each attribute → faces decoded from sampled z.

    The bells are the exact push-forward of q(z|x) through the probes. Their widths are to scale; all are drawn
    equally high.
    """
    _require_face(vae, "vae", probes, image)
    require.whole_number("samples", samples)
    require.whole_number("seed", seed, least=0)
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


@in_course_style
def attribute_bells(posteriors: Mapping[str, Normal], names: Sequence[str]) -> CourseFigure:
    """The attributes of one face, side by side: for each label a push-forward (1, K) of its posterior."""
    _require_posteriors(posteriors)
    for label, q in posteriors.items():
        if q.mean.shape[1] != len(names):
            raise ValueError(
                f"names must be the {q.mean.shape[1]} attributes of posteriors[{label!r}], got {len(names)}"
            )
    alt = f"For each of {', '.join(names)}: bell curves of the same face under {' and '.join(posteriors)}."
    figure = new_figure(6.2 * len(posteriors), 0.75 * len(names) + 1.0, alt)
    for axes, label, q in side_by_side(figure, posteriors):
        _draw_tracks(axes, names)
        axes.set_title(label)
        for row, (mean, deviation) in enumerate(zip(q.mean[0].tolist(), q.stddev[0].tolist(), strict=True)):
            _draw_bell(axes, mean, deviation, ORANGE, base=row - 0.25, height=0.75)
            axes.text(1.2, row + 0.1, f"± {deviation:.3f}", va="center", ha="left", color=ORANGE)
    return figure


@in_course_style
def latent_bells(posteriors: Mapping[str, Normal]) -> CourseFigure:
    """For each label the D posteriors q_j(z|x) (1, D) of one image in latent units, over the prior N(0, 1).

    All bells of one panel are drawn equally high; widths and positions are to scale.
    """
    _require_posteriors(posteriors)
    alt = f"The latent distributions of one image under {' and '.join(posteriors)}, each over the prior's bell curve."
    latents = max(q.mean.shape[1] for q in posteriors.values())
    span = max(4, *(1.1 * (q.mean.abs() + 2 * q.stddev).max().item() for q in posteriors.values()))  # one scale
    figure = new_figure(6.2 * len(posteriors), 0.5 * latents + 1.6, alt)
    for axes, label, q in side_by_side(figure, posteriors):
        for row, (mean, deviation) in enumerate(zip(q.mean[0].tolist(), q.stddev[0].tolist(), strict=True)):
            _draw_bell(axes, 0.0, 1.0, GREY, base=row - 0.3, height=0.7, dashed=True)
            _draw_bell(axes, mean, deviation, ORANGE, base=row - 0.3, height=0.7)
        axes.set(title=label, xlabel="z   (dashed: the prior)", xlim=(-span, span), ylim=(latents - 0.4, -1.1))
        axes.set_yticks(range(latents), [f"$z_{{{j + 1}}}$" for j in range(latents)])
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False)
    return figure


def _require_posteriors(posteriors: Mapping[str, Normal]) -> None:
    require.mapping("posteriors", posteriors)
    for label, q in posteriors.items():
        require.posterior(f"posteriors[{label!r}]", q)
        if len(q.mean) != 1:
            raise ValueError(f"posteriors[{label!r}] must be of one image, over (1, D), got {tuple(q.mean.shape)}")


def _require_face(model, model_name: str, probes: Probes, image: Tensor) -> None:
    require.images("image", image)
    if len(image) != 1:
        raise ValueError(f"image must be a single one, (1, C, H, W), got {tuple(image.shape)}")
    require_images_for(model, image, model_name=model_name, images_name="image")
    if not isinstance(probes, Probes):
        raise TypeError(f"probes must be what fit_probes returns, got {type(probes).__name__}")
    with in_mode(model, training=False):
        code = code_of(model, image, model_name=model_name)
    latents = (code.mean if isinstance(code, Normal) else code).shape[1]
    if probes.weight.shape[1] != latents:
        raise ValueError(f"probes must read the {latents} latents of {model_name}, they read {probes.weight.shape[1]}")


def _figure_of_attributes(title: str, image: Tensor, x_hat: Tensor, names: Sequence[str], alt: str):
    """Image | attribute tracks | decoded images, with arrows between; the caller draws on the tracks."""
    figure = new_figure(14, 5.2, alt)
    figure.suptitle(title, weight="bold", fontsize=22)
    columns = figure.add_gridspec(1, 5, width_ratios=(2.8, 1.0, 5.6, 1.0, 2.8))
    face = figure.add_subplot(columns[0])
    draw_image(face, image[0])
    face.set_title("image x")
    for column, name in ((1, "encoder"), (3, "decoder")):
        gap = figure.add_subplot(columns[column])
        gap.set(xlim=(0, 1), ylim=(0, 1))
        hide_axes(gap)
        arrow = {"arrowstyle": "-|>", "linewidth": 3, "color": GREY, "mutation_scale": 25}
        gap.annotate("", (1, 0.5), (0, 0.5), arrowprops=arrow)
        gap.text(0.5, 0.55, name, ha="center")
    tracks = figure.add_subplot(columns[2])
    _draw_tracks(tracks, names)
    side = 1 if len(x_hat) == 1 else 2
    grid = columns[4].subgridspec(-(-len(x_hat) // side), side)
    for k, decoded in enumerate(x_hat):
        axes = figure.add_subplot(grid[k // side, k % side])
        draw_image(axes, decoded)
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

