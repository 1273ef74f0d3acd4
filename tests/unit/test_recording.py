"""A Recording keeps what a model makes of the same images, epoch by epoch, and can be stored."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from vaelib import VAE, Autoencoder, fit
from vaelib.explorers import watch_training
from vaelib.losses import reconstruction_error
from vaelib.measures import evaluate
from vaelib.recording import (
    MOST_IMAGES,
    MOST_SAMPLES,
    RECONSTRUCTED,
    Frame,
    Recording,
    _require_sizes,
    load_recordings,
    save_recordings,
)
from vaelib.trained import RUNS, record_training, training_run

SHAPE = (1, 4, 4)
BOTH = pytest.mark.parametrize("kind", [VAE, Autoencoder])
x = torch.rand(20, *SHAPE, generator=torch.Generator().manual_seed(0))
labels = torch.arange(20) % 10


def recorded(kind, epochs=3, **options):
    model = kind(SHAPE, 2, (8,))
    recording = Recording(model, x, labels, samples=5, **options)
    fit(model, x, epochs=epochs, batch_size=8, progress=False, callback=recording)
    return model, recording


@BOTH
def test_the_last_frame_is_the_trained_model_and_the_first_the_untrained(kind):
    model, recording = recorded(kind)
    assert recording.epochs == 3 and recording.of_vae == (kind is VAE)
    for frame, at in ((recording.frames[0], kind(SHAPE, 2, (8,))), (recording.frames[-1], model)):
        right = Recording(at, x, labels, samples=5).frames[0]
        assert all(torch.equal(*both) for both in zip(frame, right, strict=True))


def test_a_frame_of_a_vae():
    model, recording = recorded(VAE, reconstruction="mse", scale=0.5, seed=3)
    model.requires_grad_(False)
    frame, q = recording.frames[-1], model.encode(x)
    assert torch.equal(frame.codes, q.mean) and torch.equal(frame.sigma, q.stddev)
    right = evaluate(model, x, reconstruction="mse", scale=0.5, seed=3)
    assert frame.losses.tolist() == pytest.approx([right.distortion, right.rate])
    draws = torch.randn(5, 2, generator=torch.Generator().manual_seed(3))
    assert (frame.samples / 255 - model.decode(draws)).abs().max() <= 0.5 / 255 + 1e-6
    assert (frame.reconstructed / 255 - model.decode(q.mean[:4])).abs().max() <= 0.5 / 255 + 1e-6
    assert (recording.images / 255 - x[:4]).abs().max() <= 0.5 / 255 + 1e-6


def test_pictures_of_a_decoder_that_goes_beyond_white_and_black_are_cut_there(monkeypatch):
    vae = VAE((1, 8, 8), 2, (4,))
    monkeypatch.setattr(
        vae, "decode", lambda z: torch.full((len(z), 1, 8, 8), 1.02) - 1.04 * (z[:, :1, None, None] > 0)
    )
    frame = Recording(vae, torch.rand(20, 1, 8, 8), torch.arange(20) % 10, reconstruction="l1").frames[0]
    assert set(frame.samples.unique().tolist()) <= {0, 255}


def test_a_model_without_weights_is_refused():
    class Plain:
        encode = decode = staticmethod(lambda x: x)

    with pytest.raises(TypeError, match=r"^model must be a torch.nn.Module with weights, got Plain$"):
        Recording(Plain(), torch.rand(20, 1, 8, 8), torch.arange(20) % 10)


def test_a_frame_of_a_uae():
    model, recording = recorded(Autoencoder, seed=3)
    model.requires_grad_(False)
    frame, h = recording.frames[-1], model.encode(x)
    assert torch.equal(frame.codes, h) and len(frame.sigma) == 0
    assert frame.losses.tolist() == pytest.approx([reconstruction_error(x, model.decode(h)).mean().item(), 0])
    draws = torch.randn(5, 2, generator=torch.Generator().manual_seed(3))  # the same as the VAE's
    assert (frame.samples / 255 - model.decode(draws)).abs().max() <= 0.5 / 255 + 1e-6


@BOTH
def test_recording_does_not_change_the_training(kind):
    alone = kind(SHAPE, 2, (8,))
    fit(alone, x, epochs=3, batch_size=8, progress=False)
    watched, _ = recorded(kind)
    for one, other in zip(alone.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)


def test_what_is_stored_is_what_is_loaded(tmp_path):
    recordings = {"a": recorded(VAE)[1], "b": recorded(Autoencoder)[1]}
    save_recordings(recordings, tmp_path / "run")
    loaded = load_recordings(tmp_path / "run")
    assert list(loaded) == ["a", "b"]
    for name, recording in recordings.items():
        again = loaded[name]
        assert torch.equal(again.labels, recording.labels) and torch.equal(again.images, recording.images)
        assert (again.epochs, again.of_vae) == (recording.epochs, recording.of_vae)
        for one, other in zip(again.frames, recording.frames, strict=True):
            assert all(torch.equal(*both) for both in zip(one, other, strict=True))


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "run.safetensors"
    save_recordings({"vae": recorded(VAE)[1]}, path)
    return path


def test_a_truncated_file_is_refused(stored):
    for share in (0, 0.1, 0.9):
        content = stored.read_bytes()
        damaged = stored.with_name("damaged")
        damaged.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=r"^path: .*truncated"):
            load_recordings(damaged)


@pytest.mark.parametrize("field", [*Frame._fields, "labels", "images"])
@pytest.mark.parametrize("damage", ["missing", "shorter", "another dtype", "not finite"])
def test_a_damaged_part_is_refused(stored, field, damage):
    tensors = load_file(stored)
    values = tensors.pop(f"vae.{field}")
    changed = {
        "missing": None,
        "shorter": values[:-1].clone(),
        "another dtype": values.double(),
        "not finite": values.float() * torch.nan,
    }[damage]
    if changed is not None:
        tensors[f"vae.{field}"] = changed
    save_file(tensors, stored, metadata={"vaelib": "recordings"})
    with pytest.raises(ValueError, match=r"^path: the recordings in .* are damaged"):
        load_recordings(stored)


def sizes(images=5, samples=2, epochs=3, shape=SHAPE):
    """Of the parts of a recording that fit together."""
    of_frames = [(images, 2), (images, 2), (RECONSTRUCTED, *shape), (samples, *shape), (2,)]
    frames = {f"vae.{field}": (epochs, *size) for field, size in zip(Frame._fields, of_frames, strict=True)}
    return frames | {"vae.labels": (images,), "vae.images": (RECONSTRUCTED, *shape)}


@pytest.mark.parametrize(
    "size", [{}, {"images": RECONSTRUCTED}, {"images": MOST_IMAGES}, {"samples": 1}, {"epochs": 1}]
)
def test_sizes_that_a_recording_can_have(size):
    _require_sizes(sizes(**size), "vae")
    _require_sizes(sizes(samples=MOST_SAMPLES), "vae")


@pytest.mark.parametrize(
    "size",
    [
        {"images": RECONSTRUCTED - 1},
        {"images": MOST_IMAGES + 1},
        {"samples": 0},
        {"samples": MOST_SAMPLES + 1},
        {"epochs": 0},
        {"shape": (4, 4)},
    ],
)
def test_one_size_that_no_recording_has(size):
    with pytest.raises(ValueError, match="images of shape"):
        _require_sizes(sizes(**size), "vae")


def test_a_file_of_another_kind_is_refused(stored, tmp_path):
    VAE(SHAPE, 2, (8,)).save(tmp_path / "model")
    with pytest.raises(ValueError, match="does not hold recordings"):
        load_recordings(tmp_path / "model")
    with pytest.raises(FileNotFoundError, match="path"):
        load_recordings(tmp_path / "nothing")


def test_the_courses_own_run_is_small_real_and_made_by_record_training():
    uae, vae = training_run()
    assert (vae.epochs, uae.epochs, len(vae.labels), vae.of_vae, uae.of_vae) == (12, 12, 300, True, False)
    assert RUNS.keys().isdisjoint({"vae", "uae"})
    again = record_training(epochs=1, progress=False)  # before its training, the same; after one epoch of 12, not
    for one, other in ((again["vae"], vae), (again["uae"], uae)):
        torch.testing.assert_close(one.frames[0].codes, other.frames[0].codes)
        assert torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)
        assert other.frames[-1].losses[0] < other.frames[1].losses[0] < other.frames[0].losses[0]


def test_watch_training_sends_what_was_recorded():
    vae, uae = recorded(VAE)[1], recorded(Autoencoder)[1]
    widget = watch_training(uae, vae)
    assert widget.about == {"shape": [1, 4, 4], "labels": labels.tolist(), "epochs": 3}
    assert widget.pictures["vae.samples"] == vae.stacked()["samples"].numpy().tobytes()
    assert widget.pictures["uae.reconstructed"] == uae.stacked()["reconstructed"].numpy().tobytes()
    assert widget.arrays["vae.sigma"]["data"] == vae.stacked()["sigma"].numpy().tobytes()
    assert widget.arrays["uae.losses"]["data"] == uae.stacked()["losses"].numpy().tobytes()
    assert {name.partition(".")[0] for name in watch_training(vae=vae).arrays} == {"vae"}
    assert {name.partition(".")[0] for name in watch_training(uae).arrays} == {"uae"}
