"""Run the lessons top to bottom, each on a fresh kernel, and store what they say: `make notebooks`.

Stored are outputs and counts only: no times, no widget state, no random ids, no kernel's name or version.
So a lesson that says the same as before is the same file as before. With them goes a digest of the package's code: a
picture is not compared when the lessons are tested, so this tells when it is older than what made it. The
pictures of cells tagged `image:NAME` are also saved as images/NAME.png.
"""

import base64
import hashlib
import os
import re
import sys
from pathlib import Path

import nbformat

from tools.lessons import LESSONS, ROOT, executed, run_each

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"  # a view's model is gone with its kernel


def digest() -> str:
    """The package's code and trained models as a short number: with another, lessons may say something else."""
    code = b"".join(path.read_bytes() for path in sorted(ROOT.glob("vaelib/*.py")))
    weights = b"".join(path.read_bytes() for path in sorted(ROOT.glob("vaelib/data/trained/*.safetensors")))
    return hashlib.sha256(code.replace(b"\r\n", b"\n") + weights).hexdigest()[:16]


def pictures(notebook) -> dict[str, bytes]:
    """The PNG of each cell tagged `image:NAME`, by its name."""
    found = {}
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if tag.startswith("image:"):
                outputs = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
                found[tag.removeprefix("image:")] = base64.b64decode(re.search('base64,([^"]+)', outputs)[1])
    return found


def run(path: Path) -> None:
    notebook = executed(path)
    notebook.metadata = METADATA | {"vaelib": digest()}  # which also drops the widgets' state
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    nbformat.write(notebook, path)
    for name, png in pictures(notebook).items():
        (ROOT / "images" / f"{name}.png").write_bytes(png)


if __name__ == "__main__":
    os.environ["VAELIB_KEPT"] = "off"  # what is stored was trained for it
    run_each([Path(name) for name in sys.argv[1:]] or list(LESSONS.values()), run)
