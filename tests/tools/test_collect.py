"""What a class hands in is checked as it should be, whatever it does, and nothing else is touched by it."""

import csv
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from tools import collect, edition, tables
from tools.exercises import all_exercises
from tools.lessons import LESSONS

LESSON = LESSONS["04"].name
EXERCISES = [one for one in all_exercises() if one.lesson == "04"]
SOLUTIONS = {one.id: one.solution for one in EXERCISES}
STUBS = {one.id: one.stub.source for one in EXERCISES}
# Wrong answers, and what the class should read about each.
WRONG = {
    "04_sample": (
        "def sample(mu, log_var):\n    return mu + torch.exp(log_var) * torch.randn_like(mu)",
        "the spread is σ², not σ: σ = exp(½ log σ²)",
    ),
    "04_kl": ("def kl(mu, log_var):\n    return 0.5 * (mu**2 + log_var.exp() - log_var)", "−1"),
    "04_vae_loss": (
        "def loss_of_the_course(x, x_hat, mu, log_var, beta):\n"
        "    kl = 0.5 * (mu**2 + log_var.exp() - 1 - log_var)\n"
        "    return ((x - x_hat).abs().sum(dim=(1, 2, 3)) - beta * kl.sum(dim=1)).mean()",
        "the KL is subtracted",
    ),
}
OUTSIDE = """
def kl(mu, log_var):
    import pathlib
    pathlib.Path({path!r}).write_text("I was here")
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)
"""
HOSTILE = {
    "loops": "def kl(mu, log_var):\n    while True:\n        pass",
    "eats": "def kl(mu, log_var):\n    return [0] * 2_500_000_000",  # 20 GB
    "exits": "def kl(mu, log_var):\n    import os\n    os._exit(0)",
}
SAID = {
    "loops": "it took more than",
    "eats": "MemoryError",
    "exits": "it ended the process",
    "writes": "your function stopped with",
}


@pytest.fixture
def hand_in(tmp_path):
    """Writes a notebook of lesson 04 with these answers: the course's own notebook with other cells."""
    source = nbformat.read(LESSONS["04"], as_version=4)
    source.cells = [cell for cell in source.cells if cell.cell_type == "code"]
    for cell in source.cells:
        cell.outputs = []
    folder = tmp_path / "submitted"

    def write(student, written, without=()):
        notebook = nbformat.from_dict(source)
        ids = {one.stub.id: one.id for one in EXERCISES}
        notebook.cells = [nbformat.from_dict(cell) for cell in source.cells if ids.get(cell.id) not in without]
        for cell in notebook.cells:
            cell.source = written.get(ids.get(cell.id), cell.source)
        path = folder / student / LESSON
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
        return path

    write.folder = folder
    return write


def found(results) -> dict[tuple[str, str], tables.Result]:
    return {(result.student, result.exercise): result for result in results}


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


@pytest.mark.rest
def test_a_class_of_thirty_gets_what_was_planted(hand_in, tmp_path):
    planted = {}
    for k in range(25):
        written, student = {}, f"student {k:02}"
        for j, exercise in enumerate(SOLUTIONS):
            sign = "✓✗○"[(k + k // 3 * j) % 3]
            planted[student, exercise] = sign
            written[exercise] = {"✓": SOLUTIONS, "○": STUBS}.get(sign, {exercise: WRONG[exercise][0]})[exercise]
        hand_in(student, written)
    victim = tmp_path / "outside.txt"
    for student, answer in (HOSTILE | {"writes": OUTSIDE.format(path=str(victim))}).items():
        hand_in(student, SOLUTIONS | {"04_kl": answer})
        planted |= {(student, "04_sample"): "✓", (student, "04_kl"): "✗", (student, "04_vae_loss"): "✓"}
    hand_in("deletes", SOLUTIONS, without={"04_kl"})
    planted |= {("deletes", "04_sample"): "✓", ("deletes", "04_kl"): "–", ("deletes", "04_vae_loss"): "✓"}
    before = {path: path.read_bytes() for path in hand_in.folder.rglob("*") if path.is_file()}

    began = time.monotonic()
    results = collect.collect(hand_in.folder)
    print(f"thirty notebooks: {time.monotonic() - began:.0f} s")
    by_answer = found(results)
    assert {key: result.sign for key, result in by_answer.items()} == planted
    for (_, exercise), result in by_answer.items():
        if result.student.startswith("student") and result.sign == "✗":
            assert WRONG[exercise][1] in result.reason
    for student, said in SAID.items():
        assert said in by_answer[student, "04_kl"].reason
    assert not victim.exists()
    assert {path: path.read_bytes() for path in hand_in.folder.rglob("*") if path.is_file()} == before

    tables.write(results, tmp_path / "tables")
    counts = Counter((exercise, sign) for (_, exercise), sign in planted.items())
    table = rows_of(tmp_path / "tables" / "table.csv")
    assert {(row["student"], name): row[name] for row in table for name in SOLUTIONS} == planted
    mistakes = rows_of(tmp_path / "tables" / "mistakes.csv")
    for exercise, (_, said) in WRONG.items():
        (row,) = (row for row in mistakes if row["exercise"] == exercise and said in row["mistake"])
        extra = len(SAID) if exercise == "04_kl" else 0
        assert int(row["students"]) == counts[exercise, "✗"] - extra


@pytest.mark.rest
def test_an_answer_meets_nothing_but_itself(hand_in, tmp_path):
    """It can't read what others wrote, where bubblewrap is; and has no network, and starts no program."""
    secret = hand_in("anna", SOLUTIONS)
    tries = {
        "reader": f"open({str(secret)!r}).read()",
        "caller": "__import__('socket').create_connection(('192.0.2.1', 80), timeout=2)",
        "starter": "__import__('subprocess').run(['true'])",
    }
    for student, code in tries.items():
        right = SOLUTIONS["04_kl"]
        hand_in(student, SOLUTIONS | {"04_kl": right + f"\n{code}\n"})
    results = found(collect.collect(hand_in.folder))
    assert results["anna", "04_kl"].sign == "✓"
    for student in ("caller", "starter"):
        assert results[student, "04_kl"].sign == "✗" and "not allowed" in results[student, "04_kl"].reason
    if collect.fence_around(tmp_path, []):
        assert "No such file" in results["reader", "04_kl"].reason


FORGED = """
import os, sys
frame = sys._getframe()
while "tell" not in frame.f_locals:
    frame = frame.f_back
tell = frame.f_locals["tell"]
tell(id="04_kl", sign="<img src=x>", reason="")
tell(id=[], sign="✓", reason="")
tell(id="04_kl", sign=["✓"], reason="")
tell(began="another", at=0)
os._exit(0)
"""


def test_lines_that_an_answer_writes_itself_are_no_results(hand_in):
    hand_in("forger", SOLUTIONS | {"04_kl": SOLUTIONS["04_kl"] + FORGED})
    results = found(collect.collect(hand_in.folder))
    assert results["forger", "04_kl"].sign == "✗" and "it ended the process" in results["forger", "04_kl"].reason
    assert results["forger", "04_sample"].sign == results["forger", "04_vae_loss"].sign == "✓"


def test_other_cells_that_fail_here_fail_no_answer(hand_in):
    path = hand_in("anna", SOLUTIONS)
    notebook = nbformat.read(path, as_version=4)
    others = ("from google.colab import drive", "def shown(x=of_another_cell):\n    return x", "x = {[1, 2]}")
    notebook.cells[1:1] = [nbformat.v4.new_code_cell(source) for source in others]
    nbformat.write(notebook, path)
    assert {one.sign for one in collect.collect(hand_in.folder)} == {"✓"}


def test_only_what_is_of_ipython_is_passed_over():
    source = "%matplotlib inline\n!ls\n%%time\nprint('%s'\n      % 1)\n"
    assert collect.plain(source) == "pass\npass\npass\nprint('%s'\n      % 1)\n"


def test_behind_bubblewrap_no_program_can_be_called(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    fence = collect.fence_around(scratch, [])
    if not fence:
        pytest.skip("there is no bubblewrap that works here")
    call = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as program:
        program.bind(f"{folder}/it")
        program.listen()
        called = [sys.executable, "-c", call, f"{folder}/it"]
        assert subprocess.run(called).returncode == 0
        assert b"No such file" in subprocess.run([*fence, *called], capture_output=True).stderr


def test_names_of_students_come_from_folders_or_files():
    where = {
        "anna/04_variational_autoencoder.ipynb": ("anna", "04"),
        "anna/04_variational_autoencoder/04_variational_autoencoder.ipynb": ("anna", "04"),
        "Bo Li_123_file_04_variational_autoencoder.ipynb": ("Bo Li_123_file", "04"),
        "05_beta - Carla.ipynb": ("Carla", "05"),
        "mine.ipynb": ("mine", None),
    }
    for path, told in where.items():
        assert collect.student_and_lesson(Path(path)) == told


def test_the_newest_of_several_counts_before_a_link_and_checkpoints_do_not(hand_in):
    first = hand_in("anna", STUBS)
    again = first.parent / "attempt 2" / first.name
    again.parent.mkdir()
    shutil.copy(first, again)
    os.utime(first, (1, 1))
    (first.parent / ".ipynb_checkpoints").mkdir()
    shutil.copy(first, first.parent / ".ipynb_checkpoints" / first.name)
    (first.parent / "attempt 3").mkdir()
    (first.parent / "attempt 3" / first.name).symlink_to(first)
    assert [one.path for one in collect.submissions_in(hand_in.folder)] == [again]


def test_what_is_no_notebook_is_a_line_in_the_table(tmp_path):
    for name, text in (("anna", "{"), ("bo", "[]"), ("carla", '{"cells": 3}'), ("dora", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / LESSON).write_text(text)
    results = collect.collect(tmp_path)
    assert len(results) == 4 * len(EXERCISES) and {result.sign for result in results} == {"!"}
    assert all("can't be read" in result.reason for result in results)


def test_an_answer_is_found_by_its_cell_or_by_its_name(hand_in):
    path = hand_in("anna", {"04_kl": "%timeit 1\nfactor = 0.5\n" + SOLUTIONS["04_kl"]})
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("import math as m\nHALF = 0.5\nfit(model)\nx = load()"))
    for cell in notebook.cells:
        cell.id = nbformat.v4.new_code_cell().id  # as some editors do
    kl = next(one for one in collect.answers_in(notebook, EXERCISES) if one["id"] == "04_kl")
    assert "pass\nfactor = 0.5\ndef kl" in kl["answer"] and "%" not in kl["answer"]
    assert {"import math as m", "HALF = 0.5"} <= set(kl["own"])
    assert not any("fit(" in piece or "load()" in piece for piece in kl["own"] if not piece.startswith("def "))


def test_tables_are_safe_to_open_and_to_show(tmp_path):
    results = [
        tables.Result("=1+1", "04_kl", "✗", "expected 1.5 at [0, 1], where you are furthest off, got 2.5"),
        tables.Result("<b>bo</b>", "04_kl", "✗", "expected 3 at [1, 1], where you are furthest off, got 4"),
        tables.Result("carla", "04_kl", "✓", "<script>"),
    ]
    tables.write(results, tmp_path)
    assert "'=1+1" in (tmp_path / "table.csv").read_text(encoding="utf-8-sig")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<b>bo" not in page and "<script" not in page and "2 of 3<td>another value" in page
    assert page.index("<details>") < page.index("carla")
    assert "04_kl: 1 right, 2 not yet\n    2 of 3: another value" == tables.in_words(results, edition.say_in(None))


def test_the_tables_know_the_edition(tmp_path):
    results = [
        tables.Result("anna", "04_kl", "✗", "atteso 1,5 in [0, 1], dove sei più lontano, trovato 2,5"),
        tables.Result("bruno", "04_kl", "✗", "atteso 3, trovato 4"),
        tables.Result("carla", "04_kl", "○", ""),
    ]
    tables.write(results, tmp_path, "it")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<html lang=it>" in page and "2 su 3<td>un altro valore" in page and "3 studenti" in page
    assert "students" not in page and "solved" not in page
    assert "04_kl: 2 non ancora, 1 non iniziato\n    2 su 3: un altro valore" == tables.in_words(
        results, edition.say_in("it")
    )
