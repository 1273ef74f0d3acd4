"""A lesson is asked to run anew if what its pictures depend on has changed, and only then."""

import ast
import shutil

import nbformat
import pytest
from helpers import NOTEBOOKS

from tools import meaning
from tools.lessons import LESSONS, ROOT


@pytest.fixture
def change(tmp_path, monkeypatch):
    """A function that changes a copy of the package and names the lessons whose number is another one then."""
    before = digests()
    shutil.copytree(ROOT / "vaelib", tmp_path / "vaelib", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(meaning, "ROOT", tmp_path)

    def changed(file, old, new):
        path = tmp_path / "vaelib" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        forget()
        return {number for number, digest in digests().items() if digest != before[number]}

    yield changed
    monkeypatch.undo()
    forget()


def digests():
    return {name[:2]: meaning.digest(notebook) for name, notebook in NOTEBOOKS.items()}


def forget():
    for function in vars(meaning).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


def of_cells(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


@pytest.mark.parametrize(
    "file, old, new",
    [
        ("losses.py", '"""The terms of the VAE', '"""All terms of the VAE'),
        ("losses.py", '"""L = |x − x̂|', '"""The loss, L = |x − x̂|'),
        ("training.py", "# (B, C, H, W)", "# a batch"),
        ("training.py", "def _train(\n", "# the loop\ndef _train(\n"),
        ("models.py", "def decode(self, z: Tensor) -> Tensor:", "def decode(self, z):"),
        ("require.py", "must be at least {least}, got", "must be {least} or more, got"),
        ("checks/lesson_04.py", "σ² − 1 − log σ²", "σ² − log σ² − 1"),
        ("explorers/base.py", '"""', '"""What all explorers share. '),
        ("figures/bells.py", '_("encoder")', '"encoder"'),
        ("figures/charts.py", 'later("loss")', '"loss"'),
        ("language.py", 'ENGLISH = "en"', 'ENGLISH = "english"'),
    ],
)
def test_what_changes_no_picture_asks_for_nothing(change, file, old, new):
    assert change(file, old, new) == set()


def test_a_definition_that_moves_to_another_file_asks_for_nothing(change, tmp_path):
    folder = tmp_path / "vaelib" / "figures"
    canvas = (folder / "canvas.py").read_text(encoding="utf-8")
    hide = canvas[canvas.index("def hide_axes") : canvas.index("def image_element")]
    (folder / "axes.py").write_text("from matplotlib.axes import Axes\n\n\n" + hide, encoding="utf-8")
    assert change("figures/canvas.py", hide, "from vaelib.figures.axes import hide_axes\n") == set()


def test_another_loss_asks_for_every_lesson(change):
    assert change("losses.py", "q.variance - 1", "q.variance + 1") == set(LESSONS)


@pytest.mark.parametrize("name", ["BLUE", "ORANGE", "GREY"])
def test_a_colour_asks_for_the_lessons_whose_figures_use_it(change, name):
    """Which figures use it is found here in another way: which functions of vaelib.figures mention it, and those that
    call these; and who calls the figures."""
    users = {name, "LINE_STYLES"}
    functions = {}
    for path in (ROOT / "vaelib" / "figures").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                functions[node.name] = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    for _ in functions:
        users |= {function for function, names in functions.items() if names & users}
    expected = set()
    for lesson, notebook in NOTEBOOKS.items():
        source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        called = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
        plots = {"training_curves"} if ".plot(" in source else set()
        if (called | plots) & users:
            expected.add(lesson[:2])
    assert expected
    assert change("palette.py", f'{name} = "#', f'{name} = "#1') == expected


def test_another_word_in_a_figure_asks_for_its_lessons(change):
    assert change("figures/bells.py", '_("encoder")', '_("coder")') == {"01", "04", "09"}


def test_a_colour_that_one_figure_uses_leaves_the_others_alone(change):
    found = change("figures/charts.py", '"loss": "black"', '"loss": "red"')
    assert found == {"01", "04"}  # those that plot a history


def test_retrained_weights_ask_for_the_lessons_that_load_them(change, tmp_path):
    (tmp_path / "vaelib" / "data" / "trained" / "faces.safetensors").write_bytes(b"others")
    assert change("losses.py", '"""The terms', '"""Some terms') == {"04", "06", "09"}


def test_a_lessons_own_code_counts_and_its_comments_do_not():
    one = meaning.digest(of_cells("from vaelib import faces", "x = faces(3).images  # three"))
    assert one == meaning.digest(of_cells("from vaelib import faces\nx = faces(3).images"))
    assert one != meaning.digest(of_cells("from vaelib import faces", "x = faces(4).images"))
    assert one == meaning.digest(of_cells("%time", "from vaelib import faces\nx = faces(3).images"))


@pytest.mark.parametrize(
    "source",
    [
        "from vaelib.figures import kl_bars\nkl_bars",
        "import vaelib.figures as f\nf.kl_bars",
        "from vaelib import figures\nfigures.kl_bars",
        "from vaelib.figures import kl_bars as bars\nbars",
        "def later():\n    from vaelib.figures import kl_bars\n    kl_bars",
    ],
)
def test_however_it_is_imported_a_definition_is_found(source):
    reached = {name for _, name in meaning.definitions_reached(ast.parse(source))}
    assert {"kl_bars", "COLLAPSED_BELOW", "STYLE", "CourseFigure", "ORANGE"} <= reached
    assert not {"latent_scatter", "fit", "BLUE"} & reached


def test_the_data_files_stand_behind_a_definition():
    for name, pattern in meaning.DATA.items():
        assert any(name in meaning.definitions(module) for module in meaning.files())
        assert list((ROOT / "vaelib").glob(pattern))
