"""A user's own settings stay outside: of Jupyter, IPython, matplotlib, Python, proxies, browsers and other kernels."""

import http.server
import json
import os
import subprocess
import sys
import threading
from unittest.mock import Mock

import nbformat
import pytest

from tools import lab, present, room, warm
from tools.lessons import ROOT


def python(code, **environment):
    """What a fresh Python says that runs this code in the repository, in such an environment."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Jupyter, IPython, matplotlib, Python


@pytest.fixture
def user(tmp_path):
    """The environment of somebody whose own settings would break the course."""
    home = tmp_path / "home"
    spec = json.dumps({"argv": ["false"], "display_name": "theirs", "language": "python"})
    wrong = "raise SystemExit('the user was asked')"
    for name, text in {
        "share/kernels/python3/kernel.json": spec,
        ".local/share/jupyter/kernels/python3/kernel.json": spec,
        ".ipython/profile_default/startup/00.py": "print('from the user')",
        ".ipython/profile_default/ipython_config.py": wrong,
        ".jupyter/jupyter_server_config.py": wrong,
        ".jupyter/jupyter_lab_config.py": wrong,
        ".jupyter/jupyter_config.py": wrong,
        "python/numpy.py": wrong,
        "python/sitecustomize.py": "",
        "startup.py": wrong,
        "matplotlibrc": "figure.facecolor: black\nlines.linewidth: 99\n",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return {
        "HOME": str(home),
        "JUPYTER_PATH": str(home / "share"),
        "JUPYTER_PREFER_ENV_PATH": "0",
        "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
        "JUPYTER_CONFIG_PATH": str(home / ".jupyter"),
        "JUPYTER_DATA_DIR": str(home / ".local" / "share" / "jupyter"),
        "IPYTHONDIR": str(home / ".ipython"),
        "PYTHONSTARTUP": str(home / "startup.py"),
        "PYTHONOPTIMIZE": "2",
        "MPLBACKEND": "no_such_backend",
        "MATPLOTLIBRC": str(home / "matplotlibrc"),
    }


SEEN = """
import json, os, sys, matplotlib, numpy, vaelib
from pathlib import Path
AUTOGROUP = "/proc/self/autogroup"
print(json.dumps({
    "prefix": sys.prefix,
    "vaelib": vaelib.__file__,
    "numpy": hasattr(numpy, "array"),
    "asserts": __debug__,
    "width": matplotlib.rcParams["lines.linewidth"],
    "wait": (os.environ["OMP_WAIT_POLICY"], os.environ.get("GOMP_SPINCOUNT")),
    "history": get_ipython().history_manager.enabled,
    "priority": getattr(os, "getpriority", lambda *_: 10)(0, 0),
    "autogroup": Path(AUTOGROUP).read_text().strip() if os.access(AUTOGROUP, os.W_OK) else "",
}))
"""


def is_the_courses(said):
    seen = json.loads(said)
    assert seen["prefix"] == sys.prefix and seen["vaelib"] == str(ROOT / "vaelib" / "__init__.py")
    assert seen["numpy"] and seen["width"] != 99 and not seen["history"]
    assert seen["asserts"] and seen["priority"] >= 10
    assert seen["autogroup"] == "" or seen["autogroup"].endswith(" nice 10")  # empty where that can't be said
    return seen


def test_a_lesson_is_run_by_the_courses_kernel(user, tmp_path):
    path = tmp_path / "seen.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SEEN)], metadata={"kernelspec": kernel})
    nbformat.write(notebook, path)
    run = f"""
from pathlib import Path
from tools.lessons import executed
print(executed(Path({str(path)!r})).cells[0].outputs[0].text)
"""
    assert is_the_courses(python(run, **user))["wait"] == ["passive", "1000"]


@pytest.mark.skipif(os.name == "nt", reason="needs make")
def test_what_changes_python_stays_outside_of_make():
    foreign = dict.fromkeys(("PYTHONPATH", "PYTHONOPTIMIZE", "PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS"), "1")
    make = ["make", "--silent", "--eval", "said: ; @env", "said"]
    done = subprocess.run(make, cwd=ROOT, env=os.environ | foreign, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert not foreign.keys() & {line.partition("=")[0] for line in done.stdout.splitlines()}


def test_what_the_user_says_about_threads_counts(user):
    say = """
import os
from tools.environment import keep_out_user_settings
keep_out_user_settings()
print(os.environ["OMP_WAIT_POLICY"], os.environ.get("GOMP_SPINCOUNT"))
"""
    assert python(say, **user | {"OMP_WAIT_POLICY": "active"}) == "active None\n"


ASK = """
import json, sys
from pathlib import Path
from tools.lab import serve_lab
with serve_lab(Path(sys.argv[1])) as server:
    with server.connected(server.ask("kernels", name="python3")["id"]) as client:
        client.execute_interactive(sys.argv[2], timeout=300)
"""


def test_a_server_of_the_tools_starts_the_courses_kernel_behind_any_proxy(user, tmp_path, proxy):
    proxies = {name: proxy.address for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY")}
    code = f"import sys; sys.argv[1:] = {[str(tmp_path), SEEN]!r}\n{ASK}"
    is_the_courses(python(code, **user, **proxies, no_proxy="", NO_PROXY=""))
    assert proxy.asked == []


PROGRESS = "import os; print(os.environ['VAELIB_PROGRESS'])"


def test_make_lab_starts_the_courses_kernel(user, tmp_path):
    """The server that a student gets, with the user's own look, but not with the user's configuration."""
    settings, mine = tmp_path / "settings", tmp_path / "desk" / "my"
    start = f"""
import sys
from pathlib import Path
from tools import lab, own_copies
own_copies.places = lambda course: [Path({str(mine.parent)!r})]  # in place of the folder of whoever runs this test
sys.exit(lab.main([]))
"""
    with lab.serve([sys.executable, "-c", start], ROOT, settings, **user | {"HOME": str(tmp_path / "home")}) as server:
        specs = json.load(server.get("/api/kernelspecs"))
        assert specs["kernelspecs"]["python3"]["spec"]["display_name"] != "theirs"
        with server.get("/") as page:
            assert "/lab/tree/my/00_start_here.ipynb" in page.url
        kernel = server.ask("kernels", name="python3")["id"]
        with server.connected(kernel) as client:
            said = []
            client.execute_interactive(PROGRESS, timeout=300, output_hook=said.append)
        [printed] = [message["content"]["text"] for message in said if message["msg_type"] == "stream"]
        assert printed == f"{mine / 'progress.jsonl'}\n"
        assert server.get("/api/contents/my/04_variational_autoencoder.ipynb").status == 200
    assert "the user was asked" not in server.log.read_text()


# Proxies


class Proxy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_error(403)

    do_POST = do_CONNECT = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy():
    """A proxy that lets nobody through, and remembers what it was asked for."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        server.asked, server.address = [], f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_the_tools_browser_asks_no_proxy():
    assert "--no-proxy-server" in lab.CHROMIUM_FLAGS


# Browsers


class Named:
    def __init__(self, name):
        self.name, self.opened = name, []

    def open(self, address):
        self.opened.append(address)


@pytest.mark.parametrize("name", ["w3m", "www-browser", "/usr/bin/lynx", "links", "elinks"])
def test_a_browser_that_lives_in_the_terminal_is_none(name, monkeypatch):
    monkeypatch.setattr(lab.webbrowser, "get", lambda: Named(name))
    assert lab.window_browser() is None
    monkeypatch.setattr(room, "find_chromium", lambda: None)
    assert room.browser() == (
        False,
        f"only a text browser, {name}: install Firefox, Chrome or Chromium, or open the printed address by hand",
    )


def test_a_browser_with_windows_is_named_and_used(monkeypatch):
    monkeypatch.setattr(lab.webbrowser, "get", lambda: Named("firefox"))
    assert room.browser() == (True, "the browser that opens: firefox")


def test_without_any_browser_room_says_what_to_do(monkeypatch):
    def fail():
        raise lab.webbrowser.Error

    monkeypatch.setattr(lab.webbrowser, "get", fail)
    monkeypatch.setattr(room, "find_chromium", lambda: None)
    ready, what = room.browser()
    assert not ready and what.startswith("no browser found: install Firefox")


@pytest.mark.parametrize(("name", "times"), [("w3m", 0), ("firefox", 1)])
def test_present_prints_the_address_and_opens_a_window_if_it_can(name, times, monkeypatch, capsys):
    browser = Named(name)
    monkeypatch.setattr(lab.webbrowser, "get", lambda: browser)

    class Shown:
        def __enter__(self):
            return Mock(**{"wait.side_effect": KeyboardInterrupt}), "http://the-address"

        def __exit__(self, *_):
            return False

    monkeypatch.setattr(present, "as_slides", lambda *_: Shown())
    present.main(["05"])
    assert "http://the-address" in capsys.readouterr().out
    assert len(browser.opened) == times


# Without what only tests need


BLOCKED = """
import importlib.abc, sys
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"pytest", "_pytest", "nbval", "xdist", "playwright", "axe_playwright_python", "ruff"}:
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Blocked())
"""


def test_present_warm_and_room_need_no_pytest():
    assert (
        python(BLOCKED + "import tools.present, tools.warm, tools.room, tools.rehearse, tools.lab; print('ok')")
        == "ok\n"
    )


def test_warming_with_nothing_kept_is_refused(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAELIB_KEPT", "off")
    with pytest.raises(SystemExit, match="VAELIB_KEPT is off"):
        warm.main(["00"])
    assert not list(tmp_path.iterdir())


@pytest.mark.rest
def test_a_lesson_is_warmed_and_shown_without_pytest(tmp_path):
    """Down to the page that the slides are on."""
    show = """
import nbformat, sys
from tools import present, warm
from tools.lessons import LESSONS
warm.main(["00"])
with present.as_slides(nbformat.read(LESSONS["00"], as_version=4), "00_start_here") as (server, address):
    print(server.get("/lab/tree/notebooks/00_start_here.ipynb").status)
"""
    assert python(BLOCKED + show, VAELIB_KEPT=str(tmp_path), OMP_NUM_THREADS="1").splitlines()[-1] == "200"


def test_without_playwright_room_and_rehearse_say_so_in_a_sentence():
    say = """
from tools import rehearse, room
print(room.explorers())
try:
    rehearse.main(["00"])
except SystemExit as end:
    print(end)
"""
    first, second = python(BLOCKED + say).splitlines()
    assert "the explorers were not tried: Playwright, which drives the browser, is not installed" in first
    assert second.startswith("make rehearse: Playwright, which drives the browser, is not installed")
