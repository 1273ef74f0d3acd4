"""The small modules that the explorers share, each on its own: what they draw is in its place, what they say is right.

What an explorer makes of them is compared with PyTorch in test_parity.py and its neighbours. These tests take
milliseconds, and are the first to meet a mutation of `make mutations`.
"""

import math
import re

import pytest
import torch

from vaelib.explorers import base
from vaelib.palette import CLASS_COLOURS, CLASS_MARKERS


@pytest.fixture
def module(blank):
    """A function that loads browser/NAME.js, and gives the page, on which it has that name."""

    def load(name):
        text = base.bundle(f"browser/{name}").replace(
            f"export default $browser/{name}.byDefault", f"export default ${name}"
        )
        blank.evaluate(
            """
            async ([name, text]) => {
              document.body.replaceChildren();
              const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
              window[name] = (await import(url)).default;
            }
            """,
            [name, text],
        )
        return blank

    return load


# network


def test_layers_are_put_in_order_by_their_numbers(module):
    first, second, third = torch.randn(4, 2), torch.randn(5, 4), torch.randn(3, 5)
    layers = {"decoder.10": third, "decoder.2": first, "decoder.4": second}  # as words: 10, 2, 4
    arrays = {f"{name}.weight": (list(w.shape), w.flatten().tolist()) for name, w in layers.items()}
    arrays |= {f"{name}.bias": ([len(w)], [0.0] * len(w)) for name, w in layers.items()}
    decoded = module("network").evaluate(
        """
        (arrays) => {
          const read = ([shape, values]) => ({ shape, data: Float32Array.from(values) });
          const all = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, read(array)]));
          return [...new network.Coder(all).decode([1, -2], 1)];
        }
        """,
        arrays,
    )
    h = torch.nn.functional.silu(first @ torch.tensor([1.0, -2.0]))
    torch.testing.assert_close(torch.tensor(decoded), (third @ torch.nn.functional.silu(second @ h)).sigmoid())


def test_each_row_of_codes_is_read_out_by_itself(module):
    codes, weight, bias = torch.randn(4, 3), torch.randn(2, 3), torch.randn(2)
    tables = [values.flatten().tolist() for values in (codes, weight, bias)]
    read = module("network").evaluate(
        "([codes, weight, bias]) => [...network.readOut(Float32Array.from(codes), { weight, bias })]", tables
    )
    torch.testing.assert_close(torch.tensor(read).reshape(4, 2), codes @ weight.T + bias)


def test_a_code_moves_along_every_row_of_the_table(module):
    start, amounts, table = torch.randn(3), torch.randn(2), torch.randn(2, 3)
    moved = module("network").evaluate(
        "([start, amounts, table]) => [...network.shifted(start, amounts, table)]",
        [start.tolist(), amounts.tolist(), table.flatten().tolist()],
    )
    torch.testing.assert_close(torch.tensor(moved), start + amounts @ table)


# contours


def test_a_cell_whose_highest_corner_is_at_the_level_has_its_line(module):
    heights = [0, 0, 0, 0, 1, 0, 0, 0, 0]  # a peak of 1 in a plane of 0
    (path,) = module("contours").evaluate(
        "(heights) => contours.contours(heights, [0, 10, 20], [0, 10, 20], [1])", heights
    )
    assert path.count("M") == 2 and path.count("10 10") == 4  # along the edge, and around the peak itself


# format


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("tidy(0.004)", "0.00"),
        ("tidy(-0.004)", "0.00"),
        ("tidy(-0.006)", "−0.01"),
        ("tidy(1.234)", "1.23"),
        ("tidy(9.99)", "9.99"),
        ("tidy(9.995)", "10.0"),
        ("tidy(12.34)", "12.3"),
        ("tidy(99.94)", "99.9"),
        ("tidy(99.95)", "100"),
        ("tidy(-123.4)", "−123"),
        ("signed(0.5)", "+0.50"),
        ("signed(0.004)", "0.00"),
        ("signed(-0.5)", "−0.50"),
        ("betaText(0)", "0"),
        ("betaText(0.0312)", "0.031"),
        ("betaText(1.46)", "1.5"),
        ("betaText(42.4)", "42"),
        ("betaText(100)", "100"),
        ("numeral(-0.25)", "−0.25"),
        ("numeral(30)", "30"),
        ("pair([0.5, -1.2])", "(0.50, −1.20)"),
        ('subscripted("h", 0)', "h₁"),
        ('subscripted("z", 11)', "z₁₂"),
        ("latentNames(10).join()", "z₁,z₂,z₃,z₄,z₅,z₆,z₇,z₈,z₉,z₁₀"),
    ],
)
def test_numbers_and_names_for_the_eye(call, said, module):
    assert module("format").evaluate(f"() => format.{call}") == said


def test_what_is_said_in_another_language(module):
    page = module("language")
    say = """
    () => [language.say("{n} of {all}, {n}", { n: 1, all: 2 }), language.say("{other}"), language.numberText("0.5")]
    """
    assert page.evaluate(say) == ["1 of 2, 1", "{other}", "0.5"]
    page.evaluate("() => language.speak({ '{n} of {all}, {n}': 'di {all}: {n}', '.': ',' })")
    assert page.evaluate(say) == ["di 2: 1", "{other}", "0,5"]


# charts


def drawn(page, make):
    """The chart that this expression makes, on the page as large as in its own units."""
    page.evaluate(
        f"""
        () => {{
          window.chart = {make};
          const svg = chart.element;
          const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
          svg.style = "position: absolute; left: 0; top: 0; font: 16px sans-serif";
          Object.assign(svg.style, {{ width: `${{width}}px`, height: `${{height}}px` }});
          document.body.replaceChildren(svg);
        }}
        """
    )


TEXTS = """
() => [...document.querySelectorAll("svg text")].filter((one) => one.textContent).map((one) => {
  const { left, top, right, bottom } = one.getBoundingClientRect();
  return [one.textContent, left, top, right, bottom];
})
"""


def texts_have_room(page):
    """No text leaves the drawing, none lies upon another."""
    width, height = page.evaluate("() => chart.element.getAttribute('viewBox').split(' ').slice(2).map(Number)")
    texts = page.evaluate(TEXTS)
    assert texts
    for k, (text, left, top, right, bottom) in enumerate(texts):
        assert left >= 0 and top >= -2 and right <= width + 2 and bottom <= height + 2, f"{text} sticks out"
        for other, *box in texts[:k]:
            apart = right <= box[0] or box[2] <= left or bottom - 8 <= box[1] or box[3] - 8 <= top
            assert apart, f"{text} lies upon {other}"


def attributes(page, selector, *names):
    """[[these attributes, as numbers where they are] of each part]"""
    return page.eval_on_selector_all(
        selector,
        "(all, names) => all.map((it) => names.map((name) => {"
        " const text = it.getAttribute(name); return isNaN(text ?? NaN) || text === '' ? text : Number(text); }))",
        names,
    )


def paths(text):
    """[[(x, y), …] of each part of a path]"""
    parts = [part.split("L") for part in text.removeprefix("M").split("M")]
    return [[tuple(float(number) for number in point.split()) for point in part] for part in parts]


NAMES = '["z₁", "hair colour", "z₃", "z₄", "z₅"]'


def test_bells_are_normal_curves_to_scale(module):
    page = module("charts")
    drawn(page, f'charts.bells({NAMES}, {{ alt: "bells", range: [-2, 6], means: true }})')
    page.evaluate("() => chart.draw([1, 0, 2, 7, -2], [0.5, 2, 0.001, 1, 0.3])")
    axes = attributes(page, ".vl-axis", "x1", "x2", "y1", "y2")
    left, right = axes[0][:2]
    assert right - left > 60 and all(y1 == y2 for _, _, y1, y2 in axes)

    def value_at(x):
        return -2 + 8 * (x - left) / (right - left)

    shapes = [paths(text) for [text] in attributes(page, ".vl-bell", "d")]
    foot = [axis[2] for axis in axes]
    tall = foot[0] - min(y for _, y in shapes[0][0])
    step = foot[1] - foot[0]
    assert 0.8 * step < tall < step and foot == pytest.approx([foot[0] + k * step for k in range(5)])
    assert foot[0] - tall >= 0

    def is_bell(curve, k, mean, sigma):
        for x, y in curve:
            height = math.exp(-0.5 * ((value_at(x) - mean) / sigma) ** 2)
            # places are rounded to 0.1
            assert foot[k] - y == pytest.approx(tall * height, abs=0.1 + 0.1 * tall * 8 / (right - left) / sigma)

    (whole,), (cut,) = shapes[0], shapes[1]
    is_bell(whole, 0, 1, 0.5)
    assert len(whole) == 33 and [value_at(whole[k][0]) for k in (0, -1)] == pytest.approx([-1, 3], abs=0.02)
    is_bell(cut, 1, 0, 2)
    assert [value_at(cut[k][0]) for k in (0, -1)] == pytest.approx([-2, 6], abs=0.02)
    assert len(cut) == 17
    ((below, above),) = shapes[2]  # too narrow for a shape
    assert value_at(below[0]) == value_at(above[0]) == pytest.approx(2, abs=0.02)
    assert (below[1], above[1]) == pytest.approx((foot[2], foot[2] - tall), abs=0.1)
    *curve, arrow = shapes[3]  # its mean lies beyond the right end
    is_bell(curve[0], 3, 7, 1)
    assert [x for x, _ in arrow] == pytest.approx([right - 10, right, right - 10], abs=0.1)
    assert [y - (foot[3] - tall / 2) for _, y in arrow] == pytest.approx([-6, 0, 6], abs=0.1)
    *curve, arrow = shapes[4]  # and its on the left end
    is_bell(curve[0], 4, -2, 0.3)
    assert [x for x, _ in arrow] == pytest.approx([left + 10, left, left + 10], abs=0.1)

    for k, [text] in enumerate(attributes(page, ".vl-prior", "d")):
        is_bell(paths(text)[0], k, 0, 1)
    texts_have_room(page)
    assert page.locator(".vl-number").all_text_contents() == [
        "1.00 ± 0.50", "0.00 ± 2.00", "2.00 ± 0.001", "7.00 ± 1.00", "−2.00 ± 0.30",
    ]  # fmt: skip
    assert all(x > right for [x] in attributes(page, ".vl-number", "x"))
    ticks = {text: (box[0] + box[2]) / 2 for text, *box in page.evaluate(TEXTS)}
    for text, value in (("−2", -2), ("2", 2), ("6", 6)):
        assert value_at(ticks[text]) == pytest.approx(value, abs=0.1)
    assert ticks["z"] > right
    for text, x_left, top, x_right, bottom in page.evaluate(TEXTS)[:10:2]:
        assert x_right < left - 2 and x_left >= 0, text
        assert any(y - step < (top + bottom) / 2 < y for y in foot)


def test_a_bell_far_outside_is_an_arrow_alone_and_a_narrow_one_a_line(module):
    page = module("charts")
    drawn(page, 'charts.bells(["a", "b", "c"], { alt: "", prior: false })')
    page.evaluate("() => chart.draw([40, 0.5, 0.5], [0.1, 0.00995, 0.01005])")  # a hundredth of 8 is 8 times 0.01
    far, narrow, bell = (paths(text) for [text] in attributes(page, ".vl-bell", "d"))
    assert len(far) == 1 and len(far[0]) == 3 and len(narrow[0]) == 2 and len(bell[0]) == 33
    assert page.locator(".vl-prior").count() == 0
    assert page.locator(".vl-number").all_text_contents() == ["± 0.10", "± 0.01", "± 0.01"]
    page.evaluate("() => chart.draw([0, 0, 0], [0.0094, 0.0095, 1.005])")
    assert page.locator(".vl-number").all_text_contents() == ["± 0.009", "± 0.01", "± 1.00"]
    assert attributes(page, "svg", "aria-label", "role") == [["", "img"]]
    page.evaluate("() => chart.draw([2, 0, 0], [20, 1, 1])")  # with two places within the axis, it is a line
    [wide] = paths(attributes(page, ".vl-bell", "d")[0][0])
    assert len(wide) == 2
    page.evaluate("() => chart.alt('what it shows')")
    assert attributes(page, "svg", "aria-label") == [["what it shows"]]


def test_points_and_truths_stand_at_their_values(module):
    page = module("charts")
    drawn(
        page,
        'charts.bells(["a", "b", "c"], { alt: "", range: [-0.2, 1.2], marks: [0, 0.5, 1], points: true, prior: false,'
        ' truths: true, unit: "", means: true })',
    )
    page.evaluate("() => (chart.draw([0.5, -3, 9]), chart.markTruths([0, 0.5, 1]), chart.grey(1, true))")
    [left, right, *_], *_ = attributes(page, ".vl-axis", "x1", "x2")
    assert [x for [x] in attributes(page, ".vl-point", "cx")] == pytest.approx([(left + right) / 2, left, right])
    places = {text: (box[0] + box[2]) / 2 for text, *box in page.evaluate(TEXTS)}
    marks = [float(text[1:].split()[0]) for [text] in attributes(page, ".vl-truth", "d")]
    assert marks == pytest.approx([places["0"], places["0.5"], places["1"]], abs=0.6)
    assert page.locator(".vl-number").all_text_contents() == ["= 0.50", "= −3.00", "= 9.00"]
    assert page.locator(".vl-truth").evaluate_all(
        "all => all.every((it) => it.getAttribute('d').endsWith('l7 12h-14z'))"
    )
    feet = [y for [y] in attributes(page, ".vl-axis", "y1")]
    for [cy], [truth], foot in zip(
        attributes(page, ".vl-point", "cy"), attributes(page, ".vl-truth", "d"), feet, strict=True
    ):
        assert foot - 26 < cy < foot - 4 and foot - 12 < float(truth.split()[1].partition("l")[0]) < foot
    collapsed = "all => all.map((it) => it.classList.contains('vl-collapsed'))"
    assert page.locator("svg > g").evaluate_all(collapsed) == [False, True, False]
    page.evaluate("() => chart.grey(1, false)")
    assert page.locator("svg > g").evaluate_all(collapsed) == [False, False, False]
    texts_have_room(page)


def test_bars_are_as_long_as_their_values(module):
    page = module("charts")
    drawn(page, f'charts.bars({NAMES}, {{ most: 8, collapsedBelow: 0.01, alt: "bars" }})')
    page.evaluate("() => chart.draw([4, 8, 20, 0.0099, 0.01])")
    bars = attributes(page, ".vl-bar", "x", "width", "y", "height")
    whole = bars[1][1]
    assert whole > 80
    assert [width for _, width, *_ in bars] == pytest.approx(
        [whole / 2, whole, whole, whole * 0.0099 / 8, whole * 0.01 / 8]
    )
    assert len({x for x, *_ in bars}) == 1
    tops = [y for *_, y, _ in bars]
    step, height = tops[1] - tops[0], bars[0][3]
    assert tops == pytest.approx([tops[0] + k * step for k in range(5)]) and 0.5 * step < height < step
    assert page.locator(".vl-number").all_text_contents() == [
        "4.00", "8.00", "20.0", "× 0.00", "0.01", "sum: 32.0 nats",
    ]  # fmt: skip
    numbers = attributes(page, "g .vl-number", "x", "y")
    for (x, width, y, _), (at, base_line) in zip(bars, numbers, strict=True):
        assert at == pytest.approx(x + width + 6) and y + 0.5 * height < base_line <= y + height + 2
    collapsed = page.locator("svg > g").evaluate_all("all => all.map((it) => it.classList.contains('vl-collapsed'))")
    assert collapsed == [False, False, False, True, False]
    texts_have_room(page)


def plane_of(x, y, more=""):
    return f'charts.plane({{ xRange: {list(x)}, yRange: {list(y)}, xLabel: "rate", yLabel: "loss", alt: "" {more} }})'


def test_a_plane_goes_from_values_to_places_and_back(module):
    page = module("charts")
    drawn(page, plane_of((-1, 3), (10, 30)))
    [[x, y, width, height]] = attributes(page, "rect", "x", "y", "width", "height")
    _, _, whole, high = map(float, page.locator("svg").get_attribute("viewBox").split())
    assert x > 0 and y > 0 and x + width < whole and y + height < high and width > 200 and height > 200
    assert page.evaluate("() => [-1, 0, 3].map(chart.x)") == pytest.approx([x, x + width / 4, x + width])
    assert page.evaluate("() => [10, 15, 30].map(chart.y)") == pytest.approx([y + height, y + 0.75 * height, y])
    assert page.evaluate("() => chart.line([[-1, 30], [3, 10], [1 / 3, 12]])") == (
        f"M{x:.1f} {y:.1f}L{x + width:.1f} {y + height:.1f}L{x + width / 3:.1f} {y + 0.9 * height:.1f}"
    )
    at = "([x, y]) => chart.valueAt({ clientX: x, clientY: y })"
    page.evaluate(
        "() => Object.assign(chart.element.style, { left: '40px', top: '30px', width: '660px', height: '608px' })"
    )
    for share_x, share_y in ((0, 0), (0.25, 0.75), (1, 1)):  # the plane is twice as large now
        place = [40 + 2 * (x + share_x * width), 30 + 2 * (y + height - share_y * height)]
        assert page.evaluate(at, place) == pytest.approx([-1 + 4 * share_x, 10 + 20 * share_y])
    assert page.evaluate(at, [0, 9999]) == [-1, 10] and page.evaluate(at, [9999, 0]) == [3, 30]
    page.evaluate("() => Object.assign(chart.element.style, { left: 0, top: 0, width: '330px', height: '304px' })")
    texts_have_room(page)
    boxes = {text: box for text, *box in page.evaluate(TEXTS)}
    for text, value in (("−1", -1), ("0", 0), ("3", 3)):
        assert (boxes[text][0] + boxes[text][2]) / 2 == pytest.approx(x + width * (value + 1) / 4, abs=1)
        assert y + height < boxes[text][1] + 6 < boxes["rate"][1]
    for text, value in (("10", 10), ("20", 20), ("30", 30)):
        assert (boxes[text][1] + boxes[text][3]) / 2 == pytest.approx(y + height * (30 - value) / 20, abs=3)
        assert boxes["loss"][2] <= boxes[text][0] + 1 and boxes[text][2] < x
    assert (boxes["rate"][0] + boxes["rate"][2]) / 2 == pytest.approx(x + width / 2, abs=1)
    assert (boxes["loss"][1] + boxes["loss"][3]) / 2 == pytest.approx(y + height / 2, abs=1)
    assert boxes["loss"][3] - boxes["loss"][1] > boxes["loss"][2] - boxes["loss"][0], "it is written upwards"


@pytest.mark.parametrize(
    ("ends", "marks"),
    [
        ((0, 8), [0, 2, 4, 6, 8]),
        ((0, 10), [0, 5, 10]),
        ((0, 4), [0, 1, 2, 3, 4]),
        ((0, 20), [0, 5, 10, 15, 20]),
        ((-3.1, 3.1), [-2, 0, 2]),
        ((0.012, 0.3), [0.1, 0.2, 0.3]),
        ((0, 0.07), [0, 0.02, 0.04, 0.06]),
        ((130, 431), [200, 300, 400]),
        ((-1.05, -0.2), [-1, -0.5]),
        ((0, 30), [0, 10, 20, 30]),
    ],
)
def test_the_marks_of_an_axis_are_round_and_within_it(ends, marks, module):
    page = module("charts")
    drawn(page, plane_of(ends, (0, 1)))
    texts = page.locator("svg text").all_text_contents()
    assert [text.replace("−", "-") for text in texts[: len(marks)]] == [f"{mark:g}" for mark in marks]
    assert texts[len(marks) :] == ["0", "0.5", "1", "rate", "loss"]
    drawn(page, plane_of((0, 1), (0, 1), ', xMarks: [[0.5, "half"]], yMarks: []'))
    assert page.locator("svg text").all_text_contents() == ["half", "rate", "loss"]


# latent_map


def test_a_latent_map_is_to_scale_and_covers_all_points(module):
    page = module("latent_map")
    palette = {"class_colours": list(CLASS_COLOURS), "class_markers": CLASS_MARKERS}
    page.evaluate(
        """
        (palette) => {
          const points = [0, 0.5, 9, 1, 4, -2];
          window.maps = [false, true].map((prior) =>
            latent_map.latentMap({ letter: "z", cover: points, labels: [3, 0, 9], palette, prior, alt: "the map" }));
          document.body.replaceChildren(...maps.map(({ element }) => element));
          for (const map of maps) map.draw([7, 7, ...points], 2);
          const ring = latent_map.ellipse(maps[0], "mine");
          maps[0].add(ring.draw(1, 2, 3, 0.5).element);
        }
        """,
        palette,
    )
    alone, with_prior = page.evaluate("() => maps.map(({ ranges }) => ranges)")
    half = 0.53 * 9
    assert alone[0] == pytest.approx([4.5 - half, 4.5 + half]) and alone[1] == pytest.approx([-0.5 - half, -0.5 + half])
    half = 0.53 * (9 + 2.1)
    middle = (9 - 2.1) / 2
    assert with_prior[0] == pytest.approx([middle - half, middle + half]) and with_prior[1] == pytest.approx(
        [-half, half]
    )
    x, y = (page.evaluate(f"() => [0, 1, 2, 9].map(maps[0].{axis})") for axis in "xy")
    assert x[1] - x[0] == pytest.approx(y[0] - y[1]), "one scale"
    marks = page.locator("svg:nth-child(1) .vl-marks path")
    places = marks.evaluate_all("all => all.map((it) => it.getAttribute('transform').match(/[-.0-9]+/g).map(Number))")
    unit = x[1] - x[0]
    right = [(x[0] + a * unit, y[0] - b * unit) for a, b in ((0, 0.5), (9, 1), (4, -2))]
    for place, expected in zip(places, right, strict=True):
        assert place == pytest.approx(expected, abs=0.051)
    fills = marks.evaluate_all("all => all.map((it) => it.getAttribute('fill'))")
    assert fills == ["currentColor" if CLASS_COLOURS[k] == "#000000" else CLASS_COLOURS[k] for k in (3, 0, 9)]
    [[cx, cy, rx, ry]] = attributes(page, ".mine", "cx", "cy", "rx", "ry")
    assert (cx, cy, rx, ry) == pytest.approx((x[1], y[2], 3 * unit, 0.5 * unit))
    assert page.locator("svg:nth-child(1) .vl-prior").count() == 0
    unit = page.evaluate("() => maps[1].x(1) - maps[1].x(0)")
    rings = attributes(page, ".vl-prior", "cx", "cy", "rx", "ry")
    centre = page.evaluate("() => [maps[1].x(0), maps[1].y(0)]")
    assert [ring[2:] for ring in rings] == [pytest.approx([unit] * 2), pytest.approx([2 * unit] * 2)]
    assert all(ring[:2] == pytest.approx(centre) for ring in rings)
    assert page.locator("svg:nth-child(1)").get_attribute("aria-label") == "the map"
    texts = page.locator("svg:nth-child(1) text").all_text_contents()
    assert texts[-2:] == ["z₁", "z₂"]
    above = page.locator("svg:nth-child(1) > g:last-child > *").evaluate_all(
        "all => all.map((it) => it.className.baseVal)"
    )
    assert above == ["mine"]


def test_a_map_of_one_point_has_a_width(module):
    page = module("latent_map")
    palette = {"class_colours": list(CLASS_COLOURS), "class_markers": CLASS_MARKERS}
    ranges = page.evaluate(
        '(palette) => latent_map.latentMap({ letter: "h", cover: [2, 3], labels: [1], palette, alt: "" }).ranges',
        palette,
    )
    assert ranges == [pytest.approx([1.9, 2.1]), pytest.approx([2.9, 3.1])]


# dom


def test_an_element_is_built_as_it_is_declared(module):
    page = module("dom")
    html = page.evaluate(
        """
        () => {
          window.pressed = 0;
          const attributes = { id: "it", hidden: true, title: null, lang: undefined, "aria-busy": false, tabindex: 0 };
          const all = [
            dom.html("p", { ...attributes, onclick: () => pressed++ }, "one", dom.html("b", {}, "two")),
            dom.html("input", { max: 0, name: "" }), dom.html("select"), dom.html("i"), dom.svg("g", { class: "a" }),
            dom.row("r"), dom.panel("title", "inside"), dom.figure("caption", "picture"), dom.line("word", "picture"),
          ];
          document.body.replaceChildren(...all);
          all[0].click();
          return all.map((one) => one.outerHTML);
        }
        """
    )
    quiet = 'data-lm-suppress-shortcuts="true"'
    assert html == [
        f'<p id="it" hidden="" tabindex="0" {quiet}>one<b>two</b></p>',
        f'<input max="0" name="" {quiet}>',
        f"<select {quiet}></select>",
        "<i></i>",
        '<g class="a"></g>',
        '<div class="vl-row">r</div>',
        '<div class="vl-panel"><div class="vl-title">title</div>inside</div>',
        "<figure><figcaption>caption</figcaption>picture</figure>",
        '<div class="vl-line"><span>word</span>picture</div>',
    ]
    assert page.evaluate("() => pressed") == 1
    assert page.evaluate('() => dom.svg("g").namespaceURI') == "http://www.w3.org/2000/svg"
    assert page.evaluate('() => new Set([dom.newId("a"), dom.newId("a"), dom.newId("b")]).size') == 3
    assert re.fullmatch(r"vl-slider-\w+-\d+", page.evaluate('() => dom.newId("slider")'))
    page.evaluate('() => { dom.setAttributes(it, { a: 1, b: "two" }); dom.altOf(it)("seen"); }')
    assert attributes(page, "#it", "a", "b", "aria-label") == [[1, "two", "seen"]]
    changes = page.evaluate(
        """
        () => {
          const watch = new MutationObserver(() => {});
          watch.observe(it, { childList: true });
          dom.write(it, "onetwo");
          const none = watch.takeRecords().length;
          dom.write(it, "three");
          return [none, watch.takeRecords().length, it.textContent];
        }
        """
    )
    assert changes == [0, 1, "three"]


# controls


def test_a_slider_says_what_it_stands_at(module):
    page = module("controls")
    page.evaluate(
        """
        () => {
          window.told = [];
          window.part = controls.slider({ label: "noise", min: 0, max: 4, step: 0.5, value: 1.2, className: "mine",
            text: (value) => `${value} σ`, oninput: (value) => told.push(value) });
          document.body.replaceChildren(part.element);
        }
        """
    )
    slider = page.get_by_role("slider", name="noise")
    says = (
        "() => [document.querySelector('output').value, document.querySelector('input').getAttribute('aria-valuetext')]"
    )
    assert page.evaluate(says) == ["1.2 σ"] * 2 and slider.input_value() == "1"  # between two steps, as it is
    assert page.locator(".vl-slider.mine > *").evaluate_all("all => all.map((it) => it.localName)") == [
        "label", "input", "output",
    ]  # fmt: skip
    slider.press("ArrowRight")
    assert page.evaluate("() => told") == [1.5] and page.evaluate(says) == ["1.5 σ"] * 2
    page.evaluate("() => part.set(3)")
    assert page.evaluate("() => told") == [1.5] and page.evaluate(says) == ["3 σ"] * 2
    cancelled = """
    (to) => {
      const input = document.querySelector("input");
      input.dispatchEvent(new PointerEvent("pointerdown"));
      if (to !== null) { input.value = to; input.dispatchEvent(new Event("input")); }
      input.dispatchEvent(new PointerEvent("pointercancel"));
      return [...told];
    }
    """
    assert page.evaluate(cancelled, None) == [1.5]
    assert page.evaluate(cancelled, 4) == [1.5, 4, 3] and page.evaluate(says) == ["3 σ"] * 2


def test_many_sliders_change_one_list(module):
    page = module("controls")
    page.evaluate(
        """
        () => {
          window.told = [];
          const oninput = (all) => told.push(all);
          window.part = controls.attributeSliders({ names: ["smile", "beard"], values: [0.5, -0.5], oninput });
          const reset = controls.button("reset", () => told.push("reset"), { class: "small" });
          document.body.replaceChildren(part.element, reset);
        }
        """
    )
    assert page.get_by_role("group", name="attributes").count() == 1
    smile, beard = page.get_by_role("slider", name="smile"), page.get_by_role("slider", name="beard")
    assert attributes(page, "input", "min", "max", "step") == [[-1, 1, 0.02]] * 2
    beard.press("ArrowRight")
    smile.press("ArrowRight")
    assert page.evaluate("() => told") == [[0.5, -0.48], [0.52, -0.48]]
    page.evaluate("() => part.set([0, 1])")
    assert page.locator("output").evaluate_all("all => all.map((it) => it.value)") == ["0.00", "+1.00"]
    smile.press("ArrowLeft")
    assert page.evaluate("() => told.at(-1)") == [-0.02, 1]
    page.locator("button.small[type=button]", has_text="reset").click()
    assert page.evaluate("() => told.at(-1)") == "reset"


def test_some_sliders_are_grey(module):
    page = module("controls")
    page.evaluate(
        """
        () => {
          const items = [{ label: "z₁" }, { label: "z₂", collapsed: true }];
          const part = controls.sliders({
            label: "latents", min: -3, max: 3, step: 1, values: [0, 0], text: String, items, oninput() {},
          });
          document.body.replaceChildren(part.element);
        }
        """
    )
    grey = page.locator(".vl-slider").evaluate_all("all => all.map((it) => it.classList.contains('vl-collapsed'))")
    assert grey == [False, True]


def test_of_a_few_one_is_chosen(module):
    page = module("controls")
    page.evaluate(
        """
        () => {
          window.told = [];
          window.part = controls.choice({
            label: "image x", value: 1, className: "mine", onchange: (value) => told.push(value),
            options: [[0, "zero", "image 1"], [1, "one", null], [-1, "a sample"]] });
          document.body.replaceChildren(part.element);
        }
        """
    )
    chosen = "() => [...document.querySelectorAll('input')].map((it) => it.checked)"
    assert page.evaluate(chosen) == [False, True, False]
    assert page.get_by_role("group", name="image x").count() == 1
    assert page.locator("fieldset.vl-choice.mine > label > .vl-option").all_text_contents() == [
        "zero",
        "one",
        "a sample",
    ]
    assert attributes(page, "input", "type", "aria-label") == [["radio", "image 1"], ["radio", None], ["radio", None]]
    page.get_by_role("radio", name="a sample").check()
    assert page.evaluate("() => told") == [-1] and page.evaluate(chosen) == [False, False, True]
    by_key = "() => document.querySelector('fieldset').classList.contains('vl-by-key')"
    assert not page.evaluate(by_key)
    page.keyboard.press("ArrowUp")
    assert page.evaluate("() => told") == [-1, 1] and page.evaluate(by_key)
    page.get_by_role("radio", name="image 1").click()
    assert page.evaluate("() => told") == [-1, 1, 0] and not page.evaluate(by_key)
    page.evaluate("() => part.set(null)")
    assert page.evaluate(chosen) == [False] * 3
    page.evaluate("() => part.set(-1)")
    assert page.evaluate(chosen) == [False, False, True] and page.evaluate("() => told.length") == 3


def test_the_slider_of_beta_goes_from_0_to_100(module):
    page = module("beta")
    page.evaluate(
        """
        () => {
          window.state = { beta: 1 };
          window.part = beta.betaSlider({ state, set: (changes) => Object.assign(state, changes) });
          document.body.replaceChildren(part.element);
        }
        """
    )
    slider, says = page.get_by_role("slider", name="β"), "() => document.querySelector('output').value"
    assert page.evaluate(says) == "β = 1"
    place = slider.evaluate("it => Number(it.value) / Number(it.max)")
    assert place == pytest.approx(0.5 + 0.5 * math.log(1.01) / math.log(100), abs=1 / 400)
    slider.press("Home")
    assert page.evaluate("() => state.beta") == 0 and page.evaluate(says) == "β = 0"
    slider.press("ArrowRight")
    first = 100 ** (2 / 400 - 1) - 0.01
    assert page.evaluate("() => state.beta") == pytest.approx(first, rel=5e-3)
    slider.press("End")
    assert page.evaluate("() => state.beta") == pytest.approx(100, rel=1e-3)
    page.evaluate("() => { state.beta = 20.3; part.show(); }")  # from Python, between two places
    assert page.evaluate(says) == "β = 20"
    slider.press("ArrowLeft")
    after = page.evaluate("() => state.beta")
    assert 18.5 < after < 20.3 and float(f"{after:.3g}") == after
    middle = slider.evaluate("it => { it.value = 300; it.dispatchEvent(new Event('input')); return state.beta; }")
    assert middle == pytest.approx(100**0.5 - 0.01, rel=1e-3)


# pad


def test_a_pad_answers_to_keys_and_pointer(module):
    page = module("pad")
    page.evaluate(
        """
        () => {
          window.told = [];
          const element = document.createElement("div");
          element.style = "width: 100px; height: 100px";
          window.part = pad.pad({ plane: { element, valueAt: () => [7, 8] }, ranges: [[-1, 1], [0, 10]], home: [0, 5],
            label: "the plane", className: "mine", place: () => place,
            text: (place) => place.join(" and "), onmove: (to) => told.push(to) });
          document.body.replaceChildren(part.element);
          window.place = [0.5, 2];
          part.show();
        }
        """
    )
    pad = page.get_by_role("slider", name="the plane")
    values = [f"aria-value{name}" for name in ("min", "max", "now", "text")]
    assert attributes(page, ".vl-pad.mine", "tabindex", *values) == [[0, -1, 1, 0.5, "0.5 and 2"]]  # fmt: skip
    assert pad.locator("div").get_attribute("aria-hidden") == "true"
    moves = {
        "ArrowRight": [0.52, 2], "ArrowLeft": [0.48, 2], "ArrowUp": [0.5, 2.1], "ArrowDown": [0.5, 1.9],
        "Shift+ArrowRight": [0.7, 2], "Shift+ArrowUp": [0.5, 3], "Home": [0, 5],
    }  # fmt: skip
    for key, to in moves.items():
        pad.press(key)
        assert page.evaluate("() => told.pop()") == pytest.approx(to), key
    for key in ("Control+ArrowUp", "Alt+ArrowUp", "Meta+ArrowUp", "a", "End"):
        pad.press(key)
    assert page.evaluate("() => told") == []
    page.evaluate("() => { place = [1, 0.3]; }")
    pad.press("ArrowRight")
    pad.press("Shift+ArrowDown")
    assert page.evaluate("() => told.splice(0)") == [[1, 0.3], [1, 0]]
    heard = """
    (key) => {
      let above = 0;
      const listen = () => above++;
      document.addEventListener("keydown", listen);
      const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
      part.element.dispatchEvent(event);
      document.removeEventListener("keydown", listen);
      return [above, event.defaultPrevented];
    }
    """
    assert page.evaluate(heard, "ArrowUp") == [0, True] and page.evaluate(heard, "b") == [1, False]
    page.evaluate("() => told.splice(0)")
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    assert page.evaluate("() => told.length") == 0
    page.mouse.down(button="right")
    page.mouse.up(button="right")
    assert page.evaluate("() => told.length") == 0
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 50)
    page.mouse.up()
    assert page.evaluate("() => told") == [[7, 8]] * 2


# mnist


@pytest.mark.parametrize("at", [0, 5, 27 * 28, 28 * 28 - 1])
def test_a_dot_wherever_it_is_fills_the_box_in_the_middle(at, module):
    page = module("mnist")
    ink = [0] * 784
    assert page.evaluate("(ink) => mnist.asInMnist(ink, 28, 28)", ink) == ink
    ink[at] = 0.6
    image = page.evaluate("(ink) => mnist.asInMnist(ink, 28, 28)", ink)
    right = [0.6 * (4 <= k // 28 < 24 and 4 <= k % 28 < 24) for k in range(784)]
    assert image == pytest.approx(right)


# classes, formula, pictures


def test_classes_have_a_key_and_images_to_choose(module):
    page = module("classes")
    palette = {"class_colours": list(CLASS_COLOURS), "class_markers": CLASS_MARKERS}
    page.evaluate(
        """
        (palette) => {
          const pixels = Float32Array.from({ length: 18 }, (_, i) => i / 17);
          window.told = [];
          window.part = classes.classPicker({
            label: "image", classes: [7, 0, 3], palette, shape: [1, 2, 3], pixels, value: 1,
            onchange: (k) => told.push(k) });
          document.body.replaceChildren(classes.legend(palette, [9, 3, 3, 0, 9]), part.element);
        }
        """,
        palette,
    )
    assert page.locator(".vl-legend .vl-key").all_text_contents() == ["0", "3", "9"]
    assert page.locator(".vl-pick .vl-key").all_text_contents() == ["7", "0", "3"]
    assert [name for [name] in attributes(page, "input", "aria-label")] == [
        "test image 1, class 7", "test image 2, class 0", "test image 3, class 3",
    ]  # fmt: skip
    shown = page.eval_on_selector_all(
        "canvas", "all => all.map((it) => [...it.getContext('2d').getImageData(0, 0, it.width, it.height).data])"
    )
    grey = [255 - round(255 * i / 17) for i in range(18)]
    for k, image in enumerate(shown):
        assert image[::4] == image[1::4] == image[2::4] == pytest.approx(grey[6 * k : 6 * k + 6], abs=1)
    assert page.locator("input").evaluate_all("all => all.map((it) => it.checked)") == [False, True, False]
    page.locator("input").nth(2).check(force=True)
    assert page.evaluate("() => told") == [2]


def test_the_formula_says_its_numbers(module):
    page = module("formula")
    page.evaluate(
        "() => { window.part = formula.formula(); part.draw({ distortion: 22.34, beta: 2, rate: 10 });"
        " document.body.replaceChildren(part.element); }"
    )
    assert page.locator(".vl-term").all_text_contents() == ["22.3", "2", "10.0", "42.3"]
    assert (
        " ".join(page.locator(".vl-formula").text_content().split())
        == "L = |x − x̂| + β · Σ KL = 22.3 + 2 · 10.0 = 42.3"
    )
    assert page.locator("[role=math]").get_attribute("aria-label") == (
        "L is the distortion 22.3 plus β 2 times the rate 10.0, together 42.3 nats"
    )


def test_a_strip_is_one_picture_of_many_images(module):
    page = module("pictures")
    page.evaluate(
        """
        () => {
          window.part = pictures.strip(2, [3, 1, 2], "two images", "mine");
          window.one = pictures.picture([3, 1, 2], "alone", "large");
          const options = pictures.imageOptions(2, [1, 1, 1], [0, 1]);
          document.body.replaceChildren(part.element, one.element, ...options.map((it) => it[1]));
          const pixels = Array.from({ length: 12 }, (_, i) => i / 15);
          part.draw(pixels);
          one.draw(pixels, 3);
        }
        """
    )
    read = "all => all.map((it) => [...it.getContext('2d').getImageData(0, 0, it.width, it.height).data])"
    first, second, alone, black, white = page.eval_on_selector_all("canvas", read)

    def colours(from_):
        return [17 * (from_ + at) if at is not None else 255 for at in (0, 2, 4, None, 1, 3, 5, None)]

    assert first == colours(0) and second == colours(6) and alone == colours(3)
    assert black == [255] * 4 and white == [0, 0, 0, 255]
    assert attributes(page, ".vl-strip.mine", "role", "aria-label") == [["img", "two images"]]
    assert attributes(page, "canvas", "role", "aria-label")[:3] == [[None, None], [None, None], ["img", "alone"]]
    page.evaluate("() => (part.alt('others'), one.alt('another'))")
    assert attributes(page, "[role=img]", "aria-label") == [["others"], ["another"]]
    options = page.evaluate("() => pictures.imageOptions(2, [1, 1, 1], [0, 1]).map(([value, , name]) => [value, name])")
    assert options == [[0, "image 1"], [1, "image 2"]]


# state, explorer

MODEL = """
() => {
  const traits = { beta: 1, image: 0 };
  window.heard = [];
  window.kept = 0;
  const listeners = [];
  window.model = {
    get: (name) => traits[name],
    set(name, value) {
      traits[name] = value;
      for (const [names, listen] of [...listeners]) if (names.includes(`change:${name}`)) listen();
    },
    on: (names, listen) => listeners.push([names, listen]),
    off(names, listen) {
      const at = listeners.findIndex((one) => one[0] === names && one[1] === listen);
      if (at < 0) throw new Error("nobody listens so");
      listeners.splice(at, 1);
    },
    save_changes: () => kept++,
    listeners,
  };
}
"""


def test_the_state_is_shared_with_python(module):
    page = module("state")
    page.evaluate(MODEL)
    page.evaluate(
        "() => (window.shared = state.sharedState(model, ['beta', 'image'],"
        " { draw: () => heard.push('draw'), follow: () => heard.push('follow') }))"
    )
    now = "() => [shared.state.beta, model.get('beta'), heard.splice(0).join(), kept]"
    page.evaluate("() => shared.set({ beta: 2 })")
    assert page.evaluate(now) == [2, 2, "draw", 1]  # nobody follows what he said himself
    page.evaluate("() => model.set('beta', 3)")
    assert page.evaluate(now) == [3, 3, "follow", 1]
    for call, said in (
        ("shared.set({ gamma: 1 })", 'the state has no "gamma": is it declared?'),
        ("shared.state.gamma", 'the state has no "gamma": is it declared?'),
        ("state.valueOf(model, 'gamma')", 'the widget has no trait "gamma"'),
        ("state.asSent({ one: 1 }).two", 'a trait has no "two": is it declared?'),
    ):
        assert page.evaluate(f"() => {{ try {{ {call}; }} catch (error) {{ return error.message; }} }}") == said
    assert page.evaluate("() => state.valueOf(model, 'image')") == 0
    page.evaluate(
        "() => { try { model.save_changes = () => { throw new Error(); }; shared.set({ image: 4 }); } catch {} }"
    )
    assert page.evaluate("() => heard.splice(0).join()") == "draw"
    page.evaluate("() => model.set('image', 5)")
    assert page.evaluate("() => heard.splice(0).join()") == "follow", "after an error it listens again"
    page.evaluate("() => shared.stop()")
    assert page.evaluate("() => model.listeners.length") == 0
    bytes_ = page.evaluate("() => [...state.readBytes({ a: new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2) }).a]")
    assert bytes_ == [2, 3]


# A clock that a test sets: `untilFrame` ms are left, and to draw takes `takes` ms.
CLOCK = """
() => {
  window.clock = { now: 1000, takes: 0 };
  clock.set = (untilFrame) => (clock.lastFrame = clock.now - 1000 / 60 + untilFrame);
  clock.set(15);
  performance.now = () => clock.now;
  Object.defineProperty(document.timeline, "currentTime", { get: () => clock.lastFrame, configurable: true });
}
"""


@pytest.fixture
def an_explorer(module):
    """A page with an explorer that notes what is called in it."""
    page = module("explorer")
    page.evaluate(MODEL)
    page.evaluate(CLOCK)
    page.evaluate(
        """
        () => {
          model.set("words", {});
          model.set("palette", { blue: { light: "#001", dark: "#002" }, orange: { light: "#003", dark: "#004" } });
          const declared = explorer.explorer({
            label: () => "It", reads: { palette: (value) => value }, writes: ["beta", "image"],
            build: (view) => ((window.view = view), {
              children: ["inside"],
              draw() {
                if (clock.fails) throw new Error(clock.fails);
                heard.push(`draw ${view.state.beta}`);
                clock.now += clock.takes;
              },
              showControls: () => heard.push("controls"), onceShown: () => heard.push("shown"),
              stop: () => heard.push("stop"),
            }),
          });
          window.declared = declared;
          window.stop = declared.render({ model, el: document.body });
        }
        """
    )
    yield page
    page.evaluate("() => { delete performance.now; delete document.timeline.currentTime; }")


IN_A_FRAME = """
(moves) => {
  for (const move of moves) move();
  return new Promise((done) => setTimeout(() => done(heard.splice(0).join()), 100));
}
"""
THREE = f"() => ({IN_A_FRAME})([1, 2, 3].map((beta) => () => view.set({{ beta }})))"


def test_a_frame_draws_once_more_at_most(an_explorer):
    page = an_explorer
    said = "() => heard.splice(0).join()"
    assert page.evaluate(said) == "draw 1,shown"
    assert page.evaluate("() => [declared.reads, declared.writes]") == [["words", "palette"], ["beta", "image"]]
    assert attributes(page, "section.vl", "aria-label", "style") == [
        ["It", "--blue-on-light: #001; --blue-on-dark: #002; --orange-on-light: #003; --orange-on-dark: #004;"]
    ]
    assert page.evaluate(THREE) == "draw 1,draw 3"
    assert page.evaluate(f"() => ({IN_A_FRAME})([() => view.set({{ beta: 4 }})])") == "draw 4"
    assert page.evaluate(f"() => ({IN_A_FRAME})([() => view.setAndShow({{ beta: 5 }})])") == "draw 5,controls"
    assert page.evaluate(f"() => ({IN_A_FRAME})([() => model.set('image', 1)])") == "controls,draw 5"
    removed = f"() => ({IN_A_FRAME})([() => view.set({{ beta: 6 }}), () => view.set({{ beta: 7 }}), stop])"
    assert page.evaluate(removed) == "draw 6,stop", "what is gone is not drawn"
    assert page.evaluate("() => model.listeners.length") == 0


@pytest.mark.parametrize(
    ("until_frame", "takes", "drawn"),
    [
        (15, 0, "draw 1|draw 3"),  # at once, and what came after it in the frame
        (2.1, 0, "draw 1|draw 3"),
        (1.9, 0, "|draw 3"),  # the frame is near: all in the frame
        (12.1, 10, "draw 1|draw 3"),
        (11.9, 10, "|draw 3"),
        (14.5, 14.6, "|draw 3"),
        (14.5, 14.7, "draw 1|draw 3"),  # it would be late in any case
    ],
)
@pytest.mark.parametrize("clock_stands_at", [-1000, 0, 1])  # frames from the last: long ago, the last one, the next
def test_what_would_be_late_is_drawn_in_the_frame(an_explorer, until_frame, takes, drawn, clock_stands_at):
    page = an_explorer
    page.evaluate("(takes) => { clock.takes = takes; }", takes)
    page.evaluate(f"() => ({IN_A_FRAME})([() => view.set({{ beta: 9 }})])")
    page.evaluate(
        "([ms, frames]) => { clock.takes = 0; clock.set(ms); clock.lastFrame += frames * 1000 / 60; }",
        [until_frame, clock_stands_at],
    )
    at_once = "() => { view.set({ beta: 1 }); return heard.splice(0).join(); }"
    later = f"() => ({IN_A_FRAME})([2, 3].map((beta) => () => view.set({{ beta }})))"
    both = f"async () => [({at_once})(), await ({later})()].join('|')"
    assert page.evaluate(both) == drawn


def test_what_a_drawing_in_a_frame_took_is_known_at_the_next_move(an_explorer):
    page = an_explorer
    at_first = "() => { heard.splice(0); clock.set(2.1); view.set({ beta: 1 }); return heard.splice(0).join(); }"
    assert page.evaluate(at_first) == "draw 1", "nobody knows yet what it will take"
    page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
    page.evaluate("() => { clock.takes = 10; clock.set(1); }")  # the frame is near
    assert page.evaluate(f"() => ({IN_A_FRAME})([() => view.set({{ beta: 2 }})])") == "draw 2"
    at_once = "() => { clock.set(11); view.set({ beta: 3 }); return heard.splice(0).join(); }"
    assert page.evaluate(at_once) == "", "10 and 2 ms are more than 11"


@pytest.mark.parametrize("until_frame", [15, 1])  # it is drawn at once; in the frame
def test_after_an_error_in_a_drawing_the_next_move_is_drawn(an_explorer, until_frame):
    page = an_explorer
    page.evaluate(f"() => {{ heard.splice(0); clock.set({until_frame}); clock.fails = 'a fault'; }}")
    move = "() => { try { view.setAndShow({ beta: 2 }); } catch (error) { heard.push(error.message); } }"
    at_once = until_frame == 15
    assert page.evaluate(f"() => ({IN_A_FRAME})([{move}])") == ("controls,a fault" if at_once else "controls")
    page.evaluate("() => { clock.set(15); delete clock.fails; }")
    assert page.evaluate(f"() => ({IN_A_FRAME})([() => view.set({{ beta: 3 }})])") == "draw 3"
