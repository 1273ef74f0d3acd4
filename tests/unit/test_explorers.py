"""The controls of a live picture redraw it, each in its own place."""

import math

import ipywidgets as widgets
import pytest
import torch
from traitlets import TraitError

from vaelib import VAE, Autoencoder, MultiRateVAE, digits, faces, kl_to_standard_normal
from vaelib.digits import Digits
from vaelib.explorers import (
    compare_codes,
    draw_a_digit,
    explore_beta,
    explore_latents,
    explore_loss,
    explore_map,
    judge,
    live,
    watch_training,
)
from vaelib.faces import Faces, four_kinds
from vaelib.figures import picture_html
from vaelib.measures import attribute_directions, evaluate, fit_probes
from vaelib.models import sample
from vaelib.multirate import beta_at
from vaelib.trained import trained


def slider():
    return widgets.FloatSlider(value=0, min=-1, max=1)


def test_the_picture_is_drawn_at_once_and_again_when_a_control_moves():
    first, second = slider(), slider()
    box = live(lambda a, b: f"{a} {b}", first, second)
    assert box.children[-1].value == "0.0 0.0"
    second.value = 0.5
    assert box.children[-1].value == "0.0 0.5"
    first.value = -1
    assert box.children[-1].value == "-1.0 0.5"


def test_two_live_pictures_do_not_disturb_each_other():
    one, other = slider(), slider()
    box_of_one, box_of_other = live(str, one), live(str, other)
    one.value = 0.5
    assert (box_of_one.children[-1].value, box_of_other.children[-1].value) == ("0.5", "0.0")


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        (("text", slider()), TypeError, "draw"),
        ((str,), ValueError, "controls"),
        ((str, 3), TypeError, "controls"),
        ((str, widgets.VBox()), TypeError, "controls"),
    ],
)
def test_bad_arguments_are_named(arguments, error, named):
    with pytest.raises(error, match=named):
        live(*arguments)


# explore_latents and compare_codes: own models, small, of faces with two attributes of their own names


@pytest.fixture(scope="module")
def of_faces():
    """(UAE, VAE, train, test), with a VAE one of whose latents has collapsed."""
    drawn = faces(60, seed=0, size=16)
    some = Faces(drawn.images, drawn.factors[:, :2])
    settings = {"image_shape": (3, 16, 16), "latent_dim": 4, "hidden": (16,)}
    uae, vae = Autoencoder(**settings), VAE(**settings)
    with torch.no_grad():
        for linear in (uae.head, vae.head):
            linear.weight.mul_(3)  # codes that differ
        for row in (2, 6):  # μ and log σ² of the third
            vae.head.weight[row] = 0
            vae.head.bias[row] = 0
    return uae, vae, some, Faces(some.images[:9].flip(0), some.factors[:9].flip(0))


NAMES = ["tone", "hair"]


def array(widget, name):
    """What the browser gets."""
    sent = widget.arrays[name]
    return torch.frombuffer(bytearray(sent["data"]), dtype=torch.float).view(sent["shape"])


@torch.no_grad()
def test_explore_latents_moves_each_model_by_its_own_units(of_faces):
    uae, vae, train, test = of_faces
    widget = explore_latents(*of_faces, names=NAMES)
    q, h = vae.encode(train.images), uae.encode(train.images)
    assert widget.about["names"] == NAMES
    assert widget.about["kl"] == pytest.approx(kl_to_standard_normal(q).mean(dim=0).tolist(), rel=1e-5, abs=1e-7)
    assert widget.about["kl"][2] < 0.01, "the collapsed latent"
    assert widget.image == 0 and not any(widget.latents) and not any(widget.attributes)
    torch.testing.assert_close(torch.tensor(widget.z), vae.encode(test.images).mean[0])
    torch.testing.assert_close(torch.tensor(widget.h), uae.encode(test.images)[0])

    by_kl = torch.tensor(widget.about["kl"]).argsort(descending=True)
    by_variance = h.var(dim=0).argsort(descending=True)
    widget.image = 3
    for rank, j in enumerate(by_kl.tolist()):
        widget.latents = [2.0 * (k == j) for k in range(4)]
        step = 2 * h.std(dim=0) * (torch.arange(4) == by_variance[rank])
        torch.testing.assert_close(
            torch.tensor(widget.z), vae.encode(test.images).mean[3] + torch.tensor(widget.latents)
        )
        torch.testing.assert_close(torch.tensor(widget.h), uae.encode(test.images)[3] + step)

    widget.latents, widget.attributes = [0] * 4, [0.5, -1]
    amounts = torch.tensor([0.5, -1.0])
    z = vae.encode(test.images).mean[3] + amounts @ attribute_directions(q.mean, train.factors)
    torch.testing.assert_close(torch.tensor(widget.z), z)
    torch.testing.assert_close(
        torch.tensor(widget.h), uae.encode(test.images)[3] + amounts @ attribute_directions(h, train.factors)
    )


def test_explore_latents_starts_both_models_from_the_same_sample(of_faces):
    widget = explore_latents(*of_faces, names=NAMES, seed=3)
    widget.image = -1
    assert widget.z == widget.h == widget.sample
    assert widget.sample == torch.randn(4, generator=torch.Generator().manual_seed(3)).tolist()
    widget.sample = [1, 0, -1, 0.5]
    assert widget.z == widget.h == [1, 0, -1, 0.5]
    heard = []
    widget.observe(lambda change: heard.append(change["new"]), "z")
    widget.latents = [0, 2, 0, 0]
    assert heard == [[1, 2, -1, 0.5]]


@torch.no_grad()
def test_compare_codes_sends_what_the_figures_show(of_faces):
    uae, vae, train, test = of_faces
    widget = compare_codes(*of_faces, names=NAMES, seed=2)
    x, q = test.images[:8], vae.encode(train.images)
    codes = {"uae": uae.encode(train.images), "vae": sample(q, torch.Generator().manual_seed(2))}
    for name, z in codes.items():
        probes = fit_probes(z, train.factors, NAMES)
        torch.testing.assert_close(array(widget, f"{name}.weight"), probes.weight)
        torch.testing.assert_close(array(widget, f"{name}.bias"), probes.bias)
    torch.testing.assert_close(array(widget, "uae.codes"), uae.encode(x))
    torch.testing.assert_close(array(widget, "vae.codes"), vae.encode(x).mean)
    torch.testing.assert_close(array(widget, "vae.sigmas"), vae.encode(x).stddev)
    torch.testing.assert_close(array(widget, "uae.table"), attribute_directions(codes["uae"], train.factors))
    torch.testing.assert_close(array(widget, "vae.table"), attribute_directions(q.mean, train.factors))
    assert torch.equal(array(widget, "truth"), test.factors[:8])
    assert (widget.image, widget.shifts, widget.noise) == (0, [0, 0], 1)
    assert torch.tensor(widget.epsilon).shape == (4, 4)
    assert widget.epsilon == compare_codes(*of_faces, names=NAMES, seed=2).epsilon
    assert widget.epsilon != compare_codes(*of_faces, names=NAMES, seed=1).epsilon


@torch.no_grad()
def test_the_bells_of_compare_codes_are_as_wide_as_attributes_are():
    """Two of the course's latents have collapsed: probes of μ would read them, with bells 8 to 27 wide."""
    widget = compare_codes()
    widths = (array(widget, "vae.sigmas").square() @ array(widget, "vae.weight").square().T).sqrt()  # (8, 6)
    assert 0.001 < widths.min() and widths.max() < 0.2


@pytest.mark.parametrize(
    ("explore", "trait", "value"),
    [
        (explore_latents, "image", 8),
        (explore_latents, "image", -2),
        (explore_latents, "sample", [0.0] * 9),
        (explore_latents, "latents", [0.0] * 11),
        (explore_latents, "latents", [math.nan] * 10),
        (explore_latents, "attributes", [0.0] * 5),
        (explore_latents, "attributes", ["much"] * 6),
        (explore_latents, "z", [0.0] * 10),
        (explore_latents, "h", [0.0] * 10),
        (compare_codes, "image", -1),
        (compare_codes, "image", 8),
        (compare_codes, "shifts", [0.0] * 7),
        (compare_codes, "shifts", [math.inf] * 6),
        (compare_codes, "noise", -0.1),
        (compare_codes, "noise", 6.1),
        (compare_codes, "epsilon", [[0.0] * 10]),
        (compare_codes, "epsilon", [[0.0] * 9] * 4),
    ],
)
def test_traits_of_latents_and_codes_refuse_what_cannot_be(explore, trait, value):
    widget = explore()
    before = getattr(widget, trait)
    with pytest.raises(TraitError, match=trait):
        setattr(widget, trait, value)
    assert getattr(widget, trait) == before


@torch.no_grad()
def test_traits_take_what_is_at_the_ends_of_their_range():
    of_images, of_runs, of_loss = explore_latents(), watch_training(), explore_loss()
    for widget, trait, ends, beyond in (
        (of_images, "image", (-1, 7), (-2, 8)),  # −1 is a sample
        (of_runs, "epoch", (0, 12), (-1, 13)),
        (of_loss, "latent", (0, 9), (-1, 10)),
        (of_loss, "mu", (-3.0, 3.0), (-3.001, 3.001)),
        (of_loss, "sigma", (0.01, 2.0), (0.0099, 2.001)),
        (compare_codes(), "noise", (0.0, 6.0), (-0.001, 6.001)),
    ):
        for value in ends:
            setattr(widget, trait, value)
            assert getattr(widget, trait) == value
        for value in beyond:
            with pytest.raises(TraitError, match=trait):
                setattr(widget, trait, value)


def test_explore_map_sends_the_codes_of_the_images_and_no_encoder():
    some = faces(400, size=16)
    labels = torch.tensor([3, 7, 5, 3] * 100)
    uae, vae = Autoencoder((3, 16, 16), 2, (8,)), VAE((3, 16, 16), 2, (8,), seed=1)
    widget = explore_map(uae, vae, (some.images, labels))
    x = some.images[:300]
    about = {"shape": [3, 16, 16], "labels": labels[:300].tolist(), "rows_to_choose": [0, 2, 1], "letters": ["h", "z"]}
    assert widget.about == about
    torch.testing.assert_close(array(widget, "uae.codes"), uae.encode(x))
    torch.testing.assert_close(array(widget, "vae.codes"), vae.encode(x).mean)
    torch.testing.assert_close(array(widget, "vae.sigma"), vae.encode(x).stddev)
    torch.testing.assert_close(array(widget, "images"), x[[0, 2, 1]])
    assert widget.h == pytest.approx(uae.encode(x)[0].tolist()) and widget.image == 0
    assert widget.z == pytest.approx(vae.encode(x).mean[0].tolist())
    assert not any("trunk" in name or "head" in name for name in widget.arrays)


@pytest.mark.parametrize("explore", [compare_codes, explore_latents])
def test_one_attribute_is_enough(explore):
    some = faces(40, size=16)
    some = some._replace(factors=some.factors[:, :1])
    uae, vae = Autoencoder((3, 16, 16), 2, (8,)), VAE((3, 16, 16), 2, (8,))
    assert explore(uae, vae, some, some, names=["skin"]).about["names"] == ["skin"]


def test_a_blind_test_hides_who_made_a_row_and_counts_at_the_end():
    rows = {"light": torch.full((12, 2, 1, 8, 8), 0.1), "dark": torch.full((12, 2, 1, 8, 8), 0.9)}
    box = judge(rows, question="Which is darker?", seed=3)
    said, picture, buttons = box.children
    uppers = 0
    for k in range(12):
        assert f"Pair {k + 1} of 12" in said.value and "light" not in said.value + picture.value
        light = picture_html(rows["light"][k], alt=f"the upper row of pair {k + 1}", height=96)
        light_is_upper = picture.value.startswith(light)
        uppers += light_is_upper
        buttons.children[light_is_upper].click()  # always the dark one
    assert 2 < uppers < 10  # by lot
    assert "dark: 12 of 12" in said.value and "light: 0 of 12" in said.value
    assert all(button.disabled for button in buttons.children)


def test_explore_map_shows_one_model_alone():
    some = four_kinds(40, size=16)
    uae, vae = Autoencoder((3, 16, 16), 2, (8,)), VAE((3, 16, 16), 2, (8,))
    alone = explore_map(uae, digits=some)
    assert alone.about["letters"] == ["h"] and not any(name.startswith("vae") for name in alone.arrays)
    alone = explore_map(vae=vae, digits=some)
    assert alone.about["letters"] == ["z"] and not any(name.startswith("uae") for name in alone.arrays)


@torch.no_grad()
def test_draw_a_digit_holds_an_image_that_can_be_encoded():
    vae, test = VAE((1, 28, 28), 2, (8,)), digits("test")
    widget = draw_a_digit(vae, test, seed=4)
    assert torch.tensor(widget.image).shape == (28, 28) and torch.tensor(widget.image).sum() == 0
    torch.testing.assert_close(array(widget, "codes"), vae.encode(test.images[:300]).mean)
    torch.testing.assert_close(array(widget, "noise"), torch.randn(4, 2, generator=torch.Generator().manual_seed(4)))
    assert widget.about["classes_to_choose"] == list(range(10))
    widget.image = test.images[3, 0].tolist()
    assert torch.equal(torch.tensor(widget.image)[None, None], test.images[3:4])


@torch.no_grad()
def test_explore_loss_sends_what_the_encoder_says_and_no_encoder(of_faces):
    _, vae, train, _ = of_faces
    widget = explore_loss(vae, train.images, beta=3)
    q = vae.encode(train.images[:8])
    torch.testing.assert_close(array(widget, "images"), train.images[:8])
    torch.testing.assert_close(array(widget, "mu"), q.mean)
    torch.testing.assert_close(array(widget, "sigma"), q.stddev)
    assert widget.about["collapsed"] == [False, False, True, False]
    rates = kl_to_standard_normal(q).mean(dim=0)
    assert widget.latent == rates.where(rates > 0.01, math.inf).argmin(), "the widest valley of those that live"
    assert (widget.beta, widget.image, widget.mu, widget.sigma) == (3, 0, 0, 1)
    assert widget.about["mus"][1] == max(3, math.ceil(1.1 * q.mean.abs().max()))
    assert not any("trunk" in name or "head" in name for name in widget.arrays)


def test_the_plane_of_explore_loss_holds_every_code():
    vae = VAE((3, 16, 16), 3, (8,))
    with torch.no_grad():
        vae.head.bias[1] = -5
    widget = explore_loss(vae, faces(8, size=16).images)
    span = widget.about["mus"][1]
    assert array(widget, "mu").abs().max() < span <= 7
    widget.mu = -5.2


def test_a_plane_needs_one_beta():
    with pytest.raises(TypeError, match=r"vae .* take \.at\(beta\)"):
        explore_map(vae=MultiRateVAE((1, 28, 28), 2, (8,)))


@pytest.mark.parametrize(
    ("explore", "trait", "value"),
    [
        (explore_map, "z", (math.nan, 0)),
        (explore_map, "h", (0, math.inf)),
        (explore_map, "h", (0, 0, 0)),
        (explore_map, "z", "ab"),
        (explore_map, "image", 10),
        (explore_map, "image", -1),
        (draw_a_digit, "image", [[0.0] * 28] * 27),
        (draw_a_digit, "image", [[0.0] * 28] * 27 + [[0.0] * 27]),
        (draw_a_digit, "image", [[2.0] * 28] * 28),
        (draw_a_digit, "image", [[math.nan] * 28] * 28),
        (draw_a_digit, "image", torch.zeros(28, 28)),
        (explore_loss, "beta", 101),
        (explore_loss, "beta", -0.1),
        (explore_loss, "image", 8),
        (explore_loss, "latent", 10),
        (explore_loss, "latent", -1),
        (explore_loss, "mu", 3.1),
        (explore_loss, "mu", math.nan),
        (explore_loss, "sigma", 0.0),
        (explore_loss, "sigma", 2.5),
        (explore_loss, "sigma", "wide"),
        (watch_training, "epoch", 13),
        (watch_training, "epoch", -1),
        (watch_training, "playing", "yes"),
    ],
)
def test_traits_of_the_digits_refuse_what_cannot_be(explore, trait, value):
    widget = explore()
    before = getattr(widget, trait)
    with pytest.raises(TraitError, match=trait):
        setattr(widget, trait, value)
    assert getattr(widget, trait) == before


# What an explorer is called with


@pytest.mark.parametrize(
    ("beta", "error"),
    [(200, ValueError), (-1, ValueError), (math.nan, ValueError), ("1", TypeError), (None, TypeError)],
)
def test_a_first_beta_that_cannot_be_is_an_error_of_the_call(beta, error):
    with pytest.raises(error, match=r"^beta "):
        explore_beta(beta=beta)


def test_the_curve_of_explore_beta_is_what_evaluate_says():
    images = faces(9, seed=2).images
    model = trained("faces").double()
    curve = array(explore_beta(model, images.double(), seed=3), "curve")
    for k, at in enumerate(beta_at(torch.linspace(-1, 1, 41)).tolist()):
        found = evaluate(model.at(at), images.double(), seed=3)
        assert curve[k].tolist() == pytest.approx([found.rate, found.distortion], rel=1e-4, abs=1e-4)


def test_a_beta_set_later_is_refused_as_traits_are():
    widget = explore_beta(beta=100)
    with pytest.raises(TraitError, match="beta"):
        widget.beta = 200
    assert widget.beta == 100


def models(dtype=torch.float32, *, weight=None):
    """The models and images that each explorer is given, in its order; with this `weight` in their heads, if any."""
    some, test = faces(40, size=16), digits("test")
    some = Faces(some.images.to(dtype), some.factors)
    test = Digits(test.images[:40].to(dtype), test.labels[:40])
    of_faces = [kind((3, 16, 16), 4, (8,)).to(dtype) for kind in (MultiRateVAE, Autoencoder, VAE)]
    of_digits = [kind((1, 28, 28), 2, (8,)).to(dtype) for kind in (Autoencoder, VAE)]
    for model in [*of_faces, *of_digits]:
        if weight is not None:
            torch.nn.init.constant_(model.head.weight, weight)
    return {
        explore_beta: (of_faces[0], some.images),
        explore_latents: (*of_faces[1:], some, some),
        explore_loss: (of_faces[2], some.images),
        compare_codes: (*of_faces[1:], some, some),
        explore_map: (*of_digits, test),
        draw_a_digit: (of_digits[1], test),
    }


@pytest.mark.parametrize("explore", models())
def test_a_model_in_double_precision_can_be_explored(explore):
    double, single = explore(*models(torch.float64)[explore]), explore(*models()[explore])
    assert double.about.keys() == single.about.keys() and double.arrays.keys() == single.arrays.keys()
    for name in single.arrays:
        if name.endswith(("images", "codes", "table")):  # all that no random number shapes
            torch.testing.assert_close(array(double, name), array(single, name), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("weight", [math.nan, math.inf])
@pytest.mark.parametrize("explore", models())
def test_a_model_that_came_to_nothing_is_named(explore, weight):
    with pytest.raises(ValueError, match=r"^(multirate|autoencoder|vae)\.encode must return finite codes"):
        explore(*models(weight=weight)[explore])
