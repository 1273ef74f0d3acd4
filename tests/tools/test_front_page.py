"""What somebody reads who has just found the course: short, in order, and true of the files that it speaks of."""

import json
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from helpers import missing
from PIL import Image

import install
from tools import moving_picture
from tools.lessons import ROOT
from vaelib import faces
from vaelib.measures import evaluate
from vaelib.trained import trained

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
WORKFLOW = ".github/workflows/tests.yml"
PAGES = ["README.md", "CHANGELOG.md", ".github/CONTRIBUTING.md"] + [
    str(path.relative_to(ROOT))
    for place in ("notebooks/*.md", "images/*.md", "vaelib/**/*.md")
    for path in ROOT.glob(place)
]
SCHEMAS = {
    "CITATION.cff": "citation-file-format",
    WORKFLOW: "github-workflows",
    ".github/ISSUE_TEMPLATE/problem.yml": "github-issue-forms",
}
TOP_LEVEL = {"README.md", "LICENSE", "CITATION.cff", "CHANGELOG.md", "Makefile", "install.py", "pyproject.toml"} | {
    *("requirements.txt", "requirements-dev.txt", "requirements.lock"),
    *("images", "notebooks", "tests", "tools", "vaelib"),
}
WORDS = 130  # read in half a minute


# Short, and in order


def test_half_a_minute_tells_what_for_whom_and_how_to_look():
    first = README.partition("\n## Try")[0]
    words = re.findall(r"\w\S*", re.sub(r"!\[.*?\]\(.*?\)|\]\(.*?\)", "", first))
    assert len(words) <= WORDS
    for what in ("course on variational autoencoders", "for students who know", "their teachers", "## Look\n"):
        assert what in first
    assert "make lab" not in first and "pip install" not in first  # whoever only looks installs nothing


def test_the_readme_goes_from_looking_to_teaching():
    assert re.findall(r"^## (.+)", README, re.MULTILINE)[:5] == ["Look", "Try", "Install", "Teach", "Lessons"]


def test_the_top_level_is_short():
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name for path in tracked.split("\0") if (name := path.split("/")[0]) and name[0] != "."} == TOP_LEVEL


# True


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_files_and_headings(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(((?!https://)[^)\s]+)\)", text):
        path, _, heading = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", one).replace(" ", "-").lower() for one in headings}, target


def test_the_commands_are_those_of_the_makefile():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    named = {one for page in (README, CONTRIBUTING) for one in re.findall(r"(?:^|`)make ([a-z-]+)", page, re.MULTILINE)}
    assert named <= targets
    assert targets - named == {"lint", "setup", "setup-dev"}  # which the others call


def test_the_room_that_the_set_up_takes():
    text = README.replace("\n", " ")
    assert f"and {install.CPU_SPACE} GB of free disk; on Linux with an NVIDIA GPU, or" in text
    assert f"3.2 GB and {install.FULL_SPACE} GB." in text
    assert "Python {}.{} or newer".format(*install.OLDEST_PYTHON) in README


@pytest.mark.parametrize(
    ("system", "card", "cuda"),
    [("linux", None, False), ("linux", "/usr/bin/nvidia-smi", True), ("darwin", None, False), ("win32", "smi", False)],
)
def test_the_set_up_asks_for_the_room_of_what_it_brings(system, card, cuda, monkeypatch):
    monkeypatch.setattr(install.sys, "platform", system)
    monkeypatch.setattr(install.shutil, "which", lambda program: card)
    monkeypatch.setattr(install.os.path, "exists", lambda path: False)
    assert install.brings_cuda() == cuda


def test_the_development_container_sets_the_course_up():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    image, _, version = container["image"].partition(":")
    assert image == "python" and tuple(map(int, version.split("."))) >= install.OLDEST_PYTHON
    assert container["postCreateCommand"] == "make setup"
    assert int(container["hostRequirements"]["storage"].removesuffix("gb")) > install.FULL_SPACE


def test_a_job_runs_each_line_for_windows():
    lines = [
        line
        for block in re.findall(r"```powershell\n(.*?)```", README + CONTRIBUTING, re.DOTALL)
        for line in block.splitlines()
    ]
    job = (ROOT / WORKFLOW).read_text(encoding="utf-8").partition("\n  windows:")[2].partition("\n  macos:")[0]
    run = re.findall(r"- run: (.+)", job)
    assert lines and [line for line in run if line.removesuffix(" --version") in lines] == run
    assert {line.removesuffix(" --version") for line in run} == {*lines}


@pytest.mark.parametrize("name", SCHEMAS)
def test_files_for_hosts_fit_their_schemas(name):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{SCHEMAS[name]}", ROOT / name]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_one_version_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert re.search(r"^version: (.+)$", CITATION, re.MULTILINE)[1] == version
    released = re.findall(r"^## \[([\d.]+)\] - (\d{4}-\d\d-\d\d)$", CHANGELOG, re.MULTILINE)
    cited = re.findall(r"^date-released: \"?([\d-]+)", CITATION, re.MULTILINE)
    assert released[:1] == [(version, date) for date in cited]  # none of both before the first release


@pytest.mark.rest
def test_the_readmes_example_runs():
    names = {}
    exec(re.search(r"```python\n(.*?)```", README, re.DOTALL)[1], names)
    assert names["images"].shape == (4000, 3, 32, 32) and names["again"].shape == (8, 3, 32, 32)
    assert names["q"].batch_shape == (8, 10)


# The moving picture


def test_the_moving_picture_is_light_and_has_a_text():
    with Image.open(moving_picture.PICTURE) as picture:
        assert 8 <= picture.n_frames == len(moving_picture.BETAS) <= 15
        assert picture.info["loop"] == moving_picture.TIMES
    assert moving_picture.PICTURE.stat().st_size <= 400_000
    alt = re.search(rf"!\[(.+?)\]\(images/{moving_picture.PICTURE.name}\)", README)[1]
    least, most = min(moving_picture.BETAS), max(moving_picture.BETAS)
    rates = [evaluate(trained("faces").at(beta), faces(16, seed=1).images).rate for beta in (least, most)]
    assert f"from {least:g} to {most:g} and back" in alt
    assert "from {:.3g} nats in all to {:.3g}".format(*rates) in alt


def test_the_moving_picture_is_not_older_than_the_explorer():
    assert moving_picture.description(moving_picture.PICTURE) == moving_picture.made_of(), "run `make moving-picture`"


@pytest.mark.rest
def test_the_moving_picture_is_what_the_explorer_shows(browser, tmp_path):
    """Taken anew: each stored frame is most like that of its β. Another machine may draw letters otherwise."""
    if not shutil.which("npm"):
        missing("no npm: a page needs what it installs (Debian: apt install nodejs npm)")
    taken = dict(zip(moving_picture.BETAS, moving_picture.frames_of_the_playground(browser, tmp_path), strict=True))
    with Image.open(moving_picture.PICTURE) as stored:
        for k, beta in enumerate(moving_picture.BETAS):
            stored.seek(k)
            differences = {other: difference(stored, frame) for other, frame in taken.items()}
            assert min(differences, key=differences.get) == beta, differences
            assert differences[beta] < 3


def difference(one, other) -> float:
    """The mean difference of two pictures, made 64 × 48 pixels, on a scale of 255."""
    small = [picture.convert("L").resize((64, 48), Image.Resampling.BOX).tobytes() for picture in (one, other)]
    return sum(abs(a - b) for a, b in zip(*small, strict=True)) / len(small[0])
