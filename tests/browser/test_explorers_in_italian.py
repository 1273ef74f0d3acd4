"""The explorers in Italian: nothing is left in English, and nothing is cut, though Italian takes more room."""

import re

import pytest
from helpers import set_traits

from tools.explorer_controls import EXPLORERS
from vaelib import explorers, language

NAMES = EXPLORERS
WIDTHS = (320, 390, 1024)

TEXTS = """
() => [
  ...document.querySelectorAll(".vl, .vl *")].flatMap((it) => [
    it.ariaLabel, it.getAttribute("aria-valuetext"), it.getAttribute("aria-roledescription"),
    ...[...it.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data),
  ]).filter((text) => text?.trim())
"""
# What sticks out of the page, of its drawing, or of its own place onto its neighbour's.
CUT = """
() => [...document.querySelectorAll(".vl *")].filter((it) => it.checkVisibility() && [...it.childNodes]
    .some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())).flatMap((it) => {
  const range = document.createRange();
  range.selectNodeContents(it);
  const text = range.getBoundingClientRect();
  const place = (it.closest("svg") ?? it).getBoundingClientRect();
  const beside = text.right > place.right + 1 || text.left < place.left - 1;
  const outside = beside || text.right > innerWidth || text.left < 0;
  const cut = outside && place.width > 1; // a name for screen readers alone has no room
  return cut ? [`${it.localName}: ${it.textContent}`] : [];
})
"""


@pytest.fixture(autouse=True)
def in_italian(monkeypatch):
    monkeypatch.setattr(language, "_used", "it")


def words_of_english():
    """Every English text that is another in Italian, as a pattern: values may be anything."""
    widgets = (kind._esm for kind in explorers.Explorer.__subclasses__())
    said = {text: it for script in widgets for text, it in language.words_of(script).items()}
    texts = [text for text in said if re.search(r"[a-z]{3}", re.sub(r"\{\w+\}", "", text))]
    return [re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(text.strip()))) for text in texts]


def test_there_are_all_of_them():
    assert len(NAMES) == len(explorers.Explorer.__subclasses__())


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_in_english_and_no_number_has_a_point(name, shown):
    page = shown(getattr(explorers, name)())
    if name == "draw_a_digit":
        set_traits(page, image=[[float(5 < k < 20 and j == 14) for j in range(28)] for k in range(28)])
    page.wait_for_timeout(300)  # what a screen reader hears comes when the hand rests
    texts = page.evaluate(TEXTS)
    english = words_of_english()
    assert len(texts) > 10 and len(english) > 100
    assert not [text for text in texts if any(pattern.fullmatch(text.strip()) for pattern in english)]
    assert not [text for text in texts if re.search(r"\d\.\d", text)]
    assert any(re.search(r"\d,\d", text) for text in texts)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut(name, width, shown):
    page = shown(getattr(explorers, name)())
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(100)
    assert page.evaluate(CUT) == []


def test_what_is_cut_is_found(shown):
    page = shown(explorers.explore_latents())
    page.add_style_tag(content=".vl-sliders label { white-space: nowrap !important; }")
    assert "label: lunghezza dei capelli" in page.evaluate(CUT)


def test_in_english_it_speaks_english(shown, monkeypatch):
    monkeypatch.setattr(language, "_used", "en")
    texts = shown(explorers.explore_beta()).evaluate(TEXTS)
    assert "image x" in texts and "immagine x" not in texts
