"""Write the lessons as a class gets them: `make handout`.

In handout/ each lesson stands without solutions, answers and notes for instructors, and without outputs. Its exercises
carry what nbgrader wants to know, and handout/nbgrader is a course for it: see notebooks/instructors_guide.md.
"""

import re
from pathlib import Path

import nbformat

from tools import edition
from tools.exercises import Exercise, exercises_of
from tools.lessons import ASSERTION, LESSONS, ROOT
from tools.own_copies import TEXTS, Copies

FOLDER = ROOT / "handout"
# The folded parts with a heading of their own: "Solution", "An answer". Options of questions have none; hints stay.
TOLD = re.compile(r"<details>\s*<summary><b>(?!A hint|Un suggerimento).*?</details>\s*", re.DOTALL)
POINTS = 1  # of each exercise
FOR_NBGRADER = """\
# nbgrader on the course's lessons: run it in this folder.
import os

os.environ["VAELIB_STRICT"] = "1"  # a check raises unless the answer is right, so that it gives points
os.environ["VAELIB_KEPT"] = "off"  # no student's code meets what another's has trained
os.environ["OMP_NUM_THREADS"] = "1"

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "vae"
# The stubs are the course's own: ClearSolutions would put others in their place.
STEPS = ("IncludeHeaderFooter", "LockCells", "ClearOutput", "CheckCellMetadata", "ComputeChecksums", "SaveCells")
c.GenerateAssignment.preprocessors = [f"nbgrader.preprocessors.{step}" for step in STEPS]
c.ExecutePreprocessor.timeout = 600  # seconds, of a cell that trains
"""


def handed_out(lesson: str, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The lesson without what a class should find by itself, ready for nbgrader."""
    for exercise in exercises_of(lesson, notebook):
        mark_for_nbgrader(exercise)
    notebook.cells = [cell for cell in map(without_answers, notebook.cells) if cell]
    return notebook


def without_answers(cell: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """None for a cell that is nothing else; assertions say what comes out, and are for the course's own tests."""
    if ASSERTION in cell.metadata.get("tags", []):
        return None
    for name in ("slide", "slideshow"):  # what a hall sees, with its answers
        cell.metadata.pop(name, None)
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
        return cell
    cell.source = TOLD.sub("", cell.source).rstrip()
    return cell if cell.source else None


def mark_for_nbgrader(exercise: Exercise) -> None:
    """The cell to be written is the student's, the check is worth a point and can't be changed."""
    common = {"schema_version": 3, "task": False}
    exercise.stub.metadata["nbgrader"] = common | {
        "grade_id": exercise.id,
        "grade": False,
        "locked": False,
        "solution": True,
    }
    exercise.check.metadata["nbgrader"] = common | {
        "grade_id": f"check_{exercise.id}",
        "grade": True,
        "locked": True,
        "points": POINTS,
        "solution": False,
    }


def contents(language: str | None = None) -> dict[str, bytes]:
    """All lessons, for a class, and again as nbgrader's source of assignments: files by their names in the folder."""
    files = {name: edition.text(ROOT / "notebooks" / name, language).encode() for name in TEXTS}
    files["nbgrader/nbgrader_config.py"] = FOR_NBGRADER.encode()
    for lesson, path in LESSONS.items():
        notebook = nbformat.writes(handed_out(lesson, edition.lesson(path, language))).encode()
        files |= {path.name: notebook, f"nbgrader/source/{path.stem}/{path.name}": notebook}
    return files


def write(folder: Path, language: str | None = None) -> None:
    """Bring the handout in `folder` up to date; what somebody changed there, or began, stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in Copies(contents(language), folder).refresh():
        print(f"{folder / name} was changed, and stays so: to have the course's new one, move yours away")


def main() -> None:
    language = edition.chosen_edition()
    folder = FOLDER / language if language else FOLDER
    write(folder, language)
    size, name = sum(path.stat().st_size for path in folder.glob("*.ipynb")), folder.relative_to(ROOT)
    print(f"{len(LESSONS)} lessons, {size / 1e6:.2f} MB, in {name}/; for nbgrader, in {name}/nbgrader/")


if __name__ == "__main__":
    main()
