"""What a lesson's pictures depend on, as one short number.

When the lessons are tested, what they say is compared with what is stored, but pictures are not: trained on another
machine, they differ a little. So `make notebooks` stores this number with a lesson, and a test asks for a new run when
it is another one. It is made of the lesson's own code and of every definition of vaelib that this code reaches, name by
name. It looks at what the code means: comments, docstrings, types, the words of an error, and where a definition stands
do not count. Explorers and checks do not count either: what an explorer shows is not stored, and what a check prints is
compared. Nor does it count that a text is marked to be translated, or how it is said in another language.
"""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

from tools.lessons import ROOT

PACKAGE = "vaelib"
NOT_STORED = (f"{PACKAGE}.explorers", f"{PACKAGE}.checks", f"{PACKAGE}.language")
MARKS = ("_", "later")  # of texts that may be translated: in English they say what they hold
DATA = {  # files that stand behind a definition: whoever reaches it reads them
    "WEIGHTS": "data/trained/*.safetensors",
    "BUNDLED": "data/digits/*.gz",
}
Reached = dict[tuple[str, str], str]  # (module, name) → what it means


def digest(notebook) -> str:
    """The number of a lesson, 16 hexadecimal digits."""
    code = lesson_code(notebook)
    reached = definitions_reached(code)
    parts = [repr(meaning(code)), *sorted(reached.values())]
    hashed = hashlib.sha256("\n".join(parts).encode())
    for name in sorted({name for _, name in reached} & set(DATA)):
        for path in sorted((ROOT / PACKAGE).glob(DATA[name])):
            hashed.update(path.read_bytes())
    return hashed.hexdigest()[:16]


def lesson_code(notebook) -> ast.Module:
    """All code cells as one program, without IPython's own commands."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    lines = (line for source in cells for line in source.splitlines() if not line.startswith(("%", "!")))
    return ast.parse("\n".join(lines))


def meaning(node) -> tuple | str:
    """A piece of code as nested tuples, alike for every version of Python, without what changes no picture."""
    if isinstance(node, list):
        return tuple(meaning(item) for item in node if not is_docstring(item))
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Raise):
        return ("Raise",)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
        return meaning(node.args[0])
    fields = [(name, value) for name, value in ast.iter_fields(node) if name not in ("ctx", "kind", "type_comment")]
    if isinstance(node, (ast.FunctionDef, ast.arg)):  # in a class an annotation makes a field, here it only explains
        fields = [(name, value) for name, value in fields if name not in ("annotation", "returns")]
    return (type(node).__name__, *((name, meaning(value)) for name, value in fields if value not in (None, [])))


def is_docstring(node) -> bool:
    """A string that stands alone: Python does nothing with it but keep it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def definitions_reached(code: ast.Module) -> Reached:
    """Every definition of the package that a program needs, and what those need in turn."""
    reached: Reached = {}
    attributes = {node.attr for node in ast.walk(code) if isinstance(node, ast.Attribute)}
    for module, name in names_used(code, imports_in(code)):
        reach(module, name, reached)
    for module in files():  # History.plot = …: whoever writes .plot
        for owner, attribute, value in attributes_given(module):
            if attribute in attributes and any(name == owner for _, name in reached):
                reach(module, value, reached)
    return reached


def reach(module: str, name: str, reached: Reached) -> None:
    """Add the definition `name` of `module`, and what it needs, to what is `reached`."""
    if module.startswith(NOT_STORED) or (module, name) in reached:
        return
    if name not in definitions(module):
        if name in imported_by(module):
            reach(*imported_by(module)[name], reached)
        return
    means, needs = definition_of(module, name)
    reached[module, name] = means
    for target in needs:
        reach(*target, reached)


@functools.cache
def definition_of(module: str, name: str) -> tuple[str, list[tuple[str, str]]]:
    """What the definition means, and what it needs: (module, name) of each."""
    definition = definitions(module)[name]
    known = imported_by(module) | {other: (module, other) for other in definitions(module)} | imports_in(definition)
    return repr((name, meaning(definition))), list(dict.fromkeys(names_used(definition, known)))


def names_used(code: ast.AST, known: dict[str, tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(module, name) of everything in `code` that is among the `known` names, or in a module that is."""
    for node in ast.walk(code):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            owner = ".".join(filter(None, known[node.value.id]))
            if owner in files():
                yield owner, node.attr
        if isinstance(node, ast.Name) and node.id in known:
            yield known[node.id]


@functools.cache
def files() -> dict[str, Path]:
    """The package's modules by their full names."""
    names = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


@functools.cache
def parsed(module: str) -> ast.Module:
    return ast.parse(files()[module].read_text(encoding="utf-8")) if module in files() else ast.Module([], [])


@functools.cache
def definitions(module: str) -> dict[str, ast.stmt]:
    """The functions, classes and values that a module defines at its top, by their names."""
    found = {}
    for node in parsed(module).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        for target in assigned(node):
            found |= {name.id: node for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


@functools.cache
def attributes_given(module: str) -> list[tuple[str, str, str]]:
    """(owner, attribute, value) of each `Owner.attribute = value` at the top of a module."""
    return [
        (target.value.id, target.attr, node.value.id)
        for node in parsed(module).body
        for target in assigned(node)
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
    ]


@functools.cache
def imported_by(module: str) -> dict[str, tuple[str, str]]:
    return imports_in(parsed(module))


def assigned(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def imports_in(code: ast.AST) -> dict[str, tuple[str, str]]:
    """What `code` takes from the package: the name that it goes by → (module, name)."""
    found = {}
    for node in ast.walk(code):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            found |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
        if isinstance(node, ast.Import):
            found |= {
                alias.asname or PACKAGE: (alias.name if alias.asname else PACKAGE, "")
                for alias in node.names
                if alias.name.split(".")[0] == PACKAGE
            }
    return found
