"""The autoencoders. They share every layer but the last of the encoder: a point, or a distribution.

`MultiRateVAE` is the VAE once more, with gates that tell each layer which β is meant.
"""

import json
import math
import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from vaelib.losses import check_beta, check_images, check_whole_number

_LIMIT = 20.0  # |log σ²| stays below this
GREATEST_BETA = 100.0  # of a MultiRateVAE
_LEAST = 1 / GREATEST_BETA  # added to β before the logarithm, so that β = 0 has a place at the left end of the scale
_SPAN = math.log(GREATEST_BETA)


class _ImageCoder(nn.Module):
    """What both models share: `trunk` and `head` make the encoder, `decoder` brings the latent back to an image."""

    outputs_per_latent: int

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
        self.image_shape = _sizes("image_shape", image_shape)
        if len(self.image_shape) != 3:
            raise ValueError(f"image_shape must be (C, H, W), got {image_shape}")
        self.hidden = _sizes("hidden", hidden)
        (self.latent_dim,) = _sizes("latent_dim", [latent_dim])
        check_whole_number("seed", seed, least=0)
        pixels = self.image_shape[0] * self.image_shape[1] * self.image_shape[2]
        with torch.random.fork_rng(devices=[]):  # nn.Linear draws from the global generator: give it back as it was
            torch.manual_seed(seed)
            self.trunk = nn.Sequential(nn.Flatten(), *_layers(pixels, *self.hidden))
            self.decoder = nn.Sequential(
                *_layers(self.latent_dim, *reversed(self.hidden)),
                nn.Linear(self.hidden[0], pixels),
                nn.Sigmoid(),  # pixels in [0, 1]
                nn.Unflatten(1, self.image_shape),
            )
            # Last, so that the layers above start the same whatever the head's size.
            self.head = nn.Linear(self.hidden[-1], self.latent_dim * self.outputs_per_latent)
            self._add_layers()
        self.register_buffer("mean_image", torch.zeros(self.image_shape))
        if mean_image is not None:
            self._start_from(mean_image)

    def _add_layers(self) -> None:
        """A place for more layers."""

    @torch.no_grad()
    def _start_from(self, mean_image: Tensor) -> None:
        if not isinstance(mean_image, Tensor) or not mean_image.is_floating_point():
            raise TypeError("mean_image must be a floating-point tensor")
        if tuple(mean_image.shape) != self.image_shape or not ((mean_image >= 0) & (mean_image <= 1)).all():
            raise ValueError(f"mean_image must have shape {self.image_shape} and lie in [0, 1]")
        self.mean_image.copy_(mean_image)
        last_linear = self.decoder[-3]
        last_linear.bias.copy_(torch.logit(mean_image.flatten().clamp(0.01, 0.99)))  # what the sigmoid undoes

    def decode(self, z: Tensor) -> Tensor:
        """Latents (B, D) → images (B, C, H, W) in [0, 1]. Raises TypeError or ValueError for another `z`."""
        self._check_latents(z)
        return self.decoder(z)

    def _check_latents(self, z: Tensor) -> None:
        self._check_dtype("z", z)
        if z.ndim != 2 or z.shape[1] != self.latent_dim or len(z) == 0:
            raise ValueError(f"z must have shape (B, {self.latent_dim}), B ≥ 1, got {tuple(z.shape)}")
        if not z.isfinite().all():
            raise ValueError("z must be finite, it holds NaN or inf")

    def check(self, name: str, images: Tensor) -> None:
        """Raise TypeError or ValueError, calling them `name`, unless these `images` can be encoded."""
        self._check_dtype(name, images)
        if images.ndim != 4 or tuple(images.shape[1:]) != self.image_shape or len(images) == 0:
            expected = ", ".join(map(str, self.image_shape))
            raise ValueError(f"{name} must have shape (B, {expected}), B ≥ 1, got {tuple(images.shape)}")
        if not images.sum().isfinite():  # NaN and inf reach the sum
            raise ValueError(f"{name} must be finite, no NaN or inf")

    def _check_dtype(self, name: str, values: Tensor) -> None:
        if not isinstance(values, Tensor) or not values.is_floating_point():
            raise TypeError(f"{name} must be a floating-point tensor; divide bytes by 255 first")
        if values.dtype != self.head.weight.dtype:
            raise TypeError(f"{name} must have the model's dtype, {self.head.weight.dtype}, got {values.dtype}")

    def _head_of(self, x: Tensor) -> Tensor:
        self.check("x", x)
        return self.head(self.trunk(x - self.mean_image))

    def save(self, path: str | os.PathLike) -> None:
        """Write weights and settings to `path` (safetensors). An earlier file stays whole until the new one is."""
        from safetensors.torch import save_file

        settings = {
            "model": type(self).__name__,
            "image_shape": self.image_shape,
            "latent_dim": self.latent_dim,
            "hidden": self.hidden,
        }
        path = _path(path)
        if not path.parent.is_dir():
            raise FileNotFoundError(f"path: there is no folder {path.parent}")
        half_written = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            save_file(self.state_dict(), half_written, metadata={"vaelib": json.dumps(settings)})
            half_written.replace(path)
        finally:
            half_written.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike):
        """Read a model that `save` wrote. Raises FileNotFoundError if there is none at `path`, ValueError if the file
        is damaged, of another kind, of another model, or if weights and settings disagree."""
        from safetensors import SafetensorError, safe_open

        if not _path(path).is_file():
            raise FileNotFoundError(f"path: there is no file {path}")
        try:
            with safe_open(path, framework="pt") as file:
                settings = json.loads((file.metadata() or {}).get("vaelib", "null"))
                weights = {name: file.get_tensor(name) for name in file.keys()}
        except (SafetensorError, json.JSONDecodeError) as error:
            raise ValueError(f"path: {path} is truncated or no safetensors file ({error})") from None
        if not isinstance(settings, dict) or settings.pop("model", None) != cls.__name__:
            raise ValueError(f"path: {path} does not hold a {cls.__name__} saved by vaelib")
        try:
            model = cls(**settings)
            model.to(next(iter(weights.values())).dtype).load_state_dict(weights)
            if not all(values.isfinite().all() for values in weights.values()):
                raise ValueError("NaN or inf among the weights")
        except (TypeError, ValueError, RuntimeError, StopIteration) as error:
            raise ValueError(f"path: the weights in {path} do not fit its settings {settings} ({error})") from None
        return model


class Autoencoder(_ImageCoder):
    """The UAE, an undercomplete autoencoder: an image x becomes one code h, D numbers."""

    outputs_per_latent = 1

    def encode(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) → codes h (B, D). Raises TypeError or ValueError for another `x`."""
        return self._head_of(x)


class VAE(_ImageCoder):
    """The variational autoencoder (Kingma and Welling 2014, arXiv 1312.6114): x becomes a distribution over z."""

    outputs_per_latent = 2  # μ and log σ²

    def encode(self, x: Tensor) -> Normal:
        """Images (B, C, H, W) → the posterior q(z|x), a Normal over (B, D). Raises TypeError or ValueError."""
        return _posterior(self._head_of(x))


class MultiRateVAE(_ImageCoder):
    """One network for every β from 0 to 100 (Bae et al. 2023, arXiv 2212.03905): a VAE whose layers are gated by β.

    What leaves a hidden layer of the encoder or the decoder, the encoder's head, and the z that enters the decoder,
    is multiplied by one number for each unit, and another is added (FiLM, Perez et al. 2018, arXiv 1709.07871). All
    these numbers come from one small network, `gates`, which sees only where β stands on its scale. Arguments are
    those of `VAE`, and with the same seed both start with the same weights.
    """

    outputs_per_latent = 2  # μ and log σ²
    gate_width = 16

    def _add_layers(self) -> None:
        gated = 2 * sum(self.hidden) + 3 * self.latent_dim  # units
        self.gates = nn.Sequential(nn.Linear(1, self.gate_width), nn.SiLU(), nn.Linear(self.gate_width, 2 * gated))
        with torch.no_grad():
            # Each unit bends at its own place on the scale of β, sharply: latents die suddenly.
            self.gates[0].weight[:, 0] = torch.tensor([8.0, -8.0]).repeat(self.gate_width // 2)
            self.gates[0].bias.copy_(-self.gates[0].weight[:, 0] * torch.linspace(-1, 1, self.gate_width))
            # All factors are 1 and all shifts 0 at first: it starts as a VAE, and no latent dies by bad luck.
            self.gates[2].weight.zero_()
            self.gates[2].bias.zero_()

    def encode(self, x: Tensor, beta: float | Tensor) -> Normal:
        """Images (B, C, H, W) → the posterior over (B, D) at `beta`, one number or one for each image (B,).

        Raises TypeError or ValueError for another `x` or `beta`.
        """
        self.check("x", x)
        *gates, gate_of_head = self._gates_at("encoder", beta, x)
        return _posterior(gate_of_head(self.head(_gated(self.trunk, x - self.mean_image, gates))))

    def decode(self, z: Tensor, beta: float | Tensor) -> Tensor:
        """Latents (B, D) → images (B, C, H, W) in [0, 1] at `beta`, one number or one for each latent (B,).

        Raises TypeError or ValueError for another `z` or `beta`.
        """
        self._check_latents(z)
        gate_of_z, *gates = self._gates_at("decoder", beta, z)
        return _gated(self.decoder, gate_of_z(z), gates)

    @torch.no_grad()
    def at(self, beta: float) -> VAE:
        """The VAE at this `beta`, with weights of its own: an ordinary one, for a gate is a linear map like those
        on either side of it and can be multiplied into them. Raises TypeError or ValueError for another `beta`."""
        vae = VAE(self.image_shape, self.latent_dim, self.hidden, mean_image=self.mean_image)
        vae.to(self.head.weight).load_state_dict({k: v for k, v in self.state_dict().items() if "gates" not in k})
        of_encoder = self._gates_at("encoder", beta, self.head.weight)
        of_decoder = self._gates_at("decoder", beta, self.head.weight)
        for linear, gate in zip([*_linear(vae.trunk)[1:], vae.head], of_encoder, strict=False):
            gate.before(linear)
        of_encoder[-1].after(vae.head)
        for linear, gate in zip(_linear(vae.decoder), of_decoder, strict=True):
            gate.before(linear)
        return vae

    def draw_betas(self, n: int, generator: torch.Generator) -> Tensor:
        """`n` values of β from 0 to 100, (n,), for a batch of training: one from each n-th part of the scale, in a
        random order, so that every batch has seen them all."""
        device = generator.device
        parts = torch.randperm(n, generator=generator, device=device)
        share = (parts + torch.rand(n, generator=generator, device=device)) / n  # (n,), from 0 to 1
        return beta_at(2 * share - 1).to(self.head.weight.dtype)

    def _gates_at(self, part: str, beta: float | Tensor, batch: Tensor) -> list["_Gate"]:
        """The gates of the "encoder" or the "decoder", in the order in which the `batch` meets them."""
        if not isinstance(beta, Tensor):
            check_beta(beta)
            beta = batch.new_full((1,), beta)
        if not beta.is_floating_point():
            raise TypeError(f"beta must be a number or a floating-point tensor, got {beta.dtype}")
        if beta.shape not in ((1,), (len(batch),)):
            raise ValueError(f"beta must be one number or have shape ({len(batch)},), got {tuple(beta.shape)}")
        if not ((beta >= 0) & (beta <= GREATEST_BETA)).all():
            raise ValueError(f"beta must lie between 0 and {GREATEST_BETA:g}, which is what a MultiRateVAE learns")
        sizes = [*self.hidden, 2 * self.latent_dim, self.latent_dim, *reversed(self.hidden)]
        numbers = self.gates(scale_of(beta)[:, None]).split([2 * size for size in sizes], dim=1)  # (B or 1, 2 size)
        gates = [_Gate(*both.chunk(2, dim=1)) for both in numbers]
        in_encoder = len(self.hidden) + 1
        return gates[:in_encoder] if part == "encoder" else gates[in_encoder:]


class _Gate(NamedTuple):
    """A FiLM gate: `factor` and `shift` (B or 1, units)."""

    factor: Tensor  # minus 1
    shift: Tensor

    def __call__(self, h: Tensor) -> Tensor:
        return h * (1 + self.factor) + self.shift

    def before(self, linear: nn.Linear) -> None:
        """Multiply this gate, for one β, into the `linear` layer that comes after it."""
        linear.bias.add_(linear.weight @ self.shift[0])
        linear.weight.mul_(1 + self.factor)  # column by column

    def after(self, linear: nn.Linear) -> None:
        """Multiply this gate, for one β, into the `linear` layer that it comes after."""
        linear.weight.mul_(1 + self.factor.T)  # row by row
        linear.bias.mul_(1 + self.factor[0]).add_(self.shift[0])


def scale_of(beta: Tensor) -> Tensor:
    """Where β stands on the scale of `MultiRateVAE`, from −1 (β = 0) to 1 (β = 100): t = log(β + 0.01) / log 100,
    nearly; logarithmic but at its left end."""
    return (beta + _LEAST).log() / _SPAN


def beta_at(t: Tensor) -> Tensor:
    """The β at `t` on that scale: the inverse of `scale_of`."""
    return ((t * _SPAN).exp() - _LEAST).clamp(0, GREATEST_BETA)


def sample(q: Normal, generator: torch.Generator | None = None) -> Tensor:
    """z = μ + σ ε with ε ~ N(0, 1), (B, D): what `q.rsample()` does, but from a `generator` of one's own."""
    if not isinstance(q, Normal):
        raise TypeError(f"q must be a torch.distributions.Normal, got {type(q).__name__}")
    device = q.mean.device if generator is None else generator.device
    epsilon = torch.randn(q.mean.shape, generator=generator, dtype=q.mean.dtype, device=device).to(q.mean.device)
    return q.mean + q.stddev * epsilon


def check_model(model, name: str, images: Tensor, *, called: str = "model") -> None:
    """Raise TypeError or ValueError unless `model` can encode the `images`. The message uses the names given here.

    A model of one's own needs `encode` and `decode`; how its images must look, it knows best.
    """
    coder = callable(getattr(model, "encode", None)) and callable(getattr(model, "decode", None))
    if not coder or isinstance(model, type):
        raise TypeError(f"{called} must be an Autoencoder or a VAE, got {model if coder else type(model).__name__}")
    check_images(name, images)
    if isinstance(model, _ImageCoder):
        model.check(name, images)


def _posterior(head: Tensor) -> Normal:
    """μ and log σ² (B, 2 D) → N(μ, σ²) over (B, D).

    log σ² is bent softly to stay within ±20, so that σ can neither reach 0 nor overflow, and its gradient fades
    instead of stopping dead at a bound.
    """
    mu, log_var = head.chunk(2, dim=1)  # (B, D) each
    log_var = _LIMIT * torch.tanh(log_var / _LIMIT)
    return Normal(mu, torch.exp(0.5 * log_var), validate_args=False)  # losses.py checks, with a clearer message


def _gated(layers: nn.Sequential, h: Tensor, gates: Iterable[_Gate]) -> Tensor:
    """`h` through the `layers`, with one of the `gates` after each hidden one."""
    gates = iter(gates)
    for layer in layers:
        h = layer(h)
        if isinstance(layer, nn.SiLU):
            h = next(gates)(h)
    return h


def _linear(layers: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in layers if isinstance(layer, nn.Linear)]


def _layers(*sizes: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.SiLU()]
    return layers


def _path(path: str | os.PathLike) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a str or a Path, got {type(path).__name__}")
    return Path(path)


def _sizes(name: str, values) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)) or any(isinstance(v, bool) or not isinstance(v, int) for v in values):
        raise TypeError(f"{name} must be made of whole numbers, got {values!r}")
    if len(values) == 0 or min(values) < 1:
        raise ValueError(f"{name} must be at least 1 everywhere, got {values!r}")
    return tuple(values)
