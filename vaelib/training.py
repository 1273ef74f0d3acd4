"""Training: one function for every model of the course."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor
from torch.distributions import Normal
from tqdm.auto import tqdm

from vaelib import kept
from vaelib.losses import (
    Loss,
    check_beta,
    check_likelihood,
    check_whole_number,
    kl_to_standard_normal,
    reconstruction_error,
    vae_loss,
)
from vaelib.models import MultiRateVAE, check_model, sample


@dataclass
class History:
    """What `fit` saw: the mean over each epoch's images of the loss and its parts, in nats.

    `loss`, `reconstruction` and `kl` hold a float for each epoch, `kl_per_latent` a tuple of D floats (empty for the
    UAE, whose `kl` is 0). `interrupted` says whether the training was stopped by hand. `beta` is None for a
    MultiRateVAE: its parts are means over all β, and its `loss` over their weighted sums, see `fit`.
    """

    beta: float | None
    loss: list[float] = field(default_factory=list)
    reconstruction: list[float] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)
    kl_per_latent: list[tuple[float, ...]] = field(default_factory=list)
    interrupted: bool = False

    def plot(self):
        """The training curves as a matplotlib Figure with an alt text, see `vaelib.figures.training_curves`."""
        from vaelib.figures import training_curves  # the one import from below: a history knows how to draw itself

        return training_curves(self)


def fit(
    model,
    images: Tensor,
    *,
    epochs: int = 12,
    beta: float | None = None,
    reconstruction: str = "l1",
    scale: float = 1.0,
    batch_size: int = 64,
    learning_rate: float = 6e-3,
    seed: int = 0,
    callback: Callable[[int, History], None] | None = None,
    progress: bool = True,
    fresh: bool = False,
) -> History:
    """Train `model` (Autoencoder, VAE or MultiRateVAE) on `images` (n, C, H, W) in place: Adam, a one-cycle rate.

    The UAE minimises the reconstruction term, the VAE `vae_loss` with `beta` (1 if None). The MultiRateVAE takes no
    `beta`: it minimises the same loss with a β drawn anew for each image, divided by (β + 0.1)^¼, else the large β
    with their large losses would get all the attention. `reconstruction` and `scale` are those of `vae_loss`.
    `learning_rate` is the peak of the cycle (Smith and Topin 2017, arXiv 1708.07120). `seed` fixes the order of the
    images and the samples of z: a run can be repeated on one machine, and the global random generator is not touched.
    `callback(epoch, history)` is called after each epoch, counted from 1. Interrupting the training (the kernel's
    stop button) returns the history so far and leaves a usable model.
    After `make warm` a training that was done before is not done again, unless `fresh`: the model gets the weights
    that it got then, `callback` is called as it was then, and a line says so, see `vaelib.kept`.
    Raises TypeError or ValueError that names the argument, FloatingPointError if the loss stops being finite.
    """
    check_model(model, "images", images)
    if isinstance(model, MultiRateVAE):
        if beta is not None:
            raise ValueError(f"beta must not be given: a MultiRateVAE learns every β from 0 to 100, got {beta!r}")
    else:
        beta = 1.0 if beta is None else beta
        check_beta(beta)
    check_likelihood(reconstruction, scale)
    for name, value, least in (("epochs", epochs, 1), ("batch_size", batch_size, 1), ("seed", seed, 0)):
        check_whole_number(name, value, least)
    if isinstance(learning_rate, bool) or not isinstance(learning_rate, (int, float)):
        raise TypeError(f"learning_rate must be a number, got {type(learning_rate).__name__}")
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate must be a finite number above 0, got {learning_rate}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function of epoch and history, got {type(callback).__name__}")
    device = next(model.parameters()).device
    images = images.detach().to(device)
    if not images.sum().isfinite():  # NaN and inf reach the sum
        raise ValueError("images must be finite, they hold NaN or inf")
    if reconstruction == "bce" and not ((images >= 0) & (images <= 1)).all():
        raise ValueError('images must lie in [0, 1] for reconstruction="bce"')
    # A model of one's own may not fit the images: let that show here, before the bar.
    _loss(model, images[:2], beta, reconstruction, scale, torch.Generator(device))
    settings = {
        "epochs": epochs,
        "beta": beta if beta is None else float(beta),
        "reconstruction": reconstruction,
        "scale": float(scale),
        "batch_size": batch_size,
        "learning_rate": float(learning_rate),
        "seed": seed,
    }
    home = kept.folder()
    if home is None or not kept.can_be_kept(model, copies=epochs if callback else 1):
        return _train(model, images, callback, progress, **settings)
    place = kept.Kept(home, model, images, settings | {"each epoch": callback is not None})
    earlier = None if fresh else place.read()
    if earlier is not None:
        print("trained earlier with these settings; fit(..., fresh=True) trains again")
        return _replay(model, *earlier, callback)
    weights = []  # after each epoch for a callback, which may look at them, else the last ones
    history = _train(model, images, callback and _watched(model, callback, weights), progress, **settings)
    if callback is None:
        weights.append(_weights(model))
    if not history.interrupted and None not in weights:
        place.write(asdict(history), weights)
    return history


def _train(
    model, images, callback, progress, *, epochs, beta, reconstruction, scale, batch_size, learning_rate, seed
) -> History:
    generator = torch.Generator(images.device).manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, betas=(0.9, 0.99), fused=True)
    steps = -(-len(images) // batch_size)
    total = epochs * steps + 1
    schedule = torch.optim.lr_scheduler.OneCycleLR(  # its way up takes a step at least, however short the run
        optimizer, max_lr=learning_rate, total_steps=total, pct_start=max(0.2, 2 / total), cycle_momentum=False
    )
    history = History(beta)
    with tqdm(total=epochs * steps, desc="training", unit="step", disable=not progress) as bar:
        try:
            for epoch in range(1, epochs + 1):
                sums = 0.0
                for batch in torch.randperm(len(images), generator=generator, device=images.device).split(batch_size):
                    x = images[batch]
                    try:
                        loss = _loss(model, x, beta, reconstruction, scale, generator)
                        if not loss.total.isfinite():
                            raise ValueError("the loss is not finite")
                    except ValueError as error:  # the arguments were right: it is the weights that went astray
                        raise FloatingPointError(
                            f"the loss stopped being finite in epoch {epoch}; try a smaller learning_rate"
                        ) from error
                    optimizer.zero_grad()
                    loss.total.backward()
                    optimizer.step()
                    schedule.step()
                    sums = sums + len(x) * torch.cat([torch.stack(loss[:3]), loss.kl_per_latent]).detach()
                    bar.update()
                _record(history, sums / len(images))
                bar.set_postfix(_running(history))
                if callback is not None:
                    callback(epoch, history)
        except KeyboardInterrupt:
            history.interrupted = True
    return history


def _weights(model) -> dict[str, Tensor]:
    return {name: values.detach().clone() for name, values in model.state_dict().items()}


def _watched(model, callback, weights: list[dict[str, Tensor] | None]):
    """The `callback`; after each call the model's weights are added to the list `weights`, or None if it changed them:
    then it shaped the training, and nobody can tell by what."""

    def watched(epoch: int, history: History) -> None:
        before = _weights(model)
        callback(epoch, history)
        untouched = all(torch.equal(before[name], now) for name, now in model.state_dict().items())
        weights.append(before if untouched else None)

    return watched


def _replay(model, past: dict, weights: list[dict[str, Tensor]], callback) -> History:
    """What `_train` did in the `past`, once more: its history, its weights, its calls."""
    history = History(past["beta"])
    try:
        for epoch in range(1, len(past["loss"]) + 1):
            for name in ("loss", "reconstruction", "kl"):
                getattr(history, name).append(past[name][epoch - 1])
            history.kl_per_latent.append(tuple(past["kl_per_latent"][epoch - 1]))
            if callback is not None:
                model.load_state_dict(weights[epoch - 1])
                callback(epoch, history)
        if callback is None:
            model.load_state_dict(weights[-1])
    except KeyboardInterrupt:
        history.interrupted = True
    return history


def _loss(model, x: Tensor, beta: float | None, reconstruction: str, scale: float, generator) -> Loss:
    if isinstance(model, MultiRateVAE):
        betas = model.draw_betas(len(x), generator)  # (B,)
        q = model.encode(x, betas)
        error = reconstruction_error(x, model.decode(sample(q, generator), betas), reconstruction, scale)  # (B,)
        kl = kl_to_standard_normal(q)  # (B, D)
        total = ((error + betas * kl.sum(dim=1)) / (betas + 0.1) ** 0.25).mean()
        return Loss(total, error.mean(), kl.sum(dim=1).mean(), kl.mean(dim=0))
    code = model.encode(x)
    if isinstance(code, Normal):
        return vae_loss(x, model.decode(sample(code, generator)), code, beta, reconstruction, scale)
    error = reconstruction_error(x, model.decode(code), reconstruction, scale).mean()
    return Loss(error, error, error.new_zeros(()), error.new_zeros(0))


def _record(history: History, means: Tensor) -> None:
    total, reconstruction, kl, *kl_per_latent = means.tolist()
    history.loss.append(total)
    history.reconstruction.append(reconstruction)
    history.kl.append(kl)
    history.kl_per_latent.append(tuple(kl_per_latent))


def _running(history: History) -> dict[str, str]:
    parts = {"loss": history.loss, "reconstruction": history.reconstruction, "KL": history.kl}
    return {name: f"{values[-1]:.1f}" for name, values in parts.items()}
