"""What several tests share."""

import base64
import os
import re

import nbformat
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from tools.explorer_controls import EXPLORERS, SETTLED
from tools.lab import NoBrowser
from tools.lessons import LESSONS, ROOT

ARTEFACTS = ROOT / "artefacts"  # what the tests leave to look at
NAMES = [path.stem for path in LESSONS.values()]
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in LESSONS.values()}

# A question, its options (a letter, what it says), and for each whether it is right and why.
QUESTION = re.compile(r"\*\*Question\.\*\* .+?\n\n(?P<options>(?:<details>.*?</details>\n?)+)", re.DOTALL)
OPTION = re.compile(r"<details><summary>([A-Z])\. (.+?)</summary>\n\n([✓✗]) (.+?)\n</details>", re.DOTALL)
# A cell with something to move: an explorer, or a slider of ipywidgets.
LIVE = re.compile(rf"^(live|widgets\.VBox|judge|{'|'.join(EXPLORERS)})\(", re.MULTILINE)


def missing(what: str):
    """Skip where a user's machine lacks something; fail in CI, which must have it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


def opened(browser, *size, **settings):
    """A window of Firefox or WebKit."""
    try:
        return browser(*size, **settings)
    except NoBrowser as error:
        missing(str(error))


def but_slow(rehearsal):
    """What was found, but for cells that took long: on a busy machine any may."""
    return [found for found in rehearsal.found if found[0] != "slow"]


def accessibility(page, explorer):
    """What axe-core finds serious or critical."""
    explorer.evaluate("explorer => (explorer.id = 'under-test')")
    results = Axe().run(page, "#under-test", {"resultTypes": ["violations"]})
    explorer.evaluate("explorer => explorer.removeAttribute('id')")
    assert results.response["passes"], "axe-core looked at nothing"
    return [
        f"{violation['id']}: {node['failureSummary']} {node['html']}"
        for violation in results.response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def revivable(value):
    if isinstance(value, (bytes, memoryview)):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {name: revivable(inner) for name, inner in value.items()}
    return value


def set_traits(page, **traits):
    """Set traits as Python would, and wait until all panels have been drawn."""
    page.evaluate(
        """
        (traits) => { for (const [name, value] of Object.entries(traits)) model.set(name, value); }
        """,
        traits,
    )
    page.evaluate(SETTLED)


def same_numbers(page, selector, right):
    """The texts there hold these numbers, to as many digits as are written."""
    same_texts(page.locator(selector).all_text_contents(), right)


def same_texts(texts, right):
    shown = [re.search(r"−?\d+(\.\d+)?", text)[0].replace("−", "-") for text in texts]
    assert len(shown) == len(right)
    for text, value in zip(shown, right, strict=True):
        decimals = len(text.partition(".")[2])
        assert abs(float(text) - value) <= 0.5 * 10**-decimals + 1e-4 * max(1, abs(value)), (text, value)


def same_pictures(page, selector, images):
    """The canvases show these images (n, C, H, W): each pixel to 1/255, ink dark."""
    pixels = page.evaluate(
        """
        (selector) => [...document.querySelectorAll(selector)].map((canvas) =>
          [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data])
        """,
        selector,
    )
    n, channels, height, width = images.shape
    shown = torch.tensor(pixels).view(n, height, width, 4)
    assert (shown[..., 3] == 255).all()
    right = 1 - images.expand(n, 3, height, width) if channels == 1 else images
    assert (shown[..., :3] - 255 * right.permute(0, 2, 3, 1)).abs().max() <= 1


def array(widget, name):
    """One of the arrays that the widget sends."""
    sent = widget.arrays[name]
    return torch.frombuffer(bytearray(sent["data"]), dtype=torch.float).view(sent["shape"])
