"""vaelib: the models, data, measures and figures of the course on variational autoencoders."""

from vaelib.digits import digits
from vaelib.faces import faces
from vaelib.history import History
from vaelib.losses import kl_to_standard_normal, vae_loss
from vaelib.models import VAE, Autoencoder
from vaelib.multirate import MultiRateVAE
from vaelib.training import fit, fit_all

__all__ = [
    "VAE",
    "Autoencoder",
    "MultiRateVAE",
    "digits",
    "faces",
    "fit",
    "fit_all",
    "kl_to_standard_normal",
    "vae_loss",
]


def _plot(history: History):
    """The training curves as a matplotlib Figure with an alt text, see `vaelib.figures.training_curves`."""
    from vaelib.figures import training_curves  # only when asked for: matplotlib is slow to import

    return training_curves(history)


History.plot = _plot
