"""That the faults of `make faults` can still be planted. That the tests catch them takes it minutes to show."""

import ast

import pytest

from tools.faults import FAULTS, plant, where_tested
from tools.lessons import ROOT
from tools.places import find, pattern


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_can_be_planted(fault):
    change = plant(fault)
    assert change.after != change.before == change.path.read_text(encoding="utf-8")
    if change.path.suffix == ".py":
        ast.parse(change.after)  # a fault that is no Python would be caught for the wrong reason
    assert (ROOT / where_tested(fault)[0]).exists()


PYTHON = """
LIMIT = (
    1, 2)

class One:
    def run(self):
        return  a+b

class Other:
    def run(self):
        return a + b
"""
JAVASCRIPT = """
import { a } from "./a.js"; // class Nothing { run() { return a + b; } }
export const twice = (x) =>
  x + x;
const text = "} {";
class One {
  run(x) { return `}${x}` + a + b; }
}
export class Other {
  run(x) {
    if (x) { return a + b; }
  }
}
"""


@pytest.fixture
def course(tmp_path):
    (tmp_path / "vaelib" / "deep").mkdir(parents=True)
    (tmp_path / "vaelib" / "some.py").write_text(PYTHON)
    (tmp_path / "vaelib" / "deep" / "many.js").write_text(JAVASCRIPT)
    return tmp_path


@pytest.mark.parametrize(
    ("definition", "right", "after"),
    [
        ("LIMIT", "(1,2)", "LIMIT = HERE\n"),
        ("some.One.run", "a + b", "return  HERE\n"),
        ("some.Other.run", "return a + b", "        HERE\n"),
        ("twice", "x+x", "=>\n  HERE;"),
        ("many.Other.run", "return a + b;", "{ HERE }"),
    ],
)
def test_a_place_is_found_by_its_definition_and_tokens(definition, right, after, course):
    assert after in find(course, definition, right, "HERE").after


@pytest.mark.parametrize(
    ("definition", "right"),
    [
        ("One.run", "a + b"),  # in Python and in JavaScript
        ("run", "a"),
        ("some.One.run", "b + a"),
        ("many.One.run", "x) { if"),  # which is the other's
        ("twice", "x +"),
        ("twice", "text"),
        ("Nothing.run", "a"),  # but in a comment
        ("gone", "a"),
    ],
)
def test_a_place_that_is_not_there_once_is_refused(definition, right, course):
    if (definition, right) == ("twice", "x +"):
        (course / "vaelib" / "more.js").write_text("const twice = (x) => x + 1;")
    with pytest.raises(LookupError, match="must stand once"):
        find(course, definition, right, "HERE")


def test_a_token_is_matched_whole():
    assert pattern("beta * kl").search("x = beta*\n kl;") and not pattern("beta * kl").search("x = beta * kl_sum")
    assert not pattern("eta * kl").search("beta * kl")
