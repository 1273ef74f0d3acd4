"""The words of vaelib in another language: vaelib/locale/LANGUAGE/LC_MESSAGES/vaelib.po, brought up to the code.

A message is what stands in `_("…")` or `later("…")` in Python, in `say("…")` in JavaScript, or a name that figures and
explorers show. Where the English has changed the message becomes fuzzy, and until somebody has looked at it the English
is shown; what is gone is taken out. vaelib.mo, which Python reads, is compiled from it. No dates: what has not changed
gives the same bytes.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo

from tools.edition import LANGUAGES, Passage, Words, left_to_do, merged, read, written
from tools.environment import ROOT
from vaelib.faces import FACTORS, KINDS
from vaelib.measures import DENSITIES

PACKAGE = ROOT / "vaelib"
MARKS = {"python": ("*.py", ("_", "later")), "javascript": ("*.js", ("say",))}
OPTIONS = {"parse_template_string": True}  # JavaScript: also what stands in `…${say("…")}…`
NAMES = {  # that stand in the code as they are, and are looked up where they are shown
    "faces.py": (*FACTORS, *KINDS),
    "measures.py": (*(f"UAE, {kind}" for kind in DENSITIES), "UAE, real codes", "VAE, prior"),
}


def messages() -> dict[str, list[str]]:
    """Every message, with the files that say it, in their order."""
    found: dict[str, list[str]] = {}
    for text, path in said():
        if path not in found.setdefault(text, []):
            found[text].append(path)
    return found


def said() -> Iterator[tuple[str, str]]:
    """Each message as often as it is said, and the file that says it."""
    for language, (kind, marks) in MARKS.items():
        for path in sorted(PACKAGE.rglob(kind)):
            place = path.relative_to(ROOT).as_posix()
            with path.open("rb") as file:
                for _line, text, _comments, _context in extract(language, file, dict.fromkeys(marks), options=OPTIONS):
                    yield text, place
            for name in NAMES.get(path.relative_to(PACKAGE).as_posix(), ()):
                yield name, place


def po_path(language: str) -> Path:
    return PACKAGE / "locale" / language / "LC_MESSAGES" / "vaelib.po"


def updated(language: str) -> Words:
    """The catalogue of that language as it should be for today's code."""
    found, old = messages(), read(po_path(language), language)
    words = Words(language, header_comment="#", fuzzy=False)
    for one in merged(old, [Passage("", text) for text in found]):
        if one.id:
            flags = one.flags - {"python-format"}  # "94 % of it" is none
            places = [(path, 0) for path in found[one.id]]
            words.add(one.id, one.string, places, flags, user_comments=one.user_comments)
    return words


def compiled(words: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, words)  # without what is fuzzy
    return file.getvalue()


def main(languages: list[str]) -> None:
    """Bring the catalogues up to date, and count what is left to do."""
    for language in languages or LANGUAGES:
        words, path = updated(language), po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(words))
        path.with_suffix(".mo").write_bytes(compiled(words))
        print(left_to_do(words, "vaelib"))


if __name__ == "__main__":
    main(sys.argv[1:])
