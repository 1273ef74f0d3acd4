"""JupyterLab on the lessons: `make lab`. For tools and tests: a server of their own, and a chromium to look at it."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import webbrowser
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import psutil
from jupyter_client import BlockingKernelClient
from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

from tools import edition
from tools.environment import ROOT, can_be_written, keep_out_user_settings
from tools.lessons import LESSONS, lessons_in
from tools.own_copies import lay_out

SETTINGS = ROOT / ".jupyter"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows nothing of this machine
TEXT_BROWSERS = {"www-browser", "links", "elinks", "lynx", "w3m"}
CHROMIUM_FLAGS = [
    "--no-sandbox",  # which a container's root can't have; the only pages opened are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",  # the only pages opened are on this machine
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
        missing = f"Playwright, which drives the browser, is not installed ({error})"
        raise NoBrowser(f"{missing}: python3 install.py dev brings it") from None
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
    for path in lessons_in(target).values():
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)


def serve_lab(home: Path, *options: str, configs=(SETTINGS,), **environment: str) -> "serve":
    """JupyterLab in the folder `home`, such that a program can drive its page; its settings are in home/settings."""
    return serve(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--LabApp.expose_app_in_browser=True", *options],
        cwd=home,
        settings=home / "settings",
        JUPYTER_CONFIG_PATH=os.pathsep.join(map(str, configs)),
        **environment,
    )


class serve:
    """Run a command that starts a Jupyter server, in the folder `cwd`; the context's end stops it.

    The server gets a free port (`url`), a `token`, and settings of its own in the folder `settings`: the
    user's neither change it nor are changed by it. `log` is the file with what it said.
    """

    def __init__(self, command, cwd: Path, settings: Path, **environment: str):
        keep_out_user_settings()
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
                # Ctrl+C is for this program alone: the first line keeps it from the server, on Windows the second
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
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
        raise ServerError(self.log.read_text(encoding="utf-8", errors="replace"))

    def get(self, path: str):
        return DIRECT.open(f"{self.url}{path}?token={self.token}", timeout=10)

    def ask(self, what: str, **content):
        """What the server answers to this."""
        request = urllib.request.Request(
            f"{self.url}/api/{what}",
            data=json.dumps(content).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with DIRECT.open(request, timeout=60) as answer:
            return json.load(answer)

    @contextmanager
    def connected(self, kernel: str):
        """A client of the kernel with this id."""
        client = BlockingKernelClient(connection_file=str(self.log.parent / "runtime" / f"kernel-{kernel}.json"))
        client.load_connection_file()
        client.hb_channel.time_to_dead = 120  # in seconds: a kernel that starts or computes is not dead
        client.start_channels()
        try:
            client.wait_for_ready(timeout=300)
            yield client
        finally:
            client.stop_channels()

    def wait(self):
        """Until the server ends; in short steps, for on Windows Ctrl+C is heard between two of them only."""
        while self.process.poll() is None:
            time.sleep(0.2)

    def __exit__(self, *_):
        stop(self.process)


class ServerError(Exception):
    """The server did not come up; the message is what it said."""


def stop(process: subprocess.Popen, patience: float = 20) -> None:
    """End a program with all that it started, for the server may be a child of make, and has kernels.

    They are asked to end, and what is left after `patience` seconds is killed. Windows knows no asking.
    """
    try:
        family = [psutil.Process(process.pid)]
        family += family[0].children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    for step in (psutil.Process.terminate, psutil.Process.kill):
        for member in family:
            with suppress(psutil.NoSuchProcess):
                step(member)
        _, family = psutil.wait_procs(family, timeout=patience)
    process.wait()


# For a reader's own eyes


def window_browser():
    """What opens a window with a page; None where there is nothing, or only a browser that lives in the terminal."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return None
    return None if Path(browser.name).name in TEXT_BROWSERS else browser


def own_folders() -> dict[str, str]:
    """Where JupyterLab keeps what a user changed in it: where it always does, or for this time only if it can't."""
    home = Path(jupyter_config_dir()) / "lab"
    places = {
        "JUPYTERLAB_SETTINGS_DIR": home / "user-settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "JUPYTER_DATA_DIR": Path(jupyter_data_dir()),
        "JUPYTER_RUNTIME_DIR": Path(jupyter_runtime_dir()),
    }
    places |= {name: Path(os.environ[name]) for name in places if os.environ.get(name)}
    return {name: str(place) for name, place in places.items()}


def main(options: list[str]) -> int:
    """JupyterLab on the student's own copy of the first lesson: `make lab`."""
    folders = own_folders()  # before the user's own are out of sight
    keep_out_user_settings()
    home = ROOT
    language = edition.chosen_edition()
    if language:
        os.environ.setdefault("VAELIB_LANG", language)  # in whatever notebook
    if mine := lay_out(language=language):
        home = mine.parent
        options = [f"--LabApp.default_url=/lab/tree/{mine.name}/{LESSONS['00'].name}", *options]
        os.environ.setdefault("VAELIB_PROGRESS", str(mine / "progress.jsonl"))  # what the checks found solved
    if not window_browser():
        options = ["--no-browser", *options]  # it prints its address
    with tempfile.TemporaryDirectory() as instead:
        for name, folder in folders.items():
            if not can_be_written(Path(folder)):
                folders[name] = str(Path(instead) / name)
        lab = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=home,
            env=os.environ | folders | {"JUPYTER_CONFIG_PATH": str(SETTINGS)},
        )
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl+C reaches JupyterLab as well, which asks what is meant
        signal.signal(signal.SIGTERM, lambda *_: lab.terminate())
        return lab.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
