"""The Italian lessons say what the English ones say: the same lines, with the same numbers."""

import re

import pytest
from helpers import NOTEBOOKS

from tests.lessons.test_nbval import sanitized
from tools import edition
from tools.lessons import LESSONS, executed

pytestmark = pytest.mark.rest
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NOT_SAID = re.compile(r"<[^>]*>|History\(.*?\)", re.DOTALL)  # what a widget or a training is made of
IN_ENGLISH = {"circa": "about", " e ": " and ", " a ": " to "}  # the words that tests/lessons/nbval.cfg knows


def lines(cell):
    """What a cell says in words, a list of lines."""
    said = []
    for output in cell.outputs:
        data = output.get("data", {})
        said.append(output.get("text") or data.get("text/html") or data.get("text/plain", ""))
    return "\n".join(said).splitlines()


def numbers(line):
    """The numbers of a line, in order of their size; of a training's only that they are there."""
    for italian, english in IN_ENGLISH.items():
        line = re.sub(rf"(?<!\w){italian}(?!\w)" if italian.isalpha() else italian, english, line)
    return sorted(NUMBER.findall(sanitized(re.sub(r"(?<=\d),(?=\d)", ".", line)))) + ["NUMBER"] * line.count("about")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_an_italian_lesson_runs_and_says_the_same(name, trainings, monkeypatch):
    monkeypatch.setenv("VAELIB_KEPT", str(trainings))
    path = LESSONS[name[:2]]
    ran = executed(path, edition.lesson(path, "it"))
    for english, italian in zip(NOTEBOOKS[name].cells, ran.cells, strict=True):
        if english.cell_type == "code":
            compare(lines(english), lines(italian), english.id)


def compare(english, italian, cell):
    kept = [line for line in italian if "addestrato prima" not in line]
    assert len(kept) == len(english), (cell, english, kept)
    for one, other in zip(english, kept, strict=True):
        assert numbers(one) == numbers(other), (cell, one, other)
