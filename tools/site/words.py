"""What the pages and the tables of a class say themselves, in English: each edition looks it up in its catalogue."""

import re
from pathlib import Path

NEEDS_SCRIPT = (
    "Here an explorer starts if the browser runs JavaScript and is not older than 2024. "
    "The pictures below are stills of it."
)
NEEDS_KERNEL = (
    "Here the notebook has sliders that need a running kernel: <code>make lab</code> opens it. "
    "The pictures below show what they do."
)
IN_LESSON = "Explorers work on this page; other sliders, and the checks of exercises, need the notebook."
ABOUT = """\
## These pages

The explorers work here as they do in the notebooks: move their sliders. Nothing is fetched, so the pages also work
offline, and each is a single file: the [playground](09_playground.ipynb), with all explorers, can be mailed as it is.
What needs a running kernel, other sliders and the checks of the exercises, is in the notebooks."""
COURSE = "Two autoencoders, side by side"
LICENSED = (
    "The course’s code, its faces and its models",
    "Text and figures",
    "The handwritten digits, and what was trained on them",
    "The shapes of the formulas: MathJax",
    "The colours of the code: Pygments",
    "The frame of the cells: nbconvert",
)
FOR_INSTRUCTORS = "For instructors"  # what folds their notes
# What the tables of `make collect` say.
OF_A_CLASS = (
    *("What the class solved", "What {students} students solved", "{right} of {students} right"),
    *("{count} of {students}", "Who solved what", "student", "another value"),
    *("right", "not yet", "not begun", "no answer there", "can't be read"),
)


def said() -> list[str]:
    """All of it, with what stands in the template."""
    template = Path(__file__).with_name("page.html.j2").read_text(encoding="utf-8")
    in_template = re.findall(r'say\("([^"]+)"\)', template)
    return [COURSE, FOR_INSTRUCTORS, NEEDS_SCRIPT, NEEDS_KERNEL, IN_LESSON, ABOUT, *in_template, *LICENSED, *OF_A_CLASS]
