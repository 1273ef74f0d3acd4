"""The three explorers of the handwritten digits, on a bare page: what they show is right, and hands can move it."""

import re

import pytest
import torch
from helpers import same_numbers, same_pictures, set_traits

from vaelib import VAE, digits, faces, kl_to_standard_normal
from vaelib.explorers import draw_a_digit, explore_map, watch_training
from vaelib.explorers.base import FOLDER
from vaelib.recording import Recording
from vaelib.trained import trained, training_run


def read(page, expression):
    return page.evaluate(expression)


def ellipses(page, selector):
    """[(cx, cy, rx, ry)] in the units of the drawing."""
    values = page.eval_on_selector_all(
        selector, "all => all.map((it) => ['cx', 'cy', 'rx', 'ry'].map((name) => Number(it.getAttribute(name))))"
    )
    return torch.tensor(values)


class Axes:
    """From latents to places in the drawing, found from the circle of radius 2 that is the prior's."""

    def __init__(self, page):
        centre_x, centre_y, rx, ry = ellipses(page, ".vl-prior")[-1].tolist()
        self.centre, self.unit = torch.tensor([centre_x, centre_y]), rx / 2
        assert rx == pytest.approx(ry), "the two axes must have one scale"

    def drawn(self, mu, sigma):
        centre = self.centre + self.unit * mu * torch.tensor([1, -1])
        return torch.cat([centre, self.unit * sigma], dim=1)


# explore_map


@torch.no_grad()
def test_explore_map_shows_what_pytorch_computes(shown):
    vae, uae, x = trained("digits").at(1.0), trained("digits-uae"), digits("test").images[:300]
    page = shown(explore_map())
    q, h = vae.encode(x), uae.encode(x)
    same_pictures(page, ".vl-big", torch.cat([uae.decode(h[:1]), vae.decode(q.mean[:1])]))  # at first, the first image
    same_pictures(page, ".vl-pick canvas", x[:10])
    places = 6 * torch.randn(8, 2, 2, generator=torch.Generator().manual_seed(0))
    for k, (at_h, at_z) in enumerate(places):
        set_traits(page, h=at_h.tolist(), z=at_z.tolist(), image=k)
        same_pictures(page, ".vl-big", torch.cat([uae.decode(at_h[None]), vae.decode(at_z[None])]))
        same_numbers(page, ".vl-aside .vl-block", [*at_h.tolist(), *at_z.tolist()])
        for parts, mark in ((".vl-ellipse", ".vl-chosen"), (".vl-ring", ".vl-chosen"), ("input", ":checked")):
            matches = page.locator(parts).evaluate_all(f"all => all.map((it) => it.matches('{mark}'))")
            assert [at for at, yes in enumerate(matches) if yes] == [k], parts
    right = Axes(page).drawn(q.mean[:10], q.stddev[:10])
    torch.testing.assert_close(ellipses(page, ".vl-ellipse"), right, atol=0.02, rtol=0)
    marks = page.locator(".vl-marks").nth(1).locator("path")
    marks = marks.evaluate_all("all => all.map((it) => it.getAttribute('transform').match(/[-.0-9]+/g).map(Number))")
    torch.testing.assert_close(torch.tensor(marks), Axes(page).drawn(q.mean, q.stddev)[:, :2], atol=0.06, rtol=0)


def test_explore_map_is_dragged_and_goes_by_keys(shown):
    page = shown(explore_map())
    for letter, name in (("h", "UAE"), ("z", "VAE")):
        pad = page.get_by_role("slider", name=f"latent plane of the {name}")
        other = read(page, f"model.get('{'z' if letter == 'h' else 'h'}')")
        box = pad.bounding_box()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.2 * box["height"], steps=4)
        page.mouse.up()
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])  # without a button: nothing
        ring = pad.locator(".vl-cross circle").bounding_box()
        assert ring["x"] + ring["width"] / 2 == pytest.approx(box["x"] + 0.7 * box["width"], abs=1)
        assert ring["y"] + ring["height"] / 2 == pytest.approx(box["y"] + 0.2 * box["height"], abs=1)

        pad.focus()
        low, high = (float(pad.get_attribute(f"aria-value{end}")) for end in ("min", "max"))
        steps = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowUp": (0, 1), "ArrowDown": (0, -1)}
        for key, towards in steps.items():
            for shift, size in (("", 0.01), ("Shift+", 0.1)):
                before = read(page, f"model.get('{letter}')")
                page.keyboard.press(shift + key)
                after = read(page, f"model.get('{letter}')")
                moved = [(b - a) / (high - low) for a, b in zip(before, after, strict=True)]
                assert moved == pytest.approx([size * t for t in towards], abs=1e-6), shift + key
        assert pad.get_attribute("aria-valuetext").startswith("(")
        page.keyboard.press("Home")
        middle = read(page, f"model.get('{letter}')")
        assert middle == ([0, 0] if letter == "z" else pytest.approx([(low + high) / 2, middle[1]]))
        assert read(page, f"model.get('{'z' if letter == 'h' else 'h'}')") == other


@torch.no_grad()
def test_a_chosen_image_takes_both_points_to_its_code(shown):
    page = shown(explore_map())
    page.locator("input").nth(7).check(force=True)
    x = digits("test").images[7:8]
    assert read(page, "model.get('image')") == 7
    assert read(page, "model.get('h')") == pytest.approx(trained("digits-uae").encode(x)[0].tolist(), abs=1e-4)
    assert read(page, "model.get('z')") == pytest.approx(trained("digits").at(1.0).encode(x).mean[0].tolist(), abs=1e-4)


# draw_a_digit

STROKES = {
    0: [[(150, 40), (90, 80), (75, 150), (100, 225), (150, 240), (200, 205), (210, 130), (190, 65), (150, 40)]],
    1: [[(150, 30), (140, 250)]],
    2: [[(80, 90), (110, 45), (165, 40), (195, 85), (170, 140), (110, 195), (75, 240), (140, 232), (215, 240)]],
    3: [[(85, 60), (140, 35), (195, 65), (180, 115), (130, 135), (190, 150), (205, 205), (150, 245), (80, 225)]],
    4: [[(95, 40), (80, 140), (190, 140)], [(185, 50), (170, 250)]],
    7: [[(70, 60), (205, 55), (160, 140), (130, 250)]],
}


def draw(page, strokes, shift=(0, 0), scale=1.0):
    """Draw with the mouse."""
    page.wait_for_timeout(50)
    box = page.locator(".vl-paper").first.bounding_box()
    for stroke in strokes:
        for k, (x, y) in enumerate(stroke):
            page.mouse.move(box["x"] + scale * x + shift[0], box["y"] + scale * y + shift[1], steps=1 if k == 0 else 5)
            if k == 0:
                page.mouse.down()
        page.mouse.up()


def drawn(page):
    """What Python would read, (28, 28)."""
    return torch.tensor(read(page, "model.get('image')"))


def centre_of_mass(x):
    places = torch.arange(28.0)
    return (x.sum(dim=1) @ places / x.sum()).item(), (x.sum(dim=0) @ places / x.sum()).item()


def test_mnist_is_as_the_treatment_supposes():
    """Else there would be nothing to come near to: the box, the centre, the ink of MNIST's own digits."""
    x = digits().images[:, 0]
    high, wide = (x > 0).any(dim=2).sum(dim=1), (x > 0).any(dim=1).sum(dim=1)
    assert torch.maximum(high, wide).max() == 20 and (torch.maximum(high, wide) >= 19).float().mean() > 0.98
    for image in x[:200]:
        assert centre_of_mass(image) == pytest.approx((14, 14), abs=0.51)


def test_what_is_drawn_looks_like_mnist(shown):
    page = shown(draw_a_digit())
    real = digits()
    ink = real.images.sum(dim=(1, 2, 3))
    for digit, strokes in STROKES.items():
        for shift, scale in (((0, 0), 1.0), ((60, 10), 0.7)):  # large in the middle, small at the side
            page.get_by_role("button", name="clear").click()
            draw(page, strokes, shift, scale)
            x = drawn(page)
            assert x.shape == (28, 28) and x.min() == 0 and x.max() <= 1 and x.max() > 0.95
            assert torch.allclose(255 * x, (255 * x).round(), atol=1e-3), "256 levels"
            box = [(x > 0).any(dim=axis).sum().item() for axis in (0, 1)]
            assert max(box) == 20
            assert centre_of_mass(x) == pytest.approx((14, 14), abs=0.51)
            grey = ((x > 0.1) & (x < 0.9)).sum()
            assert grey > 20, "anti-aliased"
            low, high = ink[real.labels == digit].quantile(torch.tensor([0.01, 0.99]))
            assert low < x.sum() < high or scale < 1  # a small drawing has wider lines
            distance = (real.images[:, 0] - x).square().sum(dim=(1, 2))
            nearest = real.labels[distance.topk(5, largest=False).indices]
            assert nearest.mode().values == digit, f"a {digit} looks like {nearest.tolist()}"


def test_the_treatment_has_nothing_to_change_in_what_mnist_has_treated(blank):
    source = (FOLDER / "browser" / "mnist.js").read_text(encoding="utf-8")
    images = digits("test").images[:50, 0]
    again = blank.evaluate(
        """
        async ([source, images]) => {
          const { asInMnist } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
          return images.map((image) => asInMnist(image.flatMap((line) => // each pixel ten times as wide and as high
              Array(10).fill(line.flatMap((ink) => Array(10).fill(ink)))).flat(), 280, 280));
        }
        """,
        [source, images.tolist()],
    )
    again = torch.tensor(again).view(50, 28, 28)
    whole = torch.maximum((images > 0).any(dim=2).sum(dim=1), (images > 0).any(dim=1).sum(dim=1)) == 20
    assert whole.sum() > 40
    torch.testing.assert_close(again[whole], images[whole], atol=1e-4, rtol=0)


@torch.no_grad()
def test_draw_a_digit_shows_what_pytorch_computes(shown):
    vae, page = trained("digits").at(1.0), shown(draw_a_digit(seed=2))
    noise = torch.randn(4, 2, generator=torch.Generator().manual_seed(2))

    def compare():
        x = drawn(page)[None, None]
        q = vae.encode(x)
        z = q.mean + q.stddev * noise
        same_pictures(page, ".vl-seen", torch.cat([x, vae.decode(q.mean)]))
        same_pictures(page, ".vl-samples canvas", vae.decode(z))
        said = " ".join(page.locator(".vl-numbers-of div").all_text_contents()).replace("−", "-")
        rate = kl_to_standard_normal(q).sum().item()
        right = [*torch.stack([q.mean[0], q.stddev[0]], dim=1).flatten().tolist(), rate]
        assert [float(text) for text in re.findall(r"-?\d+\.\d+", said)] == pytest.approx(right, abs=0.006, rel=0.01)
        assert re.sub(r"-?\d+\.\d+", "#", said) == "z₁: μ = #, σ = # z₂: μ = #, σ = # Σ KL = # nats"
        axes = Axes(page)
        torch.testing.assert_close(ellipses(page, ".vl-chosen"), axes.drawn(q.mean, q.stddev), atol=0.05, rtol=0)
        torch.testing.assert_close(ellipses(page, ".vl-dot")[:, :2], axes.drawn(z, z)[:, :2], atol=0.05, rtol=0)

    assert drawn(page).sum() == 0 and "Nothing is drawn" in page.locator(".vl-numbers-of").text_content()
    assert not page.locator(".vl-halo").is_visible()
    draw(page, STROKES[3])
    compare()
    page.get_by_role("radio", name="test image 3, class 2").check(force=True)
    torch.testing.assert_close(drawn(page), digits("test").images[2, 0])
    page.wait_for_timeout(100)
    compare()
    one = digits("test").images[11, 0]  # from Python
    set_traits(page, image=one.tolist())
    compare()
    paper = page.locator(".vl-paper").evaluate("it => [...it.getContext('2d').getImageData(0, 0, 280, 280).data]")
    paper = 1 - torch.tensor(paper).view(280, 280, 4)[5::10, 5::10, 0] / 255
    torch.testing.assert_close(paper, one, atol=1e-4, rtol=0)


def test_undo_and_clear(shown):
    page = shown(draw_a_digit())
    undo, clear = (page.get_by_role("button", name=name) for name in ("undo", "clear"))
    undo.click()
    assert drawn(page).sum() == 0
    draw(page, STROKES[4][:1])
    half = drawn(page)
    draw(page, STROKES[4][1:])
    whole = drawn(page)
    assert not torch.equal(half, whole)
    undo.click()
    assert torch.equal(drawn(page), half)
    clear.click()
    assert drawn(page).sum() == 0 and page.locator(".vl-hint").is_visible()
    undo.click()
    assert torch.equal(drawn(page), half) and not page.locator(".vl-hint").is_visible()
    page.get_by_role("radio", name="class 7").check(force=True)
    seven = drawn(page)
    draw(page, [[(60, 140), (200, 140)]])  # a bar through the loaded seven
    assert not torch.equal(drawn(page), seven) and page.locator("input:checked").count() == 0
    undo.click()
    assert torch.equal(drawn(page), seven)
    assert page.locator("input:checked").get_attribute("aria-label") == "test image 8, class 7"


def test_nothing_is_drawn_between_two_strokes(shown):
    page = shown(draw_a_digit())
    draw(page, [[(80, 60), (80, 220)], [(200, 60), (200, 220)]])
    ink = page.locator(".vl-paper").evaluate("it => [...it.getContext('2d').getImageData(0, 0, 280, 280).data]")
    dark = torch.tensor(ink).view(280, 280, 4)[..., 0] < 128
    assert dark[:, 80].any() and dark[:, 200].any() and not dark[:, 110:170].any()


def test_a_second_view_follows_the_pen(shown):
    widget = draw_a_digit()
    page = shown(widget)
    first, second = page.locator(".vl").nth(0), page.locator(".vl").nth(1)
    show_again(page, widget)
    draw(page, STROKES[0])  # on the first
    page.wait_for_timeout(100)
    said = first.locator(".vl-numbers-of").text_content()
    assert "Σ KL" in said and second.locator(".vl-numbers-of").text_content() == said
    x = second.locator(".vl-paper").evaluate("it => [...it.getContext('2d').getImageData(0, 0, 280, 280).data]")
    torch.testing.assert_close(1 - torch.tensor(x).view(280, 280, 4)[5::10, 5::10, 0] / 255, drawn(page))


def show_again(page, widget):
    """A second view of the widget, below the first."""
    page.evaluate(
        """
        async (source) => {
          const el = document.createElement("div");
          document.body.append(el);
          const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
          (await import(url)).default.render({ model, el });
        }
        """,
        widget.get_state()["_esm"],
    )


# watch_training


def test_watch_training_shows_what_was_recorded(shown):
    runs = dict(zip(("UAE", "VAE"), training_run(), strict=True))
    page = shown(watch_training())
    for epoch in (0, 1, 7, 12):
        set_traits(page, epoch=epoch)
        assert page.locator("output").text_content() == f"{epoch} of 12"
        for k, run in enumerate(runs.values()):
            panel, frame = f".vl-panel:nth-child({k + 1}) figure", run.frames[epoch]
            same_pictures(page, f"{panel}:nth-child(1) canvas", frame.samples / 255)
            same_pictures(page, f"{panel}:nth-child(2) canvas", torch.cat([run.images, frame.reconstructed]) / 255)
        titles = page.locator(".vl-half .vl-title").all_text_contents()
        uae, vae = (run.frames[epoch].losses.tolist() for run in runs.values())
        numbers = [float(text) for title in titles for text in re.findall(r"[\d.]+", title)]
        assert numbers == pytest.approx([uae[0], vae[0], vae[1]], abs=0.006, rel=0.005)
        assert titles[0].startswith("reconstruction: ■ UAE") and titles[1].endswith("the UAE has none")
        frame = runs["VAE"].frames[epoch]
        right = Axes(page).drawn(frame.codes[:30], frame.sigma[:30])
        torch.testing.assert_close(ellipses(page, ".vl-ellipse"), right, atol=0.02, rtol=0)


def test_it_plays_to_the_end_and_stops(shown):
    page = shown(watch_training())
    play, scrubber = page.get_by_role("button"), page.get_by_role("slider")
    page.wait_for_timeout(500)
    assert read(page, "model.get('epoch')") == 0, "it does not play by itself"
    scrubber.focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert read(page, "[model.get('epoch'), model.get('playing')]") == [9, False]
    play.click()
    assert read(page, "model.get('playing')")
    page.wait_for_timeout(500)
    assert play.text_content() == "pause"
    assert 9 < read(page, "model.get('epoch')") < 12
    page.wait_for_function("model.get('epoch') === 12 && !model.get('playing')", timeout=5000)
    page.wait_for_timeout(500)
    assert play.text_content() == "play" and scrubber.input_value() == "12"
    play.click()  # from the start again
    assert read(page, "[model.get('epoch'), model.get('playing')]") == [0, True]
    scrubber.focus()
    page.keyboard.press("ArrowRight")  # a hand on the scrubber stops it
    at = read(page, "model.get('epoch')")
    page.wait_for_timeout(700)
    assert read(page, "[model.get('epoch'), model.get('playing')]") == [at, False]


def test_two_views_play_no_faster_than_one(shown):
    widget = watch_training()
    page = shown(widget)
    show_again(page, widget)
    page.evaluate("() => { window.began = performance.now(); model.set('playing', true); }")
    page.wait_for_function("model.get('epoch') === 6", timeout=10_000)
    assert read(page, "performance.now() - began") > 1900  # 6 epochs, 3 a second
    page.wait_for_function("model.get('epoch') === 12", timeout=10_000)
    page.wait_for_timeout(100)
    assert page.locator("output").all_text_contents() == ["12 of 12"] * 2


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_a_view_plays_by_itself_only_where_motion_is_welcome(motion, shown, blank):
    blank.emulate_media(reduced_motion=motion)
    widget = watch_training()
    widget.playing = True
    page = shown(widget)
    page.wait_for_timeout(900)
    moved = read(page, "model.get('epoch')") > 0
    blank.emulate_media(reduced_motion="no-preference")
    assert moved == (motion == "no-preference") == read(page, "model.get('playing')")


def test_one_recording_of_rgb_images_alone(shown):
    some = faces(20, size=16)
    recording = Recording(VAE((3, 16, 16), 2, (8,)), some.images, torch.arange(20) % 3, samples=3)
    recording(1, None)
    page = shown(watch_training(vae=recording))
    same_pictures(page, "figure:nth-child(1) canvas", recording.frames[0].samples / 255)
    assert page.locator(".vl-half .vl-title").nth(1).text_content().startswith("KL: ● VAE")
