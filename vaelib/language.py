"""The language in which vaelib speaks to a reader: English, or another that has a catalogue in vaelib/locale.

A text that a reader sees stands in the code in English, as `_("…")`, and is looked up when it is shown; in JavaScript
as `say("…")`, see browser/language.js. Errors, names and options stay English. `python -m tools.words` brings the
catalogues up to the code.
"""

import functools
import gettext
import json
import os
import re
import warnings
from collections.abc import Iterable
from pathlib import Path

from vaelib import require

LOCALE = Path(__file__).parent / "locale"
ENGLISH = "en"
LANGUAGES = (ENGLISH, *sorted(path.name for path in LOCALE.iterdir() if path.is_dir()))
_DECIMAL_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_SEVERAL_NUMBERS = re.compile(r"\([^()]*\d\.\d[^()]*\)")
_IN_JAVASCRIPT = re.compile(r'\bsay\(\s*("(?:[^"\\\n]|\\.)*")')
_used: str | None = None  # for all threads


def use(language: str) -> None:
    """From now on speak this language: "en" or "it".

    Without this call it is the one that the environment variable VAELIB_LANG names, or English. Raises ValueError for
    a language that has no catalogue.
    """
    require.choice("language", language, LANGUAGES)
    global _used
    _used = language


def chosen() -> str:
    """The language in use."""
    return _used or _of_environment(os.environ.get("VAELIB_LANG", ""))


@functools.cache
def _of_environment(named: str) -> str:
    """A language by the environment's name for it. One that has no catalogue stops nothing: it is said once."""
    if named and named not in LANGUAGES:
        warnings.warn(f"VAELIB_LANG must be one of {', '.join(LANGUAGES)}, got {named!r}: English it is", stacklevel=4)
    return named if named in LANGUAGES else ENGLISH


@functools.cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("vaelib", LOCALE, [language], fallback=language == ENGLISH)


def _(text: str) -> str:
    """The text in the language in use; as it is if the catalogue has no such text."""
    return _catalogue(chosen()).gettext(text) if text else ""


class Name(str):
    """A name by which the code finds a thing, in English; whoever prints it gives it in the language in use."""

    __slots__ = ()

    def __str__(self) -> str:
        english = super().__str__()
        return _(english)

    def __format__(self, how: str) -> str:
        return format(str(self), how)


def later(text: str) -> str:
    """The same text, marked to be translated where it is shown: for what is written down once, at the import."""
    return text


def listed(names: Iterable[str]) -> str:
    """The names as a reader would say them: "mu and log_var"."""
    return _(" and ").join(names)


def decimals(text: str) -> str:
    """The text with the language's sign between a number's whole part and its decimals: 0.5, in Italian 0,5.

    Where that is a comma, several numbers in parentheses need another sign between them: (0.5, 1) is (0,5; 1).
    """
    if _(".") == ",":
        text = _SEVERAL_NUMBERS.sub(lambda numbers: numbers[0].replace(", ", "; "), text)
    return _DECIMAL_POINT.sub(_("."), text)


def words_of(script: str) -> dict[str, str]:
    """What a script in JavaScript says, by the English; empty for English."""
    texts = () if chosen() == ENGLISH else map(json.loads, _IN_JAVASCRIPT.findall(script))
    return {text: said for text in texts if (said := _(text)) != text}
