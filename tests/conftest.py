"""What the browser tests stand on: a chromium, and a JupyterLab that serves a copy of the lessons."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import earlier_trainings
import pytest
from helpers import missing

from tools.environment import keep_out_user_settings
from tools.lab import CHROMIUM_FLAGS, copy_without_outputs, find_chromium, serve_lab
from tools.lessons import ROOT


def pytest_configure(config):
    config.addinivalue_line("markers", "rest: what `make test` leaves to `make test-rest`")
    keep_out_user_settings()
    os.environ.pop("VAELIB_PROGRESS", None)  # no exercise is solved by a test
    os.environ.pop("VAELIB_LANG", None)  # they know what is said in English
    os.environ["VAELIB_KEPT"] = "off"  # tests train for real, and so do the lessons that they run
    # So that a test run that is told to end stops the servers it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def playwrights_driver():
    """A program that comes with Playwright, but not with the one library it needs."""
    trial = subprocess.run([sys.executable, "-m", "playwright", "--version"], capture_output=True, text=True)
    if trial.returncode:
        missing(f"Playwright's driver doesn't start (Debian: apt install libatomic1): {trial.stderr.strip()}")


@pytest.fixture(scope="session")
def playwright(playwrights_driver, playwright):
    return playwright


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type, browser_type_launch_args):
    """The system's chromium, else the one that Playwright may have installed."""
    found = find_chromium() or browser_type.executable_path
    if not Path(found).exists():
        missing(
            "no chromium: install your system's (Debian: apt install chromium), "
            "or run .venv/bin/playwright install chromium"
        )
    return browser_type_launch_args | {"executable_path": found, "args": CHROMIUM_FLAGS}


# Files whose tests share nothing with each other: each is a lesson, and goes to the worker that has time for it.
ANYWHERE = ("test_lessons_as_slides", "test_italian_lessons", "test_lessons_in_browser")


def pytest_xdist_make_scheduler(config, log):
    """The tests of a file stay on one worker, for they share a page or a site.

    That is `--dist loadgroup`, which pytest-xdist 3.8 can't do with pytest 9.2: all tests go anywhere, and each worker
    builds the site.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return nodeid if Path(file).stem in ANYWHERE else file

    return ByFile(config, log)


@pytest.fixture(scope="session")
def trainings(tmp_path_factory):
    """A folder for VAELIB_KEPT, with all that the lessons trained under nbval, if that was run before."""
    folder = tmp_path_factory.mktemp("trainings")
    earlier_trainings.gather(folder)
    return folder


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory, trainings):
    """A running JupyterLab, on a copy of the lessons."""
    home = tmp_path_factory.mktemp("lab")
    copy_without_outputs(ROOT / "notebooks", home / "notebooks")
    if (ROOT / "images").exists():
        shutil.copytree(ROOT / "images", home / "images")
    with serve_lab(home, VAELIB_KEPT=str(trainings)) as server:
        yield server


@pytest.fixture(scope="session")
def lab(jupyterlab):
    """A function from a notebook's name to its address in JupyterLab."""
    return lambda name: f"{jupyterlab.url}/lab/tree/notebooks/{name}.ipynb?token={jupyterlab.token}&reset"
