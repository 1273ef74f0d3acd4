"""What stands on a slide, and what the lecturer says."""

import nbformat
import pytest

from tools.present import page_of, prepare_slides


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
        "## Title\n\nOne line.",
        "## What will it be?\n\n> **Predict.** What?",
        "## Look",  # a code cell's headline stands in a cell of its own
        "draw()",
        "print(1)",
        "$$x$$",
    ]
    assert [kind for kind in kinds if kind == "slide"] == ["slide"] * 3
    assert len({c.id for c in notebook.cells}) == len(notebook.cells)


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
