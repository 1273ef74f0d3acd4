"""What the tools have in common: which notebooks are lessons, and what is said while they run."""

import subprocess
import sys
import time

import nbformat
import pytest

from tools import lab
from tools.lessons import LESSONS, ROOT, chosen, lessons_in, progress, run_each


@pytest.fixture
def folder(tmp_path):
    """Two lessons among what a student may have left beside them."""
    for name in ("01_two", "00_one", "00_one-Copy1", "Untitled", "00_one_backup (1)-Copy2", "my_00_one", "1_short"):
        cells = [nbformat.v4.new_code_cell("foo", outputs=[], execution_count=3)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    (tmp_path / "broken.ipynb").write_text("{")
    return tmp_path


def test_a_strangers_notebook_is_no_lesson(folder):
    assert lessons_in(folder) == {"00": folder / "00_one.ipynb", "01": folder / "01_two.ipynb"}


def test_a_broken_notebook_beside_the_lessons_stops_no_copy(folder, tmp_path):
    lab.copy_without_outputs(folder, tmp_path / "copy")
    assert nbformat.read(tmp_path / "copy" / "00_one.ipynb", as_version=4).cells[0].execution_count is None


def test_lessons_are_chosen_by_their_numbers():
    assert chosen([]) == list(LESSONS.values())
    assert [path.stem for path in chosen(["05", "00_start_here"])] == ["05_beta", "00_start_here"]
    with pytest.raises(SystemExit, match="no lesson 'Untitled'"):
        chosen(["Untitled"])


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_line_for_each_lesson_with_its_seconds_and_what_is_left(at_once, tmp_path, capsys):
    paths = [tmp_path / f"0{k}_lesson.ipynb" for k in range(3)]

    def run(path):
        time.sleep(0.01)
        return path.stem

    assert run_each(paths, run, at_once) == [path.stem for path in paths]
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[0] for line in lines) == [path.stem for path in paths]
    assert [line.split("s   ")[1] for line in lines] == ["2 left", "1 left", "the last"]


def test_a_lesson_that_fails_ends_the_run(tmp_path):
    with pytest.raises(ZeroDivisionError):
        run_each([tmp_path / "00_lesson.ipynb"], lambda path: 1 / 0)


def test_seconds_and_what_is_left():
    assert progress("05_beta", 12.34, 3) == "05_beta                             12.3 s   3 left"


def test_the_pages_come_after_the_lessons_of_both_languages_and_two_long_files():
    """Else they run them once more: pytest brings together what needs the same browser, and leaves others behind."""
    names = ("lessons_as_slides", "italian_lessons", "explorers_in_browser", "rehearsal", "site_in_browser")
    files = [path.relative_to(ROOT).as_posix() for name in names for path in ROOT.glob(f"tests/*/test_{name}.py")]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "rest", "-p", "no:cacheprovider"]
    said = subprocess.run([*command, *reversed(files)], cwd=ROOT, capture_output=True, text=True, check=True)
    found = [line.partition("::")[0] for line in said.stdout.splitlines() if "::" in line]
    assert list(dict.fromkeys(found)) == files and found == sorted(found, key=files.index)
