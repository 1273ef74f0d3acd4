"""explore_loss against PyTorch: the landscape, its contours, what stands beside it, and where the ball comes to rest.

Faults are planted in the module that computes the landscape: the comparison must notice each.
"""

import base64
import math

import pytest
import torch
from helpers import array, same_numbers, same_pictures, set_traits

from vaelib import VAE, faces
from vaelib.explorers import explore_loss
from vaelib.explorers.base import FOLDER, weights_of
from vaelib.landscape import loss_landscape
from vaelib.trained import trained

LANDSCAPE = (FOLDER / "browser" / "landscape.js").read_text(encoding="utf-8")
NETWORK = (FOLDER / "browser" / "network.js").read_text(encoding="utf-8")
CONTOURS = (FOLDER / "browser" / "contours.js").read_text(encoding="utf-8")
BETAS = (0, 1, 10, 100)
LEAST, WIDEST = 0.01, 2.0


@pytest.fixture(scope="module")
def course():
    """The course's own VAE for faces, and the images that its explorer shows."""
    return trained("faces").at(1.0), faces(8, seed=1).images


@pytest.fixture(scope="module")
def steep():
    """A VAE of two latents with random weights, for grey images, whose codes lie beyond 3."""
    vae = VAE((1, 6, 5), 2, hidden=(7, 6))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in vae.parameters():
            weights.normal_(std=0.8, generator=generator)
        vae.head.bias[0] = 4.0
    return vae, torch.rand(8, 1, 6, 5, generator=generator)


# The module, on its own


IN_BROWSER = """
async ({ modules, weights, x, code, j, span, widest, places }) => {
  const [network, land] = await Promise.all(modules.map((text) =>
    import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })))));
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const trait = Object.fromEntries(Object.entries(weights).map(([name, { shape, data }]) =>
    [name, { shape, data: new DataView(bytes(data).buffer) }]));
  const coder = new network.Coder(network.readArrays(trait));
  const it = land.landscape({ coder, code: Float32Array.from(code), j, x: Float32Array.from(x), span, widest });
  return places.map(([mu, sigma]) => {
    const { distortion, rate, slopes } = it.at(mu, sigma);
    return [distortion, rate, ...slopes.distortion, ...slopes.rate];
  });
}
"""


def compare(page, model, images, image, latent, *, source=LANDSCAPE, span=3.0):
    """Raise AssertionError unless the browser's landscape, and its slopes, are PyTorch's."""
    generator = torch.Generator().manual_seed(image)
    mu = span * (2 * torch.rand(12, generator=generator, dtype=torch.double) - 1)
    sigma = LEAST * (WIDEST / LEAST) ** torch.rand(12, generator=generator, dtype=torch.double)
    sigma[:2] = torch.tensor([1.1 * LEAST, WIDEST])
    x = images[image : image + 1]
    weights = weights_of(model, encoder=False)
    answers = page.evaluate(
        IN_BROWSER,
        {
            "modules": [NETWORK, source],
            "weights": {name: {"shape": list(w.shape), "data": as_text(w)} for name, w in weights.items()},
            "x": x.flatten().tolist(),
            "code": model.encode(x).mean[0].tolist(),
            "j": latent,
            "span": span,
            "widest": WIDEST,
            "places": torch.stack([mu, sigma], dim=1).tolist(),
        },
    )
    found = dict(
        zip(("distortion", "rate", "∂μ", "∂log σ", "∂μ KL", "∂log σ KL"), zip(*answers, strict=True), strict=True)
    )
    right = in_pytorch(model, x, latent, mu, sigma)
    for name, values in right.items():
        # The two sum over other knots. The terms agree to 1e-4; the slopes, which only steer the ball, to 1e-3.
        tolerance = 1e-3 if "∂" in name else 1e-4
        scale = 1.0 if "KL" in name or name == "rate" else right["distortion"].abs().max().item()
        torch.testing.assert_close(
            torch.tensor(found[name], dtype=torch.double), values, atol=tolerance * scale, rtol=tolerance,
            msg=lambda text, name=name: f"{name}: {text}",
        )  # fmt: skip


def in_pytorch(model, x, latent, mu, sigma):
    """The terms at each of the pairs, and their slopes as differences over a small step."""

    def terms(mu, sigma):
        land = loss_landscape(model, x, latent, mu, sigma)
        return land.distortion.diagonal(), land.rate.diagonal()

    step = 1e-4
    slopes = {}
    for name, moves in (
        ("∂μ", ((mu + step, sigma), (mu - step, sigma))),
        ("∂log σ", ((mu, sigma * math.exp(step)), (mu, sigma * math.exp(-step)))),
    ):
        above, below = (terms(*move) for move in moves)
        slopes[name], slopes[f"{name} KL"] = ((a - b) / (2 * step) for a, b in zip(above, below, strict=True))
    distortion, rate = terms(mu, sigma)
    return {"distortion": distortion, "rate": rate} | slopes


def as_text(values):
    return base64.b64encode(values.detach().float().contiguous().numpy().tobytes()).decode()


@pytest.mark.parametrize(("image", "latent"), [(0, 3), (3, 8), (6, 0), (7, 4)])
@torch.no_grad()
def test_the_landscape_is_pytorchs(image, latent, course, blank):
    compare(blank, *course, image, latent)


@pytest.mark.parametrize("latent", [0, 1])
@torch.no_grad()
def test_the_landscape_of_another_model_is_pytorchs(latent, steep, blank):
    compare(blank, *steep, 2, latent, span=7.0)


FAULTS = {
    "KL with the sign of log σ": ("- 1) - Math.log(sigma)", "- 1) + Math.log(sigma)"),
    "σ for σ² in the KL": ("(mu * mu + sigma * sigma - 1)", "(mu * mu + sigma - 1)"),
    "σ for σ² in the bell": ("(z[k] - mu) / sigma;", "(z[k] - mu) / Math.sqrt(sigma);"),
    "knots that all weigh the same": ("weights[k] * Math.exp", "Math.exp"),
    "an error without its sign dropped": ("Math.abs(x[i % x.length] - decoded[i])", "x[i % x.length] - decoded[i]"),
    "another latent": ("i % D === j", "i % D === (j + 1) % D"),
    "a slope of the sum, not of the mean": ("sumUU - distortion * massUU", "sumUU"),
    "a slope along σ, not log σ": ("[mu, sigma * sigma - 1]", "[mu, sigma - 1 / sigma]"),
}


@pytest.mark.parametrize("fault", FAULTS)
@torch.no_grad()
def test_a_wrong_landscape_is_noticed(fault, course, blank):
    right, wrong = FAULTS[fault]
    assert LANDSCAPE.count(right) == 1, fault
    with pytest.raises(AssertionError, match="are not close"):
        compare(blank, *course, 0, 3, source=LANDSCAPE.replace(right, wrong))


CIRCLES = """
async ({ source, level }) => {
  const { contours } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const places = Array.from({ length: 81 }, (_, k) => (k - 40) * 2.5); // −100 to 100
  const ring = places.flatMap((y) => places.map((x) => Math.abs(Math.hypot(x, y) - 60)));
  const slope = places.flatMap((y) => places.map((x) => x + 2 * y));
  return [ring, slope].map((heights) => contours(heights, places, places, [level])[0]);
}
"""


def lines_of(path):
    """The points (n, 2) of each closed line of a path."""
    assert path.endswith("Z")
    lines = path.removeprefix("M").removesuffix("Z").split("ZM")
    return [torch.tensor([[float(v) for v in point.split()] for point in line.split("L")]) for line in lines]


def test_contours_are_closed_lines_of_that_height(blank):
    ring, slope = blank.evaluate(CIRCLES, {"source": CONTOURS, "level": 20})
    inner, outer = sorted((line.norm(dim=1) for line in lines_of(ring)), key=lambda radii: radii.mean().item())
    assert len(lines_of(ring)) == 2, "what is below lies between two circles"
    torch.testing.assert_close(inner, torch.full_like(inner, 40), atol=0.15, rtol=0)
    torch.testing.assert_close(outer, torch.full_like(outer, 80), atol=0.15, rtol=0)
    (half,) = lines_of(slope)
    on_edge = (half.abs() > 99.9).any(dim=1)
    heights = half @ torch.tensor([1.0, 2.0])
    assert (heights[~on_edge] - 20).abs().max() < 0.2 and (heights < 20.2).all()
    assert on_edge.sum() > 100, "what is below closes along the edge of the grid"


# What is on the screen


def drawn_region(page, className, level):
    """The points (n, 2) in (μ, σ) of the border of what is drawn as below that level, without the plane's own edge."""
    path = page.locator(f".{className} .vl-region[data-level='{level}']").get_attribute("d")
    points = torch.cat(lines_of(path)).double()
    frame = page.locator(f".{className} rect").first
    x, y, width, height = (float(frame.get_attribute(name)) for name in ("x", "y", "width", "height"))
    share = torch.stack([(points[:, 0] - x) / width, (y + height - points[:, 1]) / height], dim=1)
    share = share[((share > 0.002) & (share < 0.998)).all(dim=1)]
    return 6 * share[:, 0] - 3, LEAST * (WIDEST / LEAST) ** share[:, 1]


@pytest.mark.parametrize("beta", BETAS)
@torch.no_grad()
def test_explore_loss_shows_what_pytorch_computes(beta, course, shown):
    vae, images = course
    page = shown(explore_loss())
    for image, latent, mu, sigma in ((0, 3, 0.3, 0.2), (5, 6, -1.5, 0.02)):
        set_traits(page, beta=beta, image=image, latent=latent, mu=mu, sigma=sigma)
        x = images[image : image + 1]
        here = loss_landscape(vae, x, latent, torch.tensor([mu, mu]), torch.tensor([sigma, sigma]))
        distortion, rate = here.distortion[0, 0].item(), here.rate[0, 0].item()
        same_numbers(page, ".vl-term", [distortion, beta, rate, distortion + beta * rate])
        codes = vae.encode(x).mean.repeat(3, 1)
        codes[:, latent] = mu + sigma * torch.tensor([-1.0, 0.0, 1.0])
        same_pictures(page, "figure canvas", torch.cat([x, vae.decode(codes)]))

        lowest = brute_force(vae, x, latent, beta)[1]
        for where, term in (
            ("vl-sum", lambda land: land.loss(beta)),
            ("vl-of-distortion", lambda land: land.distortion),
        ):
            floor = lowest if where == "vl-sum" else brute_force(vae, x, latent, 0)[1]
            for level in (1, 4, 16):
                if beta == 100 and where == "vl-sum" and level < 4:
                    continue  # hardly wider than the ball
                border = drawn_region(page, where, level)
                heights = term(loss_landscape(vae, x, latent, *border)).diagonal() - floor
                assert len(heights) > 8 and (heights - level).abs().max() < 0.1 * level + 0.1, (where, level)
        if beta:
            border = drawn_region(page, "vl-of-rate", 4)
            rates = 0.5 * (border[0] ** 2 + border[1] ** 2 - 1) - border[1].log()
            assert len(rates) > 8 and (beta * rates - 4).abs().max() < 0.5


def test_the_encoders_answer_is_marked(course, shown):
    widget = explore_loss()
    page = shown(widget)
    for image, latent in ((0, 3), (4, 8)):
        set_traits(page, image=image, latent=latent)
        mu, sigma = (array(widget, name)[image, latent].item() for name in ("mu", "sigma"))
        x, y, width, height = (
            float(page.locator(".vl-sum rect").first.get_attribute(name)) for name in ("x", "y", "width", "height")
        )
        at = page.locator(".vl-sum .vl-answer").get_attribute("transform")
        found = [float(value) for value in at.removeprefix("translate(").removesuffix(")").split()]
        upwards = math.log(sigma / LEAST) / math.log(WIDEST / LEAST)
        assert found == pytest.approx([x + width * (mu + 3) / 6, y + height * (1 - upwards)], abs=0.1)


# Where the ball comes to rest


def brute_force(model, x, latent, beta, *, span=3.0):
    """((μ, σ) of the lowest point, its loss), by PyTorch: a grid over all, then finer ones around its best."""
    mu = torch.linspace(-span, span, 121, dtype=torch.double)
    sigma = LEAST * (WIDEST / LEAST) ** torch.linspace(0, 1, 31, dtype=torch.double)
    for _ in range(3):
        land = loss_landscape(model, x, latent, mu, sigma)
        best_mu, best_sigma = land.lowest(beta)
        reach = 2 * (mu[1] - mu[0]).item()
        ratio = (sigma[1] / sigma[0]).item() ** 2
        mu = torch.linspace(best_mu - reach, best_mu + reach, 33, dtype=torch.double).clamp(-span, span)
        sigma = best_sigma * ratio ** torch.linspace(-1, 1, 25, dtype=torch.double)
        sigma = sigma.clamp(LEAST, WIDEST)
    return land.lowest(beta), land.loss(beta).min().item()


ROLL = """
async () => {
  [...document.querySelectorAll("button")].find((one) => one.textContent === "descend").click();
  for (let still = 0, last = ""; still < 5;) {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const now = `${model.get("mu")} ${model.get("sigma")}`;
    still = now === last ? still + 1 : 0;
    last = now;
  }
  return [model.get("mu"), model.get("sigma")];
}
"""


@pytest.mark.parametrize("beta", BETAS)
@torch.no_grad()
def test_the_ball_ends_at_the_lowest_point(beta, course, shown):
    """At β = 0 that is the landscape's edge, σ = 0.01."""
    vae, images = course
    page = shown(explore_loss())
    page.emulate_media(reduced_motion="reduce")  # it arrives at once
    for image, latent in ((0, 3), (3, 3), (0, 4), (6, 8)):
        right, _ = brute_force(vae, images[image : image + 1], latent, beta)
        for mu, sigma in ((0.0, 1.0), (-2.5, 0.3)):
            set_traits(page, beta=beta, image=image, latent=latent, mu=mu, sigma=sigma)
            rests = page.evaluate(ROLL)
            assert rests == pytest.approx(right, abs=0.02), f"image {image}, latent {latent}, from {mu, sigma}"
            if beta == 0:
                assert rests[1] == LEAST
    page.emulate_media(reduced_motion="no-preference")
    set_traits(page, mu=0.0, sigma=1.0)
    assert page.evaluate(ROLL) == pytest.approx(right, abs=0.02), "step by step"


def test_a_ball_that_wants_uphill_is_noticed(course, shown):
    """What the test above rests on: with another sign of one slope the ball ends elsewhere."""
    vae, images = course
    widget = explore_loss()
    right = "-0.5 * alongLog];"
    assert widget._esm.count(right) == 1
    widget._esm = widget._esm.replace(right, "0.5 * alongLog];")
    page = shown(widget)
    page.emulate_media(reduced_motion="no-preference")
    set_traits(page, beta=10, image=0, latent=3, mu=0.0, sigma=0.9)
    with torch.no_grad():
        lowest, _ = brute_force(vae, images[:1], 3, 10)
    assert page.evaluate(ROLL) != pytest.approx(lowest, abs=0.02)


def test_who_moves_the_ball_stops_it(shown):
    page = shown(explore_loss())
    set_traits(page, beta=10)
    page.get_by_role("button", name="descend").click()
    page.wait_for_function("model.get('sigma') < 0.95")
    set_traits(page, mu=-2.0, sigma=0.5)
    page.wait_for_timeout(200)
    assert page.evaluate("[model.get('mu'), model.get('sigma')]") == [-2.0, 0.5]


def test_the_keys_move_the_ball(shown):
    page = shown(explore_loss())
    place = "[model.get('mu'), Math.log10(model.get('sigma'))]"
    page.get_by_role("slider", name="the ball").focus()
    height = math.log10(WIDEST / LEAST)
    for key, moved in (
        ("ArrowRight", (0.06, 0)),
        ("ArrowDown", (0, -0.01 * height)),
        ("Shift+ArrowLeft", (-0.6, 0)),
        ("Shift+ArrowDown", (0, -0.1 * height)),
        ("ArrowUp", (0, 0.01 * height)),
    ):
        before = page.evaluate(place)
        page.keyboard.press(key)
        assert page.evaluate(place) == pytest.approx([b + m for b, m in zip(before, moved, strict=True)], abs=1e-9), key
    page.keyboard.press("Home")
    assert page.evaluate("[model.get('mu'), model.get('sigma')]") == [0, 1]
    for _ in range(15):
        page.keyboard.press("Shift+ArrowDown")
    assert page.evaluate("model.get('sigma')") == LEAST, "not beyond the edge, where Python would refuse it"
