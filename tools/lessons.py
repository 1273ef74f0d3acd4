"""The lessons: where they are, which are meant, and a run of one."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
# Not every notebook in the folder is a lesson: a student may have begun one there, or copied one.
LESSONS = {
    path.stem[:2]: path for path in sorted(ROOT.glob("notebooks/[0-9][0-9]_*.ipynb")) if "-Copy" not in path.stem
}


def chosen(names: list[str]) -> list[Path]:
    """The lessons that begin with these numbers; all of them for none."""
    known = "\n".join(path.stem for path in LESSONS.values())
    for name in names:
        if name[:2] not in LESSONS:
            raise SystemExit(f"There is no lesson {name!r}. Take the number of one of these, as in LESSON=05:\n{known}")
    return [LESSONS[name[:2]] for name in names] or list(LESSONS.values())


def executed(path: Path, timeout: int = 120):
    """The notebook after a run on a fresh kernel, no cell longer than `timeout` seconds; its file stays as it is."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=timeout,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": path.parent}},
        extra_arguments=["--log-level=40"],  # errors alone: not that kernels talk over ports
    ).execute()
    return notebook
