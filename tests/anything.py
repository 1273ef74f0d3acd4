"""What may come into a public function: values that are right, and anything else."""

import fractions
import math
import pathlib

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributions import Independent, Laplace, Normal

from vaelib import VAE, Autoencoder, MultiRateVAE
from vaelib.faces import Faces, faces
from vaelib.history import History
from vaelib.landscape import Landscape
from vaelib.measures import Evaluation, Marginal, Probes
from vaelib.rate import RateParts
from vaelib.recording import Recording

SHAPE, D = (3, 16, 16), 4
NAN, INF = math.nan, math.inf


class Hostile:
    """An object that answers no question."""

    def _refuse(self, *_):
        raise RuntimeError("this object can't be looked at")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __len__ = __iter__ = __repr__ = __str__ = _refuse
    __hash__ = object.__hash__


class Odd(nn.Module):
    """A model that encodes and decodes, though not what one would expect."""

    def __init__(self, code, image):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.encode, self.decode = (lambda x: code), (lambda z: image)


_known = {}


def once(make):
    """What is costly is made once and then only looked at."""

    def known(*arguments):
        key = (make.__name__, *arguments)
        if key not in _known:
            _known[key] = make(*arguments)
        return _known[key]

    return known


@once
def some_faces(n, seed):
    return faces(n, seed=seed, size=16)


@once
def model(kind, latents=D, shape=SHAPE):
    return kind(shape, latents, (8,), seed=1)


@once
def spoilt(kind, how):
    made = kind(SHAPE, D, (8,))
    if how == "meta":
        return made.to("meta")
    if how == "double":
        return made.double()
    with torch.no_grad():
        for weights in made.parameters():
            weights.fill_({"NaN": NAN, "inf": INF, "huge": 1e30}[how])
    return made


@once
def recording(kind, epochs=1):
    shown = some_faces(8, 0).images
    made = Recording(model(kind, 2), shown, torch.arange(8), samples=2)
    for epoch in range(epochs):
        made(epoch + 1, History(1.0))
    return made


KINDS = (Autoencoder, VAE, MultiRateVAE)
ODD_MODELS = [
    *(model(kind, latents, shape) for kind in KINDS for latents in (2, 4) for shape in (SHAPE, (1, 28, 28))),
    *(model(kind, 3) for kind in KINDS),
    model(VAE, 17),
    *(spoilt(kind, how) for kind in KINDS for how in ("meta", "double", "NaN", "inf", "huge")),
    *KINDS,
    nn.Linear(2, 2),
    Odd("code", "image"),
    Odd(torch.zeros(1, 4), None),
    Odd(Normal(torch.zeros(4), torch.ones(4)), 1),
    Odd(torch.full((8, 4), NAN), torch.zeros(8, *SHAPE)),
]
NUMBERS = st.one_of(
    st.integers(-3, 12),
    st.sampled_from([2**31, 2**32, 2**63, 2**64, -(2**63) - 1, 10**6, 10**9, 10**12, 10**400, 257, 1000]),
    st.floats(),
    st.booleans(),
    st.sampled_from([1j, np.float32(0.5), np.int64(3), np.float64(NAN), fractions.Fraction(1, 3), np.bool_(True)]),
)
TEXTS = st.one_of(st.sampled_from(["", " ", "l1", "mse", "bce", "train", "$", "a.b", "\0"]), st.text(max_size=8))
SHAPES = st.lists(st.integers(0, 5), max_size=5).map(tuple) | st.sampled_from([(8, *SHAPE), (1, *SHAPE), (8, D), (8,)])
DTYPES = st.sampled_from(
    [
        *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.complex64),
        *(torch.bool, torch.uint8, torch.int8, torch.int64),
    ]
)
OBJECTS = st.sampled_from(
    [
        *(None, ..., object, object(), Hostile(), len, print, NotImplemented),
        *(pathlib.Path("nowhere/at/all"), b"bytes", bytearray(b"a"), range(3), slice(1, 2), {1, 2}, iter([1, 2])),
        *(Normal(torch.zeros(8, D), torch.ones(8, D)), Normal(torch.zeros(1, 2), torch.ones(1, 2))),
        Normal(torch.full((8, D), NAN), torch.ones(8, D), validate_args=False),
        Normal(torch.zeros(8, D), -torch.ones(8, D), validate_args=False),
        Normal(torch.zeros(8, D), torch.full((8, D), 1e30)),
        Normal(torch.full((8, D), 1e30), torch.ones(8, D)),
        Normal(torch.zeros(8, D, dtype=torch.float64), torch.ones(8, D, dtype=torch.float64)),
        Normal(torch.zeros(8, D, device="meta"), torch.ones(8, D, device="meta"), validate_args=False),
        Normal(torch.zeros(8, D, dtype=torch.half), torch.ones(8, D, dtype=torch.half)),
        Normal(torch.tensor(0.0), torch.tensor(1.0)),
        Laplace(torch.zeros(8, D), torch.ones(8, D)),
        Independent(Normal(torch.zeros(8, D), torch.ones(8, D)), 1),
        *(np.zeros((2, 3)), np.array("a"), np.array([None, 1], dtype=object), np.float32([[0.1] * D] * 8)),
        *(History(1.0), History(None, [1.0], [1.0], [0.0], [()]), Faces(1, 2), Faces(None, None)),
        RateParts(NAN, 1.0, 0.0, 0.0),
        Evaluation(NAN, "a", None, None),
        Marginal(1, 2),
        Landscape(1, 2, 3, 4),
        Probes(torch.zeros(2, 3), torch.zeros(2), ("a", "b")),
        torch.zeros(3).to_sparse(),
        torch.zeros(8, *SHAPE).to_sparse(),
        nn.Parameter(torch.zeros(8, D)),
        Recording,
    ]
)


@st.composite
def tensors(draw):
    """Of any shape and kind."""
    shape, dtype = draw(SHAPES), draw(DTYPES)
    values = torch.rand(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 9)))) * draw(
        st.sampled_from([1, 0, -1, 3, 300, 1e30, NAN, INF])
    )
    return values.nan_to_num().to(dtype) if not dtype.is_floating_point else values.to(dtype)


def junk():
    """Anything."""
    plain = st.one_of(NUMBERS, TEXTS, OBJECTS, tensors(), st.sampled_from(ODD_MODELS))
    return st.one_of(
        plain,
        st.lists(plain, max_size=3),
        st.lists(plain, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers(0, 3), st.none()), plain, max_size=2),
        st.builds(recording, st.sampled_from([VAE, Autoencoder]), st.integers(0, 2)),
    )


# What is nearly right


def _at_first(value: Tensor, what) -> Tensor:
    """One number replaced."""
    changed = value.detach().clone()
    if changed.numel():
        changed.view(-1)[0] = what
    return changed


CHANGES = {
    **{f"{what} in it": (lambda t, what=what: _at_first(t, what)) for what in (NAN, INF, -INF, 1e30, -0.1, 1.1)},
    **{f"as {d}": (lambda t, d=d: t.detach().to(d)) for d in (torch.half, torch.double, torch.int64, torch.bool)},
    "bfloat16": lambda t: t.detach().bfloat16(),
    "complex": lambda t: t.detach().to(torch.complex64),
    "bytes": lambda t: (255 * t.detach()).clamp(0, 255).byte(),
    "not contiguous": lambda t: torch.stack([t.detach()] * 2, dim=-1)[..., 0],
    "expanded": lambda t: t.detach()[:1].expand_as(t) if t.ndim else t,
    "takes gradients": lambda t: t.detach().clone().requires_grad_() if t.is_floating_point() else t,
    "of a graph": lambda t: 1 * t.detach().clone().requires_grad_() if t.is_floating_point() else t,
    "NumPy": lambda t: t.detach().numpy(),
    "a list": lambda t: t.tolist(),
    "meta": lambda t: t.detach().to("meta"),
    "sparse": lambda t: t.detach().to_sparse(),
    "twice": lambda t: torch.cat([t, t]).detach() if t.ndim else t,
    "the first": lambda t: t.detach()[:1] if t.ndim else t,
    "without the last": lambda t: t.detach()[:-1] if t.ndim else t,
    "without its last column": lambda t: t.detach()[..., :-1] if t.ndim else t,
    "of nothing": lambda t: t.detach()[:0] if t.ndim else t,
    "unsqueezed": lambda t: t.detach()[None],
    "of rank less by one": lambda t: t.detach()[0] if t.ndim and len(t) else t,
    "turned round": lambda t: t.detach().T if t.ndim == 2 else -t.detach(),
    "huge": lambda t: 1e30 * t.detach().float(),
    "tiny": lambda t: 1e-30 * t.detach().float(),
    "constant": lambda t: torch.zeros_like(t.detach()),
    "a Parameter": lambda t: nn.Parameter(t.detach()) if t.is_floating_point() else t,
}

if torch.cuda.is_available():
    CHANGES["on a graphics card"] = lambda t: t.detach().cuda()
    ODD_MODELS.extend(kind(SHAPE, latents, (8,), seed=1).cuda() for kind in KINDS for latents in (2, D))


def _changed(change: str, value: Tensor):
    try:
        return CHANGES[change](value)
    except (RuntimeError, TypeError, UserWarning):  # PyTorch can't, as NumPy has no bfloat16, or would lose a part
        return value


@st.composite
def near(draw, value):
    """A `value` with something changed in it."""
    if isinstance(value, Tensor):
        for change in draw(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=2)):
            plain = isinstance(value, Tensor) and value.device.type == "cpu" and not value.is_sparse
            value = _changed(change, value) if plain else value
        return value
    if isinstance(value, Normal):
        return _normal(draw(near(value.mean)), None if draw(st.booleans()) else value.stddev)
    if isinstance(value, dict) and value:
        label = draw(st.sampled_from(sorted(value, key=str)))
        return draw(
            st.one_of(
                *(st.just({**value, label: other}) for other in (None, {}, draw(junk()))),
                near(value[label]).map(lambda other: {**value, label: other}),
                junk().map(lambda other: {other if isinstance(other, (int, bytes)) else None: value[label]}),
                st.just(list(value.items())),
            )
        )
    if isinstance(value, (tuple, list)) and len(value):
        place = draw(st.integers(0, len(value) - 1))
        parts = list(value)
        parts[place] = draw(st.one_of(near(parts[place]), junk()))
        kind = type(value)
        return kind(*parts) if hasattr(kind, "_fields") else kind(draw(st.sampled_from([parts, parts[1:], parts * 2])))
    if isinstance(value, nn.Module):
        return draw(st.sampled_from(ODD_MODELS))
    if isinstance(value, (int, float)):
        return draw(NUMBERS)
    return draw(TEXTS)


def _normal(mean, deviation):
    try:
        return Normal(mean, torch.ones_like(mean) if deviation is None else deviation, validate_args=False)
    except Exception:  # PyTorch's own refusal of sizes that don't fit is not ours to test
        return mean


@st.composite
def anything_for(draw, value):
    """In the place of a right `value`."""
    return draw(st.one_of(near(value), near(value), junk()))


class World:
    """Right values that fit together, small ones: `n` images, all drawn by a `seed`."""

    def __init__(self, n: int, seed: int):
        self.n, self.seed = n, seed
        self.faces = some_faces(n, seed)
        self.images, self.factors = self.faces
        self.labels = torch.arange(n) % 10
        generator = torch.Generator().manual_seed(seed)
        self.codes = torch.randn(n, D, generator=generator)
        self.plane = torch.randn(n, 2, generator=generator)
        self.line = torch.sort(torch.randn(6, generator=generator)).values
        self.q = Normal(self.codes, torch.rand(n, D, generator=generator) + 0.1)
        self.q_of_one = Normal(self.q.mean[:1], self.q.stddev[:1])
        self.q_of_plane = Normal(self.plane[:1], torch.full((1, 2), 0.5))
        self.digits = torch.rand(n, 1, 28, 28, generator=generator), self.labels
        self.probes = Probes(torch.randn(2, D, generator=generator), torch.zeros(2), ("a", "b"))
        self.evaluation = Evaluation(3.0, 5.0, -8.0, self.codes[0].abs())
        self.history = History(1.0, [3.0, 2.0], [2.0, 1.5], [1.0, 0.5], [(1.0,), (0.5,)])


WORLDS = st.builds(once(World), st.integers(8, 12), st.integers(0, 5))
