"""Run the lessons top to bottom, each on a fresh kernel, and store what they say: `make notebooks`.

Stored are outputs and counts only: no times, no widget state, no random ids, no kernel's name or version.
So a lesson that says the same as before is the same file as before.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"  # a view's model is gone with its kernel


def run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": path.parent}},
    )
    client.execute()
    notebook.metadata = METADATA  # which also drops the widgets' state
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or sorted(ROOT.glob("notebooks/*.ipynb")):
        print(path.name, flush=True)
        run(path)
