"""What every lesson promises: outputs in order, alt texts, stubs that break nothing, solutions that pass."""

import html.parser
import re

import nbformat
import pytest
import torch
from conftest import ROOT

LESSONS = sorted(ROOT.glob("notebooks/*.ipynb"))
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in LESSONS}
SOLUTION = re.compile(r"<details><summary><b>Solution</b></summary>\s*```python\n(.*?)```", re.DOTALL)

PARTS = (
    r"\A# \d\d · ",
    r"\*\*You will be able to\*\*",
    r"\*\*Time\*\* about \d+ minutes",
    r"\*\*Before this\*\*",
    r"> \*\*Predict\.\*\*",
    r"\*\*Play\.\*\*",
    r"## Summary\n1\. (.|\n)*\n5\. ",
    r"\*\*To read more\.\*\*",
)


def exercises():
    """(lesson, stub, check, solution) for each cell tagged as an exercise."""
    for lesson, notebook in NOTEBOOKS.items():
        cells = notebook.cells
        for k, cell in enumerate(cells):
            if "exercise" in cell.metadata.get("tags", []):
                yield pytest.param(*(c.source for c in cells[k : k + 3]), id=f"{lesson} cell {k}")


class Images(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.alts = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.alts.append(dict(attributes).get("alt"))


@pytest.fixture(params=NOTEBOOKS)
def notebook(request):
    return NOTEBOOKS[request.param]


def test_there_are_lessons():
    assert len(LESSONS) >= 3


def test_every_code_cell_was_run_once_from_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks` and commit the outputs"


def test_no_output_is_an_error_or_a_warning(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text


def test_every_picture_has_an_alt_text(notebook):
    pictures = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert not {"image/png", "image/jpeg", "image/svg+xml"} & set(data), (
                "a bare image reaches the page with no alt"
            )
            for alt in Images(data.get("text/html", "")).alts:
                pictures += 1
                assert alt and len(alt) > 20, alt
    assert pictures > 0


def test_a_lesson_says_what_it_teaches_how_long_it_takes_and_sums_up(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for part in PARTS:
        assert re.search(part, prose), f"no {part}"


def test_links_between_the_lessons_lead_somewhere(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for name in re.findall(r"\]\(([^)#:]+\.ipynb)\)", prose):
        assert (ROOT / "notebooks" / name).exists(), name


@pytest.mark.parametrize(("stub", "check", "solution"), list(exercises()))
def test_an_exercise_waits_for_an_answer_and_its_solution_passes(stub, check, solution, capsys):
    names = {"torch": torch}
    exec(stub, names)
    exec(check, names)
    assert capsys.readouterr().out.startswith("○")
    exec(SOLUTION.search(solution).group(1), names)
    exec(check, names)
    assert capsys.readouterr().out.startswith("✓")
