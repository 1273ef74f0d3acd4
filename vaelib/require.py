"""What an argument must be, each rule written once.

Each function returns nothing if the value is right, but for `number`, which returns it as a float. Else it raises a
TypeError or a ValueError that names the argument and says what was expected and what came. Public functions call them
once, at their door; what lies inside trusts that.
"""

import math
import numbers
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

MOST = 1_000_000  # of anything that is counted
GREATEST_SEED = 2**32 - 1  # that PyTorch and scikit-learn both take
MOST_NUMBERS = 2**30  # that one result may hold: 4 GB
LARGEST_CODE = 1e15  # whose square is far from an overflow
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_WHOLE = (torch.uint8, torch.int16, torch.int32, torch.int64)


def whole_number(name: str, value: int, least: int = 1, most: int = MOST) -> None:
    """An int of at least `least` and at most `most`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {shown(value)}")
    if value > most:
        raise ValueError(f"{name} must be at most {most}, got {shown(value)}")


def seed(name: str, value: int) -> None:
    """An int that every random generator takes."""
    whole_number(name, value, least=0, most=GREATEST_SEED)


def room(name: str, count: int) -> None:
    """What is made must fit into memory: `count` numbers in all."""
    if count > MOST_NUMBERS:
        raise ValueError(f"{name} must be smaller: the result would hold {count:.2g} numbers, {4e-9 * count:.0f} GB")


def choice(name: str, value: str, options: Sequence[str]) -> None:
    """One of the `options`."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {shown(value)}")


def flag(name: str, value: bool) -> None:
    """True or False, and nothing that might mean them."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")


def shown(value) -> str:
    """A value in a message: its repr if that is short and can be made, else its type."""
    try:
        said = repr(value)
    except Exception:  # an object's own code, or an int of thousands of digits
        said = ""
    return said if 0 < len(said) <= 60 and "\n" not in said else f"a {type(value).__name__}"


def number(
    name: str, value: float, *, least: float | None = None, above: float | None = None, most: float = math.inf
) -> float:
    """A finite number, of at least `least` or greater than `above`, and at most `most`; NumPy's are welcome, and
    tensors of shape ()."""
    if isinstance(value, Tensor) and value.ndim == 0 and value.dtype != torch.bool:
        there(name, value)
        if value.requires_grad:
            raise TypeError(f"{name} must be a number, got a tensor that takes gradients: they would be lost")
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    given, value = value, _as_float(value)
    within = (least is None or value >= least) and (above is None or value > above)
    if not math.isfinite(value) or not within:
        bound = f" of at least {least:g}" if least is not None else f" above {above:g}" if above is not None else ""
        raise ValueError(f"{name} must be a finite number{bound}, got {shown(given)}")
    if value > most:
        raise ValueError(f"{name} must be at most {most:g}, got {shown(given)}")
    return value


def _as_float(value: numbers.Real) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def text(name: str, value: str, what: str) -> None:
    """A str with something in it; `what` completes the sentence "NAME must …" for one that is empty."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{name} must {what}")


def words(name: str, value: str) -> None:
    """A str, which may be empty."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {type(value).__name__}")


def names(name: str, values: Sequence[str], *, of: str = "", count: int | None = None) -> None:
    """A list of str, not one str; as many as there are attributes in the argument `of` if there is a `count`."""
    if not isinstance(values, Sequence) or isinstance(values, str) or not all(isinstance(one, str) for one in values):
        raise TypeError(f"{name} must be a list of names, got {shown(values)}")
    if count is not None and len(values) != count:
        raise ValueError(f"{name} must be {count}, one for each attribute in {of}, got {len(values)}")


def mapping(name: str, values: Mapping, *, labels: bool = True) -> None:
    """A dict with at least one entry, whose keys are str if they are `labels`."""
    if not isinstance(values, Mapping):
        raise TypeError(f"{name} must be a dict with a label for each, got {type(values).__name__}")
    if not values:
        raise ValueError(f"{name} must hold at least one entry")
    if labels and not all(isinstance(label, str) for label in values):
        raise TypeError(f"{name} must have labels that are str, got {shown(list(values))}")


def floats(name: str, values: Tensor) -> None:
    """A tensor of floating-point numbers that are there: dense, and not on PyTorch's device "meta"."""
    got = values.dtype if isinstance(values, Tensor) else type(values).__name__
    if not isinstance(values, Tensor) or values.dtype not in _FLOATS:
        hint = "; divide bytes by 255 first" if got == torch.uint8 else ""
        raise TypeError(f"{name} must be a floating-point tensor, got {got}{hint}")
    there(name, values)


def there(name: str, values: Tensor) -> None:
    """A tensor whose numbers can be looked at."""
    if values.layout != torch.strided:
        raise TypeError(f"{name} must be a dense tensor, got a {str(values.layout).removeprefix('torch.')} one")
    if values.is_meta:
        raise TypeError(f'{name} must hold numbers, got a tensor on the device "meta", which has none')


def beside(name: str, values: Tensor, other_name: str, other: Tensor) -> None:
    """A tensor on the device of another: PyTorch computes with no others."""
    if values.device != other.device:
        raise ValueError(f"{name} must be on the device of {other_name}, {other.device}, got {values.device}")


def images(name: str, values: Tensor) -> None:
    """A floating-point tensor (B, C, H, W), none of them 0."""
    floats(name, values)
    if values.ndim != 4 or values.numel() == 0:
        raise ValueError(f"{name} must have shape (B, C, H, W), none of them 0, got {tuple(values.shape)}")


def pictures(name: str, values: Tensor) -> None:
    """`images` that can be drawn: grey or RGB."""
    images(name, values)
    channels(name, values.shape[1])


def channels(name: str, count: int) -> None:
    """As many channels as can be drawn: 1 for grey images, 3 for RGB."""
    if count not in (1, 3):
        raise ValueError(f"{name} must be grey or RGB, with 1 or 3 channels, got {count}")


def finite(name: str, values: Tensor) -> None:
    """A tensor without NaN or inf."""
    if not values.sum().isfinite() and not values.isfinite().all():  # NaN and inf reach the sum; so does an overflow
        raise ValueError(f"{name} must be finite, they hold NaN or inf")


def unit_interval(name: str, values: Tensor, why: str = "") -> None:
    """A tensor whose values lie in [0, 1]; `why` ends the sentence."""
    if not ((values >= 0) & (values <= 1)).all():  # also False for NaN
        raise ValueError(f"{name} must lie in [0, 1]{why}")


def pixels(name: str, values: Tensor) -> None:
    """Images in [0, 1], as every likelihood of the course takes them."""
    if ((values >= 0) & (values <= 1)).all():  # also False for NaN
        return
    least, most = values.min().item(), values.max().item()
    if math.isnan(least) or not math.isfinite(most - least):
        raise ValueError(f"{name} must be finite and lie in [0, 1], got NaN or inf")
    way = "clamp(0, 1) cuts off the rest"
    if most > 2:
        way = "divide by the largest value that a pixel can have, 255 for bytes"
    elif least < -0.5:
        way = "(x + 1) / 2 undoes a normalisation to −1…1"
    span = f"{least:.3g} to {most:.3g}".replace("-", "−")
    raise ValueError(f"{name} must lie in [0, 1], got values from {span}: {way}")


def line(name: str, values: Tensor, length: int | None = None) -> None:
    """A finite floating-point tensor (n,); `length` None stands for any n from 2."""
    floats(name, values)
    if values.ndim != 1 or len(values) < 2 or length not in (None, len(values)) or not values.isfinite().all():
        raise ValueError(f"{name} must be finite and of shape ({length or 'n'},), got {tuple(values.shape)}")


def table(name: str, values: Tensor, shape: tuple[int | None, int | None]) -> None:
    """A finite floating-point tensor of that `shape`; None stands for any size from 1."""
    floats(name, values)
    fits = values.ndim == 2 and all(s in (None, v) for s, v in zip(shape, values.shape, strict=True))
    if not fits or values.numel() == 0 or not values.isfinite().all():
        expected = tuple("any" if s is None else s for s in shape)
        raise ValueError(f"{name} must be finite and of shape {expected}, got {tuple(values.shape)}")


def pairs(z: Tensor, factors: Tensor) -> None:
    """Latents `z` (n, D) and `factors` (n, K), a row of both for each image."""
    table("z", z, (None, None))
    if isinstance(factors, Tensor) and factors.ndim == 2 and len(factors) != len(z):
        raise ValueError(f"factors must have a row for each of z, {len(z)}, got {tuple(factors.shape)}")
    table("factors", factors, (len(z), None))
    beside("factors", factors, "z", z)


def labels(name: str, values: Tensor, count: int) -> None:
    """Classes from 0 to 9, whole numbers (count,), one for each of `count` images."""
    if not isinstance(values, Tensor) or values.dtype not in _WHOLE:
        raise TypeError(f"{name} must be a tensor of whole numbers")
    there(name, values)
    if values.shape != (count,):
        raise ValueError(f"{name} must be one for each of the {count} images, got {tuple(values.shape)}")
    if not ((values >= 0) & (values <= 9)).all():
        raise ValueError(f"{name} must be from 0 to 9, got {values.min().item()} to {values.max().item()}")


def posterior(name: str, q: Normal, *, latents: int | None = None) -> None:
    """A Normal over (B, D), both at least 1; D is `latents` if that is given."""
    if not isinstance(q, Normal):
        raise TypeError(
            f"{name} must be a torch.distributions.Normal over (B, D), got {type(q).__name__}{_hint_for(q)}"
        )
    for part in (q.mean, q.stddev):
        floats(name, part)
    if q.mean.ndim != 2 or q.mean.numel() == 0:
        raise ValueError(f"{name} must be over (B, D), both at least 1, got {tuple(q.mean.shape)}")
    if latents is not None and q.mean.shape[1] != latents:
        raise ValueError(f"{name} must be over (B, {latents}), got {tuple(q.mean.shape)}")


def bells(name: str, q: Normal, *, latents: int | None = None) -> None:
    """A `posterior` that can be drawn: its means finite, its standard deviations above 0."""
    posterior(name, q, latents=latents)
    if not q.mean.isfinite().all() or not ((q.stddev > 0) & q.stddev.isfinite()).all():
        raise ValueError(f"{name} must have finite means and finite standard deviations above 0")


def code(name: str, code, count: int, images_name: str = "images") -> None:
    """What a model makes of `count` images: codes (count, D), or a Normal over (count, D)."""
    if not isinstance(code, (Tensor, Normal)):
        raise TypeError(
            f"{name}.encode must return codes (B, D) or a torch.distributions.Normal over (B, D), it returns "
            f"{'an' if isinstance(code, Independent) else 'a'} {type(code).__name__}{_hint_for(code)}"
        )
    shape = tuple(code.shape if isinstance(code, Tensor) else code.mean.shape)
    if len(shape) != 2 or shape[0] != count or 0 in shape:
        what = "codes" if isinstance(code, Tensor) else "a Normal over"
        raise ValueError(f"{name}.encode must return {what} (B, D), here ({count}, D), it returns {shape}")
    if isinstance(code, Tensor) and not code.is_floating_point():
        raise TypeError(f"{name}.encode must return floating-point codes, it returns {code.dtype}")
    for part in (code.mean, code.stddev) if isinstance(code, Normal) else (code,):
        there(f"{name}.encode's result", part)
        if not (part.abs() < LARGEST_CODE).all():  # also False for NaN
            why = f"are there NaN, inf or huge numbers in its weights, or huge ones in {images_name}?"
            raise ValueError(f"{name}.encode must return finite codes: {why}")


def _hint_for(code) -> str:
    """How to make a Normal of what others write for it."""
    if isinstance(code, (tuple, list)) and len(code) == 2 and all(isinstance(part, Tensor) for part in code):
        return ": of μ and log σ² make Normal(mu, torch.exp(0.5 * log_var))"
    if isinstance(code, Independent) and isinstance(code.base_dist, Normal):
        return ": give the Normal itself, its base_dist"
    return ": the KL is known for a Normal alone" if isinstance(code, Distribution) else ""


def coder(name: str, model) -> None:
    """An autoencoder or a VAE, or a model of one's own that encodes and decodes like one."""
    complete = callable(getattr(model, "encode", None)) and callable(getattr(model, "decode", None))
    if not complete or isinstance(model, type):
        got = shown(model) if complete else type(model).__name__
        raise TypeError(
            f"{name} must be an Autoencoder, a VAE, or a model of your own with encode and decode, got {got}"
        )


def is_finite_number(value) -> bool:
    """Is `value` a number (no bool), neither NaN nor inf? For messages that say more than `number` does."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
