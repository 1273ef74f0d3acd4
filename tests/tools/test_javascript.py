"""The JavaScript of the course: every file passes the linter, and whatever a module hands out is used by another."""

import json
import re
import shutil
import subprocess

import pytest
from helpers import missing

from tools.lessons import ROOT
from vaelib.explorers.base import FOLDER

LINTER = ROOT / "tools" / "javascript"


@pytest.fixture(scope="module")
def npm():
    """A function that runs npm beside the linter, which is installed as package-lock.json says."""
    program = shutil.which("npm")
    if not program:
        missing("no npm: JavaScript is linted with Node.js (Debian: apt install nodejs npm)")

    def run(*arguments):
        return subprocess.run([program, *arguments], cwd=LINTER, capture_output=True, text=True, encoding="utf-8")

    if versions(LINTER / "node_modules" / ".package-lock.json") != versions(LINTER / "package-lock.json"):
        done = run("ci", "--ignore-scripts", "--no-audit", "--no-fund")
        if done.returncode:
            missing(f"npm can't install what tools/javascript/package-lock.json names: {done.stderr.strip()}")
    return run


def versions(lock):
    """{package: version}, {} if there is no such file."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"] if lock.exists() else {}
    return {name: package["version"] for name, package in packages.items() if name}


def test_every_file_passes_the_linter(npm):
    done = npm("run", "lint")
    assert done.returncode == 0, done.stdout + done.stderr


def found_in(text, file):
    """The rules that this text breaks as that file."""
    eslint = ["node", LINTER / "node_modules/eslint/bin/eslint.js", "--config", LINTER / "eslint.config.mjs"]
    done = subprocess.run(
        [*eslint, "--format", "json", "--stdin", "--stdin-filename", file],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return {problem["ruleId"] for problem in json.loads(done.stdout)[0]["messages"]}


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize("file", ["vaelib/explorers/more.js", "tests/site/host.js", "tests/site/typeset.js"])
def test_the_linter_finds_what_matters(file):
    """Else its silence would say nothing."""
    found = found_in("function f(value) {\n  let other = 1;\n  return valeu == other;\n}\n", file)
    assert {"no-undef", "no-unused-vars", "prefer-const", "eqeqeq"} <= found


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize(
    "loop", ["for (;;) { const [a] = b; f(a); }", "for (const [a] of b) f(a);", "while (b) [b] = f(b);"]
)
def test_the_linter_finds_a_list_that_is_taken_apart_in_a_loop(loop):
    """Which costs WebKit 35 times what the loop itself does."""
    file = "vaelib/explorers/more.js"
    assert found_in(f"export function f(b) {{ {loop} }}", file) == {"no-restricted-syntax"}
    assert not found_in("export function f(b) { const [a] = b; for (const c of a) f(c); }", file)


def test_what_is_compiled_is_what_is_written(npm):
    done = npm("run", "products", "--", "--check")
    assert done.returncode == 0, f"run `make products`: {done.stdout + done.stderr}"


def test_what_a_module_exports_another_imports():
    modules = {path: path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.js")}
    exported = {
        (path.name, name)
        for path, text in modules.items()
        for name in re.findall(r"^export (?:const|function|class) (\w+)", text, re.MULTILINE)
    }
    imported = {
        (file, name.strip())
        for text in modules.values()
        for names, file in re.findall(r'^import \{([^}]*)\} from "\./(?:browser/)?([^"]+)";', text, re.MULTILINE)
        for name in names.strip().rstrip(",").split(",")
    }
    assert len(modules) > 12 and exported == imported
