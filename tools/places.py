"""Where in vaelib something stands, by meaning: by the name of the definition that it is in, and by its tokens.

So a place is found again after the file was renamed, split or formatted anew; when the definition gets another name, or
says the thing in another way, somebody has to look.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\w+|\s+|.""", re.DOTALL
)
WORDS = re.compile(r"\w+|[^\w\s]")


class Change(NamedTuple):
    """One file of the course, as it is and as it is to be."""

    path: Path
    before: str
    after: str


def find(root: Path, definition: str, right: str, wrong: str) -> Change:
    """The change that puts `wrong` in the place of `right`, which must stand in such definitions exactly once."""
    changes, names = [], 0
    for path in sorted([*root.glob("vaelib/**/*.py"), *root.glob("vaelib/**/*.js")]):
        text = path.read_text(encoding="utf-8")
        for start, end in ranges(path.suffix, text, definition.removeprefix(f"{path.stem}.")):
            names += 1
            for found in pattern(right).finditer(text, start, end):
                changes.append(Change(path, text, text[: found.start()] + wrong + text[found.end() :]))
    if len(changes) != 1:
        where = f"{names} definitions of {definition} in vaelib"
        raise LookupError(f"{right!r} must stand once in the {where}, it stands there {len(changes)} times")
    return changes[0]


def pattern(fragment: str) -> re.Pattern:
    """A pattern of the fragment's tokens, with any white space between them."""
    tokens = (rf"\b{token}\b" if re.match(r"\w", token) else re.escape(token) for token in WORDS.findall(fragment))
    return re.compile(r"\s*".join(tokens))


def ranges(suffix: str, text: str, definition: str) -> Iterator[tuple[int, int]]:
    """From where to where each definition of this name goes; "Class.method" is the method of that class alone."""
    if definition.rpartition(".")[2] in text:
        yield from (in_python if suffix == ".py" else in_javascript)(text, definition)


# Python


def in_python(text: str, definition: str) -> Iterator[tuple[int, int]]:
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    for name, node in named(tree(text), ""):
        if name == definition or name.endswith(f".{definition}"):
            yield lines[node.lineno - 1], lines[node.end_lineno]


@cache
def tree(text: str) -> ast.Module:
    return ast.parse(text)


def named(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.stmt]]:
    """(qualified name, node) of all functions, classes and values at the top of a module or class."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
            yield prefix + inner.name, inner
            yield from named(inner, f"{prefix}{inner.name}.")
        elif isinstance(inner, (ast.Assign, ast.AnnAssign)):
            for target in inner.targets if isinstance(inner, ast.Assign) else [inner.target]:
                if isinstance(target, ast.Name):
                    yield prefix + target.id, inner


# JavaScript: "MODULE.default" is what a module exports by default


def in_javascript(text: str, definition: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    name, _, rest = definition.partition(".")
    keyword = r"\b(?:function\*?|class|const|let|export)\s+"
    method = r"^\s+(?:async\s+|static\s+)?(?=\w+\([^;]*?\)\s*\{)"
    defined = rf"(?:{keyword}|{method}){name}\b"
    for found in re.compile(defined, re.MULTILINE).finditer(text, start, len(text) if end is None else end):
        is_value = re.match(r"\s*(const|let|export)\b", found[0])
        stop = end_of(text, found.end(), ";" if is_value else "}")
        if rest:
            yield from in_javascript(text, rest, found.end(), stop)
        else:
            yield found.start(), stop


def end_of(text: str, start: int, closing: str) -> int:
    """Where what begins at `start` has come to its end: behind the first such token outside all brackets."""
    depth = 0
    for token in TOKEN.finditer(text, start):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token[0], 0)
        if depth == 0 and token[0] == closing:
            return token.end()
    return len(text)
