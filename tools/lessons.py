"""The lessons: where they are, which are meant, and a run of one."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Lock

import nbformat
from nbclient import NotebookClient

from tools.environment import ROOT, keep_out_user_settings


def lessons_in(folder: Path) -> dict[str, Path]:
    """The lessons by their numbers. Not every notebook is one: a student may have begun one there, or copied one."""
    return {path.stem[:2]: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")) if "-Copy" not in path.stem}


LESSONS = lessons_in(ROOT / "notebooks")
ASSERTION = "assertion"  # the tag of a folded cell that asserts what the lesson says: not for slides and pages


def chosen(names: list[str]) -> list[Path]:
    """The lessons that begin with these numbers; all of them for none."""
    known = "\n".join(path.stem for path in LESSONS.values())
    for name in names:
        if name[:2] not in LESSONS:
            raise SystemExit(f"There is no lesson {name!r}. Take the number of one of these, as in LESSON=05:\n{known}")
    return [LESSONS[name[:2]] for name in names] or list(LESSONS.values())


def progress(name: str, seconds: float, left: int) -> str:
    """What is said of a thing that is done: how long it took, and how many are left."""
    return f"{name:34}{seconds:6.1f} s   {f'{left} left' if left else 'the last'}"


def run_each(paths: list[Path], run, at_once: int = 1) -> list:
    """run(path) for each lesson, some at once, with a line for each; what they return, in order."""
    left = count(len(paths) - 1, -1)
    turn = Lock()

    def run_one(path):
        began = time.monotonic()
        result = run(path)
        with turn:
            print(progress(path.stem, time.monotonic() - began, next(left)), flush=True)
        return result

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(run_one, paths))


def executed(path: Path, notebook=None, timeout: int = 600):
    """The notebook after a run on a fresh kernel, no cell longer than `timeout` seconds; its file stays as it is.

    Another `notebook` may be run in its place.
    """
    keep_out_user_settings()
    notebook = notebook or nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=timeout,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": path.parent}},
        extra_arguments=["--log-level=40"],  # errors alone: not that kernels talk over ports
    ).execute()
    return notebook
