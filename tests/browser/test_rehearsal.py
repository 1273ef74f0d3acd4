"""The rehearsal finds what it is for."""

import nbformat
import pytest
from helpers import but_slow

from tools import present, rehearse


@pytest.fixture(scope="module", autouse=True)
def waits_less():
    """What never comes is waited for a little."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehearse, "WAIT", 10_000)
        yield


BROKEN = {
    "slow": "import time\ntime.sleep(2.2)\nprint(2)",
    "traceback": "1 / 0",
    "console": "from IPython.display import Javascript\nJavascript('console.error(\"a fault\")')",
    "request": 'from IPython.display import HTML\nHTML(\'<img src="http://elsewhere.invalid/x.png" alt="">\')',
    "dead": "import ipywidgets\nipywidgets.VBox([ipywidgets.FloatSlider(), ipywidgets.HTML('a picture')])",
    "overflow": "# much\n\n" + "A line.\n\n" * 30,
    "empty": "pass",
    "lost": "On no slide.",
    "small": '<p style="font-size: 12px">Not for the last row.</p>',
}
SLIDES = [kind for kind in BROKEN if kind != "lost"]


def write(path, *cells, hidden=()):
    for k, cell in enumerate(cells):
        cell.id = f"cell-{k}"
        cell.metadata["slideshow"] = {"slide_type": "-" if cell in hidden else "slide"}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture(scope="module")
def of_broken(browser, tmp_path_factory):
    """The rehearsal of a notebook with a fault of each kind, each on a slide of its own."""
    new = {True: nbformat.v4.new_markdown_cell, False: nbformat.v4.new_code_cell}
    cells = [new[kind in ("overflow", "lost", "small")](source) for kind, source in BROKEN.items()]
    hidden = [cells[list(BROKEN).index("lost")]]
    path = write(tmp_path_factory.mktemp("broken") / "broken.ipynb", *cells, hidden=hidden)
    return rehearse.rehearse(path, browser)


@pytest.mark.parametrize("kind", BROKEN)
def test_each_kind_of_fault_is_found(kind, of_broken):
    found = [what for one, what in of_broken.found if one == kind]
    assert found, of_broken
    if kind in ("dead", "overflow", "empty", "small"):
        slide = 1 + SLIDES.index(kind)
        assert all(what.startswith(f"slide {slide},") for what in found), found
    if kind == "lost":
        assert found == [f"cell cell-{list(BROKEN).index(kind)} is on no slide that Space leads to"]


def test_nothing_else_is_found(of_broken):
    assert {kind for kind, _ in of_broken.found} == set(BROKEN)
    assert of_broken.slides == len(SLIDES) and not of_broken.cold


@pytest.fixture(scope="module")
def of_unwarmed(browser, tmp_path_factory):
    """The rehearsal of a lesson that nobody warmed, with a cell that is meant to fail."""
    source = "from vaelib import VAE, faces, fit\nx = faces(8).images\nfit(VAE((3, 32, 32), 2), x, epochs=1)\nprint(1)"
    fails = nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    path = write(tmp_path_factory.mktemp("cold") / "cold.ipynb", nbformat.v4.new_code_cell(source), fails)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAELIB_KEPT", "off")
        return rehearse.rehearse(path, browser)


def test_a_lesson_that_nobody_warmed_is_called_cold(of_unwarmed):
    assert of_unwarmed.cold


def test_a_cell_that_is_meant_to_fail_may(of_unwarmed):
    assert but_slow(of_unwarmed) == []


IMAGE = """
import base64, io
from IPython.display import HTML
from PIL import Image
file = io.BytesIO()
Image.new("RGB", ({width}, {height}), "orange").save(file, "png")
HTML(f'<img alt="orange" src="data:image/png;base64,{{base64.b64encode(file.getvalue()).decode()}}">')
"""
SHOWN = {  # what a slide shows: is enough of it filled, and are the words few enough?
    "a word": ("text", "One word.", False, True),
    "a question": ("text", "What does the decoder draw where no face was ever encoded, and why? " * 2, True, True),
    "a number": ("code", "print(5)", False, True),
    "a wide picture": ("code", IMAGE.format(width=200, height=100), True, True),
    "a square picture": ("code", IMAGE.format(width=90, height=90), True, True),
    "a flat picture": ("code", IMAGE.format(width=400, height=50), False, True),
    "a narrow picture": ("code", IMAGE.format(width=50, height=100), False, True),
    "an essay": ("text", "A lecturer could say all of this, and should. " * 8, True, False),
}


@pytest.fixture(scope="module")
def of_shown(browser, tmp_path_factory):
    """The rehearsal of a notebook whose slides are those of SHOWN, after a title."""
    path = tmp_path_factory.mktemp("shown") / "shown.ipynb"
    cells = [nbformat.v4.new_markdown_cell("# A title", metadata={"slide": {"headline": "A title"}})]
    for name, (kind, source, *_) in SHOWN.items():
        cell = nbformat.v4.new_code_cell(source) if kind == "code" else nbformat.v4.new_markdown_cell("Said.")
        cell.metadata["slide"] = {"headline": name} | ({"show": source} if kind == "text" else {})
        cells.append(cell)
    return rehearse.rehearse(write(path, *cells), browser)


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_too_empty_or_too_wordy_is_found(name, of_shown):
    share, words = of_shown.fullness[1 + list(SHOWN).index(name)]
    assert (share >= rehearse.FILLED, words <= rehearse.WORDS) == SHOWN[name][2:], (share, words)


def test_the_slides_that_fall_short_are_listed(of_shown):
    assert but_slow(of_shown) == []
    assert "filled to less than 60%: 5 of 9 slides, 1, 2, 4, 7, 8" in str(of_shown)
    assert "more than 45 words: 1 of 9 slides, 9" in str(of_shown)


def test_present_knows_its_lessons():
    with pytest.raises(SystemExit, match=r"no lesson '55'.*\n00_start_here\n01_"):
        present.main(["55"])
    with pytest.raises(SystemExit, match="LESSON=05"):
        present.main([])
