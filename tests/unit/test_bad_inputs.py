"""Bad input to any public function is a ValueError or a TypeError that names the argument."""

import inspect
import math
import re

import pytest
import torch
from torch import nn
from torch.distributions import Laplace, Normal

from vaelib import (
    VAE,
    Autoencoder,
    MultiRateVAE,
    explorers,
    faces,
    figures,
    fit,
    kl_to_standard_normal,
    measures,
    rate,
    require,
    vae_loss,
)
from vaelib.faces import Faces, render
from vaelib.history import History
from vaelib.landscape import loss_landscape
from vaelib.losses import log_likelihood, reconstruction_error
from vaelib.models import sample
from vaelib.recording import Recording

NAN, INF = math.nan, math.inf
SHAPE, LARGE = (3, 16, 16), (3, 20, 20)
x = faces(30, size=16).images
double, whole, flat, nothing = x.double(), (255 * x).byte(), x.flatten(1), x[:0]
with_nan, smaller, grey = x.where(x < 0.9, NAN), x[..., :-1], x[:, :1]
labels = torch.arange(30) % 3
codes = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
codes_with_nan = codes.where(codes < 1, NAN)
q = Normal(torch.zeros(30, 4), torch.ones(30, 4))
q_of_2 = Normal(torch.zeros(1, 2), torch.ones(1, 2))
parts = rate.RateParts(3.0, 2.0, 1.0, 0.1)
uae, vae = Autoencoder(SHAPE, 4, (8,)), VAE(SHAPE, 4, (8,))
probes = measures.fit_probes(codes, torch.rand(30, 2), ["a", "b"])
wrong_probes = measures.fit_probes(codes[:, :3], torch.rand(30, 2), ["a", "b"])


def unchecked(mu, sigma):
    """A Normal that torch would refuse."""
    return Normal(torch.full((30, 4), mu), torch.full((30, 4), sigma), validate_args=False)


# What any function of a batch of images must refuse, by the name of what is wrong.
IMAGES = {
    "a list": [1.0],
    "bytes": whole,
    "wrong rank": flat,
    "one image without its batch": x[0],
    "empty": nothing,
    "NaN": with_nan,
    "inf": x.where(x < 0.9, INF),
}
OF_A_MODEL = IMAGES | {"too small": smaller, "too few channels": grey, "another dtype": double}
NOT_SHOWN = OF_A_MODEL | {"too few": x[:7], "beyond 1": 2 * x}  # by an explorer
NUMBERS = {"a str": "1", "None": None, "negative": -0.5, "NaN": NAN, "inf": INF, "a bool": True}
BETAS = {name: value for name, value in NUMBERS.items() if value is not None}  # None is fit's default
COUNTS = {"a float": 1.5, "a str": "1", "a bool": True, "zero": 0, "negative": -1, "None": None}
LINES = {"a list": [1.0, 2.0], "whole numbers": torch.arange(4), "NaN": torch.tensor([0.0, NAN, 1.0, 2.0])}
SEEDS = {"a float": 1.5, "a str": "1", "negative": -1}
CHOICE = {"unknown": "l2", "a number": 1, "None": None}
POSTERIORS = {
    "a tensor": torch.zeros(30, 4),
    "a Laplace": Laplace(torch.zeros(30, 4), torch.ones(30, 4)),
    "wrong rank": Normal(torch.zeros(4), torch.ones(4)),
    "empty": Normal(torch.zeros(30, 0), torch.ones(30, 0)),
}
ODD_POSTERIORS = {
    "NaN": unchecked(NAN, 1.0),
    "σ of 0": unchecked(0.0, 0.0),
    "σ below 0": unchecked(0.0, -1.0),
    "infinite σ": unchecked(0.0, INF),
    "another batch": Normal(torch.zeros(29, 4), torch.ones(29, 4)),
}
TABLES = {"a list": [1.0], "whole numbers": codes.long(), "wrong rank": codes[0], "empty": codes[:0]}
ODD_TABLES = {"NaN": codes_with_nan}
ROWS = ["a"] * len(codes)
MAPPINGS = {"a list": [codes], "empty": {}}


def row(function, argument, bad, *args, **kwargs):
    """`args` and `kwargs` are right; `argument` is replaced by each of the `bad` values in turn."""
    complete = inspect.signature(function).bind(*args, **kwargs)
    return [(function, complete, argument, what, value) for what, value in bad.items()]


some = faces(30, size=16)
NOT_FACES = {
    "a tensor": x,
    "a pair": (x, some.factors),
    "None of them": some._replace(images=nothing),
    "0 to 255": some._replace(images=255 * x),
}
OF_TRAIN = {
    "too few": Faces(x[:6], some.factors[:6]),
    "another size": faces(30),
    "five factors": some._replace(factors=some.factors[:, :5]),
    "too few factors": some._replace(factors=some.factors[:9]),
    "factors with NaN": some._replace(factors=some.factors * NAN),
    "factors as a list": some._replace(factors=[0.5]),
    "bytes": some._replace(images=whole),
}


def of_faces(explore):
    """What an explorer of faces must refuse."""
    right = (explore, uae, vae, some, some)
    bad = {
        "autoencoder": {
            "a str": "UAE",
            "a VAE": vae,
            "the class": Autoencoder,
            "of larger images": Autoencoder(LARGE, 4),
        },
        "vae": {"a str": "VAE", "a UAE": uae, "a MultiRateVAE": MultiRateVAE(SHAPE, 4), "of larger": VAE(LARGE, 4)},
        "train": NOT_FACES | OF_TRAIN,
        "test": NOT_FACES | {"seven": faces(7, size=16), "another size": faces(8)},
        "names": {"a str": "abcdef", "numbers": [1] * 6, "None": None, "empty": [], "five": ["a"] * 5},
        "seed": SEEDS,
    }
    return [case for name, values in bad.items() for case in row(explore, name, values, *right[1:])]


TRUTHS = {"a list": [0.1, 0.2], "too many": torch.rand(3), "NaN": torch.tensor([0.1, NAN])}
MU_AND_SIGMA = torch.linspace(-1, 1, 5), torch.tensor([0.1, 0.5, 1.0])
NOT_THIS_LOSS = {
    "a str": "VAE",
    "a UAE": uae,
    "the class": VAE,
    "a MultiRateVAE": MultiRateVAE(SHAPE, 4, (8,)),
    "of 17 latents": VAE(SHAPE, 17, (8,)),
}

# What the explorers of a plane must refuse.
uae2, vae2 = Autoencoder(SHAPE, 2, (8,)), VAE(SHAPE, 2, (8,))
digit_vae, digit_x = VAE((1, 28, 28), 2, (8,)), torch.zeros(30, 1, 28, 28)
NOT_THIS_VAE = {
    "a str": "vae",
    "the class": VAE,
    "of 4 latents": vae,
    "for every β": MultiRateVAE(SHAPE, 2, (8,)),
}
NOT_THIS_UAE = {"a str": "uae", "a VAE": vae2, "of 4 latents": uae, "other images": Autoencoder(LARGE, 2, (8,))}
NOT_LABELS = {
    "a list": [1] * 30,
    "floats": labels.float(),
    "bools": labels.bool(),
    "too few": labels[:29],
    "wrong rank": labels[:, None],
    "10": labels + 8,
    "negative": labels - 1,
}
NOT_DIGITS = {
    "a tensor": x,
    "images alone": (x,),
    "a list of them": [x, labels],
    "images in a list": ([1.0], labels),
    "NaN": (with_nan, labels),
    "too small": (smaller, labels),
    "beyond 1": (2 * x, labels),
} | {f"labels: {what}": (x, bad) for what, bad in NOT_LABELS.items()}


def recorded(model, images=x, epochs=2):
    recording = Recording(model, images, labels)
    for epoch in range(epochs):
        recording(epoch + 1, None)
    return recording


of_vae, of_uae = recorded(vae2), recorded(uae2)
NOT_THIS_RECORDING = {"a str": "run", "a model": vae2, "the class": Recording}
NOT_BESIDE_OF_VAE = {"untrained": recorded(uae2, epochs=0), "longer": recorded(uae2, epochs=3)}
NOT_BESIDE_OF_VAE |= {"other images": recorded(uae2, 1 - x)}

TABLE = [
    *row(vae_loss, "x", IMAGES, x, x, q),
    *row(vae_loss, "x_hat", OF_A_MODEL, x, x, q),
    *row(vae_loss, "q", POSTERIORS | ODD_POSTERIORS, x, x, q),
    *row(vae_loss, "beta", NUMBERS, x, x, q),
    *row(vae_loss, "reconstruction", CHOICE, x, x, q),
    *row(vae_loss, "scale", NUMBERS | {"zero": 0.0, "too large to square": 1e155}, x, x, q, reconstruction="mse"),
    *row(vae_loss, "scale", {"not for bce": 0.5}, x, x, q, reconstruction="bce"),
    *row(vae_loss, "x", {"above 1": 2 * x, "below 0": -x, "NaN": with_nan}, x, x, q, reconstruction="bce"),
    *row(vae_loss, "x_hat", {"above 1": 2 * x, "below 0": -x, "NaN": with_nan}, x, x, q, reconstruction="bce"),
    *row(kl_to_standard_normal, "q", POSTERIORS, q),
    *row(reconstruction_error, "x", IMAGES, x, x),
    *row(reconstruction_error, "x_hat", OF_A_MODEL, x, x),
    *row(reconstruction_error, "reconstruction", CHOICE, x, x),
    *row(log_likelihood, "x", IMAGES, x, x),
    *row(log_likelihood, "x_hat", OF_A_MODEL, x, x),
    *row(log_likelihood, "reconstruction", CHOICE, x, x),
    *row(log_likelihood, "scale", NUMBERS | {"zero": 0.0}, x, x),
    # models
    *row(
        VAE,
        "image_shape",
        {"a number": 3, "two": (3, 16), "zero": (3, 0, 16), "floats": (3.0, 16, 16)},
        SHAPE,
        4,
    ),
    *row(VAE, "latent_dim", COUNTS, SHAPE, 4),
    *row(VAE, "hidden", {"a number": 8, "empty": (), "zero": (8, 0), "a str": "8"}, SHAPE, 4),
    *row(VAE, "seed", {"a float": 1.5, "a str": "1"}, SHAPE, 4),
    *row(VAE, "mean_image", {"a list": [0.5], "bytes": whole[0], "a batch": x, "NaN": x[0] * NAN}, SHAPE, 4),
    *row(VAE, "mean_image", {"above 1": x[0] + 1, "too small": smaller[0]}, SHAPE, 4),
    *row(uae.encode, "x", OF_A_MODEL, x),
    *row(vae.encode, "x", OF_A_MODEL, x),
    *row(
        vae.decode,
        "z",
        TABLES | ODD_TABLES | {"too wide": torch.zeros(3, 5), "double": codes.double()},
        codes,
    ),
    *row(sample, "q", {"a tensor": codes, "a Laplace": POSTERIORS["a Laplace"]}, q),
    *row(VAE.load, "path", {"a number": 3, "None": None}, "model.safetensors"),
    *row(vae.save, "path", {"a number": 3, "None": None}, "model.safetensors"),
    # training
    *row(fit, "model", {"a str": "VAE", "the class": VAE, "no autoencoder": torch.nn.Linear(2, 2)}, vae, x),
    *row(fit, "images", OF_A_MODEL, vae, x),
    *row(fit, "epochs", COUNTS, vae, x),
    *row(fit, "batch_size", COUNTS, vae, x),
    *row(fit, "beta", BETAS, vae, x),
    *row(fit, "beta", BETAS, uae, x),
    *row(fit, "beta", BETAS | {"any": 1.0}, MultiRateVAE(SHAPE, 4, (8,)), x),
    *row(fit, "reconstruction", CHOICE, vae, x),
    *row(fit, "scale", NUMBERS | {"zero": 0.0}, vae, x),
    *row(fit, "learning_rate", NUMBERS | {"zero": 0.0}, vae, x),
    *row(fit, "seed", SEEDS, vae, x),
    *row(fit, "callback", {"a number": 3}, vae, x),
    # faces
    *row(faces, "n", COUNTS, 1),
    *row(faces, "seed", SEEDS, 1),
    *row(faces, "size", COUNTS | {"tiny": 8, "huge": 1000}, 1),
    *row(
        render,
        "factors",
        {
            "a list": [[0.5] * 6],
            "whole numbers": torch.zeros(2, 6, dtype=torch.long),
            "wrong rank": torch.zeros(6),
            "empty": torch.zeros(0, 6),
            "five of them": torch.zeros(2, 5),
            "above 1": torch.full((2, 6), 1.1),
            "below 0": torch.full((2, 6), -0.1),
            "NaN": torch.full((2, 6), NAN),
        },
        torch.zeros(2, 6),
    ),
    *row(render, "size", COUNTS | {"tiny": 8, "huge": 1000}, torch.zeros(2, 6)),
    # landscape
    *row(loss_landscape, "vae", {"a str": "VAE", "a UAE": uae, "the class": VAE}, vae, x[:1], 0, *MU_AND_SIGMA),
    *row(loss_landscape, "image", OF_A_MODEL | {"two": x[:2]}, vae, x[:1], 0, *MU_AND_SIGMA),
    *row(loss_landscape, "latent", SEEDS | {"too many": 4}, vae, x[:1], 0, *MU_AND_SIGMA),
    *row(loss_landscape, "mu", LINES, vae, x[:1], 0, *MU_AND_SIGMA),
    *row(loss_landscape, "sigma", LINES | {"zero": torch.zeros(3)}, vae, x[:1], 0, *MU_AND_SIGMA),
    # measures
    *row(measures.evaluate, "vae", {"a str": "VAE", "a UAE": uae, "the class": VAE}, vae, x),
    *row(measures.evaluate, "images", OF_A_MODEL, vae, x),
    *row(measures.evaluate, "reconstruction", CHOICE, vae, x),
    *row(measures.evaluate, "scale", NUMBERS | {"zero": 0.0, "too large to double": 1e308}, vae, x),
    *row(measures.evaluate, "seed", SEEDS, vae, x),
    *row(measures.evaluate, "batch_size", COUNTS, vae, x),
    *row(measures.log_marginal, "vae", {"a str": "VAE", "a UAE": uae}, vae, x),
    *row(measures.log_marginal, "images", OF_A_MODEL, vae, x),
    *row(measures.log_marginal, "samples", COUNTS, vae, x),
    *row(measures.log_marginal, "reconstruction", CHOICE, vae, x),
    *row(measures.log_marginal, "scale", NUMBERS | {"zero": 0.0}, vae, x),
    *row(measures.log_marginal, "seed", SEEDS, vae, x),
    *row(measures.log_marginal, "batch_size", COUNTS, vae, x),
    *row(rate.decompose_rate, "vae", {"a str": "VAE", "a UAE": uae}, vae, x),
    *row(rate.decompose_rate, "images", OF_A_MODEL | {"a single one": x[:1]}, vae, x),
    *row(rate.decompose_rate, "samples", COUNTS, vae, x),
    *row(rate.decompose_rate, "seed", SEEDS, vae, x),
    *row(rate.decompose_rate, "batch_size", COUNTS, vae, x),
    *row(measures.reconstruct, "model", {"a str": "VAE"}, vae, x),
    *row(measures.reconstruct, "images", OF_A_MODEL, vae, x),
    *row(measures.codes_of, "model", {"a str": "VAE"}, vae, x),
    *row(measures.codes_of, "images", OF_A_MODEL, vae, x),
    *row(measures.heard_codes_of, "model", {"a str": "VAE"}, vae, x),
    *row(measures.heard_codes_of, "images", OF_A_MODEL, vae, x),
    *row(measures.heard_codes_of, "seed", SEEDS, vae, x),
    *row(measures.fit_probes, "z", TABLES | ODD_TABLES | {"too few": codes[:4]}, codes, codes[:, :2], ["a", "b"]),
    *row(
        measures.fit_probes,
        "factors",
        TABLES | ODD_TABLES | {"too few": codes[:9, :2]},
        codes,
        codes[:, :2],
        [],
    ),
    *row(
        measures.fit_probes,
        "names",
        {"a str": "ab", "a set": {"a", "b"}, "numbers": [1, 2]},
        codes,
        codes[:, :2],
        ["a", "b"],
    ),
    *row(probes.predict, "z", TABLES | ODD_TABLES | {"too wide": torch.zeros(3, 5)}, codes),
    *row(probes.push_forward, "q", POSTERIORS | {"too wide": Normal(torch.zeros(3, 5), torch.ones(3, 5))}, q),
    *row(probes.r2, "z", TABLES | ODD_TABLES | {"too wide": torch.zeros(30, 5)}, codes, codes[:, :2]),
    *row(probes.r2, "factors", TABLES | {"too few": codes[:9, :2], "three": codes[:, :3]}, codes, codes[:, :2]),
    *row(measures.distance_to_nearest, "pictures", IMAGES, x, x),
    *row(measures.distance_to_nearest, "real", OF_A_MODEL, x, x),
    *row(measures.distance_to_nearest, "batch_size", COUNTS, x, x),
    *row(measures.sample_codes, "codes", TABLES | ODD_TABLES, codes, 5, "matched normal"),
    *row(measures.sample_codes, "codes", {"a single one": codes[:1]}, codes, 5, "matched normal"),
    *row(measures.sample_codes, "n", COUNTS, codes, 5, "standard normal"),
    *row(measures.sample_codes, "density", CHOICE, codes, 5, "mixture"),
    *row(measures.sample_codes, "components", COUNTS | {"more than codes": 31}, codes, 5, "mixture"),
    *row(measures.sample_codes, "seed", SEEDS, codes, 5, "standard normal"),
    *row(measures.holes, "autoencoder", {"a str": "UAE"}, uae, x, x),
    *row(measures.holes, "vae", {"a str": "VAE"}, uae, x, x),
    *row(measures.holes, "real", OF_A_MODEL, uae, x, x),
    *row(measures.holes, "held_out", OF_A_MODEL, uae, x, x),
    *row(measures.holes, "n", COUNTS, uae, x, x),
    *row(measures.holes, "seed", SEEDS, uae, x, x),
    # figures
    *row(figures.picture_html, "images", {k: v for k, v in IMAGES.items() if k not in ("NaN", "inf")}, x, "alt"),
    *row(figures.picture_html, "images", {"two channels": x[:, :2], "four": x[:, [0, 1, 2, 2]]}, x, "alt"),
    *row(figures.pictures, "rows", {"two channels": {"a": x[:, :2]}}, {"a": x}, alt="a"),
    *row(explorers.explore_loss, "vae", {"two channels": VAE((2, 16, 16), 4, (8,))}, vae, x),
    *row(figures.picture_html, "alt", {"empty": "", "blank": " ", "None": None, "a number": 3}, x, "alt"),
    *row(figures.picture_html, "height", COUNTS, x, "alt"),
    *row(figures.training_curves, "history", {"a dict": {}, "empty": History(1.0)}, History(1.0)),
    *row(
        figures.pictures,
        "rows",
        MAPPINGS | {"bytes": {"a": whole}, "no images": {"a": nothing}},
        {"a": x},
        alt="a",
    ),
    *row(figures.pictures, "columns", {"too many": ["a"] * 31}, {"a": x}, alt="a"),
    *row(figures.pictures, "alt", {"empty": "", "None": None}, {"a": x}, alt="a"),
    *row(
        figures.reconstructions,
        "models",
        MAPPINGS | {"for every β": {"all": MultiRateVAE(SHAPE, 4, (8,))}},
        {"VAE": vae},
        x,
    ),
    *row(figures.reconstructions, "images", OF_A_MODEL, {"VAE": vae}, x),
    *row(figures.figure_uae, "autoencoder", {"a str": "UAE", "a VAE": vae}, uae, probes, x[:1]),
    *row(
        figures.figure_uae,
        "probes",
        {"a tensor": codes, "of other latents": wrong_probes},
        uae,
        probes,
        x[:1],
    ),
    *row(figures.figure_uae, "truth", TRUTHS, uae, probes, x[:1]),
    *row(figures.figure_vae, "truth", TRUTHS, vae, probes, x[:1]),
    *row(figures.figure_uae, "image", OF_A_MODEL | {"two": x[:2]}, uae, probes, x[:1]),
    *row(figures.figure_vae, "vae", {"a str": "VAE", "a UAE": uae}, vae, probes, x[:1]),
    *row(
        figures.figure_vae,
        "probes",
        {"a tensor": codes, "of other latents": wrong_probes},
        vae,
        probes,
        x[:1],
    ),
    *row(figures.figure_vae, "image", OF_A_MODEL | {"two": x[:2]}, vae, probes, x[:1]),
    *row(figures.figure_vae, "samples", COUNTS, vae, probes, x[:1]),
    *row(figures.figure_vae, "seed", SEEDS, vae, probes, x[:1]),
    *row(figures.loss_landscapes, "vae", {"a str": "VAE", "a UAE": uae}, vae, x[:1], 0),
    *row(figures.loss_landscapes, "image", OF_A_MODEL | {"two": x[:2]}, vae, x[:1], 0),
    *row(figures.loss_landscapes, "latent", SEEDS | {"too many": 4}, vae, x[:1], 0),
    *row(
        figures.loss_landscapes,
        "betas",
        {"a number": 1, "empty": [], "negative": [-1], "too much": [1e7]},
        vae,
        x[:1],
        0,
    ),
    *row(figures.attribute_bells, "posteriors", MAPPINGS | {"a tensor": {"a": codes}}, {"a": q}, "abcd"),
    *row(figures.attribute_bells, "names", {"too few": ["a", "b"]}, {"a": Normal(q.mean[:1], q.stddev[:1])}, "abcd"),
    *row(figures.latent_bells, "posteriors", MAPPINGS | {"a tensor": {"a": codes}}, {"a": q}),
    *row(
        figures.kl_bars,
        "kl_per_latent",
        MAPPINGS | {"no latents": {"a": []}, "NaN": {"a": [NAN]}},
        {"a": [1.0]},
    ),
    *row(
        figures.curves,
        "x",
        LINES | {"a matrix": codes, "a point": codes[0, :1]},
        codes[0],
        {"a": {"b": codes[0]}},
        alt="a",
    ),
    *row(
        figures.curves,
        "panels",
        MAPPINGS
        | {f"a curve that is {k}": {"a": {"b": v}} for k, v in LINES.items()}
        | {"too short": {"a": {"b": codes[0, :3]}}},
        codes[0],
        {"a": {"b": codes[0]}},
        alt="a",
    ),
    *row(figures.curves, "filled", {"unknown": ["c"]}, codes[0], {"a": {"b": codes[0]}}, alt="a"),
    *row(
        figures.curves,
        "limits",
        {"unknown": {"c": (0, 1)}, "a pair": (0, 1)},
        codes[0],
        {"a": {"b": codes[0]}},
        alt="a",
    ),
    *row(figures.curves, "alt", {"empty": "", "None": None}, codes[0], {"a": {"b": codes[0]}}, alt="a"),
    *row(
        figures.number_tables,
        "tables",
        MAPPINGS | {f"a table that is {k}": {"a": v} for k, v in (TABLES | ODD_TABLES).items()},
        {"a": codes},
        ROWS,
        list("abcd"),
        alt="a",
    ),
    *row(figures.number_tables, "reach", NUMBERS | {"zero": 0.0}, {"a": codes}, ROWS, list("abcd"), alt="a"),
    *row(figures.number_tables, "alt", {"empty": "", "None": None}, {"a": codes}, ROWS, list("abcd"), alt="a"),
    *row(
        figures.labelled_points,
        "series",
        MAPPINGS
        | {"a number inside": {"a": 1.0}, "no point": {"a": {}}, "not a pair": {"a": {"b": 1.0}}}
        | {"three numbers": {"a": {"b": (1, 2, 3)}}, "NaN": {"a": {"b": (1, NAN)}}, "text": {"a": {"b": "ab"}}},
        {"a": {"b": (1, 2)}},
        xlabel="x",
        ylabel="y",
        alt="a",
    ),
    *row(
        figures.labelled_points,
        "alt",
        {"empty": "", "None": None},
        {"a": {"b": (1, 2)}},
        xlabel="x",
        ylabel="y",
        alt="a",
    ),
    *row(
        figures.rate_distortion,
        "models",
        MAPPINGS | {"a number inside": {"a": 1.0}, "no β": {"a": {}}, "a pair": {"a": {1.0: (1.0, 2.0)}}},
        {"a": {1.0: measures.Evaluation(1.0, 2.0, -3.0, torch.ones(1))}},
    ),
    *row(
        figures.against_beta,
        "lines",
        MAPPINGS
        | {"a number inside": {"a": 1.0}, "no β": {"a": {}}, "β of 0": {"a": {0: 1.0}}, "NaN": {"a": {1: NAN}}}
        | {"text": {"a": {1: "b"}}, "below 0 on a logarithmic axis": {"a": {1: -1.0}}},
        {"a": {1.0: 2.0}},
        ylabel="y",
        collapsed=0.01,
        alt="a",
    ),
    *row(
        figures.against_beta,
        "collapsed",
        {"a str": "1", "negative": -0.5, "zero": 0.0, "NaN": NAN},
        {"a": {1.0: 2.0}},
        ylabel="y",
        alt="a",
    ),
    *row(figures.against_beta, "alt", {"empty": "", "None": None}, {"a": {1.0: 2.0}}, ylabel="y", alt="a"),
    *row(figures.latent_scatter, "model", {"a str": "VAE", "of 4 latents": vae}, VAE(SHAPE, 2, (8,)), x, labels),
    *row(figures.latent_scatter, "images", OF_A_MODEL, VAE(SHAPE, 2, (8,)), x, labels),
    *row(
        figures.latent_scatter,
        "labels",
        {"a list": [1, 2], "too few": labels[:-1], "floats": labels.float()},
        VAE(SHAPE, 2, (8,)),
        x,
        labels,
    ),
    *row(figures.latent_planes, "seen", {"a number": 3, "None": None}, {"z": VAE(SHAPE, 2, (8,))}, x, labels, seen=""),
    *row(figures.latent_scatter, "ellipses", {"negative": -1, "a float": 1.5}, VAE(SHAPE, 2, (8,)), x, labels),
    *row(
        figures.latent_maps,
        "panels",
        MAPPINGS
        | {"for every β": {"a": (MultiRateVAE(SHAPE, 2, (8,)), codes[0], codes[0])}}
        | {"no values": {"a": VAE(SHAPE, 2, (8,))}, "of 4 latents": {"a": (vae, codes[0], codes[0])}}
        | {f"across {k}": {"a": (VAE(SHAPE, 2, (8,)), v, codes[0])} for k, v in LINES.items()},
        {"a": (VAE(SHAPE, 2, (8,)), codes[0], codes[0])},
        alt="a",
    ),
    *row(
        figures.latent_maps,
        "codes",
        MAPPINGS | {"another panel's": {"b": codes[:, :2]}, "4 latents": {"a": codes}, "a line": {"a": codes[0]}},
        {"a": (VAE(SHAPE, 2, (8,)), codes[0], codes[0])},
        codes=None,
        alt="a",
    ),
    *row(
        figures.latent_maps,
        "alt",
        {"empty": "", "None": None},
        {"a": (VAE(SHAPE, 2, (8,)), codes[0], codes[0])},
        alt="a",
    ),
    *row(figures.hole_bars, "distances", MAPPINGS | {"a list inside": {"a": [1.0]}}, {"a": codes[0]}),
    *row(
        figures.hole_bars,
        "distances",
        {"none": {"a": codes[0, :0]}, "NaN": {"a": codes[0] * NAN}, "wrong rank": {"a": codes}},
        {"a": codes[0]},
    ),
    *row(figures.walks_of_latents, "model", {"a str": "VAE"}, vae, x[:1], x),
    *row(figures.walks_of_latents, "image", OF_A_MODEL | {"two": x[:2]}, vae, x[:1], x),
    *row(figures.walks_of_latents, "images", OF_A_MODEL | {"a single one": x[:1]}, vae, x[:1], x),
    *row(figures.walks_of_latents, "reach", NUMBERS | {"zero": 0.0, "too far": 1e308}, vae, x[:1], x),
    *row(figures.walks_of_latents, "steps", COUNTS | {"one": 1, "too many": 10**6}, vae, x[:1], x),
    *row(figures.walks_of_latents, "seed", SEEDS, vae, x[:1], x),
    *row(figures.every_latent, "walks", MAPPINGS | {"images": {"a": x}, "no step": {"a": x[None, :0]}}, {"a": x[None]}),
    *row(figures.every_latent, "columns", COUNTS, {"a": x[None]}),
    *row(figures.rate_bars, "parts", MAPPINGS | {"numbers": {"a": (1.0, 1.0, 0.0, 0.0)}}, {"a": parts}, images=30),
    *row(figures.rate_bars, "images", COUNTS | {"one": 1}, {"a": parts}, images=30),
    *row(
        figures.posterior_planes,
        "panels",
        MAPPINGS
        | {
            "another grid": {"a": (codes, q_of_2)},
            "4 latents": {"a": (codes[:4], Normal(q.mean[:1], q.stddev[:1]))},
            "several images": {"a": (codes[:4], Normal(q.mean[:, :2], q.stddev[:, :2]))},
            "no q": {"a": codes[:4]},
        },
        {"a": (codes[:4], q_of_2)},
        codes[0],
        alt="a",
    ),
    *row(figures.posterior_planes, "line", LINES, {"a": (codes[:4], q_of_2)}, codes[0], alt="a"),
    *row(figures.posterior_planes, "alt", {"empty": "", "None": None}, {"a": (codes[:4], q_of_2)}, codes[0], alt="a"),
    # explorers
    *of_faces(explorers.explore_latents),
    *of_faces(explorers.compare_codes),
    *row(explorers.compare_codes, "test", {"five factors": OF_TRAIN["five factors"]}, uae, vae, some, some),
    *row(explorers.explore_beta, "images", NOT_SHOWN, MultiRateVAE(SHAPE, 4, (8,)), x),
    *row(explorers.explore_loss, "vae", NOT_THIS_LOSS, vae, x),
    *row(explorers.explore_loss, "images", NOT_SHOWN, vae, x),
    *row(explorers.explore_loss, "beta", NUMBERS | {"too much": 101}, vae, x, beta=1.0),
    *row(explorers.explore_map, "vae", NOT_THIS_VAE, uae2, vae2, (x, labels)),
    *row(explorers.explore_map, "autoencoder", NOT_THIS_UAE, uae2, vae2, (x, labels)),
    *row(explorers.explore_map, "digits", NOT_DIGITS, uae2, vae2, (x, labels)),
    *row(explorers.draw_a_digit, "vae", NOT_THIS_VAE, digit_vae, (digit_x, labels)),
    *row(explorers.draw_a_digit, "vae", {"of another image shape": vae2}, digit_vae, (digit_x, labels)),
    *row(explorers.draw_a_digit, "digits", NOT_DIGITS, digit_vae, (digit_x, labels)),
    *row(explorers.draw_a_digit, "seed", SEEDS, digit_vae, (digit_x, labels), seed=0),
    *row(explorers.watch_training, "vae", NOT_THIS_RECORDING | {"of a UAE": of_uae}, of_uae, of_vae),
    *row(explorers.watch_training, "autoencoder", NOT_THIS_RECORDING | {"of a VAE": of_vae}, of_uae, of_vae),
    *row(explorers.watch_training, "autoencoder", NOT_BESIDE_OF_VAE, of_uae, of_vae),
    # recording
    *row(Recording, "model", NOT_THIS_VAE, vae2, x, labels),
    *row(Recording, "images", OF_A_MODEL | {"too few": x[:3], "beyond 1": 2 * x}, vae2, x, labels),
    *row(Recording, "labels", NOT_LABELS, vae2, x, labels),
    *row(Recording, "samples", COUNTS | {"too many": 17}, vae2, x, labels, samples=4),
    *row(Recording, "reconstruction", CHOICE, vae2, x, labels),
    *row(Recording, "scale", NUMBERS, vae2, x, labels),
    *row(Recording, "seed", SEEDS, vae2, x, labels),
    *row(explorers.explore_latents, "vae", {"of 3 latents": VAE(SHAPE, 3, (8,))}, uae, vae, some, some),
]
PROGRESS_OFF = {"progress": False}


def told(case):
    function, _, argument, what, _ = case
    return f"{function.__qualname__}({argument}: {what})"


@pytest.mark.parametrize("case", TABLE, ids=told)
def test_bad_input_is_refused_by_name(case):
    function, complete, argument, _, value = case
    call = complete.signature.bind(*complete.args, **complete.kwargs)
    call.arguments[argument] = value
    if function is fit:
        call.arguments |= PROGRESS_OFF
    with pytest.raises((TypeError, ValueError)) as caught:
        function(*call.args, **call.kwargs)
    message = str(caught.value)
    assert re.search(rf"(?<!\w){argument}(?!\w)", message), f"the message does not name {argument}: {message}"
    assert len(message) < 400 and "mat1" not in message


def test_what_would_not_fit_into_memory_is_refused_before_anything_is_made():
    """4 GB and more: of images decoded, of codes, of faces."""
    million = 10**6
    coder, images = Autoencoder(LARGE, 4, (8,)), faces(30, size=20).images
    wide = Autoencoder(LARGE, 1000, (8,))
    for name, call in (
        ("n", lambda: measures.holes(coder, images, images, n=million)),
        ("n", lambda: measures.sample_codes(torch.randn(2, 2000), million, "standard normal")),
        ("n", lambda: faces(million)),
        ("steps", lambda: figures.walks_of_latents(wide, images[:1], images, steps=1000)),
    ):
        with pytest.raises(ValueError, match=rf"^{name} must be smaller: .* would hold \S+e\+09 numbers"):
            call()


def test_of_a_table_it_is_said_which_sizes_are_free():
    with pytest.raises(ValueError, match=re.escape("z must be finite and of shape (30, 'any'), got (29, 4)")):
        require.table("z", codes[1:], (30, None))


@pytest.mark.parametrize("kind", ["l1", "mse", "bce"])
def test_pixels_outside_of_the_unit_interval_stop_every_loss_and_fit_before_its_first_step(kind):
    model = VAE(SHAPE, 4, (8,))
    before = model.head.weight.clone()
    for images, way in ((255 * x, "divide by the largest"), (2 * x - 1, "undoes a normalisation"), (1.1 * x, "clamp")):
        with pytest.raises(ValueError, match=f"images must lie in .* values from .*{way}"):
            fit(model, images, reconstruction=kind, progress=False)
        with pytest.raises(ValueError, match=f"x must lie in .*{way}"):
            vae_loss(images, x, q, reconstruction=kind)
    assert torch.equal(before, model.head.weight)


class OnTheGraphicsCard(torch.Tensor):
    """A tensor that says so: a machine that runs the tests need not have one."""

    device, is_cpu = torch.device("cuda:0"), False


def test_two_tensors_on_two_devices_are_refused_by_name():
    factors = torch.rand(30, 2)
    elsewhere = factors.as_subclass(OnTheGraphicsCard)
    pattern = r"^factors must be on the device of z, cpu, got cuda:0$"
    for call in (lambda: measures.fit_probes(codes, elsewhere, ["a", "b"]), lambda: probes.r2(codes, elsewhere)):
        with pytest.raises(ValueError, match=pattern):
            call()
    with pytest.raises(ValueError, match=pattern):
        measures.attribute_directions(codes, elsewhere)
    with pytest.raises(ValueError, match=r"^real must be on the device of pictures, cpu, got cuda:0$"):
        measures.distance_to_nearest(x, x.as_subclass(OnTheGraphicsCard))
    with pytest.raises(ValueError, match=r"^x_hat must be on the device of x, cpu, got cuda:0$"):
        reconstruction_error(x, x.as_subclass(OnTheGraphicsCard))
    with pytest.raises(ValueError, match=r"^x must be on the device of model's weights, cpu, got cuda:0$"):
        VAE(SHAPE, 4, (8,)).encode(x.as_subclass(OnTheGraphicsCard))


@pytest.mark.parametrize(
    ("explorer", "name", "model"),
    [
        (explorers.explore_beta, "multirate", MultiRateVAE(SHAPE, 4, (8,))),
        (explorers.explore_loss, "vae", VAE(SHAPE, 4, (8,))),
        (explorers.explore_latents, "vae", VAE(SHAPE, 4, (8,))),
        (explorers.compare_codes, "autoencoder", Autoencoder(SHAPE, 4, (8,))),
        (explorers.explore_map, "autoencoder", Autoencoder(SHAPE, 2, (8,))),
        (explorers.draw_a_digit, "vae", VAE((1, 28, 28), 2, (8,))),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_an_explorer_says_how_to_give_it_a_model_of_the_graphics_card(explorer, name, model):
    model.head.weight = nn.Parameter(model.head.weight.detach().as_subclass(OnTheGraphicsCard))
    with pytest.raises(ValueError, match=rf"^{name} must be on the CPU, its weights are on cuda:0: {name}\.cpu\(\)"):
        explorer(**{name: model})
