"""Check what a class handed in, and write a table: `make collect FOLDER=…`.

The folder holds notebooks: in a folder for each student, as in nbgrader's `submitted`, or with the student's name in
the name of the file. Of each notebook the answers to the exercises are taken, with what else its writer defined or
imported, and checked by the course's own checks; the lesson around them is not run, so thirty notebooks take a
minute or two. Each is checked in a process of its own (tools/answers.py), in an empty folder that goes away, with
limits of time and memory. Where bubblewrap is installed (Debian: `apt install bubblewrap`), the process moreover sees
a machine on which it can write nowhere else, has no network, calls no program, and can't read what others handed in.
An answer shares its process with its check, so one that is written to deceive can call itself right: the table is for
teaching, not for an examination. The tables are written by tools/tables.py.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import nbformat

from tools import answers, edition, tables
from tools.exercises import Exercise, all_exercises
from tools.lessons import LESSONS, ROOT
from tools.tables import BROKEN, MISSING, Result

LARGEST = 50_000_000  # bytes, of a notebook that is read
MOST_VALUES = 500_000  # in it: each may take a hundred bytes of memory; lessons have 4,500
START = 300  # seconds: a busy machine may take long to import PyTorch
MOST_SAID = 1_000_000  # bytes, of what is read of a process: its own lines are some ten thousand
COLLECTED = ROOT / "collected"  # where the tables go
SOCKETS = ("/run", "/tmp", "/var/tmp")  # where the desktop's and the system's programs can be called


class Submission(NamedTuple):
    """One notebook that was handed in."""

    student: str
    lesson: str | None  # None where no lesson can be seen in it
    path: Path


def submissions_in(folder: Path) -> list[Submission]:
    """The notebooks, one for each student and lesson: the newest, where there are several."""
    found: dict[tuple, Submission] = {}
    paths = [path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    for path in sorted(paths, key=lambda path: (is_a_file(path), path.lstat().st_mtime)):
        one = Submission(*student_and_lesson(path.relative_to(folder)), path)
        found[one[:2] if one.lesson else path] = one
    return sorted(found.values(), key=lambda one: (one.student, one.lesson or ""))


def is_a_file(path: Path) -> bool:
    """And no link: one may lead to what somebody else handed in."""
    return path.is_file() and not path.is_symlink()


def student_and_lesson(path: Path) -> tuple[str, str | None]:
    """From the path of a notebook below the folder: anna/04_….ipynb, anna/04_…/04_….ipynb or anna_04_….ipynb."""
    lesson = next((number for number, lesson in LESSONS.items() if lesson.stem in path.stem), None)
    if len(path.parts) > 1:
        return path.parts[0], lesson
    name = path.stem.replace(LESSONS[lesson].stem, "") if lesson else path.stem
    return name.strip(" _-.") or path.stem, lesson


# What is in a notebook


def text_of(path: Path) -> str:
    """What is to be read as a notebook. Raises ValueError for what is no file, or would take too much memory."""
    if not is_a_file(path):
        raise ValueError("it is no file, but a link, a folder or something else")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"it has more than {LARGEST / 1e6:.0f} MB")
    content = path.read_bytes()
    if sum(content.count(mark) for mark in (b"[", b"{", b",")) > MOST_VALUES:
        raise ValueError("it has more values than a notebook can have")
    return content.decode("utf-8")


def answers_in(notebook, exercises: list[Exercise]) -> list[dict]:
    """For each exercise what its writer wrote; None for an answer whose cell is gone."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    given = {squeezed(cell.source) for exercise in exercises for cell in (exercise.stub, exercise.check)}
    return [
        {
            "id": exercise.id,
            "answer": answer_to(exercise, code),
            "check": exercise.check.source,
            "own": [piece for cell in code if squeezed(cell.source) not in given for piece in definitions(cell.source)],
        }
        for exercise in exercises
    ]


def answer_to(exercise: Exercise, code: list) -> str | None:
    """The exercise's cell, known by its id or by nbgrader's; or the last cell that defines the function."""
    for cell in code:
        ids = {cell.get("id"), cell.metadata.get("nbgrader", {}).get("grade_id")}
        if ids & {exercise.stub.id, exercise.id} and exercise.function in cell.source:
            return plain(cell.source)
    written = [cell.source for cell in code if re.search(rf"^(def )?{exercise.function}\b *[(=]", cell.source, re.M)]
    return plain(written[-1]) if written else None


def squeezed(source: str) -> str:
    return "".join(source.split())


def plain(source: str) -> str:
    """Without the lines that are IPython's, and not Python's."""
    return re.sub(r"^(\s*)(%%?[A-Za-z]|!).*$", r"\1pass", source, flags=re.M)


def definitions(source: str) -> list[str]:
    """What a cell imports and defines, and its plain values: what an answer may need, and what is quickly run."""
    try:
        statements = ast.parse(plain(source)).body
    except (SyntaxError, ValueError):
        return []
    return [ast.unparse(one) for one in statements if is_definition(one)]


def is_definition(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        try:
            ast.literal_eval(statement.value)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            return False
        return True
    return isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef))


# Checking


def check_submission(submission: Submission, hidden: list[Path]) -> list[Result]:
    """A result for each exercise of its lesson."""
    student, lesson, path = submission
    exercises = [one for one in all_exercises() if one.lesson == lesson]
    if lesson is None:
        return [Result(student, "", BROKEN, f"{path.name}: its name is not that of a lesson")]
    try:
        written = answers_in(nbformat.reads(text_of(path), as_version=4), exercises)
    except Exception as error:  # whatever a file may hold
        reason = f"the notebook can't be read: {str(error).strip().partition(chr(10))[0][:200] or type(error).__name__}"
        return [Result(student, exercise.id, BROKEN, reason) for exercise in exercises]
    there = [answer for answer in written if answer["answer"] is not None]
    found = check_answers(there, hidden)
    gone = (MISSING, "its cell is gone")
    return [Result(student, exercise.id, *found.get(exercise.id, gone)) for exercise in exercises]


def check_answers(left: list[dict], hidden: list[Path]) -> dict[str, tuple[str, str]]:
    """The sign and reason of each answer, by the exercise's id. One that ends the process does so for itself alone."""
    found: dict[str, tuple[str, str]] = {}
    while left:
        said, ended = run_in_process(left, hidden)
        new = {line["id"]: (line["sign"], line["reason"]) for line in said if "id" in line}
        begun = [line["began"] for line in said if "began" in line]
        if begun and begun[-1] not in new:
            new[begun[-1]] = ("✗", ended)
        if not new:  # not even a beginning: no answer can be blamed
            new = {answer["id"]: (BROKEN, ended) for answer in left}
        found |= new
        left = [answer for answer in left if answer["id"] not in found]
    return found


def run_in_process(left: list[dict], hidden: list[Path]) -> tuple[list[dict], str]:
    """What the process said, line by line, and how it ended, in words."""
    with (
        tempfile.TemporaryDirectory(prefix="answers-", ignore_cleanup_errors=True) as scratch,
        tempfile.TemporaryFile() as output,  # which can't fill the memory, as a pipe can
    ):
        process = subprocess.Popen(
            [*fence_around(Path(scratch), hidden), sys.executable, "-P", "-m", "tools.answers"],
            cwd=scratch,
            env=environment(scratch),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        limit = START + 2 * answers.SECONDS * len(left)
        try:
            process.communicate(json.dumps(left).encode(), timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        end = time.time()
        output.seek(0)
        lines = output.read(MOST_SAID).decode(errors="replace").splitlines()
    said = told(lines, {answer["id"] for answer in left})
    begun = [line["at"] for line in said if "began" in line]
    if process.returncode == 1 and begun and end - begun[-1] > answers.SECONDS:
        return said, f"it took more than {answers.SECONDS} seconds: is there a loop without an end?"
    return said, f"it ended the process (exit status {process.returncode})"


def told(lines: list[str], ids: set[str]) -> list[dict]:
    """What tools.answers wrote of these answers. An answer, which runs in the same process, can write lines as well."""
    said = []
    for line in lines:
        try:
            what = json.loads(line)
        except (ValueError, RecursionError):
            continue
        match what:
            case {"began": str(which), "at": int() | float()} if which in ids:
                said.append(what)
            case {"id": str(which), "sign": "✓" | "✗" | "○", "reason": str()} if which in ids:
                said.append(what)
    return said


def environment(scratch: str) -> dict[str, str]:
    """What the process knows of this machine: where programs are, and the course."""
    known = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in os.environ}
    return known | {
        "PYTHONPATH": str(ROOT),
        "HOME": scratch,
        "TMPDIR": scratch,
        "MPLBACKEND": "agg",
        "VAELIB_KEPT": "off",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "VAELIB_LANG": edition.chosen_edition() or "en",  # of the reasons
    }


def fence_around(scratch: Path, hidden: list[Path]) -> list[str]:
    """The command that starts another such that it writes in `scratch` alone, reaches nobody, and sees nothing of the
    `hidden` folders; none where there is no bubblewrap that works."""
    program = shutil.which("bwrap")
    if not program:
        return []
    command = [program, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    for folder in filter(os.path.isdir, SOCKETS):  # sockets in a folder that can't be written to can still be called
        command += ["--tmpfs", folder]
    for folder in (ROOT, Path(sys.prefix), Path(sys.base_prefix)):  # which may lie in one of these
        command += ["--ro-bind", str(folder), str(folder)]
    for folder in hidden:
        command += ["--tmpfs", str(folder)]
    command += ["--bind", str(scratch), str(scratch), "--chdir", str(scratch)]
    command += ["--unshare-all", "--die-with-parent", "--new-session"]
    tried = subprocess.run([*command, "true"], capture_output=True)
    return command if tried.returncode == 0 else []


def collect(folder: Path) -> list[Result]:
    """The results of all that is in the folder."""
    submissions = submissions_in(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda one: check_submission(one, [folder.resolve()]), submissions)
        return [result for of_one in results for result in of_one]


def main(names: list[str]) -> int:
    folder = Path(" ".join(names))  # make knows no spaces in a word
    if not names or not folder.is_dir():
        raise SystemExit("Say in which folder the notebooks are, as in `make collect FOLDER=submitted`.")
    began = time.monotonic()
    results = collect(folder)
    if not results:
        raise SystemExit(f"There is no notebook in {folder}.")
    language = edition.chosen_edition()
    print(tables.in_words(results, edition.say_in(language)))
    tables.write(results, COLLECTED, language)
    protected = "bubblewrap" if fence_around(COLLECTED, [folder.resolve()]) else "Python's own fence alone"
    print(
        f"{time.monotonic() - began:.0f} s, behind {protected}. Tables and a page to show: {COLLECTED.name}/index.html"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
