"""What the browser computes is what PyTorch computes, to 1e-4: the network, and what the explorers show of it.

A wrong weight, a wrong gate, a wrong activation must make the comparison fail: they are planted here, too.
"""

import base64

import pytest
import torch
from helpers import array, same_numbers, same_pictures, same_texts, set_traits

from tools.faults import FAULTS, SMALL, plant
from vaelib import VAE, Autoencoder, MultiRateVAE, digits, faces, kl_to_standard_normal
from vaelib.explorers import compare_codes, explore_beta, explore_latents
from vaelib.explorers.base import FOLDER, weights_of
from vaelib.measures import evaluate
from vaelib.multirate import beta_at, scale_of
from vaelib.trained import trained

NETWORK = (FOLDER / "browser" / "network.js").read_text(encoding="utf-8")
BATCHES = 200  # each with a β of its own, and 1 to 9 images: network.js takes four at a time
PLANTED = [fault for fault in FAULTS if (fault.tests, fault.only) == SMALL]


def random_weights(model, seed=0):
    """Weights large enough that each of them shows, and a mean image that is not 0."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in model.parameters():
            weights.normal_(std=0.5, generator=generator)
        model.mean_image.uniform_(generator=generator)
    return model


def small():
    return random_weights(MultiRateVAE((3, 3, 3), 3, hidden=(7, 5)))


MODELS = {
    "faces": lambda: trained("faces"),
    "faces-uae": lambda: trained("faces-uae"),
    "digits": lambda: trained("digits"),
    "digits at one β": lambda: trained("digits").at(0.3),
    "digits-uae": lambda: trained("digits-uae"),
    "small MultiRateVAE": small,
    "grey MultiRateVAE": lambda: random_weights(MultiRateVAE((1, 5, 3), 2, hidden=(6,))),
    "deep VAE": lambda: random_weights(VAE((1, 4, 4), 1, hidden=(7, 6, 5))),
    "deep Autoencoder": lambda: random_weights(Autoencoder((3, 3, 2), 4, hidden=(5, 7))),
}


# The comparison


class Inputs:
    """Random β, images, latents and noise for a model, in `BATCHES` batches; β = 0 and 100 are among them."""

    def __init__(self, model, seed=0):
        generator = torch.Generator().manual_seed(seed)
        self.sizes = [1 + k % 9 for k in range(BATCHES)]
        n = sum(self.sizes)
        self.t = 2.2 * torch.rand(BATCHES, generator=generator) - 1.1  # places on β's scale, some beyond its ends
        self.beta = beta_at(self.t)
        self.beta[:2] = torch.tensor([0, 100.0])
        self.x = torch.rand(n, *model.image_shape, generator=generator)
        known = {(3, 32, 32): lambda: faces(n, seed=1), (1, 28, 28): lambda: digits("test")}.get(model.image_shape)
        if known:  # of noise alone a trained model makes σ in the thousands
            images = known().images
            self.x = 0.9 * images[torch.randperm(len(images), generator=generator)[:n]] + 0.1 * self.x
        self.z, self.epsilon = 2 * torch.randn(2, n, model.latent_dim, generator=generator)


def compare(page, model, *, network=NETWORK, weights=None, prefix="", encoder=True):
    """Raise AssertionError unless the browser's `network`, with these `weights`, and PyTorch's `model` agree."""
    inputs = Inputs(model)
    weights = weights_of(model, prefix, encoder=encoder) if weights is None else weights
    answers = in_browser(page, network, weights, prefix, inputs)
    expected = in_pytorch(model, inputs, encoder)
    assert answers.keys() == expected.keys()
    for name, right in expected.items():
        assert right.isfinite().all(), f"{name}: an input without an answer tests nothing"
        # rtol for the large ones: sums over an image, which float32 itself knows no better
        torch.testing.assert_close(
            answers[name], right, atol=1e-4, rtol=1e-6, msg=lambda text, name=name: f"{name}: {text}"
        )


@torch.no_grad()
def in_pytorch(model, inputs, encoder=True):
    """{output: its values for all batches, one after the other}."""
    multirate = isinstance(model, MultiRateVAE)
    found = {"scaleOf": [scale_of(inputs.beta)], "betaAt": [beta_at(inputs.t)]}

    def add(**outputs):
        for name, values in outputs.items():
            found.setdefault(name, []).append(values.flatten())

    rows = [tensor.split(inputs.sizes) for tensor in (inputs.x, inputs.z, inputs.epsilon)]
    for beta, x, z, epsilon in zip(inputs.beta, *rows, strict=True):
        at = (beta[None],) if multirate else ()
        if multirate:
            of_encoder, of_head, of_z, of_decoder = model._gates_at(beta[None])
            all_gates = [*of_encoder, of_head, of_z, *of_decoder]
            add(gates=torch.cat([numbers[0] for gate in all_gates for numbers in gate]))
        add(decoded=model.decode(z, *at))
        if not encoder:
            continue
        code = model.encode(x, *at)
        if isinstance(code, torch.Tensor):
            x_hat = model.decode(code)
            add(h=code)
        else:
            kl, z = kl_to_standard_normal(code), code.mean + code.stddev * epsilon
            x_hat = model.decode(z, *at)
            add(mu=code.mean, sigma=code.stddev, kl=kl, means=kl.mean(dim=0), sampled=z)
        add(rebuilt=x_hat, distances=(x - x_hat).abs().sum(dim=(1, 2, 3)))
    return {name: torch.cat(values) for name, values in found.items()}


def in_browser(page, network, weights, prefix, inputs):
    """The same, by the text of network.js."""
    answers = page.evaluate(
        """
        async ({ network, weights, prefix, inputs, sizes }) => {
          const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const numbers = (text) => new Float32Array(bytes(text).buffer);
          const url = URL.createObjectURL(new Blob([network], { type: "text/javascript" }));
          const { Coder, betaAt, columnMeans, distances, kl, readArrays, sampled, scaleOf } = await import(url);
          const trait = {};
          for (const [name, { shape, data }] of Object.entries(weights)) {
            const all = bytes(data);
            const message = new Uint8Array(all.length + 3); // in a message, an array may start anywhere
            message.set(all, 3);
            trait[name] = { shape, data: new DataView(message.buffer, 3) };
          }
          const coder = new Coder(readArrays(trait), prefix);
          const D = coder.latentDim;
          const [beta, t, x, z, epsilon] = ["beta", "t", "x", "z", "epsilon"].map((name) => numbers(inputs[name]));
          const found = { scaleOf: [beta.map(scaleOf)], betaAt: [t.map(betaAt)] };
          const add = (outputs) => {
            for (const [name, values] of Object.entries(outputs)) (found[name] ??= []).push(Float32Array.from(values));
          };
          let row = 0;
          sizes.forEach((n, k) => {
            const rows = (table, width) => table.slice(row * width, (row + n) * width);
            const images = rows(x, coder.pixels);
            if (coder.gates.length) {
              add({ gates: coder.gatesAt(beta[k]).flatMap(({ gainMinusOne, shift }) => [...gainMinusOne, ...shift]) });
            }
            add({ decoded: coder.decode(rows(z, D), n, beta[k]) });
            if (coder.head) {
              const code = coder.encode(coder.firstLayer(images, n), n, beta[k]);
              add(code);
              let latent = code.h;
              if (code.mu) {
                latent = sampled(code.mu, code.sigma, rows(epsilon, D));
                const each = kl(code.mu, code.sigma);
                add({ kl: each, means: columnMeans(each, D), sampled: latent });
              }
              const rebuilt = coder.decode(latent, n, beta[k]);
              add({ rebuilt, distances: distances(images, rebuilt, n) });
            }
            row += n;
          });
          const asText = (blob) =>
            new Promise((resolve) => {
              const reader = new FileReader();
              reader.onload = () => resolve(reader.result.split(",")[1]);
              reader.readAsDataURL(blob);
            });
          for (const name of Object.keys(found)) found[name] = await asText(new Blob(found[name]));
          URL.revokeObjectURL(url);
          return found;
        }
        """,
        {
            "network": network,
            "weights": {
                name: {"shape": list(values.shape), "data": as_text(values)} for name, values in weights.items()
            },
            "prefix": prefix,
            "inputs": {name: as_text(getattr(inputs, name)) for name in ("beta", "t", "x", "z", "epsilon")},
            "sizes": inputs.sizes,
        },
    )
    return {
        name: torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float) for name, text in answers.items()
    }


def as_text(values):
    return base64.b64encode(values.detach().float().contiguous().numpy().tobytes()).decode()


# What agrees


@pytest.mark.parametrize("name", MODELS)
def test_the_browser_computes_what_pytorch_computes(name, blank):
    compare(blank, MODELS[name]())


@pytest.mark.parametrize("name", ["faces", "small MultiRateVAE", "deep Autoencoder"])
def test_without_webassembly_it_computes_the_same(name, blank):
    blank.evaluate("() => { delete globalThis.WebAssembly }")
    compare(blank, MODELS[name]())
    assert blank.evaluate("() => typeof WebAssembly") == "undefined"
    blank.reload()  # for the tests after this one
    assert blank.evaluate("() => typeof WebAssembly") == "object"


@pytest.mark.parametrize("name", ["small MultiRateVAE", "deep VAE", "deep Autoencoder"])
def test_a_decoder_alone_and_a_model_among_others(name, blank):
    model = MODELS[name]()
    compare(blank, model, encoder=False)
    other = random_weights(Autoencoder((1, 2, 2), 3, hidden=(4,)), seed=1)
    compare(
        blank, model, prefix="one.", weights=weights_of(model, "one.") | weights_of(other, "other.") | weights_of(other)
    )


# What must not agree


@pytest.mark.parametrize("fault", PLANTED, ids=lambda fault: fault.name)
def test_a_wrong_network_is_noticed(fault, blank):
    with pytest.raises(AssertionError, match="are not close"):
        compare(blank, small(), network=plant(fault).after)


@pytest.mark.parametrize("name", weights_of(small()))
def test_one_wrong_weight_is_noticed(name, blank):
    model = small()
    weights = {name: values.clone() for name, values in weights_of(model).items()}
    weights[name].view(-1)[-1] += 0.01
    with pytest.raises(AssertionError, match="are not close"):
        compare(blank, model, weights=weights)


# What is on the screen


@pytest.mark.parametrize(
    ("multirate", "images"),
    [("faces", lambda: faces(32, seed=1).images), ("digits", lambda: digits("test").images[::40])],
    ids=["faces", "digits"],
)
@torch.no_grad()
def test_explore_beta_shows_what_pytorch_computes(multirate, images, shown):
    multirate, images = trained(multirate), images()
    widget = explore_beta(multirate, images)
    page = shown(widget)
    generator = torch.Generator().manual_seed(0)  # the samples of the prior come after those of the posteriors
    draws = torch.randn(len(images) + 8, multirate.latent_dim, generator=generator)
    for k, at in enumerate([0, 2, 13, 20, 28, 39, 40]):  # of the 41 points of the curve
        beta = beta_at(torch.linspace(-1, 1, 41))[at].item()
        set_traits(page, beta=beta, image=k)
        vae, x = multirate.at(beta), images[k : k + 1]
        q, eight, right = vae.encode(x), vae.encode(images[:8]), evaluate(vae, images)

        same_pictures(page, ".vl-main", torch.cat([x, vae.decode(q.mean)]))
        lines = page.locator(".vl-line .vl-strip")
        assert lines.count() == 2
        same_pictures(page, ".vl-line:nth-child(2) canvas", vae.decode(eight.mean + eight.stddev * draws[:8]))
        same_pictures(page, ".vl-line:nth-child(3) canvas", vae.decode(draws[-8:]))

        rounded, total = float(f"{beta:.2g}"), right.distortion + beta * right.rate
        same_numbers(page, ".vl-term", [right.distortion, rounded, right.rate, total])
        same_numbers(page, ".vl-slider output", [rounded])
        same_numbers(page, ".vl-panel:nth-child(1) .vl-number", q.stddev[0].tolist())
        collapsed = (right.rate_per_latent < 0.01).tolist()
        rates = [0 if dead else rate for rate, dead in zip(right.rate_per_latent.tolist(), collapsed, strict=True)]
        same_numbers(page, ".vl-panel:nth-child(2) .vl-number", [*rates, right.rate])
        marks = page.locator(".vl-panel:nth-child(2) g .vl-number").all_text_contents()
        assert [text.startswith("×") for text in marks] == collapsed

        # The curve's points were computed by PyTorch, the point on it by the browser.
        on_curve = [float(v) for v in page.locator(".vl-curve").get_attribute("d")[1:].split("L")[at].split()]
        here = [float(page.locator(".vl-here").get_attribute(name)) for name in ("cx", "cy")]
        assert here == pytest.approx(on_curve, abs=0.1)


def some_moves(**sizes):
    """Three settings of traits that are lists of these many numbers."""
    generator = torch.Generator().manual_seed(0)
    for image in (0, 3, 7):
        yield {"image": image} | {
            name: (torch.rand(size, generator=generator) * 2 - 1).tolist() for name, size in sizes.items()
        }


@torch.no_grad()
def test_explore_latents_shows_what_pytorch_computes(shown):
    widget = explore_latents()
    page = shown(widget)
    uae, vae = trained("faces-uae"), trained("faces").at(1.0)
    moves = [*some_moves(latents=10, attributes=6), {"image": -1, "sample": [0.5] * 10}]
    for move in moves:
        for name, value in move.items():
            setattr(widget, name, value)
        set_traits(page, **move)
        same_pictures(page, "figure canvas", torch.cat([uae.decode(row(widget.h)), vae.decode(row(widget.z))]))


def row(numbers):
    return torch.tensor(numbers)[None]


@torch.no_grad()
def test_compare_codes_shows_what_pytorch_computes(shown):
    widget = compare_codes()
    page = shown(widget)
    uae, vae = trained("faces-uae"), trained("faces").at(1.0)
    x = faces(8, seed=1).images
    for move in some_moves(shifts=6):
        noise = 0.8 * move["image"]
        set_traits(page, **move, noise=noise, epsilon=(torch.tensor(widget.epsilon) * (1 + move["image"])).tolist())
        one, shifts = x[move["image"]][None], row(move["shifts"])
        q, h = vae.encode(one), uae.encode(one) + shifts @ array(widget, "uae.table")
        mu = q.mean + shifts @ array(widget, "vae.table")
        z = mu + noise * q.stddev * torch.tensor(widget.epsilon) * (1 + move["image"])
        same_pictures(page, "figure canvas", torch.cat([one, uae.decode(h), vae.decode(z)]))

        said = (h @ array(widget, "uae.weight").T + array(widget, "uae.bias"))[0]
        same_numbers(page, ".vl-code-of-uae svg .vl-number", said.tolist())
        said = (mu @ array(widget, "vae.weight").T + array(widget, "vae.bias"))[0]
        width = noise * (q.variance @ array(widget, "vae.weight").square().T).sqrt()[0]
        written = page.locator(".vl-code-of-vae svg .vl-number").all_text_contents()
        assert len(written) == 6
        for text, mean, deviation in zip(written, said.tolist(), width.tolist(), strict=True):
            same_texts(text.split("±"), [mean, deviation])
        truths_are_marked(page, faces(8, seed=1).factors[move["image"]])


def truths_are_marked(page, truth):
    """In both plots, on the scale of the values written below them."""
    for side in ("uae", "vae"):
        plot = page.locator(f".vl-code-of-{side} svg")
        scale = {
            float(text.text_content()): float(text.get_attribute("x"))
            for text in plot.locator("text[text-anchor=middle]").all()
        }
        marks = [float(mark.get_attribute("d")[1:].split()[0]) for mark in plot.locator(".vl-truth").all()]
        found = (torch.tensor(marks) - scale[0]) / (scale[1] - scale[0])
        torch.testing.assert_close(found, truth, atol=1e-3, rtol=0)
