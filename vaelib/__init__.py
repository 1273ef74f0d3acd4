"""vaelib: the models, data, measures and figures of the course on variational autoencoders."""

from vaelib.digits import digits
from vaelib.faces import faces
from vaelib.losses import kl_to_standard_normal, vae_loss
from vaelib.models import VAE, Autoencoder, MultiRateVAE
from vaelib.training import fit

__all__ = ["VAE", "Autoencoder", "MultiRateVAE", "digits", "faces", "fit", "kl_to_standard_normal", "vae_loss"]
