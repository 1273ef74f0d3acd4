"""The Italian lessons say what the English ones say: the same lines, with the same numbers."""

import re
from html import unescape

import earlier_trainings
import pytest
from helpers import NOTEBOOKS

from tests.lessons.test_nbval import sanitized
from tools import edition
from tools.lessons import LESSONS, executed

pytestmark = pytest.mark.rest
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# The words that tests/lessons/nbval.cfg knows
IN_ENGLISH = {r"\bcirca(?: il| lo| la)?\b": "about", r"\be\b": "and", r"\ba\b": "to"}
# What widgets and bars are made of, and that a training was kept, which the stored ones were not.
NOT_SAID = re.compile(r"\w+\(|.*fresh=True|(training|addestramento): |$")


def lines(cell):
    """What a cell says in words, a list of lines."""
    said = []
    for output in cell.outputs:
        data = output.get("data", {})
        said.append(output.get("text") or data.get("text/html") or data.get("text/plain", ""))
    return [line for line in unescape("\n".join(said)).splitlines() if not NOT_SAID.match(line)]


def numbers(line):
    """The numbers of a line, in order of their size; of a training's only that they are there."""
    for italian, english in IN_ENGLISH.items():
        line = re.sub(italian, english, line)
    return sorted(NUMBER.findall(sanitized(re.sub(r"(?<=\d),(?=\d)", ".", line)))) + ["NUMBER"] * line.count("about")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_italian_lesson_runs_and_says_the_same(name, trainings, monkeypatch):
    monkeypatch.setenv("VAELIB_KEPT", str(trainings))
    path = LESSONS[name[:2]]
    ran = executed(path, edition.lesson(path, "it"))
    for english, italian in zip(NOTEBOOKS[name].cells, ran.cells, strict=True):
        if english.cell_type == "code" and "nbval-ignore-output" not in english.metadata.get("tags", []):
            compare(lines(english), lines(italian), english.id)
    earlier_trainings.write_run(path.name, ran, "it")


def compare(english, italian, cell):
    assert len(english) == len(italian), (cell, english, italian)
    for one, other in zip(english, italian, strict=True):
        assert numbers(one) == numbers(other), (cell, one, other)
