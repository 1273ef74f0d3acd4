"""What the browser tests stand on: a chromium, and a JupyterLab that serves a copy of the lessons."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_FLAGS = [
    "--no-sandbox",  # which a container's root can't have; the only pages opened are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure():
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


def find_chromium() -> str | None:
    """The system's, or a Chrome; where there is none, Playwright takes its own, if it is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def missing(what: str):
    """Skip where a user's machine lacks something; fail in CI, which must have it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory):
    """A running JupyterLab, on a copy of the lessons."""
    if os.name == "nt":
        pytest.skip("stopping JupyterLab with all its kernels needs POSIX process groups")
    home = tmp_path_factory.mktemp("lab")
    copy_without_outputs(ROOT / "notebooks", home / "notebooks")
    if (ROOT / "images").exists():
        shutil.copytree(ROOT / "images", home / "images")
    with serve(
        [sys.executable, "-m", "jupyterlab", "--LabApp.expose_app_in_browser=True"],
        cwd=home,
        settings=home / "settings",
        JUPYTER_CONFIG_PATH=str(ROOT / ".jupyter"),
    ) as server:
        yield server


@pytest.fixture(scope="session")
def lab(jupyterlab):
    """A function from a notebook's name to its address in JupyterLab."""
    return lambda name: f"{jupyterlab.url}/lab/tree/notebooks/{name}.ipynb?token={jupyterlab.token}&reset"


def copy_without_outputs(source: Path, target: Path):
    """So that every output on the screen is one that this run made."""
    shutil.copytree(source, target)
    for path in target.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)


class serve:
    """Run a command that starts a Jupyter server, in the folder `cwd`; the context's end stops it.

    The server gets a free port (`url`), a `token`, and settings of its own in the folder `settings`: the
    user's neither change the tests nor are changed by them. `log` is the file with what it said.
    """

    def __init__(self, command, cwd: Path, settings: Path, **environment: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.token = secrets.token_hex()
        settings.mkdir()
        self.log = settings / "log"
        environment |= {
            "JUPYTER_CONFIG_DIR": str(settings / "config"),
            "JUPYTER_DATA_DIR": str(settings / "data"),
            "JUPYTER_RUNTIME_DIR": str(settings / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(settings / "lab"),
            "JUPYTERLAB_WORKSPACES_DIR": str(settings / "workspaces"),
            "IPYTHONDIR": str(settings / "ipython"),
            "JUPYTER_PORT": str(port),
            "JUPYTER_PORT_RETRIES": "0",
            "JUPYTER_TOKEN": self.token,
            "BROWSER": "true",  # the command `true`: opens no window
        }
        self.command, self.cwd, self.environment = command, cwd, os.environ | environment

    def __enter__(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_until_up(self, timeout: float = 600):
        deadline = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                return self.get("/api/status").close()
            except OSError:
                time.sleep(0.1)
        raise ServerError(self.log.read_text())

    def get(self, path: str):
        return urllib.request.urlopen(f"{self.url}{path}?token={self.token}", timeout=10)

    def __exit__(self, *_):
        # To the whole group, for the server may be a child of make; it takes its kernels along.
        for step in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, step)
                self.process.wait(20)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


class ServerError(Exception):
    """The server did not come up; the message is what it said."""
