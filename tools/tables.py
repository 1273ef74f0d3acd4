"""What a class solved, as tables: for a spreadsheet, and as a page that can be shown to the class.

The page names no student outside of a part that is folded.
"""

import csv
import html
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from tools import edition

MISSING, BROKEN = "–", "!"  # beside the signs of the checks: no answer is there, and nothing can be read
WORDS = {"✓": "right", "✗": "not yet", "○": "not begun", MISSING: "no answer there", BROKEN: "can't be read"}
STYLE = """
body { font: 20px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; } td, th { padding: 0.2em 0.6em; border-bottom: 1px solid #ccc; text-align: left; }
td.sign { text-align: center; } h2 { margin-top: 2em; } .count { white-space: nowrap; font-weight: 600; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } }
"""


UNFORESEEN = (
    "expected {right}, got {yours}",
    "expected {right} at {place}, where you are furthest off, got {yours}",
)  # vaelib's
Say = Callable[[str], str]  # from the English to another language, see tools/edition.py


class Result(NamedTuple):
    """What was found of one answer: ✓, ✗ or ○ as the checks say, – for none, ! for a notebook that can't be read."""

    student: str
    exercise: str  # its id, such as 04_kl
    sign: str
    reason: str


def exercises_in(results: Iterable[Result]) -> list[str]:
    return sorted({result.exercise for result in results if result.exercise})


def students_in(results: Iterable[Result]) -> list[str]:
    return sorted({result.student for result in results}, key=str.casefold)


def mistakes_in(results: Iterable[Result], say: Say) -> dict[str, Counter]:
    """For each exercise how often each mistake was made. Answers that differ only in numbers count as one."""
    counts: dict[str, Counter] = {}
    for result in results:
        if result.sign == "✗":
            counts.setdefault(result.exercise, Counter())[mistake(result.reason, say)] += 1
    return dict(sorted(counts.items()))


def mistake(reason: str, say: Say) -> str:
    """The reason, without the numbers of an answer that no check foresaw."""
    return edition.pattern_of(UNFORESEEN, end=r"(?=\s|$)").sub(say("another value"), reason)


def in_words(results: list[Result], say: Say) -> str:
    """One line for each exercise, and below it what went wrong, as `say` gives it in a language."""
    lines, students, mistakes = [], len(students_in(results)), mistakes_in(results, say)
    for exercise, signs in signs_of(results).items():
        counts = ", ".join(f"{signs[sign]} {say(word)}" for sign, word in WORDS.items() if signs[sign])
        lines.append(f"{exercise}: {counts}")
        for reason, count in mistakes.get(exercise, Counter()).most_common():
            lines.append(f"    {say('{count} of {students}').format(count=count, students=students)}: {reason}")
    return "\n".join(lines)


def signs_of(results: list[Result]) -> dict[str, Counter]:
    return {
        exercise: Counter(result.sign for result in results if result.exercise == exercise)
        for exercise in exercises_in(results)
    }


def write(results: list[Result], folder: Path, language: str | None = None) -> None:
    """table.csv (students × exercises), results.csv (one answer a line, with its reason), mistakes.csv, index.html.

    The page and the mistakes are in that language, English for None; the heads of the tables are for programs.
    """
    say = edition.say_in(language)
    folder.mkdir(parents=True, exist_ok=True)
    exercises, signs = exercises_in(results), {result[:2]: result.sign for result in results}
    rows = [
        [student, *(signs.get((student, exercise), MISSING) for exercise in exercises)]
        for student in students_in(results)
    ]
    counted = [
        [exercise, n, reason]
        for exercise, all_ in mistakes_in(results, say).items()
        for reason, n in all_.most_common()
    ]
    write_csv(folder / "table.csv", ["student", *exercises], rows)
    write_csv(folder / "results.csv", Result._fields, results)
    write_csv(folder / "mistakes.csv", ["exercise", "students", "mistake"], counted)
    (folder / "index.html").write_text(page(results, exercises, rows, say, language or "en"), encoding="utf-8")


def write_csv(path: Path, head: Iterable[str], rows: Iterable[Iterable]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark at its beginning is for spreadsheets
        csv.writer(file).writerows([head, *([as_text(value) for value in row] for row in rows)])


def as_text(value) -> str:
    """A spreadsheet takes a name that begins like a formula for one."""
    return f"'{value}" if str(value).startswith(("=", "+", "@", "-")) else str(value)


def page(results: list[Result], exercises: list[str], rows: list[list[str]], say: Say, language: str) -> str:
    """What the class found hard, and, folded, who solved what."""

    def said(text: str, **numbers: int) -> str:
        return html.escape(say(text).format(students=len(rows), **numbers))

    head, title = f"<!doctype html><html lang={language}><meta charset=utf-8>", said("What the class solved")
    parts = [f"{head}<title>{title}</title><style>{STYLE}</style>"]
    parts.append(f"<h1>{said('What {students} students solved')}</h1>")
    mistakes = mistakes_in(results, say)
    for exercise, signs in signs_of(results).items():
        right = said("{right} of {students} right", right=signs["✓"])
        parts.append(f"<h2>{html.escape(exercise)}: {right}</h2><table>")
        for reason, count in mistakes.get(exercise, Counter()).most_common():
            of_all = said("{count} of {students}", count=count)
            parts.append(f"<tr><td class=count>{of_all}<td>{html.escape(reason)}")
        others = ", ".join(f"{signs[sign]} {said(WORDS[sign])}" for sign in ("○", MISSING, BROKEN) if signs[sign])
        parts.append(f"<tr><td><td>{others}</table>" if others else "</table>")
    parts.append(f"<details><summary>{said('Who solved what')}</summary><table><tr><th>{said('student')}")
    parts += [f"<th>{html.escape(exercise)}" for exercise in exercises]
    for student, *signs in rows:
        cells = "".join(f"<td class=sign>{html.escape(sign)}" for sign in signs)
        parts.append(f"<tr><td>{html.escape(student)}{cells}")
    return "\n".join([*parts, "</table></details>"])
