"""`git diff` of a notebook shows what a reader would see, and no wall of base64."""

import json
import shutil
import subprocess
import sys

import pytest

from tools.lessons import LESSONS, ROOT
from tools.notebook_text import as_text

COMMAND = f'"{sys.executable}" "{ROOT / "tools" / "notebook_text.py"}"'


@pytest.fixture
def git(tmp_path):
    """A repository with lesson 00 in it, and a function that runs git there."""
    if not shutil.which("git"):
        pytest.skip("there is no git")

    def run(*arguments):
        settings = ["-c", f"diff.ipynb.textconv={COMMAND}", "-c", "user.name=a", "-c", "user.email=a@b.invalid"]
        return subprocess.run(["git", *settings, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)

    shutil.copy(ROOT / ".gitattributes", tmp_path)
    shutil.copy(LESSONS["00"], tmp_path / "lesson.ipynb")
    run("init", "-q")
    run("add", ".")
    run("commit", "-q", "-m", "first")
    return run


def edit(folder, change):
    path = folder / "lesson.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    change(notebook)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def test_a_changed_word_is_the_whole_diff(git, tmp_path):
    def change(notebook):
        notebook["cells"][0]["source"] = ["# 00 · Begin here\n"]

    edit(tmp_path, change)
    said = git("diff").stdout
    assert "+# 00 · Begin here" in said and len(said) < 2000


def test_a_changed_picture_is_one_line(git, tmp_path):
    def change(notebook):
        outputs = next(cell["outputs"] for cell in notebook["cells"] if "base64" in json.dumps(cell.get("outputs", "")))
        (output,) = (some for some in outputs if "text/html" in some.get("data", {}))
        output["data"]["text/html"] = "".join(output["data"]["text/html"]).replace(";base64,", ";base64,AAAA")

    edit(tmp_path, change)
    lines = [line for line in git("diff").stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert len(lines) == 2 and all("[webp, " in line for line in lines)
    assert max(map(len, lines)) < 1000


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_can_be_read_as_text(lesson):
    notebook = json.loads(LESSONS[lesson].read_text(encoding="utf-8"))
    text = as_text(notebook)
    assert "base64," not in text and len(text) < 200_000
    for cell in notebook["cells"]:
        if "base64" not in "".join(cell["source"]):
            assert "".join(cell["source"]) in text
