"""Each lesson as a hall sees it: warmed, then rehearsed, slide by slide."""

import subprocess
import sys

import earlier_trainings
import nbformat
import pytest
from helpers import but_slow

from tools import rehearse
from tools.lessons import LESSONS, ROOT

lessons = pytest.mark.parametrize("lesson", LESSONS.values(), ids=lambda path: path.stem)

TRAINS_ITS_OWN = "10"  # the lesson whose models are a reader's own: no training of such is kept


def few(slides) -> bool:
    """Is it at most one slide of ten?"""
    slides = list(slides)
    return sum(slides) <= len(slides) / 10


@lessons
def test_a_hall_sees_what_it_should(lesson, browser, trainings, monkeypatch):
    monkeypatch.setenv("VAELIB_KEPT", str(trainings))
    if not earlier_trainings.has(lesson.stem):
        subprocess.run([sys.executable, "-m", "tools.warm", lesson.stem], cwd=ROOT, check=True)
    rehearsal = rehearse.rehearse(lesson, browser)
    print(rehearsal)  # with what is slow, which depends on the machine
    assert rehearsal.cold == lesson.stem.startswith(TRAINS_ITS_OWN)
    assert but_slow(rehearsal) == []
    assert few(share < rehearse.FILLED for share, _ in rehearsal.fullness)
    assert few(words > rehearse.WORDS for _, words in rehearsal.fullness)
    earlier_trainings.keep_run(lesson, rehearsal.notebook)


@lessons
def test_a_lesson_has_slides_and_its_note_is_on_none(lesson):
    notebook = nbformat.read(lesson, as_version=4)
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]
    assert set(kinds) <= {"slide", "fragment", "skip", "notes", None}  # Right would pass a subslide by
    assert kinds[0] == "slide" and 4 < kinds.count("slide") <= 20
    headlines = [
        cell.metadata["slide"]["headline"] for cell in notebook.cells if "headline" in cell.metadata.get("slide", {})
    ]
    assert len(headlines) == kinds.count("slide") and all(len(headline.split()) <= 12 for headline in headlines)
    assert [k for k, kind in enumerate(kinds) if kind == "notes"] == [len(kinds) - 1]
