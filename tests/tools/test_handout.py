"""What a class gets holds no solution, answer or note, and says so itself when it is run."""

import json
import re
import subprocess
import sys

import nbformat
import pytest
import torch
from helpers import NAMES, NOTEBOOKS

from tools import handout
from tools.exercises import all_exercises
from tools.lessons import LESSONS, ROOT, lessons_in
from vaelib import checks

MEGABYTE = 1_000_000
FOLDED = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
EXERCISES = all_exercises()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handout")
    handout.write(folder)
    return folder


@pytest.fixture(scope="module")
def handed_out(folder):
    return {path.stem: nbformat.read(path, as_version=4) for path in lessons_in(folder).values()}


def told(notebook) -> set[str]:
    """What stands in folded parts that are not the options of a question, without spaces."""
    parts = FOLDED.findall("\n".join(cell.source for cell in notebook.cells))
    return {"".join(text.split()) for head, text in parts if head.startswith("<b>") and "A hint" not in head}


def test_it_is_light_and_whole(folder, handed_out):
    assert list(handed_out) == NAMES
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < MEGABYTE
    for notebook in handed_out.values():
        nbformat.validate(notebook)
        for cell in notebook.cells:
            assert cell.cell_type != "code" or (not cell.outputs and cell.execution_count is None)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_is_told_is_left(name, handed_out):
    text = "".join(json.dumps(handed_out[name], ensure_ascii=False).replace("\\n", "").split())
    secrets = told(NOTEBOOKS[name])
    assert secrets, "each lesson has at least its note for instructors"
    for secret in secrets:
        for line in filter(None, re.split(r"(?<=[.:])(?=[A-ZΑ-Ω])|```(?:python)?", secret)):
            assert len(line) < 30 or line.replace("\\n", "") not in text, line
    for cell in handed_out[name].cells:
        assert not {"instructor", "assertion"} & set(cell.metadata.get("tags", []))
        assert "slide" not in cell.metadata and "slideshow" not in cell.metadata
    questions = [FOLDED.findall(cell.source) for cell in NOTEBOOKS[name].cells if "**Question." in cell.source]
    kept = [FOLDED.findall(cell.source) for cell in handed_out[name].cells if "**Question." in cell.source]
    assert kept == questions  # options to open are part of a question


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_a_stub_waits_and_nbgrader_knows_it(exercise, handed_out, monkeypatch, capsys):
    cells = handed_out[LESSONS[exercise.lesson].stem].cells
    by_id = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in cells if "nbgrader" in cell.metadata}
    stub, check = by_id[exercise.id], by_id[f"check_{exercise.id}"]
    assert stub.metadata["nbgrader"]["solution"] and not stub.metadata["nbgrader"]["grade"]
    assert check.metadata["nbgrader"]["points"] == handout.POINTS and check.metadata["nbgrader"]["locked"]
    names = {"torch": torch}
    exec(stub.source, names)
    exec(check.source, names)
    assert checks.verdicts()[-1].sign == "○"
    monkeypatch.setenv("VAELIB_STRICT", "1")
    with pytest.raises(AssertionError, match="nothing to check yet"):
        exec(check.source, names)
    exec(exercise.solution, names)
    exec(check.source, names)


def test_no_cell_needs_one_that_is_gone(folder):
    """Names that only an assertion had made would be missed here."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "F821",
        *map(str, folder.glob("*.ipynb")),
    ]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_every_exercise_has_an_id_of_its_own():
    ids = [exercise.id for exercise in EXERCISES]
    assert len(ids) == len(set(ids)) > 20
    cells = [exercise.stub.id for exercise in EXERCISES]
    assert len(cells) == len(set(cells))


def test_what_a_teacher_began_stays(folder):
    graded = folder / "nbgrader" / "submitted" / "anna.ipynb"
    graded.parent.mkdir()
    graded.write_text("mine")
    handout.write(folder)
    assert graded.read_text() == "mine"


def test_what_a_teacher_changed_stays_and_the_rest_is_brought_up_to_date(tmp_path, monkeypatch, capsys):
    first = handout.contents()
    name = LESSONS["04"].name
    mine, others = f"nbgrader/source/{LESSONS['04'].stem}/{name}", (name, LESSONS["05"].name)
    handout.write(tmp_path)
    (tmp_path / mine).write_text("my own fourth lesson")
    config = tmp_path / "nbgrader" / "nbgrader_config.py"
    config.write_text("c = get_config()")
    newer = {one: content.replace(b"a VAE", b"a VAE!") for one, content in first.items()}
    monkeypatch.setattr(handout, "contents", lambda language: newer)
    handout.write(tmp_path)
    assert (tmp_path / mine).read_text() == "my own fourth lesson" and config.read_text() == "c = get_config()"
    assert all((tmp_path / other).read_bytes() == newer[other] != first[other] for other in others)
    (said,) = capsys.readouterr().out.splitlines()  # of the settings there is nothing new
    assert said.startswith(f"{tmp_path / mine} was changed")
