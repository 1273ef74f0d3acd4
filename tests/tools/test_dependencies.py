"""The package asks for what it imports and no more; a student's packages are pinned, and so is what these bring."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from helpers import missing
from packaging.requirements import Requirement
from packaging.version import Version

from tools.lessons import ROOT

ALL = ("requirements.txt", "tools/hub/requirements.txt", "requirements-dev.txt")


@pytest.mark.parametrize("name", [*ALL, ".binder/requirements.txt"])
def test_requirements_are_pinned_and_explained(name):
    for line in (ROOT / name).read_text().splitlines():
        other = line.removeprefix("-r ") in ALL[:-1]
        assert not line or other or line.startswith("#") or re.fullmatch(r"[\w-]+==[\d.]+ +# .+", line), line


def pins(*names: str) -> dict[str, str]:
    text = "\n".join((ROOT / name).read_text() for name in names)
    return {normal(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)}


def normal(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def package() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def floors(extra: str | None = None) -> dict[str, str]:
    lines = package()["optional-dependencies"][extra] if extra else package()["dependencies"]
    return dict(line.split(">=") for line in lines)


CALLED = {
    "PIL": "pillow",
    "IPython": "ipython",
    "sklearn": "scikit-learn",
    "bs4": "beautifulsoup4",
    "xdist": "pytest-xdist",
    "websocket": "websocket-client",
    "yaml": "pyyaml",
}


def imported(folder: str) -> set[str]:
    """The packages that the code of a folder imports, but for Python's own and the course's."""
    names = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.split(".")[0])
    folders = ("tests", "tools", "vaelib")
    ours = {path.stem for part in folders for path in (ROOT / part).rglob("*")} | {*folders, "install"}
    return {normal(CALLED.get(name, name)) for name in names - sys.stdlib_module_names - ours}


def test_the_package_asks_for_what_it_imports():
    # matplotlib writes WebP with pillow, which it may lack
    assert imported("vaelib") | {"pillow"} == floors().keys() | floors("full").keys()


def test_tests_and_tools_import_what_is_pinned():
    brought_by_itself = {"pythae"}  # `make bench` compares with it
    asked = imported("tests") | imported("tools")
    assert asked - brought_by_itself <= pins(*ALL).keys()


def test_every_floor_is_below_the_pin():
    pinned = pins("requirements.txt")
    for name, floor in (floors() | floors("full")).items():
        assert Version(floor) <= Version(pinned[name]), name


def test_lock_holds_every_pin_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    assert pins(*ALL).items() <= pins("requirements.lock").items()
    assert "://" not in lock and " @ " not in lock and "index" not in lock


def test_a_new_pin_is_locked_before_it_is_installed():
    """What is installed must fit the lock, which a new pin does not yet."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^lock:(.*?)#", makefile, re.MULTILINE)[1].strip() == ""


def test_what_is_installed_is_what_is_locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    asked = [Requirement(line) for line in lines if line and not line.lstrip().startswith("#")]
    asked = {normal(one.name): one.specifier for one in asked if not one.marker or one.marker.evaluate()}
    wrong = [
        f"{one.name} {one.version}"
        for one in metadata.distributions()
        if normal(one.name) in asked and not asked[normal(one.name)].contains(one.version, prereleases=True)
    ]
    assert not wrong, f"not as in requirements.lock: {wrong}; run `python3 install.py dev`"


def uv(*command: str | Path) -> str:
    """What `uv pip` says, on the way to the network that install.py takes."""
    code = """
import contextlib, sys, install
with contextlib.suppress(OSError), install.only_one():
    status, output = install.run(sys.argv[1:], install.network_settings(sys.executable))
    print(output)
    sys.exit(install.network_failure(output) if status else 0)
"""
    asked = subprocess.run(
        [sys.executable, "-c", code, sys.executable, "-m", "uv", "pip", *command],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    if "can't be downloaded" in asked.stderr:
        missing(asked.stderr.strip())
    assert asked.returncode == 0, asked.stdout + asked.stderr
    return asked.stdout


def test_an_empty_environment_gets_nothing_that_only_tests_and_tools_need():
    resolved = pins_in(uv("compile", "--quiet", "--no-header", "--no-annotate", ROOT / "pyproject.toml"))
    tests_and_tools = pins(*ALL).keys() - floors().keys()
    brought = {"jinja2", "packaging", "pygments", "psutil"}  # torch's, matplotlib's, and two of ipython's
    assert resolved.keys() & tests_and_tools <= brought
    assert {"jupyterlab", "pytest", "playwright", "ruff", "uv"} <= tests_and_tools


def test_the_oldest_versions_fit_together():
    """And are those that pyproject.toml names: `make floors` runs the unit tests on them."""
    full = ["--extra", "full", "--resolution", "lowest-direct", "--python-version", "3.11"]
    resolved = pins_in(uv("compile", "--quiet", "--no-header", "--no-annotate", *full, ROOT / "pyproject.toml"))
    for name, floor in (floors() | floors("full")).items():
        assert Version(resolved[name]) == Version(floor), name


def pins_in(text: str) -> dict[str, str]:
    return {normal(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)}


def test_beside_another_torch_nothing_changes(tmp_path):
    there = floors() | {"torch": "2.14.0+cu126", "numpy": "2.0.2", "matplotlib": "3.10.0", "traitlets": "5.7.1"}
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "theirs"], check=True)
    packages = next((tmp_path / "theirs").glob("[lL]ib/**/site-packages"))
    for name, version in there.items():
        information = packages / f"{name.replace('-', '_')}-{version}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (information / "RECORD").touch()
    plan = uv("install", "--dry-run", "--python", tmp_path / "theirs", ROOT)
    assert re.findall(r"^ ([+~-]) (\S+?)[ =@]", plan, re.MULTILINE) == [("+", "vaelib")], plan
