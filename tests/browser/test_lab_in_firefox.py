"""JupyterLab itself in Firefox: a lesson run, a slider of ipywidgets and an explorer moved, and no shortcut fired."""

import time

import pytest
from helpers import opened
from selenium.webdriver.common.keys import Keys

from tools.explorer_controls import PICTURE
from tools.other_browsers import Firefox

PATIENCE = 300  # s, for a lesson to be run: a machine may have other work

IS_READY = """
() => {
  const session = globalThis.jupyterapp?.shell.currentWidget?.sessionContext;
  return session?.session?.kernel?.status === "idle" && !!document.querySelector(".jp-CodeCell");
}
"""
RUN_ALL = "() => { jupyterapp.commands.execute('notebook:run-all-cells') }"
CELLS = "jupyterapp.shell.currentWidget.content.model.toJSON().cells.filter((cell) => cell.cell_type === 'code')"
HAS_RUN = f"() => {CELLS}.every((cell) => cell.execution_count || !cell.source.length)"
FAILED = (
    f"() => {CELLS}.flatMap((cell) => cell.outputs).filter((it) => it.output_type === 'error').map((it) => it.evalue)"
)
# What keys meant for a slider must leave alone.
NOTEBOOK = """
() => {
  const notebook = jupyterapp.shell.currentWidget.content;
  return [notebook.activeCellIndex, notebook.mode, notebook.widgets.map(({ model }) => [model.id, model.type])];
}
"""
FOCUS = (
    "(selector) => { const it = document.querySelector(selector); it.scrollIntoView({ block: 'center' }); it.focus() }"
)
PLACE = """
(selector) => {
  const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
  return [x, y, width, height];
}
"""


@pytest.fixture
def run_lesson(lab):
    """A function that opens a lesson and runs it, in a window that it gives."""
    window = opened(Firefox, 1400, 1000)

    def run(name):
        window.open(lab(name))
        window.until(IS_READY, "a kernel", patience=PATIENCE)
        window.run(RUN_ALL)
        window.until(HAS_RUN, f"{name} is run", patience=PATIENCE)
        assert window.run(FAILED) == []
        return window

    yield run
    window.close()
    assert not window.trouble, "\n".join(window.trouble)


def moves(firefox, shown, move):
    """Do it, and wait until `shown`, a function in JavaScript, gives something else; the notebook stays as it was."""
    time.sleep(0.5)  # what is still being drawn
    picture, notebook = firefox.run(shown), firefox.run(NOTEBOOK)
    move()
    firefox.until(f"async (before) => (await ({shown})()) !== before", "the picture changes", picture)
    assert firefox.run(NOTEBOOK) == notebook


def test_a_slider_of_ipywidgets_by_key_and_by_mouse(run_lesson):
    firefox = run_lesson("00_start_here")
    handle = ".jp-OutputArea .noUi-handle"
    firefox.until("(selector) => !!document.querySelector(selector)", "a slider", handle)
    firefox.run(FOCUS, handle)
    face = f"() => document.querySelector('{handle}').closest('.jp-OutputArea-output').querySelector('img').src"
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.PAGE_UP, Keys.HOME):
        moves(firefox, face, lambda key=key: firefox.press(key))
    x, y, width, height = firefox.run(PLACE, handle)
    x, y = x + width / 2, y + height / 2
    moves(firefox, face, lambda: firefox.drag((x, y), (x + 40, y), (x + 90, y)))


def test_an_explorer_by_key_and_by_mouse_and_no_shortcut_of_the_notebook(run_lesson):
    firefox = run_lesson("09_playground")
    slider = '.vl[aria-label="Explore β"] input[type="range"]'
    firefox.until("(selector) => !!document.querySelector(selector)", "an explorer", slider)
    firefox.run(FOCUS, slider)
    shown = f"""() => ({PICTURE})(document.querySelector('.vl[aria-label="Explore β"]'))"""
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.HOME, Keys.END):
        moves(firefox, shown, lambda key=key: firefox.press(key))
    before = firefox.run(NOTEBOOK)
    firefox.press(*"abddxmyz")
    assert firefox.run(NOTEBOOK) == before
    x, y, width, height = firefox.run(PLACE, slider)
    middle = y + height / 2
    moves(
        firefox, shown, lambda: firefox.drag((x + width - 5, middle), (x + width / 2, middle), (x + width / 3, middle))
    )
