"""A student's own copies of the lessons, in my/, which git ignores: an update never meets a student's work.

`make lab` lays them out, `make fresh LESSON=04` begins one again. What a student changed is never overwritten and never
removed. A copy is untouched as long as it equals a version that was given out: my/.copied.json holds the digests. Once
JupyterLab has saved it, it is the student's. Without that file nothing is lost either: then all that differs from the
course counts as the student's. `make handout` treats a teacher's folder by the same rule.
"""

import contextlib
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

import nbformat

from tools import edition
from tools.environment import ROOT, can_be_written
from tools.lessons import chosen, lessons_in

NAME = "my"
RECORD = ".copied.json"
TEXTS = ("glossary.md", "further_reading.md")  # the lessons link to them
BESIDE = ("README.md", "images", "notebooks")  # what is linked to as ../NAME
HALF_WRITTEN = ".*.part"
DAY = 86400  # seconds


class Copies:
    """The copies in the folder `mine` of what the course has: files by their names, which may lead into folders."""

    def __init__(self, course_has: dict[str, bytes], mine: Path):
        self.mine, self.course_has = mine, course_has
        self.given = _read_record(mine / RECORD)  # for each name the digests of what was given out, the latest last

    def refresh(self) -> list[str]:
        """Give out what is missing or has a new version; the names of those that have one and are the student's."""
        self._clear_half_written()
        untouched = [name for name in self.course_has if self._is_untouched(name)]
        stale = [name for name in untouched if self._digest(name) != _digest_of(self.course_has[name])]
        self._remember(untouched)  # before they are written: whatever stops this, the copies are known as the course's
        for name in stale:
            (self.mine / name).parent.mkdir(parents=True, exist_ok=True)
            with _written_beside(self.mine / name, self.course_has[name]) as whole:
                if self._is_untouched(name):  # still, though a JupyterLab may have been at work meanwhile
                    whole.replace(self.mine / name)
        return [name for name in self.course_has if name not in untouched and not self._is_latest(name)]

    def begin_again(self, name: str) -> Path | None:
        """Give out the course's version; where the student's old one is now, None if there was nothing to keep."""
        kept = None
        with _written_beside(self.mine / name, self.course_has[name]) as whole:
            if not self._is_untouched(name):
                kept = _put_aside(self.mine / name)
            whole.replace(self.mine / name)
        with contextlib.suppress(OSError):  # the next start sees that the copy is the course's
            self._remember([name])
        return kept

    def _digest(self, name: str) -> str | None:
        """Of the copy; None if there is none, or nothing that can be read."""
        try:
            return _digest_of((self.mine / name).read_bytes())
        except OSError:
            return None

    def _is_untouched(self, name: str) -> bool:
        """Is there no copy, or one that the course has, or once had?"""
        known = [*self.given.get(name, []), _digest_of(self.course_has[name])]
        return not os.path.lexists(self.mine / name) or self._digest(name) in known

    def _is_latest(self, name: str) -> bool:
        """Is the course's version the one that was given out last?"""
        return self.given.get(name, [])[-1:] == [_digest_of(self.course_has[name])]

    def _remember(self, names: list[str]) -> None:
        new = {name: _digest_of(self.course_has[name]) for name in names if not self._is_latest(name)}
        for name, digest in new.items():
            self.given[name] = [*(old for old in self.given.get(name, []) if old != digest), digest]
        if new:
            with _written_beside(self.mine / RECORD, json.dumps(self.given, indent=1).encode()) as whole:
                whole.replace(self.mine / RECORD)

    def _clear_half_written(self) -> None:
        """What a start that was killed left; another that is at work now keeps its own."""
        for folder in {(self.mine / name).parent for name in self.course_has}:
            for path in folder.glob(HALF_WRITTEN):
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < time.time() - DAY:
                        path.unlink()


def contents(notebooks: Path, language: str | None) -> dict[str, bytes]:
    """What is given out: the lessons and the texts beside them, by their names."""
    lessons, texts = lessons_in(notebooks).values(), [notebooks / name for name in TEXTS]
    if language is None:
        return {source.name: source.read_bytes() for source in [*lessons, *texts]}
    return {source.name: nbformat.writes(edition.lesson(source, language)).encode() for source in lessons} | {
        source.name: edition.text(source, language).encode() for source in texts
    }


def _digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_record(path: Path) -> dict[str, list[str]]:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    entries = record.items() if isinstance(record, dict) else ()
    return {name: digests for name, digests in entries if isinstance(digests, list)}


@contextlib.contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """A whole file with this `content`, to be renamed to `path` in the block; else it is gone at its end.

    vaelib.storage has the like, but comes with torch, for which `make lab` would wait.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def _put_aside(path: Path) -> Path:
    """Rename a lesson to a name of its own, with date and time, that `lessons_in` takes for no lesson."""
    now = datetime.now().strftime("%Y-%m-%d-%H.%M.%S")
    for number in count(1):
        kept = path.with_name(f"{path.name[:2]}-before-{now}{f'-{number}' if number > 1 else ''}{path.suffix}")
        with contextlib.suppress(FileExistsError):
            kept.open("xb").close()  # from here on nobody else gets this name
            break
    try:
        return path.replace(kept)
    except OSError:
        kept.unlink()
        raise


# Where they are, and what is said


def places(course: Path) -> list[Path]:
    """The folders that may hold my/: the course's own, and one at home for a course that its reader can't write to."""
    with contextlib.suppress(RuntimeError):  # nobody knows where home is
        return [course, Path.home() / "vae_course"]
    return [course]


def own_folder(course: Path, language: str | None = None) -> Path | None:
    """The folder for the copies, made if need be; None if there is no place for it."""
    folders = (place / NAME / (language or "") for place in places(course))
    return next((folder for folder in folders if can_be_written(folder)), None)


def lay_out(course: Path = ROOT, language: str | None = None) -> Path | None:
    """Bring the copies up to date and say what a student should know; the folder that they are in, None if in none."""
    mine = own_folder(course, language)
    if mine is None:
        where = " and ".join(map(str, places(course)))
        _say(f"Nothing can be written in {where}: the lessons open, but what you change in them is not saved.")
        return None
    try:
        first_time = not (mine / RECORD).exists()
        behind = Copies(contents(course / "notebooks", language), mine).refresh()
        if course not in mine.parents:
            _link_to_the_course(course, mine.parents[1 if language else 0])
            _say(f"The course's folder can't be written, so your own copies of the lessons are in {mine}.")
        elif first_time:
            where = mine.relative_to(course).as_posix()
            _say(f"Your own copies of the lessons are in {where}/: an update leaves those alone that you worked in.")
        for name in behind:
            _say(_about_new_version(name, language))
    except OSError as error:
        _say(f"The lessons could not be copied to {mine} ({error.strerror or error}).")
    return mine if all((mine / path.name).exists() for path in lessons_in(course / "notebooks").values()) else None


def _about_new_version(name: str, language: str | None = None, on_windows: bool = os.name == "nt") -> str:
    if name in TEXTS:
        return f"{name} has a new version: rename yours, and the next start brings it"
    number = name[:2]
    how = rf".venv\Scripts\python -m tools fresh {number}" if on_windows else f"make fresh LESSON={number}"
    return f"lesson {number} has a new version: {how}" + (f" EDITION={language}" if language else "")


def _link_to_the_course(course: Path, place: Path) -> None:
    """So that what the copies link to is found from there as well; where links can't be made they lead nowhere."""
    for name in BESIDE:
        link = place / name
        with contextlib.suppress(OSError):
            if link.is_symlink():  # the course may have moved
                link.unlink()
            link.symlink_to(course / name)


def _say(line: str) -> None:
    print(line, flush=True)


def main(names: list[str]) -> None:
    """Begin one lesson again: `make fresh LESSON=04`."""
    if len(names) != 1:
        raise SystemExit("Say which lesson to begin again, as in `make fresh LESSON=04`.")
    name = chosen(names)[0].name
    language = edition.chosen_edition()
    mine = own_folder(ROOT, language)
    if mine is None:
        raise SystemExit(f"Nothing can be written in {' and '.join(map(str, places(ROOT)))}.")
    try:
        kept = Copies(contents(ROOT / "notebooks", language), mine).begin_again(name)
    except OSError as error:
        raise SystemExit(f"Nothing is lost, but the lesson stays: {error.strerror or error} ({mine / name}).") from None
    print(f"{mine / name} is as the course has it." + (f" Your old one is {kept.name}, beside it." if kept else ""))
    if kept:
        print("If the lesson is open in JupyterLab: File → Reload Notebook from Disk.")


if __name__ == "__main__":
    main(sys.argv[1:])
