"""How large a text or a piece of code may be on a slide, so that the last row of a hall reads it.

All in pixels, of a slide of 1280 × 720; `.jupyter/slides/custom/custom.css` sets formulas and answers to these sizes.
"""

import re
from pathlib import Path

import matplotlib
from PIL import ImageFont

ROOM, TITLE_ROOM, CODE_ROOM = 610, 400, 300  # below a headline, below a lesson's title, and for code above a picture
WIDTH = 1170
LARGEST, LEAST, ANSWER = 88, 30, 28  # the type of texts, and of opened answers
FORMULA, TALL_FORMULA = 90, 170  # heights, of a formula's line and of one with fractions, sums or braces
LARGEST_CODE, LEAST_CODE = 36, 20
LINE, GAP, QUOTED = 1.35, 0.6, 1  # of the type's size: a line's height, what parts two paragraphs, a quotation's indent
CODE_LETTER, CODE_LINE = 0.605, 1.4  # of the type's size, too
# A wide font, so that a text which fits in it fits in the one that the browser finds.
FONT = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), 100)
BOLD = 1.04  # some words are bold, and wider
MARKUP = re.compile(r"^> |\*\*|<[^>]*>|\]\([^)]*\)")
FORMULAS = re.compile(r"\$\$.*?\$\$", re.DOTALL)
ANSWERED = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)


def in_large_type(text: str, *, lesson_title: bool = False) -> str:
    """The text, Markdown, in the largest type with which it fits on a slide below its headline, or a lesson's title.

    If it has options to open, there is room for the longest answer.
    """
    if not text:
        return ""
    answers = ANSWERED.findall(text)
    taken = sum(map(height_of_formula, FORMULAS.findall(text)))
    plain = FORMULAS.sub("", ANSWERED.sub("", text))
    paragraphs = [part for part in plain.split("\n\n") if part.strip()] + [option for option, _ in answers]
    opened = max((height_of(answer, ANSWER) for _, answer in answers), default=0)
    room = (TITLE_ROOM if lesson_title else ROOM) - taken - opened
    sizes = range(LARGEST, LEAST, -2)
    size = next((size for size in sizes if sum(height_of(part, size) for part in paragraphs) <= room), LEAST)
    return f'<div style="font-size: {size}px">\n\n{text}\n\n</div>'


def height_of(paragraph: str, size: int) -> float:
    """How many pixels the paragraph is high in this size of type."""
    width = WIDTH - (QUOTED * size if paragraph.startswith("> ") else 0)
    lines, line = 1, ""
    for word in MARKUP.sub("", paragraph).split():
        longer = f"{line} {word}".strip()
        if BOLD * FONT.getlength(longer) * size / 100 > width and line:
            lines, longer = lines + 1, word
        line = longer
    return size * (LINE * lines + GAP)


def height_of_formula(formula: str) -> int:
    tall = any(sign in formula for sign in ("frac", "sum", "int", "brace"))
    return (TALL_FORMULA if tall else FORMULA) * (1 + formula.count(r"\\"))


def size_of_code(source: str, *, with_picture: bool = False) -> int:
    """The largest type in which this code fits, alone or above a picture, and wraps no line."""
    lines = source.splitlines()
    room = CODE_ROOM if with_picture else ROOM
    fits = min(room / (CODE_LINE * len(lines)), WIDTH / (CODE_LETTER * max(map(len, lines))))
    return max(LEAST_CODE, min(LARGEST_CODE, int(fits)))
