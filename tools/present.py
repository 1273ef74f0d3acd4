"""Open a lesson as live slides: `make present LESSON=05`.

What is shown is a copy: nothing that happens on the slides changes the course. The lesson is run before it is opened,
so a hall waits for no cell, and the page only has to ask the kernel for its sliders.
"""

import re
import shutil
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from copy import deepcopy
from itertools import takewhile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert.filters.markdown import markdown2html
from nbformat import sign

from tools import edition
from tools.lab import SETTINGS, serve_lab, window_browser
from tools.lessons import ROOT, chosen
from tools.type_size import in_large_type, size_of_code

# What a cell would else wait for the first time, and what is slow to import, by the word for it in a lesson's code.
PRELOAD = ("vaelib.checks", "vaelib.explorers", "vaelib.figures")
SLOW_TO_IMPORT = {
    "sklearn.datasets": "sklearn.datasets",
    "mixture": "sklearn.mixture",
    "holes(": "sklearn.mixture",
    "torch.optim": "torch._dynamo",
}
HEADING = re.compile(r"\A#+ .*\n+")
CODE_SHOWN_TAG = "show-code"  # the tag of a cell whose code is part of the talk
# What `fit` says, in English: its bar, and lines that are on no slide in any language.
BAR = "training"
OF_TRAINING = (
    "no whole epoch",
    "1 epoch: loss about {first:.1f} nats in the first, about {last:.1f} in the last",
    "{epochs} epochs: loss about {first:.1f} nats in the first, about {last:.1f} in the last",
    "trained earlier with these settings; fit(..., fresh=True) trains again",
    "what was kept of this training can't be read ({reason}): training it again",
    "what was kept of this training is damaged: training it again",
    "what was kept of this training is another version's of vaelib or torch: training it again",
    "what was kept in this training's place is another training: training this one again",
    "this training could not be kept ({reason}); the model is trained all the same",
)


def prepare_slides(notebook) -> list[str]:
    """Make slides of the lesson's cells, and return what the lecturer says: for each slide its headline and the prose.

    A cell that begins a slide has a headline in its metadata, {"slide": {"headline": …}}. On the slide stands that
    headline and what the cells after it show: pictures, explorers, printed lines. The lesson's prose stands in the
    notes, but for texts with {"slide": {"show": …}}: true shows the text itself, a text of its own is shown instead. Of
    what a code cell gives, "picture" shows the picture alone, without its printed lines.

    The deck stops at each cell. A layer it shows along with a slide, without a stop of its own, so all cells that
    only continue a slide become layers; the slides' style sheet puts them in their place, below one another.
    """
    notes, cells, headline = [], [], None
    for k, cell in enumerate(notebook.cells):
        if kind_of(cell) == "slide":
            headline = cell.metadata.get("slide", {}).get("headline")
            notes.append(f"## {headline}" if headline else "")
        cells += slide_of(cell, headline, notes, goes_on(notebook.cells[k + 1 :])) if headline else [cell]
    notebook.cells = cells
    kinds = [kind_of(cell) for cell in cells]
    for k, (cell, kind) in enumerate(zip(cells, kinds, strict=True)):
        if cell.cell_type == "code":
            cell.metadata["jupyter"] = {"source_hidden": not shows_code(cell)}
            cell.outputs, cell.execution_count = [], None
        else:
            cell.metadata["editable"] = False  # a double click is to open no editor
        if kind == "notes":  # else the deck takes the cells after a note for part of it
            cell.metadata["slideshow"] = {"slide_type": "skip"}
        elif kind is None and k > 0:
            more = "slide" in kinds[k + 1 :]  # on the last slide, the deck knows only layers that stay for good
            cell.metadata["jupyterlab-slideshow"] = {"layer": "slide" if more else "deck"}
    return notes


def goes_on(cells) -> bool:
    """Do these cells begin with some that belong to the slide before them, and is there one of code among those?"""
    of_the_slide = takewhile(lambda cell: kind_of(cell) != "slide", cells)
    return any(cell.cell_type == "code" and kind_of(cell) is None for cell in of_the_slide)


def shows_code(cell) -> bool:
    return CODE_SHOWN_TAG in cell.metadata.get("tags", [])


def kind_of(cell) -> str | None:
    return cell.metadata.get("slideshow", {}).get("slide_type")


def slide_of(cell, headline: str, notes: list[str], more: bool) -> list:
    """The cells that stand for this one on a slide with that headline; its prose is added to the notes.

    `more` says if a code cell shows something below it.
    """
    shown, begins = cell.metadata.get("slide", {}).get("show", ""), kind_of(cell) == "slide"
    if cell.cell_type == "code":
        if not begins:
            return [cell]
        title = nbformat.v4.new_markdown_cell(f"## {headline}", id=f"{cell.id[:60]}-h")
        title.metadata["slideshow"] = cell.metadata.pop("slideshow")
        return [title, cell]
    if not cell.source.startswith("<details"):
        notes.append(cell.source)
    text = HEADING.sub("", cell.source) if shown is True else shown
    if begins:
        if len(notes) == 2:  # the lesson's title
            cell.source = f"# {headline}\n\n{in_large_type(text, title=headline)}"
        else:
            cell.source = f"## {headline}\n\n{in_large_type(text, with_picture=more)}"
    elif kind_of(cell) is None and text:
        cell.source = in_large_type(text)
    else:
        cell.metadata["slideshow"] = {"slide_type": "skip"}
    return [cell]


def for_the_stage(notebook):
    """A copy of the notebook, after its run, without the outputs that no slide shows; code is as large as fits."""
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            picture_alone = cell.metadata.get("slide", {}).get("show") == "picture"
            cell.outputs = [output for output in cell.outputs if is_shown(output, picture_alone)]
            if shows_code(cell):
                size = size_of_code(cell.source, with_picture=any("data" in output for output in cell.outputs))
                cell.metadata["@deathbeds/jupyterlab-fonts"] = {"styles": {"--jp-code-font-size": f"{size}px"}}
    return notebook


def is_shown(output, picture_alone: bool) -> bool:
    printed = output.output_type == "stream"
    text = output.text if printed else output.get("data", {}).get("text/plain", "")
    return not ((printed and picture_alone) or edition.pattern_of(OF_TRAINING).match(text) or is_bar(output))


def is_bar(output) -> bool:
    """Is it the bar of a training?"""
    return bool(edition.pattern_of((BAR,), end=":").match(output.get("data", {}).get("text/plain", "")))


def preload(notebook) -> str:
    """The line that imports what the lesson's cells would else wait for."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    slow = {module for word, module in SLOW_TO_IMPORT.items() if word in code}
    return f"import {', '.join([*PRELOAD, *sorted(slow)])}"


def page_of(texts: list[str]) -> str:
    """A page with these texts, Markdown, one below the other."""
    body = "\n".join(markdown2html(text) for text in texts)
    style = "body { max-width: 45em; margin: auto; font: 1.3em/1.5 sans-serif; } h2 { border-top: 2px solid; }"
    return f'<!doctype html><meta charset="utf-8"><title>What to say</title><style>{style}</style>{body}'


@contextmanager
def as_slides(notebook, name: str, on_cell=None):
    """A JupyterLab that serves the notebook as slides, with all its cells run; gives the slides' address.

    `on_cell(cell, seconds)` is called after each code cell; a cell that fails stays as it is.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the server ends with this program
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "notebooks").mkdir()
        for other in [*ROOT.glob("notebooks/*.md"), ROOT / "images", ROOT / "README.md"]:
            copy = shutil.copytree if other.is_dir() else shutil.copy
            copy(other, home / other.relative_to(ROOT))
        server = serve_lab(home, "--custom-css", configs=(SETTINGS / "slides", SETTINGS))
        shutil.copytree(SETTINGS / "slides" / "custom", home / "settings" / "config" / "custom")
        (home / "notes.html").write_text(page_of(prepare_slides(notebook)), encoding="utf-8")
        with server:
            run(notebook, server, f"notebooks/{name}.ipynb", on_cell)
            yield server, f"{server.url}/lab/tree/notebooks/{name}.ipynb?token={server.token}"


def run(notebook, server, path: str, on_cell=None) -> None:
    """Run the notebook on the kernel that the page at `path` will find there, and store it for that page."""
    nbformat.write(notebook, server.cwd / path)
    kernel = server.ask("sessions", path=path, name=path, type="notebook", kernel={"name": "python3"})["kernel"]["id"]
    with server.connected(kernel) as client:
        client.execute_interactive(preload(notebook), silent=True)
        runner = NotebookClient(notebook, allow_errors=True, coalesce_streams=True, timeout=600)
        runner.reset_execution_trackers()
        runner.kc = client
        for k, cell in enumerate(notebook.cells):
            start = time.monotonic()
            runner.execute_cell(cell, k)
            if on_cell and cell.cell_type == "code":
                on_cell(cell, time.monotonic() - start)
    # JupyterLab shows the widgets of a notebook that is signed.
    shown = for_the_stage(notebook)
    sign.NotebookNotary(data_dir=str(server.log.parent / "data")).sign(shown)
    nbformat.write(shown, server.cwd / path)
    runner.set_widgets_metadata()  # not for that page, which asks the kernel; for who looks at the notebook afterwards


def main(names: list[str]) -> None:
    if len(names) != 1:
        raise SystemExit("Say which lesson to show, as in `make present LESSON=05`.")
    [path] = chosen(names)
    try:
        print(f"Running {path.stem}: a few seconds after `make warm`, else up to some minutes ...", flush=True)
        with as_slides(edition.lesson(path, edition.chosen_edition()), path.stem, tell) as (server, address):
            print(f"Space goes on, Shift+Space goes back; Ctrl+C here ends it.\n{address}", flush=True)
            notes = f"{server.url}/files/notes.html?token={server.token}"
            print(f"What to say with each slide, for a second screen:\n{notes}", flush=True)
            if browser := window_browser():
                browser.open(address)
            server.wait()
    except KeyboardInterrupt:
        print("The end.")


def tell(cell, seconds: float) -> None:
    for output in cell.outputs:
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
            print(f"  failed: {output.ename}: {output.evalue}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
