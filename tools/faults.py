"""Plant faults, one at a time, in a copy of the course, and see that its tests catch each: `make faults`.

With words, only the faults whose names hold one of them: `python -m tools.faults KL σ`. The exit status is 1 if one
escaped. A fault's place is found by meaning (tools/places.py): by the name of a definition and some tokens in it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import NamedTuple

import nbformat

from tools.lessons import ROOT
from tools.places import Change, find

NOTEBOOK = "notebooks/01_autoencoder.ipynb"
STALE = "stale number in a notebook"
AT_ONCE = 2


class Fault(NamedTuple):
    name: str
    place: str  # the definition, in Python or JavaScript: "vae_loss", "VAE.encode"
    right: str  # stands there once; white space does not matter
    wrong: str
    tests: str  # tests/**/test_TESTS.py
    only: str = ""  # of them, those that -k takes: seconds in place of minutes


BOUNDED = "LOG_VARIANCE_BOUND * torch.tanh(log_var / LOG_VARIANCE_BOUND)"
BOUNDED_THERE = "LOG_VARIANCE_BOUND * Math.tanh(h[2 * k * D + D + j] / LOG_VARIANCE_BOUND)"
SMALL = ("parity", "computes and small")
SHOWN = ("parity", "shows")
KEPT = ("training_cache",)
FAULTS = [
    Fault("KL sign in the loss", "_vae_loss", "+ beta * rate", "- beta * rate", "losses"),
    Fault("KL sign in its formula", "_kl", "0.5 * (q", "-0.5 * (q", "losses"),
    Fault("KL without its ½", "_kl", "0.5 * (q", "1.0 * (q", "losses"),
    Fault("σ for σ² in the KL", "_kl", "q.variance - 1", "q.stddev - 1", "losses"),
    Fault("log σ for log σ² in the KL", "_kl", "2 * q.stddev.log()", "q.stddev.log()", "losses"),
    Fault(
        "mean for sum over pixels", "_distortion", ".abs().sum(dim=(1, 2, 3))", ".abs().mean(dim=(1, 2, 3))", "losses"
    ),
    Fault("sum for mean over images", "_vae_loss", "error.mean()", "error.sum()", "losses"),
    Fault("mean for sum over latents", "_vae_loss", "kl_per_latent.sum()", "kl_per_latent.mean()", "losses"),
    Fault("squared error without its ½", "_distortion", "0.5 * (x - x_hat)", "(x - x_hat)", "losses"),
    Fault("β dropped from the loss", "_vae_loss", "beta * rate", "rate", "losses"),
    Fault("β dropped by fit", "_loss", "_kl(code), beta)", "_kl(code), 1.0)", "training"),
    Fault("exp(log σ²) taken for σ", "posterior_of", "torch.exp(0.5 * log_var)", "torch.exp(log_var)", "losses"),
    Fault("σ without bounds", "posterior_of", BOUNDED, "log_var", "models"),
    Fault(
        "σ clamped, so that its gradient dies",
        "posterior_of",
        BOUNDED,
        "log_var.clamp(-LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND)",
        "models",
    ),
    Fault(
        "sample for rsample: no gradient",
        "_sample",
        "return q.mean + q.stddev * epsilon",
        "return (q.mean + q.stddev * epsilon).detach()",
        "losses",
    ),
    Fault("a mode that is not given back", "in_mode", "layer.training = was", "pass", "own_models"),
    Fault("measured in train mode", "in_eval_mode", "training=False", "training=True", "own_models"),
    Fault("bytes in the loss", "vae_loss", 'require.pixels("x", x)', "pass", "bad_inputs", "unit_interval"),
    Fault(
        "a code of any kind",
        "code_of",
        "require.code(model_name, code, len(images), images_name)",
        "pass",
        "own_models",
    ),
    Fault("a check that asks for no gradients", "compare", "if case.leaves", "if False", "checks_styles"),
    Fault(
        "a check that takes the same noise twice", "fault_of_noise", "torch.equal(z, again)", "False", "checks_styles"
    ),
    Fault(
        "a check that takes noise of any shape",
        "fault_of_noise",
        "return _fault_of_shape((z - 5) / SIGMA, mu)",
        'return ""',
        "checks_styles",
    ),
    Fault("decoder without its sigmoid", "ImageCoder", "nn.Sigmoid()", "nn.Identity()", "models"),
    Fault("shuffled factor names", "FACTORS", '"skin tone", "hair colour"', '"hair colour", "skin tone"', "faces"),
    Fault(
        "a check that takes any answer",
        "fault_of_value",
        "if is_same(answer, case.right, case.rtol):",
        "if True:",
        "checks",
    ),
    Fault(
        "a check that sums where it should average",
        "_of_elbo",
        "right = rebuilt(z) - kl",
        "right = 6 * rebuilt(z) - kl",
        "checks",
    ),
    Fault(
        "rate and distortion exchanged",
        "rate_distortion",
        "(found.rate, found.distortion)",
        "(found.distortion, found.rate)",
        "figures",
    ),
    Fault("the map upside down", "latent_maps", "down = up.flip(0)", "down = up", "figures"),
    Fault("the collapsed not marked", "against_beta", "value < collapsed]", "value > collapsed]", "figures"),
    Fault("hard edges", "_Canvas.paint", "distance / (blur * self.pixel)", "distance * 1e6", "faces"),
    Fault(
        "global seed set by fit",
        "_train",
        "torch.Generator(images.device).manual_seed(seed)",
        "torch.manual_seed(seed)",
        "training",
    ),
    Fault(
        "history without its latents' KL",
        "History.add",
        "self.kl_per_latent.append(tuple(kl_per_latent))",
        "pass",
        "training",
    ),
    Fault("small last batch counted as full", "_train", "len(x) * parts", "batch_size * parts", "training"),
    Fault("sums in half precision", "_train", "torch.promote_types(parts.dtype, torch.float32)", "parts", "training"),
    Fault("a rate that never falls", "OneCycleAdam.rate", "1.0, LAST,", "1.0, 1.0,", "training"),
    Fault("squares forgotten like means", "OneCycleAdam", "beta2=BETAS[1]", "beta2=BETAS[0]", "training"),
    Fault("all threads for each", "fit_all", "(threads // at_once,)", "(threads,)", "training"),
    Fault("the β of another", "fit_all", "zip(models, betas, strict=True)", "zip(models, betas[::-1])", "training"),
    Fault("a stop for one alone", "fit_all", "share.stopped = True", "shares[0].stopped = True", "training"),
    Fault(
        "evaluation of the first batch alone",
        "evaluate",
        "batches_of(len(images), batch_size)",
        "[slice(0, batch_size)]",
        "measures",
    ),
    Fault(
        "evaluation at the mean of q",
        "evaluate",
        "decode(q.mean + q.stddev * epsilon[rows])",
        "decode(q.mean)",
        "measures",
    ),
    Fault("log-mean-exp without − log K", "log_marginal", "- math.log(samples)", "", "measures"),
    Fault("w for w² in the push-forward", "push_forward", "self.weight.square().T", "self.weight.abs().T", "measures"),
    Fault("σ for σ² in the push-forward", "push_forward", "q.variance @", "q.stddev @", "measures"),
    Fault(
        "ellipse with σ as its diameter",
        "latent_scatter",
        "2 * sigma[0], 2 * sigma[1]",
        "sigma[0], sigma[1]",
        "figures",
    ),
    Fault("bells too narrow", "_draw_bell", "torch.exp(-0.5 * ((x", "torch.exp(-1.0 * ((x", "figures"),
    # In the browser: test_parity.py plants those of network.js itself, too.
    Fault("another activation", "silu", "v / (1 + Math.exp(-v))", "Math.max(0, v)", *SMALL),
    Fault("images without their sigmoid", "Coder.decode", "images[i] = 1 / (1 + Math.exp(-images[i]))", "", *SMALL),
    Fault("σ without bounds in the browser", "Coder.encode", BOUNDED_THERE, "h[2 * k * D + D + j]", *SMALL),
    Fault(
        "exp(log σ²) taken for σ in the browser",
        "Coder.encode",
        "Math.exp(0.5 * LOG_VARIANCE_BOUND",
        "Math.exp(LOG_VARIANCE_BOUND",
        *SMALL,
    ),
    Fault("the mean image not subtracted", "firstLayer", "- this.mean[i % this.pixels]", "", *SMALL),
    Fault("no bias", "Linear.applyBlocks", "numbers[from + o] + bias[o]", "numbers[from + o]", *SMALL),
    Fault("rows of weights one inside the other", "Linear.place", "o * this.width", "o * inputs", *SMALL),
    Fault("the first four rows for all", "Linear.applyBlocks", "xAt + k * width", "xAt + (k % 4) * width", *SMALL),
    Fault("no bias in 64 bits", "Linear.applyInDoubles", "let sum = bias[o]", "let sum = 0", *SMALL),
    Fault("β's scale without its left end", "scaleOf", "beta + BETA_OFFSET", "beta + 1e-9", *SMALL),
    Fault("β beyond its scale", "betaAt", "Math.min(GREATEST_BETA, Math.max(0,", "((", *SMALL),
    Fault("gates without their 1", "gate", "(1 + gainMinusOne[u])", "gainMinusOne[u]", *SMALL),
    Fault("gates without their shift", "gate", "+ shift[u]", "", *SMALL),
    Fault(
        "factor and shift exchanged",
        "gate",
        "{ gainMinusOne, shift } = gateHere",
        "{ gainMinusOne: shift, shift: gainMinusOne } = gateHere",
        *SMALL,
    ),
    Fault(
        "gates of the decoder in the encoder's order",
        "gatesAt",
        "this.hidden.toReversed()",
        "this.hidden",
        *SMALL,
    ),
    Fault(
        "z not gated",
        "Coder.decode",
        "gate(Float32Array.from(z), n, gates.shift())",
        "(gates.shift(), Float32Array.from(z))",
        *SMALL,
    ),
    Fault("the head not gated", "Coder.encode", "gate(h, n, gates.shift());", "", *SMALL),
    Fault("KL without log σ", "network.kl", "- Math.log(sigma[i])", "", *SMALL),
    Fault("samples without ε", "sampled", "m + sigma[i] * epsilon[i]", "m", *SMALL),
    Fault("distance without its sign dropped", "distances", "Math.abs(x[i] - xHat[i])", "(x[i] - xHat[i])", *SMALL),
    Fault("sum for mean of a column", "columnMeans", "table[i] / n", "table[i]", *SMALL),
    Fault("ink white", "draw", "255 * (1 - pixels[from + i])", "255 * pixels[from + i]", *SHOWN),
    Fault("red and blue exchanged", "draw", "255 * pixels[from + 2 * area + i]", "255 * pixels[from + i]", *SHOWN),
    Fault("a bar that says another KL", "draw", '"× 0.00" : tidy(value)', '"× 0.00" : tidy(2 * value)', *SHOWN),
    Fault("a class with another mark", "SHAPES", '"<": "M4.2', '"<": "M1', "palette"),
    Fault("clouds without noise", "latent_planes", "if clouds else", "if not clouds else", "figures", "latent_planes"),
    Fault("z = μ + ε", "noise_to_latent", "mu + sigma * epsilon", "mu + epsilon", "figures", "noise"),
    Fault("the contest in one order", "judge", "seed)) < 0.5", "seed)) < 2", "explorers", "blind"),
    Fault("a wrong answer put to use", "yours", 'sign == "✓"', 'sign != ""', "checks", "yours"),
    Fault("strict about the unsolved alone", "exercise.check", 'verdict.sign != "✓"', 'verdict.sign == "○"', "record"),
    Fault("solved and then forgotten", "progress", 'before.sign != "✓"', "True", "record"),
    Fault("deaf to other kernels", "progress", "(*_kept(), *_of_this_kernel)", "_of_this_kernel", "record"),
    Fault("a wrong answer praised", "exercise.verdict", 'Verdict(name, "✗"', 'Verdict(name, "✓"', "record"),
    Fault("glasses on every face", "four_kinds", "worn * (0.7", "1 * (0.7", "faces", "kinds"),
    Fault("a trait that is not declared", "explore_map.default", '"h", "image", "z"', '"h", "z"', "explorer_modules"),
    Fault("a view that does not follow Python", "sharedState", "model.on(events, onchange);", "", *SHOWN),
    Fault(
        "distortion at μ, not at samples",
        "explore_beta.draw",
        "coder.decode(sampled(mu, sigma, arrays.noise.data), n, beta)",
        "coder.decode(mu, n, beta)",
        *SHOWN,
    ),
    Fault(
        "rate and distortion exchanged on the screen",
        "explore_beta.tradeOff",
        "part.x(rate)",
        "part.x(distortion)",
        *SHOWN,
    ),
    Fault(
        "the UAE's code in the VAE",
        "explore_latents.build",
        "new Coder(arrays, `${name}.`)",
        'new Coder(arrays, "uae.")',
        *SHOWN,
    ),
    Fault(
        "keys that reach the notebook",
        "dom.build",
        '["input", "button", "select"].includes(element.localName)',
        "false",
        "explorers_in_browser",
        "keys_meant",
    ),
    Fault("Python not told", "tell", "model.save_changes();", "", "explorers_in_browser", "keyboard"),
    Fault("ids that two explorers share", "newId", "-${ofThisModule}-", "-", "explorers_in_browser"),
    Fault("a damaged file taken for a model", "CacheEntry.read", "if _digest(data) != digest:", "if False:", *KEPT),
    Fault("another training's model", "CacheEntry.read", 'if about["name"] != self.name:', "if False:", *KEPT),
    Fault("another version's model", "CacheEntry.read", 'if about["versions"] != _versions():', "if False:", *KEPT),
    Fault("kept whatever the images", "CacheEntry", "digest.update(_bytes(images))", "pass", *KEPT),
    Fault("kept whatever the settings", "CacheEntry", "about_images, settings]", "about_images, {}]", *KEPT),
    Fault("kept though a callback shaped it", "_watched", "before if untouched else None", "before", *KEPT),
]


def main(words: list[str]) -> int:
    wanted = [fault for fault in FAULTS if not words or any(word in fault.name for word in words)]
    stale = not words or any(word in STALE for word in words)
    with tempfile.TemporaryDirectory() as folder:
        copies = SimpleQueue()  # those that nobody uses
        for number in range(AT_ONCE):
            copies.put(copy_of_the_course(Path(folder) / f"course-{number}"))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            print("Without a fault:", flush=True)
            for said in pool.map(
                lambda tests: without_a_fault(copies, *tests), sorted({where_tested(f) for f in wanted})
            ):
                if said:
                    sys.exit(f"The tests must pass before a fault is planted:\n{said}")
            print("With one:", flush=True)
            tell = Lines(len(wanted) + stale)
            results = [pool.submit(tell, fault.name, in_a_copy, copies, catch, fault) for fault in wanted]
            results += [pool.submit(tell, STALE, in_a_copy, copies, catch_stale_number)] if stale else []
        survivors = sum(result.result() is None for result in results)
    print(f"\n{survivors} survived" if survivors else "\nall caught")
    return 1 if survivors else 0


class Lines:
    """Says of each fault what caught it, in how many seconds, and how many are left."""

    def __init__(self, number: int):
        self.left, self.turn = count(number - 1, -1), Lock()

    def __call__(self, name: str, act, *arguments) -> str | None:
        began = time.monotonic()
        caught = act(*arguments)
        with self.turn:
            seconds, left = time.monotonic() - began, next(self.left)
            print(f"{name:44}→ {caught or 'SURVIVED'}   {seconds:.0f} s, {left} left", flush=True)
        return caught


def copy_of_the_course(copy: Path) -> Path:
    needless = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "node_modules", "artefacts")
    shutil.copytree(ROOT, copy, ignore=needless)
    shutil.copytree(ROOT / ".jupyter", copy / ".jupyter")
    _, said = python(copy, "-c", "import vaelib; print(vaelib.__file__)")
    if Path(said.strip()).resolve() != (copy / "vaelib/__init__.py").resolve():
        sys.exit(f"the tests would import another vaelib than the copy: {said}")
    return copy


def in_a_copy(copies: SimpleQueue, act, *arguments):
    """act(copy, ...) in a copy of the course that nobody else uses meanwhile."""
    copy = copies.get()
    try:
        return act(copy, *arguments)
    finally:
        copies.put(copy)


def without_a_fault(copies: SimpleQueue, *tests: str) -> str | None:
    """What these tests said if they failed."""
    rc, said = in_a_copy(copies, pytest, *tests)
    print(f"  {Path(tests[0]).stem} {' '.join(tests[1:])}: {'failed' if rc else 'green'}", flush=True)
    return said if rc else None


def where_tested(fault: Fault) -> tuple[str, ...]:
    """What to tell pytest: the file, and which of its tests."""
    [path] = ROOT.glob(f"tests/**/test_{fault.tests}.py")
    return (str(path.relative_to(ROOT)), *(["-k", fault.only] if fault.only else []))


def catch(copy: Path, fault: Fault) -> str | None:
    """The first test that fails when `fault` is planted in the `copy`, or None."""
    change = plant(fault, copy)
    change.path.write_text(change.after, encoding="utf-8")
    try:
        return first_failure(copy, "-x", *where_tested(fault))
    finally:
        change.path.write_text(change.before, encoding="utf-8")


def plant(fault: Fault, root: Path = ROOT) -> Change:
    """What planting the `fault` in the course at `root` changes. Nothing is written."""
    try:
        return find(root, fault.place, fault.right, fault.wrong)
    except LookupError as error:
        sys.exit(f"{fault.name}: {error}")


def catch_stale_number(copy: Path) -> str | None:
    """The cell whose test fails after one digit of its stored output was changed, or None."""
    path = copy / NOTEBOOK
    right = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(right, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells):
        for output in cell.outputs:
            if output.output_type == "stream" and (digit := re.search(r"\d", output.text)):
                at, other = digit.start(), (int(digit[0]) + 1) % 10
                output.text = f"{output.text[:at]}{other}{output.text[at + 1 :]}"
                nbformat.write(notebook, path)
                caught = first_failure(copy, "-x", "-p", "tests.lessons.nbval_plugin", NOTEBOOK)
                path.write_text(right, encoding="utf-8")
                return caught if caught and caught.endswith(f"::Cell {number}") else None
    sys.exit(f"{NOTEBOOK} prints no number that could be stale")


def first_failure(copy: Path, *arguments: str) -> str | None:
    rc, said = pytest(copy, *arguments)
    if rc not in (0, 1):  # 1: tests failed; else something is wrong with the run itself
        sys.exit(f"pytest ended with {rc}:\n{said}")
    failed = re.search(r"^(?:FAILED|ERROR) (?:tests/\w+/|notebooks/)?(.*?)(?: - .*)?$", said, re.MULTILINE)
    return failed[1] if failed else None


def pytest(copy: Path, *arguments: str) -> tuple[int, str]:
    return python(copy, "-m", "pytest", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", *arguments)


def python(copy: Path, *arguments: str) -> tuple[int, str]:
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=environment,
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
