"""The faces: right form, right names, balanced factors, smooth edges."""

import pytest
import torch

from vaelib import faces
from vaelib.faces import FACTORS, four_kinds, render
from vaelib.trained import data_of, trained

# Where to look for each factor: x to the right, y down, both from -1 to 1.
SPOTS = {
    "skin tone": (0.00, -0.30),  # forehead
    "hair colour": (0.00, -0.65),  # top of the head
    "smile": (0.00, 0.52),  # mouth
    "glasses": (0.40, -0.12),  # corner of a lens
    "beard": (0.00, 0.74),  # chin
    "hair length": (0.62, 0.60),  # beside the chin
}
each_factor = pytest.mark.parametrize("name", FACTORS)


def sweep(name, values, *, n=40, size=32):
    """Images (values, n, 3, S, S) of n faces whose factor `name` takes each of `values`."""
    factors = torch.rand(n, len(FACTORS), generator=torch.Generator().manual_seed(0))
    images = []
    for value in values:
        factors[:, FACTORS.index(name)] = value
        images.append(render(factors, size=size))
    return torch.stack(images)


def main_effect(name):
    """The variance of the mean image over values of one factor, in each pixel, (32, 32)."""
    return sweep(name, (0, 0.25, 0.5, 0.75, 1)).mean(dim=1).var(dim=0).sum(dim=0)


@pytest.mark.parametrize("size", [16, 17, 32, 64])
def test_faces_have_the_promised_form(size):
    images, factors = faces(7, seed=1, size=size)
    assert images.shape == (7, 3, size, size) and images.dtype == torch.float32
    assert factors.shape == (7, len(FACTORS)) and factors.dtype == torch.float32
    for values in (images, factors):
        assert 0 <= values.min() and values.max() <= 1


def test_corner_values_stay_in_range():
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * len(FACTORS))  # (64, 6)
    images = render(corners)
    assert 0 <= images.min() and images.max() <= 1


def test_factors_are_uniform_and_independent():
    factors = torch.cat([faces(500, seed=seed, size=16).factors for seed in range(4)])
    assert factors.mean(dim=0).tolist() == pytest.approx([0.5] * len(FACTORS), abs=0.03)
    assert factors.var(dim=0).tolist() == pytest.approx([1 / 12] * len(FACTORS), abs=0.01)
    torch.testing.assert_close(torch.corrcoef(factors.T), torch.eye(len(FACTORS)), rtol=0, atol=0.1)


def test_faces_can_be_repeated():
    first, again, other = faces(20, seed=3), faces(20, seed=3), faces(20, seed=4)
    assert torch.equal(first.images, again.images) and torch.equal(first.factors, again.factors)
    assert not torch.equal(first.factors, other.factors)


def test_faces_leave_the_global_generator_alone():
    before = torch.random.get_rng_state()
    faces(3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_images_are_drawn_from_their_factors():
    images, factors = faces(5, seed=2)
    assert torch.equal(images, render(factors))


def test_a_face_does_not_depend_on_its_neighbours():
    """260 faces are more than are painted at once."""
    factors = torch.rand(260, len(FACTORS), generator=torch.Generator().manual_seed(0))
    together = render(factors, size=16)
    for row in (0, 249, 250, 259):
        torch.testing.assert_close(together[row], render(factors[row : row + 1], size=16)[0])


def test_render_leaves_its_factors_alone():
    factors = torch.full((2, len(FACTORS)), 0.5)
    render(factors)
    assert (factors == 0.5).all()


@pytest.mark.parametrize("size", [32, 33])  # of an odd number of columns, one is in the middle
def test_faces_are_symmetric(size):
    images = faces(20, size=size).images
    assert torch.equal(images, images.flip(-1))


@each_factor
def test_each_factor_changes_enough_pixels(name):
    assert main_effect(name).sum() > 4, f"a model will hardly learn {name}: it changes too little"


def test_no_factor_outweighs_another():
    effects = {name: main_effect(name).sum().item() for name in FACTORS}
    assert max(effects.values()) < 4.5 * min(effects.values()), effects


@each_factor
def test_each_factor_changes_what_its_name_says(name):
    x, y = (round((c + 1) * 16 - 0.5) for c in SPOTS[name])
    change = {}
    for other in FACTORS:
        low, high = sweep(other, (0, 1))[..., y - 1 : y + 2, x - 1 : x + 2]
        change[other] = (high - low).square().mean().item()
    assert max(change, key=change.get) == name, f"the columns of the factors are mixed up: {change}"


@each_factor
def test_the_background_never_changes(name):
    assert sweep(name, (0, 1), n=5)[..., :2, :2].diff(dim=0).abs().max() < 1e-6


def test_skin_tone_leaves_the_hair_alone():
    assert sweep("skin tone", (0, 1), n=5)[..., 4:6, 14:18].diff(dim=0).abs().max() < 1e-6


@each_factor
def test_pixels_change_smoothly_with_each_factor(name):
    """A hard edge would jump from one colour to another, by 0.5 and more, in one of these steps.

    Not from 0: where a factor is raised to a power below 1, it starts steeply.
    """
    images = sweep(name, torch.linspace(0.05, 1, 201), n=3)
    assert images.diff(dim=0).abs().max() < 0.15


@each_factor
def test_no_two_values_of_a_factor_look_the_same(name):
    images = sweep(name, torch.linspace(0, 1, 11), n=10)
    changed = images.diff(dim=0).square().sum(dim=(2, 3, 4))  # (10, 10)
    assert (changed > 1e-3).all(), f"part of the range of {name} changes nothing"


def test_sizes_show_the_same_face():
    factors = torch.rand(20, len(FACTORS), generator=torch.Generator().manual_seed(0))
    small, large = render(factors, size=32), render(factors, size=64)
    shrunk = torch.nn.functional.avg_pool2d(large, 2)
    assert (small - shrunk).abs().mean() < 0.02


def test_four_kinds_have_glasses_and_a_beard_or_not():
    images, labels = four_kinds(400, seed=2)
    assert images.shape == (400, 3, 32, 32) and sorted(set(labels.tolist())) == [0, 1, 2, 3]
    assert labels.bincount().min() > 60
    glasses, beard = images[:, :, 12:18, 6:26], images[:, :, 25:29, 12:20]  # where they are drawn
    plain = images[labels == 0]
    assert torch.equal(plain, plain[:1].expand_as(plain))  # nothing else varies
    for label, (worn, grown) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        of_kind = labels == label
        assert (glasses[of_kind] - plain[0, :, 12:18, 6:26]).abs().amax(dim=(1, 2, 3)).min() > 0.2 or not worn
        assert (beard[of_kind] - plain[0, :, 25:29, 12:20]).abs().amax(dim=(1, 2, 3)).min() > 0.2 or not grown
    assert torch.equal(four_kinds(9, seed=5).images, four_kinds(9, seed=5).images)


def test_what_the_four_kinds_wear_is_strong_and_its_strength_varies(monkeypatch):
    rendered = []
    monkeypatch.setitem(four_kinds.__globals__, "render", lambda factors, size: rendered.append(factors))
    labels = four_kinds(400).labels
    (factors,) = rendered
    for name, least, of_kinds in (("glasses", 0.7, (1, 3)), ("beard", 0.6, (2, 3))):
        values = factors[:, FACTORS.index(name)]
        worn = torch.isin(labels, torch.tensor(of_kinds))
        assert values[~worn].unique().tolist() == [0]
        assert least <= values[worn].min() < least + 0.02 and 0.98 < values[worn].max() <= 1


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (1.5, 0), (3, -1), ("3", 0)])
def test_four_kinds_refuse_other_numbers(n, seed):
    with pytest.raises((TypeError, ValueError), match=r"(n|seed) must"):
        four_kinds(n, seed=seed)


@pytest.mark.parametrize("name", ["faces", "faces-uae"])
def test_the_faces_are_those_that_the_courses_models_were_trained_on(name):
    """Each model knows the mean of its images: another colour, or another place of a lens, would show in it."""
    images, _ = data_of(name, "train")
    torch.testing.assert_close(trained(name).mean_image, images.mean(dim=0), atol=1e-6, rtol=0)
