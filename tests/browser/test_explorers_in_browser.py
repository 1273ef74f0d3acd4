"""Each explorer as a student meets it: in JupyterLab, moved by mouse, by keyboard and from Python.

The tests share one page, to spare the starts. An explorer joins with a row in EXPLORERS
(tools/explorer_controls.py).
"""

import json
from functools import partial

import nbformat
import pytest
from helpers import ARTEFACTS, accessibility

from tools.explorer_controls import (
    EACH_ONCE,
    EXPLORERS,
    PICTURE,
    RING,
    START,
    Desk,
    controls_of,
    key_of,
    notebook,
    of_keyboard,
    ready,
    use_the_mouse,
    wait_until_idle,
)
from vaelib import explorers

NOTEBOOKS = {
    "explorers": EACH_ONCE,
    "twice": notebook(START, *(f"the_{name} = {name}()\ndisplay(the_{name}, the_{name})" for name in EXPLORERS)),
}


@pytest.fixture(scope="module")
def desk(jupyterlab, browser):
    for name, content in NOTEBOOKS.items():
        nbformat.write(content, jupyterlab.cwd / "notebooks" / f"{name}.ipynb")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    desk = Desk(page, jupyterlab.url)
    page.goto(f"{jupyterlab.url}/lab/tree/notebooks/explorers.ipynb?token={jupyterlab.token}&reset")
    ready(desk)
    desk.command("application:toggle-left-area")
    desk.run_all()
    for name in EXPLORERS:
        desk.explorers(name).wait_for(timeout=180_000)
    wait_until_idle(desk)
    yield desk
    page.close()


@pytest.fixture(autouse=True)
def no_trouble(desk):
    """No error on the page, and no request to another host, in any test."""
    yield
    trouble, desk.trouble[:] = [*desk.trouble], []
    assert not trouble, "\n".join(trouble)


@pytest.fixture(params=EXPLORERS)
def name(request):
    return request.param


@pytest.fixture
def explorer(name, desk):
    explorer = desk.explorers(name)
    explorer.evaluate("explorer => explorer.scrollIntoView()")
    return explorer


def test_each_explorer_has_a_row(desk):
    kinds = {kind.__name__ for kind in explorers.Explorer.__subclasses__()}
    assert kinds == {desk.python(f"type(the_{name}).__name__") for name in EXPLORERS}


def test_the_cells_ran_without_a_word(desk):
    said = [output for output in desk.outputs() if output["output_type"] != "display_data"]
    assert all("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in said), said


# Mouse, keyboard, Python


def test_every_control_answers_to_the_keyboard(name, explorer, desk):
    keyboard = desk.page.keyboard
    for control, group, trait in of_keyboard(controls_of(name, explorer)):
        before = desk.python(f"the_{name}.{trait}")
        control.focus()
        desk.changes(explorer, partial(keyboard.press, key_of(control)), f"{group} by key")
        desk.until(f"the_{name}.{trait} != {before!r}", f"{group} by key")
        stop(name, desk)
        assert control.evaluate(RING) != "none", f"{group}: where is the focus?"


def stop(name, desk):
    for trait, value in EXPLORERS[name].still:
        desk.python(f"setattr(the_{name}, {trait!r}, {value!r})")


def test_every_control_answers_to_the_mouse(name, explorer, desk):
    for control, group, trait in controls_of(name, explorer):
        before = desk.python(f"the_{name}.{trait}")
        desk.changes(explorer, partial(use_the_mouse, desk.page, control), f"{group} by mouse")
        desk.until(f"the_{name}.{trait} != {before!r}", f"{group} by mouse")
        stop(name, desk)


def test_python_moves_the_picture(name, explorer, desk):
    for trait, value in EXPLORERS[name].settings.items():
        if desk.python(f"the_{name}.{trait} == {value!r}"):
            continue
        desk.changes(explorer, partial(desk.python, f"setattr(the_{name}, {trait!r}, {value!r})"), f"{name}.{trait}")


def test_keys_meant_for_an_explorer_leave_the_notebook_alone(name, explorer, desk):
    page = desk.page
    for control, group, _ in of_keyboard(controls_of(name, explorer)):
        control.focus()
        before = desk.cells()
        for key in ("a", "b", "d", "d", "m", "x", "ArrowDown", "ArrowUp", "j", "k"):
            page.keyboard.press(key)
        assert desk.cells() == before, group
        assert explorer.evaluate("it => it.contains(document.activeElement)"), f"{group} lost the focus"


def test_tab_reaches_every_control(name, explorer, desk):
    controls = of_keyboard(controls_of(name, explorer))
    controls[0][0].focus()
    for control, group, _ in controls[1:]:
        desk.page.keyboard.press("Tab")
        assert control.evaluate("it => it === document.activeElement"), f"Tab does not lead to {group}"


# How it looks


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_looks(theme, desk):
    """Screenshots in a hall and on a laptop, nothing too wide, and no serious violation of accessibility."""
    ARTEFACTS.mkdir(exist_ok=True)
    desk.command("apputils:change-theme", theme=f"JupyterLab {theme}")
    light = json.dumps(str(theme == "Light").lower())
    desk.page.wait_for_function(f"document.body.dataset.jpThemeLight === {light}")
    found = []
    for width, sidebar in ((1280, False), (1024, True), (1024, False), (1280, True)):
        desk.page.set_viewport_size({"width": width, "height": 720})
        if sidebar != desk.page.locator("#jp-left-stack").is_visible():
            desk.command("application:toggle-left-area")
        for name in EXPLORERS:
            explorer = desk.explorers(name)
            explorer.evaluate("explorer => explorer.scrollIntoView()")
            desk.settle()
            found += [f"{name} at {width}: {part} is too wide" for part in explorer.evaluate(TOO_WIDE)]
            if sidebar == (width == 1024):
                desk.page.screenshot(path=ARTEFACTS / f"{name}_{theme.lower()}_{width}.png")
                found += [f"{name} at {width}: {problem}" for problem in accessibility(desk.page, explorer)]
    assert not found, "\n".join(found)


# The parts of an explorer that stick out of it, to the right or to the left.
TOO_WIDE = """
(explorer) => {
  const { left, right } = explorer.parentElement.getBoundingClientRect();
  const parts = [explorer, ...explorer.querySelectorAll("*:not(svg *)")];
  const out = parts.filter((part) => {
    const box = part.getBoundingClientRect();
    return box.width > 1 && (box.right > right + 1 || box.left < left - 1 || part.scrollWidth > part.clientWidth + 1 &&
        part.clientWidth > 1 && getComputedStyle(part).display !== "inline");
  });
  return out.map((part) => `${part.localName}.${part.className}`);
}
"""


# In every circumstance


@pytest.fixture(scope="module")
def second(desk):
    """The same page with another notebook in front, in which each explorer is shown twice."""
    desk.page.set_viewport_size({"width": 1280, "height": 720})
    desk.command("docmanager:open", path="notebooks/twice.ipynb")
    desk.page.wait_for_function("jupyterapp.shell.currentWidget?.title.label === 'twice.ipynb'")
    ready(desk)
    show_twice(desk)
    return desk


def show_twice(desk):
    desk.run_all()
    for name in EXPLORERS:
        desk.explorers(name).nth(1).wait_for(timeout=180_000)
    wait_until_idle(desk)


def move(desk, name, explorer):
    """Its first control, by a key: the picture changes, whether or not a kernel is there."""
    control, group, _ = controls_of(name, explorer)[0]
    if control.evaluate("it => it.type === 'radio' && !it.checked"):  # none is chosen: choose another than last time
        options = control.locator("xpath=ancestor::fieldset").locator("input").all()
        control = options[next(desk.turns) % len(options)]
    control.focus()
    desk.changes(explorer, partial(desk.page.keyboard.press, key_of(control)), f"{name}: {group}")


def moved_trait(name):
    """The trait that `move` moves."""
    return f"the_{name}.{next(iter(EXPLORERS[name].controls.values()))}"


def move_and_ask_python(desk, name, explorer):
    before = desk.python(moved_trait(name))
    move(desk, name, explorer)
    desk.until(f"{moved_trait(name)} != {before!r}", name)


def test_both_views_follow_and_another_notebook_does_not(second, name):
    one, other = second.explorers(name).all()
    elsewhere = second.page.locator(".jp-NotebookPanel.lm-mod-hidden .vl").nth(list(EXPLORERS).index(name))
    before = elsewhere.evaluate(PICTURE)
    for mover in (one, other):
        move_and_ask_python(second, name, mover)
        second.settle()
        assert one.evaluate(PICTURE) == other.evaluate(PICTURE)
    assert elsewhere.evaluate(PICTURE) == before


def test_the_cell_can_be_run_again(second, name):
    old = second.explorers(name).first.element_handle()
    second.page.evaluate(
        "(cell) => { jupyterapp.shell.currentWidget.content.activeCellIndex = cell }", 1 + list(EXPLORERS).index(name)
    )
    second.command("notebook:run-cell")
    old.wait_for_element_state("hidden")
    second.explorers(name).nth(1).wait_for()
    wait_until_idle(second)
    assert second.explorers(name).count() == 2
    move_and_ask_python(second, name, second.explorers(name).nth(1))


def test_the_picture_moves_while_the_kernel_is_busy(second):
    before = {name: second.python(moved_trait(name)) for name in EXPLORERS}
    second.train()
    try:
        for name in EXPLORERS:
            move(second, name, second.explorers(name).first)
        epochs = second.page.evaluate("epochs")
        second.page.wait_for_function(f"epochs > {epochs}")  # it has been training all the time
    finally:
        second.interrupt()
    for name, value in before.items():  # what was moved meanwhile has arrived
        second.until(f"{moved_trait(name)} != {value!r}", name)


def test_an_explorer_outlives_its_kernel(second):
    second.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    ready(second)
    for name in EXPLORERS:
        move(second, name, second.explorers(name).first)
    show_twice(second)
    for name in EXPLORERS:
        move_and_ask_python(second, name, second.explorers(name).first)


def test_the_first_notebook_still_answers(second):
    second.command("docmanager:open", path="notebooks/explorers.ipynb")
    second.page.wait_for_function("jupyterapp.shell.currentWidget.title.label === 'explorers.ipynb'")
    for name in EXPLORERS:
        move_and_ask_python(second, name, second.explorers(name))
