"""What every lesson promises: outputs in order, alt texts, stubs that break nothing, solutions that pass."""

import ast
import html.parser
import re

import pytest
import torch
from helpers import LIVE, NAMES, NOTEBOOKS, OPTION, QUESTION
from nbconvert import HTMLExporter

from tools import meaning, notebooks
from tools.exercises import all_exercises
from tools.explorer_controls import EXPLORERS
from tools.lessons import ASSERTION, ROOT
from tools.moving_picture import PICTURE

IN_ORDER = [
    "00_start_here",
    "01_autoencoder",
    "02_from_points_to_distributions",
    "03_the_posterior_by_hand",
    "04_variational_autoencoder",
    "05_beta",
    "06_exploring_the_latent_space",
    "07_handwritten_digits",
    "08_debug_a_vae",
    "09_playground",
    "10_your_own_images",
]
EXERCISES = dict.fromkeys(NAMES, 2) | {"00_start_here": 1, "08_debug_a_vae": 5, "09_playground": 0}  # at least

INSTRUCTOR = re.compile(
    r"<details><summary><b>For instructors</b></summary>\n\n\*\*Say\.\*\* .{40,}\n\n\*\*Click\.\*\* .{40,}\n\n"
    r"\*\*Stuck\.\*\* .{40,}\n\n\*\*In half the time\.\*\* .{40,}\n\n</details>",
    re.DOTALL,
)

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


def prose(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_the_lessons_are_all_there_in_their_order():
    assert NAMES == IN_ORDER


def test_the_readme_lists_each_lesson_with_its_minutes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\d\d) \| \[.+?\]\(notebooks/(\S+)\.ipynb\) \|.*\| (\d+) \|$", readme, re.MULTILINE)
    minutes = {name: re.search(r"\*\*Time\*\* about (\d+)", prose(notebook))[1] for name, notebook in NOTEBOOKS.items()}
    assert listed == [(name[:2], name, minutes[name]) for name in NAMES]
    assert re.search(r"\*\*Before this\*\* .+", prose(NOTEBOOKS[NAMES[0]]))[0] in " ".join(readme.split())
    hours, core = (round(sum(int(minutes[name]) for name in names) / 60) for names in (NAMES, NAMES[:6]))
    assert f"about {hours} hours; the core, lessons 00 to 05, about {core}." in " ".join(readme.split())


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


def test_no_image_of_the_page_is_without_alt_text(notebook):
    page, _ = HTMLExporter().from_notebook_node(notebook)
    alts = Images(page).alts
    assert alts and all(alts)


def test_outputs_are_not_older_than_the_package(notebook):
    message = "what its pictures depend on has changed in vaelib or in the lesson: run `make notebooks`"
    assert notebook.metadata.get("vaelib") == meaning.digest(notebook), message


def test_the_pictures_in_images_are_those_of_the_lessons():
    made = {f"{name}.webp": some for lesson in NOTEBOOKS.values() for name, some in notebooks.pictures(lesson).items()}
    others = {"README.md", PICTURE.name}  # the moving picture is taken in a browser: tests/tools/test_front_page.py
    stored = {path.name: path.read_bytes() for path in ROOT.glob("images/*.*") if path.name not in others}
    assert set(stored) == set(made)
    assert stored == made, "a picture is older than its lesson: run `make notebooks`"


def test_a_slider_is_followed_by_a_still_picture(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    sliders = [k for k, cell in enumerate(code) if LIVE.search(cell.source)]
    assert sliders
    for k in sliders:
        after = "".join(output.get("data", {}).get("text/html", "") for output in code[k + 1].outputs)
        assert Images(after).alts, code[k].source


def test_a_lesson_says_what_it_teaches_how_long_it_takes_and_sums_up(notebook):
    for part in PARTS:
        assert re.search(part, prose(notebook)), f"no {part}"


def test_links_between_the_lessons_lead_somewhere(notebook):
    for name in re.findall(r"\]\(([^)#:]+\.(?:ipynb|md))\)", prose(notebook)):
        assert (ROOT / "notebooks" / name).exists(), name


def test_a_lesson_ends_with_a_folded_note_for_instructors(notebook):
    *_, last = notebook.cells
    assert last.metadata.get("tags") == ["instructor"] and INSTRUCTOR.fullmatch(last.source)


@pytest.mark.parametrize("name", NAMES)
def test_each_question_has_one_right_option_and_explains_all(name):
    asked = [cell.source for cell in NOTEBOOKS[name].cells if "**Question." in cell.source]
    assert len(asked) >= (1 if name in ("00_start_here", "09_playground") else 2)
    for source in asked:
        options = OPTION.findall(QUESTION.fullmatch(source)["options"])
        assert [letter for letter, *_ in options] == list("ABCDEF"[: len(options)]) and len(options) >= 3
        assert len(options) == source.count("<details>")
        assert [mark for *_, mark, _ in options].count("✓") == 1
        assert all(len(why) > 30 for *_, why in options), source


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_has_exercises(name):
    assert sum("exercise" in cell.metadata.get("tags", []) for cell in NOTEBOOKS[name].cells) >= EXERCISES[name]


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda exercise: exercise.id)
def test_an_exercise_waits_for_an_answer_and_its_solution_passes(exercise, capsys):
    names = {"torch": torch}
    exec(exercise.stub.source, names)
    exec(exercise.check.source, names)
    assert capsys.readouterr().out.startswith("○")
    exec(exercise.solution, names)
    exec(exercise.check.source, names)
    assert capsys.readouterr().out.startswith("✓")


def test_each_explorer_stands_in_its_lessons():
    """Where the lessons that explain it stand; and all of them in the playground."""
    found = {name: set(re.findall(LIVE, "\n".join(cell.source for cell in NOTEBOOKS[name].cells))) for name in NAMES}
    explorers = {name: calls - {"judge", "live", "widgets.VBox"} for name, calls in found.items()}
    assert {name[:2]: calls for name, calls in explorers.items() if calls} == {
        "01": {"explore_map"},
        "02": {"explore_map", "watch_training"},
        "04": {"compare_codes", "explore_loss"},
        "05": {"explore_beta"},
        "06": {"explore_latents"},
        "07": {"explore_map", "draw_a_digit"},
        "09": set(EXPLORERS),
    }


def statements(cell):
    """The statements of a code cell, those inside others as well."""
    return list(ast.walk(ast.parse(cell.source)))


def test_what_a_lesson_asserts_stands_in_folded_cells_that_print_nothing(notebook):
    for k, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        asserts = any(isinstance(node, ast.Assert) for node in statements(cell))
        folded = ASSERTION in cell.metadata.get("tags", [])
        assert asserts == folded, f"cell {k}"
        if folded:
            assert cell.metadata.get("jupyter") == {"source_hidden": True}, f"cell {k}"
            assert cell.metadata.get("slideshow") == {"slide_type": "skip"} and not cell.outputs, f"cell {k}"


def test_each_slide_has_a_short_headline(notebook):
    slides = [cell for cell in notebook.cells if cell.metadata.get("slideshow", {}).get("slide_type") == "slide"]
    for cell in slides:
        headline = cell.metadata.get("slide", {}).get("headline", "")
        assert 1 <= len(headline.split()) <= 12, (headline, cell.source[:60])
