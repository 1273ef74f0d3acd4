"""install.py says clearly what it lacks; the README's first command leads from a fresh clone to lesson 00."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import missing

from tools.lab import ServerError, serve
from tools.lessons import ROOT

THIS_VERSION = ".".join(map(str, sys.version_info[:3]))
NO_INDEX = "error: Request failed after 3 retries\n  cause: Failed to fetch: the index"
NO_SPACE = "error: failed to write: No space left on device (os error 28)"


class Project:
    """install.py in a folder of its own, beside a finished .venv whose Python only notes what it is asked."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("install.py", "requirements.txt", "pyproject.toml"):
            (folder / name).write_text((ROOT / name).read_text())
        (folder / ".venv" / "bin").mkdir(parents=True)
        self.environment_is(THIS_VERSION, folder / ".venv")
        self.done = folder / ".venv" / "course-installed"
        self.done.write_text("something older")
        self.calls = folder / "calls"
        self.calls.touch()
        self.answer()

    def environment_is(self, version: str, made_in: Path):
        made = f"version = {version}\ncommand = python3 -m venv {made_in.resolve()}\n"
        (self.folder / ".venv" / "pyvenv.cfg").write_text(made)

    def answer(self, when: str = "never", message: str = ""):
        """Let commands that contain `when` fail with `message`."""
        python = self.folder / ".venv" / "bin" / "python"
        python.write_text(
            f'#!/bin/sh\necho "$@" >> "{self.calls}"\ncase "$*" in *"{when}"*) echo "{message}" >&2; exit 2;; esac\n'
        )
        python.chmod(0o755)

    def install(self, before: str = "", gpu: bool = False) -> subprocess.CompletedProcess:
        """Run install.py, and before it some lines that make this machine another."""
        prepare = f"import install, os, shutil, sys\ninstall.wants_cpu_build = lambda: {not gpu}\n"
        return subprocess.run(
            [sys.executable, "-c", prepare + before + "\ninstall.main()"],
            cwd=self.folder,
            capture_output=True,
            text=True,
        )

    def refuses(self, sentence: str, before: str = ""):
        """It exits with status 1 and says one line, this one."""
        result = self.install(before)
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1 and sentence in result.stderr, result.stderr


@pytest.fixture
def project(tmp_path):
    if os.name == "nt":
        pytest.skip("the stand-in for Python is a shell script")
    return Project(tmp_path)


def test_old_pythons_can_read_install_py():
    ast.parse((ROOT / "install.py").read_text(), feature_version=(3, 6))


def test_python_too_old(project):
    project.refuses("Python 3.11 or newer is needed, this is 3.8.", "sys.version_info = (3, 8, 18)")


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_no_venv_module(project, module):
    project.refuses("apt install python3-venv", f"sys.modules['{module}'] = None")


def test_too_little_disk_space(project):
    project.done.unlink()
    little = "shutil.disk_usage = lambda path: shutil._ntuple_diskusage(10**9, 0, 10**9)"
    project.refuses("Too little disk space: the course needs 3 GB, 1.0 GB are free", little)
    assert project.calls.read_text() == ""


@pytest.mark.parametrize("step", ["pip install --constraint", "torch-backend=cpu", "uv pip install"])
def test_disk_full_on_the_way(project, step):
    project.answer(step, NO_SPACE)
    project.refuses("The disk is full")


@pytest.mark.parametrize("step", ["pip install --constraint", "uv pip install"])
def test_no_network(project, step):
    project.answer(step, NO_INDEX)
    project.refuses("No network")


def test_other_failures_are_passed_on(project):
    project.answer("uv pip install", "error: torch has no wheel for this machine")
    result = project.install()
    assert result.returncode == 1
    assert "torch has no wheel for this machine" in result.stderr and "Traceback" not in result.stderr


def test_cpu_build_first_and_one_line_when_its_index_is_out_of_reach(project):
    project.answer("torch-backend=cpu", NO_INDEX)
    result = project.install()
    assert (result.returncode, result.stderr) == (0, "")
    assert [line for line in result.stdout.splitlines() if "PyTorch" in line] == [
        "PyTorch's own index can't be reached: taking the usual build (5.5 GB), not the CPU build."
    ]
    _, cpu, usual = project.calls.read_text().splitlines()
    assert cpu == usual + " --torch-backend=cpu"


def test_cpu_build_is_enough_when_it_comes(project):
    assert "PyTorch" not in project.install().stdout
    assert project.calls.read_text().splitlines()[-1].endswith("--torch-backend=cpu")


def test_with_a_gpu_the_usual_build(project):
    assert project.install(gpu=True).returncode == 0
    assert "torch-backend" not in project.calls.read_text()


def test_second_run_starts_no_process(project):
    assert project.install().returncode == 0
    again = project.install("install.subprocess = None")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_changed_requirements_are_installed(project, name):
    project.install()
    calls = project.calls.read_text()
    with (project.folder / name).open("a") as file:
        file.write("# changed\n")
    assert project.install().returncode == 0
    assert project.calls.read_text() == 2 * calls


NOTE_NEW_ENVIRONMENTS = """
run = install.run
install.run = lambda *command: (0, print("made anew") or "") if "venv" in command else run(*command)
"""


def test_half_finished_environment_is_made_anew(project):
    project.answer("uv pip install", NO_INDEX)
    assert project.install().returncode == 1
    project.answer()
    assert "made anew" in project.install(NOTE_NEW_ENVIRONMENTS).stdout


def test_environment_of_another_python_is_made_anew(project):
    project.environment_is("3.10.1", project.folder / ".venv")
    assert "made anew" in project.install(NOTE_NEW_ENVIRONMENTS).stdout


def test_environment_that_was_moved_is_made_anew(project):
    project.environment_is(THIS_VERSION, project.folder / "elsewhere" / ".venv")
    assert "made anew" in project.install(NOTE_NEW_ENVIRONMENTS).stdout


def test_finished_environment_is_kept(project):
    assert "made anew" not in project.install(NOTE_NEW_ENVIRONMENTS).stdout


def test_requirements_are_pinned_and_explained():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        assert not line or line.startswith("#") or re.fullmatch(r"[\w-]+==[\d.]+ +# .+", line), line


@pytest.mark.rest
@pytest.mark.skipif(os.name == "nt", reason="needs make and sh; the README has other commands for Windows")
def test_readme_commands_in_a_fresh_clone(tmp_path):
    readme = (ROOT / "README.md").read_text()
    lab, test = re.search(r"```sh\n(.*?)```", readme, re.DOTALL)[1].splitlines()
    assert test.split("#")[0].strip() == "make test"  # which is what runs this, so it is not run from here

    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    # make's variables would tell the clone's make that it is part of this one
    unmade = {name: "" for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV")}
    try:
        with serve(["sh", "-c", lab], cwd=clone, settings=tmp_path / "settings", **unmade) as server:
            with server.get("/") as page:
                assert "/lab/tree/notebooks/00_start_here.ipynb" in page.url
            with server.get("/api/contents/notebooks/00_start_here.ipynb") as lesson:
                assert lesson.status == 200
    except ServerError as error:
        reason = re.search("No network|Too little disk space|The disk is full", str(error))
        if not reason:
            raise
        missing(f"a second copy of the course can't be installed here: {reason[0]}")
