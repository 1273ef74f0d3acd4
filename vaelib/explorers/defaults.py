"""The course's own models and images for an explorer that is given none, and what it asks of those that it is given."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from vaelib import require
from vaelib.digits import Digits
from vaelib.digits import digits as bundled_digits
from vaelib.faces import Faces, faces
from vaelib.models import VAE, Autoencoder, ImageCoder, require_images_for
from vaelib.multirate import MultiRateVAE
from vaelib.trained import SHOWN_DIGITS, trained

SHOWN = 8  # images of a test set that can be chosen
MOST_LATENTS = 16  # that there is room for
KNOWN_LAYERS = (nn.Sequential, nn.Flatten, nn.Linear, nn.SiLU, nn.Sigmoid, nn.Unflatten)  # in the browser's network.js
ONLY_DENSE = (
    "this explorer decodes in the browser, which knows dense layers alone; latent_scatter, latent_maps, "
    "reconstructions and watch_training take any model with encode and decode"
)


def faces_models_or_defaults(
    autoencoder: Autoencoder | None,
    vae: VAE | None,
    train: Faces | None,
    test: Faces | None,
    names: Sequence[str],
    seed: int,
) -> tuple[Autoencoder, VAE, Faces, Faces]:
    """The course's own models and faces where these are None.

    Raises TypeError or ValueError that names the argument.
    """
    autoencoder = trained("faces-uae") if autoencoder is None else autoencoder
    vae = trained("faces").at(1.0) if vae is None else vae
    train = faces(2000, seed=0) if train is None else train
    test = faces(SHOWN, seed=1) if test is None else test
    require_for_the_browser("autoencoder", autoencoder, Autoencoder)
    require_for_the_browser("vae", vae, VAE)
    if vae.image_shape != autoencoder.image_shape:
        raise ValueError(
            f"vae must have the image shape of autoencoder, {autoencoder.image_shape}, it has {vae.image_shape}"
        )
    for name, given in (("train", train), ("test", test)):
        if not isinstance(given, Faces):
            raise TypeError(f"{name} must be Faces, with images and factors, got {type(given).__name__}")
        require_images_for(autoencoder, given.images, model_name="autoencoder", images_name=f"{name}.images")
        require_images_for(vae, given.images, model_name="vae", images_name=f"{name}.images")
        require.pixels(f"{name}.images", given.images)
    require.table("train.factors", train.factors, (len(train.images), None))
    require.names("names", names, of="train.factors", count=train.factors.shape[1])
    least = 1 + max(len(names), autoencoder.latent_dim, vae.latent_dim)
    if len(train.images) < least:
        raise ValueError(f"train must be at least {least} faces, got {len(train.images)}")
    if len(test.images) < SHOWN:
        raise ValueError(f"test must be at least {SHOWN} faces, got {len(test.images)}")
    require.seed("seed", seed)
    return autoencoder, vae, train, test


def require_for_the_browser(name: str, model: nn.Module, kind: type[nn.Module]) -> None:
    """A model of that `kind`, made of the layers that the browser knows. A subclass may have others."""
    got = type(model).__name__
    if isinstance(model, MultiRateVAE) and kind is VAE:
        raise TypeError(f"{name} must be a VAE, got {got}; take .at(beta) of it")
    if isinstance(model, nn.Module) and not isinstance(model, ImageCoder):
        raise TypeError(f"{name} must be vaelib's own {kind.__name__}, got {got}: {ONLY_DENSE}")
    if not isinstance(model, kind):
        raise TypeError(f"{name} must be of type {kind.__name__}, got {got}")
    require.channels(f"{name}'s images", model.image_shape[0])
    own = type(model).encode is kind.encode and type(model).decode is kind.decode
    if not own or not all(type(layer) in KNOWN_LAYERS for layer in model.modules() if layer is not model):
        raise TypeError(
            f"{name} must be vaelib's {kind.__name__} as it is, got one with layers of its own: {ONLY_DENSE}"
        )
    weight = model.head.weight
    require.there(f"{name}'s weights", weight)
    if not weight.is_cpu:
        raise ValueError(f"{name} must be on the CPU, its weights are on {weight.device}: {name}.cpu() moves them")


def require_in_a_plane(name: str, model: nn.Module, kind: type[nn.Module]) -> None:
    """A model of that `kind` with two latents, which the browser can decode in a plane."""
    require_for_the_browser(name, model, kind)
    if model.latent_dim != 2:
        raise ValueError(f"{name} must have 2 latents to be drawn in a plane, it has {model.latent_dim}")


def digits_or_defaults(digits: Digits | None, models: Mapping[str, nn.Module]) -> Digits:
    """Images with their classes that all the `models`, arguments by their names, can encode, as many as a plane shows:
    the bundled test digits if `digits` is None. Raises TypeError or ValueError that names the argument."""
    if digits is None:
        digits = bundled_digits("test")
    if not isinstance(digits, tuple) or len(digits) != 2:
        raise TypeError(f'digits must be images and their labels, as digits("test") are, got {type(digits).__name__}')
    images, labels = digits
    for name, model in models.items():
        require_images_for(model, images, model_name=name, images_name="digits.images")
    require.labels("digits.labels", labels, len(images))
    require.pixels("digits.images", images)
    return Digits(images[:SHOWN_DIGITS], labels[:SHOWN_DIGITS])


def rows_of_each_class(labels: Tensor) -> list[int]:
    """The row of the first image of each class."""
    labels = labels.tolist()
    return [labels.index(label) for label in sorted(set(labels))]
