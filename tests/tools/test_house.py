"""The house stays one: arrows between modules point downwards, and no room grows too large."""

import ast
from itertools import combinations

import pytest

from tools.lessons import ROOT

# From the ground up: a room may import what is on the floors below it.
FLOORS = [
    ["vaelib.require", "vaelib.palette", "vaelib.storage", "vaelib.adam"],
    ["vaelib.language"],
    ["vaelib.losses", "vaelib.faces", "vaelib.digits"],
    ["vaelib.models"],
    ["vaelib.multirate"],
    ["vaelib.history"],
    ["vaelib.training_cache"],
    ["vaelib.training"],
    ["vaelib.measures", "vaelib.landscape"],
    ["vaelib.recording", "vaelib.rate"],
    ["vaelib.trained"],
    ["vaelib.figures"],
    ["vaelib.explorers"],
    ["vaelib.checks"],
    ["vaelib"],  # hands on the public names
    ["tools"],
]
LONGEST = 350  # lines
PYTHON = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ("vaelib", "tools")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "data" not in path.parts  # where a script lies beside what it made
}


def imports_of(name):
    """The modules of the course that a module imports, wherever in its text, by their full names."""
    found = set()
    for node in ast.walk(ast.parse(PYTHON[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: a full name shows where the arrow points"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    from_vaelib_itself = {one for one in found if one.rpartition(".")[0] == "vaelib" and one not in PYTHON}
    if name.startswith("vaelib."):
        assert not from_vaelib_itself, f"{name} must not import from the front door: {from_vaelib_itself}"
        found.discard("vaelib")  # `from vaelib import require` means the module
    return found & set(PYTHON) - {name}


ARROWS = {name: imports_of(name) for name in PYTHON}


def room_of(name):
    """A file of vaelib, or a folder, is a room; the tools are one."""
    return ".".join(name.split(".")[:2]) if name.startswith("vaelib.") else name.split(".")[0]


def floor_of(room):
    floors = [k for k, rooms in enumerate(FLOORS) if room in rooms]
    assert floors, f"{room} has no place in the house: say in FLOORS where it stands"
    return floors[0]


def test_no_arrow_points_up():
    arrows = [(name, other) for name, others in ARROWS.items() for other in others if room_of(name) != room_of(other)]
    up = [f"{name} → {other}" for name, other in arrows if floor_of(room_of(other)) >= floor_of(room_of(name))]
    assert arrows and not up, "\n".join(up)


def test_there_is_no_circle():
    def reached(name, seen):
        for other in ARROWS[name] - seen:
            seen.add(other)
            reached(other, seen)
        return seen

    everything = {name: reached(name, set()) for name in ARROWS}
    assert not [
        (one, other) for one, other in combinations(ARROWS, 2) if one in everything[other] and other in everything[one]
    ]


@pytest.mark.parametrize("name", [name for name in PYTHON if name.startswith("tools")])
def test_tools_never_import_tests(name):
    text = PYTHON[name].read_text(encoding="utf-8")
    imported = {
        one
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for one in [getattr(node, "module", None), *(alias.name for alias in node.names)]
        if one
    }
    own = {path.stem for path in (ROOT / "tests").rglob("*.py")} | {"tests", "pytest"}
    assert not {one for one in imported if one.split(".")[0] in own}


def test_no_file_is_too_long():
    files = [path for kind in ("py", "js") for path in (ROOT / "vaelib").rglob(f"*.{kind}")]
    long = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert files and not {name: lines for name, lines in long.items() if lines > LONGEST}


def test_every_room_is_there():
    assert {room_of(name) for name in PYTHON} == {room for floor in FLOORS for room in floor}
