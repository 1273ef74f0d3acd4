"""Training: one function for every model of the course, and one that trains several of them at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, nullcontext

import torch
from torch import Tensor, nn
from torch.distributions import Normal
from tqdm.auto import tqdm

from vaelib import require
from vaelib.adam import OneCycleAdam
from vaelib.history import History
from vaelib.language import _
from vaelib.losses import (
    Loss,
    _distortion,
    _kl,
    _multi_rate_loss,
    _vae_loss,
    reconstruction_error,
    require_likelihood,
    vae_loss,
)
from vaelib.models import _sample, code_of, in_mode, require_images_for, sample
from vaelib.multirate import MultiRateVAE
from vaelib.training_cache import train_or_recall


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

    The UAE minimises the reconstruction term, the VAE `vae_loss`, the MultiRateVAE the same loss with a β drawn anew
    for each image and weighed so that no β gets all the attention. A model of your own needs `encode`, which returns
    codes (B, D) or a Normal over (B, D), and `decode`; it is trained in train mode and then given back as it was.

    - `epochs`: how often every image is seen.
    - `beta`: the weight of the KL term, 1 if None. A MultiRateVAE takes none: it learns every β from 0 to 100.
    - `reconstruction`, `scale`: the likelihood, as in `vae_loss`.
    - `learning_rate`: the peak of the cycle (Smith and Topin 2017, arXiv 1708.07120).
    - `seed`: fixes the order of the images and the samples of z. A run can be repeated on one machine, and the global
      random generator is not touched.
    - `callback(epoch, history)`: is called after each epoch, counted from 1.
    - `progress`: show a bar.
    - `fresh`: train even if `make warm` kept the same training. Without it the model gets the weights that it got
      then, `callback` is called as it was then, and a line says so, see `vaelib.training_cache`.

    Returns the `History`. Interrupting the training (the kernel's stop button) returns the history so far and leaves a
    usable model. Raises TypeError or ValueError that names the argument, FloatingPointError if the loss stops being
    finite.
    """
    settings = _settings("model", model, beta, images, epochs, reconstruction, scale, batch_size, learning_rate, seed)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function of epoch and history, got {type(callback).__name__}")
    require.flag("progress", progress)
    require.flag("fresh", fresh)
    return _fit(model, images, settings, callback, lambda steps: _bar(steps, progress), fresh)


def fit_all(
    models: Sequence,
    images: Tensor,
    *,
    epochs: int = 12,
    beta: float | Sequence[float | None] | None = None,
    reconstruction: str = "l1",
    scale: float = 1.0,
    batch_size: int = 64,
    learning_rate: float = 6e-3,
    seed: int = 0,
    progress: bool = True,
    fresh: bool = False,
) -> list[History]:
    """`fit` for several `models` on the same `images`, as many at once as torch may use threads.

    Networks as small as ours gain little from a second core each, and much from one of their own: on two cores all of
    them are done in about half the time. Each comes out as from `fit`, but for the last digits.

    - `beta`: one number for all of them, or a list with one (or None) for each.
    - the other arguments: as in `fit`, for all of them. A layer that draws from torch's global generator, a Dropout,
      can't be repeated here, since the trainings take turns with it.

    Returns a `History` for each. Interrupting stops all of them. Raises as `fit` does, and nothing is trained if an
    argument is at fault.
    """
    if not isinstance(models, Sequence) or not models:
        raise TypeError(f"models must be a list of at least one model, got {require.shown(models)}")
    if len({id(model) for model in models}) < len(models):
        raise ValueError("models must be different ones: two trainings of one model would get into each other's way")
    betas = list(beta) if isinstance(beta, (list, tuple)) else [beta] * len(models)
    if len(betas) != len(models):
        raise ValueError(f"beta must be one number, or one for each of the {len(models)} models, got {len(betas)}")
    of_all = (images, epochs, reconstruction, scale, batch_size, learning_rate, seed)
    settings = [
        _settings(f"models[{k}]", model, its_beta, *of_all)
        for k, (model, its_beta) in enumerate(zip(models, betas, strict=True))
    ]
    require.flag("progress", progress)
    require.flag("fresh", fresh)
    shares, threads = [_Share() for _model in models], torch.get_num_threads()
    steps, at_once = len(models) * epochs * -(-len(images) // batch_size), min(threads, len(models))
    with (
        ExitStack() as shown,
        # torch keeps that number for each thread of Python apart.
        ThreadPoolExecutor(at_once, initializer=torch.set_num_threads, initargs=(threads // at_once,)) as pool,
    ):
        trainings = [
            pool.submit(_fit, model, images, its_settings, None, lambda _steps, share=share: nullcontext(share), fresh)
            for model, its_settings, share in zip(models, settings, shares, strict=True)
        ]
        bar, unfinished = None, trainings
        try:
            while unfinished:
                finished, unfinished = wait(unfinished, timeout=0.2, return_when=FIRST_EXCEPTION)
                if done := sum(share.steps for share in shares):  # none if all of them were kept
                    if bar is None:
                        bar = shown.enter_context(_bar(steps, progress))
                    bar.update(done - bar.n)
                if any(training.exception() for training in finished):
                    break
        except KeyboardInterrupt:
            pass  # from here on each of them is interrupted as the user's one training would be
        for share in shares:
            share.stopped = True
    for k, training in enumerate(trainings):
        if error := training.exception():
            error.add_note(f"This happened in the training of models[{k}].")
    return [training.result() for training in trainings]


class _Share:
    """What the bar is to a training that is one of several: it counts the steps, and can stop the training."""

    steps, stopped = 0, False

    def update(self) -> None:
        self.steps += 1
        if self.stopped:
            raise KeyboardInterrupt

    def set_postfix(self, values: dict) -> None:
        """Several losses in one line would tell nobody anything."""


def _bar(steps: int, progress: bool):
    return tqdm(total=steps, desc=_("training"), unit=_("step"), disable=not progress)


def _settings(name, model, beta, images, epochs, reconstruction, scale, batch_size, learning_rate, seed) -> dict:
    """Those of one training, once they and the model, the argument `name`, are found fit for it."""
    require_images_for(model, images, model_name=name, anywhere=True)
    if not isinstance(model, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module to be trained, got {type(model).__name__}")
    if not any(weights.requires_grad for weights in model.parameters()):
        raise ValueError(f"{name} must have weights that can be trained: it has none, or all of them are frozen")
    if not isinstance(model, MultiRateVAE):
        beta = require.number("beta", 1.0 if beta is None else beta, least=0)
    elif beta is not None:
        raise ValueError(
            f"beta must not be given: {name} is a MultiRateVAE, which learns every β from 0 to 100, got "
            f"{require.shown(beta)}"
        )
    require_likelihood(reconstruction, scale)
    require.whole_number("epochs", epochs, most=100_000)
    require.whole_number("batch_size", batch_size)
    require.seed("seed", seed)
    require.number("learning_rate", learning_rate, above=0)
    require.finite("images", images)
    require.pixels("images", images)
    scale = float(scale)
    _require_a_loss(name, model, images[:2].to(next(model.parameters()).device), beta, reconstruction, scale)
    return {
        "epochs": epochs,
        "beta": beta,
        "reconstruction": reconstruction,
        "scale": scale,
        "batch_size": batch_size,
        "learning_rate": float(learning_rate),
        "seed": seed,
    }


def _fit(model, images: Tensor, settings: dict, callback, open_bar: Callable, fresh: bool) -> History:
    """`fit`, its arguments checked; `open_bar(steps)` is a context in which there is a bar."""
    images = images.detach().to(next(model.parameters()).device)

    def train(callback) -> History:
        with in_mode(model, training=True):
            return _train(model, images, callback, open_bar, **settings)

    return train_or_recall(train, model, images, settings, callback, fresh=fresh)


def _train(
    model, images, callback, open_bar, *, epochs, beta, reconstruction, scale, batch_size, learning_rate, seed
) -> History:
    """The loop."""
    generator = torch.Generator(images.device).manual_seed(seed)
    steps = -(-len(images) // batch_size)  # of one epoch
    optimizer = OneCycleAdam(model, learning_rate, epochs * steps)
    history = History(beta)
    with open_bar(epochs * steps) as bar:
        try:
            for epoch in range(1, epochs + 1):
                sums = 0.0
                for batch in torch.randperm(len(images), generator=generator, device=images.device).split(batch_size):
                    x = images[batch]  # (B, C, H, W)
                    loss = _loss(model, x, beta, reconstruction, scale, generator)
                    if not loss.total.isfinite():
                        raise FloatingPointError(
                            f"the loss stopped being finite in epoch {epoch}; try a smaller learning_rate"
                        )
                    optimizer.zero_grad()
                    loss.total.backward()
                    optimizer.step()
                    parts = torch.cat([torch.stack(loss[:3]), loss.kl_per_latent]).detach()
                    sums = sums + len(x) * parts.to(torch.promote_types(parts.dtype, torch.float32))  # room for a sum
                    bar.update()
                total, error, kl, *kl_per_latent = (sums / len(images)).tolist()
                history.add(total, error, kl, tuple(kl_per_latent))
                now = {"KL": kl, _("loss"): total, _("reconstruction"): error}
                bar.set_postfix({name: f"{value:.1f}" for name, value in now.items()})
                if callback is not None:
                    callback(epoch, history)
        except KeyboardInterrupt:
            history.interrupted = True
    optimizer.zero_grad()  # nobody needs the last gradients, and they take as much memory as the weights
    return history


def _loss(model, x: Tensor, beta: float | None, reconstruction: str, scale: float, generator) -> Loss:
    """The loss of `model` on a batch `x` (B, C, H, W); not finite where its weights went astray."""
    betas = [model.draw_betas(len(x), generator)] if isinstance(model, MultiRateVAE) else []  # (B,)
    code = model.encode(x, *betas)
    z = _sample(code, generator) if isinstance(code, Normal) else code  # (B, D)
    if not z.isfinite().all():  # a decoder would call it a bad argument
        return Loss(*[z.new_full((), torch.nan)] * 3, z.new_zeros(0))
    error = _distortion(x, model.decode(z, *betas), reconstruction, scale)  # (B,)
    if betas:
        return _multi_rate_loss(error, _kl(code), *betas)
    if isinstance(code, Normal):
        return _vae_loss(error, _kl(code), beta)
    error = error.mean()
    return Loss(error, error, error.new_zeros(()), error.new_zeros(0))


@torch.no_grad()
def _require_a_loss(name: str, model, x: Tensor, beta: float | None, reconstruction: str, scale: float) -> None:
    """A model of one's own may not fit the images: let that show here, before the bar, and by the public functions."""
    if isinstance(model, MultiRateVAE):
        return
    with in_mode(model, training=False):  # in train mode a BatchNorm would learn from these images already
        code = code_of(model, x, model_name=name)
        if isinstance(code, Normal):
            x_hat = model.decode(sample(code, torch.Generator(x.device)))
            vae_loss(x, x_hat, code, beta, reconstruction, scale)
        else:
            reconstruction_error(x, model.decode(code), reconstruction, scale)
