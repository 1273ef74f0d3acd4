"""The models that come with the course, trained beforehand: `python -m vaelib.trained` (or `make weights`) trains them.

That takes a quarter of an hour on two cores, and every number is fixed by a seed. How good they are:
vaelib/data/trained/README.md.
"""

import os
from pathlib import Path
from typing import NamedTuple

from vaelib import require
from vaelib.digits import Digits, digits
from vaelib.faces import Faces, faces
from vaelib.models import VAE, Autoencoder
from vaelib.multirate import MultiRateVAE
from vaelib.recording import Recording, load_recordings, save_recordings
from vaelib.training import fit

WEIGHTS = Path(__file__).parent / "data" / "trained"
SHOWN_DIGITS = 300  # of the test set, in a plane: more marks hide each other


class Run(NamedTuple):
    """What a model is trained with: its class, its data, its number of latents, and what differs from `fit`'s own."""

    kind: type[Autoencoder] | type[MultiRateVAE]
    data: str
    latents: int
    settings: dict


# The digits' error is the cross-entropy, for ink is nearly black or white.
RUNS = {
    "faces": Run(MultiRateVAE, "faces", 10, {"epochs": 720, "seed": 1}),  # of seeds 0 to 2 this reads smiles best
    "faces-uae": Run(Autoencoder, "faces", 10, {"epochs": 480}),
    "digits": Run(MultiRateVAE, "digits", 2, {"epochs": 50, "reconstruction": "bce"}),
    "digits-uae": Run(Autoencoder, "digits", 2, {"epochs": 50, "reconstruction": "bce"}),
}


def trained(name: str) -> Autoencoder | MultiRateVAE:
    """One of the course's own models: "faces" or "digits", each a MultiRateVAE, "faces-uae" or "digits-uae".

    The faces have 10 latents, the digits 2. Raises ValueError for another name, or if the file is damaged.
    """
    require.choice("name", name, tuple(RUNS))
    return RUNS[name].kind.load(WEIGHTS / f"{name}.safetensors")


def data_of(name: str, split: str) -> Faces | Digits:
    """The images that the model `name` learnt from ("train"), or new ones to judge it by ("test").

    Raises ValueError for another `name` or `split`.
    """
    require.choice("name", name, tuple(RUNS))
    require.choice("split", split, ("train", "test"))
    if RUNS[name].data == "digits":
        return digits(split)
    return faces(4000, seed=0) if split == "train" else faces(1000, seed=1)


def train(name: str, **options) -> Autoencoder | MultiRateVAE:
    """Train the model `name` anew; `options` are those of `fit`, if they are to differ. The seed also sets the first
    weights."""
    require.choice("name", name, tuple(RUNS))
    kind, _, latents, settings = RUNS[name]
    settings = {"seed": 0, **settings, **options}
    images = data_of(name, "train").images
    model = kind(tuple(images.shape[1:]), latents, mean_image=images.mean(dim=0), seed=settings["seed"])
    fit(model, images, **settings)
    return model


def round_weights(model: Autoencoder | MultiRateVAE) -> None:
    """Round the weights of the layers, not their biases, to what 16 bits can hold, in place.

    A page without a kernel then holds them in half the bytes. The loss changes by less than a ten-thousandth of it;
    with rounded biases it would by up to four thousandths.
    """
    for weights in model.parameters():
        if weights.dim() == 2:
            weights.data = weights.data.half().float()


def training_run() -> tuple[Recording, Recording]:
    """The course's own recording of a training run: the UAE and the VAE with two latents, on digits they never saw.

    Raises ValueError if the file is damaged.
    """
    recordings = load_recordings(WEIGHTS / "training-run.safetensors")
    return recordings["uae"], recordings["vae"]


def record_training(*, epochs: int = 12, seed: int = 0, **options) -> dict[str, Recording]:
    """Train and record both anew, some seconds each; `options` are those of `fit`, if they are to differ."""
    train, test = digits("train").images, digits("test")
    images, labels = test.images[:SHOWN_DIGITS], test.labels[:SHOWN_DIGITS]
    recordings = {}
    for name, kind in (("vae", VAE), ("uae", Autoencoder)):
        model = kind(tuple(train.shape[1:]), 2, mean_image=train.mean(dim=0), seed=seed)
        recordings[name] = Recording(model, images, labels, reconstruction="bce", seed=seed)
        fit(model, train, epochs=epochs, reconstruction="bce", seed=seed, callback=recordings[name], **options)
    return recordings


if __name__ == "__main__":
    os.environ["VAELIB_KEPT"] = "off"  # what is stored was trained for it
    WEIGHTS.mkdir(exist_ok=True)
    for name in RUNS:
        print(name)
        model = train(name)
        round_weights(model)
        model.save(WEIGHTS / f"{name}.safetensors")
    print("training-run")
    save_recordings(record_training(), WEIGHTS / "training-run.safetensors")
