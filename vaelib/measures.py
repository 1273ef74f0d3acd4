"""Numbers about trained models: rate, distortion, ELBO, log p(x), probes and holes. Random numbers are drawn for all
images at once, so that no result depends on the size of the batches.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Normal

from vaelib import require
from vaelib.language import Name
from vaelib.losses import (
    kl_to_standard_normal,
    left_out_constant,
    log_likelihood,
    reconstruction_error,
    require_likelihood,
)
from vaelib.models import code_of, images_of, in_eval_mode, points_of, require_images_for, require_one_beta, sample

DENSITIES = ("standard normal", "matched normal", "mixture")
COMPONENTS = 20  # of a mixture
COLLAPSED_BELOW = 0.01  # nats: a latent whose KL is smaller on average is collapsed


class Evaluation(NamedTuple):
    """Means over a whole test set, in nats per image; `rate_per_latent` is (D,), the others are floats."""

    rate: float
    distortion: float
    elbo: float
    rate_per_latent: Tensor


class Marginal(NamedTuple):
    """log p(x) of each image by importance sampling, in nats, and how many of the draws carry it; (n,) each."""

    log_p: Tensor
    effective_samples: Tensor


@in_eval_mode("vae")
@torch.no_grad()
def evaluate(
    vae, images: Tensor, *, reconstruction: str = "l1", scale: float = 1.0, seed: int = 0, batch_size: int = 1000
) -> Evaluation:
    """The rate (KL), the distortion (reconstruction term) and the ELBO of `images` (n, C, H, W), with z sampled.

    One z for each image: at the mean of q the result would be no bound (Kingma and Welling 2014, eq. 10). The ELBO
    includes the constants of the likelihood, so that it can be compared with `log_marginal`.
    Raises TypeError or ValueError that names the argument.
    """
    require_arguments(vae, images, reconstruction, scale, batch_size, seed)
    epsilon = None
    rates, distortions, elbos = [], [], []
    for rows in batches_of(len(images), batch_size):
        x, q = images[rows], vae.encode(images[rows])
        if epsilon is None:
            epsilon = noise_for(len(images), q, torch.Generator().manual_seed(seed))  # (n, D)
        x_hat = vae.decode(q.mean + q.stddev * epsilon[rows])
        error = reconstruction_error(x, x_hat, reconstruction, scale)  # (B,)
        log_p = -error - left_out_constant(x, reconstruction, scale)
        rates.append(kl_to_standard_normal(q).double())  # (B, D)
        distortions.append(error.double())
        elbos.append(log_p.double() - rates[-1].sum(dim=1))
    rate_per_latent = torch.cat(rates).mean(dim=0)
    distortion, elbo = torch.cat(distortions).mean().item(), torch.cat(elbos).mean().item()
    return Evaluation(rate_per_latent.sum().item(), distortion, elbo, rate_per_latent)


@in_eval_mode("vae")
@torch.no_grad()
def log_marginal(
    vae,
    images: Tensor,
    *,
    samples: int = 500,
    reconstruction: str = "l1",
    scale: float = 1.0,
    seed: int = 0,
    batch_size: int = 100,
) -> Marginal:
    """log p(x) of each image by importance sampling with q(z|x) as the proposal, in nats, and how far to trust it.

    log p(x) ≈ log 1/K Σ_k w_k with w_k = p(x|z_k) p(z_k) / q(z_k|x), z_k ~ q(z|x): a lower bound on average, exact as
    K grows (Burda et al. 2016, arXiv 1509.00519, eq. 8). Summed in the log domain: terms differ by hundreds of nats.
    `effective_samples` is (Σ w_k)² / Σ w_k², from 1 to K (Kong 1992): near 1 a single draw carries the whole estimate,
    which then lies too low. A large one is no proof: where q misses a mode of the posterior, no draw tells of it.
    Raises TypeError or ValueError that names the argument.
    """
    require_arguments(vae, images, reconstruction, scale, batch_size, seed)
    require.whole_number("samples", samples, most=100_000)
    posteriors = [vae.encode(images[rows]) for rows in batches_of(len(images), batch_size)]
    generator = torch.Generator().manual_seed(seed)
    draws = []
    for _ in range(samples):
        epsilon = noise_for(len(images), posteriors[0], generator)  # (n, D)
        terms = []
        for rows, q in zip(batches_of(len(images), batch_size), posteriors, strict=True):
            z = q.mean + q.stddev * epsilon[rows]
            prior = Normal(torch.zeros_like(z), torch.ones_like(z))
            log_p = log_likelihood(images[rows], vae.decode(z), reconstruction, scale)
            terms.append(log_p.double() + (prior.log_prob(z) - q.log_prob(z)).double().sum(dim=1))
        draws.append(torch.cat(terms))  # (n,)
    log_weights = torch.stack(draws)  # (K, n)
    log_sum = torch.logsumexp(log_weights, dim=0)
    effective_samples = (2 * log_sum - torch.logsumexp(2 * log_weights, dim=0)).exp()
    return Marginal(log_sum - math.log(samples), effective_samples)


@in_eval_mode("model")
@torch.no_grad()
def reconstruct(model, images: Tensor) -> Tensor:
    """Images (n, C, H, W) → their reconstructions from the UAE's code or the VAE's μ. Raises as `codes_of` does."""
    return images_of(model, points_of(model, images))


@in_eval_mode("model")
@torch.no_grad()
def codes_of(model, images: Tensor) -> Tensor:
    """One point (n, D) for each image: the UAE's code h, or the VAE's mean μ. Raises TypeError or ValueError."""
    return points_of(model, images)


@in_eval_mode("model")
@torch.no_grad()
def heard_codes_of(model, images: Tensor, *, seed: int = 0) -> Tensor:
    """What a decoder gets for each image, (n, D): the UAE's code h, or one z drawn from the VAE's posterior.

    Fit probes on these. On the means they would also read what the noise of z drowns: latents that the decoder has
    learnt to ignore. Raises as `codes_of` does.
    """
    require.seed("seed", seed)
    require_images_for(model, images)
    code = code_of(model, images)
    return sample(code, torch.Generator().manual_seed(seed)) if isinstance(code, Normal) else code


@dataclass(frozen=True)
class Probes:
    """Linear read-outs of K attributes from a latent space: attribute_k ≈ w_k·z + b_k."""

    weight: Tensor  # (K, D)
    bias: Tensor  # (K,)
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        require.table("weight", self.weight, (None, None))
        require.names("names", self.names, of="weight", count=len(self.weight))
        require.floats("bias", self.bias)
        if self.bias.shape != (len(self.names),) or not self.bias.isfinite().all():
            raise ValueError(f"bias must be finite and of shape ({len(self.names)},), got {tuple(self.bias.shape)}")

    def predict(self, z: Tensor) -> Tensor:
        """Latents (B, D) → attributes (B, K). Raises TypeError or ValueError for another `z`."""
        require.table("z", z, (None, self.weight.shape[1]))
        return z.to(self.weight) @ self.weight.T + self.bias

    def push_forward(self, q: Normal) -> Normal:
        """A Gaussian posterior over (B, D) → the exact Gaussian of each attribute, (B, K); not how they vary together.

        A linear map of N(μ, diag σ²) is N(w_k·μ + b_k, Σ_j w_kj² σ_j²): a variance adds up with squared weights.
        Raises TypeError or ValueError for another `q`.
        """
        require.bells("q", q, latents=self.weight.shape[1])
        q = Normal(q.mean.to(self.weight), q.stddev.to(self.weight), validate_args=False)
        variance = q.variance @ self.weight.square().T
        if not variance.isfinite().all() or not (variance > 0).all():
            raise ValueError("q must have standard deviations whose squares are finite and above 0")
        return Normal(self.predict(q.mean), variance.sqrt())

    def r2(self, z: Tensor, factors: Tensor) -> Tensor:
        """The share of each attribute's variance that the probe explains, (K,): 1 is all, 0 is none.

        `z` (n, D) and `factors` (n, K) should be held out: not those that the probes were fitted on. Raises TypeError
        or ValueError that names the argument.
        """
        require.table("z", z, (None, self.weight.shape[1]))
        require.pairs(z, factors)
        require.table("factors", factors, (len(z), len(self.weight)))
        residual = (self.predict(z).to(factors.device) - factors).double().square().sum(dim=0)
        spread = (factors.double() - factors.double().mean(dim=0)).square().sum(dim=0)
        if not (spread > 0).all():
            raise ValueError("factors must vary in each column: of a constant nothing is left to explain")
        explained = (1 - residual / spread).to(factors.dtype)
        if not explained.isfinite().all():
            raise ValueError("z must be like those that the probes were fitted on: what they predict overflows")
        return explained


def fit_probes(z: Tensor, factors: Tensor, names: Sequence[str]) -> Probes:
    """Least-squares probes for `factors` (n, K), called `names`, on latents `z` (n, D); n must exceed D.

    Alain and Bengio 2017 (arXiv 1610.01644). Raises TypeError or ValueError that names the argument.
    """
    require.pairs(z, factors)
    if len(z) <= z.shape[1]:
        raise ValueError(f"z must be (n, D) with n > D, got {tuple(z.shape)}")
    require.names("names", names, of="factors", count=factors.shape[1])
    weight, bias = _least_squares(z, factors)
    return Probes(weight, bias, tuple(names))


def attribute_directions(z: Tensor, factors: Tensor) -> Tensor:
    """How the latent moves, on average, when one attribute rises by 1 and the others stay → (K, D).

    Least squares of `z` (n, D) on `factors` (n, K). Not the probes' weights, which only read: along w_k other
    attributes change as well (Haufe et al. 2014, "On the interpretation of weight vectors"; lesson 06 measures it).
    Raises TypeError or ValueError that names the argument.
    """
    require.pairs(z, factors)
    if len(factors) <= factors.shape[1]:
        raise ValueError(f"factors must be (n, K) with n > K, got {tuple(factors.shape)}")
    return _least_squares(factors, z)[0].T.contiguous()


def _least_squares(inputs: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Weight (K, D) and bias (K,) that best map inputs (n, D) to outputs (n, K)."""
    with_one = torch.cat([inputs, inputs.new_ones(len(inputs), 1)], dim=1).double()  # (n, D + 1)
    # The pseudo-inverse rather than lstsq: it stays right when a latent is constant.
    solution = (torch.linalg.pinv(with_one) @ outputs.double()).to(inputs.dtype)  # (D + 1, K)
    if not solution.isfinite().all():
        raise ValueError("z and factors must be of sizes that can be compared: least squares overflow")
    return solution[:-1].T.contiguous(), solution[-1]


def distance_to_nearest(pictures: Tensor, real: Tensor, *, batch_size: int = 500) -> Tensor:
    """How far each of `pictures` (n, C, H, W) lies from the nearest of the `real` ones (m, C, H, W) → (n,).

    The distance is the root mean square over pixels and channels: 0 for a copy, up to rounding (5e-4), and 1
    for black against white. Raises TypeError or ValueError that names the argument.
    """
    require.images("pictures", pictures)
    require.images("real", real)
    if pictures.shape[1:] != real.shape[1:]:
        raise ValueError(f"real must have the image shape of pictures, {tuple(pictures.shape[1:])}")
    if pictures.dtype != real.dtype:
        raise TypeError(f"real must have the dtype of pictures, {pictures.dtype}, got {real.dtype}")
    for name, images in (("pictures", pictures), ("real", real)):
        require.finite(name, images)
    require.beside("real", real, "pictures", pictures)
    require.whole_number("batch_size", batch_size)
    dtype = real.dtype
    if dtype not in (torch.float32, torch.float64):  # of which PyTorch knows no distance
        pictures, real = pictures.float(), real.float()
    nearest = [torch.cdist(some.flatten(1), real.flatten(1)).min(dim=1).values for some in pictures.split(batch_size)]
    distance = torch.cat(nearest) / math.sqrt(pictures[0].numel())
    if not distance.isfinite().all():
        raise ValueError("pictures and real must be nearer to each other: their distance overflows")
    return distance.to(dtype)


def sample_codes(codes: Tensor, n: int, density: str, *, components: int = COMPONENTS, seed: int = 0) -> Tensor:
    """Draw `n` new codes (n, D) for a decoder, given the `codes` (m, D) of real images.

    `density`: "standard normal" ignores the codes; "matched normal" takes their mean and covariance; "mixture" fits a
    Gaussian mixture with `components` full covariances on them (Ghosh et al. 2020, arXiv 1903.12436).
    Raises TypeError or ValueError that names the argument.
    """
    require.choice("density", density, DENSITIES)
    require.table("codes", codes, (None, None))
    if density != "standard normal" and len(codes) < 2:
        raise ValueError("codes must be at least 2 to have a covariance, got 1")
    require.whole_number("n", n)
    require.whole_number("components", components)
    require.seed("seed", seed)
    require.room("n", n * max(codes.shape))
    if density == "mixture" and components > len(codes):
        raise ValueError(f"components must be at most the number of codes, {len(codes)}, got {components}")
    generator = torch.Generator().manual_seed(seed)

    def standard_normal(columns: int) -> Tensor:
        return torch.randn(n, columns, generator=generator, dtype=codes.dtype).to(codes.device)  # (n, columns)

    if density == "standard normal":
        return standard_normal(codes.shape[1])
    if density == "matched normal":  # Σ_i w_i (c_i − mean) with w_i ~ N(0, 1/(m − 1)) has the codes' covariance
        weights = standard_normal(len(codes)) / math.sqrt(len(codes) - 1)  # (n, m)
        return codes.mean(dim=0) + weights @ (codes - codes.mean(dim=0))
    from sklearn.mixture import GaussianMixture  # slow to import, seldom needed

    mixture = GaussianMixture(components, random_state=seed, reg_covar=1e-5, max_iter=500, tol=1e-2)
    points = codes.detach().cpu().double().numpy()  # in float32 a narrow covariance loses its positive eigenvalues
    with warnings.catch_warnings(action="ignore"):  # where codes are alike, some components have nothing to do
        return torch.from_numpy(mixture.fit(points).sample(n)[0]).to(codes)


@in_eval_mode("autoencoder", "vae")
@torch.no_grad()
def holes(
    autoencoder, real: Tensor, held_out: Tensor, *, vae=None, coverage: bool = False, n: int = 500, seed: int = 0
) -> dict[str, Tensor]:
    """Where does a decoder find no face? The distance of `n` decoded samples to the nearest `real` image.

    For each way to draw a latent, distances as in `distance_to_nearest`: the UAE's codes drawn as in `sample_codes`,
    and with a `vae` its prior. The first row is the baseline: other images that went through the UAE, so codes of
    real images. `coverage` turns the question round: how far is each image of `held_out` from the nearest of the
    samples? Samples that all look alike are near to a real image, and still leave most of them uncovered (Sajjadi et
    al. 2018, arXiv 1806.00035). Raises TypeError or ValueError that names the argument.
    """
    require.flag("coverage", coverage)
    require.whole_number("n", n)
    require.seed("seed", seed)
    models = {"autoencoder": autoencoder} | ({} if vae is None else {"vae": vae})
    for images_name, images in (("real", real), ("held_out", held_out)):
        for model_name, model in models.items():
            points_of(model, images, model_name=model_name, images_name=images_name)
    require.room("n", n * real[0].numel())
    if len(real) < COMPONENTS:
        raise ValueError(f"real must be at least {COMPONENTS} images, got {len(real)}")
    codes = codes_of(autoencoder, real)
    # "UAE, real codes" is the baseline: its images must not be those that it is measured against.
    drawn = {Name("UAE, real codes"): codes[:n] if coverage else codes_of(autoencoder, held_out[:n])}
    drawn |= {Name(f"UAE, {kind}"): sample_codes(codes, n, kind, seed=seed) for kind in DENSITIES}
    pictures = {label: images_of(autoencoder, h, model_name="autoencoder") for label, h in drawn.items()}
    if vae is not None:
        D = codes_of(vae, real[:1]).shape[1]
        prior = torch.randn(n, D, generator=torch.Generator().manual_seed(seed), dtype=real.dtype)
        pictures[Name("VAE, prior")] = images_of(vae, prior.to(real.device), model_name="vae")
    if coverage:
        return {label: distance_to_nearest(held_out, some) for label, some in pictures.items()}
    return {label: distance_to_nearest(some, real) for label, some in pictures.items()}


def require_arguments(vae, images: Tensor, reconstruction: str, scale: float, batch_size: int, seed: int) -> None:
    require_images_for(vae, images, model_name="vae")
    require_one_beta("vae", vae)
    require_likelihood(reconstruction, scale)
    if reconstruction == "bce":
        require.pixels("images", images)
    require.whole_number("batch_size", batch_size)
    require.seed("seed", seed)
    if not isinstance(code_of(vae, images[:1], model_name="vae"), Normal):
        raise TypeError("vae must encode to a distribution; a UAE has no rate")


def batches_of(n: int, batch_size: int) -> Iterator[slice]:
    return (slice(start, start + batch_size) for start in range(0, n, batch_size))


def noise_for(n: int, q: Normal, generator: torch.Generator) -> Tensor:
    return torch.randn(n, q.mean.shape[1], generator=generator, dtype=q.mean.dtype).to(q.mean.device)
