"""What the lessons trained when they were compared with their stored outputs, for the tests that come after that; and
what they showed on their slides, for the tests of the pages.

Each lesson has a folder of its own, for none may take another's training there. They lie in a folder for this code.
"""

import hashlib
import os
import shutil
from pathlib import Path

import nbformat

from tools.environment import ROOT

ALL = ROOT / "artefacts" / "trainings"


def of_this_code() -> Path:
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("vaelib/**/*.py"), *ROOT.glob("notebooks/*.ipynb")]):
        digest.update(path.read_bytes())
    return ALL / digest.hexdigest()[:16]


def begin(lesson: str) -> None:
    """Let the kernels that this program starts keep what this lesson trains; nothing is there yet."""
    folder = of_this_code() / lesson
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["VAELIB_KEPT"] = str(folder)


def clear() -> None:
    """Remove what other code trained."""
    for folder in ALL.glob("*"):
        if folder != of_this_code():
            shutil.rmtree(folder, ignore_errors=True)


def gather(folder: Path) -> None:
    """Fill a folder with what all lessons trained."""
    for path in of_this_code().glob("*/*.kept"):
        if not (folder / path.name).exists():  # two lessons may train the same
            (folder / path.name).symlink_to(path)


def keep_run(lesson: Path, run) -> None:
    """Keep what a lesson showed in a `run` of its slides, in the notebook as it is in the course."""
    notebook = nbformat.read(lesson, as_version=4)
    notebook.metadata["widgets"] = run.metadata["widgets"]
    ran = {cell.id: cell for cell in run.cells}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.source == ran[cell.id].source
            cell.outputs = ran[cell.id].outputs
    write_run(lesson.name, notebook)


def write_run(name: str, notebook, language: str = "") -> None:
    """Keep a lesson that was run, in a language other than English if one is named."""
    folder = runs() / language
    folder.mkdir(parents=True, exist_ok=True)
    half_written = folder / f".{name}"
    nbformat.write(notebook, half_written)
    half_written.replace(folder / name)  # another worker may be looking


def runs() -> Path:
    """The folder with these lessons, as `tools.site --runs` takes it."""
    return of_this_code() / "runs"


def has(lesson: str) -> bool:
    return (of_this_code() / lesson).exists()
