"""The exercises of the lessons: the cell to be written, the cell that checks it, and the course's solution."""

import re
from functools import cache
from typing import NamedTuple

import nbformat

from tools.lessons import LESSONS

TAG = "exercise"
SOLUTION = re.compile(r"<details><summary><b>[^<]*</b></summary>\s*```python\n(.*?)```", re.DOTALL)
CHECK = re.compile(r"\bcheck_(\w+)\((\w+)\)")


class Exercise(NamedTuple):
    """One exercise: its lesson ("04"), its name ("kl"), the function that is to be written, and its cells."""

    lesson: str
    name: str
    function: str
    stub: nbformat.NotebookNode
    check: nbformat.NotebookNode
    solution: str  # code

    @property
    def id(self) -> str:
        """Two lessons may have an exercise of the same name."""
        return f"{self.lesson}_{self.name}"


def exercises_of(lesson: str, notebook: nbformat.NotebookNode) -> list[Exercise]:
    """In order. The check stands in the cell after the exercise, the solution in the one after that."""
    found, cells = [], notebook.cells
    for k, cell in enumerate(cells):
        if TAG in cell.metadata.get("tags", []):
            check, solution = cells[k + 1], SOLUTION.search(cells[k + 2].source)
            found.append(Exercise(lesson, *CHECK.search(check.source).groups(), cell, check, solution[1]))
    return found


@cache  # each call would read all lessons anew
def all_exercises() -> list[Exercise]:
    """Of all lessons."""
    return [one for lesson, path in LESSONS.items() for one in exercises_of(lesson, nbformat.read(path, as_version=4))]
