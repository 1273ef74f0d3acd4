"""What a training leaves behind: its losses, epoch by epoch."""

from dataclasses import dataclass, field

from vaelib.language import _


@dataclass(repr=False)
class History:
    """What `fit` saw: the mean over each epoch's images of the loss and its parts, in nats.

    `loss`, `reconstruction` and `kl` hold a float for each epoch, `kl_per_latent` a tuple of D floats (empty for the
    UAE, whose `kl` is 0). `interrupted` says whether the training was stopped by hand. `beta` is None for a
    MultiRateVAE: its parts are means over all β, and its `loss` over their weighted sums, see `fit`.
    `plot()`, which draws it, comes from `vaelib/__init__.py`, since the figures stand above this file.
    """

    beta: float | None
    loss: list[float] = field(default_factory=list)
    reconstruction: list[float] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)
    kl_per_latent: list[tuple[float, ...]] = field(default_factory=list)
    interrupted: bool = False

    def __repr__(self) -> str:  # which a cell shows that ends with fit(…): short, and to read
        if not self.loss:
            return _("no whole epoch")
        said = _("1 epoch: loss about {first:.1f} nats in the first, about {last:.1f} in the last")
        if len(self.loss) > 1:
            said = _("{epochs} epochs: loss about {first:.1f} nats in the first, about {last:.1f} in the last")
        return said.format(epochs=len(self.loss), first=self.loss[0], last=self.loss[-1])

    def add(self, loss: float, reconstruction: float, kl: float, kl_per_latent: tuple[float, ...]) -> None:
        """The means of one more epoch."""
        self.loss.append(loss)
        self.reconstruction.append(reconstruction)
        self.kl.append(kl)
        self.kl_per_latent.append(tuple(kl_per_latent))
