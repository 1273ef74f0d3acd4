"""One network for every β: the VAE once more, with gates that tell each layer which β is meant."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from vaelib import require
from vaelib.models import VAE, ImageCoder, posterior_of, require_images_for, require_latents_for

GREATEST_BETA = 100.0
LOG_GREATEST_BETA = math.log(GREATEST_BETA)
BETA_OFFSET = 1 / GREATEST_BETA  # added to β before the logarithm, so that β = 0 has a place at the scale's left end
GATE_SLOPE = 8.0  # of each gate unit on the scale of β: steep, since latents die suddenly


class MultiRateVAE(ImageCoder):
    """One network for every β from 0 to 100 (Bae et al. 2023, arXiv 2212.03905): a VAE whose layers are gated by β.

    What leaves a hidden layer of the encoder or the decoder, the encoder's head, and the z that enters the decoder,
    is multiplied by one number for each unit, and another is added (FiLM, Perez et al. 2018, arXiv 1709.07871). All
    these numbers come from one small network, `gates`, which sees only where β stands on its scale. Arguments are
    those of `VAE`, and with the same seed both start with the same weights.
    """

    outputs_per_latent = 2  # μ and log σ²
    at_one_beta = False
    gate_width = 16

    def _add_layers(self) -> None:
        gated_units = 2 * sum(self.hidden) + 3 * self.latent_dim
        self.gates = nn.Sequential(
            nn.Linear(1, self.gate_width), nn.SiLU(), nn.Linear(self.gate_width, 2 * gated_units)
        )
        with torch.no_grad():
            # Each unit bends at its own place on the scale of β.
            self.gates[0].weight[:, 0] = torch.tensor([GATE_SLOPE, -GATE_SLOPE]).repeat(self.gate_width // 2)
            self.gates[0].bias.copy_(-self.gates[0].weight[:, 0] * torch.linspace(-1, 1, self.gate_width))
            # All gains are 1 and all shifts 0 at first: it starts as a VAE, and no latent dies by bad luck.
            self.gates[2].weight.zero_()
            self.gates[2].bias.zero_()

    def encode(self, x: Tensor, beta: float | Tensor) -> Normal:
        """Images (B, C, H, W) → the posterior over (B, D) at `beta`, one number or one for each image (B,).

        Raises TypeError or ValueError for another `x` or `beta`.
        """
        require_images_for(self, x, images_name="x")
        of_layers, of_head, _, _ = self._gates_at(_require_betas(beta, x))
        hidden = _gated(self.trunk, x - self.mean_image, of_layers)
        return posterior_of(of_head(self.head(hidden)))

    def decode(self, z: Tensor, beta: float | Tensor) -> Tensor:
        """Latents (B, D) → images (B, C, H, W) in [0, 1] at `beta`, one number or one for each latent (B,).

        Raises TypeError or ValueError for another `z` or `beta`.
        """
        require_latents_for(self, z)
        _, _, of_z, of_layers = self._gates_at(_require_betas(beta, z))
        return _gated(self.decoder, of_z(z), of_layers)

    @torch.no_grad()
    def at(self, beta: float) -> VAE:
        """The VAE at this `beta`, with weights of its own: an ordinary one, for a gate is a linear map like those
        on either side of it and can be multiplied into them. Raises TypeError or ValueError for another `beta`."""
        of_encoder, of_head, of_z, of_decoder = self._gates_at(
            _require_betas(require.number("beta", beta, least=0), self.head.weight)
        )
        vae = VAE(self.image_shape, self.latent_dim, self.hidden, mean_image=self.mean_image)
        ungated = {name: weights for name, weights in self.state_dict().items() if not name.startswith("gates.")}
        vae.to(self.head.weight).load_state_dict(ungated)
        after_each_gate = [*_linear(vae.trunk)[1:], vae.head]
        for gate, linear in zip(of_encoder, after_each_gate, strict=True):
            gate.fold_into_next(linear)
        of_head.fold_into_previous(vae.head)
        for gate, linear in zip([of_z, *of_decoder], _linear(vae.decoder), strict=True):
            gate.fold_into_next(linear)
        return vae

    def draw_betas(self, n: int, generator: torch.Generator) -> Tensor:
        """`n` values of β from 0 to 100, (n,), for a batch of training: one from each n-th part of the scale, in a
        random order, so that every batch has seen them all."""
        device = generator.device
        parts = torch.randperm(n, generator=generator, device=device)
        share = (parts + torch.rand(n, generator=generator, device=device)) / n  # (n,), from 0 to 1
        return beta_at(2 * share - 1).to(self.head.weight.dtype)

    def _gates_at(self, betas: Tensor) -> tuple[list["_Gate"], "_Gate", "_Gate", list["_Gate"]]:
        """The gates in the order in which an image meets them, for `betas` (B,) or (1,): one after each hidden layer
        of the encoder, that of its head, that of z, and one after each hidden layer of the decoder."""
        units = [*self.hidden, 2 * self.latent_dim, self.latent_dim, *reversed(self.hidden)]
        numbers = self.gates(scale_of(betas)[:, None])  # (B or 1, 2 · units): gain and shift of each unit
        gates = [_Gate(*both.chunk(2, dim=1)) for both in numbers.split([2 * n for n in units], dim=1)]
        depth = len(self.hidden)
        return gates[:depth], gates[depth], gates[depth + 1], gates[depth + 2 :]


class _Gate(NamedTuple):
    """A FiLM gate over some units: what they are multiplied by, less 1, and what is added, (B or 1, units) each."""

    gain_minus_one: Tensor
    shift: Tensor

    def __call__(self, h: Tensor) -> Tensor:
        return h * (1 + self.gain_minus_one) + self.shift

    def fold_into_next(self, linear: nn.Linear) -> None:
        """Multiply this gate, for one β, into the `linear` layer that comes after it."""
        linear.bias.add_(linear.weight @ self.shift[0])
        linear.weight.mul_(1 + self.gain_minus_one)  # column by column

    def fold_into_previous(self, linear: nn.Linear) -> None:
        """Multiply this gate, for one β, into the `linear` layer that it comes after."""
        linear.weight.mul_(1 + self.gain_minus_one.T)  # row by row
        linear.bias.mul_(1 + self.gain_minus_one[0]).add_(self.shift[0])


def scale_of(beta: Tensor) -> Tensor:
    """Where β stands on the scale of `MultiRateVAE`, from −1 (β = 0) to 1 (β = 100): t = log(β + 0.01) / log 100,
    nearly; logarithmic except at its left end."""
    return (beta + BETA_OFFSET).log() / LOG_GREATEST_BETA


def beta_at(t: Tensor) -> Tensor:
    """The β at `t` on that scale: the inverse of `scale_of`."""
    return ((t * LOG_GREATEST_BETA).exp() - BETA_OFFSET).clamp(0, GREATEST_BETA)


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


def _require_betas(beta: float | Tensor, batch: Tensor) -> Tensor:
    """`beta` as a tensor (1,) or, one for each of the `batch`, (B,). Raises TypeError or ValueError for another."""
    if not isinstance(beta, Tensor) or beta.ndim == 0:
        beta = batch.new_tensor([require.number("beta", beta, least=0)])  # inf if its dtype has no such number
    require.floats("beta", beta)
    if beta.shape not in ((1,), (len(batch),)):
        raise ValueError(
            f"beta must be one number, or one for each row of x or z, ({len(batch)},), got {tuple(beta.shape)}"
        )
    if not ((beta >= 0) & (beta <= GREATEST_BETA)).all():
        raise ValueError(f"beta must lie between 0 and {GREATEST_BETA:g}, which is what a MultiRateVAE learns")
    return beta.to(batch)
