"""The course in another language: the English lessons and one catalogue for each, `make catalogues`.

notebooks/locale/it/NAME.po holds a message for each markdown cell of a lesson (its context is the cell's id), for what
a slide says, and for the strings of its code that a reader sees; of a text, for each of its parts between blank lines.
Where the English has changed its message becomes fuzzy, and until somebody has looked at it the English is shown and
marked. The words of vaelib are in vaelib/locale, see vaelib/language.py.
"""

import ast
import difflib
import gettext
import io
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from tools.environment import ROOT
from tools.lessons import ASSERTION, LESSONS
from tools.site import words
from vaelib.language import LANGUAGES as SPOKEN
from vaelib.language import LOCALE

LANGUAGES = {"it": "In inglese: la traduzione non è ancora pronta."}  # each with what marks an English passage in it
FOLDER = ROOT / "notebooks" / "locale"
SITE = "site"  # the words of the pages' frame, and of the tables of a class
TEXTS = {path.stem: path for path in [*sorted((ROOT / "notebooks").glob("*.md")), ROOT / "README.md"]}
SETTING = 'from vaelib import language\n\nlanguage.use("{language}")\n\n'  # at the top of an Italian notebook
NAMES = [*(path.stem for path in LESSONS.values()), *TEXTS, SITE]  # of the catalogues
CODE = "code"  # the context of strings in code: the same string is the same everywhere in a lesson
LITERAL = re.compile(r"""([A-Za-z]*)(\"""|'''|"|')((?:\\.|(?!\2).)*)\2""", re.DOTALL)
LABELS = ("description", "xlabel", "ylabel", "title")  # arguments whose value is read, not looked up
NAME = re.compile(r"[\w.\-/+*]*")  # of an option, a file, a key: for Python, not for a reader
WORD = re.compile(r"[^\W\d_]{3,}")
SHORT_WORD = re.compile(r"[^\W\d_]{2,}")  # "x̂ of {name}"
RELATIVE = re.compile(r"\]\((?!\w+:|#)")  # the beginning of a link to another file of the course
CODE_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
PART = re.compile(  # code, or a point of a list, or another block up to a line that begins something new
    r"^```[^`]*^```$|^ *[-*] .*(?:\n(?! *[-*] |\n|$).+)*|^\S.*(?:\n(?![|#\s]|[-*] |\d+\. |```).+)*", re.MULTILINE
)


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
    """Of a text in Markdown: headings, paragraphs, points of lists and rows of tables, without code."""
    for found in PART.finditer(text):
        if is_part(found[0]):
            yield Passage("", found[0])


def is_part(text: str) -> bool:
    return not text.startswith("```") and bool(WORD.search(text))


def strings(code: str) -> Iterator[tuple[tuple[int, int], str, str]]:
    """(from where to where, what it says, its opening: prefix and quote) of each string that a reader may see.

    What it says is the source between the quotes, of pieces that Python joins all of them. Docstrings and names are
    not among them.
    """
    lines = [0]
    for line in code.encode().splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    tree = ast.parse(re.sub(r"^[%!]", "#", code, flags=re.MULTILINE))
    for owner, node in strings_in(tree):
        start, end = lines[node.lineno - 1] + node.col_offset, lines[node.end_lineno - 1] + node.end_col_offset
        pieces = LITERAL.findall(code.encode()[start:end].decode())
        formatted = any("f" in prefix.lower() for prefix, _, _ in pieces)
        text = "".join(
            inner if "f" in prefix.lower() or not formatted else inner.replace("{", "{{").replace("}", "}}")
            for prefix, _, inner in pieces
        )
        without_values = re.sub(r"\{[^}]*\}", "", text) if formatted else text
        if SHORT_WORD.search(without_values) and (text.isalpha() and is_label(owner) if NAME.fullmatch(text) else True):
            yield (start, end), text, ("f" if formatted else "") + pieces[0][1]


def strings_in(owner: ast.AST) -> Iterator[tuple[ast.AST, ast.expr]]:
    """(what it is a part of, string) of each that is no docstring and no part of another string."""
    for node in ast.iter_child_nodes(owner):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            if not isinstance(owner, ast.Expr):
                yield owner, node
        else:
            yield from strings_in(node)


def is_label(owner: ast.AST) -> bool:
    """Is a single word there for a reader? As an argument it is an option or a key, mostly."""
    if isinstance(owner, ast.keyword):
        return owner.arg in LABELS
    if isinstance(owner, ast.Call):
        return isinstance(owner.func, ast.Name) and owner.func.id == "print"
    return True


def passages_of(name: str) -> list[Passage]:
    """Of a lesson or a text, by its file's name, each once."""
    if name == SITE:
        found = (Passage("", text) for text in words.said())
    elif name in TEXTS:
        found = parts(TEXTS[name].read_text(encoding="utf-8"))
    else:
        found = passages(nbformat.read(LESSONS[name[:2]], as_version=4))
    return list(dict.fromkeys(found))


# Catalogues


class Words(Catalog):
    """A catalogue whose header says what programs need, and neither when nor by whom."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Language", str(self.locale)),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", self.plural_forms),
        ]


def written(words: Words) -> bytes:
    file = io.BytesIO()
    write_po(file, words, width=0, include_lineno=False)
    return file.getvalue()


def left_to_do(words: Words, name: str) -> str:
    messages = [message for message in words if message.id]
    missing, fuzzy = sum(not one.string for one in messages), sum(one.fuzzy for one in messages)
    return f"{words.locale}/{name:34} {len(messages):4} messages, {missing:4} missing, {fuzzy:4} fuzzy"


def catalogue_path(name: str, language: str) -> Path:
    return FOLDER / language / f"{name}.po"


def read(path: Path, language: str) -> Catalog:
    if not path.exists():
        return Catalog(language, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, language)


def merged(old: Catalog, found: list[Passage]) -> Words:
    """The catalogue for these passages; what was translated from another English is fuzzy, and says from which.

    As a comment, for Babel does not read the lines of its own that it writes for it.
    """
    new = Words(old.locale, header_comment="#", fuzzy=False)
    unused = {Passage(one.context or "", one.id): one for one in old if one.id}
    kept = {passage: unused.pop(passage) for passage in found if passage in unused}
    for passage in found:
        was, fuzzy = kept.get(passage), False
        if not was and (like := likest(passage, list(unused))):
            was = unused.pop(like)
            fuzzy = bool(was.string)
        new.add(
            passage.text,
            was.string if was else "",
            flags={"fuzzy"} if fuzzy else was.flags if was else (),
            user_comments=was.user_comments if was and was.fuzzy else [f"was: {was.id!r}"] if fuzzy else (),
            context=passage.context or None,
        )
    return new


def likest(passage: Passage, others: list[Passage]) -> Passage | None:
    """The one that has become this passage: of its own cell, or of the same kind and much like it."""
    texts = [text for context, text in others if context == passage.context]
    if passage.context in ("", CODE):
        texts = difflib.get_close_matches(passage.text, texts, n=1, cutoff=0.6)
    return Passage(passage.context, texts[0]) if texts else None


def update(name: str, language: str) -> Words:
    """Bring the catalogue of a lesson or a text up to its English."""
    path = catalogue_path(name, language)
    catalogue = merged(read(path, language), passages_of(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written(catalogue))
    return catalogue


# What a translation must leave alone

CODE_SPAN = re.compile(r"`[^`\n]+`")
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
NUMBER = re.compile(r"\d+(?:\.\d+)*")
TARGET = re.compile(r"\]\(([^)#\s]*)")  # of a link or an image, without its section
KINDS = {
    "code": lambda text: CODE_BLOCK.findall(text) + CODE_SPAN.findall(CODE_BLOCK.sub("", text)),
    "formulas": lambda text: [
        re.sub(r"\\text\w*\{[^}]*\}|\s|[.,;]$", "", one.strip("$")).replace("{,}", ".")
        for one in FORMULA.findall(without_code(text))
    ],
    "links and images": TARGET.findall,
    "tags": lambda text: re.findall(r"<[^<>]*>", without_formulas(text)),
    "numbers": lambda text: NUMBER.findall(re.sub(r"(?<=\d),(?=\d)", ".", TARGET.sub("", without_formulas(text)))),
}


def without_code(text: str) -> str:
    return CODE_SPAN.sub("", CODE_BLOCK.sub("", text))


def without_formulas(text: str) -> str:
    return without_code(FORMULA.sub("", text))


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


# An edition


def chosen_edition() -> str | None:
    """The language of `make lab EDITION=it` and the like; None for English."""
    language = os.environ.get("EDITION", "")
    if language not in ("", "en", *LANGUAGES):
        raise SystemExit(f"There is no edition {language!r}: EDITION is en or {' or '.join(LANGUAGES)}.")
    return language if language in LANGUAGES else None


def lesson(path: Path, language: str | None) -> nbformat.NotebookNode:
    """The lesson at this path, in that language."""
    notebook = nbformat.read(path, as_version=4)
    return translated(notebook, path.stem, language) if language else notebook


def text(path: Path, language: str | None) -> str:
    """The same of a text."""
    return translated_text(path.stem, language) if language else path.read_text(encoding="utf-8")


def translations(name: str, language: str) -> dict[Passage, str]:
    """What is ready: translated, and from the English of now."""
    messages = read(catalogue_path(name, language), language)
    return {
        Passage(one.context or "", one.id): one.string for one in messages if one.id and one.string and not one.fuzzy
    }


def say_in(language: str | None) -> Callable[[str], str]:
    """A function from what the pages say in English to what they say in that language."""
    ready = translations(SITE, language) if language else {}
    return lambda text: ready.get(Passage("", text), text)


@cache
def pattern_of(texts: tuple[str, ...], end: str = "") -> re.Pattern:
    """These texts of vaelib, in any of its languages, whatever stands for {…}, and `end` after them."""
    catalogues = [gettext.translation("vaelib", LOCALE, [name], fallback=True) for name in SPOKEN]
    escaped = sorted({re.escape(catalogue.gettext(text)) for catalogue in catalogues for text in texts})
    return re.compile("|".join(re.sub(r"\\{.*?\\}", ".*?", text) + end for text in escaped))


def translated(notebook: nbformat.NotebookNode, name: str, language: str) -> nbformat.NotebookNode:
    """The lesson `name` in that language, as it is before a run."""
    ready = translations(name, language)

    def said(context: str, text: str) -> str:
        passage = Passage(context, text)
        return ready[passage] if passage in ready else f"> *{LANGUAGES[language]}*\n\n{text}"

    for cell in notebook.cells:
        for field, text in cell.metadata.get("slide", {}).items():
            if isinstance(text, str) and not NAME.fullmatch(text):
                cell.metadata.slide[field] = ready.get(Passage(f"{cell.id} {field}", text), text)
        if cell.cell_type == "markdown":
            cell.source = said(cell.id, cell.source)
        else:
            cell.source, cell.outputs, cell.execution_count = in_code(cell.source, ready), [], None
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source = SETTING.format(language=language) + first.source
    notebook.metadata.pop("vaelib", None)  # the number of the English outputs
    return notebook


def in_code(code: str, ready: dict[Passage, str]) -> str:
    """The code with its strings in another language. What has no translation stays: a program must run."""
    content = code.encode()
    for (start, end), text, opening in sorted(strings(code), reverse=True):
        if translation := ready.get(Passage(CODE, text)):
            literal = f"{opening}{translation}{opening.lstrip('f')}"
            content = content[:start] + literal.encode() + content[end:]
    return content.decode()


def translated_text(name: str, language: str) -> str:
    """A text such as the glossary in that language."""
    ready = translations(name, language)

    def said(found: re.Match) -> str:
        if not is_part(found[0]):
            return found[0]
        row = "|" if found[0].endswith("|") else ""
        return ready.get(Passage("", found[0]), f"{found[0].removesuffix(row)} *({LANGUAGES[language]})*{row}")

    return PART.sub(said, TEXTS[name].read_text(encoding="utf-8"))


def readme(language: str) -> str:
    """The README in that language, for its place in notebooks/locale."""
    return RELATIVE.sub("](../../../", translated_text("README", language))


def main(names: list[str]) -> None:
    """Bring all catalogues up to date, and count what is left to do: `make catalogues`."""
    for language in LANGUAGES:
        for name in names or NAMES:
            print(left_to_do(update(name, language), name))
        if not names:
            (FOLDER / language / "README.md").write_text(readme(language), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
