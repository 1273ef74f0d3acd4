"""An update of the course with git, under a student's own work."""

import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from helpers import missing

from tools import own_copies
from tools.lessons import LESSONS, ROOT


def test_every_link_of_a_copy_leads_somewhere(tmp_path):
    """Beside my/ lies what lies beside notebooks/."""
    copies = own_copies.Copies(own_copies.contents(ROOT / "notebooks", None), tmp_path)
    copies.refresh()
    links = 0
    for path in tmp_path.glob("*.*"):
        if path.suffix == ".ipynb":
            text = "\n".join(
                cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
            )
        else:
            text = path.read_text(encoding="utf-8")
        for link in re.findall(r'(?:\]\(|src=")(?!https?:|data:|#)([^)\s"#]+)', text):
            place = ROOT / link.removeprefix("../") if link.startswith("../") else tmp_path / link
            assert place.exists(), f"{path.name}: {link}"
            links += 1
    assert links > 50


def git(folder: Path, *command: str) -> str:
    identity = ["-c", "user.name=Course", "-c", "user.email=course@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def cloned(tmp_path):
    """The course's lessons in a repository, and a student's clone of it."""
    if not shutil.which("git"):
        missing("no git")
    upstream, clone = tmp_path / "upstream", tmp_path / "clone"
    shutil.copytree(ROOT / "notebooks", upstream / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copy(ROOT / ".gitignore", upstream)
    git(upstream, "init", "--quiet")
    git(upstream, "add", ".")
    git(upstream, "commit", "--quiet", "--message", "version 1")
    git(tmp_path, "clone", "--quiet", str(upstream), str(clone))
    return upstream, clone


def change(path: Path, source: str):
    """What an editor of a notebook does to its first cell of code."""
    notebook = nbformat.read(path, as_version=4)
    next(cell for cell in notebook.cells if cell.cell_type == "code").source = source
    nbformat.write(notebook, path)


def test_a_pull_under_a_students_work(cloned, capsys, monkeypatch):
    upstream, clone = cloned
    own_copies.lay_out(clone)
    lesson, other = LESSONS["04"].name, LESSONS["05"].name
    change(clone / "my" / lesson, "the student's")
    work = (clone / "my" / lesson).read_bytes()
    for name in (lesson, other):
        change(upstream / "notebooks" / name, "the course's")
    git(upstream, "commit", "--quiet", "--all", "--message", "version 2")
    assert git(clone, "status", "--porcelain") == ""  # nothing that a pull could stumble over

    git(clone, "pull", "--quiet")
    assert (clone / "notebooks" / lesson).read_bytes() == (upstream / "notebooks" / lesson).read_bytes()
    assert (clone / "my" / lesson).read_bytes() == work

    capsys.readouterr()
    own_copies.lay_out(clone)
    assert capsys.readouterr().out == "lesson 04 has a new version: make fresh LESSON=04\n"
    assert (clone / "my" / lesson).read_bytes() == work
    assert (clone / "my" / other).read_bytes() == (upstream / "notebooks" / other).read_bytes()

    monkeypatch.setattr(own_copies, "ROOT", clone)
    own_copies.main(["04"])
    assert (clone / "my" / lesson).read_bytes() == (upstream / "notebooks" / lesson).read_bytes()
    assert [path.read_bytes() for path in (clone / "my").glob("04-before-*")] == [work]
    capsys.readouterr()
    own_copies.lay_out(clone)
    assert capsys.readouterr().out == "" and git(clone, "status", "--porcelain") == ""
