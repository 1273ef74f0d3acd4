"""Figures 1 and 2, and the bell curves of attributes and of latents."""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from torch import Tensor
from torch.distributions import Normal

from vaelib import require
from vaelib.figures.canvas import CourseFigure, draw_image, hide_axes, in_course_style, new_figure, side_by_side
from vaelib.language import _, listed
from vaelib.measures import Probes
from vaelib.models import code_of, images_of, in_eval_mode, require_images_for, sample
from vaelib.palette import BLUE, GREY, ORANGE, ORANGE_INK

# Of figures 1 and 2: x, encoder, code, decoder, x̂; then the side branch, its tracks and their key.
PLACES = (
    *((0.01, 0.5, 0.22, 0.36), (0.25, 0.5, 0.09, 0.36), (0.41, 0.49, 0.23, 0.38), (0.665, 0.5, 0.09, 0.36)),
    *((0.77, 0.5, 0.22, 0.36), (0.41, 0.365, 0.23, 0.08), (0.25, 0.05, 0.48, 0.31), (0.77, 0.15, 0.22, 0.1)),
)


@in_course_style
@in_eval_mode("autoencoder")
@torch.no_grad()
def figure_uae(autoencoder, probes: Probes, image: Tensor, *, truth: Tensor | None = None) -> CourseFigure:
    """Figure 1: an `image` (1, C, H, W) → its code h, one number for each latent → the image again.

    A side branch shows what the `probes` read off h, one number for each attribute; a ▲ marks the `truth` (K,),
    what the face was drawn with, if it is given. `figure_vae` has the same size, and each part in the same place.
    Raises TypeError or ValueError that names the argument.
    """
    h = _code_of_face(autoencoder, "autoencoder", probes, image, truth)
    if isinstance(h, Normal):
        raise TypeError("autoencoder must encode to a code; for a VAE there is figure_vae")
    values = probes.predict(h)[0].tolist()
    x_hat = images_of(autoencoder, h, model_name="autoencoder")
    said = ", ".join(
        _("{name} about {value:.2f}").format(name=_(name), value=value)
        for name, value in zip(probes.names, values, strict=True)
    )
    alt = _(
        "Figure 1, the UAE: a face → encoder → a code of {count} numbers → decoder → the face again. A side "
        "branch: one number for each attribute, read off the code ({said})."
    ).format(count=h.shape[1], said=said)
    title = _("UAE: the code is a point")
    figure, of_code, tracks = _figure_of_path(title, image, x_hat, "h", probes.names, truth, alt)
    span = max(3, 1.1 * h.abs().max().item())
    _draw_code_axes(of_code, "h", h.shape[1], span)
    for row, value in enumerate(h[0].tolist()):
        of_code.plot(value, row, "s", color=BLUE, markersize=9)
    for row, value in enumerate(values):
        tracks.plot(value, row + 0.12, "s", color=BLUE, markersize=12)
        tracks.text(1.2, row + 0.12, f"{value:.2f}", va="center", ha="left", color=BLUE, weight="bold", size=18)
    return figure


@in_course_style
@in_eval_mode("vae")
@torch.no_grad()
def figure_vae(
    vae, probes: Probes, image: Tensor, *, samples: int = 4, seed: int = 0, truth: Tensor | None = None
) -> CourseFigure:
    """Figure 2: an `image` (1, C, H, W) → a bell curve q_j(z|x) for each latent → faces decoded from sampled z.

    A side branch shows the exact push-forward of q(z|x) through the probes, a bell for each attribute; a ▲ marks
    the `truth` (K,), if it is given. Widths are to scale; all bells are drawn equally high. Raises TypeError or
    ValueError that names the argument.
    """
    q = _code_of_face(vae, "vae", probes, image, truth)
    require.whole_number("samples", samples, most=1000)
    require.seed("seed", seed)
    if not isinstance(q, Normal):
        raise TypeError("vae must encode to a distribution; for a UAE there is figure_uae")
    bells = probes.push_forward(q)
    many = Normal(q.mean.expand(samples, -1), q.stddev.expand(samples, -1))
    x_hat = images_of(vae, sample(many, torch.Generator().manual_seed(seed)), model_name="vae")
    means, deviations = bells.mean[0].tolist(), bells.stddev[0].tolist()
    said = ", ".join(
        _("{name} about {mean:.2f} ± about {width:.2f}").format(name=_(name), mean=mean, width=width)
        for name, mean, width in zip(probes.names, means, deviations, strict=True)
    )
    alt = _(
        "Figure 2, the VAE: a face → encoder → {count} bell curves → decoder → {samples} faces, each from a "
        "sample. A side branch: a bell curve for each attribute, read off z ({said})."
    ).format(count=q.mean.shape[1], samples=samples, said=said)
    title = _("VAE: the code is a distribution")
    figure, of_code, tracks = _figure_of_path(title, image, x_hat, "z", probes.names, truth, alt)
    span = max(3, 1.1 * (q.mean.abs() + 2 * q.stddev).max().item())
    _draw_code_axes(of_code, "z", q.mean.shape[1], span)
    for row, (mean, deviation) in enumerate(zip(q.mean[0].tolist(), q.stddev[0].tolist(), strict=True)):
        _draw_bell(of_code, 0.0, 1.0, GREY, base=row - 0.4, height=0.8, dashed=True)
        _draw_bell(of_code, mean, deviation, ORANGE, base=row - 0.4, height=0.8)
    for row, (mean, deviation) in enumerate(zip(means, deviations, strict=True)):
        _draw_bell(tracks, mean, deviation, ORANGE, base=row - 0.38, height=0.5)
        said = f"{mean:.2f} ± {deviation:.2f}"
        tracks.text(1.2, row + 0.12, said, va="center", ha="left", color=ORANGE_INK, weight="bold", size=18)
    return figure


@in_course_style
def attribute_bells(posteriors: Mapping[str, Normal], names: Sequence[str]) -> CourseFigure:
    """The attributes of one face, side by side: for each label a push-forward (1, K) of its posterior.

    Raises TypeError or ValueError that names the argument.
    """
    _require_posteriors(posteriors)
    require.names("names", names)
    for label, q in posteriors.items():
        if q.mean.shape[1] != len(names):
            raise ValueError(
                f"names must be the {q.mean.shape[1]} attributes of posteriors[{label!r}], got {len(names)}"
            )
    alt = _("For each of {names}: bell curves of the same face under {labels}.").format(
        names=", ".join(_(name) for name in names), labels=listed(posteriors)
    )
    figure = new_figure(4.9 * len(posteriors), 0.95 * len(names) + 1.0, alt)
    for place, (axes, label, q) in enumerate(side_by_side(figure, posteriors)):
        _draw_tracks(axes, [""] * len(names) if place else names)  # the names stand at the left, once for all
        axes.set_title(label)
        for row, (mean, deviation) in enumerate(zip(q.mean[0].tolist(), q.stddev[0].tolist(), strict=True)):
            _draw_bell(axes, mean, deviation, ORANGE, base=row - 0.25, height=0.75)
            axes.text(1.2, row + 0.1, f"± {deviation:.3f}", va="center", ha="left", color=ORANGE)
    return figure


@in_course_style
def latent_bells(posteriors: Mapping[str, Normal]) -> CourseFigure:
    """For each label the D posteriors q_j(z|x) (1, D) of one image in latent units, over the prior N(0, 1).

    All bells of one panel are drawn equally high; widths and positions are to scale. Raises TypeError or ValueError
    that names the argument.
    """
    _require_posteriors(posteriors)
    alt = _("The latent distributions of one image under {labels}, each over the prior's bell curve.")
    alt = alt.format(labels=listed(posteriors))
    latents = max(q.mean.shape[1] for q in posteriors.values())
    span = max(4, *(1.1 * (q.mean.abs() + 2 * q.stddev).max().item() for q in posteriors.values()))  # one scale
    figure = new_figure(5.6 * len(posteriors), 0.5 * latents + 1.6, alt)
    for axes, label, q in side_by_side(figure, posteriors):
        for row, (mean, deviation) in enumerate(zip(q.mean[0].tolist(), q.stddev[0].tolist(), strict=True)):
            _draw_bell(axes, 0.0, 1.0, GREY, base=row - 0.3, height=0.7, dashed=True)
            _draw_bell(axes, mean, deviation, ORANGE, base=row - 0.3, height=0.7)
        axes.set(title=label, xlabel=_("z   (dashed: the prior)"), xlim=(-span, span), ylim=(latents - 0.4, -1.1))
        axes.set_yticks(range(latents), [f"$z_{{{j + 1}}}$" for j in range(latents)])
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False)
    return figure


def _require_posteriors(posteriors: Mapping[str, Normal]) -> None:
    require.mapping("posteriors", posteriors)
    for label, q in posteriors.items():
        require.bells(f"posteriors[{label!r}]", q)
        if len(q.mean) != 1:
            raise ValueError(f"posteriors[{label!r}] must be of one image, over (1, D), got {tuple(q.mean.shape)}")


def _code_of_face(model, model_name: str, probes: Probes, image: Tensor, truth: Tensor | None) -> Tensor | Normal:
    """What the model encodes the one image to, once it and the other arguments are found to fit together."""
    require.images("image", image)
    if len(image) != 1:
        raise ValueError(f"image must be a single one, (1, C, H, W), got {tuple(image.shape)}")
    require_images_for(model, image, model_name=model_name, images_name="image")
    if not isinstance(probes, Probes):
        raise TypeError(f"probes must be what fit_probes returns, got {type(probes).__name__}")
    code = code_of(model, image, model_name=model_name, images_name="image")
    latents = (code.mean if isinstance(code, Normal) else code).shape[1]
    if probes.weight.shape[1] != latents:
        raise ValueError(f"probes must read the {latents} latents of {model_name}, they read {probes.weight.shape[1]}")
    if truth is not None:
        require.line("truth", truth, len(probes.names))
    return code


def _figure_of_path(
    title: str, image: Tensor, x_hat: Tensor, letter: str, names: Sequence[str], truth: Tensor | None, alt: str
) -> tuple[CourseFigure, Axes, Axes]:
    """x → encoder → code → decoder → x̂ above, and below the code its side branch; the caller draws on the last two."""
    figure = new_figure(14, 8.6, alt)
    figure.set_layout_engine("none")  # each part has its place, the same in both figures
    figure.suptitle(title, weight="bold", fontsize=26)
    face, to_code, of_code, to_image, shown, branch, tracks, key = (figure.add_axes(place) for place in PLACES)
    draw_image(face, image[0])
    face.set_title(_("image $x$"), fontsize=22)
    _draw_arrow(to_code, (0, 0.5), (1, 0.5), _("encoder"), (0.5, 0.56))
    _draw_arrow(to_image, (0, 0.5), (1, 0.5), _("decoder"), (0.5, 0.56))
    draw_image(shown, _tiled(x_hat))
    of_samples = _("$\\hat{{x}}$ of {count} samples $z$").format(count=len(x_hat))
    shown.set_title("$\\hat{x}$" if len(x_hat) == 1 else of_samples, fontsize=22)
    read_off = _("  read off ${letter}$ by linear probes").format(letter=letter)
    _draw_arrow(branch, (0.5, 1), (0.5, 0), read_off, (0.53, 0.35), align="left")
    _draw_tracks(tracks, names)
    tracks.tick_params(labelsize=18)
    if truth is not None:
        for row, value in enumerate(truth.tolist()):
            tracks.plot(value, row + 0.3, "^", color="black", markersize=11, markeredgecolor="white", zorder=5)
        key.text(0, 0.5, _("▲ what the face\n    was drawn with"), va="center", fontsize=17)
    hide_axes(key)
    return figure, of_code, tracks


def _draw_arrow(axes: Axes, start, end, name: str, place, *, align: str = "center") -> None:
    """An arrow with its name, on axes from 0 to 1 that hold nothing else."""
    axes.set(xlim=(0, 1), ylim=(0, 1))
    hide_axes(axes)
    arrow = {"arrowstyle": "-|>", "linewidth": 4, "color": GREY, "mutation_scale": 30}
    axes.annotate("", end, start, arrowprops=arrow)
    size = 19 if align == "left" else min(19, 225 / len(name))  # in the middle it stands between two panels
    axes.text(*place, name, ha=align, fontsize=size)


def _tiled(images: Tensor) -> Tensor:
    """Images (n, C, H, W) side by side in a square as one image, white where there is none."""
    side = math.ceil(len(images) ** 0.5)
    white = images.new_ones(side * side - len(images), *images.shape[1:])
    gap = 1 if len(images) > 1 else 0
    framed = F.pad(torch.cat([images, white]), [gap] * 4, value=1.0)
    rows = framed.unflatten(0, (side, side))  # (side, side, C, H, W)
    return torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)  # (C, side · H, side · W)


def _draw_code_axes(axes: Axes, letter: str, latents: int, span: float) -> None:
    """A track from −span to span for each latent, first on top."""
    for row in range(latents):
        foot = row if letter == "h" else row + 0.4
        axes.plot([-span, span], [foot, foot], color="#DDDDDD", linewidth=2, zorder=0)
    axes.set(xlim=(-span, span), ylim=(latents - 0.4, -0.6))
    axes.set_yticks(range(latents), [f"${letter}_{{{j + 1}}}$" for j in range(latents)])
    axes.set_title(_("code $h$: numbers") if letter == "h" else _("$q(z|x)$: bells"), fontsize=22)
    axes.tick_params(left=False, labelsize=16 if latents <= 10 else 11)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_tracks(axes: Axes, names: Sequence[str]) -> None:
    """One horizontal track from 0 to 1 for each attribute, first on top."""
    for row in range(len(names)):
        axes.plot([0, 1], [row + 0.12, row + 0.12], color="#DDDDDD", linewidth=3, zorder=0)
    axes.set(xlim=(-0.12, 1.6), ylim=(len(names) - 0.4, -0.7))  # on the right there is room for numbers
    axes.set_yticks([row + 0.12 for row in range(len(names))], [_(name) for name in names])
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
