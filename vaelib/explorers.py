"""The interactive parts of the lessons: models that answer while the hand moves.

An explorer is an anywidget. Python sends the weights to the browser once, and the browser decodes (vaelib/static/):
so it answers within a frame, also while the kernel is busy, and also on a page that has no kernel. Its traits can be
read, set and linked from Python, like those of any ipywidget.
"""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import anywidget
import ipywidgets as widgets
import torch
from torch import Tensor, nn
from traitlets import Bool, Dict, Float, Int, List, TraitError, Tuple, default, observe, validate

from vaelib import require
from vaelib.digits import Digits
from vaelib.digits import digits as bundled_digits
from vaelib.faces import FACTORS, Faces, faces
from vaelib.losses import kl_to_standard_normal
from vaelib.measures import attribute_directions, evaluate, fit_probes
from vaelib.models import VAE, Autoencoder, require_images_for, sample
from vaelib.multirate import GREATEST_BETA, MultiRateVAE, beta_at
from vaelib.recording import Recording
from vaelib.trained import trained, training_run

_STATIC = Path(__file__).parent / "static"


def _module(name: str) -> str:
    """The ES module `name` and the two it imports from, in one: anywidget takes a single file."""
    files = [(_STATIC / f"{part}.js").read_text(encoding="utf-8") for part in ("network", "parts", name)]
    return re.sub(r"^import [^;]*;\n|^export (?!default)", "", "\n".join(files), flags=re.MULTILINE)


class Explorer(anywidget.AnyWidget):
    """What all explorers share: `arrays` and `about` are what the browser needs to know, sent once."""

    _css = _STATIC / "explorers.css"
    arrays = Dict().tag(sync=True)  # name → {"shape", "data"}: float32, as bytes
    about = Dict().tag(sync=True)  # plain values

    def __init__(self, arrays: dict[str, Tensor], about: dict, **traits):
        packed = {
            name: {"shape": list(array.shape), "data": array.detach().cpu().float().contiguous().numpy().tobytes()}
            for name, array in arrays.items()
        }
        super().__init__(arrays=packed, about=about, **traits)

    def __repr__(self) -> str:  # which a viewer without widgets shows
        return f"{type(self).__name__}: live in JupyterLab; the picture below is a still"


def _weights(model: nn.Module, prefix: str = "", *, encoder: bool = True) -> dict[str, Tensor]:
    """The weights by the names that PyTorch gives them, after `prefix`; of the decoder alone if not `encoder`."""
    return {
        prefix + name: values
        for name, values in model.state_dict().items()
        if encoder or not name.startswith(("trunk.", "head.", "mean_image"))
    }


def _between(name: str, value: int, count: int) -> int:
    if not 0 <= value < count:
        raise TraitError(f"{name} must be from 0 to {count - 1}, got {value}")
    return value


class ExploreBeta(Explorer):
    """See `explore_beta`. Traits: `beta`, and `image`, the number of the chosen image from 0."""

    _esm = _module("explore_beta")
    beta = Float(1.0).tag(sync=True)
    image = Int(0).tag(sync=True)

    @validate("beta")
    def _beta_is_known(self, proposal):
        if not 0 <= proposal["value"] <= GREATEST_BETA:
            raise TraitError(f"beta must lie between 0 and {GREATEST_BETA:g}, got {proposal['value']}")
        return proposal["value"]

    @validate("image")
    def _image_is_shown(self, proposal):
        return _between("image", proposal["value"], self.about["shown"])


def explore_beta(
    multirate: MultiRateVAE | None = None, images: Tensor | None = None, *, beta: float = 1.0, seed: int = 0
) -> ExploreBeta:
    """A slider for β: reconstructions, samples, posteriors, each latent's KL, and the point on the rate-distortion
    curve move together.

    `multirate` is a trained MultiRateVAE with at most 16 latents, the course's own for faces if None; `images`
    (n, C, H, W) are 8 to 64 images that it has not seen. The first eight are shown; rate and distortion are means
    over all n, with one sample z of each, the same at each β. `seed` sets those samples and the prior's.
    Raises TypeError or ValueError that names the argument.
    """
    multirate = trained("faces") if multirate is None else multirate
    if not isinstance(multirate, MultiRateVAE):
        raise TypeError(f"multirate must be a MultiRateVAE, got {type(multirate).__name__}")
    if multirate.latent_dim > 16:
        raise ValueError(f"multirate must have at most 16 latents to be shown, it has {multirate.latent_dim}")
    images = faces(16, seed=1).images if images is None else images
    require_images_for(multirate, images)
    if not 8 <= len(images) <= 64:
        raise ValueError(f"images must be 8 to 64, got {len(images)}")
    require.number("beta", beta, least=0)
    require.whole_number("seed", seed, least=0)
    generator = torch.Generator().manual_seed(seed)  # the first n rows are those that evaluate draws
    noise = torch.randn(len(images), multirate.latent_dim, generator=generator)
    curve = [evaluate(multirate.at(at), images, seed=seed) for at in beta_at(torch.linspace(-1, 1, 41)).tolist()]
    arrays = _weights(multirate) | {
        "images": images,
        "noise": noise,
        "prior": torch.randn(8, multirate.latent_dim, generator=generator),
        "curve": torch.tensor([[e.rate, e.distortion] for e in curve]),
    }
    return ExploreBeta(arrays, {"shape": list(images.shape[1:]), "shown": 8}, beta=beta)


def _numbers(name: str, values: list[float], count: int) -> list[float]:
    if len(values) != count or not all(map(math.isfinite, values)):
        raise TraitError(f"{name} must be {count} finite numbers, got {values}")
    return values


class ExploreLatents(Explorer):
    """See `explore_latents`. Traits:

    `image`, the number of the face to start from, or -1 for the `sample`, D numbers from N(0, I); `latents` (D) and
    `attributes` (K), what is added, the latents in the VAE's own order; and what comes of it, for reading only: `z`,
    which the VAE decodes, and `h`, which the UAE decodes, D numbers each.
    """

    _esm = _module("explore_latents")
    image = Int(0).tag(sync=True)
    sample = List(Float()).tag(sync=True)
    latents = List(Float()).tag(sync=True)
    attributes = List(Float()).tag(sync=True)
    z = List(Float(), read_only=True)
    h = List(Float(), read_only=True)

    def __init__(self, arrays: dict[str, Tensor], about: dict, **traits):
        self._codes = {name: array.double() for name, array in arrays.items() if name.endswith(("starts", "table"))}
        super().__init__(arrays, about, **traits)

    @validate("image")
    def _image_is_shown(self, proposal):
        return -1 if proposal["value"] == -1 else _between("image", proposal["value"], self.about["shown"])

    @validate("sample", "latents", "attributes")
    def _numbers_are_complete(self, proposal):
        name = proposal["trait"].name
        return _numbers(name, proposal["value"], len(self.about["names" if name == "attributes" else "kl"]))

    @observe("image", "sample", "latents", "attributes")
    def _move(self, _):
        amounts = torch.tensor([*self.latents, *self.attributes], dtype=torch.float64)  # (D + K,)
        for name, model in (("z", "vae"), ("h", "uae")):
            starts, table = self._codes[f"{model}.starts"], self._codes[f"{model}.table"]
            start = torch.tensor(self.sample).to(starts) if self.image == -1 else starts[self.image]  # (D,)
            self.set_trait(name, (start + amounts @ table).tolist())


@torch.no_grad()
def explore_latents(
    autoencoder: Autoencoder | None = None,
    vae: VAE | None = None,
    train: Faces | None = None,
    test: Faces | None = None,
    *,
    names: Sequence[str] = FACTORS,
    seed: int = 0,
) -> ExploreLatents:
    """A slider for each latent and for each attribute, and what the UAE and the VAE make of the same move.

    `autoencoder` and `vae` are trained, with the same number of latents, at most 16; they are the course's own for
    faces if None, the VAE at β = 1. `train` are faces that they know (2000 are plenty): on them are measured each
    latent's KL, in whose order the VAE's latents stand, the standard deviation of each entry of the UAE's code, and
    the directions of the attributes called `names`. The first eight of `test` are there to start from. `seed` sets the
    first sample of the prior. Raises TypeError or ValueError that names the argument.
    """
    autoencoder, vae, train, test = _of_faces(autoencoder, vae, train, test, names, seed)
    D = vae.latent_dim
    if autoencoder.latent_dim != D or D > 16:
        got = f"{autoencoder.latent_dim} and {D}"
        raise ValueError(f"autoencoder and vae must have the same number of latents, at most 16, got {got}")
    h, q = autoencoder.encode(train.images), vae.encode(train.images)
    kl = kl_to_standard_normal(q).mean(dim=0)  # (D,)
    deviation = h.std(dim=0)  # (D,)
    # The VAE's slider of the greatest KL moves the UAE's entry of the greatest variance, and so on down the ranks.
    moves_of_h = torch.zeros(D, D)
    moves_of_h[kl.argsort(descending=True), deviation.argsort(descending=True)] = deviation.sort(descending=True).values
    arrays = {
        "images": test.images[:8],
        "uae.starts": autoencoder.encode(test.images[:8]),  # (8, D)
        "uae.table": torch.cat([moves_of_h, attribute_directions(h, train.factors)]),  # (D + K, D)
        "vae.starts": vae.encode(test.images[:8]).mean,
        "vae.table": torch.cat([torch.eye(D), attribute_directions(q.mean, train.factors)]),
        **_weights(autoencoder, "uae.", encoder=False),
        **_weights(vae, "vae.", encoder=False),
    }
    about = {"shape": list(vae.image_shape), "shown": 8, "names": list(names), "kl": kl.tolist()}
    prior = torch.randn(D, generator=torch.Generator().manual_seed(seed)).tolist()
    return ExploreLatents(arrays, about, sample=prior, latents=[0.0] * D, attributes=[0.0] * len(names))


class CompareCodes(Explorer):
    """See `compare_codes`. Traits: `image`, the number of the chosen face from 0; `shifts`, what is added to each of
    the K attributes; `epsilon`, the noise (4, D) of the VAE's samples z = μ + σ ε."""

    _esm = _module("compare_codes")
    image = Int(0).tag(sync=True)
    shifts = List(Float()).tag(sync=True)
    epsilon = List(List(Float())).tag(sync=True)

    @validate("image")
    def _image_is_shown(self, proposal):
        return _between("image", proposal["value"], self.about["shown"])

    @validate("shifts")
    def _shifts_are_complete(self, proposal):
        return _numbers("shifts", proposal["value"], len(self.about["names"]))

    @validate("epsilon")
    def _epsilon_is_complete(self, proposal):
        rows, columns = self.about["epsilon"]
        if len(proposal["value"]) != rows:
            raise TraitError(f"epsilon must be {rows} lists, got {len(proposal['value'])}")
        return [_numbers("epsilon", row, columns) for row in proposal["value"]]


@torch.no_grad()
def compare_codes(
    autoencoder: Autoencoder | None = None,
    vae: VAE | None = None,
    train: Faces | None = None,
    test: Faces | None = None,
    *,
    names: Sequence[str] = FACTORS,
    seed: int = 0,
) -> CompareCodes:
    """Figures 1 and 2 made live: a face becomes one number for each attribute (UAE), or a bell curve (VAE). Sliders
    shift the attributes, and both decoders follow.

    `autoencoder` and `vae` are trained; they are the course's own for faces if None, the VAE at β = 1. On `train`,
    faces that they know (2000 are plenty), the probes and the directions of the attributes called `names` are fitted;
    the first eight of `test` can be chosen. `seed` sets the noise of the VAE's four samples.
    Raises TypeError or ValueError that names the argument.
    """
    autoencoder, vae, train, test = _of_faces(autoencoder, vae, train, test, names, seed)
    generator = torch.Generator().manual_seed(seed)
    arrays = {"images": test.images[:8], "vae.sigmas": vae.encode(test.images[:8]).stddev}  # (8, D)
    for prefix, model in (("uae.", autoencoder), ("vae.", vae)):
        code, seen = model.encode(train.images), model.encode(test.images[:8])
        if model is vae:
            # Probes for q must read samples of z: in the μ of a collapsed latent, nearly constant, they would find
            # traces to enlarge a thousandfold, and its σ = 1 with them.
            z, code, seen = sample(code, generator), code.mean, seen.mean
        else:
            z = code
        probes = fit_probes(z, train.factors, names)
        arrays |= _weights(model, prefix, encoder=False) | {
            f"{prefix}starts": seen,  # (8, D)
            f"{prefix}table": attribute_directions(code, train.factors),  # (K, D)
            f"{prefix}weight": probes.weight,  # (K, D)
            f"{prefix}bias": probes.bias,  # (K,)
        }
    epsilon = torch.randn(4, vae.latent_dim, generator=torch.Generator().manual_seed(seed)).tolist()
    about = {"shape": list(vae.image_shape), "shown": 8, "names": list(names), "epsilon": [4, vae.latent_dim]}
    return CompareCodes(arrays, about, shifts=[0.0] * len(names), epsilon=epsilon)


def _of_faces(autoencoder, vae, train, test, names: Sequence[str], seed: int) -> tuple[Autoencoder, VAE, Faces, Faces]:
    """The course's own models and faces where these are None; and a check of all of them."""
    autoencoder = trained("faces-uae") if autoencoder is None else autoencoder
    vae = trained("faces").at(1.0) if vae is None else vae
    train = faces(2000, seed=0) if train is None else train
    test = faces(8, seed=1) if test is None else test
    if not isinstance(autoencoder, Autoencoder):
        raise TypeError(f"autoencoder must be an Autoencoder, got {type(autoencoder).__name__}")
    if not isinstance(vae, VAE):
        hint = "; take .at(beta) of it" if isinstance(vae, MultiRateVAE) else ""
        raise TypeError(f"vae must be a VAE, got {type(vae).__name__}{hint}")
    if vae.image_shape != autoencoder.image_shape:
        raise ValueError(
            f"vae must have the image shape of autoencoder, {autoencoder.image_shape}, it has {vae.image_shape}"
        )
    is_list = isinstance(names, Sequence) and not isinstance(names, str) and len(names) > 0
    if not is_list or not all(isinstance(name, str) for name in names):
        raise TypeError(f"names must be a list of names, got {names!r}")
    for called, some in (("train", train), ("test", test)):
        if not isinstance(some, Faces):
            raise TypeError(f"{called} must be Faces, with images and factors, got {type(some).__name__}")
        require_images_for(autoencoder, some.images, model_name="autoencoder", images_name=f"{called}.images")
        require_images_for(vae, some.images, model_name="vae", images_name=f"{called}.images")
    if not isinstance(train.factors, Tensor) or train.factors.shape != (len(train.images), len(names)):
        raise ValueError(f"train.factors must be of shape {len(train.images), len(names)}: images, names")
    least = 1 + max(len(names), autoencoder.latent_dim, vae.latent_dim)
    if len(train.images) < least or not train.factors.isfinite().all():
        raise ValueError(f"train must be at least {least} faces, with finite factors")
    if len(test.images) < 8:
        raise ValueError(f"test must be at least 8 faces, got {len(test.images)}")
    require.whole_number("seed", seed, least=0)
    return autoencoder, vae, train, test


def _check_in_a_plane(name: str, model, kind: type[nn.Module]) -> None:
    """Raise TypeError or ValueError unless the browser can decode the `model`, whose argument is `name`, in a plane."""
    if not isinstance(model, kind):
        hint = "; take multirate.at(beta)" if isinstance(model, MultiRateVAE) else ""
        raise TypeError(f"{name} must be of type {kind.__name__}, got {type(model).__name__}{hint}")
    if model.latent_dim != 2:
        raise ValueError(f"{name} must have 2 latents to be drawn in a plane, it has {model.latent_dim}")


def _check_digits(digits: Digits | None, *models: nn.Module) -> Digits:
    """Images with their classes that all the `models` can encode: up to 300, the bundled test digits if None."""
    if digits is None:
        digits = bundled_digits("test")
    if not isinstance(digits, tuple) or len(digits) != 2:
        raise TypeError(f'digits must be images and their labels, as digits("test") are, got {type(digits).__name__}')
    images, labels = digits
    for model in models:
        require_images_for(model, images, images_name="digits.images")
    require.labels("digits.labels", labels, len(images))
    if not ((images >= 0) & (images <= 1)).all():  # nor is NaN
        raise ValueError("digits.images must lie in [0, 1]")
    return Digits(images[:300], labels[:300])


def _one_of_each_class(labels: Tensor) -> list[int]:
    """The row of the first image of each class."""
    labels = labels.tolist()
    return [labels.index(label) for label in sorted(set(labels))]


def _two_numbers(name: str, place: tuple[float, float]) -> tuple[float, float]:
    if not all(math.isfinite(value) for value in place):
        raise TraitError(f"{name} must be two finite numbers, got {place}")
    return place


class ExploreMap(Explorer):
    """See `explore_map`. Traits: `z` and `h`, two numbers each, the place in the VAE's and in the UAE's plane, and
    `image`, the number of the chosen image from 0."""

    _esm = _module("explore_map")
    z = Tuple(Float(), Float()).tag(sync=True)
    h = Tuple(Float(), Float()).tag(sync=True)
    image = Int(0).tag(sync=True)

    @validate("z", "h")
    def _place_is_finite(self, proposal):
        return _two_numbers(proposal["trait"].name, proposal["value"])

    @validate("image")
    def _image_is_shown(self, proposal):
        return _between("image", proposal["value"], len(self.about["picks"]))


@torch.no_grad()
def explore_map(
    autoencoder: Autoencoder | None = None, vae: VAE | None = None, digits: Digits | None = None
) -> ExploreMap:
    """The planes of a UAE and of a VAE with two latents side by side: move through them and see what they decode to.

    `autoencoder` and `vae` are models of 2 latents for images of one shape, the course's own for digits if None, the
    VAE at β = 1. `digits` are images (n, C, H, W) and their labels (n,), 0 to 9, the test digits if None: the first
    300 are shown in the planes, and of each class the first can be chosen.
    Raises TypeError or ValueError that names the argument.
    """
    vae = trained("digits").at(1.0) if vae is None else vae
    autoencoder = trained("digits-uae") if autoencoder is None else autoencoder
    _check_in_a_plane("vae", vae, VAE)
    _check_in_a_plane("autoencoder", autoencoder, Autoencoder)
    if autoencoder.image_shape != vae.image_shape:
        raise ValueError(f"autoencoder must have the image shape of vae, {vae.image_shape}")
    images, labels = _check_digits(digits, vae, autoencoder)
    picks = _one_of_each_class(labels)
    h, q = autoencoder.encode(images), vae.encode(images)
    arrays = (
        _weights(autoencoder, "UAE.", encoder=False)
        | _weights(vae, "VAE.", encoder=False)
        | {"UAE.codes": h, "VAE.codes": q.mean, "VAE.sigma": q.stddev, "images": images[picks]}
    )
    about = {"shape": list(images.shape[1:]), "labels": labels.tolist(), "picks": picks}
    return ExploreMap(arrays, about, h=tuple(h[picks[0]].tolist()), z=tuple(q.mean[picks[0]].tolist()))


class DrawADigit(Explorer):
    """See `draw_a_digit`. The trait `image` is what the network sees: 28 rows of 28 numbers, 0 paper to 1 ink; all of
    them are 0 while nothing is drawn. `torch.tensor(widget.image)[None, None]` is a batch for `vae.encode`."""

    _esm = _module("draw_a_digit")
    image = List(List(Float())).tag(sync=True)

    @default("image")
    def _nothing_is_drawn(self):
        return [[0.0] * 28 for _ in range(28)]

    @validate("image")
    def _image_is_grey(self, proposal):
        rows = proposal["value"]
        if len(rows) != 28 or any(len(row) != 28 for row in rows):
            raise TraitError("image must be 28 rows of 28 numbers")
        if not all(0 <= value <= 1 for row in rows for value in row):  # nor is NaN
            raise TraitError("image must lie between 0, paper, and 1, ink")
        return rows


@torch.no_grad()
def draw_a_digit(vae: VAE | None = None, digits: Digits | None = None, *, seed: int = 0) -> DrawADigit:
    """A sheet to draw a digit on: it is encoded as a distribution in the VAE's plane, sampled and decoded, live.

    `vae` has 2 latents and takes images (n, 1, 28, 28), the course's own at β = 1 if None. `digits` are images and
    their labels (n,), 0 to 9, the test digits if None: the first 300 are shown in the plane, and of each class the
    first can be loaded instead of drawing. `seed` sets the four samples' ε. What is drawn is made into an image as
    MNIST's were (LeCun et al. 1998): its ink fills a box of 20 × 20 pixels, with its centre of mass in the middle.
    Raises TypeError or ValueError that names the argument.
    """
    vae = trained("digits").at(1.0) if vae is None else vae
    _check_in_a_plane("vae", vae, VAE)
    if vae.image_shape != (1, 28, 28):
        raise ValueError(f"vae must take images of shape (1, 28, 28), it takes {vae.image_shape}")
    require.whole_number("seed", seed, least=0)
    images, labels = _check_digits(digits, vae)
    picks = _one_of_each_class(labels)
    arrays = _weights(vae) | {
        "codes": vae.encode(images).mean,
        "images": images[picks],
        "noise": torch.randn(4, 2, generator=torch.Generator().manual_seed(seed)),
    }
    return DrawADigit(arrays, {"labels": labels.tolist(), "picks": labels[picks].tolist()})


class WatchTraining(Explorer):
    """See `watch_training`. Traits: `epoch`, from 0, and `playing`."""

    _esm = _module("watch_training")
    pictures = Dict().tag(sync=True)  # name → bytes, a pixel each
    epoch = Int(0).tag(sync=True)
    playing = Bool(False).tag(sync=True)

    @validate("epoch")
    def _epoch_is_recorded(self, proposal):
        return _between("epoch", proposal["value"], self.about["epochs"] + 1)


def watch_training(autoencoder: Recording | None = None, vae: Recording | None = None) -> WatchTraining:
    """A training run to play and to wind back: the latent plane, samples, reconstructions and losses, epoch by epoch.

    `autoencoder` and `vae` are `Recording`s of equally many epochs, and of the same images, to be compared; one alone
    is shown alone. If both are None, the course's own are shown: the digits, 12 epochs.
    Raises TypeError or ValueError that names the argument.
    """
    if vae is None and autoencoder is None:
        autoencoder, vae = training_run()
    given = {"autoencoder": autoencoder, "vae": vae}
    for name, recording in given.items():
        if recording is not None and not isinstance(recording, Recording):
            raise TypeError(f"{name} must be a Recording, got {type(recording).__name__}")
        if recording is not None and recording.of_vae != (name == "vae"):
            raise ValueError(f"{name} must be a recording of {'a VAE' if name == 'vae' else 'an Autoencoder'}")
        if recording is not None and recording.epochs == 0:
            raise ValueError(f"{name} must have seen an epoch: give it to fit as the callback")
    if vae is not None and autoencoder is not None:
        if vae.epochs != autoencoder.epochs:
            raise ValueError(f"autoencoder must have {vae.epochs} epochs, as vae has, got {autoencoder.epochs}")
        same = torch.equal(vae.labels, autoencoder.labels) and torch.equal(vae.images, autoencoder.images)
        if not same:
            raise ValueError("autoencoder must be recorded on the same images as vae")
    arrays, pictures = {}, {}
    for name, recording in (("UAE", autoencoder), ("VAE", vae)):
        if recording is not None:
            for field, values in recording.stacked().items():
                kind = pictures if values.dtype == torch.uint8 else arrays
                kind[f"{name}.{field}"] = values
            shown = recording
    pictures["images"] = shown.images
    about = {"shape": list(shown.images.shape[1:]), "labels": shown.labels.tolist(), "epochs": shown.epochs}
    return WatchTraining(arrays, about, pictures={name: values.numpy().tobytes() for name, values in pictures.items()})


def live(draw: Callable[..., str], *controls: widgets.Widget) -> widgets.VBox:
    """Controls above a picture that is drawn anew whenever one of them changes.

    `draw` takes the controls' values, in their order, and returns HTML, as `vaelib.figures.picture_html` does.
    Raises TypeError if `draw` is no function or a control has no value, ValueError if there is no control.
    """
    if not callable(draw):
        raise TypeError(f"draw must be a function, got {type(draw).__name__}")
    if not controls:
        raise ValueError("controls must be at least one widget")
    if not all(isinstance(control, widgets.Widget) and control.has_trait("value") for control in controls):
        raise TypeError("controls must be ipywidgets that have a value, such as FloatSlider")
    picture = widgets.HTML()

    def update(_=None):
        picture.value = draw(*(control.value for control in controls))

    for control in controls:
        control.layout.width = "36em"  # wide enough for a hall, and for small steps of the mouse
        control.observe(update, "value")
    update()
    return widgets.VBox([*controls, picture])
