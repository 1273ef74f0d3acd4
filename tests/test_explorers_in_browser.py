"""Each explorer as a student meets it: in JupyterLab, moved by mouse, by keyboard and from Python.

The tests share one page, to spare the starts. An explorer joins with a row in EXPLORERS.
"""

import ast
import json
from functools import partial
from itertools import count
from typing import NamedTuple

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT

from vaelib import explorers

ARTEFACTS = ROOT / "tests" / "artefacts"
WAIT = 10_000  # ms, for a picture or a trait to change: a machine may be slow


class Row(NamedTuple):
    call: str
    controls: dict[str, str]  # what a control's name or its group's begins with → the trait that it moves
    settings: dict[str, object]  # trait → another value than its first, to be set from Python
    still: tuple[tuple[str, object], ...] = ()  # what stops a picture that moves by itself


OF_FACTORS = ["skin tone", "hair", "smile", "glasses", "beard"]
EXPLORERS = {
    "explore_beta": Row("explore_beta()", {"β": "beta", "image x": "image"}, {"beta": 20.0, "image": 5}),
    "explore_latents": Row(
        "explore_latents()",
        {"start from": "image", "surprise me": "sample", "z": "latents", "reset": "attributes"}
        | dict.fromkeys(OF_FACTORS, "attributes"),
        {"image": -1, "sample": [0.5] * 10, "latents": [1.0] * 10, "attributes": [0.5] * 6},
    ),
    "compare_codes": Row(
        "compare_codes()",
        {"image x": "image", "draw again": "epsilon", "reset": "shifts"} | dict.fromkeys(OF_FACTORS, "shifts"),
        {"image": 3, "shifts": [0.3] * 6, "epsilon": [[0.5] * 10] * 4},
    ),
    "explore_map": Row(
        "explore_map()",
        {"image x": "image", "latent plane of the UAE": "h", "latent plane of the VAE": "z"},
        {"image": 3, "h": (0.0, 0.0), "z": (0.5, -0.5)},
    ),
    "draw_a_digit": Row(
        "draw_a_digit()",
        {"a test image": "image", "a sheet to draw": "image", "clear": "image", "undo": "image"},
        {"image": [[0.5] * 28] * 28},
    ),
    "watch_training": Row(
        "watch_training()",
        {"epoch": "epoch", "play": "playing", "pause": "playing"},
        {"epoch": 7},
        still=(("playing", False),),
    ),
}


def notebook(*sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


START = "from vaelib.explorers import *\nimport time, torch, vaelib, warnings\nwarnings.simplefilter('error')"
NOTEBOOKS = {
    "explorers": notebook(START, *(f"the_{name} = {row.call}\nthe_{name}" for name, row in EXPLORERS.items())),
    "twice": notebook(
        START, *(f"the_{name} = {row.call}\ndisplay(the_{name}, the_{name})" for name, row in EXPLORERS.items())
    ),
}

# What an explorer shows, without what only a screen reader hears of it.
PICTURE = """
(explorer) => [...explorer.querySelectorAll("canvas, svg")].map((part) => part.localName === "svg"
    ? part.outerHTML.replace(/ aria-label="[^"]*"/g, "") : part.toDataURL()).join()
"""
CONTROLS = "input, button, select, [tabindex='0'], .vl-paper"


class Desk:
    """JupyterLab in a page, with the notebook that is in front."""

    def __init__(self, page, url):
        self.page, self.trouble, self.turns = page, [], count()
        page.on("console", self.on_console)
        page.on("pageerror", lambda error: self.trouble.append(f"page error: {error}"))
        page.on("request", lambda request: self.on_request(request.url, url))

    def on_console(self, message):
        if message.type == "error":
            self.trouble.append(f"console: {message.text} ({message.location})")

    def on_request(self, address, url):
        if not address.startswith((f"{url}/", "data:", "blob:")):
            self.trouble.append(f"request to another host: {address}")

    @property
    def panel(self):
        """The notebook in front."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def explorers(self, name):
        """All views of the explorer `name` in the notebook in front."""
        cell = 1 + list(EXPLORERS).index(name)
        return self.panel.locator(".jp-CodeCell").nth(cell).locator(".vl")

    def run_all(self):
        self.command("notebook:run-all-cells")

    def command(self, name, **arguments):
        self.page.evaluate(
            "([name, options]) => jupyterapp.commands.execute(name, options).then(() => null)", [name, arguments]
        )

    def python(self, expression):
        """What it is worth in the kernel of the notebook in front."""
        answer = self.page.evaluate(
            """
            async (expression) => {
              const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
              const request = { code: "", silent: true, store_history: false, user_expressions: { expression } };
              return (await kernel.requestExecute(request).done).content.user_expressions.expression;
            }
            """,
            expression,
        )
        assert answer["status"] == "ok", f"{expression}: {answer}"
        return ast.literal_eval(answer["data"]["text/plain"])

    def until(self, expression, what="it"):
        """Wait until it is true in Python: a message from the page takes its time."""
        for _ in range(100):
            if self.python(expression):
                return
            self.page.wait_for_timeout(WAIT / 100)
        raise AssertionError(f"{what}: {expression} stayed False")

    def train(self):
        """Let the kernel train until `interrupt`. The page counts the epochs."""
        self.page.evaluate(
            """
            (code) => {
              const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
              [window.epochs, window.answer] = [0, null];
              const training = kernel.requestExecute({ code });
              training.onIOPub = ({ header }) => (window.epochs += header.msg_type === "stream");
              training.done.then(({ content }) => (window.answer = content));
            }
            """,
            "vaelib.fit(vaelib.VAE((3, 32, 32), 10), vaelib.faces(500).images, epochs=100_000, progress=False,"
            " callback=lambda epoch, history: print(epoch))",
        )
        self.page.wait_for_function("epochs > 0")

    def interrupt(self):
        self.command("notebook:interrupt-kernel")
        self.page.wait_for_function("answer")
        wait_until_idle(self)

    def outputs(self):
        return self.page.evaluate(
            "() => jupyterapp.shell.currentWidget.content.model.toJSON().cells.flatMap((cell) => cell.outputs ?? [])"
        )

    def cells(self):
        """What keys meant for an explorer must leave alone."""
        return self.page.evaluate(
            """
            () => {
              const notebook = jupyterapp.shell.currentWidget.content;
              const cells = notebook.widgets.map(({ model }) => [model.id, model.type, model.sharedModel.source]);
              return [notebook.activeCellIndex, notebook.mode, cells];
            }
            """
        )

    def settle(self):
        """Until all panels have been drawn."""
        self.page.evaluate(
            """
            async () => {
              for (let k = 0; k < 3; k++) await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            }
            """
        )

    def changes(self, explorer, move, what):
        """Do it, and wait until the explorer shows something else."""
        self.settle()
        element = explorer.element_handle()
        before = element.evaluate(PICTURE)
        move()
        try:
            changed = f"([it, before]) => ({PICTURE})(it) !== before"
            self.page.wait_for_function(changed, arg=[element, before], timeout=WAIT)
        except Exception as error:
            raise AssertionError(f"{what}: the picture stayed the same") from error


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
        desk.explorers(name).wait_for(timeout=60_000)
    wait_until_idle(desk)
    yield desk
    page.close()


def ready(desk):
    """Until the notebook in front has a kernel, and the page has asked it which widgets it has.

    A widget that is made while it asks is shown by two models, one of them deaf (JupyterLab's widget manager).
    """
    desk.panel.locator(".jp-CodeCell").first.wait_for(timeout=60_000)
    desk.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.ready.then(() => null)")
    wait_until_idle(desk)
    for _ in range(3):
        desk.python("None")


def wait_until_idle(desk):
    desk.page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=60_000)


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


def of_keyboard(controls):
    return [one for one in controls if one[0].evaluate("control => control.tabIndex >= 0")]


def controls_of(name, explorer):
    """[(control, its name, the trait it moves)], of radio buttons only the one that Tab leads to."""
    found = []
    for control in explorer.locator(CONTROLS).all():
        group = control.evaluate(
            """
            (it) => {
              if (it.type !== "radio") return it.labels?.[0]?.textContent || it.ariaLabel || it.textContent;
              const buttons = [...it.closest("fieldset").querySelectorAll("input")];
              const reached = buttons.find((one) => one.checked) ?? buttons[0];
              return it === reached ? it.closest("fieldset").querySelector("legend").textContent : null;
            }
            """
        )
        if group is None:
            continue
        traits = {trait for start, trait in EXPLORERS[name].controls.items() if group.startswith(start)}
        assert len(traits) == 1, f"{group!r} must be in the row of {name}, once"
        found.append((control, group, traits.pop()))
    return found


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


# What shows that the focus is there; of radio buttons the arrow has chosen another, with the ring around its picture.
RING = """
(control) => {
  const shown = control.type === "radio" ? document.activeElement.nextElementSibling : control;
  return getComputedStyle(shown).outlineStyle;
}
"""


def key_of(control):
    if control.evaluate("it => it.type === 'range' && it.valueAsNumber >= Number(it.max)"):
        return "ArrowLeft"
    if control.evaluate("it => it.type === 'radio' && !it.checked"):
        return "Space"
    return "Enter" if control.evaluate("it => it.localName") == "button" else "ArrowRight"


def test_every_control_answers_to_the_mouse(name, explorer, desk):
    for control, group, trait in controls_of(name, explorer):
        before = desk.python(f"the_{name}.{trait}")
        desk.changes(explorer, partial(use_the_mouse, desk.page, control), f"{group} by mouse")
        desk.until(f"the_{name}.{trait} != {before!r}", f"{group} by mouse")
        stop(name, desk)


def use_the_mouse(page, control):
    kind = control.evaluate("it => it.type ?? it.localName")
    if kind == "radio":
        control.locator("xpath=ancestor::fieldset").locator("label:has(input:not(:checked))").last.click()
    elif kind in ("button", "submit"):
        control.click()
    else:
        control.scroll_into_view_if_needed()
        box = control.bounding_box()
        x, y = box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - box["width"] * 0.45, y - box["height"] * 0.1, steps=5)
        page.mouse.up()


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


def accessibility(page, explorer):
    """What axe-core finds serious or critical."""
    explorer.evaluate("explorer => (explorer.id = 'under-test')")
    results = Axe().run(page, "#under-test", {"resultTypes": ["violations"]})
    explorer.evaluate("explorer => explorer.removeAttribute('id')")
    assert results.response["passes"], "axe-core looked at nothing"
    return [
        f"{violation['id']}: {node['failureSummary']} {node['html']}"
        for violation in results.response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


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
        desk.explorers(name).nth(1).wait_for(timeout=60_000)
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
