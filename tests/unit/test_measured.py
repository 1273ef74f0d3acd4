"""What the figures of the three measures draw: each latent's walk, the parts of a rate, q in the true posterior."""

import math

import pytest
import torch
from matplotlib.patches import Ellipse
from torch.distributions import Normal

from vaelib import figures
from vaelib.rate import RateParts


class Pixels:
    """Three latents that are the three pixels of an image; the last is never drawn, as a collapsed latent is not.

    As a VAE its posterior of the last is the prior N(0, 1); the others are known to a hair.
    """

    def __init__(self, vae: bool):
        self.vae = vae

    def encode(self, x):
        code = 2 * x.flatten(1) - 1  # (B, 3)
        if not self.vae:
            return code
        known = torch.tensor([1.0, 1.0, 0.0])
        return Normal(code * known, (1e-4 * known + 1 - known).expand_as(code))

    def decode(self, z):
        drawn = torch.tensor([1.0, 1.0, 0.0]) if self.vae else torch.ones(3)
        return (0.5 + 0.1 * z * drawn).reshape(-1, 1, 1, 3)


@pytest.fixture
def images():
    """Pixel 0 varies twice as much as pixel 1, and pixel 2 half as much."""
    noise = torch.rand(4000, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    return (0.5 + noise * torch.tensor([0.4, 0.2, 0.1])).reshape(-1, 1, 1, 3)


def test_a_walk_goes_two_deviations_to_either_side_of_the_mean_and_leaves_the_others(images):
    walks = figures.walks_of_latents(Pixels(vae=False), images[:1], images, steps=3)  # (3, 3, 1, 1, 3)
    spread = (2 * images.flatten(1)).std(dim=0)
    of_first = 0.5 + 0.1 * torch.tensor([-2.0, 0.0, 2.0]) * spread[0] + 0.1 * (2 * images[:, 0, 0, 0] - 1).mean()
    torch.testing.assert_close(walks[0, :, 0, 0, 0], of_first)
    kept = 0.5 + 0.1 * (2 * images[0, 0, 0, 1:] - 1)
    torch.testing.assert_close(walks[0, :, 0, 0, 1:], kept.expand(3, 2))


def test_the_greatest_change_comes_first(images):
    change = figures.change_of(figures.walks_of_latents(Pixels(vae=False), images[:1], images))
    spread = (2 * images.flatten(1)).std(dim=0)  # falls from the first to the last
    torch.testing.assert_close(change, 0.4 * spread)
    backwards = images.flip(3)
    torch.testing.assert_close(
        figures.change_of(figures.walks_of_latents(Pixels(False), backwards[:1], backwards)), change
    )


def test_reach_and_seed_count(images):
    uae, vae = Pixels(vae=False), Pixels(vae=True)
    near, far = (figures.change_of(figures.walks_of_latents(uae, images[:1], images, reach=r)) for r in (1.0, 3.0))
    torch.testing.assert_close(far, 3 * near)
    one, other = (figures.walks_of_latents(vae, images[:1], images[:5], seed=seed) for seed in (0, 1))
    assert not torch.equal(one, other)


def test_a_collapsed_latent_walks_as_far_as_its_prior_and_changes_nothing(images):
    class Seen(Pixels):
        def decode(self, z):
            self.reached = z.abs().amax(dim=0)
            return super().decode(z)

    vae = Seen(vae=True)
    walks = figures.walks_of_latents(vae, images[:1], images)
    assert vae.reached[2].item() == pytest.approx(2, abs=0.1), "of μ alone it would not move"
    assert figures.change_of(walks)[2] == 0
    figure = figures.every_latent({"UAE": figures.walks_of_latents(Pixels(False), images[:1], images), "VAE": walks})
    assert "UAE: about 3 of 3" in figure.alt and "VAE: about 2 of 3" in figure.alt
    marks = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert marks == [[], ["="]]


def test_a_decoder_that_nothing_changes_has_no_latent_at_work():
    figure = figures.every_latent({"VAE": torch.zeros(3, 2, 3, 8, 8)})
    assert "VAE: about 0 of 3 change" in figure.alt
    assert [text.get_text() for text in figure.axes[0].texts] == ["="] * 3


def test_every_latent_shows_both_ends_of_each_once(images):
    walks = figures.walks_of_latents(Pixels(vae=False), images[:1], images, steps=5)
    (axes,) = figures.every_latent({"UAE": walks}, columns=2).axes
    shown = [torch.as_tensor(picture.get_array()) for picture in axes.images]
    expected = walks[:, [0, -1]].flatten(0, 1)[:, 0].clamp(0, 1)
    torch.testing.assert_close(torch.stack(shown).float(), expected.float())
    corners = [tuple(picture.get_extent()) for picture in axes.images]
    assert len(set(corners)) == 6, "one picture lies on another"


def test_a_bar_is_information_below_and_distance_on_top():
    parts = {"β = 1": RateParts(21.0, 8.3, 12.7, 0.0), "β = 100": RateParts(0.01, 0.02, -0.01, 0.02)}
    figure = figures.rate_bars(parts, images=4000)
    (axes,) = figure.axes
    bars = [(bar.get_x() + 0.4, bar.get_y(), bar.get_height()) for bar in axes.patches]
    assert sum(bars, ()) == pytest.approx((0, 0, 8.3, 0, 8.3, 12.7, 1, 0, 0.02, 1, 0.02, 0))
    (cap,) = axes.lines
    assert cap.get_ydata()[0] == pytest.approx(math.log(4000))
    assert "information about 8.3, distance about 12.7" in figure.alt and "-0.0" not in figure.alt
    words = [(text.get_text().strip(), *text.get_position()) for text in axes.texts if "+" in text.get_text()]
    assert words == [("8.3 + 12.7", 0, 8.3 + 12.7), ("0.0 + 0.0", 1, 0.02)], "each above its bar"


def test_q_is_drawn_to_scale_in_the_posterior_and_the_peak_is_where_it_is():
    line = torch.linspace(-2, 2, 41)
    log_joint = -50 * ((line[:, None] - 1).square() + (line + 0.5).square())  # peaks at z = (1, −0.5)
    q = Normal(torch.tensor([[-1.4, 0.5]]), torch.tensor([[0.1, 0.3]]))
    figure = figures.posterior_planes({"a digit": (log_joint, q)}, line, alt="a posterior")
    width, height = figure.get_size_inches()
    assert width > height, "beside the panel there is room for its scale of colours"
    axes = figure.axes[0]
    (cross,) = [mark for mark in axes.lines if mark.get_marker() == "x"]
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == pytest.approx((1, -0.5), abs=1e-6)
    (ellipse,) = [patch for patch in axes.patches if isinstance(patch, Ellipse)]
    assert (ellipse.width, ellipse.height) == pytest.approx((0.4, 1.2)) and ellipse.center == pytest.approx((-1.4, 0.5))
    left, right, low, high = (*axes.get_xlim(), *axes.get_ylim())
    assert left < -1.5 and right > 1 and low < -0.5 and high > 0.8, "q and the peak are both to be seen"
    assert right - left == pytest.approx(high - low) and (left + right, low + high) == pytest.approx(
        (-0.4, 0), abs=1e-6
    )
    assert right - left == pytest.approx(1 + 2.4), "half a unit beyond what is farther apart"
    (contours,) = axes.collections
    inner = contours.get_paths()[-1].vertices  # within a nat of the peak
    assert inner.mean(axis=0) == pytest.approx([1, -0.5], abs=0.1)
