"""The handwritten digits: the bundled files, and the full set from a server of our own that can misbehave."""

import gc
import hashlib
import shutil
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pytest
import torch

from vaelib import digits
from vaelib.digits import BUNDLED, DigitsError

MODULE = sys.modules["vaelib.digits"]  # `vaelib.digits` itself is the function
# Torchvision leaves an answer like 403, and its socket, to the garbage collector, which `serve` therefore calls.
# Python 3.14 warns of the answer, too.
LEFT = ("unclosed <socket", "Implicitly cleaning up <HTTPError")
pytestmark = pytest.mark.filterwarnings(*(f"ignore:{what}:ResourceWarning" for what in LEFT))
FILES = {path.name: path.read_bytes() for path in BUNDLED.glob("*.gz")}  # real IDX files, fit to be served


@pytest.mark.parametrize("split, n", [("train", 4000), ("test", 1000)])
def test_bundled_digits_have_the_promised_form(split, n):
    images, labels = digits(split)
    assert images.shape == (n, 1, 28, 28) and images.dtype == torch.float32
    assert images.min() == 0 and images.max() == 1
    assert labels.shape == (n,) and labels.dtype == torch.int64
    assert labels.bincount().tolist() == [n // 10] * 10
    assert labels[:10].tolist() == list(range(10)), "the classes take turns"


def test_bundled_digits_match_their_labels():
    train, test = digits("train"), digits("test")
    means = torch.stack([train.images[train.labels == k].mean(0) for k in range(10)])  # (10, 1, 28, 28)
    nearest = torch.cdist(test.images.flatten(1), means.flatten(1)).argmin(1)
    assert (nearest == test.labels).float().mean() > 0.7, "the nearest mean finds about 0.8 of MNIST's labels"


def test_no_image_is_in_both_splits_nor_twice_in_one():
    images = torch.cat([digits("train").images, digits("test").images]).flatten(1)
    assert len(torch.unique(images, dim=0)) == 5000


def test_torchvision_reads_the_bundled_files_alike(tmp_path, serve, mnist):
    serve(FILES)
    reference = mnist(tmp_path, train=False, download=True)
    images, labels = digits("test")
    assert torch.equal((images * 255).round().byte()[:, 0], reference.data)
    assert torch.equal(labels, reference.targets)


def altered(content):
    return content[:20] + bytes([content[20] ^ 1]) + content[21:]


@pytest.fixture
def bundled_copy(tmp_path, monkeypatch):
    folder = shutil.copytree(BUNDLED, tmp_path / "bundled")
    monkeypatch.setattr(MODULE, "BUNDLED", folder)
    return folder


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"])
@pytest.mark.parametrize("damage", [lambda content: content[:-9], altered])
def test_a_damaged_bundled_file_is_refused_by_name(bundled_copy, name, damage):
    digits("train")
    (bundled_copy / name).write_bytes(damage(FILES[name]))
    with pytest.raises(DigitsError, match=f"{name} was truncated or altered.*install vaelib again"):
        digits("train")


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "SHA256SUMS"])
def test_a_missing_bundled_file_is_named(bundled_copy, name):
    (bundled_copy / name).unlink()
    with pytest.raises(DigitsError, match=f"{name} is missing: install vaelib again"):
        digits("train")


@pytest.mark.parametrize("split", ["valid", "", 3, None, ["train"], np.array(["train", "test"])])
def test_a_bad_split_is_refused(split):
    with pytest.raises(ValueError, match='split must be "train" or "test", got'):
        digits(split)


@pytest.mark.parametrize("name, value", [("full", 1), ("full", "yes"), ("cache", 3), ("cache", True)])
def test_an_argument_of_the_wrong_type_is_refused_by_name(name, value):
    with pytest.raises(TypeError, match=f"{name} must be .*, got {value!r}"):
        digits("train", **{name: value})


# The full set. The server's "full" MNIST is the bundled one under the checksums of its files.


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answer = self.server.answers.get(self.path.lstrip("/"), 404)
        status, answer = (answer, b"") if isinstance(answer, int) else (200, answer)
        promised, content = answer if isinstance(answer, tuple) else (len(answer), answer)
        self.send_response(status)
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    def stop(self):
        self.shutdown()
        self.server_close()


@pytest.fixture
def mnist():
    """Torchvision's class; imported here because it takes seconds, of every worker that collects the tests."""
    from torchvision.datasets import MNIST

    return MNIST


@pytest.fixture
def serve(mnist, monkeypatch):
    """Call it with {file name: content, status, or (promised length, content)}; it returns the server."""
    servers = []

    def start(answers):
        server = _Server(("127.0.0.1", 0), _Handler)
        server.answers = answers
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        server.url = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(mnist, "mirrors", [each.url for each in servers])
        return server

    checksums = [(name, hashlib.md5(FILES[name]).hexdigest()) for name, _ in mnist.resources]
    monkeypatch.setattr(mnist, "resources", checksums)
    yield start
    for server in servers:
        server.stop()
    gc.collect()


def files_under(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_same(one, other):
    assert torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)


def test_the_full_set_is_downloaded_once_and_then_needs_no_server(tmp_path, serve, mnist):
    server = serve(FILES)
    assert_same(digits("train", full=True, cache=tmp_path), digits("train"))
    assert files_under(tmp_path) == sorted(f"MNIST/raw/{name}" for name in FILES)
    server.stop()
    assert_same(digits("test", full=True, cache=str(tmp_path)), digits("test"))
    assert len(mnist(tmp_path, download=True)) == 4000, "torchvision finds it there too"


def test_the_cache_folder_can_come_from_the_environment(tmp_path, serve, monkeypatch):
    serve(FILES)
    monkeypatch.setenv("VAELIB_CACHE", str(tmp_path / "of the environment"))
    digits("test", full=True)
    assert len(files_under(tmp_path / "of the environment")) == 4


IMAGES = "train-images-idx3-ubyte.gz"
LAST = "t10k-labels-idx1-ubyte.gz"
FAILURES = {
    "403": ({IMAGES: 403}, "refused: HTTP Error 403: Forbidden"),
    "503": ({IMAGES: 503}, "refused: HTTP Error 503: Service Unavailable"),
    "503 on the last file": ({LAST: 503}, "refused: HTTP Error 503: Service Unavailable"),
    "truncated": ({IMAGES: FILES[IMAGES][:5000]}, "truncated or altered"),
    "connection cut": ({IMAGES: (len(FILES[IMAGES]), FILES[IMAGES][:5000])}, "truncated or altered"),
    "altered": ({LAST: altered(FILES[LAST])}, "truncated or altered"),
    "a log-in page": ({IMAGES: b"<html>Welcome to our wireless network</html>"}, "truncated or altered"),
}


@pytest.mark.parametrize("answers, said", FAILURES.values(), ids=FAILURES)
def test_a_failed_download_says_why_and_leaves_nothing(tmp_path, serve, answers, said):
    server = serve(FILES | answers)
    with pytest.raises(DigitsError, match=said) as caught:
        digits("train", full=True, cache=tmp_path)
    assert server.url in str(caught.value)
    assert 'digits("train") and digits("test"), without full=True, still work' in str(caught.value)
    assert list((tmp_path / "MNIST" / "raw").iterdir()) == [], "nothing half-written stays"
    assert socket.getdefaulttimeout() is None


def test_a_refused_connection_says_so(tmp_path, serve):
    serve(FILES).stop()
    with pytest.raises(DigitsError, match=r"can't be reached; is the network up\? .*refused"):
        digits("train", full=True, cache=tmp_path)
    assert files_under(tmp_path) == []


def test_a_silent_server_does_not_hang_the_lesson(tmp_path, serve, mnist, monkeypatch):
    monkeypatch.setattr(MODULE, "_SECONDS_WITHOUT_AN_ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        serve({})
        monkeypatch.setattr(mnist, "mirrors", [f"http://127.0.0.1:{silent.getsockname()[1]}/"])
        with pytest.raises(DigitsError, match="timed out"):
            digits("train", full=True, cache=tmp_path)
    assert files_under(tmp_path) == []


def test_the_second_mirror_helps_when_the_first_fails(tmp_path, serve):
    serve({IMAGES: 403})
    serve(FILES)
    assert_same(digits("test", full=True, cache=tmp_path), digits("test"))


def test_a_cache_folder_that_is_a_file_is_named(tmp_path, serve):
    serve(FILES)
    (tmp_path / "cache").write_text("not a folder")
    with pytest.raises(DigitsError, match="cache"):
        digits("train", full=True, cache=tmp_path / "cache")


@pytest.mark.parametrize("damage", [altered, lambda content: content[:-5]])
def test_a_damaged_cache_is_repaired(tmp_path, serve, damage):
    serve(FILES)
    digits("train", full=True, cache=tmp_path)
    kept = tmp_path / "MNIST" / "raw" / IMAGES
    kept.write_bytes(damage(FILES[IMAGES]))
    assert_same(digits("train", full=True, cache=tmp_path), digits("train"))
    assert kept.read_bytes() == FILES[IMAGES]


def test_an_interrupted_download_leaves_nothing(tmp_path, serve, mnist, monkeypatch):
    def interrupted(root, download):
        Path(root, IMAGES).write_bytes(b"the first half")
        raise KeyboardInterrupt

    interrupted.resources = mnist.resources
    serve(FILES)
    monkeypatch.setattr("torchvision.datasets.MNIST", interrupted)
    with pytest.raises(KeyboardInterrupt):
        digits("train", full=True, cache=tmp_path)
    assert files_under(tmp_path) == [] and not list(tmp_path.rglob("download-*"))


def test_two_processes_at_once_do_each_other_no_harm(tmp_path, serve, mnist):
    server = serve(FILES)
    code = f"""
from torchvision.datasets import MNIST
from vaelib import digits
MNIST.mirrors, MNIST.resources = [{server.url!r}], {mnist.resources!r}
print(len(digits("train", full=True, cache={str(tmp_path)!r}).images))
"""
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=PIPE, stderr=PIPE, text=True) for _ in range(2)]
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0 and output.strip() == "4000", errors
    assert files_under(tmp_path) == sorted(f"MNIST/raw/{name}" for name in FILES)


def test_importing_vaelib_does_not_import_torchvision():
    code = "import sys, vaelib; print('torchvision' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
