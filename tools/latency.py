"""How soon an explorer answers: from a key press to painted pictures, in JupyterLab and on a page without a kernel.

`make bench` prints the table; `python -m tools.latency` prints this part alone, in about five minutes: in Chromium, and
the page in Firefox too, where there is one.

A move is a real press of an arrow key on a slider, at a random moment of the frame; it begins at the event's time
stamp. A panel's end is when the frame has been painted in which, or before which, the last thing was drawn in the
panel: an urgent task posted from that frame's requestAnimationFrame runs right after the paint. What the compositor
does then is not seen.
"""

import math
import os
import random
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median, quantiles

import nbformat

from tools.explorer_controls import EACH_ONCE, EXPLORERS, LABELS, Desk, ready, wait_until_idle
from tools.lab import NoBrowser, chromium, serve_lab
from tools.other_browsers import Firefox
from tools.site import make as make_site

# Each panel that a move of the slider changes; the first is the main one.
PANELS = {
    "explore_beta": {
        "face x̂": "figure:nth-child(2) canvas",
        "formula": ".vl-formula",
        "8 reconstructions": ".vl-line:nth-child(2) .vl-strip",
        "8 samples": ".vl-line:nth-child(3) .vl-strip",
        "bell curves": ".vl-panel:nth-child(1) svg",
        "KL bars": ".vl-panel:nth-child(2) svg",
        "rate-distortion point": ".vl-panel:nth-child(3) svg",
    },
    "explore_loss": {
        "landscape of the loss": ".vl-sum",
        "formula": ".vl-formula",
        "landscape of β · KL": ".vl-of-rate",
    },
    "compare_codes": {
        "UAE's face": ".vl-faces-of-uae canvas",
        "4 samples": ".vl-two-by-two",
        "numbers": ".vl-code-of-uae svg",
        "bell curves": ".vl-code-of-vae svg",
    },
    "explore_latents": {
        "UAE's face": "figure:nth-child(1) canvas",
        "VAE's face": "figure:nth-child(2) canvas",
    },
}
SLIDERS = {
    "explore_beta": ["β"],
    "explore_loss": ["β"],
    "compare_codes": ["smile"],
    "explore_latents": ["z", "smile"],
}  # what the labels begin with

# Notes for each move when each panel was painted in which it changed something, in ms from the key press.
METER = """
([explorer, panels]) => {
  const afterThePaint = (task) => {
    if (globalThis.scheduler) return scheduler.postTask(task, { priority: "user-blocking" });
    const channel = new MessageChannel(); // Firefox paints right after the frame's callbacks, before other tasks
    channel.port1.onmessage = task;
    channel.port2.postMessage(0);
  };
  const nameOf = new Map();
  const moves = [];
  let [drawnSince, stopped] = [[], false]; // [panel, move]: what was drawn since the last frame
  let [ofThisFrame, open] = [[], false]; // what its paint shows; open until then, for what its callbacks draw
  const close = () => {
    if (open) [ofThisFrame, drawnSince, open] = [drawnSince, [], false];
  };
  const drawn = (name) => moves.length && drawnSince.push([name, moves.at(-1)]);
  const observers = Object.entries(panels).map(([name, selector]) => {
    const panel = explorer.querySelector(selector);
    if (!panel) throw Error(`no ${name}`);
    for (const canvas of [panel, ...panel.querySelectorAll("*")]) nameOf.set(canvas, name);
    const toTheEye = ({ attributeName }) => attributeName !== "aria-label"; // a screen reader hears when the hand rests
    const observer = new MutationObserver((all) => panel.localName !== "canvas" && all.some(toTheEye) && drawn(name));
    observer.observe(panel, { attributes: true, characterData: true, childList: true, subtree: true });
    return observer;
  });
  const { putImageData } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.putImageData = function (...all) {
    if (nameOf.has(this.canvas)) drawn(nameOf.get(this.canvas));
    return putImageData.apply(this, all);
  };
  const onkeydown = ({ key, timeStamp }) => {
    close(); // a key may come between the paint and the task after it
    if (key.startsWith("Arrow")) moves.push({ from: timeStamp, painted: {} });
  };
  window.addEventListener("keydown", onkeydown, true);
  requestAnimationFrame(function frame() {
    open = true;
    afterThePaint(() => {
      close();
      for (const [name, { from, painted }] of ofThisFrame) painted[name] = performance.now() - from;
      ofThisFrame = [];
    });
    if (!stopped) requestAnimationFrame(frame);
  });
  window.isPainted = (count) => moves.length === count && Object.keys(panels)[0] in moves.at(-1).painted;
  window.stopMeter = () => {
    stopped = true;
    observers.forEach((observer) => observer.disconnect());
    window.removeEventListener("keydown", onkeydown, true);
    CanvasRenderingContext2D.prototype.putImageData = putImageData;
    return moves.map(({ painted }) => painted);
  };
}
"""

# From Shift+Enter until a canvas of an explorer that was not there before is painted, in ms.
FIRST_PICTURE = """
() => {
  const before = new Set(document.querySelectorAll(".vl"));
  window.firstPicture = null;
  window.addEventListener("keydown", function pressed({ key, timeStamp }) {
    if (key !== "Enter") return;
    window.removeEventListener("keydown", pressed, true);
    const painted = () => (window.firstPicture = performance.now() - timeStamp);
    requestAnimationFrame(function frame() {
      const explorer = [...document.querySelectorAll(".vl")].find((one) => !before.has(one));
      const pixels = [...(explorer?.querySelectorAll("canvas") ?? [])].some((canvas) =>
        canvas.getBoundingClientRect().width > 0 && canvas.getContext("2d").getImageData(0, 0, 1, 1).data[3] > 0);
      if (pixels) scheduler.postTask(painted, { priority: "user-blocking" });
      else requestAnimationFrame(frame);
    });
  }, true);
}
"""


# From the start of a page until the pictures of its first explorer are painted, in ms: from then on it answers.
FIRST_ON_PAGE = """
requestAnimationFrame(function frame() {
  const canvas = document.querySelector(".vl canvas");
  if (!canvas) requestAnimationFrame(frame);
  else scheduler.postTask(() => (window.firstPicture = performance.now()), { priority: "user-blocking" });
});
"""


ALL_STARTED = "() => [...document.querySelectorAll('.explorer')].every((it) => it.model)"


def measure(moves=100, rounds=3):
    """({(explorer, kernel): {panel: [ms of each move]}}, {explorer: [ms to the first picture in each round]})."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "lab"
        (home / "notebooks").mkdir(parents=True)
        nbformat.write(EACH_ONCE, home / "notebooks" / "explorers.ipynb")
        with serve_lab(home) as server, chromium() as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            desk = Desk(page, server.url)
            page.goto(f"{server.url}/lab/tree/notebooks/explorers.ipynb?token={server.token}&reset")
            ready(desk)
            desk.command("application:toggle-left-area")
            firsts = [first_pictures(desk, number) for number in range(rounds)]
            answers = {}
            for kernel in ("idle", "training"):
                if kernel == "training":
                    desk.train()
                for name in PANELS:
                    answers[name, kernel] = time_moves(page, desk.explorers(name), name, moves)
            desk.interrupt()
    return answers, {name: [first[name] for first in firsts] for name in EXPLORERS}


def measure_page(address, moves=100, rounds=3):
    """The same of the playground's page: ({explorer: {panel: [ms of each move]}}, [ms to its first picture])."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.add_init_script(FIRST_ON_PAGE)
        firsts = []
        for _ in range(rounds):
            page.goto(address)
            page.wait_for_function("() => window.firstPicture")  # the page's policy forbids to evaluate text
            firsts.append(page.evaluate("firstPicture"))
        page.wait_for_function(ALL_STARTED)
        frames = {name: page.locator(f'.vl[aria-label="{label}"]') for label, name in LABELS.items()}
        answers = {name: time_moves(page, frames[name], name, moves) for name in PANELS}
    return answers, firsts


def first_pictures(desk, number):
    """{explorer: ms}, on a fresh kernel that has done the imports."""
    if number:
        desk.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        ready(desk)
        desk.command("notebook:clear-all-cell-outputs")
    found = {}
    for cell, name in enumerate([None, *EXPLORERS]):
        desk.page.evaluate("(cell) => { jupyterapp.shell.currentWidget.content.activeCellIndex = cell }", cell)
        desk.command("notebook:enter-command-mode")
        desk.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCell.node.scrollIntoView()")
        if name:
            desk.page.evaluate(FIRST_PICTURE)
        desk.page.keyboard.press("Shift+Enter")
        if name:
            desk.page.wait_for_function("firstPicture", timeout=60_000)
            found[name] = desk.page.evaluate("firstPicture")
        desk.page.wait_for_timeout(300)
        wait_until_idle(desk)
    return found


def time_moves(page, explorer, name, moves):
    """{panel: [ms of each move]}."""
    explorer.evaluate("explorer => explorer.scrollIntoView()")
    page.wait_for_timeout(1000)
    page.evaluate(METER, [explorer.element_handle(), PANELS[name]])

    def focus(start):
        explorer.locator(f".vl-slider:has(label:text-matches('^{start}')) input").first.focus()

    def wait(pressed):
        page.wait_for_function("(count) => isPainted(count)", arg=pressed, polling=20)
        page.wait_for_timeout(40 + 50 * random.random())

    press_many(name, moves, focus, page.keyboard.press, wait)
    return of_each_panel(name, page.evaluate("stopMeter()"))


def press_many(name, moves, focus, press, wait):
    """Move the sliders of an explorer; `wait` is told how many presses there were, after each."""
    random.seed(0)
    starts = SLIDERS[name]
    pressed = 0
    for start in starts:
        focus(start)
        for number in range(moves // len(starts)):
            press("ArrowRight" if number // 25 % 2 == 0 else "ArrowLeft")
            pressed += 1
            wait(pressed)


def of_each_panel(name, painted):
    last = [max(one.values()) for one in painted]
    each = {panel: [one[panel] for one in painted if panel in one] for panel in PANELS[name]}
    return each | {"the last of all": last}


# A move as the arrow key makes it, at a random moment of the frame: a key that WebDriver presses comes with the frame.
MOVE = """
(key) => new Promise((done) => setTimeout(() => {
  const slider = document.activeElement;
  slider.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  key === "ArrowRight" ? slider.stepUp() : slider.stepDown();
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  done();
}, 50 * Math.random()))
"""


def measure_page_in_firefox(address, moves=100):
    """{explorer: {panel: [ms of each move]}} of the playground's page in Firefox."""
    window = Firefox(1280, 720, **{"privacy.reduceTimerPrecision": False})
    try:
        window.open(address)
        window.until(ALL_STARTED, "the explorers start")
        labels = {name: label for label, name in LABELS.items()}
        return {name: time_moves_in_firefox(window, labels[name], name, moves) for name in PANELS}
    finally:
        window.close()


def time_moves_in_firefox(window, label, name, moves):
    frame = f"document.querySelector('.vl[aria-label=\"{label}\"]')"
    sliders = f"[...{frame}.querySelectorAll('.vl-slider')]"
    focused = f"{sliders}.find((one) => one.innerText.startsWith(start)).querySelector('input').focus()"
    window.run(f"() => {frame}.scrollIntoView()")
    time.sleep(1)
    window.run(f"(panels) => {{ ({METER})([{frame}, panels]); }}", PANELS[name])

    def wait(pressed):
        window.until("(count) => isPainted(count)", "a move is painted", pressed)
        time.sleep(0.04)

    press_many(
        name, moves, lambda start: window.run(f"(start) => {focused}", start), lambda key: window.run(MOVE, key), wait
    )
    return of_each_panel(name, window.run("() => stopMeter()"))


def load() -> float:
    """How many processes wanted a core in the last minute, on average; NaN where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan


def quiet_or_noisy(before: float) -> str:
    """What to think of figures that were taken since the load was `before`: a word, and the load then and now."""
    after, cores = load(), os.cpu_count()
    quiet = before < 0.3 * cores and after < cores + 1
    word = "quiet" if quiet else "NOISY, trust ratios alone"
    return f"{word}: load {before:.1f} before, {after:.1f} after, {cores} cores"


def print_latency(moves=100, rounds=3):
    before = load()
    answers, firsts = measure(moves, rounds)
    with tempfile.TemporaryDirectory() as folder:
        make_site.main(["09_playground"], Path(folder) / "site", languages=["en"])
        address = (Path(folder) / "site" / "09_playground.html").as_uri()
        on_page, firsts["the playground's page, from its start"] = measure_page(address, moves, rounds)
        answers |= {(name, "none"): panels for name, panels in on_page.items()}
        with suppress(NoBrowser):
            in_firefox = measure_page_in_firefox(address, moves)
            answers |= {(name, "Firefox"): panels for name, panels in in_firefox.items()}
    print(f"from a key press to a painted picture, {moves} moves each; {quiet_or_noisy(before)}")
    print(f"{'explorer':<17}{'kernel':<10}{'panel':<24}{'median ms':>10}{'p95 ms':>8}")
    for (name, kernel), panels in answers.items():
        for panel, times in panels.items():
            p95 = quantiles(times, n=20)[-1]
            print(f"{name:<17}{kernel:<10}{panel:<24}{median(times):>10.1f}{p95:>8.1f}")
    print(f"\n{'first picture after Shift+Enter':<40}{'median s':>10}{'each':>20}")
    for name, times in firsts.items():
        each = ", ".join(f"{time / 1000:.2f}" for time in times)
        print(f"{name:<40}{median(times) / 1000:>10.2f}{each:>20}")


if __name__ == "__main__":
    print_latency()
