"""vaelib: the models, data, measures and figures of the course on variational autoencoders."""

import logging

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

# On a slow machine, or one with many fonts, Matplotlib's first import says in red that it reads them, in the first cell
# of the first lesson.
logging.getLogger("matplotlib.font_manager").addFilter(lambda record: "building the font cache" not in record.msg)


def _plot(history: History):
    """The training curves as a matplotlib Figure with an alt text, see `vaelib.figures.training_curves`."""
    from vaelib.figures import training_curves  # only when asked for: matplotlib is slow to import

    return training_curves(history)


History.plot = _plot
