"""`make lab` opens the student's own copies, and what a server started ends with it."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from tools import lab


class Started:
    """What `make lab` would have started."""

    def __init__(self, command, cwd, env):
        Started.command, Started.cwd, Started.environment = command, cwd, env

    def wait(self):
        return 0


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder for the copies, and a `make lab` that starts nothing and changes no environment."""
    monkeypatch.setattr(lab.subprocess, "Popen", Started)
    monkeypatch.setattr(lab.signal, "signal", lambda *_: None)
    monkeypatch.setattr(lab, "lay_out", lambda **_: tmp_path / "my")
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ.pop("VAELIB_PROGRESS", None)
    return tmp_path / "my"


@pytest.mark.skipif(not os.path.exists("/proc"), reason="a folder in which nobody can write")
def test_a_home_that_can_not_be_written_stops_nothing(mine, tmp_path, monkeypatch):
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_SETTINGS_DIR"):
        monkeypatch.setenv(name, f"/proc/nobody/{name}")
    monkeypatch.setenv("JUPYTERLAB_WORKSPACES_DIR", str(tmp_path / "mine"))
    assert lab.main([]) == 0
    started = Started.environment
    assert not any("/proc/nobody" in started[name] for name in started if name.startswith("JUPYTER"))
    assert started["JUPYTERLAB_WORKSPACES_DIR"] == str(tmp_path / "mine")


def test_the_copies_are_opened_and_the_checks_know_where_progress_is_kept(mine):
    lab.main(["--port=1"])
    assert Started.cwd == mine.parent
    assert "--LabApp.default_url=/lab/tree/my/00_start_here.ipynb" in Started.command and "--port=1" in Started.command
    assert Started.environment["VAELIB_PROGRESS"] == str(mine / "progress.jsonl")


@pytest.mark.parametrize("own", ["", "/elsewhere/progress.jsonl"])
def test_where_a_user_keeps_progress_counts(mine, monkeypatch, own):
    monkeypatch.setenv("VAELIB_PROGRESS", own)
    lab.main([])
    assert Started.environment["VAELIB_PROGRESS"] == own


def test_without_copies_the_course_opens_as_it_is(mine, monkeypatch):
    monkeypatch.setattr(lab, "lay_out", lambda **_: None)
    lab.main([])
    assert Started.cwd == lab.ROOT
    assert "VAELIB_PROGRESS" not in Started.environment and not any("default_url" in one for one in Started.command)


# The end of a server


FAMILY = """
import signal, subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
child = [sys.executable, "-c", deaf if "deaf" in sys.argv else "print(flush=True); import time; time.sleep(600)"]
between = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", between, *child], start_new_session=True)
time.sleep(600)
"""


@pytest.mark.parametrize("kind", ["", "deaf"])
def test_a_program_ends_with_all_that_it_started(kind):
    """A grandchild in a session of its own, too, as a kernel is, and if it does not listen."""
    process = subprocess.Popen([sys.executable, "-c", FAMILY, kind], stdout=subprocess.PIPE)
    process.stdout.readline()  # the grandchild is at work
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) == 2
    began = time.monotonic()
    lab.stop(process, patience=2)
    assert process.poll() is not None and not any(member.is_running() for member in family)
    assert (time.monotonic() - began >= 2) == bool(kind)
    process.stdout.close()


@pytest.mark.parametrize("waited_for", [True, False])
def test_a_program_that_has_ended_by_itself(waited_for):
    process = subprocess.Popen([sys.executable, "-c", ""])
    if waited_for:
        process.wait()
    else:
        time.sleep(0.5)
    lab.stop(process)
    assert process.returncode == 0


def test_waiting_for_a_server_leaves_room_for_ctrl_c(tmp_path, monkeypatch):
    """No single wait is longer than a moment: on Windows a long one would not hear it."""
    server = lab.serve([], cwd=tmp_path, settings=tmp_path / "settings")
    server.process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"])
    waits, sleep = [], time.sleep
    monkeypatch.setattr(lab.time, "sleep", lambda seconds: (waits.append(seconds), sleep(seconds)))
    server.wait()
    assert server.process.returncode == 0
    assert waits and max(waits) <= 0.5
