"""The loss over the μ and σ of one latent."""

import math

import pytest
import torch
from torch.distributions import Normal

from vaelib import VAE, faces, kl_to_standard_normal
from vaelib.landscape import loss_landscape
from vaelib.trained import trained


@pytest.fixture(scope="module")
def course():
    return trained("faces").at(1.0), faces(8, seed=1).images


@torch.no_grad()
def test_the_terms_are_means_over_samples(course):
    vae, images = course
    mu, sigma = torch.tensor([-0.5, 0.4]), torch.tensor([0.05, 0.7])
    land = loss_landscape(vae, images[:1], 3, mu, sigma)
    generator = torch.Generator().manual_seed(0)
    for row, s in enumerate(sigma):
        for column, m in enumerate(mu):
            z = vae.encode(images[:1]).mean.repeat(4000, 1)
            z[:, 3] = m + s * torch.randn(4000, generator=generator)
            errors = (images[:1] - vae.decode(z)).abs().sum(dim=(1, 2, 3))
            four_sigmas = 4 * errors.std().item() / math.sqrt(4000)
            assert land.distortion[row, column].item() == pytest.approx(errors.mean().item(), abs=four_sigmas)
            kl = kl_to_standard_normal(Normal(m.view(1, 1), s.view(1, 1))).item()
            assert land.rate[row, column].item() == pytest.approx(kl, abs=1e-5)


@torch.no_grad()
def test_a_narrow_bell_has_the_error_of_its_middle(course):
    vae, images = course
    land = loss_landscape(vae, images[2:3], 5, torch.tensor([0.7, 1.0]), torch.tensor([0.0002, 0.001]))
    z = vae.encode(images[2:3]).mean
    z[:, 5] = 0.7
    assert land.distortion[0, 0].item() == pytest.approx((images[2:3] - vae.decode(z)).abs().sum().item(), rel=1e-3)


def test_the_lowest_point_goes_from_a_point_to_the_prior(course):
    """Of all images, and of every latent that has not collapsed: the more β, the wider."""
    vae, images = course
    mu = torch.linspace(-3, 3, 61)
    sigma = torch.logspace(-2, math.log10(2), 24)
    for image in images[:3]:
        for latent in range(3, 10):
            land = loss_landscape(vae, image[None], latent, mu, sigma)
            lowest = [land.lowest(beta) for beta in (0, 1, 10, 100, 1e5)]
            widths = [width for _, width in lowest]
            assert widths == sorted(widths) and widths[0] == pytest.approx(0.01) and widths[3] > 0.6
            assert lowest[-1] == pytest.approx((0, 1), abs=0.15)
            assert land.loss(10).min() == (land.distortion + 10 * land.rate).min()


def test_a_model_in_double_precision_has_the_same_landscape():
    vae, images = VAE((3, 16, 16), 2, (8,)), faces(1, size=16).images
    at = torch.tensor([0.1, 0.5, 1.0])
    single = loss_landscape(vae, images, 1, at, at)
    double = loss_landscape(vae.double(), images.double(), 1, at.double(), at.double())
    torch.testing.assert_close(single.loss(2.0), double.loss(2.0), atol=1e-3, rtol=1e-5)
