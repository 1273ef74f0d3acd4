"""Run the lessons with other seeds and list the assertions that break: `make seeds`, or `make seeds LESSON=04`.

Other are the first weights, the order of training and all draws of noise. The faces and digits stay: a lesson points at
some of them by their number.
"""

import ast
import os
import sys

import nbformat
from nbclient import NotebookClient

from tools.environment import keep_out_user_settings
from tools.lessons import chosen, run_each

SHIFTS = (100, 200, 300)  # far from the seeds of the lessons, which are small
DATA = {"faces", "four_kinds", "digits"}


class _Shift(ast.NodeTransformer):
    """Adds to each seed that is written as a number: seed=0, {"seed": 0}, manual_seed(0)."""

    def __init__(self, shift: int):
        self.shift = shift

    def _other(self, node):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return ast.Constant(node.value + self.shift)
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "manual_seed":
            node.args = [self._other(argument) for argument in node.args]
        if name not in DATA:
            for keyword in node.keywords:
                if keyword.arg == "seed":
                    keyword.value = self._other(keyword.value)
        return node

    def visit_Dict(self, node):
        self.generic_visit(node)
        for k, key in enumerate(node.keys):
            if isinstance(key, ast.Constant) and key.value == "seed":
                node.values[k] = self._other(node.values[k])
        return node


def with_other_seeds(source: str, shift: int) -> str:
    """The source of a cell, `shift` added to each of its seeds but those of data."""
    return ast.unparse(_Shift(shift).visit(ast.parse(source)))


def broken(path, shift: int) -> list[str]:
    """What fails in a lesson whose seeds are shifted: a line for each cell that raises."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = with_other_seeds(cell.source, shift)
    NotebookClient(
        notebook,
        timeout=600,
        allow_errors=True,
        resources={"metadata": {"path": path.parent}},
        extra_arguments=["--log-level=40"],  # as in tools/lessons.py
    ).execute()
    return [
        f"{path.stem}, seeds + {shift}, cell {k}: {output.ename}: {output.evalue}"
        for k, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", [])
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", [])
    ]


def main(names: list[str]) -> None:
    keep_out_user_settings()
    os.environ["VAELIB_KEPT"] = "off"
    found = run_each(chosen(names), lambda path: [line for shift in SHIFTS for line in broken(path, shift)])
    lines = [line for of_lesson in found for line in of_lesson]
    print("\n".join(lines) or "no assertion breaks")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
