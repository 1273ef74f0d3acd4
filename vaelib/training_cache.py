"""Trainings that are kept, so that a lecture need not wait: `make warm` fills a folder, and `fit` looks there first.

The folder is `.kept` beside the package, once `make warm` has made it, or the one that the environment variable
VAELIB_KEPT names; "off" keeps nothing. One in which nobody but a teacher may write serves a class: its trainings are
used, and nothing is added. Each training is one file: the digest of all that follows, then tensors
(safetensors), so that nothing damaged is ever taken for a model, and no file can run code.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from vaelib.history import History
from vaelib.language import _
from vaelib.models import VAE, Autoencoder
from vaelib.multirate import MultiRateVAE
from vaelib.storage import whole_or_nothing

DEFAULT_FOLDER = Path(__file__).resolve().parents[1] / ".kept"
# What decides what comes of a training.
SOURCES = ("adam", "history", "losses", "models", "multirate", "training", "training_cache")
DIGEST_BYTES = 32
LARGEST_FILE = 300e6  # bytes: with a callback each epoch's weights are kept, and some trainings are long

Weights = dict[str, Tensor]
Callback = Callable[[int, History], None]


def train_or_recall(
    train: Callable[[Callback | None], History],
    model,
    images: Tensor,
    settings: dict,
    callback: Callback | None,
    *,
    fresh: bool,
) -> History:
    """`train(callback)`, which trains `model` on `images` by these `settings`; or what it did before, if kept."""
    folder = cache_folder()
    if folder is None or not is_cacheable(model, copies=settings["epochs"] if callback else 1):
        return train(callback)
    entry = CacheEntry(folder, model, images, settings | {"each epoch": callback is not None})
    earlier = None if fresh else entry.read()
    if earlier is not None:
        print(_("trained earlier with these settings; fit(..., fresh=True) trains again"))
        return _recall(model, *earlier, callback)
    weights: list[Weights | None] = []  # after each epoch for a callback, which may look at them, else the last ones
    history = train(_watched(model, callback, weights) if callback else None)
    if callback is None:
        weights.append(_weights(model))
    if not history.interrupted and None not in weights:
        entry.write(asdict(history), weights)
    return history


def cache_folder() -> Path | None:
    """Where trainings are kept; None if they are not."""
    named = os.environ.get("VAELIB_KEPT", "")
    if named:
        return None if named == "off" else Path(named)
    return DEFAULT_FOLDER if DEFAULT_FOLDER.is_dir() else None


def is_cacheable(model, copies: int) -> bool:
    """Is this a model of the course, as it was written? One of a reader's own may change without a trace.

    And would so many `copies` of its weights take a bearable amount of room?
    """
    layers = list(model.modules())
    size = sum(values.numel() * values.element_size() for values in model.state_dict().values())
    return (
        copies * size < LARGEST_FILE
        and type(model) in (Autoencoder, VAE, MultiRateVAE)
        and all(type(layer).__module__.startswith(("torch.nn.", "vaelib.")) for layer in layers)
        and not any(layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks for layer in layers)
        # a method that was replaced on this one model
        and not any(callable(value) for layer in layers for value in vars(layer).values())
    )


class CacheEntry:
    """What is kept of one training: that of `model`, as it is now, on `images` with these `settings`.

    `settings` are plain values by their names. The number of threads is not among what tells trainings apart: it
    changes the last digits only.
    """

    def __init__(self, folder: Path, model, images: Tensor, settings: dict):
        digest = hashlib.blake2b(digest_size=20)
        trainable = [name for name, values in model.named_parameters() if values.requires_grad]
        about_images = [str(images.dtype), images.device.type, list(images.shape)]
        digest.update(json.dumps([repr(model), trainable, about_images, settings], sort_keys=True).encode())
        for name, values in model.state_dict().items():
            digest.update(name.encode())
            digest.update(_bytes(values))
        digest.update(_bytes(images))
        self.name = digest.hexdigest()
        self.path = folder / f"{self.name}.kept"

    def read(self) -> tuple[dict, list[Weights]] | None:
        """The history, and the weights after each epoch or after the last alone; None if there is nothing to be used.

        A file that can't be used is reported in one line.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            said = _("what was kept of this training can't be read ({reason}): training it again")
            return _refuse(said.format(reason=error.strerror))
        digest, data = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
        if _digest(data) != digest:
            return _refuse(_("what was kept of this training is damaged: training it again"))
        about, weights = _unpack(data)
        if about["versions"] != _versions():
            return _refuse(
                _("what was kept of this training is another version's of vaelib or torch: training it again")
            )
        if about["name"] != self.name:
            said = _("what was kept in this training's place is another training: training this one again")
            return _refuse(said)
        with contextlib.suppress(OSError):
            os.utime(self.path)  # `make warm` deletes what it did not touch
        return about["history"], weights

    def write(self, history: dict, weights: list[Weights]) -> None:
        """Keep a training: all of it, or nothing. That it could not be kept is reported in one line.

        Into a folder that one may only read nothing is written, and nothing is said: it is meant so.
        """
        folder = self.path.parent
        if folder.is_dir() and not os.access(folder, os.W_OK):
            return
        data = _pack({"name": self.name, "versions": _versions(), "history": history}, weights)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with whole_or_nothing(self.path) as half_written:
                half_written.write_bytes(_digest(data) + data)
        except OSError as error:
            said = _("this training could not be kept ({reason}); the model is trained all the same")
            print(said.format(reason=error.strerror))


def _recall(model, past: dict, weights: list[Weights], callback: Callback | None) -> History:
    """What the training did in the `past`, once more: its history, its weights, its calls."""
    history = History(past["beta"])
    names = ("loss", "reconstruction", "kl", "kl_per_latent")
    try:
        for epoch, means in enumerate(zip(*(past[name] for name in names), strict=True), start=1):
            history.add(*means)
            if callback is not None:
                model.load_state_dict(weights[epoch - 1])
                callback(epoch, history)
        if callback is None:
            model.load_state_dict(weights[-1])
    except KeyboardInterrupt:
        history.interrupted = True
    return history


def _watched(model, callback: Callback, weights: list[Weights | None]) -> Callback:
    """The `callback`, which also notes the model's weights in the list `weights` after each epoch.

    If the callback changed them, None is noted: then it shaped the training, and nobody can tell by what.
    """

    def watched(epoch: int, history: History) -> None:
        before = _weights(model)
        callback(epoch, history)
        untouched = all(torch.equal(before[name], now) for name, now in model.state_dict().items())
        weights.append(before if untouched else None)

    return watched


def _weights(model) -> Weights:
    return {name: values.detach().clone() for name, values in model.state_dict().items()}


def _refuse(why: str) -> None:
    """Say why a file is not used; there is nothing to return."""
    print(why)


def _versions() -> dict[str, str]:
    code = b"".join(Path(__file__).with_name(f"{name}.py").read_bytes() for name in SOURCES)
    return {"torch": torch.__version__, "code": hashlib.blake2b(code, digest_size=8).hexdigest()}


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def _bytes(values: Tensor) -> bytes:
    return values.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()


def _pack(about: dict, weights: list[Weights]) -> bytes:
    from safetensors.torch import save

    tensors = {f"{k}.{name}": values for k, of_epoch in enumerate(weights) for name, values in of_epoch.items()}
    return save({"about": torch.frombuffer(bytearray(json.dumps(about).encode()), dtype=torch.uint8), **tensors})


def _unpack(data: bytes) -> tuple[dict, list[Weights]]:
    from safetensors.torch import load

    tensors = load(data)
    about = json.loads(_bytes(tensors.pop("about")))
    weights: dict[int, Weights] = {}
    for name, values in tensors.items():
        epoch, _, name = name.partition(".")
        weights.setdefault(int(epoch), {})[name] = values
    return about, [weights[epoch] for epoch in sorted(weights)]
