"""A Jupyter server that serves a copy of the lessons, and the chromium that looks at it."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat

CHROMIUM_FLAGS = [
    "--no-sandbox",  # which a container's root can't have; the only pages opened are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """The system's, or a Chrome; where there is none, Playwright takes its own, if it is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class NoBrowser(Exception):
    """No browser can be driven; the message is the sentence that says why."""


@contextmanager
def chromium():
    """A chromium that Playwright drives."""
    try:
        from playwright.sync_api import Error, sync_playwright  # here, for most tools do without it
    except ImportError as error:
        raise NoBrowser(f"Playwright, which drives the browser, is not installed ({error})") from None
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        except Error as error:
            raise NoBrowser(f"no Chromium starts here: {error.message.splitlines()[0]}") from None
        yield browser
        browser.close()


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
