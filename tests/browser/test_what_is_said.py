"""What an explorer says to those who do not see its pictures is what PyTorch computes; its buttons do as they say."""

import math

import pytest
import torch
from helpers import array, set_traits

from vaelib import digits, faces, kl_to_standard_normal
from vaelib.explorers import (
    compare_codes,
    draw_a_digit,
    explore_beta,
    explore_latents,
    explore_loss,
    explore_map,
    watch_training,
)
from vaelib.landscape import loss_landscape
from vaelib.measures import evaluate
from vaelib.trained import trained, training_run


def tidy(value):
    size = abs(value)
    text = f"{value:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f}"
    return (text.removeprefix("-") if not float(text) else text).replace("-", "−")


def is_called(page, name):
    assert page.locator("section.vl").get_attribute("aria-label") == name


def signed(value):
    return ("+" if value > 0.005 else "") + tidy(value)


def pair(values):
    one, other = values
    return f"({tidy(one)}, {tidy(other)})"


def z(j):
    return "z" + "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(j + 1))


def heard(page):
    """The names of all pictures, in their order, when no hand has moved for a while."""
    page.wait_for_timeout(250)
    return page.locator("[role=img]").evaluate_all("all => all.map((it) => it.ariaLabel).filter((it) => it)")


def state(page, *names):
    return page.evaluate("(names) => names.map((name) => model.get(name))", names)


def outputs(page):
    return page.locator("output").evaluate_all("all => all.map((it) => it.value)")


@torch.no_grad()
def test_explore_beta(shown):
    widget = explore_beta()
    page, images = shown(widget), array(widget, "images")
    is_called(page, "Explore β")
    for beta in (10.0, 0.5):
        set_traits(page, beta=beta, image=2)
        right = evaluate(trained("faces").at(beta), images)
        at, dead = f"at β = {beta:g}", (right.rate_per_latent < 0.01).sum()
        numbers = f"rate {tidy(right.rate)} nats, distortion {tidy(right.distortion)} nats"
        assert heard(page) == [
            "the chosen image x",
            f"its reconstruction x̂ {at}",
            f"reconstructions of the 8 images {at}, each from one sample z",
            f"8 samples of the prior {at}",
            f"the posterior of each latent for the chosen image {at}",
            f"KL of each latent {at}: {tidy(right.rate)} nats together, {dead} of 10 latents collapsed",
            f"{numbers} {at}, on the curve from β = 0 to 100",
        ]
        grey = page.locator(".vl-panel:nth-child(1) svg > g.vl-collapsed").count()
        assert grey == page.locator(".vl-panel:nth-child(2) svg > g.vl-collapsed").count() == dead
    assert page.locator(".vl-three .vl-title").all_text_contents() == [
        "q(z|x) of the chosen image",
        f"KL of each latent, {len(images)} images",
        f"rate and distortion, {len(images)} images",
    ]
    assert page.locator("figcaption").all_text_contents() == ["image x", "x̂ from its mean μ"]
    frame = page.locator(".vl-three .vl-panel:nth-child(3) rect").bounding_box()
    curve = page.locator(".vl-curve").bounding_box()
    for at, size in (("x", "width"), ("y", "height")):
        assert frame[at] < curve[at] + 6 and curve[at] + curve[size] < frame[at] + frame[size] + 6
        assert curve[size] > 0.6 * frame[size], "the curve fills the plane"
    page.get_by_role("slider", name="β").press("Home")
    page.get_by_role("radio", name="image 5").check(force=True)
    assert state(page, "beta", "image") == [0, 4]
    page.evaluate("() => (model.set('beta', 3), cleanUp())")
    page.evaluate("() => (window.late = document.querySelector('.vl-plot').ariaLabel)")
    page.wait_for_timeout(250)
    assert page.evaluate("() => document.querySelector('.vl-plot').ariaLabel === late"), (
        "what is gone says nothing more"
    )


def test_explore_latents(shown):
    widget = explore_latents()
    page, kl = shown(widget), widget.about["kl"]
    is_called(page, "Explore the latents")
    order = sorted(range(10), key=lambda j: -kl[j])
    dead = [j for j in order if kl[j] < 0.01]
    assert page.locator(".vl-wide .vl-title").text_content() == f"latents by KL (nats); {len(dead)} of 10 collapsed"
    names = page.locator(".vl-wide .vl-slider label").all_text_contents()
    assert names == [f"{z(j)} collapsed" if j in dead else f"{z(j)} KL {tidy(kl[j])}" for j in order]
    grey = page.locator(".vl-wide .vl-slider").evaluate_all("all => all.map((it) => it.matches('.vl-collapsed'))")
    assert grey == [j in dead for j in order] and any(grey)

    def said(start, latents, attributes):
        added = [f"{z(j)} {signed(latents[j])}" for j in order if latents[j]]
        added += [
            f"{name} {signed(value)}" for name, value in zip(widget.about["names"], attributes, strict=True) if value
        ]
        return [f"decoded by the {model}: {', '.join([start, *added])}" for model in ("UAE", "VAE")]

    assert heard(page) == said("image 1", [0] * 10, [0] * 6)
    latents, attributes = [0.0] * 10, [0.0] * 6
    latents[order[1]], latents[order[4]], attributes[2], attributes[5] = 1.0, -0.5, 0.5, -1.0
    set_traits(page, latents=latents, attributes=attributes, image=3)
    assert heard(page) == said("image 4", latents, attributes)
    assert outputs(page) == [f"{signed(latents[j])} σ" for j in order] + [signed(value) for value in attributes]
    captions, remark = page.locator("figcaption"), page.locator(".vl-narrow .vl-said")
    assert captions.all_text_contents() == ["UAE: h of the image", "VAE: μ of the image"] and not remark.text_content()
    assert page.locator("input:checked").get_attribute("aria-label") == "image 4"
    page.locator(".vl-wide input").nth(2).press("ArrowRight")
    latents[order[2]] = 0.05
    assert state(page, "latents", "attributes") == [pytest.approx(latents), attributes]
    page.get_by_role("button", name="reset").click()
    assert state(page, "latents", "attributes", "image") == [[0] * 10, [0] * 6, 3]
    assert outputs(page) == ["0.00 σ"] * 10 + ["0.00"] * 6
    set_traits(page, latents=[0.5] * 10)
    page.get_by_role("button", name="surprise me").click()
    sample, *rest = state(page, "sample", "latents", "attributes", "image")
    assert rest == [[0] * 10, [0] * 6, -1] and len({*sample}) == 10 and outputs(page)[0] == "0.00 σ"
    assert heard(page) == said("a sample of N(0, I)", *rest[:2])
    assert captions.all_text_contents() == ["UAE: h drawn from N(0, I)", "VAE: z from its prior N(0, I)"]
    assert remark.text_content().startswith("The same draw")
    page.get_by_role("radio", name="image 6").check(force=True)
    page.get_by_role("slider", name="smile").press("ArrowRight")
    assert state(page, "image", "attributes")[0] == 5 and max(state(page, "attributes")[0]) == 0.02


@torch.no_grad()
def test_compare_codes(shown):
    widget = compare_codes()
    page, names, truths = shown(widget), widget.about["names"], faces(8, seed=1).factors
    is_called(page, "Compare the codes of a UAE and a VAE")
    shifts = [0.0, 0.5, 0.0, -0.3, 0.0, 0.0]
    set_traits(page, image=4, shifts=shifts, noise=2.5)
    added = torch.tensor(shifts)
    h, mu = (array(widget, f"{name}.codes")[4] + added @ array(widget, f"{name}.table") for name in ("uae", "vae"))
    values, means = (
        (code @ array(widget, f"{name}.weight").T + array(widget, f"{name}.bias")).tolist()
        for code, name in ((h, "uae"), (mu, "vae"))
    )
    spread = (2.5 * array(widget, "vae.sigmas")[4]).square() @ array(widget, "vae.weight").square().T
    widths = spread.sqrt().tolist()
    face = f"image 5, {names[1]} +0.50, {names[3]} −0.30"

    def readings(texts):
        drawn = [
            f"{name} {text}, drawn with {tidy(t)}"
            for name, text, t in zip(names, texts, truths[4].tolist(), strict=True)
        ]
        return f"of {face}: {'; '.join(drawn)}"

    bells = [f"{tidy(mean)} ± {tidy(width)}" for mean, width in zip(means, widths, strict=True)]
    assert heard(page) == [
        "image 5",
        f"what the UAE's code says {readings([tidy(value) for value in values])}",
        f"decoded by the UAE: {face}",
        f"what the VAE's posterior says {readings(bells)}",
        f"4 samples decoded by the VAE, with noise of 2.50 σ: {face}",
    ]
    assert outputs(page) == ["2.50 σ", *map(signed, shifts)]
    assert page.locator(".vl-paths .vl-title").all_text_contents() == [
        "UAE: a number for each attribute", "VAE: a bell for each attribute",
    ]  # fmt: skip
    assert page.locator("figcaption").all_text_contents() == ["image x", "x̂ from h", "x̂ of 4 draws z"]
    [first] = attributes_of(page.locator(".vl-code-of-uae .vl-axis").first, "x1", "x2")
    marks = page.locator(".vl-code-of-uae text[text-anchor=middle]")
    zero, half, one = (mark[0] for mark in attributes_of(marks, "x"))
    width = first[1] - first[0]
    assert [(x - first[0]) / width for x in (zero, half, one)] == pytest.approx([0.2 / 1.4, 0.5, 1.2 / 1.4])
    before = state(page, "epsilon")[0]
    page.get_by_role("button", name="draw again").click()
    [after] = state(page, "epsilon")
    assert [len(row) for row in after] == [10] * 4 and after != before
    page.get_by_role("button", name="reset").click()
    assert state(page, "shifts") == [[0] * 6] and outputs(page) == ["2.50 σ"] + ["0.00"] * 6
    page.get_by_role("slider", name="noise").press("Home")
    page.get_by_role("radio", name="image 2").check(force=True)
    page.get_by_role("slider", name="glasses").press("ArrowLeft")
    assert state(page, "noise", "image", "shifts") == [0, 1, [-0.02 * (name == "glasses") for name in names]]
    set_traits(page, noise=4.0, image=7)
    assert outputs(page)[0] == "4.00 σ" and page.locator("input:checked").get_attribute("aria-label") == "image 8"


def attributes_of(locator, *names):
    return locator.evaluate_all(
        "(all, names) => all.map((it) => names.map((name) => Number(it.getAttribute(name))))", names
    )


@torch.no_grad()
def test_explore_loss(shown):
    widget = explore_loss()
    page, vae, images = shown(widget), trained("faces").at(1.0), faces(8, seed=1).images
    is_called(page, "Explore the loss")
    for image, latent, mu, sigma, beta in ((2, 6, 0.5, 0.3, 10), (0, 3, -1.25, 0.05, 0)):
        set_traits(page, image=image, latent=latent, mu=mu, sigma=sigma, beta=beta)
        place = torch.tensor([mu, mu]), torch.tensor([sigma, sigma])
        land = loss_landscape(vae, images[image : image + 1], latent, *place)
        distortion, rate = land.distortion[0, 0].item(), land.rate[0, 0].item()
        text = f"{sigma:.{3 if sigma < 0.095 else 2}f}"
        at = f"at μ = {tidy(mu)}, σ = {text}"
        assert heard(page) == [
            f"the reconstruction term: {tidy(distortion)} nats {at}",
            f"β times KL: {tidy(beta * rate)} nats {at}, β = {beta}",
            f"the chosen image {image + 1}",
            f"decoded with {z(latent)} = μ − σ, μ and μ + σ, {at}; the other latents as the encoder says",
            f"the bell curve of {z(latent)} {at}, over the prior",
        ]
        ball = page.get_by_role("slider", name="the ball: μ across, σ upwards")
        assert (
            ball.get_attribute("aria-valuetext")
            == f"μ = {tidy(mu)}, σ = {text}, loss {tidy(distortion + beta * rate)} nats"
        )
        places = [attributes_of(page.locator(f".{one} rect"), "x", "y", "width", "height")[0] for one in PLANES]
        for one, (x, y, width, height) in zip(PLANES, places, strict=True):
            upwards = math.log(sigma / 0.01) / math.log(200)
            right = (x + width * (mu + 3) / 6, y + height * (1 - upwards))
            assert translated(page, f".{one} .vl-ball") == pytest.approx(right, abs=0.1)
            right = (x + width / 2, y + height * (1 - math.log(100) / math.log(200)))
            assert translated(page, f".{one} .vl-cross-here") == pytest.approx(right, abs=0.1)
        answer = translated(page, ".vl-sum .vl-answer")
        [word] = attributes_of(page.locator(".vl-sum .vl-word").nth(1), "x", "y")
        to_the_left = answer[0] > places[0][0] + places[0][2] * (0.5 + 0.55 / 2)
        assert word == pytest.approx([answer[0] + (-17 if to_the_left else 17), answer[1] + 6], abs=0.1)
    assert page.locator(".vl-sum .vl-word").all_text_contents() == ["prior", "encoder"]
    assert page.locator(".vl-more .vl-word").all_text_contents() == [""] * 4
    crosses = [page.locator(f".{one} .vl-cross-here").get_attribute("d") for one in PLANES]
    assert crosses == ["M-9 0H9M0 -9V9", *["M-5.4 0H5.4M0 -5.3999999999999995V5.3999999999999995"] * 2] or all(
        cross.startswith("M-5.") for cross in crosses[1:]
    )
    dead = widget.about["collapsed"]
    latents = page.locator(".vl-latents input").evaluate_all("all => all.map((it) => it.ariaLabel)")
    assert latents == [f"{z(j)}, collapsed" if dead[j] else z(j) for j in range(10)] and any(dead)
    grey = page.locator(".vl-latents .vl-option > span").evaluate_all(
        "all => all.map((it) => it.matches('.vl-collapsed'))"
    )
    assert grey == dead
    page.get_by_role("radio", name="image 5").check(force=True)
    page.locator(".vl-latents input").nth(8).check(force=True)
    assert state(page, "image", "latent") == [4, 8]
    set_traits(page, image=1, latent=2)
    assert page.locator("input:checked").evaluate_all("all => all.map((it) => it.ariaLabel)")[0] == "image 2"
    marks = page.locator(".vl-sum text[text-anchor=end]").all_text_contents()
    assert [mark for mark in marks if mark[:1].isdigit()] == ["0.01", "0.03", "0.1", "0.3", "1"]
    assert page.locator(".vl-more .vl-relief text:not(.vl-word)").evaluate_all(
        "all => all.every((it) => !it.textContent)"
    )


PLANES = ("vl-sum", "vl-of-distortion", "vl-of-rate")


def translated(page, selector):
    return page.locator(selector).evaluate("it => it.getAttribute('transform').match(/[-.0-9]+/g).map(Number)")


@torch.no_grad()
def test_explore_map(shown):
    widget = explore_map()
    page, x = shown(widget), digits("test").images[:300]
    is_called(page, "Explore the map")
    h, q = trained("digits-uae").encode(x), trained("digits").at(1.0).encode(x)
    set_traits(page, h=[1.5, -2.25], z=[0.5, -1.0], image=4)
    row = widget.about["rows_to_choose"][4]
    assert heard(page) == ["decoded by the UAE at h = (1.50, −2.25)", "decoded by the VAE at z = (0.50, −1.00)"]
    assert page.locator(".vl-aside .vl-block").all_text_contents() == [
        "h₁ = 1.50",
        "h₂ = −2.25",
        "z₁ = 0.50",
        "z₂ = −1.00",
    ]
    texts = page.locator(".vl-panel > .vl-said .vl-block").all_text_contents()
    assert texts == [
        f"x: h = {pair(h[row].tolist())}",
        "rings: the 10 images x",
        f"x: μ = {pair(q.mean[row].tolist())}, σ = {pair(q.stddev[row].tolist())}",
        "ellipses: q(z|x), 1\u00a0σ; dashed: N(0, 1), 1\u00a0σ and 2\u00a0σ",
    ]
    titles = page.locator(".vl-panel > .vl-title").all_text_contents()
    assert titles == ["UAE: x → point h", "VAE: x → distribution q(z|x)"]
    assert page.locator("figcaption").all_text_contents() == ["decoded h", "decoded z"]
    assert page.locator(".vl-pick .vl-key").all_text_contents() == [str(int(k)) for k in digits("test").labels[:10]]
    for pad, at in zip(page.locator(".vl-pad").all(), ("(1.50, −2.25)", "(0.50, −1.00)"), strict=True):
        assert pad.get_attribute("aria-valuetext") == at
        axes = pad.locator("svg > text").all_text_contents()[-2:]
        assert axes in (["h₁", "h₂"], ["z₁", "z₂"])
    [ring] = {tuple(one) for one in attributes_of(page.locator(".vl-ring"), "rx", "ry")}
    [frame] = attributes_of(page.locator(".vl-map rect").first, "x", "y", "width", "height")
    assert ring == pytest.approx((0.012 * frame[2],) * 2)
    x1, x2 = attributes_of(page.locator(".vl-cross line").first, "x1", "x2")[0]
    y1, y2 = attributes_of(page.locator(".vl-cross line").nth(1), "y1", "y2")[0]
    assert (x1, x2, y2, y1) == pytest.approx((frame[0], frame[0] + frame[2], frame[1], frame[1] + frame[3]))
    set_traits(page, h=[1e4, -1e4])  # beyond the plane: at its edge
    [place] = attributes_of(page.locator(".vl-cross circle").first, "cx", "cy")
    assert place == pytest.approx([frame[0] + frame[2], frame[1] + frame[3]])
    alone = shown(explore_map(autoencoder=None, vae=trained("digits").at(1.0)))
    assert alone.locator(".vl-pad").count() == 1
    assert attributes_of(alone.locator(".vl-map rect"), "width")[0][0] > 1.3 * frame[2]


@torch.no_grad()
def test_draw_a_digit(shown):
    page, vae = shown(draw_a_digit()), trained("digits").at(1.0)
    is_called(page, "Draw a digit")
    digit_plane = "the VAE's plane with 300 test images by class"
    assert heard(page)[1:] == ["empty: nothing is drawn yet"] * 3 + [digit_plane]
    blank = page.locator(".vl-seen, .vl-samples canvas").evaluate_all(
        "all => all.every((it) => it.getContext('2d').getImageData(0, 0, 28, 28).data.every((byte) => byte === 255))"
    )
    assert blank, "nothing is shown of nothing"
    x = digits("test").images[5:6]
    assert page.locator(".vl-hint").is_visible()
    set_traits(page, image=x[0, 0].tolist())
    assert not page.locator(".vl-hint").is_visible()
    q = vae.encode(x)
    lines = [f"{z(j)}: μ = {tidy(q.mean[0, j].item())}, σ = {tidy(q.stddev[0, j].item())}" for j in (0, 1)]
    assert heard(page)[1:] == [
        "the digit as the network sees it, 28 × 28",
        f"its reconstruction x̂ from μ = {pair(q.mean[0].tolist())}",
        "4 samples of its posterior, decoded",
        f"its posterior on {digit_plane}: {'; '.join(lines)}",
    ]
    rate = kl_to_standard_normal(q).sum().item()
    assert page.locator(".vl-numbers-of div").all_text_contents() == [*lines, f"Σ KL = {tidy(rate)} nats"]
    assert page.locator("figcaption").all_text_contents() == [
        "or draw a digit", "x, 28 × 28", "x̂ from μ", "4 samples of q(z|x), decoded",
    ]  # fmt: skip
    assert page.locator("input:checked").get_attribute("aria-label").startswith("test image 6, class ")
    [ring] = attributes_of(page.locator(".vl-halo"), "cx", "cy")
    [ellipse] = attributes_of(page.locator(".vl-chosen"), "cx", "cy")
    assert ring == ellipse and page.locator(".vl-halo").is_visible()


def test_watch_training(shown):
    uae, vae = training_run()
    page = shown(watch_training())
    is_called(page, "Watch a training run")
    for epoch, when in ((0, "before the training"), (7, "after epoch 7 of 12"), (12, "after epoch 12 of 12")):
        set_traits(page, epoch=epoch)
        terms, (_, rate) = uae.frames[epoch].losses.tolist(), vae.frames[epoch].losses.tolist()
        distortion = vae.frames[epoch].losses.tolist()[0]
        count, pairs, points = len(uae.frames[0].samples), len(uae.images), len(uae.labels)
        said = []
        for name, codes in (("UAE", "codes"), ("VAE", "posteriors")):
            said += [
                f"the {name}'s plane {when}: the {codes} of {points} test images by class",
                f"{count} draws of N(0, 1) decoded by the {name} {when}",
                f"{pairs} test images, and below their reconstructions by the {name} {when}",
            ]
        assert heard(page) == [
            *said,
            f"reconstruction of the test images in nats {when}: UAE {tidy(terms[0])}, VAE {tidy(distortion)}",
            f"KL of the test images in nats {when}: VAE {tidy(rate)}",
        ]
        titles = page.locator(".vl-half .vl-title").all_text_contents()
        assert titles == [
            f"reconstruction: ■ UAE {tidy(terms[0])}, ● VAE {tidy(distortion)}",
            f"KL: ● VAE {tidy(rate)}, the UAE has none",
        ]
        for k, marks in enumerate(((".vl-mark-uae", ".vl-mark-vae"), (".vl-mark-vae",))):
            plot = page.locator(".vl-half").nth(k)
            [frame] = attributes_of(plot.locator("rect.vl-axis"), "x", "y", "width", "height")
            across = frame[0] + frame[2] * epoch / 12
            assert attributes_of(plot.locator(".vl-cursor"), "x1", "x2") == [pytest.approx([across] * 2)]
            for mark in marks:
                place = attributes_of(plot.locator(mark), *(("x", "y") if mark.endswith("uae") else ("cx", "cy")))[0]
                line = plot.locator(f".vl-loss-{mark[-3:]}").get_attribute("d")[1:].split("L")
                assert len(line) == 13 and place == pytest.approx([float(v) for v in line[epoch].split()], abs=0.06)
                assert frame[1] < place[1] < frame[1] + frame[3]
    assert page.locator("figcaption").all_text_contents() == [
        "from N(0, 1)", "x, and below x̂", "from the prior", "x, and below x̂",
    ]  # fmt: skip
    assert page.locator(".vl-panel:has(.vl-beside) > .vl-title").all_text_contents() == [
        "UAE: x → point h", "VAE: x → distribution q(z|x)",
    ]  # fmt: skip
    assert page.locator(".vl-legend .vl-key").all_text_contents() == [str(k) for k in range(10)]
    assert page.locator(".vl-ellipse").count() == 30
    floor = page.locator(".vl-half").nth(1).locator("text[text-anchor=end]").all_text_contents()
    assert floor[0] == "0", "KL begins at 0"
