"""The measures, against a linear-Gaussian model in which every answer is known."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal

from vaelib import VAE, Autoencoder, faces, fit, vae_loss
from vaelib.figures import figure_vae
from vaelib.losses import log_likelihood
from vaelib.measures import (
    codes_of,
    distance_to_nearest,
    evaluate,
    fit_probes,
    heard_codes_of,
    holes,
    log_marginal,
    reconstruct,
    sample_codes,
)
from vaelib.models import sample
from vaelib.rate import decompose_rate


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class LinearGaussian(nn.Module):
    """p(z) = N(0, I), p(x|z) = N(Wz + b, s² I), so that p(x) = N(b, W Wᵀ + s² I).

    With orthogonal columns in W the true posterior is a diagonal Gaussian. `off` moves and widens q
    away from it.
    """

    def __init__(self, pixels=6, latents=2, s=0.5, off=0.0):
        super().__init__()
        self.s, self.off, self.latent_dim, self.image_shape = s, off, latents, (1, 1, pixels)
        random = torch.randn(pixels, latents, generator=seeded(), dtype=torch.float64)
        columns = torch.linalg.qr(random).Q * torch.tensor([1.5, 0.7], dtype=torch.float64)
        self.w = nn.Parameter(columns, requires_grad=False)
        self.b = nn.Parameter(torch.linspace(-1, 1, pixels, dtype=torch.float64), requires_grad=False)

    def decode(self, z):
        return (z @ self.w.T + self.b).reshape(-1, *self.image_shape)

    def encode(self, x):
        variance = 1 / (1 + self.w.square().sum(dim=0) / self.s**2)  # (D,)
        mean = variance * ((x.flatten(1) - self.b) @ self.w) / self.s**2  # (B, D)
        return Normal(mean + 0.3 * self.off, variance.sqrt().expand_as(mean) * (1 + 0.4 * self.off))

    def draw(self, n):
        z = torch.randn(n, self.latent_dim, generator=seeded(1), dtype=torch.float64)
        x = self.decode(z)
        return x + self.s * torch.randn(x.shape, generator=seeded(2), dtype=torch.float64)

    def exact(self, x):
        covariance = self.w @ self.w.T + self.s**2 * torch.eye(len(self.b), dtype=torch.float64)
        return MultivariateNormal(self.b, covariance).log_prob(x.flatten(1))

    @property
    def likelihood(self):
        return {"reconstruction": "mse", "scale": self.s}


# ---- log p(x)


@pytest.mark.parametrize("samples", [1, 7])
def test_log_marginal_is_exact_where_q_is_the_true_posterior(samples):
    model = LinearGaussian()
    x = model.draw(5)
    found = log_marginal(model, x, samples=samples, **model.likelihood).log_p
    torch.testing.assert_close(found, model.exact(x), rtol=0, atol=1e-4, msg=lambda m: f"−log K or a constant? {m}")


def test_log_marginal_comes_close_where_q_is_off():
    model = LinearGaussian(off=1.0)
    x = model.draw(4)
    found = log_marginal(model, x, samples=3000, **model.likelihood).log_p
    torch.testing.assert_close(found, model.exact(x), rtol=0, atol=0.1)


def test_elbo_is_log_p_where_q_is_the_true_posterior():
    model = LinearGaussian()
    x = model.draw(1).repeat(20_000, 1, 1, 1)
    elbo = evaluate(model, x, **model.likelihood).elbo
    assert elbo == pytest.approx(model.exact(x[:1]).item(), abs=0.05)


def test_elbo_and_log_marginal_are_lower_bounds_that_grow_with_k():
    model = LinearGaussian(off=1.0)
    x = model.draw(1000)
    exact = model.exact(x).mean().item()
    elbo = evaluate(model, x, **model.likelihood).elbo
    ten, many = (log_marginal(model, x, samples=k, batch_size=1000, **model.likelihood).log_p.mean().item()
                 for k in (10, 200))  # fmt: skip
    assert elbo < ten < many < exact + 0.02


def test_log_marginal_survives_where_probabilities_underflow():
    model = LinearGaussian(pixels=3000, s=1.0)
    x = model.draw(2)
    found = log_marginal(model, x, samples=3, **model.likelihood).log_p
    assert (found < -2000).all(), "the test needs log p(x) whose exp is 0"
    torch.testing.assert_close(found, model.exact(x), rtol=0, atol=1e-4)


def test_log_marginal_does_not_depend_on_the_batch_size():
    model = LinearGaussian(off=1.0)
    x = model.draw(7)
    one, all_ = (log_marginal(model, x, samples=3, batch_size=size, **model.likelihood) for size in (2, 100))
    torch.testing.assert_close(one, all_)


def test_all_samples_are_effective_where_q_is_the_true_posterior():
    model = LinearGaussian()
    found = log_marginal(model, model.draw(5), samples=7, **model.likelihood).effective_samples
    torch.testing.assert_close(found, torch.full_like(found, 7.0), rtol=1e-4, atol=0)


def test_effective_samples_are_their_share_that_the_weights_leave():
    """Where q is normal and too wide by c, E[w]² / E[w²] = √(2 c² − 1) / c² for each latent."""
    model = LinearGaussian()
    posterior, wide = model.encode, 1.6
    model.encode = lambda x: Normal(posterior(x).mean, wide * posterior(x).stddev)
    found = log_marginal(model, model.draw(50), samples=4000, **model.likelihood).effective_samples
    share = math.sqrt(2 * wide**2 - 1) / wide**2
    assert found.mean().item() == pytest.approx(4000 * share**model.latent_dim, rel=0.02)


def test_few_samples_are_effective_where_q_is_far_off():
    model = LinearGaussian()
    posterior = model.encode
    model.encode = lambda x: Normal(posterior(x).mean + 12 * posterior(x).stddev, posterior(x).stddev)
    found = log_marginal(model, model.draw(20), samples=300, **model.likelihood)
    assert (found.effective_samples < 10).all() and (found.log_p < model.exact(model.draw(20)) - 10).all()


# ---- what the rate is made of


class Told:
    """A model whose posteriors are given: its images are their numbers, 0 to n − 1."""

    def __init__(self, means, widths):
        self.means, self.widths = means, widths

    def encode(self, x):
        rows = x.flatten().long()
        return Normal(self.means[rows], self.widths[rows])

    def decode(self, z):
        raise AssertionError("a rate needs no decoder")

    @property
    def images(self):
        return torch.arange(float(len(self.means))).reshape(-1, 1, 1, 1)


def test_a_rate_is_all_distance_where_every_image_has_the_same_posterior():
    model = Told(torch.full((40, 2), 1.5), torch.full((40, 2), 0.5))
    found = decompose_rate(model, model.images)
    assert found.information == pytest.approx(0, abs=1e-9)
    assert found.distance == pytest.approx(found.rate) == pytest.approx(2 * (0.5 * (2.25 + 0.25 - 1) + math.log(2)))


def test_the_information_is_log_n_where_no_two_posteriors_meet():
    model = Told(100 * torch.arange(30.0)[:, None].expand(-1, 3), torch.full((30, 3), 0.1))
    assert decompose_rate(model, model.images).information == pytest.approx(math.log(30), abs=1e-9)


def test_the_information_stays_log_n_for_the_narrowest_posteriors():
    """|z²/σ²| is 10¹⁰ here: the terms must cancel without a trace."""
    model = Told(torch.linspace(-8, 8, 50)[:, None].expand(-1, 10), torch.full((50, 10), 1e-4))
    assert decompose_rate(model, model.images).information == pytest.approx(math.log(50), abs=1e-3)


@pytest.mark.parametrize("batch_size", [2, 500])
def test_the_parts_are_those_of_the_integral(batch_size):
    """Three overlapping posteriors of unequal width, one latent: KL(q(z) ‖ p(z)) on a fine grid."""
    means = torch.tensor([[-1.0], [0.2], [1.5]], dtype=torch.float64)
    widths = torch.tensor([[0.3], [1.0], [0.6]], dtype=torch.float64)
    model = Told(means, widths)
    z = torch.linspace(-12, 12, 100_001, dtype=torch.float64)
    crowd = Normal(means, widths).log_prob(z).logsumexp(dim=0) - math.log(3)  # (100001,)
    distance = (crowd.exp() * (crowd - Normal(0.0, 1.0).log_prob(z))).sum().item() * (z[1] - z[0]).item()
    found = decompose_rate(model, model.images, samples=40_000, batch_size=batch_size)
    assert found.error == pytest.approx(0.0025, abs=0.001)
    assert found.distance == pytest.approx(distance, abs=4 * found.error)
    assert found.information == pytest.approx(found.rate - found.distance)


def test_the_rate_of_the_parts_is_that_of_evaluate():
    vae, x = tiny(), faces(30, size=16).images
    assert decompose_rate(vae, x, batch_size=7).rate == pytest.approx(evaluate(vae, x).rate, rel=1e-5)
    assert decompose_rate(vae, x, batch_size=7) == pytest.approx(decompose_rate(vae, x), rel=1e-5)


# ---- rate, distortion, ELBO


def tiny(kind=VAE, latents=3):
    return kind((3, 16, 16), latent_dim=latents, hidden=(32,))


@pytest.mark.parametrize("batch_size", [1, 7, 23])
def test_evaluation_does_not_depend_on_the_batch_size(batch_size):
    vae, x = tiny().double(), faces(23, size=16).images.double()  # float32 rounds differently in other batches
    whole, parts = evaluate(vae, x), evaluate(vae, x, batch_size=batch_size)
    assert parts[:3] == pytest.approx(whole[:3], rel=1e-9)
    torch.testing.assert_close(parts.rate_per_latent, whole.rate_per_latent, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind, scale", [("l1", 1.0), ("l1", 0.2), ("mse", 0.1), ("bce", 1.0)])
def test_evaluation_is_the_loss_with_the_same_noise(kind, scale):
    vae, x = tiny(), faces(20, size=16).images
    with torch.no_grad():
        q = vae.encode(x)
        x_hat = vae.decode(sample(q, seeded(5)))
        loss = vae_loss(x, x_hat, q, 1.0, kind, scale)
        elbo = log_likelihood(x, x_hat, kind, scale).mean().item() - loss.kl.item()
    found = evaluate(vae, x, reconstruction=kind, scale=scale, seed=5)
    assert found.distortion == pytest.approx(loss.reconstruction.item(), rel=1e-5)
    assert found.rate == pytest.approx(loss.kl.item(), rel=1e-5)
    assert found.rate_per_latent.tolist() == pytest.approx(loss.kl_per_latent.tolist(), rel=1e-5)
    assert found.elbo == pytest.approx(elbo, rel=1e-5)


def test_evaluation_samples_z():
    """At the mean of q the distortion would not depend on the seed."""
    x = faces(5, size=16).images
    assert evaluate(tiny(), x, seed=0).distortion != evaluate(tiny(), x, seed=1).distortion


def test_measures_leave_the_global_generator_alone():
    before = torch.random.get_rng_state()
    x = faces(30, size=16).images
    evaluate(tiny(), x)
    log_marginal(tiny(), x, samples=2)
    decompose_rate(tiny(), x)
    holes(tiny(Autoencoder), x, x, vae=tiny(), n=5)
    assert torch.equal(before, torch.random.get_rng_state())


def test_reconstruct_decodes_the_code_or_the_mean():
    x = faces(3, size=16).images
    autoencoder, vae = tiny(Autoencoder), tiny()
    with torch.no_grad():
        torch.testing.assert_close(codes_of(autoencoder, x), autoencoder.encode(x))
        torch.testing.assert_close(codes_of(vae, x), vae.encode(x).mean)
        torch.testing.assert_close(reconstruct(vae, x), vae.decode(vae.encode(x).mean))
    assert not reconstruct(vae, x).requires_grad


def test_a_decoder_hears_the_uaes_code_and_a_draw_of_the_vaes_posterior():
    x = faces(40, size=16).images
    autoencoder, vae = tiny(Autoencoder), tiny()
    with torch.no_grad():
        assert torch.equal(heard_codes_of(autoencoder, x), autoencoder.encode(x))
        q = vae.encode(x)
    first, again, other = (heard_codes_of(vae, x, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    noise = torch.cat([(heard_codes_of(vae, x, seed=seed) - q.mean) / q.stddev for seed in range(30)])
    assert noise.mean().abs() < 0.06 and noise.std().item() == pytest.approx(1, abs=0.05)


# ---- probes


def linear_attributes(n=50):
    z = torch.randn(n, 3, generator=seeded())
    weight, bias = torch.tensor([[1.0, -2.0, 0.0], [0.5, 0.0, 3.0]]), torch.tensor([0.1, -0.4])
    return z, weight, bias, z @ weight.T + bias


def test_probes_find_an_exact_linear_map():
    z, weight, bias, factors = linear_attributes()
    probes = fit_probes(z, factors, ["a", "b"])
    torch.testing.assert_close(probes.weight, weight, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(probes.bias, bias, rtol=1e-4, atol=1e-5)
    assert probes.names == ("a", "b")
    assert probes.r2(z, factors).tolist() == pytest.approx([1, 1], abs=1e-6)


def test_probes_bear_a_constant_latent():
    z, _, _, factors = linear_attributes()
    z = torch.cat([z, torch.full((len(z), 1), 0.3)], dim=1)
    probes = fit_probes(z, factors, ["a", "b"])
    torch.testing.assert_close(probes.predict(z), factors, rtol=1e-4, atol=1e-4)


def test_r2_of_the_mean_is_0():
    factors = linear_attributes()[-1]
    probes = fit_probes(torch.zeros(50, 1), factors, ["a", "b"])
    assert probes.r2(torch.zeros(50, 1), factors).tolist() == pytest.approx([0, 0], abs=1e-5)


def test_push_forward_by_hand():
    z, _, _, factors = linear_attributes()
    probes = fit_probes(z, factors, ["a", "b"])
    pushed = probes.push_forward(Normal(torch.tensor([[1.0, 1.0, 1.0]]), torch.tensor([[3.0, 2.0, 1.0]])))
    assert pushed.mean[0].tolist() == pytest.approx([-0.9, 3.1], abs=1e-4)
    expected = [math.sqrt(1 * 9 + 4 * 4), math.sqrt(0.25 * 9 + 9 * 1)]
    assert pushed.stddev[0].tolist() == pytest.approx(expected, rel=1e-4), "variances add, with squared weights"


def test_push_forward_is_what_monte_carlo_finds():
    z, _, _, factors = linear_attributes()
    probes = fit_probes(z, factors, ["a", "b"])
    q = Normal(torch.tensor([[0.5, -1.0, 2.0]]), torch.tensor([[0.1, 0.7, 0.4]]))
    n = 40_000
    drawn = probes.predict(q.mean + q.stddev * torch.randn(n, 3, generator=seeded(1)))
    pushed = probes.push_forward(q)
    for k in range(2):
        sigma = pushed.stddev[0, k].item()
        assert drawn[:, k].mean().item() == pytest.approx(pushed.mean[0, k].item(), abs=4 * sigma / math.sqrt(n))
        assert drawn[:, k].std().item() == pytest.approx(sigma, abs=4 * sigma / math.sqrt(2 * n))


# ---- holes


def test_distance_to_nearest_by_hand():
    black, grey, white = (torch.full((1, 3, 4, 4), value) for value in (0.0, 0.5, 1.0))
    pictures = torch.cat([black, grey, white])
    assert distance_to_nearest(pictures, black).tolist() == pytest.approx([0, 0.5, 1])
    assert distance_to_nearest(pictures, torch.cat([black, white])).tolist() == pytest.approx([0, 0.5, 0])


def test_distance_to_nearest_does_not_depend_on_the_batch_size():
    pictures, real = faces(11, size=16).images, faces(30, seed=1, size=16).images
    by_hand = (pictures[:, None] - real[None]).square().mean(dim=(2, 3, 4)).sqrt().min(dim=1).values
    for batch_size in (3, 500):
        torch.testing.assert_close(distance_to_nearest(pictures, real, batch_size=batch_size), by_hand,
                                   rtol=1e-3, atol=1e-4)  # fmt: skip


def some_codes(n=400):
    """Two latents, far from standard: means 3 and −1, correlated."""
    e = torch.randn(n, 2, generator=seeded(3))
    return torch.stack([3 + 2 * e[:, 0], -1 + e[:, 0] + 0.5 * e[:, 1]], dim=1)


def test_standard_normal_codes_ignore_the_codes():
    drawn = sample_codes(some_codes(), 20_000, "standard normal")
    assert drawn.mean(dim=0).tolist() == pytest.approx([0, 0], abs=0.03)
    torch.testing.assert_close(torch.cov(drawn.T), torch.eye(2), rtol=0, atol=0.05)


@pytest.mark.parametrize("density", ["matched normal", "mixture"])
def test_fitted_codes_have_the_codes_mean_and_covariance(density):
    codes = some_codes()
    drawn = sample_codes(codes, 20_000, density, components=2)
    torch.testing.assert_close(drawn.mean(dim=0), codes.mean(dim=0), rtol=0, atol=0.1)
    torch.testing.assert_close(torch.cov(drawn.T), torch.cov(codes.T), rtol=0.1, atol=0.05)


def test_a_mixture_leaves_the_gap_between_two_clusters_empty():
    codes = torch.randn(400, 2, generator=seeded())
    codes[:200, 0] += 20
    gap = {d: ((sample_codes(codes, 500, d, components=2)[:, 0] - 10).abs() < 5).sum().item()
           for d in ("matched normal", "mixture")}  # fmt: skip
    assert gap["mixture"] == 0 and gap["matched normal"] > 50


@pytest.mark.parametrize("density", ["matched normal", "mixture"])
def test_codes_of_one_latent_can_be_drawn(density):
    codes = some_codes()[:, :1]
    drawn = sample_codes(codes, 5000, density, components=2)
    assert drawn.shape == (5000, 1)
    assert drawn.std().item() == pytest.approx(codes.std().item(), rel=0.1)


@pytest.mark.parametrize("density", ["standard normal", "matched normal", "mixture"])
def test_drawn_codes_can_be_repeated(density):
    first, again, other = (sample_codes(some_codes(), 5, density, components=2, seed=s) for s in (1, 1, 2))
    assert first.shape == (5, 2) and first.dtype == torch.float32
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_holes_measures_every_way_to_draw_a_latent():
    real, held_out = faces(60, size=16).images, faces(10, seed=1, size=16).images
    found = holes(tiny(Autoencoder), real, held_out, vae=tiny(), n=8)
    of_the_uae = ["UAE, real codes", "UAE, standard normal", "UAE, matched normal", "UAE, mixture"]
    assert list(found) == [*of_the_uae, "VAE, prior"]
    assert list(holes(tiny(Autoencoder), real, held_out, n=8)) == of_the_uae
    for distances in found.values():
        assert distances.shape == (8,) and distances.isfinite().all() and (distances > 0).all()


def test_holes_holds_reconstructions_of_held_out_faces_as_the_ruler():
    real, held_out = faces(60, size=16).images, faces(10, seed=1, size=16).images
    autoencoder = tiny(Autoencoder)
    ruler = holes(autoencoder, real, held_out, vae=tiny(), n=8)["UAE, real codes"]
    torch.testing.assert_close(ruler, distance_to_nearest(reconstruct(autoencoder, held_out[:8]), real))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_training_measures_and_figures_work_on_cuda():
    real = faces(60, size=16).images.cuda()
    autoencoder, vae = tiny(Autoencoder).cuda(), tiny().cuda()
    fit(autoencoder, real, epochs=1, progress=False)
    fit(vae, real, epochs=1, progress=False)
    assert evaluate(vae, real).rate > 0
    assert log_marginal(vae, real, samples=2).log_p.isfinite().all()
    assert all(d.isfinite().all() for d in holes(autoencoder, real, real, vae=vae, n=5).values())
    probes = fit_probes(codes_of(vae, real), real[:, :2, 0, 0], ["a", "b"])
    assert figure_vae(vae, probes, real[:1]).alt


def test_two_seeds_share_no_draws():
    vae, x = tiny(), faces(5, size=16).images
    # Were the K draws seeded one by one, seed + k, the second draw of seed 0 would be the first of seed 1.
    first = log_marginal(vae, x, samples=1, seed=0).log_p
    second_of_seed_0 = (
        2 * (log_marginal(vae, x, samples=2, seed=0).log_p - first).exp() - 1
    )  # both relative to the first
    first_of_seed_1 = (log_marginal(vae, x, samples=1, seed=1).log_p - first).exp()
    assert not torch.allclose(second_of_seed_0, first_of_seed_1, rtol=1e-6)


@pytest.mark.parametrize("rank, scale", [(2, 100.0), (10, 1.0)])
def test_the_matched_normal_has_the_codes_mean_and_covariance_at_any_rank(rank, scale):
    codes = scale * torch.randn(300, rank, generator=seeded(0)) @ torch.randn(rank, 10, generator=seeded(1)) + 5
    drawn = sample_codes(codes, 50_000, "matched normal")
    size = codes.std(dim=0).max()
    torch.testing.assert_close(drawn.mean(dim=0), codes.mean(dim=0), rtol=0, atol=0.03 * size.item())
    torch.testing.assert_close(torch.cov(drawn.T), torch.cov(codes.T), rtol=0, atol=0.05 * size.item() ** 2)
