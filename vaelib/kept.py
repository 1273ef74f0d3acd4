"""Trainings that are kept, so that a lecture need not wait: `make warm` fills a folder, and `fit` looks there first.

The folder is `.kept` beside the package, once `make warm` has made it, or the one that the environment variable
VAELIB_KEPT names; "off" keeps nothing. Each training is one file: the digest of all that follows, then tensors
(safetensors), so that nothing damaged is ever taken for a model, and no file can run code.
"""

import contextlib
import hashlib
import json
import os
import secrets
from pathlib import Path

import torch
from torch import Tensor

from vaelib.models import VAE, Autoencoder, MultiRateVAE

_HOME = Path(__file__).resolve().parents[1] / ".kept"
_SHAPING = ("losses", "models", "training", "kept")  # the code that decides what comes of a training
_DIGEST = 32  # bytes
_LARGEST = 300e6  # bytes: with a callback each epoch's weights are kept, and some trainings are long


def folder() -> Path | None:
    """Where trainings are kept; None if they are not."""
    named = os.environ.get("VAELIB_KEPT", "")
    if named:
        return None if named == "off" else Path(named)
    return _HOME if _HOME.is_dir() else None


class Kept:
    """What is kept of one training: that of `model`, as it is now, on `images` with these `settings`.

    `settings` are plain values by their names. The number of threads is not among what tells trainings apart: it
    changes the last digits only.
    """

    def __init__(self, home: Path, model, images: Tensor, settings: dict):
        digest = hashlib.blake2b(digest_size=20)
        trainable = [name for name, values in model.named_parameters() if values.requires_grad]
        where = [str(images.dtype), images.device.type, list(images.shape)]
        digest.update(json.dumps([repr(model), trainable, where, settings], sort_keys=True).encode())
        for name, values in model.state_dict().items():
            digest.update(name.encode())
            digest.update(_bytes(values))
        digest.update(_bytes(images))
        self.name = digest.hexdigest()
        self.path = home / f"{self.name}.kept"

    def read(self) -> tuple[dict, list[dict[str, Tensor]]] | None:
        """The history, and the weights after each epoch or after the last alone; None if there is nothing to be used.

        A file that can't be used is reported in one line.
        """
        try:
            digest, rest = (data := self.path.read_bytes())[:_DIGEST], data[_DIGEST:]
        except FileNotFoundError:
            return None
        except OSError as error:
            return print(f"what was kept of this training can't be read ({error.strerror}): training it again")
        if _digest(rest) != digest:
            return print("what was kept of this training is damaged: training it again")
        about, weights = _unpack(rest)
        if about["versions"] != _versions():
            return print("what was kept of this training is another version's of vaelib or torch: training it again")
        if about["name"] != self.name:
            return print("what was kept in this training's place is another training: training this one again")
        with contextlib.suppress(OSError):
            os.utime(self.path)  # was of use, see tools/warm.py
        return about["history"], weights

    def write(self, history: dict, weights: list[dict[str, Tensor]]) -> None:
        """Keep a training: all of it, or nothing. That it could not be kept is reported in one line."""
        data = _pack({"name": self.name, "versions": _versions(), "history": history}, weights)
        # Of several kernels that write at once the last wins, and each writes the same.
        half_written = self.path.with_name(f"{self.name}.{secrets.token_hex(4)}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            half_written.write_bytes(_digest(data) + data)
            half_written.replace(self.path)
        except OSError as error:
            print(f"this training could not be kept ({error.strerror}); the model is trained all the same")
        finally:
            with contextlib.suppress(OSError):  # a folder that can't be written to holds no half of it either
                half_written.unlink(missing_ok=True)


def can_be_kept(model, copies: int) -> bool:
    """Is this a model of the course, as it was written? One of a reader's own may change without a trace.

    And would so many `copies` of its weights take a bearable amount of room?
    """
    layers = list(model.modules())
    size = sum(values.numel() * values.element_size() for values in model.state_dict().values())
    return (
        copies * size < _LARGEST
        and type(model) in (Autoencoder, VAE, MultiRateVAE)
        and all(type(layer).__module__.startswith(("torch.nn.", "vaelib.")) for layer in layers)
        and not any(layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks for layer in layers)
        and not any(callable(value) for layer in layers for value in vars(layer).values())
    )


def _versions() -> dict[str, str]:
    code = b"".join(Path(__file__).with_name(f"{name}.py").read_bytes() for name in _SHAPING)
    return {"torch": torch.__version__, "code": hashlib.blake2b(code, digest_size=8).hexdigest()}


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST).digest()


def _bytes(values: Tensor) -> bytes:
    return values.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()


def _pack(about: dict, weights: list[dict[str, Tensor]]) -> bytes:
    from safetensors.torch import save

    tensors = {f"{k}.{name}": values for k, of_epoch in enumerate(weights) for name, values in of_epoch.items()}
    return save({"about": torch.frombuffer(bytearray(json.dumps(about).encode()), dtype=torch.uint8), **tensors})


def _unpack(data: bytes) -> tuple[dict, list[dict[str, Tensor]]]:
    from safetensors.torch import load

    tensors = load(data)
    about = json.loads(_bytes(tensors.pop("about")))
    weights: dict[int, dict[str, Tensor]] = {}
    for name, values in tensors.items():
        k, _, name = name.partition(".")
        weights.setdefault(int(k), {})[name] = values
    return about, [weights[k] for k in sorted(weights)]
