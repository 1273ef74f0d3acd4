"""The course as pages, each opened from its file with no network: whole, live, for everybody, on screen and on paper.

`SITE=folder` tests a site that is there, in place of one that is made of lessons run for the purpose.
"""

import hashlib
import re
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from helpers import ARTEFACTS, LIVE, NAMES, NOTEBOOKS, array
from pypdf import PdfReader

from tools.explorer_controls import EXPLORERS, LABELS, RING, Desk, controls_of, key_of, of_keyboard, use_the_mouse
from tools.lessons import ROOT
from vaelib import digits, explorers, faces
from vaelib.multirate import beta_at
from vaelib.trained import trained

PAGES = ["index", *NAMES, *sorted(path.stem for path in ROOT.glob("notebooks/*.md"))]
LIVE_PAGES = [
    name for name in NAMES if set(EXPLORERS) & set(LIVE.findall("\n".join(c.source for c in NOTEBOOKS[name].cells)))
]
MB = 1_000_000


@pytest.fixture(scope="module")
def site(make_site):
    """The folder with the pages."""
    return make_site()


@pytest.fixture(scope="module")
def context(browser, site):
    """A browser without a network."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    context.route(re.compile("^(?!file:|data:|blob:)"), lambda route: route.abort())
    yield context
    context.close()


class Sheet(Desk):
    """One page of the site; what went wrong on it is in `trouble`."""

    def __init__(self, context, site, name):
        super().__init__(context.new_page(), "file://")
        self.site = site
        self.goto(name)

    def goto(self, name):
        self.page.goto((self.site / f"{name}.html").as_uri())
        for place in self.page.locator(".explorer").all():
            place.locator(".vl").wait_for()
        self.settle()

    def explorers(self):
        """[(its name, its element)]."""
        return [(LABELS[one.get_attribute("aria-label")], one) for one in self.page.locator(".vl").all()]

    def one(self, name):
        label = next(label for label, called in LABELS.items() if called == name)
        return self.page.locator(f'.vl[aria-label="{label}"]').first

    def trait(self, explorer, name):
        return explorer.evaluate("(it, name) => it.parentElement.model.get(name)", name)

    def set_traits(self, explorer, **traits):
        explorer.evaluate(
            "(it, all) => Object.entries(all).forEach((one) => it.parentElement.model.set(...one))", traits
        )
        self.settle()


@pytest.fixture(params=PAGES)
def sheet(request, context, site):
    sheet = Sheet(context, site, request.param)
    yield sheet
    trouble = sheet.trouble
    sheet.page.close()
    assert not trouble, "\n".join(trouble)


of_live_pages = pytest.mark.parametrize("sheet", LIVE_PAGES, indirect=True)
of_the_playground = pytest.mark.parametrize("sheet", ["09_playground"], indirect=True)


# Whole


def test_the_site_is_these_pages_and_nothing_else(site):
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert files == {f"{folder}{name}.html" for folder in ("", "it/") for name in PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_the_weight_of_a_page(name, site):
    assert (site / f"{name}.html").stat().st_size <= (6 if name == "09_playground" else 12) * MB


def test_the_policy_is_strict(site):
    for path in site.rglob("*.html"):
        policy = re.search('<meta http-equiv="Content-Security-Policy" content="(.*?)">', path.read_text("utf-8"))[1]
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        *hashes, last = rules.pop("script-src").split()
        assert last == "'wasm-unsafe-eval'"  # WebAssembly, which the explorers compute in, and no text as code
        assert all(re.fullmatch(r"'sha256-[\w+/]{43}='", source) for source in hashes)
        assert rules == dict.fromkeys(("default-src", "connect-src", "base-uri", "form-action"), "'none'") | {
            "style-src": "'unsafe-inline'",
            "img-src": "data:",
        }


def test_the_policy_stops_what_it_must_stop(context, site):
    """Else a page without complaints would say nothing."""
    sheet = Sheet(context, site, "index")
    sheet.page.evaluate(
        """
        () => {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          document.body.append(Object.assign(new Image(), { src: "https://example.org/picture.png" }));
        }
        """
    )
    sheet.page.wait_for_timeout(200)
    assert not sheet.page.evaluate("window.ran")
    assert sum("Content Security Policy" in what for what in sheet.trouble) == 2, sheet.trouble
    sheet.page.close()


def test_a_page_is_well_made(sheet):
    found = sheet.page.evaluate(
        """
        () => {
          const all = (selector) => [...document.querySelectorAll(selector)];
          return {
            headings: all("h1, h2, h3, h4, h5, h6").map((one) => Number(one.localName[1])),
            images: all("img").map((one) => [one.naturalWidth > 0, one.alt]),
            ids: all("[id]").map((one) => one.id),
            links: all("a[href]").map((one) => one.getAttribute("href")),
            mains: all("main").length,
            language: document.documentElement.lang,
            title: document.title,
          };
        }
        """
    )
    levels = found["headings"]
    assert levels[0] == 1 and levels.count(1) == 1 and found["mains"] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels)), levels
    assert all(loaded and len(alt) > 20 for loaded, alt in found["images"]), found["images"]
    assert len(set(found["ids"])) == len(found["ids"])
    assert found["language"] == "en" and "Two autoencoders, side by side" in found["title"]
    for link in found["links"]:
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        assert not name or (sheet.site / name).exists(), link
        text = (sheet.site / name).read_text("utf-8") if name else sheet.page.content()
        assert not anchor or f'id="{anchor}"' in text, link


def test_the_lessons_lead_to_each_other(context, site):
    sheet = Sheet(context, site, "index")
    sheet.page.locator("main table a").first.click()
    for name in NAMES[1:]:
        sheet.page.locator("a[rel=next]").click()
        sheet.page.wait_for_url(f"**/{name}.html")
    assert sheet.page.locator("a[rel=next]").count() == 0
    sheet.page.locator("a[rel=prev]").click()
    sheet.page.wait_for_url(f"**/{NAMES[-2]}.html")
    sheet.page.keyboard.press("Tab")
    sheet.page.keyboard.press("Enter")  # the skip link
    assert sheet.page.evaluate("location.hash") == "#main"
    assert not sheet.trouble
    sheet.page.close()


@pytest.mark.parametrize("sheet", NAMES, indirect=True)
def test_each_explorer_of_a_lesson_is_on_its_page(sheet):
    """And where the notebook has sliders that need a kernel, a sentence, with pictures below."""
    name = Path(sheet.page.url).stem
    calls = LIVE.findall("\n".join(cell.source for cell in NOTEBOOKS[name].cells))
    assert [called for called, _ in sheet.explorers()] == [call for call in calls if call in EXPLORERS]
    notes = sheet.page.locator(".output .note").all()
    assert len(notes) == len(calls) - len(sheet.explorers())
    for place in [*notes, *sheet.page.locator(".explorer").all()]:
        assert place.evaluate(STILL_BELOW), "the next cell of code must have a still picture"


STILL_BELOW = """
(place) => {
  const cells = [...document.querySelectorAll(".code_cell")];
  return cells[cells.indexOf(place.closest(".code_cell")) + 1].querySelector("img") !== null;
}
"""


# Live


@of_live_pages
def test_every_control_answers_to_the_keyboard(sheet):
    for name, explorer in sheet.explorers():
        for control, group, trait in of_keyboard(controls_of(name, explorer)):
            before = sheet.trait(explorer, trait)
            control.focus()
            sheet.changes(explorer, partial(sheet.page.keyboard.press, key_of(control)), f"{name}: {group} by key")
            assert sheet.trait(explorer, trait) != before, f"{name}: {group} by key"
            assert control.evaluate(RING) != "none", f"{name}: where is the focus of {group}?"
            stop(sheet, name, explorer)


@of_live_pages
def test_every_control_answers_to_the_mouse(sheet):
    for name, explorer in sheet.explorers():
        for control, group, trait in controls_of(name, explorer):
            before = sheet.trait(explorer, trait)
            control.scroll_into_view_if_needed()
            sheet.changes(explorer, partial(use_the_mouse, sheet.page, control), f"{name}: {group} by mouse")
            assert sheet.trait(explorer, trait) != before, f"{name}: {group} by mouse"
            stop(sheet, name, explorer)


def stop(sheet, name, explorer):
    sheet.set_traits(explorer, **dict(EXPLORERS[name].still))


@of_the_playground
def test_what_the_explorers_know_is_what_python_sent(sheet):
    """Bit for bit, though it was packed."""
    for name, explorer in sheet.explorers():
        widget = getattr(explorers, name)()
        sent = {key: value["data"] for key, value in widget.arrays.items()} | getattr(widget, "pictures", {})
        there = explorer.evaluate(
            """
            async (it) => {
              const { model } = it.parentElement;
              const all = Object.entries(model.get("arrays")).map(([name, { data }]) => [name, data]);
              const found = {};
              for (const [name, data] of [...all, ...Object.entries(model.get("pictures") ?? {})]) {
                found[name] = Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", data)));
              }
              return found;
            }
            """
        )
        right = {key: list(hashlib.sha256(value).digest()) for key, value in sent.items()}
        assert there == right, name
        assert explorer.evaluate("it => it.parentElement.model.get('about')") == widget.about


# As the page draws: keeps the numbers that it would write as bytes.
NUMBERS = """
const { createImageData, putImageData } = CanvasRenderingContext2D.prototype;
Object.assign(CanvasRenderingContext2D.prototype, {
  createImageData(width, height) { return { width, height, data: new Float64Array(4 * width * height) }; },
  putImageData(image, x, y) {
    this.canvas.numbers = Array.from(image.data);
    putImageData.call(this, new ImageData(Uint8ClampedArray.from(image.data), image.width), x, y);
  },
});
"""


@pytest.fixture
def playground(browser, site):
    """The playground, of whose pictures the numbers can be read before they are rounded to bytes."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    context.add_init_script(NUMBERS)
    sheet = Sheet(context, site, "09_playground")
    yield sheet
    assert not sheet.trouble, "\n".join(sheet.trouble)
    context.close()


def same_pictures(explorer, selector, images):
    """The canvases there show these images (n, C, H, W), each number to 1e-4."""
    shown = explorer.locator(selector).evaluate_all("all => all.map((canvas) => canvas.numbers)")
    n, channels, height, width = images.shape
    shown = torch.tensor(shown, dtype=torch.float64).view(n, height, width, 4)[..., :3] / 255
    right = 1 - images.expand(n, 3, height, width) if channels == 1 else images
    torch.testing.assert_close(shown, right.permute(0, 2, 3, 1).double(), atol=1e-4, rtol=0)


def some(*size, seed=0):
    return 2 * torch.rand(*size, generator=torch.Generator().manual_seed(seed)) - 1


@torch.no_grad()
def test_the_pictures_are_pytorchs(playground):
    """Those of every explorer that decodes, from the values that the page has; each from several places."""
    multirate, uae, vae = trained("faces"), trained("faces-uae"), trained("faces").at(1.0)
    x = faces(8, seed=1).images
    noise = torch.randn(24, 10, generator=torch.Generator().manual_seed(0))

    explorer = playground.one("explore_beta")
    for k, beta in enumerate(beta_at(torch.linspace(-1, 1, 8)).tolist()):
        playground.set_traits(explorer, beta=beta, image=k)
        at, q = multirate.at(beta), multirate.at(beta).encode(x)
        same_pictures(explorer, ".vl-main", torch.cat([x[k : k + 1], at.decode(q.mean[k : k + 1])]))
        same_pictures(explorer, ".vl-line:nth-child(2) canvas", at.decode(q.mean + q.stddev * noise[:8]))
        same_pictures(explorer, ".vl-line:nth-child(3) canvas", at.decode(noise[16:]))

    explorer, widget = playground.one("explore_latents"), explorers.explore_latents()
    for k in range(8):
        move = {"image": k, "latents": some(10, seed=k).tolist(), "attributes": some(6, seed=k).tolist()}
        playground.set_traits(explorer, **move)
        for name, value in move.items():
            setattr(widget, name, value)
        right = torch.cat([uae.decode(torch.tensor([widget.h])), vae.decode(torch.tensor([widget.z]))])
        same_pictures(explorer, "figure canvas", right)

    explorer, widget = playground.one("compare_codes"), explorers.compare_codes()
    tables = [array(widget, f"{name}.table") for name in ("uae", "vae")]
    for k in range(8):
        shifts, epsilon = some(1, 6, seed=k), some(4, 10, seed=k)
        playground.set_traits(explorer, image=k, shifts=shifts[0].tolist(), epsilon=epsilon.tolist())
        q, h = vae.encode(x[k : k + 1]), uae.encode(x[k : k + 1])
        z = q.mean + shifts @ tables[1] + q.stddev * epsilon
        right = torch.cat([x[k : k + 1], uae.decode(h + shifts @ tables[0]), vae.decode(z)])
        same_pictures(explorer, "figure canvas", right)

    explorer = playground.one("explore_map")
    uae, vae = trained("digits-uae"), trained("digits").at(1.0)
    for h, z in zip(20 * some(8, 2), 3 * some(8, 2, seed=1), strict=True):
        playground.set_traits(explorer, h=h.tolist(), z=z.tolist())
        same_pictures(explorer, ".vl-big", torch.cat([uae.decode(h[None]), vae.decode(z[None])]))

    explorer = playground.one("draw_a_digit")
    noise = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    for x in digits("test").images[10:18]:
        playground.set_traits(explorer, image=x[0].tolist())
        q = vae.encode(x[None])
        same_pictures(explorer, ".vl-seen", torch.cat([x[None], vae.decode(q.mean)]))
        same_pictures(explorer, ".vl-samples canvas", vae.decode(q.mean + q.stddev * noise))


def test_a_pixel_that_is_wrong_is_noticed(playground):
    explorer = playground.one("explore_beta")
    x = faces(1, seed=1).images
    same_pictures(explorer, ".vl-main >> nth=0", x)
    x[0, 1, 7, 9] += 2e-4
    with pytest.raises(AssertionError, match="not close"):
        same_pictures(explorer, ".vl-main >> nth=0", x)


# For everybody


def test_axe_finds_nothing_serious(sheet):
    sheet.page.evaluate(UNFOLD)
    for theme in ("light", "dark"):
        sheet.page.emulate_media(color_scheme=theme)
        serious(sheet)


UNFOLD = "() => document.querySelectorAll('details').forEach((it) => (it.open = true))"


def serious(sheet):
    results = Axe().run(sheet.page, options={"resultTypes": ["violations"]}).response
    assert results["passes"], "axe-core looked at nothing"
    found = [
        f"{violation['id']}: {node['failureSummary']} {node['html'][:300]}"
        for violation in results["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert not found, "\n".join(found)


@of_the_playground
def test_the_button_for_light_and_dark(sheet):
    page, button = sheet.page, sheet.page.locator("#theme")

    def colours():
        blue = "getComputedStyle(document.querySelector('.vl')).getPropertyValue('--blue')"
        return page.evaluate(f"[getComputedStyle(document.body).backgroundColor, {blue}]")

    seen = {}
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        seen[theme] = colours()
    assert all(one != other for one, other in zip(*seen.values(), strict=True))
    for theme in ("light", "dark", "light"):
        button.click()
        assert colours() == seen[theme]
        serious(sheet)


def test_nothing_is_too_wide(sheet):
    ARTEFACTS.mkdir(exist_ok=True)
    name = Path(sheet.page.url).stem
    sheet.page.evaluate(UNFOLD)
    for width in (320, 360, 390, 640, 1280, 1920):
        sheet.page.set_viewport_size({"width": width, "height": 844 if width <= 390 else 800})
        sheet.settle()
        nothing_is_too_wide(sheet, width)
        sheet.page.screenshot(path=ARTEFACTS / f"site_{name}_{width}.png")


def nothing_is_too_wide(sheet, width):
    assert sheet.page.evaluate("document.documentElement.scrollWidth") <= width, width
    # Nor does anything stick out where it can't be scrolled to: out of the page, or out of an explorer.
    out = sheet.page.evaluate(
        """
        () => [...document.querySelectorAll("body *:not(svg *, .skip)")].filter((it) =>
            !it.closest("pre, .wide, mjx-container") && it.checkVisibility()
                && it.getBoundingClientRect().right > innerWidth + 1
        ).map((it) => `${it.localName}.${it.className}`)
        """
    )
    assert not out, (width, out)
    sliders = sheet.page.locator(".vl input[type=range]").evaluate_all(
        "all => all.map((it) => [it.labels[0].textContent, it.getBoundingClientRect().width])"
    )
    assert all(long >= 60 for _, long in sliders), f"too short to be moved at {width}: {sliders}"


@pytest.mark.parametrize("sheet", NAMES, indirect=True)
def test_brackets_of_formulas_end_where_they_should(sheet):
    """A long one is made of pieces, each cut at the edge of an <svg> of its own."""
    pieces = sheet.page.locator("mjx-container svg svg")
    assert set(pieces.evaluate_all("all => all.map((it) => getComputedStyle(it).overflowX)")) <= {"hidden"}
    if Path(sheet.page.url).stem.startswith(("04", "05")):
        assert pieces.count() > 0


@of_live_pages
def test_what_is_chosen_can_be_told_in_forced_colours(sheet):
    sheet.page.emulate_media(forced_colors="active")
    for group in sheet.page.locator(".vl fieldset:has(:checked)").all():
        look = "all => all.map((it) => [it.previousElementSibling.checked, getComputedStyle(it).borderColor])"
        looks = group.locator(".vl-option").evaluate_all(look)
        [chosen] = [colour for checked, colour in looks if checked]
        assert chosen not in [colour for checked, colour in looks if not checked], group.text_content()


@of_the_playground
def test_a_finger_that_scrolls_moves_no_slider(sheet):
    """The browser takes the finger away (pointercancel) once it knows that it scrolls; till then the slider follows."""
    explorer = sheet.one("explore_beta")
    slider = explorer.locator("input[type=range]")
    for end, moved in (("pointerup", True), ("pointercancel", False)):
        before = sheet.trait(explorer, "beta")
        slider.evaluate(
            """
            (it, end) => {
              it.dispatchEvent(new PointerEvent("pointerdown", { pointerType: "touch" }));
              it.value = Number(it.value) + 20;
              it.dispatchEvent(new Event("input"));
              it.dispatchEvent(new PointerEvent(end, { pointerType: "touch" }));
            }
            """,
            end,
        )
        assert (sheet.trait(explorer, "beta") != before) == moved


@pytest.mark.parametrize("name", NAMES)
def test_without_javascript_a_page_still_teaches(name, browser, site):
    context = browser.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto((site / f"{name}.html").as_uri())
    assert len(page.locator("main").inner_text().split()) > 300
    assert page.locator(".vl").count() == 0
    assert page.locator("main img").count() and page.locator("main img").first.is_visible()
    for formula in page.locator("mjx-container").all()[:5]:
        assert formula.bounding_box()["height"] > 5
    answers = page.locator("main details:not(.instructors) > summary")
    assert answers.count()
    answers.first.click()
    assert answers.first.locator("xpath=following-sibling::*").first.is_visible()
    context.close()


@pytest.mark.parametrize("sheet", NAMES, indirect=True)
def test_on_paper_it_is_a_handout(sheet):
    """No controls, no navigation, and every picture fits a sheet of A4."""
    page = sheet.page
    page.set_viewport_size({"width": 673, "height": 986})  # what A4 has between the margins, in CSS pixels
    page.emulate_media(media="print")
    for gone in (".explorer", "header", "nav", "footer", ".note", ".instructors"):
        assert not page.locator(gone).locator("visible=true").count(), gone
    boxes = page.locator("main img").evaluate_all("all => all.map((it) => it.getBoundingClientRect())")
    assert boxes and all(box["width"] <= 673 and 0 < box["height"] <= 986 for box in boxes if box["width"]), boxes
    uncut = "all => all.filter((it) => getComputedStyle(it).breakInside !== 'avoid').length"
    assert page.locator("main img, mjx-container").evaluate_all(uncut) == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 673
    file = ARTEFACTS / f"site_{Path(page.url).stem}.pdf"
    page.pdf(path=file, prefer_css_page_size=True, format="A4")
    there = page.locator("main img").evaluate_all("all => all.filter((it) => it.checkVisibility()).length")
    on_sheets = [len(one.images) for one in PdfReader(file).pages]
    assert sum(on_sheets) == there, f"a picture that is cut is on two sheets: {on_sheets}, of {there}"
