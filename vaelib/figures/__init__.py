"""Figures made by trained models. Each function returns a matplotlib Figure that carries its own alt text."""

from vaelib.figures.bells import attribute_bells, figure_uae, figure_vae, latent_bells
from vaelib.figures.canvas import CourseFigure
from vaelib.figures.charts import (
    against_beta,
    curves,
    hole_bars,
    kl_bars,
    labelled_points,
    number_tables,
    rate_distortion,
    training_curves,
)
from vaelib.figures.diagrams import network_boxes, noise_to_latent, two_arrows
from vaelib.figures.landscapes import loss_landscapes
from vaelib.figures.latent_plane import latent_maps, latent_planes, latent_scatter
from vaelib.figures.measured import change_of, every_latent, posterior_planes, rate_bars, walks_of_latents
from vaelib.figures.pictures import picture_html, pictures, reconstructions
from vaelib.palette import BLUE, CLASS_COLOURS, CLASS_MARKERS, GREY, ORANGE

__all__ = [
    "BLUE",
    "CLASS_COLOURS",
    "CLASS_MARKERS",
    "GREY",
    "ORANGE",
    "CourseFigure",
    "against_beta",
    "attribute_bells",
    "change_of",
    "curves",
    "every_latent",
    "figure_uae",
    "figure_vae",
    "hole_bars",
    "kl_bars",
    "labelled_points",
    "latent_bells",
    "latent_maps",
    "latent_planes",
    "latent_scatter",
    "loss_landscapes",
    "network_boxes",
    "noise_to_latent",
    "number_tables",
    "picture_html",
    "pictures",
    "posterior_planes",
    "rate_bars",
    "rate_distortion",
    "reconstructions",
    "training_curves",
    "two_arrows",
    "walks_of_latents",
]
