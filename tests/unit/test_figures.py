"""The figures: each carries an alt text, and what it draws is what the models say."""

import base64
import copy
import gc
import html
import io
import itertools
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyBboxPatch
from PIL import Image
from torch.distributions import Normal

from vaelib import VAE, Autoencoder, faces, figures
from vaelib.faces import FACTORS
from vaelib.history import History
from vaelib.measures import Evaluation, Probes
from vaelib.models import sample
from vaelib.rate import decompose_rate

SHAPE = (3, 16, 16)
NAMES = FACTORS[:3]
GRID = torch.linspace(-2, 2, 5)
TABLES = {"one": torch.tensor([[1.0, -0.5, 0.25], [0.0, 0.75, 2.0]]), "two": torch.zeros(2, 3)}


@pytest.fixture(scope="module")
def autoencoder():
    return Autoencoder(SHAPE, latent_dim=2, hidden=(16,))


@pytest.fixture(scope="module")
def vae():
    return VAE(SHAPE, latent_dim=2, hidden=(16,))


@pytest.fixture(scope="module")
def images():
    return faces(12, size=16).images


@pytest.fixture(scope="module")
def probes():
    weight = torch.tensor([[0.3, 0.4], [0.1, 0.0], [-0.05, 0.2]])
    return Probes(weight, torch.tensor([0.5, 0.3, 0.7]), NAMES)


def history():
    return History(1.0, [30.0, 20.0], [25.0, 16.0], [5.0, 4.0], [(3.0, 2.0), (3.0, 1.0)])


def at_two_betas():
    return {0.0: Evaluation(30.0, 5.0, -40.0, torch.ones(2)), 1.0: Evaluation(4.0, 7.0, -20.0, torch.ones(2))}


def posterior(sigma=0.5):
    return Normal(torch.tensor([[0.2, -0.4, 0.9]]), sigma * torch.tensor([[1.0, 0.5, 0.2]]))


FIGURES = {
    "training_curves": lambda a, v, x, p: figures.training_curves(history()),
    "the history draws itself": lambda a, v, x, p: history().plot(),
    "pictures": lambda a, v, x, p: figures.pictures(
        {"x": x[:3], "y": x[:2]}, columns=list("abc"), title="t", alt="two rows"
    ),
    "pictures of digits": lambda a, v, x, p: figures.pictures({"x": x[:3, :1]}, alt="one row"),
    "reconstructions": lambda a, v, x, p: figures.reconstructions({"UAE": a, "VAE": v}, x[:4]),
    "figure_uae": lambda a, v, x, p: figures.figure_uae(a, p, x[:1]),
    "figure_uae with the truth": lambda a, v, x, p: figures.figure_uae(
        a, p, x[:1], truth=torch.tensor([0.2, 0.5, 1.0])
    ),
    "curves of four panels": lambda a, v, x, p: figures.curves(
        GRID, {name: {"a long name": GRID, "another": -GRID} for name in "abcd"}, alt="four panels"
    ),
    "figure_vae": lambda a, v, x, p: figures.figure_vae(v, p, x[:1]),
    "attribute_bells": lambda a, v, x, p: figures.attribute_bells({"β = 0": posterior(), "β = 1": posterior()}, NAMES),
    "latent_bells": lambda a, v, x, p: figures.latent_bells({"β = 0": posterior(), "β = 1": posterior()}),
    "loss_landscapes": lambda a, v, x, p: figures.loss_landscapes(v, x[:1], 1, [0, 2]),
    "kl_bars": lambda a, v, x, p: figures.kl_bars({"β = 1": [0.5, 0.001, 2.0]}),
    "curves": lambda a, v, x, p: figures.curves(GRID, {"t": {"q": GRID**3, "p": -GRID}}, filled=["q"], alt="a cubic"),
    "number_tables": lambda a, v, x, p: figures.number_tables(TABLES, ["a", "b"], list("xyz"), alt="two small tables"),
    "labelled_points": lambda a, v, x, p: figures.labelled_points(
        {"one": {"a": (0, 1)}}, xlabel="x", ylabel="y", alt="one point"
    ),
    "rate_distortion": lambda a, v, x, p: figures.rate_distortion({"trained": at_two_betas()}),
    "against_beta": lambda a, v, x, p: figures.against_beta({"no. 1": {0.1: 2, 1: 1}}, ylabel="KL", alt="a line"),
    "latent_scatter of a UAE": lambda a, v, x, p: figures.latent_scatter(a, x, torch.arange(12) % 4),
    "latent_scatter of a VAE": lambda a, v, x, p: figures.latent_scatter(v, x, torch.arange(12) % 4),
    "latent_planes": lambda a, v, x, p: figures.latent_planes({"UAE": a, "VAE": v}, x, torch.arange(12) % 4),
    "two_arrows": lambda a, v, x, p: figures.two_arrows(),
    "network_boxes of a UAE": lambda a, v, x, p: figures.network_boxes(a),
    "network_boxes of a VAE": lambda a, v, x, p: figures.network_boxes(v),
    "noise_to_latent": lambda a, v, x, p: figures.noise_to_latent(1.0, 0.5, GRID),
    "latent_maps": lambda a, v, x, p: figures.latent_maps({"h": (a, GRID, GRID), "z": (v, GRID, GRID)}, alt="two maps"),
    "hole_bars": lambda a, v, x, p: figures.hole_bars({"UAE, mixture": torch.rand(9), "VAE, prior": torch.rand(9)}),
    "every_latent": lambda a, v, x, p: figures.every_latent({"UAE": figures.walks_of_latents(a, x[:1], x)}),
    "rate_bars": lambda a, v, x, p: figures.rate_bars({"β = 1": decompose_rate(v, x)}, images=len(x)),
    "posterior_planes": lambda a, v, x, p: figures.posterior_planes(
        {"a digit": (-GRID[:, None].square() - GRID, v.encode(x[:1]))}, GRID, alt="one posterior"
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_an_alt_text_that_reaches_the_page(name, autoencoder, vae, images, probes):
    figure = FIGURES[name](autoencoder, vae, images, probes)
    assert isinstance(figure, Figure) and len(figure.alt) > 5
    check_image_element(figure.to_html(), figure.alt)


def test_a_shown_figure_keeps_no_pixels_of_its_page(images):
    def pages():
        gc.collect()
        return sum(type(one) is RendererAgg for one in gc.get_objects())

    before = pages()
    figure = figures.pictures({"label": images[:2]}, title="title", alt="two faces")
    figure.to_html()
    assert pages() == before


def test_no_more_ellipses_are_told_than_there_are_images(vae, images):
    assert "with 12 posterior ellipses" in figures.latent_scatter(vae, images, torch.arange(12) % 10).alt


def test_the_axis_of_a_code_reaches_two_sigma_beyond_its_means(vae, images, probes, monkeypatch):
    q = Normal(torch.tensor([[5.0, -1.0]]), torch.tensor([[1.0, 0.5]]))
    monkeypatch.setattr(vae, "encode", lambda x: q)
    limits = [axes.get_xlim() for axes in figures.figure_vae(vae, probes, images[:1]).axes]
    assert any(low == pytest.approx(-7.7) and high == pytest.approx(7.7) for low, high in limits), limits


def test_names_of_attributes_stand_once_at_the_left():
    figure = figures.attribute_bells({"β = 0": posterior(), "β = 1": posterior()}, NAMES)
    left, right = ([label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes)
    assert left == list(NAMES) and not any(right)


def test_the_key_of_the_landscapes_has_the_marks_as_they_are_drawn(vae, images):
    figure = figures.loss_landscapes(vae, images[:1], 1, [0, 2])
    (key,) = figure.legends
    drawn = {(mark.get_marker(), mark.get_color()) for mark in figure.axes[0].lines}
    assert {(mark.get_marker(), mark.get_color()) for mark in key.legend_handles} == drawn
    assert [text.get_text() for text in key.get_texts()] == ["lowest", "encoder", "prior"]


def test_latents_are_counted_from_one(vae, images):
    assert "of latent 2." in figures.loss_landscapes(vae, images[:1], 1, [0, 2]).alt


def check_image_element(page, alt):
    found = re.fullmatch(r'<img alt="([^"<>]*)" src="data:image/webp;base64,UklGR[^"]*" style="[^"]*">', page)
    assert found, page[:200]
    assert html.unescape(found[1]) == alt


def pixels_of(page):
    """The picture in an `<img>` element: (H, W, 3) float32 in [0, 1]."""
    picture = Image.open(io.BytesIO(base64.b64decode(re.search('base64,([^"]*)', page)[1])))
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255


def test_every_public_figure_is_tested_here():
    returned = {name: getattr(f, "__annotations__", {}).get("return") for name, f in vars(figures).items()}
    public = {name for name, kind in returned.items() if kind is figures.CourseFigure and name[0] != "_"}
    assert public and public <= {name.split()[0] for name in FIGURES}


@pytest.mark.parametrize("alt", ['a "quoted" word', "σ < 0.05 & so on", "l'image"])
def test_alt_texts_are_escaped(alt, images):
    check_image_element(figures.picture_html(images[:2], alt), alt)
    check_image_element(figures.pictures({"x": images[:1]}, alt=alt).to_html(), alt)


def test_a_notebook_shows_figure_and_alt_text(images, capsys):
    pytest.importorskip("IPython")
    figures.pictures({"x": images[:1]}, alt="one face")._ipython_display_()
    assert "IPython.core.display.HTML" in capsys.readouterr().out


def test_picture_html_holds_the_images_pixels(images):
    page = figures.picture_html(images[:2], "two faces")
    first = torch.from_numpy(pixels_of(page)[1:17, 1:17, :3]).permute(2, 0, 1)  # inside a frame one pixel wide
    torch.testing.assert_close(first, images[0], rtol=0, atol=0.5 / 255 + 1e-6)


# ---- figures 1 and 2


def tracks_of(figure, names=NAMES):
    """The axes whose rows carry the attributes' names."""
    return [axes for axes in figure.axes if [t.get_text() for t in axes.get_yticklabels()] == list(names)]


def bells_of(axes):
    """(peak, half width at exp(−½) of the height), for each solid bell in the order drawn."""
    found = []
    for line in axes.lines:
        if len(line.get_xdata()) < 20 or line.get_linestyle() != "-":
            continue
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        height = (y.max() - y) / (y.max() - y.min())  # the axis points down
        right = np.argmax(height)
        inner = np.interp(-math.exp(-0.5), -height[right:], x[right:])
        found.append((x[right], inner - x[right]))
    return found


def test_figure_1_marks_the_probes_numbers(autoencoder, images, probes):
    figure = figures.figure_uae(autoencoder, probes, images[:1])
    values = probes.predict(autoencoder.encode(images[:1]))[0].tolist()
    (axes,) = tracks_of(figure)
    marks = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "s"]
    assert [x for x, _ in marks] == pytest.approx(values, abs=1e-5)
    assert [y for _, y in marks] == pytest.approx(list(axes.get_yticks())), "a mark stands on another one's track"
    written = [text.get_text() for text in axes.texts]
    for value, name in zip(values, NAMES, strict=True):
        assert f"{value:.2f}" in written
        assert f"{name} about {value:.2f}" in figure.alt


def test_figure_2_draws_the_push_forward_to_scale(vae, images, probes):
    figure = figures.figure_vae(vae, probes, images[:1])
    with torch.no_grad():
        q = probes.push_forward(vae.encode(images[:1]))
    (axes,) = tracks_of(figure)
    bells = bells_of(axes)
    assert [peak for peak, _ in bells] == pytest.approx(q.mean[0].tolist(), abs=1e-4)
    assert [width for _, width in bells] == pytest.approx(q.stddev[0].tolist(), rel=0.01)
    for name, mean, deviation in zip(NAMES, q.mean[0].tolist(), q.stddev[0].tolist(), strict=True):
        assert f"{name} about {mean:.2f} ± about {deviation:.2f}" in figure.alt


@pytest.mark.parametrize("samples", [1, 4])
def test_figure_2_shows_its_samples(samples, vae, images, probes):
    figure = figures.figure_vae(vae, probes, images[:1], samples=samples)
    face, decoded = (np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images)
    np.testing.assert_allclose(face, images[0].permute(1, 2, 0), atol=1e-6)
    with torch.no_grad():
        q = vae.encode(images[:1])
        many = Normal(q.mean.expand(samples, -1), q.stddev.expand(samples, -1))
        right = vae.decode(sample(many, torch.Generator().manual_seed(0))).permute(0, 2, 3, 1)
    if samples == 1:
        return np.testing.assert_allclose(decoded, right[0], atol=1e-6)
    assert decoded.shape == (36, 36, 3), "two by two, each with a rim of one white pixel"
    for k, (row, column) in enumerate(((1, 1), (1, 19), (19, 1), (19, 19))):
        np.testing.assert_allclose(decoded[row : row + 16, column : column + 16], right[k], atol=1e-6)
    assert not np.array_equal(right[0], right[1]), "the samples are all the same"


def test_samples_that_do_not_fill_the_square_leave_white(vae, images, probes):
    figure = figures.figure_vae(vae, probes, images[:1], samples=3)
    *_, decoded = (np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images)
    assert (decoded[18:, 18:] == 1).all() and (decoded[18:, :18] < 1).any()


def test_figures_1_and_2_lie_upon_each_other(autoencoder, vae, images, probes):
    """The same size, and each part in the same place, x and x̂ as large as each other and at one height."""
    one, other = figures.figure_uae(autoencoder, probes, images[:1]), figures.figure_vae(vae, probes, images[:1])
    assert pixels_of(one.to_html()).shape == pytest.approx(pixels_of(other.to_html()).shape, abs=4)
    for figure in (one, other):
        figure.canvas.draw()
    boxes = [[axes.get_position().bounds for axes in figure.axes] for figure in (one, other)]
    assert boxes[0] == boxes[1]
    x, x_hat = (axes.get_position() for axes in one.axes if axes.images)
    assert (x.y0, x.width, x.height) == pytest.approx((x_hat.y0, x_hat.width, x_hat.height))
    code = next(axes for axes in one.axes if "code" in axes.get_title()).get_position()
    (tracks,) = tracks_of(one)
    assert x.x1 < code.x0 and code.x1 < x_hat.x0 and tracks.get_position().y1 < code.y0, "the read-outs are on the path"


def test_the_path_of_figures_1_and_2_shows_the_code(autoencoder, vae, images, probes):
    with torch.no_grad():
        h, q = autoencoder.encode(images[:1])[0].tolist(), vae.encode(images[:1])
    of_h = next(axes for axes in figures.figure_uae(autoencoder, probes, images[:1]).axes if "code" in axes.get_title())
    assert [line.get_xdata()[0] for line in of_h.lines if line.get_marker() == "s"] == pytest.approx(h, abs=1e-5)
    of_z = next(axes for axes in figures.figure_vae(vae, probes, images[:1]).axes if "bells" in axes.get_title())
    assert [peak for peak, _ in bells_of(of_z)] == pytest.approx(q.mean[0].tolist(), abs=1e-4)
    assert [width for _, width in bells_of(of_z)] == pytest.approx(q.stddev[0].tolist(), rel=0.01)


@pytest.mark.parametrize("of", ["uae", "vae"])
def test_figures_1_and_2_mark_the_truth(of, autoencoder, vae, images, probes):
    draw, model = (figures.figure_uae, autoencoder) if of == "uae" else (figures.figure_vae, vae)
    truth = torch.tensor([0.1, 0.9, 0.4])
    (axes,) = tracks_of(draw(model, probes, images[:1], truth=truth))
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "^"]
    assert marks == pytest.approx(truth.tolist())
    (axes,) = tracks_of(draw(model, probes, images[:1]))
    assert not [line for line in axes.lines if line.get_marker() == "^"]


def test_figure_2_can_be_repeated(vae, images, probes):
    before = torch.random.get_rng_state()
    first, again, other = (figures.figure_vae(vae, probes, images[:1], seed=seed).to_html() for seed in (0, 0, 1))
    assert first == again != other
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("sigma", [0.5, 0.001])
def test_attribute_bells_are_to_scale(sigma):
    q = posterior(sigma)
    (axes,) = tracks_of(figures.attribute_bells({"q": q}, NAMES))
    assert [peak for peak, _ in bells_of(axes)] == pytest.approx(q.mean[0].tolist(), abs=1e-4)
    assert [width for _, width in bells_of(axes)] == pytest.approx(q.stddev[0].tolist(), rel=0.01)


def test_latent_bells_are_to_scale():
    q = posterior()
    (axes,) = figures.latent_bells({"q": q}).axes
    assert [width for _, width in bells_of(axes)] == pytest.approx(q.stddev[0].tolist(), rel=0.01)
    assert [peak for peak, _ in bells_of(axes)] == pytest.approx(q.mean[0].tolist(), abs=1e-4)


def test_latent_bells_have_room_for_the_widest():
    wide = Normal(torch.tensor([[1.0, -3.0]]), torch.tensor([[0.5, 2.0]]))
    for axes in figures.latent_bells({"narrow": posterior(), "wide": wide}).axes:
        assert axes.get_xlim() == pytest.approx((-7.7, 7.7))  # 1.1 times 3 + 2 σ, in both panels
    assert figures.latent_bells({"narrow": posterior()}).axes[0].get_xlim() == (-4, 4)


def test_the_parts_of_figure_1_stand_side_by_side_and_its_rows_in_line(autoencoder, images, probes):
    figure = figures.figure_uae(autoencoder, probes, images[:1])
    places = [axes.get_position() for axes in figure.axes]
    for one, other in itertools.combinations(places, 2):
        across, upwards = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
        assert across <= 1e-6 or upwards <= 1e-6
    for axes in figure.axes:
        shares = [axes.transAxes.inverted().transform(axes.transData.transform(t.get_position())) for t in axes.texts]
        assert all(-0.01 <= y <= 1.01 for _, y in shares), "a text belongs to its part"
    [tracks] = [axes for axes in figure.axes if [tick.get_text() for tick in axes.get_yticklabels()] == list(NAMES)]
    rows = pytest.approx(list(tracks.get_yticks()))
    assert [line.get_ydata()[0] for line in tracks.lines if line.get_marker() == "s"] == rows
    assert [line.get_ydata()[0] for line in tracks.lines if len(line.get_xdata()) == 2] == rows
    assert [text.get_position()[1] for text in tracks.texts if text.get_text()[-1:].isdigit()] == rows


# ---- the others


def test_ellipses_are_to_scale(vae, images):
    figure = figures.latent_scatter(vae, images, torch.zeros(12, dtype=torch.long), ellipses=5)
    drawn = [patch for patch in figure.axes[0].patches if isinstance(patch, Ellipse)]
    with torch.no_grad():
        q = vae.encode(images[:5])
    assert len(drawn) == 5
    for patch, mean, sigma in zip(drawn, q.mean.tolist(), q.stddev.tolist(), strict=True):
        assert patch.center == pytest.approx(mean, rel=1e-5)
        assert [patch.width, patch.height] == pytest.approx([2 * s for s in sigma], rel=1e-5), "one σ each way"
    assert "5 posterior ellipses" in figure.alt
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("$z_1$", "$z_2$")


def test_scatter_shows_every_image_in_its_class(autoencoder, images):
    labels = torch.arange(12) % 3
    axes = figures.latent_scatter(autoencoder, images, labels).axes[0]
    with torch.no_grad():
        h = autoencoder.encode(images)
    for label, dots in enumerate(axes.collections):
        np.testing.assert_allclose(dots.get_offsets(), h[labels == label], atol=1e-6)
    assert len(axes.collections) == 3 and not axes.patches
    assert len({dots.get_paths()[0].vertices.tobytes() for dots in axes.collections}) == 3, "shapes tell classes"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$h_1$", "$h_2$")


def test_training_curves_show_the_history():
    axes = figures.training_curves(history()).axes[0]
    curves = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert curves == {"loss": [30, 20], "reconstruction": [25, 16], "KL": [5, 4]}


def test_training_curves_of_a_uae_show_its_one_term():
    of_uae = History(1.0, [30.0, 20.0], [30.0, 20.0], [0.0, 0.0], [(), ()])
    assert [line.get_label() for line in figures.training_curves(of_uae).axes[0].lines] == ["reconstruction"]


def test_kl_bars_are_sorted_to_scale_and_mark_collapsed_latents():
    axes = figures.kl_bars({"β = 1": [0.5, 0.001, 2.0]}).axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["$z_{3}$", "$z_{1}$", "$z_{2}$"]
    assert [bar.get_height() for bar in axes.patches] == [2.0, 0.5, 0.001]
    assert [(mark.get_text(), mark.get_position()[0]) for mark in axes.texts] == [("×", 2)]


def test_labels_of_a_map_do_not_touch(vae):
    model, places = VAE(vae.image_shape, 2, (8,)), torch.linspace(-8.5, 3.5, 13)
    figure = figures.latent_maps({"z": (model, places, places)}, alt="a map")
    figure.to_html()
    labels = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert len(labels) > 4 and all(one.x1 + 5 < other.x0 for one, other in itertools.pairwise(labels))


def test_kl_bars_of_many_latents_have_room_for_their_numbers():
    figure = figures.kl_bars({"β = 1": [1.0] * 32})
    figure.to_html()  # which draws it
    labels = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(labels))


def test_kl_bars_of_two_models_share_one_scale():
    figure = figures.kl_bars({"β = 0": [12.0, 9.0], "β = 1": [1.0, 0.5]})
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


def test_hole_bars_mark_the_median():
    axes = figures.hole_bars({"UAE, mixture": torch.tensor([0.1, 0.2, 0.9])}).axes[0]
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "s"]
    assert dots == pytest.approx([0.2])


def test_reconstructions_show_what_the_models_make(vae, images):
    figure = figures.reconstructions({"VAE": vae}, images[:2])
    shown = [np.asarray(image.get_array()) for image in figure.axes[0].images]  # row by row
    with torch.no_grad():
        x_hat = vae.decode(vae.encode(images[:2]).mean)
    np.testing.assert_allclose(shown[0], images[0].permute(1, 2, 0), atol=1e-6)
    np.testing.assert_allclose(shown[3], x_hat[1].permute(1, 2, 0), atol=1e-6)


def test_curves_draw_the_values_and_fill_what_was_asked():
    figure = figures.curves(GRID, {"one": {"q": GRID**3, "p": -GRID}, "two": {"r": GRID}}, filled=["q"], alt="a cubic")
    one, two = figure.axes
    drawn = {line.get_label(): list(line.get_ydata()) for line in one.lines}
    assert drawn["q"] == [-8, -1, 0, 1, 8] and drawn["p"] == [2, 1, 0, -1, -2]
    assert len({line.get_linestyle() for line in one.lines[:2]}) == 2  # told apart without colour
    above, below = one.collections
    assert above.get_hatch() is None and below.get_hatch()
    assert above.get_datalim(one.transData).y1 == 8 and below.get_datalim(one.transData).y0 == -8
    assert not two.collections and two.get_title() == "two"
    (fixed,) = figures.curves(GRID, {"one": {"q": GRID}}, limits={"one": (0, 7)}, alt="a line").axes
    assert fixed.get_ylim() == (0, 7)


def test_number_tables_write_every_number_in_its_place_and_are_white_in_the_middle():
    figure = figures.number_tables(TABLES, ["a", "b"], NAMES, middle=0.25, reach=0.5, alt="two small tables")
    axes = figure.axes[0]
    written = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    assert written[1, 0] == "−0.50" and written[2, 1] == "2.00" and len(written) == 6
    assert [label.get_text() for label in axes.get_xticklabels()] == list(NAMES)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    picture = axes.images[0]
    colours = picture.cmap(picture.norm([0.25, 0.75, -0.25]))[:, :3]
    assert colours[0] == pytest.approx([1, 1, 1], abs=0.01)
    assert colours[1, 0] > 0.8 > colours[1, 2] and colours[2, 2] > 0.6 > colours[2, 0]  # orange above, blue below
    assert figure.axes[1].get_title() == "two"


def test_labelled_points_join_the_points_of_a_series_and_name_each():
    series = {"one": {"a": (0, 1), "b": (2, 3.5)}, "two": {"": (1, 1)}}
    axes = figures.labelled_points(series, xlabel="x", ylabel="y", alt="three points").axes[0]
    one, again, two, _ = axes.lines
    assert again.get_linestyle() == "None" and again.get_zorder() > axes.texts[0].get_zorder()  # no label hides a mark
    assert one.get_xydata().tolist() == [[0, 1], [2, 3.5]] and two.get_xydata().tolist() == [[1, 1]]
    assert (one.get_marker(), one.get_linestyle()) != (two.get_marker(), two.get_linestyle())
    assert {text.get_text(): text.xy for text in axes.texts} == {"a": (0, 1), "b": (2, 3.5), "": (1, 1)}


def test_rate_distortion_has_the_rate_to_the_right_and_tells_beta_and_numbers():
    figure = figures.rate_distortion({"trained": at_two_betas()})
    axes = figure.axes[0]
    assert axes.lines[0].get_xydata().tolist() == [[30, 5], [4, 7]]
    assert axes.get_xlabel().startswith("rate") and axes.get_ylabel().startswith("distortion")
    assert [text.get_text() for text in axes.texts] == ["β = 0", "β = 1"]
    assert "β = 1: rate about 4.0, distortion about 7" in figure.alt


def test_against_beta_marks_what_is_collapsed():
    lines = {"no. 1": {0.1: 2.0, 1: 1.0, 10: 0.02}, "no. 2": {0.1: 0.5, 1: 0.009, 10: 0.0}}
    axes = figures.against_beta(lines, ylabel="KL", collapsed=0.01, alt="two lines").axes[0]
    crosses = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() == "x"]
    assert crosses == [[1, 0.009], [10, pytest.approx(0.01 / 3)]]  # 0 can't be drawn on a logarithmic axis
    assert axes.get_xscale() == axes.get_yscale() == "log"
    plain = figures.against_beta({"R²": {0.1: -0.1, 1: 0.5}}, ylabel="R²", alt="a line").axes[0]
    assert plain.get_yscale() == "linear" and plain.lines[0].get_ydata() == pytest.approx([-0.1, 0.5])


def test_latent_maps_put_each_picture_where_its_latents_say(vae):
    across, up = torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([-0.5, 0.5])
    axes = figures.latent_maps({"VAE": (vae, across, up)}, alt="a small map").axes[0]
    shown = axes.images[0].get_array()
    assert shown.shape == (2 * 16, 3 * 16, 3)  # no gaps
    with torch.no_grad():
        right_below = vae.decode(torch.tensor([[2.0, -0.5]]))[0].permute(1, 2, 0)
        left_above = vae.decode(torch.tensor([[-1.0, 0.5]]))[0].permute(1, 2, 0)
    np.testing.assert_allclose(shown[16:, 32:], right_below, atol=1e-6)
    np.testing.assert_allclose(shown[:16, :16], left_above, atol=1e-6)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["−1.0", "0.0", "2.0"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0.5", "−0.5"]  # the first stands on top
    assert [*axes.get_xticks(), *axes.get_yticks()] == [7.5, 23.5, 39.5, 7.5, 23.5]  # in the middle of their squares
    assert axes.get_xlabel() == "$z_1$"


def test_latent_maps_put_a_dot_where_a_code_lies(vae):
    """In the middle of a square, between two that are not evenly spaced, and not at all beyond the last."""
    across, up = torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([-0.5, 0.5])
    codes = torch.tensor([[-1.0, 0.5], [2.0, -0.5], [1.0, 0.0], [2.1, 0.0]])
    panels = {"marked": (vae, across, up), "bare": (vae, across, up)}
    marked, bare = figures.latent_maps(panels, codes={"marked": codes}, alt="a small map").axes
    [dots] = marked.collections
    np.testing.assert_allclose(dots.get_offsets().filled(np.nan)[:3], [[7.5, 7.5], [39.5, 23.5], [31.5, 15.5]])
    assert np.isnan(dots.get_offsets().filled(np.nan)[3, 0]) and not bare.collections


@pytest.mark.parametrize("length", range(1, 40, 3))
def test_long_labels_of_pictures_are_not_cut(images, length):
    eight = images[:1].expand(8, -1, -1, -1)
    shown = figures.pictures({"m" * length: eight, "label": eight}, alt="a").to_html()
    drawn = pixels_of(shown)
    for border in (drawn[:3], drawn[-3:], drawn[:, :3], drawn[:, -3:]):
        assert (border > 0.9).all()  # WebP keeps white nearly, not quite; a letter that is cut is dark


def test_latent_planes_have_one_scale_and_show_what_was_drawn(autoencoder, vae, images):
    labels = torch.arange(12) % 4
    figure = figures.latent_planes({"UAE": autoencoder, "VAE": vae}, images, labels, names=list("abcd"), clouds=True)
    uae_axes, vae_axes = figure.axes
    assert uae_axes.get_xlim() == vae_axes.get_xlim() == vae_axes.get_ylim()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list("abcd")
    assert [patch.width for patch in vae_axes.patches] == [2, 4]  # circles: a radius of 1 σ and 2 σ
    noise = torch.randn(12, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        h, q = autoencoder.encode(images), vae.encode(images)
    for axes, places in ((uae_axes, h), (vae_axes, q.mean + q.stddev * noise)):
        for label, marks in enumerate(axes.collections):
            drawn = torch.tensor(marks.get_offsets().data, dtype=torch.float32)
            torch.testing.assert_close(drawn, places[labels == label])
            assert not marks.get_linewidths().any(), "an edge would make a mark larger than its size"


@torch.no_grad()
def test_without_clouds_latent_planes_show_the_means(vae, images):
    [marks] = figures.latent_planes({"VAE": vae}, images, torch.zeros(12).long()).axes[0].collections
    torch.testing.assert_close(torch.tensor(marks.get_offsets().data).float(), vae.encode(images).mean)


def test_planes_of_models_in_a_short_dtype_are_drawn(vae, images):
    """NumPy, to which matplotlib gives all numbers, has no bfloat16."""
    short, x, labels = copy.deepcopy(vae).bfloat16(), images.bfloat16(), torch.zeros(12).long()
    line = torch.tensor([-1, 0, 1], dtype=torch.bfloat16)
    marks = {"short": torch.zeros(1, 2, dtype=torch.bfloat16)}
    centre = figures.latent_maps({"short": (short, line, line)}, codes=marks, alt="a map").axes[0].collections[0]
    assert centre.get_offsets().tolist() == [[23.5, 23.5]]  # of 3 × 3 pictures, 16 pixels each
    for figure in (figures.latent_scatter(short, x, labels), figures.latent_planes({"short": short}, x, labels)):
        drawn = torch.tensor(figure.axes[0].collections[0].get_offsets().data)
        torch.testing.assert_close(drawn, short.encode(x).mean.detach().double())


@pytest.mark.parametrize(("rows", "count"), [(1, 8), (2, 8), (3, 4), (5, 4), (3, 12)])
@pytest.mark.parametrize("letters", [1, 40])
def test_rows_of_pictures_fill_a_slide_and_no_more(rows, count, letters, images):
    """Labels beside the rows or above them, whichever leaves the images larger."""
    some = {"m" * letters + str(k): images[:count] for k in range(rows)}
    width, height = figures.pictures(some, alt="a").get_size_inches()
    assert width <= 11.8 + 0.11 and height <= 5.9 + 0.01
    assert max(width / 11.8, height / 5.9) > 0.95, "or the images could be larger"


def test_pictures_of_a_row_lie_side_by_side(images):
    [axes] = figures.pictures({"x": images[:4], "y": images[:4]}, alt="a").axes
    places = [image.get_extent() for image in axes.images]  # (left, right, bottom, top), downwards
    assert len(places) == 8
    for one, other in itertools.combinations(places, 2):
        assert one[1] <= other[0] or other[1] <= one[0] or one[2] <= other[3] or other[2] <= one[3]


def test_curves_that_cross_0_show_where_it_is():
    across, above = figures.curves(GRID, {"t": {"q": GRID}, "u": {"q": GRID + 3}}, alt="lines").axes
    assert [list(line.get_ydata()) for line in across.lines[1:]] == [[0, 0]] and len(above.lines) == 1


def test_a_legend_stands_in_the_middle_below_its_curves():
    figure = figures.curves(GRID, {"t": {"q": GRID, "p": -GRID}}, alt="lines")
    texts_in_place(figure)
    [axes] = figure.axes
    legend, curves = axes.legend_.get_window_extent(), axes.get_window_extent()
    assert legend.x0 + legend.x1 == pytest.approx(curves.x0 + curves.x1, abs=4) and legend.y1 < curves.y0


def test_what_is_left_out_of_a_call_is_what_the_docstring_says(autoencoder, vae, images):
    [table] = figures.number_tables({"one": TABLES["one"]}, ["a", "b"], list("xyz"), alt="a table").axes[0].images
    assert table.get_clim() == (-1, 1)
    labels = torch.tensor([2, 12, 22, 7, 17, 3, 13, 4, 14, 5, 15, 6])
    [scatter] = figures.latent_scatter(autoencoder, images, labels).axes
    colours = {int(points.get_label()): tuple(points.get_facecolor()[0][:3]) for points in scatter.collections}
    assert colours[2] == colours[12] == colours[22] != colours[3] == colours[13]
    assert figures.walks_of_latents(vae, images[:1], images[:2]).shape == (2, 2, *SHAPE)


def test_boxes_say_the_sizes_of_the_network(vae, autoencoder):
    words = {text.get_text() for text in figures.network_boxes(vae).axes[0].texts}
    sizes = [layer.out_features for layer in vae.decoder if hasattr(layer, "out_features")]
    assert {f"μ: {vae.latent_dim}", f"σ: {vae.latent_dim}", *map(str, sizes)} <= words
    boxes = [patch for patch in figures.network_boxes(vae).axes[0].patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) > 6
    for one, other in itertools.combinations(boxes, 2):
        apart = abs(one.get_x() - other.get_x()), abs(one.get_y() - other.get_y())
        assert apart[0] >= one.get_width() or apart[1] >= min(one.get_height(), other.get_height())
    texts = figures.network_boxes(vae).axes[0].texts
    middles = {
        (round(box.get_x() + box.get_width() / 2, 6), round(box.get_y() + box.get_height() / 2, 6)) for box in boxes
    }
    assert middles <= {(round(x, 6), round(y, 6)) for x, y in (text.get_position() for text in texts)}
    drawn = texts_in_place(figure := figures.network_boxes(vae))
    assert (
        max(box.y1 for _, box in drawn) > 0.85 * figure.bbox.y1
        and min(box.y0 for _, box in drawn) < 0.15 * figure.bbox.y1
    )
    across = {text.get_text(): text.get_position()[0] for text in texts}
    assert across["encoder"] < across[f"μ: {vae.latent_dim}"] == across[f"σ: {vae.latent_dim}"] < across["z"]
    assert across["z"] < across["decoder"]
    words = {text.get_text() for text in figures.network_boxes(autoencoder).axes[0].texts}
    assert "h" in words and not any("σ" in word for word in words)
    with pytest.raises(TypeError, match="model must be an Autoencoder or a VAE"):
        figures.network_boxes(torch.nn.Linear(2, 2))


def test_noise_is_taken_to_mu_plus_sigma_times_it():
    epsilon = torch.tensor([-1.0, 0.5])
    above, below = figures.noise_to_latent(2.0, 0.25, epsilon).axes[0].collections[-2:]
    assert above.get_offsets()[:, 0].tolist() == [-1.0, 0.5]
    assert below.get_offsets()[:, 0].tolist() == [1.75, 2.125]
    with pytest.raises(ValueError, match="sigma must"):
        figures.noise_to_latent(0.0, -1.0, epsilon)


def test_labels_of_two_series_do_not_meet():
    """Where two points lie close together, the one's label stands above it and the other's below."""
    figure = figures.labelled_points(
        {"one": {"a": (0, 1)}, "two": {"b": (0, 1)}}, xlabel="x", ylabel="y", alt="two points"
    )
    boxes, point = dict(texts_in_place(figure)), figure.axes[0].transData.transform((0, 1))
    assert boxes["a"].y0 > point[1] - 2 and boxes["b"].y1 < point[1] + 2


def texts_in_place(figure):
    """[(what it says, its box)] of every text that is drawn, in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, found = canvas.get_renderer(), [*figure.texts]
    found += [text for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        found += [axes.title, *axes.texts]
        found += axes.legend_.get_texts() if axes.legend_ else []
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low - 1e-9 <= tick.get_loc() <= high + 1e-9]
            found += [axis.label, *(one for tick in ticks for one in (tick.label1, tick.label2))]
    shown = [text for text in found if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in shown]


@pytest.mark.parametrize("name", FIGURES)
def test_texts_are_not_cut_and_lie_upon_no_other(name, autoencoder, vae, images, probes):
    figure = FIGURES[name](autoencoder, vae, images, probes)
    texts = texts_in_place(figure)
    width, height = figure.bbox.size
    for k, (text, box) in enumerate(texts):
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -3, f"{text!r} is cut"
        for other, there in texts[:k]:
            across = min(box.x1, there.x1) - max(box.x0, there.x0)
            upwards = min(box.y1, there.y1) - max(box.y0, there.y0)
            assert across < 2 or upwards < 0.3 * min(box.height, there.height), f"{text!r} lies upon {other!r}"


# On a machine that is so slow, or has so many fonts, that Matplotlib says at once that it reads them.
SLOW_MACHINE = """
import threading
from unittest.mock import Mock
threading.Timer = lambda seconds, say: Mock(start=say)
"""


@pytest.mark.parametrize("imported, seen", [("matplotlib.font_manager", True), ("vaelib.figures", False)])
def test_the_first_import_of_figures_writes_nothing_in_red(tmp_path, imported, seen):
    code = f"{SLOW_MACHINE}import {imported}"
    environment = os.environ | {"MPLCONFIGDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert list(tmp_path.glob("fontlist*.json"))  # the fonts were read
    assert ("font cache" in done.stderr) == bool(done.stderr) == seen
