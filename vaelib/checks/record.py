"""What the checks found: printed for whoever solves an exercise, and kept for whoever asks a program.

Where the environment variable VAELIB_PROGRESS names a file, each verdict is added to it, so that `progress()`
knows what was solved in other lessons; `make lab` sets it. Where VAELIB_STRICT is set, a check raises unless the
answer is right: a grader that counts exceptions, as nbgrader does, then gives points.
"""

import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from vaelib.language import _, later


class Verdict(NamedTuple):
    """What a check found: of which exercise, ✓ (solved), ✗ (not yet) or ○ (nothing written so far), and why."""

    exercise: str
    sign: str
    reason: str

    def __str__(self):
        return f"{self.sign} {_(WORDS[self.sign])}: {self.reason}"


WORDS = {"✓": later("right"), "✗": later("not yet"), "○": later("nothing to check yet")}


class NotYet(Exception):
    """An answer is not right; the message says why."""


class NothingYet(Exception):
    """No answer is written so far."""


_of_this_kernel: list[Verdict] = []
EXERCISES: dict[str, str] = {}  # the lesson of each exercise, filled by `exercise`


def exercise(find: Callable[[Callable], str]) -> Callable[[Callable], None]:
    """Makes a check of `find`, which returns what to say of a right answer, and raises for others what stands above."""
    name = find.__name__.removeprefix("check_")
    EXERCISES[name] = find.__module__.rpartition("_")[2]

    @functools.wraps(find)
    def check(function):
        verdict = check.verdict(function)
        print(verdict)
        _keep(verdict)
        if verdict.sign != "✓" and os.environ.get("VAELIB_STRICT"):
            raise AssertionError(str(verdict))

    def verdict(function):
        try:
            return Verdict(name, "✓", find(function))
        except NotYet as reason:
            return Verdict(name, "✗", str(reason))
        except NothingYet:
            return Verdict(name, "○", _("replace the ... in the cell above, run it, then run this cell again"))

    check.verdict = verdict  # the same without a word
    return check


def verdicts() -> list[Verdict]:
    """Every verdict that a check of this kernel gave, in order."""
    return list(_of_this_kernel)


def progress() -> None:
    """Prints each exercise of the course with ✓ if it was solved, or else with its last verdict, and how many are."""
    best: dict[str, Verdict] = {}
    for verdict in (*_kept(), *_of_this_kernel):
        before = best.get(verdict.exercise)
        if verdict.exercise in EXERCISES and (before is None or before.sign != "✓"):
            best[verdict.exercise] = verdict
    for name, lesson in sorted(EXERCISES.items(), key=lambda item: item[1]):
        verdict = best.get(name, Verdict(name, "○", ""))
        print(f"{lesson}  {verdict.sign} {name}" + (f": {verdict.reason}" if verdict.sign == "✗" else ""))
    solved = sum(verdict.sign == "✓" for verdict in best.values())
    print(_("{solved} of {all} solved").format(solved=solved, all=len(EXERCISES)))


def _keep(verdict: Verdict) -> None:
    _of_this_kernel.append(verdict)
    path = os.environ.get("VAELIB_PROGRESS")
    if not path:
        return
    line = json.dumps({**verdict._asdict(), "seconds": round(time.time())}, ensure_ascii=False)
    try:
        with Path(path).open("a", encoding="utf-8") as file:  # to its end, for other kernels write there, too
            file.write(line + "\n")
    except OSError as error:
        print(_("(this could not be kept for progress(): {error})").format(error=error))


def _kept() -> list[Verdict]:
    """What stands in the file of VAELIB_PROGRESS; a line that is no verdict is passed by."""
    try:
        lines = Path(os.environ["VAELIB_PROGRESS"]).read_text(encoding="utf-8", errors="replace").splitlines()
    except (KeyError, OSError):
        return []
    found = []
    for line in lines:
        try:
            verdict = Verdict(*(json.loads(line)[field] for field in Verdict._fields))
        except (ValueError, KeyError, TypeError):
            continue
        if all(isinstance(part, str) for part in verdict) and verdict.sign in WORDS:
            found.append(verdict)
    return found
