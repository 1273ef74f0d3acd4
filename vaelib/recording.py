"""A training run to look at again: what a model with two latents made of some images, epoch by epoch."""

import os
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from vaelib import require
from vaelib.history import History
from vaelib.losses import reconstruction_error, require_likelihood
from vaelib.measures import evaluate
from vaelib.models import code_of, in_mode, require_images_for
from vaelib.multirate import MultiRateVAE
from vaelib.storage import in_short, read_tensors, write_tensors

RECONSTRUCTED = 4  # images whose reconstructions are kept
MOST_IMAGES, MOST_SAMPLES = 1000, 16  # that there is room for
_FROM = "The digits are MNIST's (Yann LeCun and Corinna Cortes, CC BY-SA 3.0), see data/digits/README.md"


class Frame(NamedTuple):
    """The model after one number of epochs. Pictures are bytes, uint8; losses are means over the images, in nats."""

    codes: Tensor  # (n, 2): μ of the VAE, h of the UAE
    sigma: Tensor  # (n, 2) of the VAE, (0, 2) of the UAE
    reconstructed: Tensor  # (4, C, H, W): the first images, from μ or h
    samples: Tensor  # (samples, C, H, W): the same draws of N(0, 1) decoded, each time
    losses: Tensor  # (2,): the reconstruction term, with z sampled, and the KL, which is 0 for the UAE


class Recording:
    """Keeps what `model` makes of `images` before its training and after each epoch: `frames[e]` after e epochs.

        recording = Recording(vae, test.images[:300], test.labels[:300])
        fit(vae, train.images, callback=recording)
        watch_training(vae=recording)

    `model` is an Autoencoder or a VAE with 2 latents, or one of your own that encodes and decodes alike; `images`
    (n, C, H, W), 4 to 1000, better not those that it is trained on; `labels` (n,) are their classes, 0 to 9.
    `samples` draws of N(0, 1), set by `seed`, are decoded each time. `reconstruction` and `scale` should be those
    given to `fit`. A second `fit` goes on where the first ended.
    Raises TypeError or ValueError that names the argument.
    """

    def __init__(
        self,
        model,
        images: Tensor,
        labels: Tensor,
        *,
        samples: int = 16,
        reconstruction: str = "l1",
        scale: float = 1.0,
        seed: int = 0,
    ):
        require_images_for(model, images, anywhere=True)
        if not isinstance(model, nn.Module) or next(model.parameters(), None) is None:
            raise TypeError(f"model must be a torch.nn.Module with weights, got {type(model).__name__}")
        if isinstance(model, MultiRateVAE):
            raise TypeError("model must be an Autoencoder or a VAE: a MultiRateVAE has a latent space for each β")
        if not RECONSTRUCTED <= len(images) <= MOST_IMAGES:
            raise ValueError(f"images must be {RECONSTRUCTED} to {MOST_IMAGES}, got {len(images)}")
        require.channels("images", images.shape[1])
        require.pixels("images", images)
        require.labels("labels", labels, len(images))
        require.whole_number("samples", samples, most=MOST_SAMPLES)
        require.seed("seed", seed)
        require_likelihood(reconstruction, scale)
        self._model, self._images = model, images.detach().to(next(model.parameters()).device)
        self._loss_settings = {"reconstruction": reconstruction, "scale": scale}
        self._seed = seed
        self._draws = torch.randn(samples, 2, generator=torch.Generator().manual_seed(seed))
        self.labels = labels.to("cpu", torch.uint8, copy=True)
        self.images = _bytes(images[:RECONSTRUCTED])
        self.frames = [self._capture_frame()]

    def __call__(self, epoch: int, history: History) -> None:
        """What `fit` calls after each epoch."""
        self.frames.append(self._capture_frame())

    @property
    def of_vae(self) -> bool:
        return len(self.frames[0].sigma) > 0

    @property
    def epochs(self) -> int:
        return len(self.frames) - 1

    def stacked(self) -> dict[str, Tensor]:
        """All frames in one: each field by its name, with the epochs as a first dimension."""
        return {field: torch.stack([getattr(frame, field) for frame in self.frames]) for field in Frame._fields}

    def _capture_frame(self) -> Frame:
        with torch.no_grad(), in_mode(self._model, training=False):
            return self._frame_now()

    def _frame_now(self) -> Frame:
        model, images = self._model, self._images
        code = code_of(model, images)
        is_vae = isinstance(code, Normal)
        codes = code.mean if is_vae else code  # (n, 2)
        if codes.shape != (len(images), 2):
            raise ValueError(f"model must have 2 latents to be drawn in a plane, its codes are {tuple(codes.shape)}")
        if is_vae:
            means = evaluate(model, images, seed=self._seed, **self._loss_settings)
            losses = [means.distortion, means.rate]
        else:
            losses = [reconstruction_error(images, model.decode(codes), **self._loss_settings).mean().item(), 0.0]
        return Frame(
            codes.float().cpu(),
            code.stddev.float().cpu() if is_vae else torch.zeros(0, 2),
            _bytes(model.decode(codes[:RECONSTRUCTED])),
            _bytes(model.decode(self._draws.to(codes))),
            torch.tensor(losses),
        )

    @classmethod
    def from_frames(cls, labels: Tensor, images: Tensor, frames: list[Frame]) -> "Recording":
        """Read from a file: frames without a model, so it cannot be called."""
        recording = cls.__new__(cls)
        recording.labels, recording.images, recording.frames = labels, images, frames
        return recording


def save_recordings(recordings: Mapping[str, Recording], path: str | os.PathLike) -> None:
    """Write `recordings`, by their names, to one file (safetensors).

    Raises TypeError or ValueError for what are none, or a name with a dot in it; FileNotFoundError without a folder.
    """
    require.mapping("recordings", recordings)
    for name, recording in recordings.items():
        if not isinstance(recording, Recording):
            raise TypeError(f"recordings[{name!r}] must be a Recording, got {type(recording).__name__}")
        if "." in name:
            raise ValueError(f"recordings must have names without a dot, got {name!r}")
    tensors = {}
    for name, recording in recordings.items():
        kept = recording.stacked() | {"labels": recording.labels, "images": recording.images}
        tensors |= {f"{name}.{field}": values for field, values in kept.items()}
    write_tensors(path, tensors, {"vaelib": "recordings", "pictures": _FROM})


def load_recordings(path: str | os.PathLike) -> dict[str, Recording]:
    """Read what `save_recordings` wrote. Raises FileNotFoundError if there is no file at `path`, ValueError if it is
    damaged or of another kind."""

    def require_fitting(shapes, about) -> None:
        if not isinstance(about, dict) or about.get("vaelib") != "recordings" or not shapes:
            raise ValueError(f"path: {path} does not hold recordings saved by vaelib")
        try:
            for name in _names_in(shapes):
                _require_sizes(shapes, name)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"path: the recordings in {path} are damaged ({in_short(error)})") from None

    tensors, _ = read_tensors(path, require_fitting)
    try:
        return {name: _recording(tensors, name) for name in _names_in(tensors)}
    except (TypeError, ValueError) as error:
        raise ValueError(f"path: the recordings in {path} are damaged ({error})") from None


def _names_in(tensors: Mapping[str, object]) -> list[str]:
    return sorted({name.partition(".")[0] for name in tensors})


def _require_sizes(shapes: Mapping[str, tuple[int, ...]], name: str) -> None:
    """Do the parts of the recording `name` fit together, and are they no more than one can have?"""
    (n,), (_, *shape) = shapes[f"{name}.labels"], shapes[f"{name}.images"]
    epochs, samples = shapes[f"{name}.codes"][0], shapes[f"{name}.samples"][1]
    deviations = n if shapes[f"{name}.sigma"][1] else 0
    if len(shape) != 3 or not RECONSTRUCTED <= n <= MOST_IMAGES or not 1 <= samples <= MOST_SAMPLES or epochs < 1:
        raise ValueError(f"{n} images of shape {tuple(shape)}, {samples} samples, {epochs} frames")
    expected = [(epochs, n, 2), (epochs, deviations, 2), (epochs, RECONSTRUCTED, *shape),
                (epochs, samples, *shape), (epochs, 2)]  # fmt: skip
    for field, size in zip((*Frame._fields, "images"), (*expected, (RECONSTRUCTED, *shape)), strict=True):
        if shapes[f"{name}.{field}"] != size:
            raise ValueError(f"{field} must be of shape {size}, got {shapes[f'{name}.{field}']}")


def _recording(tensors: Mapping[str, Tensor], name: str) -> Recording:
    """The recording `name`, whose parts fit together."""
    labels, images = tensors[f"{name}.labels"], tensors[f"{name}.images"]
    fields = [tensors[f"{name}.{field}"] for field in Frame._fields]
    require.labels("labels", labels, len(labels))
    for field, values in zip((*Frame._fields, "images"), (*fields, images), strict=True):
        dtype = torch.uint8 if field in ("reconstructed", "samples", "images") else torch.float32
        if values.dtype != dtype or not values.isfinite().all():
            raise ValueError(f"{field} must be finite {dtype}, got {values.dtype}")
    return Recording.from_frames(labels, images, [Frame(*frame) for frame in zip(*fields, strict=True)])


def _bytes(images: Tensor) -> Tensor:
    return (255 * images.detach().clamp(0, 1)).round().to(torch.uint8).cpu()
