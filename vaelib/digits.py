"""The handwritten digits: a bundled subset of MNIST that needs no network, and the full MNIST on request.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".
Whose the data is, under which licence, and how the subset was chosen: data/digits/README.md.
"""

import gzip
import hashlib
import math
import os
import re
import socket
import tempfile
import threading
import zlib
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

import torch

from vaelib import require

_REPAIR = "install vaelib again, or get the file back with git"
BUNDLED = Path(__file__).parent / "data" / "digits"
MOST_BYTES = 60_000 * 28 * 28  # that a file of MNIST holds, unpacked
_FILE_PREFIX = {"train": "train", "test": "t10k"}  # MNIST's own names for its two splits
_SECONDS_WITHOUT_AN_ANSWER = 30  # after which a silent server counts as down
_ONE_DOWNLOAD_AT_A_TIME = threading.Lock()


class Digits(NamedTuple):
    """Handwritten digits: `images` (n, 1, 28, 28) float32, 0 paper to 1 ink; `labels` (n,) int64, 0 to 9."""

    images: torch.Tensor
    labels: torch.Tensor


class DigitsError(OSError):
    """The digits could not be read or downloaded; the message says what happened and what still works."""


def digits(split="train", *, full=False, cache=None) -> Digits:
    """Handwritten digits (MNIST): `images` (n, 1, 28, 28) float32 in [0, 1] and `labels` (n,) int64.

    split: "train" or "test".
    full: False reads the bundled subset, 4,000 to train on and 1,000 to test on, with no network. Its classes
        take turns, so `images[:10]` shows one of each. True gives all 60,000 or 10,000 (downloaded once).
    cache: the folder that keeps the full set; the environment's VAELIB_CACHE, else ~/.cache/vaelib, if None.

    Raises ValueError or TypeError for a bad argument, and DigitsError (an OSError) when a file is missing,
    truncated or altered, or when the full set can't be downloaded.
    """
    if not isinstance(split, str) or split not in _FILE_PREFIX:
        raise ValueError(f'split must be "train" or "test", got {require.shown(split)}')
    require.flag("full", full)
    if not isinstance(cache, (str, os.PathLike, type(None))):
        raise TypeError(f"cache must be the path of a folder or None, got {require.shown(cache)}")
    read = _full_reader(cache) if full else _bundled
    images = _decode_idx(read(f"{_FILE_PREFIX[split]}-images-idx3-ubyte.gz"), 3)  # (n, 28, 28) uint8
    labels = _decode_idx(read(f"{_FILE_PREFIX[split]}-labels-idx1-ubyte.gz"), 1)  # (n,) uint8
    return Digits(images[:, None].float() / 255, labels.long())


def _decode_idx(path: Path, axes: int) -> torch.Tensor:
    """An IDX file: the bytes 0, 0, 8 (for uint8), the number of axes, each axis in 4 bytes, the values."""
    try:
        with gzip.open(path) as file:
            if file.read(4) != bytes((0, 0, 8, axes)):
                raise ValueError("it does not begin as one of MNIST's does")
            shape = [int.from_bytes(file.read(4), "big") for _ in range(axes)]
            size = math.prod(shape)
            if not 0 < size <= MOST_BYTES:
                raise ValueError(f"it promises {size} bytes")
            content = bytearray(file.read(size))
            if len(content) != size or file.read(1):
                raise ValueError(f"it promises {size} bytes and does not hold as many")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DigitsError(f"{path} was truncated or altered ({error}): {_REPAIR}") from None
    return torch.frombuffer(content, dtype=torch.uint8).reshape(shape)


def _bundled(name: str) -> Path:
    """Where that file lies, if it is there and whole."""
    try:
        sums = dict(line.split()[::-1] for line in (BUNDLED / "SHA256SUMS").read_text().splitlines())
        found = _checksum(BUNDLED / name, hashlib.sha256)
    except FileNotFoundError as error:
        raise DigitsError(f"{error.filename} is missing: {_REPAIR}") from error
    if found != sums.get(name):
        raise DigitsError(f"{BUNDLED / name} was truncated or altered (its SHA-256 is wrong): {_REPAIR}")
    return BUNDLED / name


def _full_reader(cache):
    """A function from the names of the full MNIST's files to their places, downloaded into `cache` where needed."""
    from torchvision.datasets import MNIST  # imported here because it is slow, and seldom needed

    cache = Path(cache or os.environ.get("VAELIB_CACHE") or "~/.cache/vaelib").expanduser()
    folder = cache / "MNIST" / "raw"  # where torchvision keeps them, so that it finds them too
    with _ONE_DOWNLOAD_AT_A_TIME:
        if _damaged(folder, MNIST.resources):
            _download(MNIST, folder)
    return lambda name: folder / name


def _damaged(folder: Path, resources) -> list[str]:
    """The names of those files that are missing from the folder, truncated or altered."""
    return [name for name, md5 in resources if _md5(folder / name) != md5]


def _md5(path: Path) -> str | None:
    """The checksum that MNIST is published with; it guards against accidents, so a weak one will do."""
    return _checksum(path, lambda: hashlib.md5(usedforsecurity=False)) if path.is_file() else None


def _checksum(path: Path, digest) -> str | None:
    """Piece by piece, however large the file may be; of one that is larger than any of MNIST's, none."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, digest).hexdigest() if path.stat().st_size <= MOST_BYTES else None


def _download(mnist, folder: Path) -> None:
    """Let torchvision download and verify into a temporary folder, then move each file to its place.

    A file is moved in one step and only when all are verified, so that no half-written one is ever seen,
    whether the download is cut off or another process does the same at the same time.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="download-") as temporary, _impatient_sockets():
            downloaded = Path(mnist(temporary, download=True).raw_folder)
            for name in _damaged(folder, mnist.resources):
                os.replace(downloaded / name, folder / name)
    except (OSError, RuntimeError, HTTPException) as error:
        raise DigitsError(
            f"The full MNIST could not be brought into {folder}: {_what_happened(str(error))}.\n"
            'digits("train") and digits("test"), without full=True, still work: they need no network.'
        ) from error


@contextmanager
def _impatient_sockets():
    """Where a firewall drops every packet, Python would wait for ever: torchvision sets no time limit."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS_WITHOUT_AN_ANSWER)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _what_happened(message: str) -> str:
    """Torchvision's message, in words, for each mirror that it tried; any other message as it is."""
    answers = re.findall(r"Tried (\S+), got:\n(.*)", message)
    return "; ".join(f"{mirror} {_in_words(answer)}" for mirror, answer in answers) or message


def _in_words(answer: str) -> str:
    if "corrupted" in answer:
        return "sent a file that is truncated or altered (its MD5 is wrong)"
    if "urlopen error" in answer:
        return f"can't be reached; is the network up? ({answer})"
    return f"refused: {answer}"
