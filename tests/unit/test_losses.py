"""The loss, against torch.distributions, against Monte Carlo, and by hand."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Laplace, Normal, kl_divergence

from vaelib import VAE, kl_to_standard_normal, vae_loss
from vaelib.losses import left_out_constant, log_likelihood, reconstruction_error
from vaelib.models import sample

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=needs_cuda)]
DTYPES = [torch.float32, torch.float64]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(n=5, latents=3, seed=0, dtype=torch.float64):
    """Images, other images to stand for reconstructions, and posteriors."""
    g = seeded(seed)
    x, x_hat = torch.rand(2, n, 3, 4, 5, generator=g, dtype=dtype)
    mu, log_var = torch.randn(2, n, latents, generator=g, dtype=dtype)
    return x, x_hat, Normal(mu, (0.5 * log_var).exp())


def gaussian(mu, sigma, dtype=torch.float64):
    return Normal(torch.tensor([[mu]], dtype=dtype), torch.tensor([[sigma]], dtype=dtype))


# ---- the KL


def test_kl_equals_torchs():
    q = batch(n=50, latents=7)[2]
    expected = kl_divergence(q, Normal(torch.zeros_like(q.mean), torch.ones_like(q.mean)))
    torch.testing.assert_close(kl_to_standard_normal(q), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "mu, sigma, nats",
    [
        (0, 1, 0.0),
        (2, 1, 2.0),  # ½ μ²: 4 if the ½ is missing
        (
            0,
            math.e,
            2.194528,
        ),  # ½ (e² − 1) − 1: negative if the sign is turned, 0.36 if σ stands where σ² should
    ],
)
def test_kl_of_known_normals(mu, sigma, nats):
    assert kl_to_standard_normal(gaussian(mu, sigma)).item() == pytest.approx(nats, abs=1e-6)


@pytest.mark.parametrize("mu, sigma", [(2.0, 1.0), (0.0, math.e), (-0.7, 0.1), (1.5, 2.0)])
def test_kl_is_what_monte_carlo_finds(mu, sigma):
    q, prior = Normal(mu, sigma), Normal(0.0, 1.0)
    z = mu + sigma * torch.randn(100_000, generator=seeded(), dtype=torch.float64)
    terms = q.log_prob(z) - prior.log_prob(z)
    standard_error = terms.std().item() / math.sqrt(len(terms))
    assert kl_to_standard_normal(gaussian(mu, sigma)).item() == pytest.approx(
        terms.mean().item(), abs=4 * standard_error + 1e-9
    )


def test_kl_has_one_value_for_each_image_and_latent():
    assert kl_to_standard_normal(batch(n=5, latents=3)[2]).shape == (5, 3)


# ---- the reconstruction term


def pair_by_hand():
    """Two images of two pixels. |x − x̂|: 1 + ½ and 0 + ¼. Squares: 1 + ¼ and 0 + 1/16."""
    x = torch.tensor([1.0, 0.5, 0.25, 0.75]).reshape(2, 1, 1, 2)
    x_hat = torch.tensor([0.0, 1.0, 0.25, 0.5]).reshape(2, 1, 1, 2)
    return x, x_hat


@pytest.mark.parametrize(
    "kind, scale, each",
    [
        ("l1", 1.0, [1.5, 0.25]),
        ("l1", 0.5, [3.0, 0.5]),
        ("mse", 1.0, [0.625, 0.03125]),
        ("mse", 0.5, [2.5, 0.125]),
    ],
)
def test_reconstruction_term_by_hand(kind, scale, each):
    error = reconstruction_error(*pair_by_hand(), kind, scale)
    assert error.tolist() == pytest.approx(each), "the sum over pixels is meant, for each image"


def test_bce_by_hand():
    x = torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)
    x_hat = torch.tensor([0.5, 0.75]).reshape(1, 1, 1, 2)
    assert reconstruction_error(x, x_hat, "bce").item() == pytest.approx(math.log(2) + math.log(4))


def test_the_default_is_l1():
    x, x_hat = pair_by_hand()
    assert vae_loss(x, x_hat, gaussian_batch(2)).reconstruction.item() == pytest.approx(0.875)
    assert reconstruction_error(x, x_hat).tolist() == pytest.approx([1.5, 0.25])


def gaussian_batch(n, mu=0.0, sigma=1.0, latents=1):
    return Normal(torch.full((n, latents), mu), torch.full((n, latents), sigma))


@pytest.mark.parametrize("scale", [1.0, 0.3])
@pytest.mark.parametrize("kind, density", [("l1", Laplace), ("mse", Normal)])
def test_log_likelihood_is_torchs_with_its_constant(kind, density, scale):
    x, x_hat, _ = batch()
    expected = Independent(density(x_hat, scale), 3).log_prob(x)  # (B,)
    torch.testing.assert_close(log_likelihood(x, x_hat, kind, scale), expected)


@pytest.mark.parametrize(
    ("kind", "nats"), [("l1", math.log(6)), ("mse", math.log(3 * math.sqrt(2 * math.pi))), ("bce", 0)]
)
@pytest.mark.parametrize("n", [1, 5])
def test_the_constant_that_the_error_leaves_out_counts_the_pixels_of_one_image(kind, nats, n):
    assert left_out_constant(torch.rand(n, 1, 2, 3), kind, 3.0) == pytest.approx(6 * nats)


def test_log_likelihood_of_black_and_white_pixels_is_torchs():
    x, x_hat, _ = batch()
    x = x.round()
    torch.testing.assert_close(log_likelihood(x, x_hat, "bce"), Independent(Bernoulli(x_hat), 3).log_prob(x))


# ---- their sum


def test_loss_by_hand():
    """|x − x̂| is 1.5 and 0.25; both latents of N(2, 1) have KL 2."""
    loss = vae_loss(*pair_by_hand(), gaussian_batch(2, mu=2.0, latents=2))
    assert loss.reconstruction.item() == pytest.approx((1.5 + 0.25) / 2), "sum over pixels, mean over images"
    assert loss.kl_per_latent.tolist() == pytest.approx([2.0, 2.0]), "mean over images, one value for each latent"
    assert loss.kl.item() == pytest.approx(4.0), "sum over latents, not their mean"
    assert loss.total.item() == pytest.approx(0.875 + 4.0)


@pytest.mark.parametrize("beta", [0, 0.5, 1, 4.0])
@pytest.mark.parametrize("kind", ["l1", "mse", "bce"])
def test_parts_add_up(kind, beta):
    x, x_hat, q = batch()
    loss = vae_loss(x, x_hat, q, beta, kind)
    torch.testing.assert_close(loss.total, reconstruction_error(x, x_hat, kind).mean() + beta * loss.kl)
    torch.testing.assert_close(loss.kl, loss.kl_per_latent.sum())
    assert loss.kl_per_latent.shape == (3,)


def test_beta_is_1_by_default():
    x, x_hat, q = batch()
    assert vae_loss(x, x_hat, q).total == vae_loss(x, x_hat, q, beta=1.0).total


def test_scale_reaches_the_loss():
    x, x_hat, q = batch()
    wide, narrow = (vae_loss(x, x_hat, q, scale=scale).reconstruction for scale in (1.0, 0.25))
    assert narrow.item() == pytest.approx(4 * wide.item())


@pytest.mark.parametrize("kind", ["l1", "mse", "bce"])
def test_loss_does_not_depend_on_the_batch_size(kind):
    x, x_hat, q = batch(n=2)
    many = [
        x.repeat(6, 1, 1, 1),
        x_hat.repeat(6, 1, 1, 1),
        Normal(q.mean.repeat(6, 1), q.stddev.repeat(6, 1)),
    ]
    for few, repeated in zip(vae_loss(x, x_hat, q, 2.0, kind), vae_loss(*many, 2.0, kind), strict=True):
        torch.testing.assert_close(few, repeated, msg=lambda m: f"mean over images is meant: {m}")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["l1", "mse", "bce"])
def test_loss_keeps_dtype_and_device(kind, dtype, device):
    x, x_hat, q = batch(dtype=dtype)
    loss = vae_loss(x.to(device), x_hat.to(device), Normal(q.mean.to(device), q.stddev.to(device)), 1.0, kind)
    assert {(part.dtype, part.device.type) for part in loss} == {(dtype, device)}
    torch.testing.assert_close(
        loss.total.cpu().double(), vae_loss(*batch()[:2], batch()[2], 1.0, kind).total, rtol=0.5, atol=0
    )  # fmt: skip  (other random numbers, the same size)


# ---- gradients


def test_kl_pulls_mu_to_0_and_sigma_to_1():
    mu = torch.tensor([[2.0, -2.0]], requires_grad=True)
    log_var = torch.tensor([[2.0, -2.0]], requires_grad=True)
    kl_to_standard_normal(Normal(mu, (0.5 * log_var).exp())).sum().backward()
    assert mu.grad[0].tolist() == pytest.approx([2.0, -2.0])  # dKL/dμ = μ
    expected = [0.5 * (math.exp(2) - 1), 0.5 * (math.exp(-2) - 1)]  # dKL/dlog σ² = ½ (σ² − 1)
    assert log_var.grad[0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("draw", [Normal.rsample, sample], ids=["rsample", "sample with a generator"])
def test_reconstruction_term_reaches_mu_and_log_var_through_the_sample(draw):
    vae = VAE((1, 4, 4), latent_dim=3, hidden=(16,))
    x = torch.rand(6, 1, 4, 4, generator=seeded())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # rsample knows no other generator
        q = vae.encode(x)
        vae_loss(x, vae.decode(draw(q)), q, beta=0.0).total.backward()
    for name, half in zip(("μ", "log σ²"), vae.head.weight.grad.chunk(2), strict=True):
        assert (half.abs().sum(dim=1) > 0).all(), f"no gradient reaches {name}: is z a sample() without gradient?"


@pytest.mark.parametrize("draw", [Normal.rsample, sample], ids=["rsample", "sample with a generator"])
def test_the_sample_follows_mu_and_sigma(draw):
    mu, sigma = torch.zeros(1000, 1, requires_grad=True), torch.ones(1000, 1, requires_grad=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        z = draw(Normal(mu, sigma))
    z.sum().backward()
    assert (mu.grad == 1).all(), "dz/dμ is 1"
    torch.testing.assert_close(sigma.grad, z.detach(), msg="dz/dσ is ε")


# ---- what log σ² is


@pytest.mark.parametrize("log_var", [-2.0, 0.0, 1.0])
@pytest.mark.parametrize("draw", [Normal.rsample, sample], ids=["rsample", "sample with a generator"])
def test_encoder_sampler_and_kl_agree_on_log_var(draw, log_var):
    """The head says log σ²: the variance of the samples is exp of it, and so is the σ² in the KL."""
    vae = VAE((1, 2, 2), latent_dim=1, hidden=(2,))
    with torch.no_grad():
        vae.head.weight.zero_()
        vae.head.bias.copy_(torch.tensor([0.0, log_var]))
        q = vae.encode(torch.rand(40_000, 1, 2, 2, generator=seeded()))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            z = draw(q)
    variance = z.var().item()
    assert variance == pytest.approx(math.exp(log_var), rel=0.04), "is log σ taken for log σ²?"
    kl = kl_to_standard_normal(q)[0].item()
    assert kl == pytest.approx(0.5 * (math.exp(log_var) - 1 - log_var), abs=0.01)
