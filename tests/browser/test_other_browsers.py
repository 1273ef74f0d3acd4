"""The pages in Firefox and WebKit: two of them, opened from their files. `SITE=folder` takes pages that are there."""

import io

import pytest
from helpers import opened
from pypdf import PdfReader
from selenium.webdriver.common.keys import Keys

from tests.browser.test_explorers_in_italian import CUT
from tools.explorer_controls import CONTROLS, EXPLORERS, LABELS, NAME, PICTURE, SETTLED
from tools.other_browsers import CALM, DARK, FORCED_COLOURS, LIGHT, TOUCH, Firefox, WebKit

PAGES = ("09_playground", "05_beta")
WIDTHS = (320, 360, 390, 640, 1280)


@pytest.fixture(scope="module")
def site(make_site):
    return make_site(*PAGES)


@pytest.fixture(scope="module", params=["Firefox, light", "Firefox, dark", "WebKit, light", "WebKit, dark"])
def window(request):
    """A window of one browser, and after the tests no complaint of the pages in it."""
    name, dark = request.param.split(", ")[0], request.param.endswith("dark")
    window = opened(Firefox, **(DARK | CALM if dark else LIGHT)) if name == "Firefox" else opened(WebKit, dark=dark)
    window.dark = dark
    yield window
    window.close()
    assert not window.trouble, "\n".join(window.trouble)


@pytest.fixture
def firefox():
    """A function that opens Firefox with some settings."""
    windows = []

    def open_one(width=1280, **settings):
        windows.append(opened(Firefox, width, **settings))
        return windows[-1]

    yield open_one
    for window in windows:
        window.close()


def show(window, site, name, width=1280):
    window.resize(width)
    window.open((site / f"{name}.html").as_uri())
    window.until("() => [...document.querySelectorAll('.explorer')].every((it) => it.model)", "the explorers start")
    window.run(SETTLED)


# What they show


BLANK = """
() => [...document.querySelectorAll(".vl canvas:not(.vl-paper)")].filter((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.every((value) => value === data[0]);
}).map((canvas) => `${canvas.closest(".vl").ariaLabel}: ${canvas.ariaLabel ?? canvas.parentElement.ariaLabel}`)
"""
NOT_A_NUMBER = """
() => [...document.querySelectorAll(".vl")].filter((it) => /NaN|undefined|Infinity/.test(it.outerHTML))
  .map((it) => it.ariaLabel)
"""
COLOURS = """
() => {
  const accent = getComputedStyle(document.querySelector(".vl")).getPropertyValue("--blue");
  const isLight = (element) => {
    const [red, green, blue] = getComputedStyle(element).color.match(/[\\d.]+/g).map(Number);
    return red + green + blue > 380;
  };
  const asked = matchMedia("(prefers-color-scheme: dark)").matches;
  return [asked, isLight(document.body), isLight(document.querySelector(".vl")), accent];
}
"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_every_explorer_draws(name, width, window, site):
    show(window, site, name, width)
    if name == "09_playground":
        labels = window.run("() => [...document.querySelectorAll('.vl')].map((it) => it.ariaLabel)")
        assert {LABELS[label] for label in labels} == set(EXPLORERS)
    empty = ["Draw a digit"]  # where nothing is drawn yet
    assert [one for one in window.run(BLANK) if not one.startswith(tuple(empty))] == []
    assert window.run(NOT_A_NUMBER) == []
    asked, light_text, light_text_of_explorers, blue = window.run(COLOURS)
    assert asked == light_text == light_text_of_explorers == window.dark
    assert blue == window.run(
        "() => getComputedStyle(document.querySelector('.vl')).getPropertyValue("
        f"'--blue-on-{'dark' if window.dark else 'light'}')"
    )


# What is too wide, and which sliders are too short to be moved. A sheet of its own scrolls in itself.
FITS = """
() => [
  document.documentElement.scrollWidth > innerWidth && `the page is ${document.documentElement.scrollWidth} px wide`,
  ...[...document.querySelectorAll(".vl input[type=range]")].filter((it) => it.getBoundingClientRect().width < 60)
    .map((it) => `${it.labels[0].textContent}: ${it.getBoundingClientRect().width} px`),
  ...[...document.querySelectorAll(".vl *")].filter((it) => !it.closest("svg *") && it.checkVisibility()
    && it.getBoundingClientRect().right > innerWidth + 1).map((it) => `${it.localName}.${it.className} sticks out`),
].filter(Boolean)
"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_everything_fits_a_narrow_page(name, width, window, site):
    show(window, site, name, width)
    assert window.run(FITS) == []


@pytest.mark.parametrize("width", [390, 1024])
def test_no_label_is_cut_in_italian(width, window, site):
    show(window, site, "it/09_playground", width)
    assert window.run("() => document.documentElement.lang") == "it"
    assert window.run(FITS) == [] and window.run(CUT) == []


def test_the_brackets_of_formulas_are_cut_to_their_size(window, site):
    show(window, site, "05_beta")
    found = window.run(BRACKETS)
    assert found and set(found) == {"hidden"}


BRACKETS = "() => [...document.querySelectorAll('mjx-container svg svg')].map((it) => getComputedStyle(it).overflowX)"


# What hands do


LIST = f"""
() => {{
  const name = {NAME};
  window.controls = [...document.querySelectorAll(".vl")].flatMap((explorer) =>
    [...explorer.querySelectorAll("{CONTROLS}")].map((it) => [explorer, it]).filter(([, it]) => name(it) !== null));
  return controls.map(([explorer, it]) => [explorer.ariaLabel, name(it), it.type ?? it.localName, it.tabIndex >= 0]);
}}
"""
NOTE = f"""
async (k, trait, by_key) => {{
  const [explorer, it] = controls[k];
  it.scrollIntoView({{ block: "center" }});
  if (by_key) it.focus();
  await ({SETTLED})();
  const now = () => [({PICTURE})(explorer), JSON.stringify(explorer.parentElement.model.get(trait))];
  const before = now();
  window.changed = () => now().every((value, j) => value !== before[j]);
  const other = [...it.closest("fieldset")?.querySelectorAll("label:has(input:not(:checked))") ?? []].at(-1);
  const box = (it.type === "radio" ? other : it).getBoundingClientRect();
  const atItsEnd = it.type === "range" && it.valueAsNumber >= Number(it.max);
  return [atItsEnd, it.type === "radio" && !it.checked, box.x, box.y, box.width, box.height];
}}
"""
STOP = """
(k, still) => {
  for (const [name, value] of Object.entries(still)) controls[k][0].parentElement.model.set(name, value);
}
"""
REACHED = """
(k) => {  // of a group in which nothing is chosen, any button will do
  const { activeElement: it } = document;
  return it === controls[k][1] || (it.type === "radio" && it.name === controls[k][1].name);
}
"""
RING = """
() => {
  const { activeElement: it } = document;
  return getComputedStyle(it.type === "radio" ? it.nextElementSibling : it).outlineStyle;
}
"""


def each_control(window):
    """(its number, its explorer, its name, its kind, whether Tab leads to it, the trait that it moves)"""
    for k, (label, group, kind, by_key) in enumerate(window.run(LIST)):
        name = LABELS[label]
        [trait] = {trait for start, trait in EXPLORERS[name].controls.items() if group.startswith(start)}
        yield k, name, group, kind, by_key, trait


def test_every_control_answers_to_the_keyboard(window, site):
    show(window, site, "09_playground")
    moved = 0
    for k, name, group, kind, by_key, trait in each_control(window):
        if not by_key:
            continue
        at_its_end, unchosen, *_ = window.run(NOTE, k, trait, True)
        window.press(Keys.TAB)
        window.press(Keys.TAB, held=[Keys.SHIFT])
        assert window.run(REACHED, k), f"{name}: {group} by Tab"
        window.press(
            Keys.ENTER
            if kind == "button"
            else Keys.SPACE
            if unchosen
            else Keys.ARROW_LEFT
            if at_its_end
            else Keys.ARROW_RIGHT
        )
        window.until("() => changed()", f"{name}: {group} by key")
        assert window.run(RING) != "none", f"{name}: where is the focus of {group}?"
        window.run(STOP, k, dict(EXPLORERS[name].still))
        moved += 1
    assert moved > 40


def use(window, kind, box, hand=()):
    x, y, width, height = box
    if kind in ("radio", "button"):
        window.drag((x + width / 2, y + height / 2), **dict(hand))
    else:
        start = (x + 0.7 * width, y + 0.5 * height)
        way = [(start[0] - part * 0.45 * width, start[1] - part * 0.1 * height) for part in (0.25, 0.5, 0.75, 1)]
        window.drag(start, *way, **dict(hand))


def test_every_control_answers_to_the_mouse(window, site):
    show(window, site, "09_playground")
    for k, name, group, kind, _, trait in each_control(window):
        *_, x, y, width, height = window.run(NOTE, k, trait, False)
        use(window, kind, (x, y, width, height))
        window.until("() => changed()", f"{name}: {group} by mouse")
        window.run(STOP, k, dict(EXPLORERS[name].still))


def test_the_button_for_light_and_dark(window, site):
    show(window, site, "09_playground")
    for dark in (not window.dark, window.dark):
        window.run("() => document.getElementById('theme').focus()")
        window.press(Keys.ENTER)
        assert window.run(COLOURS)[1:3] == [dark, dark]


# Firefox alone: WebKit's driver has no touch, no paper, and no settings


def test_every_control_answers_to_a_finger(firefox, site):
    window = firefox(390, **TOUCH)
    show(window, site, "09_playground", 390)
    window.run("() => addEventListener('pointerdown', (it) => (window.kinds ??= new Set()).add(it.pointerType), true)")
    for k, name, group, kind, _, trait in each_control(window):
        *_, x, y, width, height = window.run(NOTE, k, trait, False)
        use(window, kind, (x, y, width, height), {"kind": "touch"})
        window.until("() => changed()", f"{name}: {group} by touch")
        window.run(STOP, k, dict(EXPLORERS[name].still))
    assert window.run("() => [...kinds]") == ["touch"]
    assert not window.trouble


def test_no_picture_is_cut_on_paper(firefox, site):
    """One that goes over two sheets is in the PDF twice."""
    window = firefox()
    show(window, site, "05_beta")
    there = window.run("() => [...document.querySelectorAll('main img')].filter((it) => it.checkVisibility()).length")
    sheets = PdfReader(io.BytesIO(window.printed())).pages
    assert there > 3
    assert sum(len(sheet.images) for sheet in sheets) == there, [len(sheet.images) for sheet in sheets]


def test_forced_colours_show_what_is_chosen(firefox, site):
    window = firefox(**FORCED_COLOURS)
    show(window, site, "09_playground")
    assert window.run("() => matchMedia('(forced-colors: active)').matches")
    groups = window.run(CHOSEN)
    assert len(groups) > 4
    for name, chosen, others in groups:
        assert len(chosen) == 1 and chosen[0] not in others, f"{name}: {chosen} among {others}"


CHOSEN = """
() => [...document.querySelectorAll(".vl fieldset:has(:checked)")].map((group) => {
  const look = (input) => {
    const { borderColor, backgroundColor } = getComputedStyle(input.nextElementSibling);
    return `${borderColor} on ${backgroundColor}`;
  };
  const inputs = [...group.querySelectorAll("input")];
  return [group.textContent, inputs.filter((it) => it.checked).map(look), inputs.filter((it) => !it.checked).map(look)];
})
"""


def test_nothing_plays_by_itself_where_motion_is_unwelcome(firefox, site):
    window = firefox(**CALM)
    show(window, site, "09_playground")
    label = EXPLORERS["watch_training"].label
    again = """
    async (label) => {
      const { model } = document.querySelector(`.vl[aria-label="${label}"]`).parentElement;
      const el = document.body.appendChild(document.createElement("div"));
      model.set("epoch", 0);
      model.set("playing", true);
      const of = JSON.parse(document.getElementById("state").textContent);
      const place = document.querySelector(`.explorer:has([aria-label="${label}"])`);
      explorers[of[place.dataset.explorer].module].render({ model, el });
      return model.get("playing");
    }
    """
    assert window.run(again, label) is False
    assert window.run("() => matchMedia('(prefers-reduced-motion: reduce)').matches")
