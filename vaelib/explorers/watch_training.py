"""A training run to play and to wind back."""

import torch
from traitlets import Bool, Dict

from vaelib.explorers.base import Explorer, Index, bundle
from vaelib.recording import Recording
from vaelib.trained import training_run


class WatchTraining(Explorer):
    """See `watch_training`. Traits: `epoch`, from 0, and `playing`."""

    _esm = bundle("watch_training")
    pictures = Dict().tag(sync=True)  # name → bytes, a pixel each
    epoch = Index(of="epochs", inclusive=True).tag(sync=True)
    playing = Bool(False).tag(sync=True)


def watch_training(autoencoder: Recording | None = None, vae: Recording | None = None) -> WatchTraining:
    """A training run to play and to wind back: the latent plane, samples, reconstructions and losses, epoch by epoch.

    `autoencoder` and `vae` are `Recording`s of equally many epochs, and of the same images, to be compared; one alone
    is shown alone. If both are None, the course's own are shown: the digits, 12 epochs.
    Raises TypeError or ValueError that names the argument.
    """
    if vae is None and autoencoder is None:
        autoencoder, vae = training_run()
    recordings = {"autoencoder": autoencoder, "vae": vae}
    recordings = {name: recording for name, recording in recordings.items() if recording is not None}
    for name, recording in recordings.items():
        _require_recording(name, recording)
    if len(recordings) == 2:
        _require_same_run(autoencoder, vae)
    arrays, pictures = {}, {}
    for name, recording in recordings.items():
        prefix = "vae" if name == "vae" else "uae"
        for field, values in recording.stacked().items():
            kind = pictures if values.dtype == torch.uint8 else arrays
            kind[f"{prefix}.{field}"] = values
    shown = autoencoder if vae is None else vae
    pictures["images"] = shown.images
    about = {"shape": list(shown.images.shape[1:]), "labels": shown.labels.tolist(), "epochs": shown.epochs}
    return WatchTraining(arrays, about, pictures={name: values.numpy().tobytes() for name, values in pictures.items()})


def _require_recording(name: str, recording: Recording) -> None:
    """A Recording of the right kind of model that has seen an epoch."""
    if not isinstance(recording, Recording):
        raise TypeError(f"{name} must be a Recording, got {type(recording).__name__}")
    if recording.of_vae != (name == "vae"):
        raise ValueError(f"{name} must be a recording of {'a VAE' if name == 'vae' else 'an Autoencoder'}")
    if recording.epochs == 0:
        raise ValueError(f"{name} must have seen an epoch: give it to fit as the callback")


def _require_same_run(autoencoder: Recording, vae: Recording) -> None:
    """Two recordings that can be compared, epoch by epoch and image by image."""
    if vae.epochs != autoencoder.epochs:
        raise ValueError(f"autoencoder must have {vae.epochs} epochs, as vae has, got {autoencoder.epochs}")
    if not torch.equal(vae.labels, autoencoder.labels) or not torch.equal(vae.images, autoencoder.images):
        raise ValueError("autoencoder must be recorded on the same images as vae")
