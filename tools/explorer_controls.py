"""The explorers on a page, moved as a hand moves them: for the rehearsal, the stopwatch and the browser tests."""

import ast
from itertools import count
from typing import NamedTuple

import nbformat

WAIT = 30_000  # ms, for a picture or a trait to change: a machine may have other work
POLL = 50  # ms, until it is asked again whether what is awaited is there: to ask in each frame costs much


class Row(NamedTuple):
    label: str  # of its frame
    controls: dict[str, str]  # what a control's name or its group's begins with → the trait that it moves
    settings: dict[str, object]  # trait → another value than its first, to be set from Python
    still: tuple[tuple[str, object], ...] = ()  # what stops a picture that moves by itself


OF_FACTORS = ["skin tone", "hair", "smile", "glasses", "beard"]
EXPLORERS = {
    "explore_beta": Row("Explore β", {"β": "beta", "image x": "image"}, {"beta": 20.0, "image": 5}),
    "explore_latents": Row(
        "Explore the latents",
        {"start from": "image", "surprise me": "sample", "z": "latents", "reset": "attributes"}
        | dict.fromkeys(OF_FACTORS, "attributes"),
        {"image": -1, "sample": [0.5] * 10, "latents": [1.0] * 10, "attributes": [0.5] * 6},
    ),
    "compare_codes": Row(
        "Compare the codes of a UAE and a VAE",
        {"image x": "image", "noise": "noise", "draw again": "epsilon", "reset": "shifts"}
        | dict.fromkeys(OF_FACTORS, "shifts"),
        {"image": 3, "noise": 4.0, "shifts": [0.3] * 6, "epsilon": [[0.5] * 10] * 4},
    ),
    "explore_loss": Row(
        "Explore the loss",
        {"β": "beta", "descend": "sigma", "image x": "image", "latent": "latent", "the ball": "mu"},
        {"beta": 20.0, "image": 5, "latent": 6, "mu": -1.0, "sigma": 0.5},
        still=(("mu", 0.25), ("sigma", 0.9)),  # a ball that somebody moves stops rolling
    ),
    "explore_map": Row(
        "Explore the map",
        {"image x": "image", "latent plane of the UAE": "h", "latent plane of the VAE": "z"},
        {"image": 3, "h": (0.0, 0.0), "z": (0.5, -0.5)},
    ),
    "draw_a_digit": Row(
        "Draw a digit",
        {"a test image": "image", "a sheet to draw": "image", "clear": "image", "undo": "image"},
        {"image": [[0.5] * 28] * 28},
    ),
    "watch_training": Row(
        "Watch a training run",
        {"epoch": "epoch", "play": "playing", "pause": "playing"},
        {"epoch": 7},
        still=(("playing", False),),
    ),
}
LABELS = {row.label: name for name, row in EXPLORERS.items()}


def notebook(*sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


START = "from vaelib.explorers import *\nimport time, torch, vaelib, warnings\nwarnings.simplefilter('error')"
EACH_ONCE = notebook(START, *(f"the_{name} = {name}()\nthe_{name}" for name in EXPLORERS))


# What an explorer shows, without what only a screen reader hears of it.
PICTURE = """
(explorer) => [...explorer.querySelectorAll("canvas, svg")].map((part) => part.localName === "svg"
    ? part.outerHTML.replace(/ aria-label="[^"]*"/g, "") : part.toDataURL()).join()
"""
# Until all is drawn: at the move, in the frame after it, or in one that came late.
SETTLED = """
async () => {
  for (let k = 0; k < 3; k++) await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}
"""
CONTROLS = "input, button, select, [tabindex='0'], .vl-paper"

# What a control is called; of radio buttons only the one that Tab leads to has a name.
NAME = """
(it) => {
  if (it.matches(".noUi-handle")) return it.closest(".jupyter-widgets").textContent.trim();
  const label = it.labels?.[0]?.textContent || it.ariaLabel || it.textContent || it.localName;
  if (it.type !== "radio") return label.trim();
  const buttons = [...it.closest("fieldset").querySelectorAll("input")];
  const reached = buttons.find((one) => one.checked) ?? buttons[0];
  return it === reached ? it.closest("fieldset").querySelector(".vl-group").textContent : null;
}
"""


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
        self.page.wait_for_function("epochs > 0", polling=POLL)

    def interrupt(self):
        self.command("notebook:interrupt-kernel")
        self.page.wait_for_function("answer", polling=POLL)
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
        self.page.evaluate(SETTLED)

    def changes(self, explorer, move, what):
        """Do it, and wait until the explorer shows something else."""
        self.settle()
        element = explorer.element_handle()
        before = element.evaluate(PICTURE)
        move()
        try:
            changed = f"([it, before]) => ({PICTURE})(it) !== before"
            self.page.wait_for_function(changed, arg=[element, before], timeout=WAIT, polling=POLL)
        except Exception as error:
            raise AssertionError(f"{what}: the picture stayed the same") from error


def ready(desk):
    """Until the notebook in front has a kernel, and the page has asked it which widgets it has.

    A widget that is made while it asks is shown by two models, one of them deaf (JupyterLab's widget manager).
    """
    desk.panel.locator(".jp-CodeCell").first.wait_for(timeout=180_000)
    desk.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.ready.then(() => null)")
    wait_until_idle(desk)
    for _ in range(3):
        desk.python("None")


def wait_until_idle(desk):
    desk.page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=180_000)


def of_keyboard(controls):
    return [one for one in controls if one[0].evaluate("control => control.tabIndex >= 0")]


def controls_of(name, explorer):
    """[(control, its name, the trait it moves)], of radio buttons only the one that Tab leads to."""
    found = []
    for control in explorer.locator(CONTROLS).all():
        group = control.evaluate(NAME)
        if group is None:
            continue
        traits = {trait for start, trait in EXPLORERS[name].controls.items() if group.startswith(start)}
        assert len(traits) == 1, f"{group!r} must be in the row of {name}, once"
        found.append((control, group, traits.pop()))
    return found


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


def use_the_mouse(page, control):
    kind = control.evaluate("it => it.type ?? it.localName")
    if kind == "radio":
        control.locator("xpath=ancestor::fieldset").locator("label:has(input:not(:checked))").last.click()
    elif kind in ("button", "submit"):
        control.click()
    else:
        control.scroll_into_view_if_needed()
        control.element_handle().wait_for_element_state("stable")  # JupyterLab may still scroll
        box = control.bounding_box()
        x, y = box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - box["width"] * 0.45, y - box["height"] * 0.1, steps=5)
        page.mouse.up()
