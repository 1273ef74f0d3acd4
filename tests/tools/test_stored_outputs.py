"""What looks the same as before keeps its bytes; what does not is replaced."""

import base64
import io

import nbformat
import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from tools import stored_outputs
from vaelib import faces, figures


def picture(array, kind="webp", **options):
    file = io.BytesIO()
    Image.fromarray((255 * array).round().clip(0, 255).astype(np.uint8)).save(file, kind, **options)
    return f'<img alt="a" src="data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}">'


def of_figure(**options):
    values = torch.linspace(0, 1, 50)
    return figures.curves(values, {"a": {"b": options.pop("y", values) * 1.0}}, alt="a line", **options).to_html()


IMAGE = faces(1, size=240).images[0].permute(1, 2, 0).numpy()  # (240, 240, 3)


def shifted(colour_step):
    return picture(np.clip(IMAGE + colour_step, 0, 1), lossless=True)


def moved_by(pixels):
    black = np.ones((40, 60, 3))
    black[10:16, 10 + pixels : 16 + pixels] = 0
    return picture(black, lossless=True)


@pytest.mark.parametrize(
    "stored, new, same",
    [
        ("β = 1", "β = 1", True),
        ("β = 1", "β = 2", False),
        ("the loss is about 42.1", "the loss is about 42.2", True),
        ("the loss is about 42.1", "the loss is about 52.1", False),
        ("about 0.012", "about 0.013", True),
        ("about 0.012", "about 0.016", False),
        ("about -3.1", "about 3.1", False),
        ("about 1.0 and 5", "about 1.0 and 6", False),
        ("about 1.0", "about 1.0 nats", False),
        (picture(IMAGE, quality=90), picture(IMAGE, quality=95), True),
        (shifted(0), shifted(1 / 255), True),
        (shifted(0), shifted(0.06), False),
        (moved_by(0), moved_by(1), False),
        (picture(IMAGE), picture(IMAGE[:, :239]), False),
        (picture(IMAGE, "png"), picture(IMAGE, lossless=True), False),  # another format is stored anew
        (picture(IMAGE), picture(IMAGE) * 2, False),
        (picture(IMAGE), "words", False),
    ],
)
def test_what_looks_the_same(stored, new, same):
    assert stored_outputs.same_text(stored, new) is same


def test_a_figure_in_another_colour_or_with_another_curve_is_another(monkeypatch):
    before = of_figure()
    assert stored_outputs.same_text(before, of_figure())
    assert not stored_outputs.same_text(before, of_figure(y=torch.linspace(0, 1, 50) ** 1.3))
    monkeypatch.setattr(figures.charts, "LINE_STYLES", (("-", "#0072D2"),))  # a little more blue
    assert not stored_outputs.same_text(before, of_figure())


def notebook(*outputs, source="draw()"):
    return new_notebook(cells=[new_code_cell(source, outputs=list(outputs), execution_count=1)])


def html(text):
    return new_output("display_data", data={"text/html": text, "text/plain": "<IPython.core.display.HTML object>"})


def kept(stored, new):
    before = nbformat.writes(stored)
    stored_outputs.keep_the_same(stored, new)
    new.cells[0].id = stored.cells[0].id
    return nbformat.writes(new) == before


def test_the_same_outputs_keep_their_bytes():
    assert kept(notebook(html(shifted(0))), notebook(html(shifted(1 / 255))))
    stdout = [new_output("stream", name="stdout", text=f"about {value}\n") for value in (1.01, 1.02)]
    assert kept(notebook(stdout[0], html(shifted(0))), notebook(stdout[1], html(shifted(0))))


def test_outputs_that_differ_are_replaced():
    assert not kept(notebook(html(shifted(0))), notebook(html(shifted(0.06))))
    assert not kept(notebook(html(shifted(0))), notebook(html(shifted(0)), html(shifted(0))))
    one, other = (new_output("stream", name=name, text="a\n") for name in ("stdout", "stderr"))
    assert not kept(notebook(one), notebook(other))


def test_a_measured_time_may_be_another_one():
    stored, new = (notebook(new_output("stream", name="stdout", text=f"about {n} s\n")) for n in (1, 20))
    assert not kept(stored, new)
    for some in (stored, new):
        some.cells[0].metadata["tags"] = ["measures-time"]
    assert kept(stored, new)
