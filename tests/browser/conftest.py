"""A bare page, and explorers on it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import earlier_trainings
import pytest
from helpers import missing, revivable

from tools.lessons import ROOT

FOLDER = Path(__file__).parent
FIRST = ("00_start_here", "09_playground")  # `make test` opens these: the sliders of ipywidgets, and the explorers


# The slides and the Italian lessons first, for the pages are made of their runs; two long files more, and all of them
# have most likely been run when the pages are begun. The lessons last, for one goes where there is room.
FIRST_FILES = (
    *("test_lessons_as_slides", "test_italian_lessons"),
    *("test_explorers_in_browser", "test_rehearsal", "test_site_in_browser"),
)
LAST_FILES = ("test_lessons_in_browser",)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if FOLDER in item.path.parents and not (item.path.stem == "test_lessons_in_browser" and named(item) in FIRST):
            item.add_marker("rest")
    yield  # pytest leaves out what is not asked for, and brings together what runs in the same browser
    items.sort(key=place)


def place(item) -> int:
    name = item.path.stem
    return FIRST_FILES.index(name) if name in FIRST_FILES else 100 + (name in LAST_FILES)


def named(item):
    return item.callspec.params.get("lesson") if hasattr(item, "callspec") else None


@pytest.fixture(scope="module")
def make_site(tmp_path_factory, trainings):
    """A function that makes the pages of these lessons, of all if none is named, and gives their folder."""

    def make(*lessons) -> Path:
        if folder := os.environ.get("SITE"):
            return Path(folder).resolve()
        if not shutil.which("npm"):
            missing("no npm: the site's formulas are typeset with Node.js (Debian: apt install nodejs npm)")
        folder = tmp_path_factory.mktemp("made") / "site"
        command = [sys.executable, "-m", "tools.site", *lessons, "--to", folder, "--runs", earlier_trainings.runs()]
        environment = os.environ | {"VAELIB_KEPT": str(trainings)}
        made = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        return folder

    return make


@pytest.fixture(scope="module")
def blank(browser):
    """A page with nothing on it, and no network."""
    context = browser.new_context(offline=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def shown(blank):
    """A function that shows a widget on the bare page, with a model that only remembers its traits."""
    blank.set_viewport_size({"width": 1000, "height": 720})

    def show(widget):
        state = {
            name: revivable(value) for name, value in widget.get_state().items() if name in widget.traits(sync=True)
        }
        blank.evaluate(
            """
            async ({ _esm, _css, ...state }) => {
              const revived = (value) => {
                if (value === null || typeof value !== "object") return value;
                if (Array.isArray(value)) return value.map(revived);
                if (typeof value.bytes !== "string") {
                  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revived(inner)]));
                }
                return new DataView(Uint8Array.from(atob(value.bytes), (letter) => letter.charCodeAt(0)).buffer);
              };
              const traits = revived(state);
              const listeners = [];
              window.model = {
                get: (name) => traits[name],
                set(name, value) {
                  if (traits[name] === value) return;
                  traits[name] = value;
                  for (const [names, listen] of [...listeners]) if (names.includes(`change:${name}`)) listen();
                },
                on: (names, listen) => listeners.push([names.split(" "), listen]),
                off: (names, listen) => listeners.splice(listeners.findIndex((one) => one[1] === listen), 1),
                save_changes() {},
              };
              window.cleanUp?.();
              const style = document.createElement("style");
              style.textContent = _css;
              const el = document.createElement("div");
              document.body.replaceChildren(style, el);
              const url = URL.createObjectURL(new Blob([_esm], { type: "text/javascript" }));
              window.cleanUp = (await import(url)).default.render({ model: window.model, el });
            }
            """,
            state,
        )
        return blank

    return show
