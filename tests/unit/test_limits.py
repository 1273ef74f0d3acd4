"""What an argument may just be, what it may no longer be, and what is taken where nothing is said."""

import inspect

import pytest
import torch

import vaelib
from vaelib import VAE, Autoencoder, MultiRateVAE, explorers, faces, figures, landscape, losses, measures, rate, require
from vaelib.explorers import compare_codes, draw_a_digit, explore_latents, explore_loss, explore_map
from vaelib.recording import Recording, load_recordings, save_recordings
from vaelib.trained import trained

MODULES = (vaelib, explorers, figures, landscape, losses, measures, rate)
FUNCTIONS = {f.__name__: f for module in MODULES for f in vars(module).values() if inspect.isfunction(f)}


def left_out(argument):
    """{function: what it takes for this argument}"""
    parameters = {name: inspect.signature(f).parameters.get(argument) for name, f in FUNCTIONS.items()}
    return {name: p.default for name, p in parameters.items() if p is not None and p.default is not p.empty}


def test_what_is_random_begins_with_0_and_the_scale_of_an_error_is_1():
    assert len(left_out("seed")) > 10 and set(left_out("seed").values()) <= {0, None}
    assert len(left_out("scale")) > 4 and set(left_out("scale").values()) == {1.0}
    assert {"fit", "vae_loss"} <= left_out("scale").keys() and set(left_out("clouds").values()) == {False}


def test_counts_and_seeds_have_their_ends():
    for value in (1, 1_000_000):
        require.whole_number("n", value)
    for value in (0, 1_000_001):
        with pytest.raises(ValueError, match="n must be at"):
            require.whole_number("n", value)
    for value in (0, 2**32 - 1):  # NumPy's generators take no more
        require.seed("seed", value)
    with pytest.raises(ValueError, match="seed must be at most 4294967295"):
        require.seed("seed", 2**32)


def test_a_mixture_needs_as_many_images_as_it_has_parts():
    autoencoder, some = Autoencoder((3, 16, 16), 2, (8,)), faces(21, size=16).images
    assert measures.holes(autoencoder, some[:20], some[:3], n=3)
    with pytest.raises(ValueError, match="at least 20 images, got 19"):
        measures.holes(autoencoder, some[:19], some[:3], n=3)


@pytest.mark.parametrize(("count", "samples"), [(4, 1), (4, 16), (1000, 1)])
def test_recordings_of_the_least_and_the_greatest_size_can_be_read(count, samples, tmp_path):
    images = torch.rand(1, 1, 4, 4).expand(count, -1, -1, -1)
    recording = Recording(VAE((1, 4, 4), 2, (3,)), images, torch.zeros(count).long(), samples=samples)
    recording(1, None)
    save_recordings({"vae": recording}, tmp_path / "some.safetensors")
    assert load_recordings(tmp_path / "some.safetensors")["vae"].frames[0].samples.shape == (samples, 1, 4, 4)


def test_the_gates_of_a_new_network_bend_all_along_the_scale_of_beta():
    first = MultiRateVAE((1, 4, 4), 2, hidden=(3,)).gates[0]
    bends = (-first.bias / first.weight[:, 0]).tolist()
    assert bends == pytest.approx(torch.linspace(-1, 1, len(bends)).tolist())


@pytest.mark.parametrize(
    ("explore", "data"),
    [
        (lambda **own: draw_a_digit(**own), "digits"),
        (lambda **own: explore_loss(**own), "faces"),
        (lambda **own: explore_latents(**own), "faces"),
        (lambda **own: compare_codes(**own), "faces"),
        (lambda **own: explore_map(**own), "digits"),
    ],
)
def test_the_courses_own_vae_is_the_one_at_beta_1(explore, data):
    by_default, at_1, at_2 = (
        explore(**own).arrays for own in ({}, *({"vae": trained(data).at(b)} for b in (1.0, 2.0)))
    )
    weights = [name for name in at_1 if at_1[name] != at_2[name] and name in by_default]
    assert weights and all(by_default[name] == at_1[name] for name in weights)
