"""Files that are whole or not there: safetensors, which hold numbers only and never code."""

import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor


@contextlib.contextmanager
def whole_or_nothing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; what was written there takes the place of `path` if the block ends well.

    Until then an earlier file stays as it was. Of several programs that write at once, the last one wins.
    """
    half_written = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.part")
    try:
        yield half_written
        half_written.replace(path)
    finally:
        with contextlib.suppress(OSError):  # a folder that can't be written to holds no half of it either
            half_written.unlink(missing_ok=True)


def write_tensors(path: str | os.PathLike, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Write `tensors` and what is to be said `about` them to `path`, in one step.

    Raises TypeError for a `path` that is none, FileNotFoundError if there is no such folder.
    """
    from safetensors.torch import save_file

    path = _path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"path: there is no folder {path.parent}")
    with whole_or_nothing(path) as half_written:
        save_file(dict(tensors), half_written, metadata=dict(about))


def read_tensors(path: str | os.PathLike) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors in a file, and what is said about them.

    Raises TypeError for a `path` that is none, FileNotFoundError if there is no file, ValueError if it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    if not _path(path).is_file():
        raise FileNotFoundError(f"path: there is no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"path: {path} is truncated or no safetensors file ({error})") from None


def save_model(model, path: str | os.PathLike) -> None:
    """Write the weights and the settings of an Autoencoder, a VAE or a MultiRateVAE, see `write_tensors`."""
    settings = {
        "model": type(model).__name__,
        "image_shape": model.image_shape,
        "latent_dim": model.latent_dim,
        "hidden": model.hidden,
    }
    write_tensors(path, model.state_dict(), {"vaelib": json.dumps(settings)})


def load_model(kind: type, path: str | os.PathLike):
    """Read a model of this `kind` that `save_model` wrote. Raises as `read_tensors` does, and ValueError if the file
    holds another model, if weights and settings disagree, or if a weight is NaN or inf."""
    weights, about = read_tensors(path)
    settings = _settings(about)
    if settings is None or settings.pop("model", None) != kind.__name__:
        raise ValueError(f"path: {path} does not hold a {kind.__name__} saved by vaelib")
    try:
        model = kind(**settings)
        model.to(next(iter(weights.values())).dtype).load_state_dict(weights)
        if not all(values.isfinite().all() for values in weights.values()):
            raise ValueError("NaN or inf among the weights")
    except (TypeError, ValueError, RuntimeError, StopIteration) as error:
        raise ValueError(f"path: the weights in {path} do not fit its settings {settings} ({error})") from None
    return model


def _settings(about: Mapping[str, str]) -> dict | None:
    """The settings written beside a model's weights; None if there are none that can be read."""
    try:
        settings = json.loads(about.get("vaelib", "null"))
    except json.JSONDecodeError:
        return None
    return settings if isinstance(settings, dict) else None


def _path(path: str | os.PathLike) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a str or a Path, got {type(path).__name__}")
    name = os.fspath(path)
    if not isinstance(name, str):
        raise TypeError(f"path must be a str or a Path, got one of {type(name).__name__}")
    try:
        written = os.fsencode(name)
    except UnicodeEncodeError:
        written = b"\0"
    if b"\0" in written or not Path(name).name:
        raise ValueError(f"path must be that of a file, got {name!r}")
    return Path(name)
