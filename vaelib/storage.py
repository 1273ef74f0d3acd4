"""Files that are whole or not there: safetensors, which hold numbers only and never code."""

import contextlib
import hashlib
import json
import math
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

LARGEST_HEADER = 1_000_000  # bytes: some hundred tensors take a tenth of it
DIGEST = "digest"  # of what is written, by which a single wrong bit is seen
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

Shapes = dict[str, tuple[int, ...]]
About = dict[str, str]


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
        save_file(dict(tensors), half_written, metadata={**about, DIGEST: _digest(tensors)})


def read_tensors(path: str | os.PathLike, require_fitting: Callable[[Shapes, About], None]) -> tuple[dict, About]:
    """The tensors in a file, and what is said about them.

    `require_fitting` gets their shapes, and what is said about them, and raises ValueError if these are not what is
    wanted: so a file that promises much, and is none of ours, takes no memory. Raises TypeError for a `path` that is
    none, FileNotFoundError if there is no file, ValueError if it is damaged.
    """
    from safetensors.torch import load

    path = _path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: there is no file {path}")
    try:
        header, size = _header(path)
        about = header.pop("__metadata__", {})
        shapes = {name: tuple(tensor["shape"]) for name, tensor in header.items()}
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        if end != size:
            raise ValueError(f"its header promises {end} bytes, and {size} follow")
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"path: {path} is truncated or no safetensors file ({in_short(error)})") from None
    require_fitting(shapes, about)
    try:
        tensors = load(path.read_bytes())  # at once: some file systems can't map files into memory
    except Exception as error:  # whatever a file may hold
        raise ValueError(f"path: {path} is truncated or no safetensors file ({in_short(error)})") from None
    if about.get(DIGEST, digest := _digest(tensors)) != digest:
        raise ValueError(f"path: {path} is damaged: it is not what was written")
    return tensors, about


def _header(path: Path) -> tuple[dict, int]:
    """What a safetensors file begins with, and how many bytes follow it."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LARGEST_HEADER:
            raise ValueError(f"its header would have {length} bytes")
        header = json.loads(file.read(length))
    return header, path.stat().st_size - 8 - length


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """Of the names, kinds, shapes and bytes of the tensors."""
    digest = hashlib.blake2b(digest_size=16)
    for name, values in sorted(tensors.items()):
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode(errors="replace"))
        digest.update(values.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def in_short(error: Exception) -> str:
    """An error in a sentence of another: a file may have put anything into its message."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


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

    model = None

    def require_fitting(shapes: Shapes, about: About) -> None:
        nonlocal model
        settings = _settings(about)
        if settings is None or settings.pop("model", None) != kind.__name__:
            raise ValueError(f"path: {path} does not hold a {kind.__name__} saved by vaelib")
        try:
            if _least_size(settings) > sum(map(math.prod, shapes.values())):
                raise ValueError("fewer numbers than these layers have")
            model = kind(**settings)  # no larger than the file. On "meta" PyTorch would import for 5 s
            if shapes != {name: tuple(values.shape) for name, values in model.state_dict().items()}:
                raise ValueError("other tensors, or of other sizes")
        except (TypeError, ValueError, KeyError, RuntimeError) as error:
            raise ValueError(f"path: the weights in {path} do not fit its settings ({in_short(error)})") from None

    weights, _ = read_tensors(path, require_fitting)
    dtypes = {values.dtype for values in weights.values()}
    if len(dtypes) != 1 or not dtypes <= set(FLOATS):
        raise ValueError(f"path: the weights in {path} must be floating-point numbers of one kind")
    if not all(values.isfinite().all() for values in weights.values()):
        raise ValueError(f"path: the weights in {path} hold NaN or inf")
    model.to(*dtypes).load_state_dict(weights)
    return model


def _least_size(settings: Mapping) -> int:
    """How many numbers the weights of such an encoder and its decoder are, at least."""
    sizes = [math.prod(settings["image_shape"]), *settings["hidden"], settings["latent_dim"]]
    return 2 * sum(math.prod(pair) for pair in pairwise(sizes))


def _settings(about: Mapping[str, str]) -> dict | None:
    """The settings written beside a model's weights; None if there are none that can be read."""
    try:
        settings = json.loads(about.get("vaelib", "null"))
    except (ValueError, TypeError, AttributeError, RecursionError):
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
