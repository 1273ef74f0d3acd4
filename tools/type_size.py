"""How large a text or a piece of code may be on a slide, so that the last row of a hall reads it.

All in pixels, of a slide of 1280 × 720; `.jupyter/slides/custom/custom.css` sets formulas and answers to these sizes.
"""

import re
from pathlib import Path

import matplotlib
from PIL import ImageFont

ROOM, ROOM_WITH_PICTURE = 610, 300  # below a headline: for a text or for code, alone or above a picture
TITLE_ROOM, TITLE = 714, 88  # on the slide of a lesson's title, and the size of its type
WIDTH = 1170
LARGEST, LEAST, ANSWER = 88, 30, 28  # the type of texts, and of opened answers
FORMULA, TALLER = 112, {"brace": 250, "frac": 175, "sum": 175, "int": 175}  # heights of a formula, by what is in it
LARGEST_CODE, LEAST_CODE = 36, 20
LINE, GAP, QUOTED = 1.35, 0.6, 1  # of the type's size: a line's height, what parts two paragraphs, a quotation's indent
# A table's type, of the text's size; the height of its lines, of that; and pixels around what a cell says
IN_TABLE, TABLE_LINE, ABOVE_CELL, BESIDE_CELL = 0.86, 1.25, 12, 18
CODE_LETTER, CODE_LINE = 0.605, 1.4  # of the type's size, too
# A wide font, so that a text which fits in it fits in the one that the browser finds.
FONT, BOLD = (
    ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"DejaVuSans{kind}.ttf"), 100)
    for kind in ("", "-Bold")
)
MARKUP = re.compile(r"\*\*|<[^>]*>|\]\([^)]*\)")
FORMULAS = re.compile(r"\$\$.*?\$\$", re.DOTALL)
ANSWERED = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)


def in_large_type(text: str, *, title: str = "", with_picture: bool = False) -> str:
    """The text, Markdown, in the largest type with which it fits on a slide below its headline.

    That is the lesson's `title` on the first slide. If it has options to open, there is room for an answer.
    """
    if not text:
        return ""
    answers = ANSWERED.findall(text)
    taken = sum(map(height_of_formula, FORMULAS.findall(text)))
    plain = FORMULAS.sub("", ANSWERED.sub("", text))
    paragraphs = [part for part in plain.split("\n\n") if part.strip()] + [option for option, _ in answers]
    opened = max((height_of(answer, ANSWER) for _, answer in answers), default=0)
    room = ROOM_WITH_PICTURE if with_picture else ROOM
    if title:
        room = TITLE_ROOM - 1.1 * height_of(title, TITLE)
    room -= taken + opened
    sizes = range(LARGEST, LEAST, -2)
    size = next((size for size in sizes if sum(height_of(part, size) for part in paragraphs) <= room), LEAST)
    return f'<div style="font-size: {size}px">\n\n{text}\n\n</div>'


def height_of(paragraph: str, size: int) -> float:
    """How many pixels the paragraph or the table is high in this size of type."""
    if paragraph.lstrip().startswith("|"):
        return height_of_table(paragraph, size * IN_TABLE)
    room = WIDTH - (QUOTED * size if paragraph.startswith("> ") else 0)
    return size * (LINE * lines_of(paragraph.removeprefix("> "), size, room) + GAP)


def height_of_table(table: str, size: float) -> float:
    """How many pixels it is high, if a column is as wide as its longest text asks for."""
    head, _, *rows = (
        [cell.strip() for cell in row.strip().strip("|").split("|")] for row in table.strip().splitlines()
    )
    longest = [max(FONT.getlength(MARKUP.sub("", cell)) for cell in column) for column in zip(head, *rows, strict=True)]
    rooms = [WIDTH * length / sum(longest) - 2 * BESIDE_CELL for length in longest]
    lines = sum(max(map(lines_of, row, [size] * len(row), rooms)) for row in (head, *rows))
    return size * TABLE_LINE * lines + 2 * ABOVE_CELL * (1 + len(rows))


def lines_of(text: str, size: float, room: float) -> int:
    """How many lines of `room` pixels the text takes."""
    lines, taken, bold = 1, 0.0, False
    for word in text.split():
        bold |= word.startswith("**")
        width = (BOLD if bold else FONT).getlength(MARKUP.sub("", word) + " ") * size / 100
        bold &= "**" not in word.removeprefix("**")
        lines, taken = (lines, taken + width) if taken + width <= room else (lines + 1, width)
    return lines


def height_of_formula(formula: str) -> int:
    line = next((height for sign, height in TALLER.items() if sign in formula), FORMULA)
    return line * (1 + formula.count(r"\\"))


def size_of_code(source: str, *, with_picture: bool = False) -> int:
    """The largest type in which this code fits, alone or above a picture, and wraps no line."""
    lines = source.splitlines()
    room = ROOM_WITH_PICTURE if with_picture else ROOM
    fits = min(room / (CODE_LINE * len(lines)), WIDTH / (CODE_LETTER * max(map(len, lines))))
    return max(LEAST_CODE, min(LARGEST_CODE, int(fits)))
