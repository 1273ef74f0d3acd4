"""The course in another language: the English lessons and one catalogue for each, `make catalogues`.

notebooks/locale/it/NAME.po holds a message for each markdown cell of a lesson (its context is the cell's id), for what
a slide says, and for the strings of its code that a reader sees; of a text, for each of its parts between blank lines.
Where the English has changed its message becomes fuzzy, and until somebody has looked at it the English is shown and
marked. The words of vaelib are in vaelib/locale, see vaelib/language.py.
"""

import ast
import difflib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from tools.environment import ROOT
from tools.lessons import ASSERTION, LESSONS

LANGUAGES = {"it": "In inglese: la traduzione non è ancora pronta."}  # each with what marks an English passage in it
FOLDER = ROOT / "notebooks" / "locale"
TEXTS = {path.stem: path for path in [*sorted((ROOT / "notebooks").glob("*.md")), ROOT / "README.md"]}
CODE = "code"  # the context of strings in code: the same string is the same everywhere in a lesson
LITERAL = re.compile(r"""([A-Za-z]*)(\"""|'''|"|')((?:\\.|(?!\2).)*)\2""", re.DOTALL)
NAME = re.compile(r"[\w.\-/+*]*")  # of an option, a file, a key: for Python, not for a reader
WORD = re.compile(r"[^\W\d_]{3,}")
CODE_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
PART = re.compile(r"^\S.*(?:\n(?![\n|]|\s*[-*] |\s*\d+\. |#).+)*|^ +[-*] .*(?:\n(?!\s*[-*] ).+)*", re.MULTILINE)


class Passage(NamedTuple):
    """What a reader sees in one place: `context` says where, `text` what."""

    context: str
    text: str


# What there is to be translated


def passages(notebook: nbformat.NotebookNode) -> Iterator[Passage]:
    for cell in notebook.cells:
        for name, text in cell.metadata.get("slide", {}).items():
            if isinstance(text, str) and not NAME.fullmatch(text):
                yield Passage(f"{cell.id} {name}", text)
        if cell.cell_type == "markdown":
            yield Passage(cell.id, cell.source)
        elif ASSERTION not in cell.metadata.get("tags", []):
            for _, text, _ in strings(cell.source):
                yield Passage(CODE, text)


def parts(text: str) -> Iterator[Passage]:
    """Of a text in Markdown: paragraphs, points of lists and rows of tables, without code."""
    for part in PART.findall(CODE_BLOCK.sub("", text)):
        if WORD.search(part):
            yield Passage("", part.strip())


def strings(code: str) -> Iterator[tuple[tuple[int, int], str, str]]:
    """(from where to where, what it says, its opening: prefix and quote) of each string that a reader may see.

    What it says is the source between the quotes, of pieces that Python joins all of them. Docstrings and names are
    not among them.
    """
    lines = [0]
    for line in code.encode().splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    tree = ast.parse(re.sub(r"^([%!])", "#", code, flags=re.MULTILINE))
    hidden = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for inner in inside(node)}
    hidden |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_string = isinstance(node, ast.JoinedStr) or isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_string and id(node) not in hidden:
            start, end = lines[node.lineno - 1] + node.col_offset, lines[node.end_lineno - 1] + node.end_col_offset
            pieces = LITERAL.findall(code.encode()[start:end].decode())
            formatted = any("f" in prefix.lower() for prefix, _, _ in pieces)
            text = "".join(
                inner if "f" in prefix.lower() or not formatted else inner.replace("{", "{{").replace("}", "}}")
                for prefix, _, inner in pieces
            )
            without_values = re.sub(r"\{[^}]*\}", "", text) if formatted else text
            if WORD.search(without_values) and not NAME.fullmatch(text):
                yield (start, end), text, ("f" if formatted else "") + pieces[0][1]


def inside(node: ast.AST) -> Iterator[ast.AST]:
    return (inner for inner in ast.walk(node) if inner is not node)


def passages_of(name: str) -> list[Passage]:
    """Of a lesson or a text, by its file's name, each once."""
    if name in TEXTS:
        found = parts(TEXTS[name].read_text(encoding="utf-8"))
    else:
        found = passages(nbformat.read(LESSONS[name[:2]], as_version=4))
    return list(dict.fromkeys(found))


# Catalogues


def catalogue_path(name: str, language: str) -> Path:
    return FOLDER / language / f"{name}.po"


def read(path: Path, language: str) -> Catalog:
    if not path.exists():
        return Catalog(language, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, language)


def merged(old: Catalog, found: list[Passage]) -> Catalog:
    """The catalogue for these passages; what was translated from another English is fuzzy."""
    new = Catalog(old.locale, header_comment="#", fuzzy=False)
    unused = {(one.context or "", one.id): one for one in old if one.id}
    kept = {passage: unused.pop(tuple(passage)) for passage in found if tuple(passage) in unused}
    for passage in found:
        if passage in kept:
            was = kept[passage]
            new.add(was.id, was.string, flags=was.flags, previous_id=was.previous_id, context=passage.context or None)
            continue
        near = difflib.get_close_matches(
            passage.text, [text for context, text in unused if context == passage.context], n=1, cutoff=0.5
        )
        if passage.context in ("", CODE) and not near or not any(key[0] == passage.context for key in unused):
            new.add(passage.text, context=passage.context or None)
            continue
        was = unused.pop((passage.context, near[0] if near else next(key[1] for key in unused if key[0] == passage.context)))
        new.add(
            passage.text, was.string, flags=["fuzzy"] if was.string else [], previous_id=[was.id] if was.string else [],
            context=passage.context or None,
        )
    return new


def update(name: str, language: str) -> Catalog:
    """Bring the catalogue of a lesson or a text up to its English."""
    path = catalogue_path(name, language)
    catalogue = merged(read(path, language), passages_of(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=0, omit_header=False, include_previous=True)
    return catalogue


# What a translation must leave alone

CODE_SPAN = re.compile(r"`[^`\n]+`")
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
KINDS = {
    "code": lambda text: CODE_BLOCK.findall(text) + CODE_SPAN.findall(CODE_BLOCK.sub("", text)),
    "formulas": lambda text: [
        re.sub(r"\\text\w*\{[^}]*\}|\s|[.,;]$", "", one.strip("$")).replace("{,}", ".")
        for one in FORMULA.findall(without_code(text))
    ],
    "links and images": lambda text: re.findall(r"\]\(([^)#\s]*)", text),
    "tags": lambda text: re.findall(r"<[^<>]*>", without_code(FORMULA.sub("", text))),
    "numbers": lambda text: re.findall(
        r"\d[\d.]*", re.sub(r"(?<=\d),(?=\d)", ".", without_code(FORMULA.sub("", text))).replace(". ", " ")
    ),
}


def without_code(text: str) -> str:
    return CODE_SPAN.sub("", CODE_BLOCK.sub("", text))


def values_of(literal: str) -> list[str]:
    """What stands in the braces of a formatted string."""
    return re.findall(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", literal)


def differences(context: str, english: str, translation: str) -> list[str]:
    """What a translation has changed that must stay, a sentence each. The order may change: languages differ."""
    kinds = {"values": values_of} if context == CODE else KINDS
    found = []
    for kind, those in kinds.items():
        before, after = sorted(those(english)), sorted(those(translation))
        if before != after:
            gone = list((Counter(before) - Counter(after)).elements())
            new = list((Counter(after) - Counter(before)).elements())
            found.append(f"{kind}: {gone} became {new}")
    return found


def is_ready(message: Message | None) -> bool:
    return bool(message and message.string and not message.fuzzy)


def main(names: list[str]) -> None:
    """Bring all catalogues up to date, and count what is left to do."""
    for language in LANGUAGES:
        for name in names or [*(path.stem for path in LESSONS.values()), *TEXTS]:
            messages = [message for message in update(name, language) if message.id]
            missing, fuzzy = sum(not one.string for one in messages), sum(one.fuzzy for one in messages)
            print(f"{language}/{name:34} {len(messages):4} messages, {missing:4} missing, {fuzzy:4} fuzzy")


if __name__ == "__main__":
    main(sys.argv[1:])
