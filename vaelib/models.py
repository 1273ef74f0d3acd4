"""The two autoencoders. They share every layer except the last of the encoder: a point, or a distribution.

    Autoencoder   x → trunk → head → h               → decoder → x̂
    VAE           x → trunk → head → μ, log σ² → z   → decoder → x̂

One network for every β stands in `vaelib.multirate`.
"""

import functools
import inspect
import math
import numbers
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from vaelib import require
from vaelib.storage import load_model, save_model

MOST_LAYERS = 100  # of an encoder
LOG_VARIANCE_BOUND = 20.0  # |log σ²| stays below this


class ImageCoder(nn.Module):
    """What the models share: `trunk` and `head` make the encoder, `decoder` brings the latent back to an image."""

    outputs_per_latent: int
    at_one_beta = True  # encodes and decodes without being told a β

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int,
        hidden: tuple[int, ...] = (128,),
        seed: int = 0,
        mean_image: Tensor | None = None,
    ):
        """`image_shape` is (C, H, W), `latent_dim` is D, `hidden` lists the encoder's widths (the decoder mirrors
        them). `seed` sets the first weights; models with the same seed start with the same trunk and decoder.
        `mean_image` (C, H, W) is the average of the training images: the encoder then sees how an image differs from
        it, and the decoder starts from it, so that the latents spend no nats on what all images share.
        Raises TypeError or ValueError that names the argument."""
        super().__init__()
        _require_settings(image_shape, latent_dim, hidden, seed, mean_image)
        image_shape, hidden, latent_dim = tuple(map(int, image_shape)), tuple(map(int, hidden)), int(latent_dim)
        self.image_shape, self.latent_dim, self.hidden = image_shape, latent_dim, hidden
        pixels = image_shape[0] * image_shape[1] * image_shape[2]
        with torch.random.fork_rng(devices=[]):  # nn.Linear draws from the global generator: give it back as it was
            torch.default_generator.manual_seed(seed)  # and not those of other devices, as torch.manual_seed would
            self.trunk = nn.Sequential(nn.Flatten(), *_layers(pixels, *hidden))
            self.decoder = nn.Sequential(
                *_layers(latent_dim, *reversed(hidden)),
                nn.Linear(hidden[0], pixels),
                nn.Sigmoid(),  # pixels in [0, 1]
                nn.Unflatten(1, self.image_shape),
            )
            # Last, so that the layers above start the same whatever the head's size.
            self.head = nn.Linear(hidden[-1], latent_dim * self.outputs_per_latent)
            self._add_layers()
        self.register_buffer("mean_image", torch.zeros(self.image_shape))
        if mean_image is not None:
            self._start_from(mean_image)

    def _add_layers(self) -> None:
        """Hook: MultiRateVAE adds its gates here, after the layers that all models share."""

    @torch.no_grad()
    def _start_from(self, mean_image: Tensor) -> None:
        self.mean_image.copy_(mean_image)
        last_linear = self.decoder[-3]
        last_linear.bias.copy_(torch.logit(mean_image.flatten().clamp(0.01, 0.99)))  # what the sigmoid undoes

    def decode(self, z: Tensor) -> Tensor:
        """Latents (B, D) → images (B, C, H, W) in [0, 1]. Raises TypeError or ValueError for another `z`."""
        require_latents_for(self, z)
        return self.decoder(z)

    def save(self, path: str | os.PathLike) -> None:
        """Write weights and settings to `path` (safetensors). An earlier file stays whole until the new one is. Raises
        OSError if there is no place, TypeError or ValueError for a path or weights that can't be written."""
        save_model(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike):
        """Read a model that `save` wrote. Raises FileNotFoundError if there is none at `path`, ValueError if the file
        is damaged, of another kind, of another model, or if weights and settings disagree."""
        return load_model(cls, path)


class Autoencoder(ImageCoder):
    """The UAE, an undercomplete autoencoder: an image x becomes one code h, D numbers."""

    outputs_per_latent = 1

    def encode(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) → codes h (B, D). Raises TypeError or ValueError for another `x`."""
        require_images_for(self, x, images_name="x")
        return self.head(self.trunk(x - self.mean_image))


class VAE(ImageCoder):
    """The variational autoencoder (Kingma and Welling 2014, arXiv 1312.6114): x becomes a distribution over z."""

    outputs_per_latent = 2  # μ and log σ²

    def encode(self, x: Tensor) -> Normal:
        """Images (B, C, H, W) → the posterior q(z|x), a Normal over (B, D). Raises TypeError or ValueError."""
        require_images_for(self, x, images_name="x")
        return posterior_of(self.head(self.trunk(x - self.mean_image)))


def posterior_of(head: Tensor) -> Normal:
    """What leaves the encoder's head, μ and log σ² (B, 2 D) → N(μ, σ²) over (B, D).

    log σ² is bent softly to stay within ±20, so that σ can neither reach 0 nor overflow, and its gradient fades
    instead of stopping dead at a bound.
    """
    mu, log_var = head.chunk(2, dim=1)  # (B, D) each
    log_var = LOG_VARIANCE_BOUND * torch.tanh(log_var / LOG_VARIANCE_BOUND)
    return Normal(mu, torch.exp(0.5 * log_var), validate_args=False)  # losses.py checks, with a clearer message


def sample(q: Normal, generator: torch.Generator | None = None) -> Tensor:
    """z = μ + σ ε with ε ~ N(0, 1), (B, D): what `q.rsample()` does, but from a `generator` of one's own.

    Raises TypeError or ValueError that names the argument.
    """
    require.posterior("q", q)
    if not isinstance(generator, (torch.Generator, type(None))):
        raise TypeError(f"generator must be a torch.Generator or None, got {type(generator).__name__}")
    z = _sample(q, generator)
    if not z.isfinite().all():
        raise ValueError("q must have a finite mean and a finite standard deviation")
    return z


def _sample(q: Normal, generator: torch.Generator | None) -> Tensor:
    device = q.mean.device if generator is None else generator.device
    epsilon = torch.randn(q.mean.shape, generator=generator, dtype=q.mean.dtype, device=device).to(q.mean.device)
    return q.mean + q.stddev * epsilon


def _layers(*sizes: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.SiLU()]
    return layers


# ---- how measuring and training treat a model


@contextmanager
def in_mode(model, training: bool) -> Iterator[None]:
    """The `model` as it trains, `training`, or as it is measured; afterwards each layer is as it was.

    Where an image is measured, layers like BatchNorm must neither learn from it nor depend on its neighbours, and
    Dropout must be off.
    """
    if not isinstance(model, nn.Module):
        yield
        return
    before = [(layer, layer.training) for layer in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for layer, was in before:
            layer.training = was


def in_eval_mode(*names: str) -> Callable[[Callable], Callable]:
    """For a function that measures: the models among its arguments, which have these `names`, are in eval mode."""

    def decorate(measure: Callable) -> Callable:
        signature = inspect.signature(measure)

        @functools.wraps(measure)
        def measured(*arguments, **options):
            given = signature.bind(*arguments, **options).arguments
            with ExitStack() as modes:
                for name in names:
                    modes.enter_context(in_mode(given.get(name), training=False))
                return measure(*arguments, **options)

        return measured

    return decorate


def code_of(model, images: Tensor, *, model_name: str = "model", images_name: str = "images") -> Tensor | Normal:
    """What the `model` encodes the `images` to; TypeError or ValueError if it is neither codes nor a Normal (B, D)."""
    require_one_beta(model_name, model)
    code = model.encode(images)
    require.code(model_name, code, len(images), images_name)
    return code


def points_of(model, images: Tensor, *, model_name: str = "model", images_name: str = "images") -> Tensor:
    """One point (B, D) for each of the `images`: the UAE's code h, or the VAE's mean μ. Raises TypeError or ValueError
    if the `model` can't encode them, or as `code_of` does."""
    require_images_for(model, images, model_name=model_name, images_name=images_name)
    code = code_of(model, images, model_name=model_name, images_name=images_name)
    return code.mean if isinstance(code, Normal) else code


def images_of(model, z: Tensor, *, model_name: str = "model") -> Tensor:
    """What the `model` decodes the `z` (B, D) to; TypeError or ValueError if it is no images (B, C, H, W)."""
    require_one_beta(model_name, model)
    images = model.decode(z)
    require.images(f"{model_name}.decode's result", images)
    if len(images) != len(z):
        raise ValueError(f"{model_name}.decode must return an image for each z, {len(z)}, it returns {len(images)}")
    return images


# ---- what the models ask of their arguments


def require_images_for(
    model, images: Tensor, *, model_name: str = "model", images_name: str = "images", anywhere: bool = False
) -> None:
    """Raise TypeError or ValueError unless `model` can encode the `images`. The message uses the names given here.

    A model of one's own needs `encode` and `decode`; how its images must look, it knows best. `anywhere` on what device
    the images may be if they are going to be moved.
    """
    require.coder(model_name, model)
    if not isinstance(model, ImageCoder):
        return require.images(images_name, images)
    _require_dtype(model, images_name, images, model_name, anywhere=anywhere)
    if images.ndim != 4 or tuple(images.shape[1:]) != model.image_shape or len(images) == 0:
        expected = ", ".join(map(str, model.image_shape))
        raise ValueError(
            f"{images_name} must have shape (B, {expected}) for {model_name}, B ≥ 1, got {tuple(images.shape)}"
        )
    require.finite(images_name, images)


def require_one_beta(name: str, model) -> None:
    """TypeError for a MultiRateVAE: it has a latent space for each β."""
    if not getattr(model, "at_one_beta", True):
        raise TypeError(f"{name} must be a model at one β, got a MultiRateVAE: take .at(beta) of it")


def require_latents_for(model: ImageCoder, z: Tensor) -> None:
    """Raise TypeError or ValueError unless `model` can decode the latents `z`."""
    _require_dtype(model, "z", z, "model")
    if z.ndim != 2 or z.shape[1] != model.latent_dim or len(z) == 0:
        raise ValueError(f"z must have shape (B, {model.latent_dim}), B ≥ 1, got {tuple(z.shape)}")
    if not z.isfinite().all():
        raise ValueError("z must be finite, it holds NaN or inf")


def _require_dtype(model: ImageCoder, name: str, values: Tensor, model_name: str, *, anywhere: bool = False) -> None:
    require.floats(name, values)
    weight = model.head.weight
    require.there(f"{model_name}'s weights", weight)
    if values.dtype != weight.dtype:
        raise TypeError(
            f"{name} must have the {model_name}'s dtype, {weight.dtype}, got {values.dtype}: "
            "model.double() and model.float() change the model's"
        )
    if not anywhere:
        require.beside(name, values, f"{model_name}'s weights", weight)


def _require_settings(image_shape, latent_dim, hidden, seed, mean_image) -> None:
    _require_sizes("image_shape", image_shape)
    if isinstance(hidden, (tuple, list)) and len(hidden) > MOST_LAYERS:
        raise ValueError(f"hidden must be at most {MOST_LAYERS} layers, got {len(hidden)}")
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (C, H, W), got {require.shown(image_shape)}")
    _require_sizes("hidden", hidden)
    _require_sizes("latent_dim", [latent_dim])
    sizes = [math.prod(map(int, image_shape)), *map(int, hidden), int(latent_dim)]
    require.room("image_shape, hidden and latent_dim", 2 * sum(math.prod(pair) for pair in pairwise(sizes)))
    require.seed("seed", seed)
    if mean_image is None:
        return
    require.floats("mean_image", mean_image)
    if tuple(mean_image.shape) != tuple(image_shape) or not ((mean_image >= 0) & (mean_image <= 1)).all():
        raise ValueError(f"mean_image must have shape {tuple(image_shape)} and lie in [0, 1]")


def _require_sizes(name: str, values) -> None:
    whole = isinstance(values, (tuple, list)) and all(isinstance(v, numbers.Integral) for v in values)
    if not whole or any(isinstance(v, bool) for v in values):
        raise TypeError(f"{name} must be made of whole numbers, got {require.shown(values)}")
    if len(values) == 0 or min(values) < 1 or max(values) > require.MOST:
        raise ValueError(f"{name} must be from 1 to {require.MOST} everywhere, got {require.shown(values)}")
