"""Files that strangers send: what is damaged, or none of ours, is refused in a sentence, and takes neither memory nor
a program with it. What is damaged how is drawn with fixed seeds.
"""

import gzip
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import torch
from safetensors.torch import save

from tools import collect, tables
from tools.exercises import all_exercises
from tools.lessons import LESSONS, ROOT
from vaelib import VAE, Autoencoder, MultiRateVAE
from vaelib.digits import BUNDLED, DigitsError, _decode_idx
from vaelib.history import History
from vaelib.recording import Recording, load_recordings, save_recordings

SHAPE = (1, 4, 4)
KINDS = {kind.__name__: kind for kind in (Autoencoder, VAE, MultiRateVAE)}
LESSON = LESSONS["04"]
EXERCISES = [one for one in all_exercises() if one.lesson == "04"]
RAN = Path("it-ran")


def recordings(path):
    recording = Recording(VAE(SHAPE, 2, (8,)), torch.rand(6, *SHAPE), torch.arange(6), samples=2)
    recording(1, History(1.0))
    save_recordings({"vae": recording}, path)


def notebook(path):
    cells = [nbformat.from_dict(cell) for one in EXERCISES for cell in (one.stub, one.check)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def idx(path):
    shutil.copy(BUNDLED / "t10k-labels-idx1-ubyte.gz", path)


def digits_read_from(path):
    return _decode_idx(path, 1)


class Kind:
    """How a kind of file is written and read, and what its reader may raise."""

    def __init__(self, write, read, refusal):
        self.write, self.read, self.refusal = write, read, refusal


MODELS = {
    name: Kind(lambda path, kind=kind: kind(SHAPE, 2, (8,)).save(path), kind.load, ValueError)
    for name, kind in KINDS.items()
}
FILES = MODELS | {
    "recordings": Kind(recordings, load_recordings, ValueError),
    "IDX": Kind(idx, digits_read_from, DigitsError),
}


def header_of(content: bytes) -> tuple[dict, bytes]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(header, rest: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + rest


@pytest.fixture(params=FILES)
def kind(request):
    return FILES[request.param]


@pytest.fixture
def good(kind, tmp_path):
    """The bytes of a good file."""
    kind.write(tmp_path / "good")
    return (tmp_path / "good").read_bytes()


def refused(kind, content, tmp_path):
    """That the file's reader refuses this, in a sentence that names the file."""
    path = tmp_path / "from a stranger"
    path.write_bytes(content)
    with pytest.raises(kind.refusal) as caught:
        kind.read(path)
    said = str(caught.value)
    assert str(path) in said and len(said) < 600 and "\n" not in said, said
    return said


def test_the_good_file_is_read(kind, good, tmp_path):
    kind.read(tmp_path / "good")


def test_a_truncated_file_is_refused(kind, good, tmp_path):
    draw = random.Random(0)
    for length in {0, 1, 4, 7, 8, 9, len(good) - 1, *(draw.randrange(len(good)) for _ in range(40))}:
        refused(kind, good[:length], tmp_path)


def test_a_flipped_bit_is_refused_or_changes_nothing(kind, good, tmp_path):
    draw, path = random.Random(1), tmp_path / "from a stranger"
    right, refusals = said_of(kind.read(tmp_path / "good")), 0
    for _ in range(200):
        content = bytearray(good)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        try:
            found = kind.read(path)
        except kind.refusal as error:
            refusals += 1
            assert str(path) in str(error)
        else:
            assert said_of(found) == right
    assert refusals > 100


def said_of(found) -> list:
    """All numbers of what was read."""
    if isinstance(found, torch.nn.Module):
        return [values.tolist() for values in found.state_dict().values()]
    if isinstance(found, dict):  # its names are not looked at by anybody
        return [[part.tolist() for part in one.stacked().values()] for one in found.values()]
    return found.tolist()


def test_what_was_cut_out_doubled_or_replaced_is_refused(kind, good, tmp_path):
    draw = random.Random(2)
    for _ in range(40):
        a, b = sorted(draw.sample(range(len(good) + 1), 2))
        refused(kind, good[:a] + good[b:], tmp_path)
        refused(kind, good[:b] + good[a:], tmp_path)
        refused(kind, draw.randbytes(len(good)), tmp_path)


class Runs:
    """Unpickled, it leaves a file."""

    def __reduce__(self):
        return Path.touch, (RAN,)


def test_nothing_is_run(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(tmp_path / "as torch saves", "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Runs()))
    for content in (pickle.dumps(Runs()), gzip.compress(pickle.dumps(Runs())), Path("as torch saves").read_bytes()):
        refused(kind, content, tmp_path)
    assert not RAN.exists()


def test_what_is_no_file_is_refused(kind, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link to itself").symlink_to(tmp_path / "link to itself")
    (tmp_path / "link to nowhere").symlink_to(tmp_path / "nowhere")
    (tmp_path / "link to a folder").symlink_to(tmp_path / "folder")
    for path in tmp_path.iterdir():
        with pytest.raises(OSError) as caught:
            kind.read(path)
        assert str(path) in str(caught.value)


# ---- headers that promise what is not there

PROMISES = {
    "100 GB of header": lambda header, rest: with_header(header, rest, length=10**11),
    "all that 64 bits can say": lambda header, rest: with_header(header, rest, length=2**64 - 1),
    "a megabyte of brackets": lambda header, rest: with_header(b"[" * 900_000, rest),
    "a list": lambda header, rest: with_header([header], rest),
    "a number": lambda header, rest: with_header(3, rest),
    "tensors that are numbers": lambda header, rest: with_header(dict.fromkeys(header, 3), rest),
    "what is said is a list": lambda header, rest: with_header(header | {"__metadata__": ["vaelib"]}, rest),
    "nothing is said": lambda header, rest: with_header({k: v for k, v in header.items() if k[0] != "_"}, rest),
    "no tensor": lambda header, rest: with_header({"__metadata__": header["__metadata__"]}),
    "100 GB in one tensor": lambda header, rest: changed(header, rest, shape=[25 * 10**9]),
    "a negative size": lambda header, rest: changed(header, rest, shape=[-1]),
    "a size of many digits": lambda header, rest: changed(header, rest, shape=[10**3000]),
    "another kind of numbers": lambda header, rest: changed(header, rest, dtype="I64"),
    "a kind nobody knows": lambda header, rest: changed(header, rest, dtype="X9"),
    "places beyond the end": lambda header, rest: changed(header, rest, data_offsets=[0, 10**11]),
    "places turned round": lambda header, rest: changed(header, rest, data_offsets=[64, 0]),
    "one place for all": lambda header, rest: with_header(
        {k: v if k[0] == "_" else v | {"data_offsets": [0, len(rest)]} for k, v in header.items()}, rest
    ),
    "more at the end": lambda header, rest: with_header(header, rest + bytes(1000)),
}


def changed(header, rest, **what) -> bytes:
    """With another description of its first tensor."""
    name = min(name for name in header if name[0] != "_")
    return with_header(header | {name: header[name] | what}, rest)


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("name", [*KINDS, "recordings"])
def test_a_header_that_promises_too_much_is_refused(name, promise, tmp_path):
    FILES[name].write(tmp_path / "good")
    refused(FILES[name], PROMISES[promise](*header_of((tmp_path / "good").read_bytes())), tmp_path)


SETTINGS = {
    "a terabyte of weights": {"image_shape": [3, 10**6, 10**6]},
    "4 GB of weights": {"image_shape": [1, 1000, 1000], "hidden": [1000]},
    "a hundred thousand layers": {"hidden": [1] * 100_000},
    "a size of many digits": {"latent_dim": 10**3000},
    "text": {"latent_dim": "2"},
    "an image in it": {"mean_image": [0.5]},
    "another model": {"model": "eval"},
}


@pytest.mark.parametrize("what", SETTINGS)
@pytest.mark.parametrize("name", KINDS)
def test_settings_that_do_not_fit_are_refused(name, what, tmp_path):
    FILES[name].write(tmp_path / "good")
    header, rest = header_of((tmp_path / "good").read_bytes())
    settings = json.loads(header["__metadata__"]["vaelib"]) | SETTINGS[what]
    header["__metadata__"]["vaelib"] = json.dumps(settings)
    refused(FILES[name], with_header(header, rest), tmp_path)


def test_another_kind_of_file_is_refused(tmp_path):
    contents = {"tensors of others": save({"weight": torch.zeros(3)}), "gz": gzip.compress(b"hello" * 100)}
    for name, kind in FILES.items():
        kind.write(tmp_path / name)
        contents[name] = (tmp_path / name).read_bytes()
    for name, kind in FILES.items():
        for other in contents.keys() - {name}:
            refused(kind, contents[other], tmp_path)


# ---- IDX


def packed(shape, values=b"", kind=8) -> bytes:
    start = bytes((0, 0, kind, len(shape))) + b"".join(size.to_bytes(4, "big") for size in shape)
    return gzip.compress(start + values, mtime=0)


@pytest.mark.parametrize(
    ("axes", "content"),
    [
        (3, packed((60_000, 10_000, 10_000))),  # 6 TB
        (3, packed((2**32 - 1,) * 3)),
        (1, packed((2**32 - 1,))),
        (1, packed((10,), bytes(9))),
        (1, packed((10,), bytes(11))),
        (1, packed((0,))),
        (1, packed((10,), bytes(10), kind=13)),
        (3, packed((10,), bytes(10))),
        (1, packed((2,) * 200, bytes(10))),
    ],
)
def test_an_idx_file_that_promises_what_it_does_not_hold_is_refused(axes, content, tmp_path):
    path = tmp_path / "strange.gz"
    path.write_bytes(content)
    with pytest.raises(DigitsError) as caught:
        _decode_idx(path, axes)
    assert str(path) in str(caught.value)


# ---- memory: each in a process of its own, beside one that reads a good file

MEASURE = """
import pathlib, resource, sys
from vaelib import VAE, digits
from vaelib.recording import load_recordings
sys.path[:0] = [sys.argv[1]]
import vaelib.digits
from tools import collect, tables
readers = {"weights": VAE.load, "recordings": load_recordings, "notebook": collect.text_of,
           "IDX": lambda path: sys.modules["vaelib.digits"]._decode_idx(pathlib.Path(path), 3)}
said = "read"
try:
    readers[sys.argv[2]](pathlib.Path(sys.argv[3]))
except (ValueError, OSError) as error:
    said = "refused"
print(said, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
resource = pytest.importorskip("resource", reason="this system measures no memory")


def bomb(path, start: bytes = bytes((0, 0, 8, 3)) + (40).to_bytes(4, "big") * 3, gigabytes: int = 2):
    """Some megabytes that unpack to gigabytes of zeros."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(20 * gigabytes):
            file.write(bytes(50_000_000))


def sparse(path, content: bytes, size: int):
    """A file of that size which takes no room on the disk."""
    path.write_bytes(content)
    os.truncate(path, size)


def a_truthful_giant(path, header):
    """A header of 100 GB, and 100 GB of zeros behind it."""
    text = json.dumps(header).encode()
    sparse(path, len(text).to_bytes(8, "little") + text, 8 + len(text) + 10**11)


GIANT = {"dtype": "F32", "shape": [25 * 10**9], "data_offsets": [0, 10**11]}
ABOUT = {"model": "VAE", "image_shape": [1, 5000, 5000], "latent_dim": 2, "hidden": [1000]}
GIANTS = {
    "weights: 100 GB": ("weights", lambda path: a_truthful_giant(path, {"w": GIANT})),
    "weights: settings of 100 GB": (
        "weights",
        lambda path: a_truthful_giant(path, {"w": GIANT, "__metadata__": {"vaelib": json.dumps(ABOUT)}}),
    ),
    "weights: a header of 90 MB": (
        "weights",
        lambda path: path.write_bytes(with_header(b"{" + b" " * 90_000_000 + b"}")),
    ),
    "recordings: 100 GB": (
        "recordings",
        lambda path: a_truthful_giant(path, {"vae.labels": GIANT, "__metadata__": {"vaelib": "recordings"}}),
    ),
    "IDX: a bomb": ("IDX", bomb),
    "IDX: 100 GB of nothing": ("IDX", lambda path: sparse(path, b"", 10**11)),
    "notebook: 100 GB": ("notebook", lambda path: sparse(path, b"{", 10**11)),
    "notebook: brackets": ("notebook", lambda path: path.write_bytes(b"[[]," * 12_000_000)),
}
GOOD = {
    "weights": MODELS["VAE"].write,
    "recordings": recordings,
    "IDX": lambda path: path.write_bytes(packed((40, 40, 40), bytes(64_000))),
    "notebook": notebook,
}


def peak_of(name: str, path: Path) -> tuple[str, int]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(ROOT), name, path],
        env=environment, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    said, peak = done.stdout.split()
    return said, int(peak)


@pytest.mark.rest
@pytest.mark.parametrize("name", GOOD)
def test_a_giant_takes_no_more_memory_than_a_good_file(name, tmp_path):
    GOOD[name](tmp_path / "good")
    said, usual = peak_of(name, tmp_path / "good")
    assert said == "read"
    giants = {title: write for title, (kind, write) in GIANTS.items() if kind == name}
    assert giants
    for title, write in giants.items():
        write(tmp_path / "giant")
        said, peak = peak_of(name, tmp_path / "giant")
        assert said == "refused" and peak <= 1.5 * usual, f"{title}: {said}, {peak / usual:.2f} times a good file's"


# ---- notebooks that were handed in


def lines_about(folder: Path, content: bytes) -> list[tables.Result]:
    """What make collect says of a notebook with this content that can't be read."""
    path = folder / "anna" / LESSON.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    (found,) = collect.submissions_in(folder)
    return collect.check_submission(found, [])


@pytest.fixture
def handed_in(tmp_path, monkeypatch):
    """The bytes of a good notebook. The answers in it are not run here: tests/tools/test_collect.py does that."""
    monkeypatch.setattr(collect, "check_answers", lambda answers, hidden: {})
    notebook(tmp_path / "good")
    return (tmp_path / "good").read_bytes()


def test_a_damaged_notebook_is_a_line_in_the_table(handed_in, tmp_path):
    draw, broken = random.Random(3), 0
    cut = [handed_in[: draw.randrange(len(handed_in) - 2)] for _ in range(60)]
    flipped = []
    for _ in range(200):
        content = bytearray(handed_in)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        flipped.append(bytes(content))
    for content in [*cut, *flipped, b"", b"\0" * 1000, draw.randbytes(5000), gzip.compress(handed_in)]:
        lines = lines_about(tmp_path / "submitted", content)
        assert len(lines) == len(EXERCISES)
        signs = {line.sign for line in lines}
        assert signs <= {"!", "–"}  # can't be read; or no answer is found
        broken += signs == {"!"}
        assert all(len(line.reason) < 300 and "\n" not in line.reason for line in lines)
    assert broken > 60


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"cells":' * 20_000,
        b'{"nbformat": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe{}",
        b'"a string"',
        b"3",
    ],
)
def test_a_notebook_that_is_none_is_a_line_in_the_table(content, handed_in, tmp_path):
    assert {line.sign for line in lines_about(tmp_path / "submitted", content)} == {"!"}


def test_a_link_or_a_folder_is_a_line_in_the_table(handed_in, tmp_path):
    folder, secret = tmp_path / "submitted", tmp_path / "secret.ipynb"
    secret.write_bytes(handed_in)
    for student in ("anna", "bo", "carla"):
        (folder / student).mkdir(parents=True)
    (folder / "anna" / LESSON.name).symlink_to(secret)
    (folder / "bo" / LESSON.name).mkdir()
    (folder / "carla" / LESSON.name).symlink_to(tmp_path / "nowhere")
    found = collect.submissions_in(folder)
    assert [one.student for one in found] == ["anna", "bo", "carla"]
    for one in found:
        lines = collect.check_submission(one, [])
        assert lines and all(line.sign == "!" and "no file" in line.reason for line in lines)
