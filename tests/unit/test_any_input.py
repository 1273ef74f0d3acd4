"""Whatever comes into a public function, out comes a right result, or a ValueError or TypeError naming the argument.

Each example is a right call in which none, one or two arguments are replaced by anything (tests/anything.py). So a
right call must be answered, and its answer be right in shape and finite. A new public function needs a place in one of
the tables below. A long run, with a thousand examples for each function:
VAELIB_EXAMPLES=1000 pytest tests/unit/test_any_input.py
"""

import contextlib
import copy
import functools
import importlib
import inspect
import io
import math
import os
import pkgutil
import re
import signal
import sys
import tempfile
from pathlib import Path

import ipywidgets as widgets
import pytest
import torch
from anything import SHAPE, WORLDS, D, World, anything_for, model, recording, some_faces
from anywidget import AnyWidget
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.distributions import Normal
from traitlets import TraitError

import vaelib
from vaelib import VAE, Autoencoder, MultiRateVAE, explorers, figures, landscape, measures
from vaelib.losses import RECONSTRUCTIONS, Loss
from vaelib.rate import RateParts
from vaelib.recording import Recording, save_recordings

EXAMPLES = int(os.environ.get("VAELIB_EXAMPLES", 0))
SECONDS = 60  # after which a call counts as hanging
MEMORY = 6 * 2**30  # bytes that all calls may take at once

# ---- what is public

INNER = {"require", "storage", "palette", "training_cache"}  # rules, files, colours and memory: not for a lesson's use


def public() -> dict[str, object]:
    """Every function and class that a user may call, and every method of these classes, by module and name."""
    found = {}
    for module_name in sorted({name for _, name, _ in pkgutil.iter_modules(vaelib.__path__)} - INNER):
        module = importlib.import_module(f"vaelib.{module_name}")
        for name in getattr(module, "__all__", None) or vars(module):
            value = getattr(module, name)
            own = hasattr(module, "__all__") or getattr(value, "__module__", "") == module.__name__
            if name.startswith("_") or not own or not callable(value):
                continue
            found[f"{module_name}.{name}"] = value
            for method, code in _methods(value) if inspect.isclass(value) else ():
                found[f"{module_name}.{name}.{method}"] = code
    return found


def _methods(kind: type):
    for base in kind.__mro__:
        if base.__module__.startswith("vaelib."):
            for name, code in vars(base).items():
                written = getattr(code, "__func__", code)  # a classmethod holds it
                own = inspect.isfunction(written) and written.__module__.startswith("vaelib.")
                if own and not name.startswith("_") and hasattr(kind, name):
                    yield name, getattr(kind, name)


PUBLIC = public()
# Values that a function returns: they hold what they are given, and look at nothing.
VALUES = {
    *("digits.Digits", "digits.DigitsError", "faces.Faces", "faces.Kinds", "history.History", "history.History.add"),
    *("landscape.Landscape", "losses.Loss", "measures.Evaluation", "measures.Marginal"),
    *("rate.RateParts", "recording.Frame", "trained.Run", "checks.Verdict", "figures.CourseFigure", "language.Name"),
}
# Their callers in vaelib have looked at the arguments.
INSIDE = {
    *("figures.CourseFigure.to_html", "figures.CourseFigure.draw"),  # without arguments; by matplotlib
    # the rules themselves
    *("models.code_of", "models.images_of", "models.require_images_for", "models.require_latents_for"),
    *("models.points_of", "models.require_one_beta", "measures.require_arguments"),
    *("losses.left_out_constant", "measures.batches_of", "measures.noise_for", "models.posterior_of"),
    *("models.in_mode", "models.in_eval_mode", "models.ImageCoder", "multirate.scale_of", "multirate.beta_at"),
    *("recording.Recording.from_frames", "recording.Recording.stacked"),
    *("multirate.MultiRateVAE.draw_betas", "trained.round_weights"),
    *("language.later", "language.listed", "language.decimals", "language.words_of"),
    *("adam.OneCycleAdam", "adam.OneCycleAdam.rate", "adam.OneCycleAdam.step", "adam.OneCycleAdam.zero_grad"),
    *("models.ImageCoder.decode", "models.ImageCoder.save", "models.ImageCoder.load"),  # tried on its subclasses
}
# Made by the functions of nearly the same name; their traits are tried below.
EXPLORERS = {
    f"explorers.{name}"
    for name in explorers.__all__
    if isinstance(getattr(explorers, name), type)
}  # fmt: skip
# Trained for some seconds, on 4,000 images: tests/unit/test_trained.py.
SLOW = {"trained.train", "trained.record_training"}

# ---- right arguments, by their names; where one name stands for several things, by the function's name too


def chosen(*options):
    return lambda world: options[world.seed % len(options)]


def of_model(kind, latents=D):
    return lambda world: model(kind, latents)


some_images = lambda world: world.images  # noqa: E731
mapped = lambda make: lambda world: {"a": make(world), "VAE b": make(world)}  # noqa: E731
VAES = of_model(VAE)
CODERS = chosen(model(VAE), model(Autoencoder))
FOLDER = Path(tempfile.mkdtemp(prefix="any-input-"))
ARGUMENTS = {
    **dict.fromkeys(("x", "x_hat", "images", "pictures", "real", "held_out", "image"), some_images),
    **dict.fromkeys(("seed", "latent"), lambda world: world.seed % D),
    **dict.fromkeys(("samples", "n", "components", "epochs", "columns"), lambda world: 1 + world.seed % 3),
    **dict.fromkeys(("alt", "title", "xlabel", "ylabel", "question", "seen"), chosen("what is shown", "β and $z$")),
    **dict.fromkeys(("progress", "fresh", "coverage", "clouds"), lambda world: False),
    "q": lambda world: world.q,
    "beta": chosen(1.0, 0, 0.25, 30),
    "reconstruction": chosen(*RECONSTRUCTIONS),
    "scale": chosen(1.0, 1),
    "vae": VAES,
    "model": CODERS,
    "autoencoder": of_model(Autoencoder),
    "multirate": of_model(MultiRateVAE),
    "z": lambda world: world.codes,
    "codes": lambda world: world.codes,
    "factors": lambda world: world.factors,
    "labels": lambda world: world.labels,
    "names": chosen(["a", "b"], ("a", "b")),
    "batch_size": chosen(1, 3, 1000),
    "learning_rate": chosen(1e-3, 1e-2),
    "callback": chosen(None, lambda epoch, history: None),
    "density": chosen("standard normal", "matched normal", "mixture"),
    "size": chosen(16, 17),
    "split": chosen("train", "test"),
    "full": chosen(False),
    "cache": chosen(None, str(FOLDER / "cache")),
    "mu": lambda world: world.line,
    "sigma": lambda world: world.line.abs() + 0.1,
    "image_shape": chosen((3, 4, 5), [1, 2, 2]),
    "latent_dim": chosen(2, 5),
    "hidden": chosen((6,), [4, 3]),
    "mean_image": chosen(None),
    "generator": chosen(None, torch.Generator()),
    "path": lambda world: FOLDER / "kept.safetensors",
    "height": chosen(10, 192),
    "history": lambda world: world.history,
    "ellipses": chosen(0, 3, 100),
    "reach": chosen(1.0, 2),
    "steps": chosen(2, 3),
    "truth": lambda world: world.codes[0, :2],
    "probes": lambda world: world.probes,
    "betas": chosen((0, 1), [3.0]),
    "epsilon": lambda world: world.line,
    "collapsed": chosen(None, 0.01),
    "middle": chosen(0.0, 1),
    "filled": chosen((), ["a"]),
    "limits": chosen(None, {"a": (0.0, 1.0)}),
    "name": chosen("faces", "digits", "faces-uae", "digits-uae"),
    "train": lambda world: some_faces(40, world.seed),
    "test": lambda world: some_faces(8, world.seed),
    "digits": lambda world: (world.images, world.labels),
    "weight": lambda world: world.codes[:2],
    "bias": lambda world: world.codes[0, :2],
}
OF_ONE_IMAGE = {"image": lambda world: world.images[:1]}
IN_THE_PLANE = {"model": chosen(model(VAE, 2), model(Autoencoder, 2))}


def kl(mu, log_var):
    return torch.zeros_like(mu)


CHECKED = {"function": lambda world: lambda *arguments: world.codes}
OF_FUNCTION = {
    "language.use": {"language": chosen("en")},  # "it" would be for all tests that come after
    "faces.render": {"factors": lambda world: world.factors},
    "multirate.MultiRateVAE.encode": {"beta": lambda world: torch.ones(world.n)},
    "multirate.MultiRateVAE.decode": {"beta": lambda world: torch.ones(world.n)},
    "landscape.loss_landscape": OF_ONE_IMAGE,
    "measures.sample_codes": {"codes": lambda world: torch.cat([world.codes, -world.codes, 2 * world.codes])},
    "measures.fit_probes": {"factors": lambda world: world.factors[:, :2]},
    "measures.Probes.r2": {"factors": lambda world: world.factors[:, :2]},
    "measures.attribute_directions": {"factors": lambda world: world.factors[:, :3]},
    "measures.holes": {"vae": chosen(None, model(VAE)), "real": lambda world: some_faces(40, world.seed).images},
    "recording.Recording": {**IN_THE_PLANE, "images": some_images},
    "recording.save_recordings": {"recordings": lambda world: {"vae": recording(VAE), "uae": recording(Autoencoder)}},
    "recording.load_recordings": {"path": lambda world: FOLDER / "recordings.safetensors"},
    "recording.Recording.__call__": {"epoch": chosen(1)},
    "trained.data_of": {"split": chosen("train", "test"), "name": chosen("digits", "faces")},
    "training.fit": {"model": lambda world: VAE(SHAPE, 2, (4,)), "progress": chosen(False)},
    "training.fit_all": {
        "models": lambda world: [VAE(SHAPE, 2, (4,)), Autoencoder(SHAPE, 2, (4,))],
        "progress": chosen(False),
    },
    # figures
    "figures.attribute_bells": {"posteriors": mapped(lambda world: world.q_of_one), "names": chosen(tuple("abcd"))},
    "figures.latent_bells": {"posteriors": mapped(lambda world: world.q_of_one)},
    "figures.kl_bars": {"kl_per_latent": mapped(lambda world: world.codes[0].abs().tolist())},
    "figures.curves": {
        "x": lambda world: world.line,
        "panels": lambda world: {"a": {"a": world.line, "c": world.line**2}, "b": {"d": world.line.abs()}},
    },
    "figures.labelled_points": {"series": mapped(lambda world: {"p": (1.0, world.seed), "q": (2, 3.5)})},
    "figures.rate_distortion": {"models": mapped(lambda world: {0.5: world.evaluation, 1: world.evaluation})},
    "figures.against_beta": {"lines": mapped(lambda world: {0.5: 2.0, 4: 0.001})},
    "figures.number_tables": {
        "tables": mapped(lambda world: world.codes[:2]),
        "rows": chosen(["r", "s"]),
        "columns": chosen(list("abcd")),
    },
    "figures.hole_bars": {"distances": mapped(lambda world: world.line.abs())},
    "figures.pictures": {"rows": mapped(some_images), "columns": chosen((), ["a", "b"])},
    "figures.reconstructions": {"models": mapped(CODERS)},
    "figures.figure_uae": OF_ONE_IMAGE,
    "figures.figure_vae": OF_ONE_IMAGE,
    "figures.loss_landscapes": OF_ONE_IMAGE,
    "figures.latent_scatter": IN_THE_PLANE,
    "figures.latent_planes": {"models": mapped(IN_THE_PLANE["model"]), "names": chosen((), ["one", "two"])},
    "figures.latent_maps": {
        "panels": mapped(lambda world: (model(VAE, 2), world.line[:3], world.line[:2])),
        "codes": mapped(lambda world: world.codes[:, :2]),
    },
    "figures.walks_of_latents": OF_ONE_IMAGE,
    "figures.change_of": {"walks": lambda world: world.images[:4, None].expand(-1, 2, -1, -1, -1)},
    "figures.every_latent": {"walks": mapped(lambda world: world.images[:4, None].expand(-1, 2, -1, -1, -1))},
    "figures.rate_bars": {
        "parts": mapped(lambda world: RateParts(3.0, 2.0, 1.0, 0.1)),
        "images": lambda world: world.n,
    },
    "figures.posterior_planes": {
        "panels": mapped(lambda world: (-world.line[:, None].square() - world.line.square(), world.q_of_plane)),
        "line": lambda world: world.line,
    },
    "figures.noise_to_latent": {"mu": chosen(0.5, -1), "sigma": chosen(1.0, 0)},
    "figures.network_boxes": {"model": CODERS},
    # explorers
    "explorers.compare_codes": {"names": chosen(tuple("abcdef"))},
    "explorers.explore_latents": {"names": chosen(tuple("abcdef"))},
    "explorers.explore_map": {"vae": of_model(VAE, 2), "autoencoder": of_model(Autoencoder, 2)},
    "explorers.draw_a_digit": {
        "vae": lambda world: model(VAE, 2, (1, 28, 28)),
        "digits": lambda world: world.digits,
    },
    "explorers.watch_training": {
        "vae": lambda world: recording(VAE),
        "autoencoder": lambda world: recording(Autoencoder),
    },
    "explorers.judge": {"rows": mapped(lambda world: world.images[:4].unflatten(0, (2, 2)))},
    "explorers.live": {
        "draw": lambda world: lambda *values: "<b>drawn</b>",
        "controls": lambda world: (widgets.FloatSlider(), widgets.Checkbox()),
    },
    "checks.yours": {"function": lambda world: kl},
}
OF_FUNCTION |= {name: CHECKED for name in PUBLIC if name.startswith("checks.check_")}
SELVES = {
    "models.Autoencoder": of_model(Autoencoder),
    "models.VAE": VAES,
    "multirate.MultiRateVAE": of_model(MultiRateVAE),
    "measures.Probes": lambda world: world.probes,
    "landscape.Landscape": lambda world: landscape.loss_landscape(
        model(VAE), world.images[:1], 0, world.line, world.line.abs() + 0.5
    ),
}
NOT_TO_BE_TRIED = {  # what would be accepted, and takes long, trains for real or runs code of whoever wrote it
    "callback": callable,
    "draw": callable,
    "full": lambda value: value is True,
    "path": lambda value: isinstance(value, (str, Path)) and (".." in str(value) or Path(value).is_absolute()),
    "epochs": lambda value: isinstance(value, int) and 5 < value <= 100_000,
    "samples": lambda value: isinstance(value, int) and 20 < value <= 100_000,
    "size": lambda value: isinstance(value, int) and 64 < value <= 256,
    "n": lambda value: isinstance(value, int) and 2000 < value <= 1_000_000,
}

# ---- right results


def finite(result) -> bool:
    """Holds every number in it neither NaN nor inf?"""
    if isinstance(result, Tensor):
        return not (result.is_floating_point() or result.is_complex()) or bool(result.isfinite().all())
    if isinstance(result, Normal):
        return finite(result.mean) and finite(result.stddev) and bool((result.stddev >= 0).all())
    if isinstance(result, float):
        return math.isfinite(result)
    if isinstance(result, nn.Module):
        return all(map(finite, result.state_dict().values()))
    if isinstance(result, dict):
        return all(map(finite, result.values()))
    if isinstance(result, (tuple, list)):
        return all(map(finite, result))
    if isinstance(result, (Recording, measures.Probes)):
        return all(map(finite, vars(result).values()))
    return True


def shaped(*sizes):
    """A tensor of these sizes: numbers, or the names of arguments whose length they are."""

    def right(result, given):
        assert tuple(result.shape) == tuple(s if isinstance(s, int) else len(given[s]) for s in sizes)

    return right


def normal(*sizes):
    return lambda result, given: shaped(*sizes)(result.mean, given)


def of_kind(kind):
    def right(result, given):
        assert isinstance(result, kind)

    return right


def image_like(name):
    def right(result, given):
        assert result.shape == given[name].shape and 0 <= result.min() and result.max() <= 1

    return right


def evaluated(result, given):
    latents = given["vae"].encode(given["images"][:1]).mean.shape[1:]
    assert isinstance(result, measures.Evaluation) and result.rate_per_latent.shape == latents


def faces_drawn(result, given):
    size = given.get("size", 32)
    assert result.images.shape == (given["n"], 3, size, size) and len(result[1]) == given["n"]


def lost(result, given):
    assert isinstance(result, Loss) and result.total.shape == () and result.kl_per_latent.shape == (D,)


def drawn(result, given):
    assert isinstance(result, Figure) and result.alt.strip()


nothing = of_kind(type(None))
RIGHT = {
    "losses.vae_loss": lost,
    "losses.reconstruction_error": shaped("x"),
    "losses.log_likelihood": shaped("x"),
    "losses.kl_to_standard_normal": lambda result, given: shaped(*given["q"].mean.shape)(result, given),
    "losses.require_likelihood": of_kind(float),
    "models.Autoencoder": of_kind(Autoencoder),
    "models.VAE": of_kind(VAE),
    "multirate.MultiRateVAE": of_kind(MultiRateVAE),
    "models.Autoencoder.encode": shaped("x", D),
    "models.VAE.encode": normal("x", D),
    "multirate.MultiRateVAE.encode": normal("x", D),
    **dict.fromkeys(("models.Autoencoder.decode", "models.VAE.decode"), shaped("z", *SHAPE)),
    "multirate.MultiRateVAE.decode": shaped("z", *SHAPE),
    "multirate.MultiRateVAE.at": of_kind(VAE),
    **{f"{place}.save": nothing for place in ("models.VAE", "models.Autoencoder", "multirate.MultiRateVAE")},
    "models.VAE.load": of_kind(VAE),
    "models.Autoencoder.load": of_kind(Autoencoder),
    "multirate.MultiRateVAE.load": of_kind(MultiRateVAE),
    "models.sample": lambda result, given: shaped(*given["q"].mean.shape)(result, given),
    "measures.evaluate": evaluated,
    "measures.log_marginal": lambda result, given: shaped("images")(result.log_p, given),
    "measures.reconstruct": image_like("images"),
    "measures.codes_of": lambda result, given: shaped("images", result.shape[1])(result, given),
    "measures.heard_codes_of": lambda result, given: shaped("images", result.shape[1])(result, given),
    "measures.Probes": of_kind(measures.Probes),
    "measures.fit_probes": lambda result, given: shaped("names", given["z"].shape[1])(result.weight, given),
    "measures.Probes.predict": shaped("z", 2),
    "measures.Probes.push_forward": lambda result, given: shaped(len(given["q"].mean), 2)(result.mean, given),
    "measures.Probes.r2": shaped(2),
    "measures.attribute_directions": lambda result, given: shaped(given["factors"].shape[1], given["z"].shape[1])(
        result, given
    ),
    "measures.distance_to_nearest": shaped("pictures"),
    "measures.sample_codes": lambda result, given: shaped(given["n"], given["codes"].shape[1])(result, given),
    "measures.holes": of_kind(dict),
    "rate.decompose_rate": of_kind(RateParts),
    "landscape.loss_landscape": lambda result, given: shaped("sigma", "mu")(result.distortion, given),
    "landscape.Landscape.loss": of_kind(Tensor),
    "landscape.Landscape.lowest": of_kind(tuple),
    "faces.faces": faces_drawn,
    "faces.four_kinds": faces_drawn,
    "faces.render": lambda result, given: shaped("factors", 3, *[given.get("size", 32)] * 2)(result, given),
    "digits.digits": lambda result, given: shaped(len(result.labels), 1, 28, 28)(result.images, given),
    "recording.Recording": lambda result, given: shaped("images", 2)(result.frames[0].codes, given),
    "recording.save_recordings": nothing,
    "recording.load_recordings": of_kind(dict),
    "trained.trained": of_kind((Autoencoder, MultiRateVAE)),
    "trained.data_of": of_kind(tuple),
    "trained.training_run": of_kind(tuple),
    "training.fit": lambda result, given: len(result.loss) == given.get("epochs", 12),
    "training.fit_all": lambda result, given: {len(each.loss) for each in result} == {given.get("epochs", 12)},
    "figures.picture_html": of_kind(str),
    "figures.walks_of_latents": lambda result, given: shaped(
        len(result), given.get("steps", 2), *given["image"].shape[1:]
    )(result, given),
    "figures.change_of": shaped("walks"),
    **{f"explorers.{name}": of_kind(widgets.DOMWidget) for name in explorers.__all__},
    "language.use": nothing,
    "language.chosen": of_kind(str),
    "checks.verdicts": of_kind(list),
    "checks.progress": nothing,
    "checks.yours": lambda result, given: callable(result),
}
RIGHT |= {name: nothing for name in PUBLIC if name.startswith("checks.check_")}
RIGHT |= {
    f"figures.{name}": drawn
    for name in figures.__all__
    if callable(getattr(figures, name)) and f"figures.{name}" not in RIGHT
}
ALSO = {f"training.{name}": FloatingPointError for name in ("fit", "fit_all")}  # what their docstrings name beside
ALSO |= {"recording.load_recordings": OSError}
ALSO |= {name: OSError for name in PUBLIC if name.endswith((".save", ".load", ".save_recordings"))}
ENDLESS = {"trained.training_run": 2, "trained.data_of": 8, "explorers.explore_beta": 8, "trained.trained": 8}

TRIED = sorted(PUBLIC.keys() - VALUES - INSIDE - EXPLORERS - SLOW)


def test_every_public_function_has_its_place():
    unknown = (VALUES | INSIDE | EXPLORERS | SLOW) - PUBLIC.keys()
    assert not unknown, f"no longer public: {unknown}"
    for name in TRIED:
        assert name in RIGHT, f"say in RIGHT what {name} returns, or why it is not tried"
        for argument in parameters_of(name):
            assert argument in OF_FUNCTION.get(name, {}) or argument in ARGUMENTS, f"{name}: what may {argument} be?"


def parameters_of(name: str) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(PUBLIC[name]).parameters)
    found.pop("self", None)
    return found


def right_arguments(name: str, world: World, left_out: int) -> dict:
    """Of each argument a right value; those that have a default may be left out."""
    values = {}
    if name.startswith("explorers."):  # the course's own models go with the course's own images
        left_out = -1 if left_out % 8 == 0 else 0
    for place, (argument, parameter) in enumerate(parameters_of(name).items()):
        if parameter.default is inspect.Parameter.empty or argument == "progress" or not left_out >> place & 1:
            make = OF_FUNCTION.get(name, {}).get(argument) or ARGUMENTS[argument]
            values[argument] = make(world)
    return values


def has_a_self(name: str) -> bool:
    return name.rpartition(".")[0] in SELVES and not inspect.ismethod(PUBLIC[name])


def self_of(name: str, world: World):
    return SELVES[name.rpartition(".")[0]](world)


def call(name: str, world: World, values: dict):
    function, values = PUBLIC[name], dict(values)
    if has_a_self(name):
        function = function.__get__(values.pop("self", None) or self_of(name, world))
    many = [p.name for p in parameters_of(name).values() if p.kind is inspect.Parameter.VAR_POSITIONAL]
    if many:
        first = [value for argument, value in values.items() if argument not in many]
        rest = values[many[0]]
        return function(*first, *(rest if isinstance(rest, (tuple, list)) else [rest]))
    return function(**values)


@contextlib.contextmanager
def no_longer_than(seconds: int):
    def stop(*_):
        raise TimeoutError(f"no answer in {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def complaint(name: str, world: World, values: dict, replaced: list[str]) -> str:
    """What is wrong with the answer to a call with these values; "" if nothing is."""
    before = contents(FOLDER)
    try:
        with no_longer_than(SECONDS), contextlib.redirect_stdout(io.StringIO()):
            result = call(name, world, values)
    except (TypeError, ValueError) as error:
        if name.startswith("checks.check_"):
            return f"a check raises nothing: {error}"
        if not replaced:
            return f"a right call was refused: {error}"
        if contents(FOLDER) != before:
            return "something was left in the folder"
        said = str(error)
        if not any(re.search(rf"(?<!\w){re.escape(argument)}(?!\w)", said) for argument in replaced):
            return f"the message names no argument: {type(error).__name__}: {said}"
        return f"the message is too long: {said}" if len(said) > 600 else ""
    except ALSO.get(name, ()) as error:
        left = contents(FOLDER) != before
        return "something was left in the folder" if left else "" if replaced else f"a right call failed: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if not finite(result):
        return f"the result is not finite: {result}"
    try:
        RIGHT[name](result, values)
    except Exception as error:
        return f"the result is not right: {type(error).__name__} {error}: {result!r}"
    return ""


@st.composite
def calls(draw, name: str):
    """A world, the arguments of a call, and which of them were replaced."""
    world = draw(WORLDS)
    values = right_arguments(name, world, draw(st.integers(0, 2**12)))
    count = min(draw(st.sampled_from([1, 1, 0, 1, 2])), len(values))
    replaced = draw(st.permutations(sorted(values)))[:count]
    for argument in replaced:
        unwanted = NOT_TO_BE_TRIED.get(argument, lambda value: False)
        values[argument] = draw(
            anything_for(values[argument]).filter(lambda value, unwanted=unwanted: not unwanted(value))
        )
        if argument == "function" and draw(st.booleans()):  # an answer to an exercise that returns anything
            values[argument] = lambda *_, answer=values[argument]: answer
    return world, values, replaced


def examples_of(name: str) -> int:
    ordinary = 10 if name.startswith("figures") else 12 if name.startswith("explorers") else 25
    most = EXAMPLES or ordinary
    return min(most, ENDLESS.get(name, most)) if not EXAMPLES else most


QUIET = {
    "database": None,
    "deadline": None,
    "phases": [Phase.explicit, Phase.generate, Phase.shrink],
    "derandomize": not EXAMPLES or bool(os.environ.get("CI")),
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture(scope="module", autouse=True)
def files():
    """What there is to be read; and what is written to a path of a word or two stays in the folder."""
    with contextlib.chdir(FOLDER), little_memory():
        write_files()
        yield


@contextlib.contextmanager
def little_memory():
    """Who asks for much more than there is gets an error, and no machine is lost: on Linux without a graphics card.
    CUDA reserves addresses of many GB."""
    if not sys.platform.startswith("linux") or torch.cuda.is_available():
        yield
        return
    resource = importlib.import_module("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def write_files():
    for kind in (VAE, Autoencoder, MultiRateVAE):
        model(kind).save(FOLDER / f"{kind.__name__}.safetensors")
    save_recordings({"vae": recording(VAE)}, FOLDER / "recordings.safetensors")


for _kind, _place in (
    (VAE, "models.VAE"),
    (Autoencoder, "models.Autoencoder"),
    (MultiRateVAE, "multirate.MultiRateVAE"),
):
    OF_FUNCTION[f"{_place}.load"] = {"path": chosen(FOLDER / f"{_kind.__name__}.safetensors")}


@pytest.mark.parametrize("name", TRIED)
def test_any_input_gets_a_right_result_or_a_named_refusal(name):
    @settings(max_examples=examples_of(name), **QUIET)
    @given(calls(name))
    def answers(drawn):
        world, values, replaced = drawn
        fault = complaint(name, world, values, replaced)
        assert not fault, f"{name}({', '.join(replaced) or 'all right'}): {fault}"

    answers()


def on_the_card(value):
    """The same value with all of its tensors and models on the graphics card."""
    if isinstance(value, Tensor):
        return value.cuda()
    if isinstance(value, Normal):
        return Normal(value.mean.cuda(), value.stddev.cuda())
    if isinstance(value, nn.Module):
        return copy.deepcopy(value).cuda()
    if isinstance(value, torch.Generator):
        return torch.Generator("cuda")
    if isinstance(value, dict):
        return {label: on_the_card(part) for label, part in value.items()}
    if isinstance(value, (tuple, list)):
        parts = map(on_the_card, value)
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if inspect.isfunction(value):
        return functools.wraps(value)(lambda *arguments: on_the_card(value(*arguments)))
    if type(value).__module__.startswith("vaelib."):
        moved = copy.copy(value)
        vars(moved).update(on_the_card(vars(value)))
        return moved
    return value


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_on_a_graphics_card_a_right_call_is_answered_and_one_half_there_answered_or_refused_by_name():
    world, faults = World(8, 0), {}
    for name in TRIED:
        values = right_arguments(name, world, 0)
        if has_a_self(name):
            values["self"] = self_of(name, world)
        elsewhere = list(values) if name.startswith("explorers.") else []  # they draw what is on the CPU
        tried = {"all": (on_the_card(values), elsewhere)}
        tried |= {one: ({**values, one: on_the_card(values[one])}, [*values, "model"]) for one in values}
        for what, (moved, replaced) in tried.items():
            if fault := complaint(name, world, moved, replaced):
                faults[f"{name}, on the card: {what}"] = fault
    assert not faults, "\n".join(f"{call}: {fault}" for call, fault in faults.items())


MADE = {
    "compare_codes": (model(Autoencoder), model(VAE), some_faces(40, 0), some_faces(8, 1)),
    "explore_latents": (model(Autoencoder), model(VAE), some_faces(40, 0), some_faces(8, 1)),
    "explore_beta": (model(MultiRateVAE), some_faces(8, 0).images),
    "explore_loss": (model(VAE), some_faces(8, 0).images),
    "explore_map": (model(Autoencoder, 2), model(VAE, 2), (some_faces(8, 0).images, torch.arange(8))),
    "draw_a_digit": (model(VAE, 2, (1, 28, 28)), (torch.rand(8, 1, 28, 28), torch.arange(8))),
    "watch_training": (recording(Autoencoder), recording(VAE)),
}
SENT_ONCE = {"arrays", "about", "palette", "pictures", "words"}  # to the browser: not for a lesson to set


def test_every_explorer_is_made():
    made = {type(getattr(explorers, name)(*arguments)).__name__ for name, arguments in MADE.items()}
    assert made | {"Explorer"} == {name.removeprefix("explorers.") for name in EXPLORERS}


def can_be_quoted(value) -> bool:
    """Can its repr be had? traitlets and hypothesis put it into what they say."""
    with contextlib.suppress(Exception):
        return bool(repr(value))
    return False


@pytest.mark.parametrize("name", MADE)
def test_a_trait_takes_what_it_can_show_or_refuses_it_by_name(name):
    widget = getattr(explorers, name)(*MADE[name])
    traits = sorted(set(widget.traits(sync=True)) - set(AnyWidget.class_traits()) - SENT_ONCE)
    traits = [trait for trait in traits if trait[0] != "_"]  # the others are the files of the widget
    assert "image" in traits or name == "watch_training"

    @settings(max_examples=examples_of("explorers"), **QUIET)
    @given(st.data(), st.sampled_from(traits))
    def answers(data, trait):
        before = getattr(widget, trait)
        value = data.draw(anything_for(list(before) if isinstance(before, tuple) else before).filter(can_be_quoted))
        try:
            setattr(widget, trait, value)
        except TraitError as error:
            assert re.search(rf"(?<!\w){trait}(?!\w)", str(error))
            assert getattr(widget, trait) == before, "a refused value stayed"
        else:
            assert finite(getattr(widget, trait))

    answers()
