"""Plant faults, one at a time, in a copy of the course, and see that its tests catch each: `make faults`.

With words, only the faults whose names hold one of them: `python tests/faults.py KL σ`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import nbformat

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = "notebooks/01_autoencoder.ipynb"
NBVAL = "--nbval --nbval-current-env --nbval-sanitize-with tests/nbval.cfg --nbval-cell-timeout 120"


class Fault(NamedTuple):
    name: str
    file: str  # in vaelib
    right: str  # must stand there exactly once
    wrong: str
    tests: str


FAULTS = [
    Fault("KL sign in the loss", "losses.py", "error + beta * kl", "error - beta * kl", "losses"),
    Fault("KL sign in its formula", "losses.py", "kl = 0.5 * (q", "kl = -0.5 * (q", "losses"),
    Fault("KL without its ½", "losses.py", "kl = 0.5 * (q", "kl = 1.0 * (q", "losses"),
    Fault("σ for σ² in the KL", "losses.py", "q.variance - 1", "q.stddev - 1", "losses"),
    Fault("log σ for log σ² in the KL", "losses.py", "2 * q.stddev.log()", "q.stddev.log()", "losses"),
    Fault("mean for sum over pixels", "losses.py", ".abs().sum(dim=(1, 2, 3))", ".abs().mean(dim=(1, 2, 3))", "losses"),
    Fault("sum for mean over images", "losses.py", "scale).mean()", "scale).sum()", "losses"),
    Fault("mean for sum over latents", "losses.py", "kl_per_latent.sum()", "kl_per_latent.mean()", "losses"),
    Fault("squared error without its ½", "losses.py", "error = 0.5 * (x", "error = (x", "losses"),
    Fault("β dropped from the loss", "losses.py", "error + beta * kl", "error + kl", "losses"),
    Fault("β dropped by fit", "training.py", "code, beta, rec", "code, 1.0, rec", "training"),
    Fault("exp(log σ²) taken for σ", "models.py", "torch.exp(0.5 * log_var)", "torch.exp(log_var)", "losses"),
    Fault("σ without bounds", "models.py", "_LIMIT * torch.tanh(log_var / _LIMIT)", "log_var", "models"),
    Fault(
        "σ clamped, so that its gradient dies",
        "models.py",
        "_LIMIT * torch.tanh(log_var / _LIMIT)",
        "log_var.clamp(-_LIMIT, _LIMIT)",
        "models",
    ),
    Fault(
        "sample for rsample: no gradient",
        "models.py",
        "return q.mean + q.stddev * epsilon",
        "return (q.mean + q.stddev * epsilon).detach()",
        "losses",
    ),
    Fault("decoder without its sigmoid", "models.py", "nn.Sigmoid()", "nn.Identity()", "models"),
    Fault("shuffled factor names", "faces.py", '"skin tone", "hair colour"', '"hair colour", "skin tone"', "faces"),
    Fault("a check that takes any answer", "checks.py", "    if _same(answer, right):", "    if True:", "checks"),
    Fault(
        "a check that sums where it should average",
        "checks.py",
        "right = rebuilt(z) - kl",
        "right = 6 * rebuilt(z) - kl",
        "checks",
    ),
    Fault(
        "rate and distortion exchanged",
        "figures.py",
        "(found.rate, found.distortion)",
        "(found.distortion, found.rate)",
        "figures",
    ),
    Fault("the map upside down", "figures.py", "down = up.flip(0)", "down = up", "figures"),
    Fault("the collapsed not marked", "figures.py", "value < collapsed]", "value > collapsed]", "figures"),
    Fault("hard edges", "faces.py", "distance / (blur * self.pixel)", "distance * 1e6", "faces"),
    Fault("global seed set by fit", "training.py", "torch.Generator(images.device).manual", "torch.manual", "training"),
    Fault(
        "history without its latents' KL",
        "training.py",
        "    history.kl_per_latent.append(tuple(kl_per_latent))\n",
        "",
        "training",
    ),
    Fault(
        "small last batch counted as full",
        "training.py",
        "sums + len(x)",
        "sums + batch_size",
        "training",
    ),
    Fault(
        "evaluation of the first batch alone",
        "measures.py",
        "for rows in _rows(len(images), batch_size):\n        x, q",
        "for rows in [slice(0, batch_size)]:\n        x, q",
        "measures",
    ),
    Fault(
        "evaluation at the mean of q",
        "measures.py",
        "decode(q.mean + q.stddev * epsilon[rows])",
        "decode(q.mean)",
        "measures",
    ),
    Fault("log-mean-exp without − log K", "measures.py", " - math.log(samples)", "", "measures"),
    Fault("w for w² in the push-forward", "measures.py", "self.weight.square().T", "self.weight.abs().T", "measures"),
    Fault("σ for σ² in the push-forward", "measures.py", "(q.variance @", "(q.stddev @", "measures"),
    Fault(
        "ellipse with σ as its diameter", "figures.py", "2 * sigma[0], 2 * sigma[1]", "sigma[0], sigma[1]", "figures"
    ),
    Fault("bells too narrow", "figures.py", "torch.exp(-0.5 * ((x", "torch.exp(-1.0 * ((x", "figures"),
    # In the browser: test_parity.py plants those of network.js itself, too.
    Fault(
        "another activation",
        "explorers/browser/network.js",
        "v / (1 + Math.exp(-v));\n\nclass",
        "Math.max(0, v);\n\nclass",
        "parity",
    ),
    Fault(
        "images without their sigmoid",
        "explorers/browser/network.js",
        "images[i] = 1 / (1 + Math.exp(-images[i]))",
        "",
        "parity",
    ),
    Fault(
        "σ without bounds in the browser",
        "explorers/browser/network.js",
        "LOG_VARIANCE_BOUND * Math.tanh(h[2 * k * D + D + j] / LOG_VARIANCE_BOUND)",
        "h[2 * k * D + D + j]",
        "parity",
    ),
    Fault(
        "exp(log σ²) taken for σ in the browser",
        "explorers/browser/network.js",
        "Math.exp(0.5 * LOG_VARIANCE_BOUND",
        "Math.exp(LOG_VARIANCE_BOUND",
        "parity",
    ),
    Fault(
        "the mean image not subtracted", "explorers/browser/network.js", " - this.mean[i % this.pixels]", "", "parity"
    ),
    Fault(
        "the eighth row taken for the seventh",
        "explorers/browser/network.js",
        "h += v * eight[i + 7]",
        "h += v * eight[i + 6]",
        "parity",
    ),
    Fault(
        "the last of odd inputs left out", "explorers/browser/network.js", "a += weight[w++] * x[i]", "w++", "parity"
    ),
    Fault("no bias", "explorers/browser/network.js", "a + b + bias[o]", "a + b", "parity"),
    Fault(
        "β's scale without its left end",
        "explorers/browser/network.js",
        "Math.log(beta + BETA_OFFSET)",
        "Math.log(beta + 1e-9)",
        "parity",
    ),
    Fault("β beyond its scale", "explorers/browser/network.js", "Math.min(GREATEST_BETA, Math.max(0, ", "((", "parity"),
    Fault(
        "gates without their 1", "explorers/browser/network.js", "(1 + gainMinusOne[u])", "gainMinusOne[u]", "parity"
    ),
    Fault("gates without their shift", "explorers/browser/network.js", " + shift[u]", "", "parity"),
    Fault(
        "factor and shift exchanged",
        "explorers/browser/network.js",
        "{ gainMinusOne, shift } = gateHere",
        "{ gainMinusOne: shift, shift: gainMinusOne } = gateHere",
        "parity",
    ),
    Fault(
        "gates of the decoder in the encoder's order",
        "explorers/browser/network.js",
        "this.hidden.toReversed()",
        "this.hidden",
        "parity",
    ),
    Fault(
        "z not gated",
        "explorers/browser/network.js",
        "gate(Float32Array.from(z), n, gates.shift())",
        "(gates.shift(), Float32Array.from(z))",
        "parity",
    ),
    Fault("the head not gated", "explorers/browser/network.js", "    gate(h, n, gates.shift());\n", "", "parity"),
    Fault("KL without log σ", "explorers/browser/network.js", " - Math.log(sigma[i])", "", "parity"),
    Fault("samples without ε", "explorers/browser/network.js", "m + sigma[i] * epsilon[i]", "m", "parity"),
    Fault(
        "distance without its sign dropped",
        "explorers/browser/network.js",
        "Math.abs(x[i] - xHat[i])",
        "(x[i] - xHat[i])",
        "parity",
    ),
    Fault("sum for mean of a column", "explorers/browser/network.js", "table[i] / n", "table[i]", "parity"),
    Fault(
        "ink white", "explorers/browser/pictures.js", "255 * (1 - pixels[from + i])", "255 * pixels[from + i]", "parity"
    ),
    Fault(
        "red and blue exchanged",
        "explorers/browser/pictures.js",
        "255 * pixels[from + 2 * area + i]",
        "255 * pixels[from + i]",
        "parity",
    ),
    Fault(
        "a bar that says another KL",
        "explorers/browser/charts.js",
        "tidy(value));\n        group",
        "tidy(2 * value));\n        group",
        "parity",
    ),
    Fault(
        "a view that does not follow Python",
        "explorers/browser/state.js",
        "  model.on(events, onchange);\n",
        "",
        "parity",
    ),
    Fault(
        "distortion at μ, not at samples",
        "explorers/explore_beta.js",
        "coder.decode(sampled(mu, sigma, arrays.noise.data), n, beta)",
        "coder.decode(mu, n, beta)",
        "parity",
    ),
    Fault(
        "rate and distortion exchanged on the screen",
        "explorers/explore_beta.js",
        "part.x(rate)",
        "part.x(distortion)",
        "parity",
    ),
    Fault(
        "the UAE's code in the VAE",
        "explorers/explore_latents.js",
        "new Coder(arrays, `${name}.`)",
        'new Coder(arrays, "uae.")',
        "parity",
    ),
    Fault(
        "keys that reach the notebook",
        "explorers/browser/dom.js",
        '["input", "button", "select"].includes(element.localName)',
        "false",
        "explorers_in_browser",
    ),
    Fault("Python not told", "explorers/browser/state.js", "  model.save_changes();\n", "", "explorers_in_browser"),
    Fault("ids that two explorers share", "explorers/browser/dom.js", "-${ofThisModule}-", "-", "explorers_in_browser"),
    Fault("a class with another mark", "explorers/browser/classes.js", '"<": "M4.2 ', '"<": "M1 ', "palette"),
    Fault(
        "a trait that is not declared", "explorers/explore_map.js", '"h", "image", "z"', '"h", "z"', "explorer_modules"
    ),
    Fault("a damaged file taken for a model", "kept.py", "if _digest(rest) != digest:", "if False:", "kept"),
    Fault("another training's model", "kept.py", 'if about["name"] != self.name:', "if False:", "kept"),
    Fault("another version's model", "kept.py", 'if about["versions"] != _versions():', "if False:", "kept"),
    Fault("kept whatever the images", "kept.py", "digest.update(_bytes(images))", "pass", "kept"),
    Fault("kept whatever the settings", "kept.py", "where, settings]", "where, {}]", "kept"),
    Fault("kept though a callback shaped it", "training.py", "before if untouched else None", "before", "kept"),
]
STALE = "stale number in a notebook"


def main(words: list[str]) -> int:
    chosen = [fault for fault in FAULTS if not words or any(word in fault.name for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "course"
        skipped = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=skipped)
        check_the_copy_is_what_runs(copy)
        if chosen:
            files = sorted({f"tests/test_{fault.tests}.py" for fault in chosen})
            rc, said = pytest(copy, *files)
            if rc:
                sys.exit(f"The tests must pass before a fault is planted:\n{said}")
        survivors = 0
        for fault in chosen:
            survivors += report(fault.name, catch(copy, fault))
        if not words or any(word in STALE for word in words):
            survivors += report(STALE, catch_stale_number(copy / NOTEBOOK, copy))
    print(f"\n{survivors} survived" if survivors else "\nall caught")
    return 1 if survivors else 0


def catch(copy: Path, fault: Fault) -> str | None:
    """The first test that fails when `fault` is planted in the `copy`, or None."""
    path = copy / "vaelib" / fault.file
    right = path.read_text()
    path.write_text(plant(fault, right))
    try:
        return first_failure(copy, "-x", f"tests/test_{fault.tests}.py")
    finally:
        path.write_text(right)


def plant(fault: Fault, text: str) -> str:
    if (found := text.count(fault.right)) != 1:
        sys.exit(f"{fault.name}: {fault.right!r} must stand once in vaelib/{fault.file}, it stands there {found} times")
    return text.replace(fault.right, fault.wrong)


def catch_stale_number(path: Path, copy: Path) -> str | None:
    """The cell whose test fails after one digit of its stored output was changed, or None."""
    right = path.read_text()
    notebook = nbformat.reads(right, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells):
        for output in cell.outputs:
            if output.output_type == "stream" and (digit := re.search(r"\d", output.text)):
                at, other = digit.start(), (int(digit[0]) + 1) % 10
                output.text = f"{output.text[:at]}{other}{output.text[at + 1 :]}"
                nbformat.write(notebook, path)
                caught = first_failure(copy, "-x", *NBVAL.split(), NOTEBOOK)
                path.write_text(right)
                return caught if caught and caught.endswith(f"::Cell {number}") else None
    sys.exit(f"{NOTEBOOK} prints no number that could be stale")


def first_failure(copy: Path, *arguments: str) -> str | None:
    rc, said = pytest(copy, *arguments)
    if rc not in (0, 1):  # 1: tests failed; else something is wrong with the run itself
        sys.exit(f"pytest ended with {rc}:\n{said}")
    failed = re.search(r"^FAILED (?:tests/|notebooks/)?(.*?)(?: - .*)?$", said, re.MULTILINE)
    return failed[1] if failed else None


def pytest(copy: Path, *arguments: str) -> tuple[int, str]:
    return python(copy, "-m", "pytest", "-q", "-rf", "--tb=no", "-p", "no:cacheprovider", *arguments)


def check_the_copy_is_what_runs(copy: Path) -> None:
    _, said = python(copy, "-c", "import vaelib; print(vaelib.__file__)")
    if Path(said.strip()).resolve() != (copy / "vaelib/__init__.py").resolve():
        sys.exit(f"the tests would import another vaelib than the copy: {said}")


def python(copy: Path, *arguments: str) -> tuple[int, str]:
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


def report(name: str, caught: str | None) -> bool:
    print(f"{name:38}→ {caught or 'SURVIVED'}", flush=True)
    return caught is None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
