"""What stands on a slide, and what the lecturer says."""

import re

import nbformat
import pytest
from nbformat.v4 import new_output as output

from tools import words
from tools.lab import SETTINGS
from tools.lessons import LESSONS
from tools.present import BAR, OF_TRAINING, for_the_stage, is_bar, is_shown, page_of, preload, prepare_slides
from tools.type_size import ANSWER, LARGEST, LARGEST_CODE, LEAST, LEAST_CODE, in_large_type, size_of_code
from vaelib import History, language
from vaelib.language import LANGUAGES


def cell(kind, source, slide_type=None, **slide):
    new = nbformat.v4.new_code_cell(source) if kind == "code" else nbformat.v4.new_markdown_cell(source)
    if slide_type:
        new.metadata["slideshow"] = {"slide_type": slide_type}
    if slide:
        new.metadata["slide"] = slide
    return new


@pytest.fixture
def prepared():
    notebook = nbformat.v4.new_notebook(
        cells=[
            cell("md", "# 01 · Title\n\nA long preface.", "slide", headline="Title", show="One line."),
            cell("md", "## 1. Section\n\n> **Predict.** What?", "slide", headline="What will it be?", show=True),
            cell("md", "Some prose that a lecturer says."),
            cell("code", "draw()", "slide", headline="Look"),
            cell("code", "print(1)"),
            cell("md", "$$x$$ and why", show="$$x$$"),
            cell("md", "More prose.", "skip"),
            cell("md", "<details>a solution</details>", "skip"),
            cell("code", "assert True", "skip"),
        ]
    )
    return notebook, prepare_slides(notebook)


def test_a_slide_has_its_headline_and_what_is_to_be_shown(prepared):
    notebook, _ = prepared
    kinds = [c.metadata.get("slideshow", {}).get("slide_type") for c in notebook.cells]
    on_stage = [c.source for c, kind in zip(notebook.cells, kinds, strict=True) if kind != "skip"]
    assert on_stage == [
        "# Title\n\n" + in_large_type("One line.", title="Title"),
        "## What will it be?\n\n" + in_large_type("> **Predict.** What?"),
        "## Look",  # a code cell's headline stands in a cell of its own
        "draw()",
        "print(1)",
        in_large_type("$$x$$"),
    ]
    assert [kind for kind in kinds if kind == "slide"] == ["slide"] * 3
    assert len({c.id for c in notebook.cells}) == len(notebook.cells)


def test_what_a_lesson_would_wait_for_is_imported_before_it():
    of_all = "import vaelib.checks, vaelib.explorers, vaelib.figures"
    assert preload(nbformat.v4.new_notebook(cells=[cell("md", "torch.optim"), cell("code", "1")])) == of_all
    notebook = nbformat.v4.new_notebook(cells=[cell("code", "torch.optim.Adam"), cell("code", "holes(uae, x)")])
    assert preload(notebook) == f"{of_all}, sklearn.mixture, torch._dynamo"


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=lambda path: path.stem)
def test_what_a_lesson_imports_itself_is_imported_before_it(lesson):
    notebook = nbformat.read(lesson, as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    itself = set(re.findall(r"^\s*(?:import|from) (\w+)", code, flags=re.MULTILINE)) & {"sklearn", "torchvision"}
    before = set(preload(notebook).removeprefix("import ").split(", "))
    assert itself <= {module.partition(".")[0] for module in before}
    assert ("torch._dynamo" in before) == bool(re.search(r"\boptim\.\w", code))


def test_the_style_of_a_slide_hangs_on_nothing_that_changes_all_the_time():
    """What `:has()` asks for is a class or a kind of element: see the style sheet."""
    sheet = (SETTINGS / "slides" / "custom" / "custom.css").read_text(encoding="utf-8")
    asked = re.findall(r":has\(((?:[^()]|\([^()]*\))*)\)", sheet)
    assert len(asked) == sheet.count(":has(") > 5
    assert [what for what in asked if "[style" in what or re.search(r"(?:^|[\s>+~,])[:*]", what)] == []


def test_the_prose_becomes_the_lecturers_notes_under_its_headline(prepared):
    _, notes = prepared
    assert notes == [
        "## Title", "# 01 · Title\n\nA long preface.",
        "## What will it be?", "## 1. Section\n\n> **Predict.** What?", "Some prose that a lecturer says.",
        "## Look", "$$x$$ and why", "More prose.",
    ]  # fmt: skip
    page = page_of(notes)
    assert "Some prose that a lecturer says." in page and page.index("Look") < page.index("More prose.")


def test_without_headlines_a_notebook_is_shown_as_it_is():
    notebook = nbformat.v4.new_notebook(cells=[cell("md", "# A", "slide"), cell("md", "text"), cell("code", "1")])
    prepare_slides(notebook)
    assert [c.source for c in notebook.cells] == ["# A", "text", "1"]
    assert [c.metadata.get("slideshow", {}).get("slide_type") for c in notebook.cells] == ["slide", None, None]


def size_of(text):
    large = in_large_type(text)
    assert text in large
    return int(re.search(r"font-size: (\d+)px", large)[1])


def test_a_text_is_as_large_as_fits():
    assert size_of("Short.") == LARGEST
    assert LEAST < size_of("Twelve words. " * 20) < LARGEST
    assert size_of("Far too many words. " * 100) == LEAST
    assert in_large_type("") == ""


def test_a_table_has_room_for_each_of_its_rows():
    table = "| sign | cause |\n|---|---|\n" + "| a sign that takes two lines of a slide | short |\n" * 3
    assert LEAST < size_of(table + "| one | more |\n" * 3) < size_of(table) < LARGEST


def test_options_leave_room_for_the_longest_answer():
    options = "Why?\n\n" + "\n".join(
        f"<details><summary>{k}. Because of it.</summary>\n\n✗ No.</details>" for k in "ABC"
    )
    told = options.replace("No.", "No, for a reason that takes more than one line. " * 10)
    assert ANSWER <= size_of(told) < size_of(options) < LARGEST
    assert size_of(options + "\n\n$$a = b$$") < size_of(options)


def test_code_is_as_large_as_fits():
    assert size_of_code("x = 1") == LARGEST_CODE
    assert LEAST_CODE < size_of_code("x = 1\n" * 10, with_picture=True) < size_of_code("x = 1\n" * 15) < LARGEST_CODE
    assert size_of_code("x" * 80) < LARGEST_CODE
    assert size_of_code("x = 1\n" * 99) == LEAST_CODE


def test_the_stage_shows_no_training_and_of_a_picture_no_printed_line():
    printed = nbformat.v4.new_output("stream", text="5 of 7\n")
    picture = nbformat.v4.new_output("display_data", {"text/html": "<img>", "text/plain": "<HTML object>"})
    bar = nbformat.v4.new_output("display_data", {"text/plain": "training:   0%|          | 0/960"})
    history = nbformat.v4.new_output(
        "execute_result",
        {"text/plain": "30 epochs: loss about 145.4 nats in the first, about 31.2 in the last"},
        execution_count=1,
    )
    again = nbformat.v4.new_output(
        "stream", text="trained earlier with these settings; fit(..., fresh=True) trains again\n"
    )
    every, alone = (cell("code", "show()", **slide) for slide in ({}, {"show": "picture"}))
    every.outputs = alone.outputs = [again, bar, printed, picture, history]
    notebook = nbformat.v4.new_notebook(cells=[every, alone])
    assert [c.outputs for c in for_the_stage(notebook).cells] == [[printed, picture], [picture]]
    assert len(notebook.cells[0].outputs) == 5  # the run itself stays whole


# What `fit` says


def test_the_sentences_of_a_training_are_those_of_the_package():
    messages = words.messages()
    assert {BAR, *OF_TRAINING} <= set(messages)
    of_what_was_kept = {text for text, places in messages.items() if "vaelib/training_cache.py" in places}
    assert of_what_was_kept and of_what_was_kept <= set(OF_TRAINING)


@pytest.fixture(params=LANGUAGES)
def said_in(request):
    """A function that says it in a language."""
    language.use(request.param)
    yield language._
    language.use("en")


def test_what_a_training_says_is_on_no_slide_in_any_language(said_in):
    for text in OF_TRAINING:
        line = said_in(text).format(epochs=8, first=21.5, last=13.25, reason="No space left on device")
        assert not is_shown(output("stream", name="stdout", text=f"{line}\nloss 3"), picture_alone=False), line
    assert not is_shown(output("execute_result", data={"text/plain": repr(History(1.0, [2.0, 1.0]))}), False)
    assert is_shown(output("stream", name="stdout", text="the loss of a training, 8 epochs: 3"), picture_alone=False)


def test_the_bar_of_a_training_is_known_in_any_language(said_in):
    bar = output("display_data", data={"text/plain": f"{said_in(BAR)}:   0%|          | 0/25"})
    assert is_bar(bar) and not is_shown(bar, picture_alone=False)
    assert not is_bar(output("stream", name="stdout", text="training: by hand"))
    assert not is_bar(output("display_data", data={"text/plain": "<CourseFigure>"}))
