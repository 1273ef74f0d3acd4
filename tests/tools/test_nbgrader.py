"""nbgrader gives the point of an exercise for a right answer, and for no other."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import torch

from tools import handout
from tools.exercises import all_exercises
from tools.lessons import LESSONS

pytestmark = [
    pytest.mark.rest,
    pytest.mark.skipif(not shutil.which("nbgrader", path=str(Path(sys.executable).parent)), reason="no nbgrader here"),
]
EXERCISES = all_exercises()
WRONG = "\n\nright = {0}\n\n\ndef {0}(*arguments):\n    return torch.zeros(7, 5, 3)\n"  # of a shape that none has
ASSIGNMENT = "exercises"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course for nbgrader with all exercises in one assignment: the cells that `make handout` writes, without the
    lessons around them, which would train for an hour."""
    folder = tmp_path_factory.mktemp("class")
    handout.write(folder)
    cells = [nbformat.v4.new_code_cell("import torch")]
    for lesson in LESSONS.values():
        cells += [
            cell for cell in nbformat.read(folder / lesson.name, as_version=4).cells if "nbgrader" in cell.metadata
        ]
    course = folder / "nbgrader"
    write(course / "source" / ASSIGNMENT, cells)
    nbgrader(course, "generate_assignment", ASSIGNMENT, "--create")
    return course


def write(folder: Path, cells: list) -> None:
    folder.mkdir(parents=True)
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / f"{ASSIGNMENT}.ipynb")


def nbgrader(course: Path, *arguments: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic by its name
    done = subprocess.run(
        ["nbgrader", *arguments], cwd=course, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]


def hand_in(course: Path, student: str, answers: dict[str, str]) -> None:
    released = nbformat.read(course / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", as_version=4)
    for cell in released.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    write(course / "submitted" / student / ASSIGNMENT, released.cells)


def test_unsolved_right_and_wrong_get_nothing_all_and_nothing(course):
    solutions = {one.id: one.solution for one in EXERCISES}
    hand_in(course, "unsolved", {})
    hand_in(course, "right", solutions)
    hand_in(course, "wrong", {one.id: solutions[one.id] + WRONG.format(one.function) for one in EXERCISES})
    # Each exercise by itself: what one student solves is every third of them.
    for k in range(3):
        hand_in(course, f"some{k}", {one.id: one.solution for one in EXERCISES[k::3]})
    nbgrader(course, "autograde", ASSIGNMENT)
    nbgrader(course, "export")
    with (course / "grades.csv").open(encoding="utf-8") as file:
        points = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    n = len(EXERCISES)
    assert points.pop("unsolved") == (0, n) and points.pop("wrong") == (0, n) and points.pop("right") == (n, n)
    assert points == {f"some{k}": (len(EXERCISES[k::3]), n) for k in range(3)}


def test_a_stub_is_handed_out_as_the_course_wrote_it(course):
    released = nbformat.read(course / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", as_version=4)
    sources = {
        cell.metadata["nbgrader"]["grade_id"]: cell.source for cell in released.cells if "nbgrader" in cell.metadata
    }
    for one in EXERCISES:
        names = {"torch": torch}
        exec(sources[one.id], names)
        assert callable(names[one.function]) and sources[one.id] == one.stub.source
