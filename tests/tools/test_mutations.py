"""That mutations can be drawn, planted and tried. That the tests catch them takes an hour to show."""

import ast
import os

import pytest

from tools import mutations
from tools.lessons import ROOT

PYTHON = b'''
"""One + one."""
LEAST = 0.5
def scaled(x: int | None, *, width=3, times=2):
    """x + 1"""
    if x and times not in (1, 1e-9):
        raise ValueError(f"{x + 1}")
    x += -times  # 1 + 1
    return max(x, 2) if not x else f(x, width)
'''
JAVASCRIPT = b"""
const one = (a, b) => a ?? b;
function two(list) {
  for (let k = 0; k < list.length; k++) if (!list[k] || k === 3) throw new Error(`${k + 1}`);
  return svg("line", { x1: 7, "class": "wide" + 5, r: one(true, 1.5) });
}
"""


def said(path, text):
    return [one.name.removeprefix(path).strip() for one in mutations.mutations(path, text)]


def test_what_can_be_made_wrong_in_python():
    assert said("a.py", PYTHON) == [
        "top: 0.5 → (2 * 0.5)",
        "scaled: 2 → 3",
        "scaled: x and times not in (1, 1e-9) → not (x and times not in (1, 1e-9))",
        "scaled: and → or",
        "scaled: not in → in",
        "scaled: 1 → 2",
        "scaled: += → -=",
        "scaled: -times → times",
        "scaled: max(x, 2) if not x else f(x, width) → None",
        "scaled: 2 → 3 (2)",
        "scaled: not x → x",
        "scaled: x, width → width, x",
    ]


def test_what_can_be_made_wrong_in_javascript():
    attributes = '{ x1: 7, "class": "wide" + 5, r: one(true, 1.5) }'
    assert said("a.js", JAVASCRIPT) == [
        "one: a ?? b → undefined",
        "one: ?? → &&",
        "two.k: 0 → 1",
        "two: < → <=",
        "two: ++ → --",
        "two: (!list[k] || k === 3) → (!((!list[k] || k === 3)))",
        "two: || → &&",
        "two: !list[k] → list[k]",
        "two: === → !==",
        "two: 3 → 4",
        'two: svg("line", { x1: 7, "class": "wide" + 5, r: one(true, 1.5) }) → undefined',
        f'two: "line", {attributes} → {attributes}, "line"',
        "two: 5 → 6",
        "two: true, 1.5 → 1.5, true",
        "two: true → false",
        "two: 1.5 → (2 * 1.5)",
    ]


def test_a_check_may_try_other_cases():
    text = b"for n, x in ((3, 0.5), (4, 2)):\n    f(n + 1)\n"
    assert said("vaelib/checks/a.py", text) == ["top: + → -", "top: 1 → 2"]
    assert len(said("vaelib/a.py", text)) == 6


def test_a_name_does_not_depend_on_the_lines_before_it():
    assert set(said("a.py", PYTHON)) < set(said("a.py", b"import os\n\n\ndef other():\n    return 1 + 1\n" + PYTHON))


@pytest.mark.parametrize("suffix", [".py", ".js"])
def test_every_mutation_that_is_drawn_can_be_planted_and_is_tried_on_tests_that_are_there(suffix):
    drawn = mutations.drawn(suffix)
    assert len(drawn) == len({one.name for one in drawn}) == 300
    assert len({one.path for one in drawn}) > 12
    for one in drawn:
        before = (ROOT / one.path).read_bytes()
        after = one.planted(before)
        assert after != before
        if suffix == ".py":
            ast.parse(after)
        else:
            assert not mutations.PARSERS[suffix].parse(after).root_node.has_error, one.name
        files = [word.partition("::")[0] for word in mutations.tests_of(one.path) if ".py" in word]
        assert files and all((ROOT / file).exists() for file in files)


def test_what_is_called_equivalent_is_there_and_explained():
    """Drawn or not: new code may push one out of those that are drawn, and be gone again tomorrow."""
    there = {one.name for suffix in (".py", ".js") for one in mutations.drawn(suffix, count=None)}
    for name, reason in mutations.KNOWN["equivalent"].items():
        assert name in there and len(reason) > 20, name


def test_every_module_has_its_tests():
    files = [path for kind in ("py", "js") for path in (ROOT / "vaelib").rglob(f"*.{kind}") if "data" not in path.parts]
    assert {path.relative_to(ROOT / "vaelib").as_posix() for path in files} == set(mutations.KNOWN["tests"])


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """A trial of a course with one module and one test."""
    for folder in ("course", "copy"):
        (tmp_path / folder / "vaelib").mkdir(parents=True)
        (tmp_path / folder / "vaelib" / "__init__.py").touch()
        (tmp_path / folder / "vaelib" / "some.py").write_text(
            "def half(n):\n    k = 0\n    while 2 * k < n:\n        k += 1\n    return k\n"
        )
        os.utime(
            tmp_path / folder / "vaelib" / "some.py", (1e9, 1e9)
        )  # or what Python compiled would be taken for fresh
    (tmp_path / "copy" / "tests").mkdir()
    (tmp_path / "copy" / "tests" / "test_some.py").write_text(
        "from vaelib.some import half\n\ndef test_half():\n    assert half(10) == 5\n"
    )
    monkeypatch.setattr(mutations, "ROOT", tmp_path / "course")
    monkeypatch.setattr(mutations, "LIMIT", 10)
    monkeypatch.setitem(mutations.KNOWN, "tests", {"some.py": ["test_some.py"]})
    options = [*mutations.KNOWN["options"], "-p", "no:playwright"]  # whose assertions can't be nested
    monkeypatch.setitem(mutations.KNOWN, "options", options)
    trial = mutations.Trial.__new__(mutations.Trial)
    trial.copy, trial.sound_copy = tmp_path / "copy", tmp_path / "course"
    trial.witness, trial.said = tmp_path / "witness", tmp_path / "said"
    trial.sound, trial.keen = set(), {}
    return trial


@pytest.mark.rest
def test_a_mutation_is_caught_or_survives_and_the_file_is_as_it_was(trial):
    path = mutations.ROOT / "vaelib" / "some.py"
    three = {"0 → 1": None, "2 → 3": "tests/test_some.py::test_half", "+= → -=": "the time limit"}
    for one in mutations.mutations("vaelib/some.py", path.read_bytes()):
        if (change := one.name.partition(": ")[2]) in three:
            assert trial(one) == three.pop(change), change
    assert not three and (trial.copy / "vaelib" / "some.py").read_bytes() == path.read_bytes()
