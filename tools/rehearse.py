"""Walk through the slides of the lessons, as `make present` shows them, and report what a hall should not see.

`make rehearse` walks through all lessons, `make rehearse LESSON=05` through one. It moves every control on every
slide, by keyboard and by mouse, and leaves a picture of each slide in artefacts/slides. Other hosts are out of
reach. The exit status is 1 if anything was found.
"""

import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nbformat

from tools import edition
from tools.explorer_controls import CONTROLS, NAME, PICTURE, POLL, SETTLED, key_of, use_the_mouse
from tools.lab import NoBrowser, chromium
from tools.lessons import ROOT, chosen
from tools.present import as_slides, is_bar

ARTEFACTS = ROOT / "artefacts" / "slides"
HALL = {"width": 1280, "height": 720}  # pixels, of a small projector
BODY, CODE = 24, 20  # pixels, of the smallest type that the last row reads
SLOW = 2.0  # seconds
FILLED, WORDS = 0.6, 45  # the least share of a slide that shows something, and the most words
WAIT = 20_000  # ms, for a picture to change, and for the next slide, while the machine is busy
END = 2_000  # ms, for another slide after the last

# What the slide in front holds: its cells, what sticks out, and what is set too small.
SLIDE = """
([body, code]) => {
  const panel = document.querySelector(".jp-Deck");
  const WIDE = "img, canvas, svg, table, pre, p, li, mjx-container, .vl, .jupyter-widgets";
  const shown = (part) => part.checkVisibility({ visibilityProperty: true });
  const cells = [...panel.querySelectorAll(".jp-Cell.jp-deck-mod-onscreen")].filter(shown);
  const name = (part) => `${part.localName} “${(part.textContent || part.alt || "").trim().slice(0, 40)}”`;
  const [out, small] = [new Set(), new Set()];
  for (const cell of cells) {
    const { top, bottom } = cell.getBoundingClientRect();
    if (top < -1 || bottom > innerHeight + 1) out.add(`${Math.round(bottom - top)} px high: ${name(cell)}`);
  }
  for (const part of panel.querySelectorAll("*")) {
    const { overflowX, overflowY } = getComputedStyle(part);
    const scrolls = (one, content, room) => ["auto", "scroll"].includes(one) && content > room + 1;
    if (shown(part) && (scrolls(overflowX, part.scrollWidth, part.clientWidth) ||
        scrolls(overflowY, part.scrollHeight, part.clientHeight))) out.add(`a scroll bar: ${name(part)}`);
  }
  for (const cell of cells) {
    for (const part of cell.querySelectorAll(WIDE)) {
      const { left, right } = part.getBoundingClientRect();
      if (shown(part) && (left < -1 || right > innerWidth + 1)) out.add(`too wide: ${name(part)}`);
    }
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const part = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || !shown(part)) continue;
      if (part.closest(".vl, mjx-container, sup, sub, svg, style, script, .jp-InputPrompt, .jp-OutputPrompt")) continue;
      const least = part.closest("code, pre, .cm-editor") ? code : body;
      const size = parseFloat(getComputedStyle(part).fontSize);
      if (size < least) small.add(`${size} px: ${name(part)}`);
    }
  }
  const empty = cells.every((cell) => cell.offsetHeight < 8);
  return { overflow: [...out], small: [...small], empty: empty ? ["no output, and its code is folded"] : [] };
}
"""

# How full the slide is: the share of it that what it shows takes, and its words. What it shows is measured by its
# outermost edges, each picture, letter and control as it is drawn. The headline counts only where the slide is a text:
# it is the beginning of the question then. A square picture as high as all that the headline leaves can't be larger:
# it fills the slide.
FULLNESS = """
() => {
  const shown = (part) => part.checkVisibility({ visibilityProperty: true });
  const cells = [...document.querySelectorAll(".jp-Deck .jp-Cell.jp-deck-mod-onscreen")].filter(shown);
  const NOT_READ = "style, script, .jp-InputPrompt, .jp-OutputPrompt, .jp-InternalAnchorLink, mjx-assistive-mml";
  const drawn = (part) => {
    const box = part.getBoundingClientRect();
    if (part.localName !== "img" || getComputedStyle(part).objectFit !== "contain") return [box];
    const scale = Math.min(box.width / part.naturalWidth, box.height / part.naturalHeight);
    const [width, height] = [scale * part.naturalWidth, scale * part.naturalHeight];
    return [new DOMRect(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height)];
  };
  const pictures = "img, canvas, svg, mjx-math, table, input, select, button, .noUi-target";
  const things = cells.flatMap((cell) => [...cell.querySelectorAll(pictures)]).filter(shown).flatMap(drawn);
  const [headlines, texts] = [[], []];
  let words = 0;
  for (const cell of cells) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const [text, part] = [walker.currentNode, walker.currentNode.parentElement];
      if (!text.data.trim() || !shown(part) || part.closest(NOT_READ)) continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      (part.closest("h1, h2") ? headlines : texts).push(...range.getClientRects());
      if (!part.closest(".vl, .jupyter-widgets, mjx-container, svg, .cm-editor")) {
        words += (text.data.match(/[\\p{L}\\p{N}]+/gu) ?? []).length;
      }
    }
  }
  const all = [...things, ...texts, ...(things.length ? [] : headlines)].filter(({ width, height }) => width * height);
  if (!all.length) return [0, words];
  const [left, top] = ["left", "top"].map((side) => Math.max(0, Math.min(...all.map((box) => box[side]))));
  const right = Math.min(innerWidth, Math.max(...all.map((box) => box.right)));
  const bottom = Math.min(innerHeight, Math.max(...all.map((box) => box.bottom)));
  const share = Math.max(0, (right - left) * (bottom - top)) / (innerWidth * innerHeight);
  const room = innerHeight - Math.max(0, ...headlines.map((box) => box.bottom));
  const square = things.length && bottom - top > 0.9 * room && right - left > 0.9 * (bottom - top);
  return [square ? Math.max(share, 0.6) : share, words];
}
"""

# The ids of the cells on the slide.
ON_SLIDE = """
() => jupyterapp.shell.currentWidget.content.widgets
    .filter(({ node }) => node.matches(".jp-deck-mod-onscreen") && node.checkVisibility({ visibilityProperty: true }))
    .map(({ model }) => model.id)
"""

# All that a cell shows but the sliders themselves.
VISIBLE = """
(cell) => [...cell.querySelectorAll("canvas, svg, img, .widget-html, .jp-OutputArea-child pre")].map((part) =>
    part.localName === "canvas" ? part.toDataURL() : part.outerHTML).join()
"""
WIDGETS = ".noUi-handle, .jupyter-widgets:not(.vl) select, .jupyter-widgets:not(.vl) input, .jupyter-button"


@dataclass
class Rehearsal:
    """What was found in one lesson."""

    lesson: str
    slides: int = 0
    moves: int = 0  # of controls
    slowest: float = 0.0  # seconds
    cold: bool = False  # something was trained
    fullness: list[tuple[float, int]] = field(default_factory=list)  # of each slide: the share filled, and its words
    found: list[tuple[str, str]] = field(default_factory=list)  # (kind, what)
    notebook: nbformat.NotebookNode | None = None  # after its run

    def note(self, kind: str, what: str) -> None:
        if (kind, what) not in self.found:
            self.found.append((kind, what))

    def __str__(self):
        verdict = f"{len(self.found)} found" if self.found else "ok"
        sparse = [k for k, (share, _) in enumerate(self.fullness, start=1) if share < FILLED]
        wordy = [k for k, (_, words) in enumerate(self.fullness, start=1) if words > WORDS]
        cold = "  (cold: it was trained; `make warm` first)" if self.cold else ""
        lines = [f"{self.lesson:32}{self.slides:6}{self.moves:9}{self.slowest:9.1f} s   {verdict}{cold}"]
        for slides, what in ((sparse, f"filled to less than {FILLED:.0%}"), (wordy, f"more than {WORDS} words")):
            if slides:
                lines.append(f"    {what}: {len(slides)} of {self.slides} slides, {', '.join(map(str, slides))}")
        return "\n".join(lines + [f"    {kind}: {what}" for kind, what in self.found])


HEAD = f"{'lesson':32}{'slides':>6}{'moves':>9}{'slowest':>9}"


def rehearse(path: Path, browser) -> Rehearsal:
    """Walk through the lesson in the notebook `path`."""
    rehearsal = Rehearsal(path.stem)
    notebook = edition.lesson(path, edition.chosen_edition())
    with as_slides(notebook, path.stem, partial(look_at_cell, rehearsal)) as (server, address):
        page = browser.new_page(viewport=HALL)
        try:
            keep_in(page, server.url, rehearsal)
            page.goto(address)
            wait_for_the_deck(page)
            walk(page, rehearsal, wanted=[cell.id for cell in notebook.cells if on_a_slide(cell)])
        finally:
            page.close()
    rehearsal.notebook = notebook
    return rehearsal


def look_at_cell(rehearsal: Rehearsal, cell, seconds: float) -> None:
    begin = cell.source.strip().partition("\n")[0]
    rehearsal.slowest = max(rehearsal.slowest, seconds)
    if seconds > SLOW:
        rehearsal.note("slow", f"{seconds:.1f} s: {begin}")
    for output in cell.outputs:
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
            rehearsal.note("traceback", f"{output.ename}: {output.evalue} ({begin})")
        rehearsal.cold |= is_bar(output)


def on_a_slide(cell) -> bool:
    return cell.metadata.get("slideshow", {}).get("slide_type") not in ("skip", "notes")


def keep_in(page, url: str, rehearsal: Rehearsal) -> None:
    """Let the page reach its server alone, and note its errors."""

    def on_request(route):
        if route.request.url.startswith(f"{url}/"):
            return route.continue_()
        rehearsal.note("request", route.request.url)
        return route.abort()

    def on_console(message):
        if message.type == "error":
            rehearsal.note("console", message.text)

    page.route("**/*", on_request)
    page.on("console", on_console)
    page.on("pageerror", lambda error: rehearsal.note("console", str(error)))


def wait_for_the_deck(page) -> None:
    page.locator(".jp-Deck .jp-deck-mod-onscreen").first.wait_for(state="attached", timeout=180_000)
    page.wait_for_function(DRAWN, timeout=180_000, polling=POLL)
    page.wait_for_function(f"({ON_SLIDE})().length", timeout=180_000, polling=POLL)
    page.evaluate("document.fonts.ready.then(() => null)")
    page.wait_for_timeout(1500)  # the deck folds JupyterLab's sidebars after a second


# That every text is typeset, and every widget there.
DRAWN = """
() => {
  const deck = document.querySelector(".jp-Deck");
  const texts = [...deck.querySelectorAll(".jp-MarkdownCell")];
  const typeset = texts.every((cell) => cell.querySelector(".jp-MarkdownOutput > *"));
  const inFront = deck.querySelector(".jp-deck-mod-onscreen.jp-deck-mod-visible");
  return inFront && typeset && !deck.textContent.includes("Loading widget");
}
"""


def walk(page, rehearsal: Rehearsal, wanted: list[str]) -> None:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    seen = set()
    cells = page.evaluate(ON_SLIDE)
    while True:
        rehearsal.slides += 1
        seen.update(cells)
        let_it_draw(page)
        look_at_slide(page, rehearsal)
        page.screenshot(path=ARTEFACTS / f"{rehearsal.lesson}_{rehearsal.slides:02}.png")
        rehearsal.fullness.append(tuple(page.evaluate(FULLNESS)))
        open_options(page, rehearsal)
        move_controls(page, rehearsal)
        more = not seen.issuperset(wanted)
        after = next_slide(page, cells, WAIT if more else END)
        if after == cells:
            break
        cells = after
    for cell in wanted:
        if cell not in seen:
            rehearsal.note("lost", f"cell {cell} is on no slide that Space leads to")


def next_slide(page, cells: list[str], patience: int) -> list[str]:
    """Press Space, as in a hall, and return the cells then shown: others than before, if they come within `patience`
    ms."""
    from playwright.sync_api import TimeoutError  # here, for `make room` must start without it

    page.evaluate("jupyterapp.shell.currentWidget.content.activeCell.node.focus()")
    page.keyboard.press("Space")
    with suppress(TimeoutError):
        other = f"(before) => ({ON_SLIDE})().join() !== before.join()"
        page.wait_for_function(other, arg=cells, timeout=patience, polling=POLL)
    return page.evaluate(ON_SLIDE)


def let_it_draw(page) -> None:
    """A slide that has just come: JupyterLab puts its cells in their places when it finds the time."""
    page.wait_for_timeout(150)
    page.evaluate(SETTLED)


def look_at_slide(page, rehearsal: Rehearsal) -> None:
    for _ in range(5):  # what does not last was only late
        seen = page.evaluate(SLIDE, [BODY, CODE])
        if not any(seen.values()):
            break
        page.wait_for_timeout(1000)
    for kind, whats in seen.items():
        for what in whats:
            rehearsal.note(kind, f"slide {rehearsal.slides}, {what}")


def open_options(page, rehearsal: Rehearsal) -> None:
    """Open what can be opened, one at a time: each must fit."""
    for option in page.locator(".jp-deck-mod-onscreen details:visible").all():
        rehearsal.moves += 1
        summary = option.locator("summary").first
        summary.click()
        if not option.evaluate("it => it.open"):
            rehearsal.note("dead", f"slide {rehearsal.slides}, {summary.inner_text()}")
        let_it_draw(page)
        look_at_slide(page, rehearsal)
        option.evaluate("it => { it.open = false; }")


def move_controls(page, rehearsal: Rehearsal) -> None:
    for explorer in page.locator(".jp-deck-mod-onscreen .vl:visible").all():
        for control in explorer.locator(CONTROLS).all():
            name = control.evaluate(NAME)
            if name is None:
                continue
            # A button once: what is cleared can't be cleared again.
            if control.evaluate("it => it.tabIndex >= 0 && it.localName !== 'button'"):
                control.focus()
                key = key_of(control)
                expect_change(page, rehearsal, explorer, PICTURE, partial(page.keyboard.press, key), f"{name} by key")
            expect_change(page, rehearsal, explorer, PICTURE, partial(use_the_mouse, page, control), f"{name} by mouse")
    for cell in page.locator(".jp-deck-mod-onscreen.jp-CodeCell:visible").all():
        for control in cell.locator(WIDGETS).all():
            if control.is_visible():
                name = control.evaluate(NAME) or "a control"
                expect_change(page, rehearsal, cell, VISIBLE, partial(use, page, control), name)


def use(page, control) -> None:
    """Move a control of ipywidgets."""
    kind = control.evaluate("it => it.type ?? it.localName")
    if kind == "select-one":
        values = control.locator("option").evaluate_all("options => options.map((it) => it.value)")
        return control.select_option(values[values.index(control.input_value()) - 1])
    if kind in ("submit", "button", "checkbox"):
        return control.click()
    control.focus()
    at_the_end = control.evaluate("it => it.ariaValueNow === it.ariaValueMax && it.ariaValueNow !== null")
    return page.keyboard.press("ArrowLeft" if at_the_end else "ArrowRight")


def expect_change(page, rehearsal: Rehearsal, part, picture: str, move, name: str) -> None:
    """Move a control: the picture must change, and the slide must stay."""
    from playwright.sync_api import TimeoutError  # here, for `make room` must start without it

    rehearsal.moves += 1
    cells, before = page.evaluate(ON_SLIDE), part.evaluate(picture)
    move()
    try:
        changed = f"([it, before]) => ({picture})(it) !== before"
        page.wait_for_function(changed, arg=[part.element_handle(), before], timeout=WAIT, polling=POLL)
    except TimeoutError:
        rehearsal.note("dead", f"slide {rehearsal.slides}, {name}: the picture stays")
    if page.evaluate(ON_SLIDE) != cells:
        rehearsal.note("dead", f"slide {rehearsal.slides}, {name}: it left the slide")
    pause = part.get_by_role("button", name="pause")
    if pause.count():
        pause.first.click()
    page.evaluate(SETTLED)


def main(names: list[str]) -> int:
    found, lessons = 0, chosen(names)
    try:
        with chromium() as browser:
            print(HEAD)
            for left, path in zip(reversed(range(len(lessons))), lessons, strict=True):
                began = time.monotonic()
                rehearsal = rehearse(path, browser)
                print(f"{rehearsal}\n    {time.monotonic() - began:.0f} s, {left} left", flush=True)
                found += len(rehearsal.found)
    except NoBrowser as error:
        raise SystemExit(f"make rehearse: {error}") from None
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
