"""Each lesson as a student meets it: opened in JupyterLab, run, its sliders moved by keyboard and mouse."""

import re

import pytest
from helpers import ARTEFACTS, NAMES

from tools.explorer_controls import PICTURE, POLL

# The cells of the open notebook, as JupyterLab knows them; those that a student is to see fail are left out.
CELLS = """
() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells.filter(cell =>
    cell.cell_type == "code" && cell.source.length && !cell.metadata.tags?.includes("raises-exception"))
"""


@pytest.fixture(params=reversed(NAMES))  # the last ones take longest, so they begin
def lesson(request, lab, page):
    """The page of a lesson after Run All Cells."""
    page.set_viewport_size({"width": 1400, "height": 1000})
    page.goto(lab(request.param))
    page.locator(".jp-CodeCell").first.wait_for(timeout=120_000)
    wait_until_idle(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(
        f"""() => {{
            const cells = ({CELLS})();
            return cells.every(cell => cell.execution_count) ||
                cells.some(cell => cell.outputs.some(output => output.output_type == "error"));
        }}""",
        timeout=600_000,
        polling=500,  # ms: to look at the whole notebook in each frame would take as much time as to run it
    )
    wait_until_idle(page)
    yield page
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{request.param}.png")


def test_lesson_runs_and_its_sliders_change_the_picture(lesson):
    page = lesson
    for cell in page.evaluate(CELLS):
        for output in cell["outputs"]:
            assert output["output_type"] != "error", "".join(cell["source"]) + "\n" + output["evalue"]
            assert output.get("name") != "stderr", output["text"]

    option = page.locator("details", has=page.locator("summary", has_text=re.compile("^A[.] "))).first
    for key, opened in (("Enter", True), ("Space", False)):  # a question answers to the keyboard, too
        option.locator("summary").focus()
        page.keyboard.press(key)
        assert option.evaluate("details => details.open") is opened, key

    page.locator(".noUi-handle, .vl").first.wait_for(timeout=120_000)  # every lesson has something to move
    for explorer in page.locator(".vl").all():
        control = explorer.locator("input:not(:disabled)").first
        control.scroll_into_view_if_needed()
        control.focus()
        picture_changes(page, explorer, lambda: page.keyboard.press("ArrowRight"), of=PICTURE)

    for explorer in page.locator(".jp-CodeCell:has(.noUi-handle):has(img)").all():
        handle = explorer.locator(".noUi-handle").first
        handle.scroll_into_view_if_needed()

        handle.focus()
        at_its_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        key = "ArrowLeft" if at_its_end else "ArrowRight"
        picture_changes(page, explorer, lambda key=key: page.keyboard.press(key))

        track, knob = explorer.locator(".noUi-base").first.bounding_box(), handle.bounding_box()
        x, y = knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2
        to_the_right = x < track["x"] + track["width"] / 2  # where there is room

        def drag(x=x, y=y, far=track["width"] * (0.4 if to_the_right else -0.4)):
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x + far, y, steps=5)
            page.mouse.up()

        picture_changes(page, explorer, drag)


IMAGES = "cell => [...cell.querySelectorAll('img')].map(image => image.src).join()"


def picture_changes(page, explorer, move, of=IMAGES):
    """Do it, and wait until the explorer shows other pictures than before."""
    before = explorer.evaluate(of)
    move()
    page.wait_for_function(
        f"([cell, before]) => ![before, ''].includes(({of})(cell))",
        arg=[explorer.element_handle(), before],
        timeout=30_000,
        polling=POLL,
    )


def wait_until_idle(page):
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=120_000)
