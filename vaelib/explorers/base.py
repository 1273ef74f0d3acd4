"""What all explorers share: their JavaScript in one text, what the browser must know, traits that know their range."""

import math
import os
import re
from pathlib import Path

import anywidget
from torch import Tensor, nn
from traitlets import Dict, Float, Int, List, TraitError, Tuple

from vaelib.language import _, words_of
from vaelib.palette import BLUE, BLUE_ON_DARK, CLASS_COLOURS, CLASS_MARKERS, ORANGE_INK, ORANGE_ON_DARK

FOLDER = Path(__file__).parent
PALETTE = {
    "class_colours": list(CLASS_COLOURS),
    "class_markers": CLASS_MARKERS,
    "blue": {"light": BLUE, "dark": BLUE_ON_DARK},
    "orange": {"light": ORANGE_INK, "dark": ORANGE_ON_DARK},
}

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\./[^"]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:const|function|class) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def bundle(name: str) -> str:
    """The ES module NAME.js and all that it imports as one: anywidget takes a single text, and a student's machine has
    no build step.

    Each module becomes a function, called once, that returns what the module exports. So each keeps a scope of its
    own: two modules may give one name to two things. Raises ValueError for a form of import or export other than
    `import { … } from "./….js";`, `export const`, `export function`, `export class`, and NAME.js's `export default`.
    """
    functions: dict[Path, str] = {}  # each after those of the modules that it imports

    def add(path: Path) -> None:
        source = path.read_text(encoding="utf-8").replace("\nexport default ", "\nexport const byDefault = ")
        for _names, imported in _IMPORT.findall(source):
            if (other := _resolved(path, imported)) not in functions:
                add(other)
        exports = ", ".join(_EXPORT.findall(source))
        source = _IMPORT.sub(lambda found: f"const {found[1]} = ${_resolved(path, found[2]).stem};\n", source)
        source = _EXPORT.sub("", source)
        if strange := _OTHER.search(source):
            raise ValueError(f"{path.name} can't be joined with other modules: {strange[0]}")
        functions[path] = f"const ${path.stem} = (() => {{\n{source}return {{ {exports} }};\n}})();\n"

    add(FOLDER / f"{name}.js")
    return "".join(functions.values()) + f"export default ${name}.byDefault;\n"


def _resolved(module: Path, imported: str) -> Path:
    return Path(os.path.normpath(module.parent / imported))


class Explorer(anywidget.AnyWidget):
    """A widget whose `arrays` and `about` are what the browser needs to know, sent once."""

    _css = FOLDER / "browser" / "explorers.css"
    arrays = Dict().tag(sync=True)  # name → {"shape", "data"}: float32, as bytes
    about = Dict().tag(sync=True)  # plain values
    palette = Dict(PALETTE).tag(sync=True)
    words = Dict().tag(sync=True)  # what it says in the language in use, by the English; empty for English

    def __init__(self, arrays: dict[str, Tensor], about: dict, **traits):
        packed = {
            name: {"shape": list(array.shape), "data": array.detach().cpu().float().contiguous().numpy().tobytes()}
            for name, array in arrays.items()
        }
        words = words_of(type(self)._esm)
        super().__init__(arrays=packed, about=about, words=words, **traits)  # `about` before the traits that it bounds

    def __repr__(self) -> str:  # which a viewer without widgets shows
        kind = type(self).__name__
        return _("{explorer}: live in JupyterLab; the picture below is a still").format(explorer=kind)


def weights_of(model: nn.Module, prefix: str = "", *, encoder: bool = True) -> dict[str, Tensor]:
    """The weights by the names that PyTorch gives them, after `prefix`; of the decoder alone if not `encoder`."""
    return {
        prefix + name: values
        for name, values in model.state_dict().items()
        if encoder or not name.startswith(("trunk.", "head.", "mean_image"))
    }


# Traits of an explorer; how much there is of what they count or list says its `about`, under the name `of`.


def _count(explorer: Explorer, of: str) -> int:
    known = explorer.about[of]
    return known if isinstance(known, int) else len(known)


class Index(Int):
    """A number from `least` to one less than there are; to their number itself if `inclusive`."""

    def __init__(self, *, of: str, least: int = 0, inclusive: bool = False):
        super().__init__(0)
        self.of, self.least, self.inclusive = of, least, inclusive

    def validate(self, explorer: Explorer, value) -> int:
        value = int(super().validate(explorer, value))  # True is an int, but indexes otherwise
        most = _count(explorer, self.of) - (not self.inclusive)
        if not self.least <= value <= most:
            raise TraitError(f"{self.name} must be from {self.least} to {most}, got {value}")
        return value


class Number(Float):
    """A number; Python has integers for which there is no float."""

    def validate(self, explorer: Explorer, value) -> float:
        try:
            return super().validate(explorer, value)
        except OverflowError:
            self.error(explorer, value)


class Between(Number):
    """A number between two `ends`; or `of` names the pair."""

    def __init__(self, *, of: str = "", ends: tuple[float, float] | None = None):
        super().__init__()
        self.of, self.ends = of, ends

    def validate(self, explorer: Explorer, value) -> float:
        value = super().validate(explorer, value)
        least, most = self.ends or explorer.about[self.of]
        if not least <= value <= most:
            raise TraitError(f"{self.name} must be from {least:g} to {most:g}, got {value}")
        return value


class Numbers(List):
    """As many finite numbers as there are."""

    def __init__(self, *, of: str):
        super().__init__(Number())
        self.of = of

    def validate(self, explorer: Explorer, value) -> list[float]:
        return _finite(self.name, super().validate(explorer, value), _count(explorer, self.of))


class Rows(List):
    """A table of finite numbers; `of` names its two sizes."""

    def __init__(self, *, of: str):
        super().__init__(List(Number()))
        self.of = of

    def validate(self, explorer: Explorer, value) -> list[list[float]]:
        rows, columns = explorer.about[self.of]
        value = super().validate(explorer, value)
        if len(value) != rows:
            raise TraitError(f"{self.name} must be {rows} lists, got {len(value)}")
        return [_finite(self.name, row, columns) for row in value]


class Point(Tuple):
    """Two finite numbers."""

    def __init__(self):
        super().__init__(Number(), Number())

    def validate(self, explorer: Explorer, value) -> tuple[float, float]:
        return _finite(self.name, super().validate(explorer, value), 2)


def _finite(name: str, values, count: int):
    if len(values) != count or not all(map(math.isfinite, values)):
        raise TraitError(f"{name} must be {count} finite numbers, got {values}")
    return values
