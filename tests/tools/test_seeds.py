"""Other seeds for a lesson: which numbers change, and that an assertion which breaks is listed."""

import ast

import nbformat
import pytest

from tools.seeds import broken, with_other_seeds


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("fit(vae, x, epochs=3, seed=0)", "fit(vae, x, epochs=3, seed=100)"),
        ("settings = {'latent_dim': 10, 'seed': 1}", "settings = {'latent_dim': 10, 'seed': 101}"),
        ("g = torch.Generator().manual_seed(7)", "g = torch.Generator().manual_seed(107)"),
        ("torch.randn(3, generator=torch.Generator().manual_seed(0))",
         "torch.randn(3, generator=torch.Generator().manual_seed(100))"),
        ("train, test = faces(4000, seed=0), digits('test')", "train, test = faces(4000, seed=0), digits('test')"),
        ("kinds = four_kinds(20, seed=3)", "kinds = four_kinds(20, seed=3)"),
        ("fit(vae, x, seed=chosen)", "fit(vae, x, seed=chosen)"),
        ("n = 0", "n = 0"),
    ],
)  # fmt: skip
def test_seeds_of_weights_and_draws_are_shifted_and_those_of_data_stay(source, expected):
    assert with_other_seeds(source, 100) == ast.unparse(ast.parse(expected))


def test_what_breaks_is_listed_with_its_cell(tmp_path):
    cells = [
        "import torch\nvalue = torch.rand(1, generator=torch.Generator().manual_seed(0)).item()",
        "assert value == 0.49625658988952637, value",  # what one seed printed
        "assert 0 <= value < 1",
    ]
    path = tmp_path / "00_lesson.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel}
    )
    nbformat.write(notebook, path)
    assert broken(path, 0) == []
    [line] = broken(path, 1)
    assert line.startswith("00_lesson, seeds + 1, cell 1: AssertionError")
