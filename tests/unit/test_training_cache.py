"""What `make warm` keeps: the same model at once, and whatever happens to a file, the right model in the end."""

import ast
import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from tools import warm
from vaelib import VAE, Autoencoder, MultiRateVAE, fit, fit_all, training_cache
from vaelib.recording import Recording

EARLIER = "trained earlier with these settings; fit(..., fresh=True) trains again\n"
IMAGES = torch.rand(64, 1, 4, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VAELIB_KEPT", str(tmp_path / "kept"))
    return tmp_path / "kept"


def train(kind=VAE, images=IMAGES, seed=0, **options):
    """(the model, its history) after a training."""
    model = kind((1, 4, 4), latent_dim=2, hidden=(8,), seed=seed)
    return model, fit(model, images, **{"epochs": 2, "progress": False} | options)


def same(a, b) -> bool:
    (model, history), (other, of_other) = a, b
    weights, others = model.state_dict(), other.state_dict()
    return history == of_other and all(torch.equal(weights[name], others[name]) for name in weights)


@pytest.fixture
def right(monkeypatch):
    """What a training without the folder gives."""
    with monkeypatch.context() as patch:
        patch.setenv("VAELIB_KEPT", "off")
        return train()


def only(home: Path) -> Path:
    (path,) = home.iterdir()
    return path


@pytest.mark.parametrize("kind", [Autoencoder, VAE, MultiRateVAE])
def test_the_same_training_is_done_once(kind, home, capsys):
    first = train(kind)
    assert capsys.readouterr().out == ""
    before = only(home).read_bytes()
    again = train(kind)
    assert capsys.readouterr().out == EARLIER
    assert same(first, again)
    assert only(home).read_bytes() == before


def test_several_at_once_are_kept_and_then_show_no_bar(right, capsys):
    def both():
        models = [VAE((1, 4, 4), latent_dim=2, hidden=(8,)), Autoencoder((1, 4, 4), latent_dim=2, hidden=(8,))]
        return list(zip(models, fit_all(models, IMAGES, epochs=2), strict=True))

    first = both()
    said = capsys.readouterr()
    assert said.out == "" and "4/4" in said.err
    again = both()
    assert capsys.readouterr() == (2 * EARLIER, "")
    assert all(map(same, first, again)) and torch.allclose(first[0][0].head.weight, right[0].head.weight)
    train()  # alone, it is the same training
    assert capsys.readouterr().out == EARLIER


def test_what_is_kept_is_what_a_training_without_a_folder_gives(right, capsys):
    train()
    assert same(train(), right) and capsys.readouterr().out == EARLIER


def test_fresh_trains_again_and_keeps_that(home, right, capsys):
    train()
    only(home).write_bytes(b"")
    assert same(train(fresh=True), right)
    assert capsys.readouterr().out == ""
    assert same(train(), right) and capsys.readouterr().out == EARLIER


def other_images():
    changed = IMAGES.clone()
    changed[63, 0, 3, 3] += 1e-6
    return changed


CHANGES = {
    "epochs": {"epochs": 3},
    "beta": {"beta": 2.0},
    "squared error": {"reconstruction": "mse"},
    "cross-entropy": {"reconstruction": "bce"},
    "scale": {"scale": 2.0},
    "batch size": {"batch_size": 32},
    "learning rate": {"learning_rate": 1e-3},
    "seed": {"seed": 1},
    "UAE": {"kind": Autoencoder},
    "MultiRateVAE": {"kind": MultiRateVAE},
    "one pixel": {"images": other_images()},
    "one image less": {"images": IMAGES[:63]},
    "order of the images": {"images": IMAGES.flip(0)},
    "a callback": {"callback": lambda epoch, history: None},
}


@pytest.mark.parametrize("changed", CHANGES)
def test_what_shapes_a_training_tells_it_apart(changed, home, capsys):
    change = CHANGES[changed]
    if "seed" in change:  # both seeds: that of fit here, that of the model's first weights below
        model = VAE((1, 4, 4), latent_dim=2, hidden=(8,), seed=0)
        fit(model, IMAGES, epochs=2, progress=False, seed=1)
    train()
    train(**change)
    assert capsys.readouterr().out == ""
    assert len(list(home.iterdir())) == 2 + ("seed" in change)


def test_first_weights_frozen_weights_and_layers_tell_trainings_apart(home, capsys):
    def frozen(model):
        model.trunk.requires_grad_(False)

    def smaller(model):
        with torch.no_grad():
            model.head.bias[0] -= 1e-3

    def bent(model):
        model.decoder[1] = torch.nn.Tanh()

    train()
    for change in (frozen, smaller, bent):
        model = VAE((1, 4, 4), latent_dim=2, hidden=(8,), seed=0)
        change(model)
        fit(model, IMAGES, epochs=2, progress=False)
    assert capsys.readouterr().out == "" and len(list(home.iterdir())) == 4


class Own(VAE):
    """A reader's model: its code may change, and nothing tells."""


def own(model):
    model.__class__ = Own


def patched(model):
    model.decode = lambda z: VAE.decode(model, z)


def hooked(model):
    model.head.register_forward_hook(lambda layer, given, made: 2 * made)


def own_layer(model):
    class Softer(torch.nn.Module):
        def forward(self, x):
            return x.tanh()

    model.decoder[1] = Softer()


@pytest.mark.parametrize("change", [own, patched, hooked, own_layer])
def test_models_that_are_not_the_course_s_are_always_trained(change, home, capsys):
    for _ in range(2):
        model = VAE((1, 4, 4), latent_dim=2, hidden=(8,), seed=0)
        change(model)
        fit(model, IMAGES, epochs=2, progress=False)
    assert capsys.readouterr().out == "" and not home.exists()


def test_nothing_is_kept_unless_asked_for(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(training_cache, "DEFAULT_FOLDER", tmp_path / "none")
    for value in ("off", ""):
        monkeypatch.setenv("VAELIB_KEPT", value)
        train()
        train()
    assert capsys.readouterr().out == "" and not any(tmp_path.iterdir())
    training_cache.DEFAULT_FOLDER.mkdir()  # which is what make warm does
    train()
    assert len(list(training_cache.DEFAULT_FOLDER.iterdir())) == 1


def test_a_callback_sees_each_epoch_again(capsys):
    def recorded():
        model = VAE((1, 4, 4), latent_dim=2, hidden=(8,), seed=0)
        recording = Recording(model, IMAGES, torch.zeros(64, dtype=torch.long))
        history = fit(model, IMAGES, epochs=3, progress=False, callback=recording)
        return (model, history), recording.stacked()

    first, frames = recorded()
    again, frames_again = recorded()
    assert capsys.readouterr().out == EARLIER
    assert same(first, again)
    assert all(torch.equal(frames[name], frames_again[name]) for name in frames)
    assert not torch.equal(frames["codes"][1], frames["codes"][2])


def test_a_callback_may_stop_the_training_again(home, capsys):
    def stop(epoch, history):
        raise KeyboardInterrupt

    stopped = train(callback=stop)
    assert stopped[1].interrupted and not home.exists()  # what was stopped is not kept
    train(callback=lambda epoch, history: None)
    assert same(train(callback=stop), stopped)


def test_a_training_that_its_callback_shaped_is_not_kept(home, capsys):
    model = VAE((1, 4, 4), latent_dim=2, hidden=(8,), seed=0)

    def halve(epoch, history):
        with torch.no_grad():
            model.head.bias.mul_(0.5 if epoch == 1 else 1.0)

    fit(model, IMAGES, epochs=2, progress=False, callback=halve)
    assert not home.exists() and capsys.readouterr().out == ""


def test_long_trainings_with_a_callback_are_not_kept(monkeypatch, home):
    monkeypatch.setattr(training_cache, "LARGEST_FILE", 3000)  # bytes: two copies of the weights, not ten
    train(epochs=10, callback=lambda epoch, history: None)
    assert not home.exists()
    train(epochs=10)
    assert only(home)


# ---- Faults of files: name → (what happens to the file between two trainings, what the second one says). ----

VERSIONS = training_cache._versions()
DAMAGED = "what was kept of this training is damaged: training it again\n"
OTHER_VERSION = "what was kept of this training is another version's of vaelib or torch: training it again\n"
SWAPPED = "what was kept in this training's place is another training: training this one again\n"


def flip(at):
    def change(path, other):
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)

    return change


def cut(length):
    return lambda path, other: path.write_bytes(path.read_bytes()[:length])


def edited(path, **about):
    """The file with other words about itself, and a digest that fits."""
    old, weights = training_cache._unpack(path.read_bytes()[training_cache.DIGEST_BYTES :])
    data = training_cache._pack(old | about, weights)
    path.write_bytes(training_cache._digest(data) + data)


def unreadable(path, other):
    path.unlink()
    path.mkdir()  # root may read anything but a folder


FAULTS = {
    "empty": (cut(0), DAMAGED),
    "truncated within the digest": (cut(20), DAMAGED),
    "digest alone": (cut(32), DAMAGED),
    "truncated in its head": (cut(100), DAMAGED),
    "truncated by one byte": (cut(-1), DAMAGED),
    "half of it": (cut(1500), DAMAGED),
    "one byte too many": (lambda path, other: path.write_bytes(path.read_bytes() + b"\0"), DAMAGED),
    "a flipped bit in a weight": (flip(-3), DAMAGED),
    "a flipped bit in its head": (flip(60), DAMAGED),
    "a flipped bit in the digest": (flip(0), DAMAGED),
    "zeros": (lambda path, other: path.write_bytes(bytes(path.stat().st_size)), DAMAGED),
    "a web page": (lambda path, other: path.write_text("<!doctype html>"), DAMAGED),
    "a model's own file": (lambda path, other: VAE((1, 4, 4), latent_dim=2).save(path), DAMAGED),
    "swapped with another training": (lambda path, other: path.write_bytes(other.read_bytes()), SWAPPED),
    "another torch": (lambda path, other: edited(path, versions=VERSIONS | {"torch": "2.14.0"}), OTHER_VERSION),
    "another vaelib": (lambda path, other: edited(path, versions=VERSIONS | {"code": "0"}), OTHER_VERSION),
    "gone": (lambda path, other: path.unlink(), ""),
    "the whole folder gone": (lambda path, other: [file.unlink() for file in path.parent.iterdir()], ""),
    "a half-written file beside it": (lambda path, other: path.with_suffix(".1234.part").write_bytes(b"half"), EARLIER),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_reported_in_one_line_and_the_model_is_right(fault, home, right, capsys):
    do, said = FAULTS[fault]
    train()
    path = only(home)
    train(seed=1)
    (other,) = {*home.glob("*.kept")} - {path}
    others = other.read_bytes()
    do(path, other)
    capsys.readouterr()
    assert same(train(), right)
    assert capsys.readouterr().out == said
    assert same(train(), right)  # and it is mended
    assert capsys.readouterr().out == EARLIER
    assert not other.exists() or other.read_bytes() == others  # nothing else was lost


def test_unreadable_file(home, right, capsys):
    train()
    unreadable(only(home), None)
    assert same(train(), right)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "what was kept of this training can't be read (Is a directory): training it again"
    assert told[1].startswith("this training could not be kept (") and len(told) == 2


def failing(what, error):
    def fail(*_, **__):
        raise OSError(error, os.strerror(error))

    return lambda patch: patch.setattr(Path, what, fail)


@pytest.mark.parametrize(
    "prepare, reason",
    [
        (failing("write_bytes", errno.ENOSPC), "No space left on device"),
        (failing("write_bytes", errno.EROFS), "Read-only file system"),
        (failing("replace", errno.EACCES), "Permission denied"),
        (failing("mkdir", errno.EACCES), "Permission denied"),
    ],
)
def test_what_cannot_be_written_is_reported_in_one_line(prepare, reason, monkeypatch, home, right, capsys):
    with monkeypatch.context() as patch:
        prepare(patch)
        assert same(train(), right)
    assert capsys.readouterr().out == f"this training could not be kept ({reason}); the model is trained all the same\n"
    assert not list(home.glob("*"))


def test_folder_that_is_a_file(home, right, capsys):
    home.write_text("in the way")
    assert same(train(), right)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2 and "Not a directory" in told[0] and "could not be kept" in told[1]
    assert home.read_text() == "in the way"


TRAIN = """
import sys; sys.path[:0] = [{tests!r}]
import torch, test_training_cache
model, history = test_training_cache.train(epochs=40)
print(model.head.weight.sum().item())
"""


def start(home, before="", **options):
    code = before + TRAIN.format(tests=str(Path(__file__).parent))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# Python, too, would write the bytecode of what it imports, cut off after 1000 bytes, and stumble over it ever after.
LITTLE_ROOM = """
import resource, sys
sys.dont_write_bytecode = True
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of a process are POSIX")
def test_disk_full_for_real(home):
    """A process that may write no file of more than 1000 bytes."""
    out, error = start(home, LITTLE_ROOM).communicate()
    said, weights = out.splitlines()
    assert said == "this training could not be kept (File too large); the model is trained all the same", error
    assert not list(home.iterdir())
    assert start(home).communicate()[0].splitlines() == [weights]  # the same model


STUDENT = """
import os, sys; sys.path[:0] = [{tests!r}]
import safetensors.torch, test_training_cache
folder, os.environ["VAELIB_KEPT"] = os.environ["VAELIB_KEPT"], "off"
test_training_cache.train()  # imports what only root may be allowed to read
os.environ["VAELIB_KEPT"] = folder
if os.geteuid() == 0:  # who may write anywhere
    os.setuid(65534)
for seed in (0, 1):
    model, history = test_training_cache.train(seed=seed)
    print(model.head.weight.sum().item())
"""


@pytest.mark.skipif(os.name == "nt", reason="rights of users are POSIX")
def test_a_folder_that_one_may_only_read_is_used_and_nothing_is_said(monkeypatch):
    """A class has one: what is in it is not trained again, what is not in it is trained without a word."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "kept"
        monkeypatch.setenv("VAELIB_KEPT", str(folder))
        weights = [train(seed=seed)[0].head.weight.sum().item() for seed in (0, 1)]
        first, second = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        second.unlink()
        for path, mode in ((Path(parent), 0o755), (first, 0o444), (folder, 0o555)):
            path.chmod(mode)
        code = STUDENT.format(tests=str(Path(__file__).parent))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout == f"{EARLIER}{weights[0]}\n{weights[1]}\n", done.stderr
        assert list(folder.iterdir()) == [first]
        folder.chmod(0o755)


def test_two_writers_at_once(home):
    both = [start(home), start(home)]
    outs = [process.communicate()[0] for process in both]
    assert outs[0].splitlines()[-1] == outs[1].splitlines()[-1]
    assert only(home).suffix == ".kept"
    assert start(home).communicate()[0] == EARLIER + outs[0].splitlines()[-1] + "\n"


def test_a_writer_that_is_killed_leaves_what_was_there(home, monkeypatch, right):
    train()
    before = only(home).read_bytes()
    with monkeypatch.context() as patch:  # killed after half of it was written

        def half(self, data, write=Path.write_bytes):
            write(self, data[: len(data) // 2])
            raise SystemExit

        patch.setattr(Path, "write_bytes", half)
        patch.setattr(Path, "unlink", lambda path, **_: None)
        with pytest.raises(SystemExit):
            train(fresh=True)
    assert len(list(home.iterdir())) == 2
    assert next(home.glob("*.kept")).read_bytes() == before
    assert same(train(), right)


def test_make_warm_clears_away_what_no_lesson_used(home):
    for seed in (0, 1, 2):
        train(seed=seed)
    (home / "x.part").write_bytes(b"")
    for path in home.iterdir():
        os.utime(path, (1e9, 1e9))
    train(seed=1)  # read
    train(seed=2, fresh=True)  # written
    warm.clear(home, before=0.9e9)
    assert len(list(home.iterdir())) == 4
    warm.clear(home, before=1.1e9)
    assert len(list(home.iterdir())) == 2
    before = {path: path.read_bytes() for path in home.iterdir()}
    train(seed=1)
    train(seed=2)
    assert {path: path.read_bytes() for path in home.iterdir()} == before  # the right two are still there


def test_the_code_that_shapes_a_training_is_all_that_fit_needs():
    """What `training` imports, and what that imports in turn; `require` only refuses."""
    needed, new = set(), {"training"}
    while new:
        name = new.pop()
        needed.add(name)
        tree = ast.parse(Path(training_cache.__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        new |= {one.removeprefix("vaelib.") for one in modules if one.startswith("vaelib.")} - needed
    assert needed - {"storage", "language"} == set(training_cache.SOURCES)  # these read, write and speak
