"""The rehearsal finds what it is for."""

import nbformat
import pytest

from tools import present, rehearse

BROKEN = {
    "slow": "import time\ntime.sleep(2.2)\nprint(2)",
    "traceback": "1 / 0",
    "console": "from IPython.display import Javascript\nJavascript('console.error(\"a fault\")')",
    "request": 'from IPython.display import HTML\nHTML(\'<img src="http://elsewhere.invalid/x.png" alt="">\')',
    "dead": "import ipywidgets\nipywidgets.VBox([ipywidgets.FloatSlider(), ipywidgets.HTML('a picture')])",
    "overflow": "# much\n\n" + "A line.\n\n" * 30,
    "empty": "pass",
    "small": '<p style="font-size: 12px">Not for the last row.</p>',
}


def test_a_lesson_that_nobody_warmed_is_called_cold(browser, tmp_path, monkeypatch):
    monkeypatch.setenv("VAELIB_KEPT", "off")
    source = "from vaelib import VAE, faces, fit\nx = faces(8).images\nfit(VAE((3, 32, 32), 2), x, epochs=1);"
    path = write(tmp_path / "cold.ipynb", nbformat.v4.new_code_cell(source))
    assert rehearse.rehearse(path, browser).cold


def write(path, *cells):
    for k, cell in enumerate(cells):
        cell.id = f"cell-{k}"
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture(scope="module")
def of_broken(browser, tmp_path_factory):
    """The rehearsal of a notebook with a fault of each kind, each on a slide of its own."""
    new = {True: nbformat.v4.new_markdown_cell, False: nbformat.v4.new_code_cell}
    cells = [new[kind in ("overflow", "small")](source) for kind, source in BROKEN.items()]
    path = write(tmp_path_factory.mktemp("broken") / "broken.ipynb", *cells)
    return rehearse.rehearse(path, browser)


@pytest.mark.parametrize("kind", BROKEN)
def test_each_kind_of_fault_is_found(kind, of_broken):
    found = [what for one, what in of_broken.found if one == kind]
    assert found, of_broken
    if kind in ("dead", "overflow", "empty", "small"):
        slide = 1 + list(BROKEN).index(kind)
        assert all(what.startswith(f"slide {slide},") for what in found), found


def test_nothing_else_is_found(of_broken):
    assert {kind for kind, _ in of_broken.found} == set(BROKEN)
    assert of_broken.slides == len(BROKEN)


def test_a_cell_that_is_meant_to_fail_may(browser, tmp_path):
    cell = nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    assert rehearse.rehearse(write(tmp_path / "fails.ipynb", cell), browser).found == []


def test_a_cell_that_no_slide_shows_is_found(browser, tmp_path):
    cells = [nbformat.v4.new_markdown_cell(word) for word in ("one", "two", "three")]
    path = write(tmp_path / "lost.ipynb", *cells)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata["slideshow"] = {"slide_type": "-"}  # which hides it
    nbformat.write(notebook, path)
    assert [kind for kind, _ in rehearse.rehearse(path, browser).found] == ["lost"]


def test_present_knows_its_lessons():
    with pytest.raises(SystemExit, match=r"no lesson '55'.*\n00_start_here\n01_"):
        present.main(["55"])
    with pytest.raises(SystemExit, match="LESSON=05"):
        present.main([])
