"""Run the lessons top to bottom, each on a fresh kernel, and store what they say: `make notebooks`.

Stored are outputs and counts only: no times, no widget state, no random ids, no kernel's name or version. An output
that is the same as before to whoever looks at it keeps its bytes, see tools/stored_outputs.py. With them goes a number
for all that the lesson's pictures depend on, see tools/meaning.py. The pictures of cells tagged `image:NAME` are also
saved as images/NAME.webp.
"""

import base64
import os
import re
import sys
from pathlib import Path

import nbformat

from tools.lessons import ROOT, chosen, executed, run_each
from tools.meaning import digest
from tools.stored_outputs import keep_the_same

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"  # a view's model is gone with its kernel


def pictures(notebook) -> dict[str, bytes]:
    """The picture (WebP) of each cell tagged `image:NAME`, by its name."""
    found = {}
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if tag.startswith("image:"):
                outputs = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
                found[tag.removeprefix("image:")] = base64.b64decode(re.search('base64,([^"]+)', outputs)[1])
    return found


def run(path: Path) -> None:
    stored, notebook = nbformat.read(path, as_version=4), executed(path)
    notebook.metadata = METADATA | {"vaelib": digest(notebook)}  # which also drops the widgets' state
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    keep_the_same(stored, notebook)
    nbformat.write(notebook, path)
    for name, picture in pictures(notebook).items():
        (ROOT / "images" / f"{name}.webp").write_bytes(picture)


if __name__ == "__main__":
    os.environ["VAELIB_KEPT"] = "off"  # what is stored was trained for it
    run_each(chosen(sys.argv[1:]), run)
