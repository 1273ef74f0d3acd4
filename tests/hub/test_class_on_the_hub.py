"""A class on a hub of this machine: ten at once, through the proxy, each with a server and a kernel of their own.

Whoever runs it finds the seconds and the memory in artefacts/hub.txt.
"""

import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import psutil
import pytest
import websocket
from helpers import ARTEFACTS, missing
from hub import PASSWORD, Hub, Student, execute, until

from tools.explorer_controls import PICTURE
from tools.lab import copy_without_outputs
from tools.lessons import ROOT

pytestmark = pytest.mark.rest
NUMBER = 10
LESSON, PLAYGROUND = "course/notebooks/00_start_here.ipynb", "course/notebooks/09_playground.ipynb"
MEMORY = 1000  # MB, PSS, of a student's server and kernel after lesson 00: what values.yaml guarantees


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A bare clone that students get the course from: its lessons, without outputs, and nothing of this machine."""
    if not shutil.which("prlimit") or not shutil.which("npm"):
        missing("no npm or no prlimit: a hub is for Linux (Debian: apt install nodejs npm)")
    folder = tmp_path_factory.mktemp("repository")
    copy_without_outputs(ROOT / "notebooks", folder / "course" / "notebooks")
    who = ["-c", "user.name=course", "-c", "user.email=course@example.org"]
    for command in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "."],
        [*who, "commit", "--quiet", "-m", "the course"],
        ["clone", "--quiet", "--bare", ".", str(folder / "course.git")],
    ):
        subprocess.run(["git", *command], cwd=folder / "course", check=True)
    return (folder / "course.git").as_uri()


def stopwatch(report: list[str]):
    began = time.monotonic()

    def lap(what: str):
        nonlocal began
        report.append(f"{time.monotonic() - began:6.1f} s  {what}")
        began = time.monotonic()

    return lap


def test_ten_students_on_one_machine(repository, tmp_path, browser, capsys):
    report: list[str] = []
    lap = stopwatch(report)
    with Hub(tmp_path, repository) as hub, ThreadPoolExecutor(NUMBER) as at_once:
        lap("the hub is up")
        students = [Student(hub, f"student-{number}") for number in range(NUMBER)]
        list(at_once.map(Student.log_in, students))
        lap(f"{NUMBER} are logged in")
        list(at_once.map(Student.start, students))
        lap("all servers are up")
        list(at_once.map(lambda student: student.get_course(repository), students))
        lap("all have the course")
        notebooks = list(at_once.map(lambda student: student.run(LESSON), students))
        lap("all ran lesson 00 to its end")
        assert all(student.is_up() and len(student.kernels()) == 1 for student in students)
        sizes = hub.memory()
        report += [
            f"{sum(all_of):6.0f} MB {kind}s, PSS in sum; {max(all_of):.0f} the largest"
            for kind, all_of in sizes.items()
        ]
        assert {kind: len(all_of) for kind, all_of in sizes.items()} == {"server": NUMBER, "kernel": NUMBER}
        assert sum(map(sum, sizes.values())) < MEMORY * NUMBER, sizes
        for notebook in notebooks:
            no_errors(notebook)
        folders = nobody_takes_what_anothers_kernel_was_given(hub)
        a_list_without_end_ends_in_its_own_kernel(students[2])
        an_explorer_moves(hub, browser)
        lap("one moved an explorer in a browser")
        a_killed_server_comes_back(hub, students[1], notebooks[1])
        lap("a killed server is back")
    assert not hub.left, "the hub's end is its servers' and kernels' end"
    assert not any(folder.exists() for folder in folders)
    tell(report, capsys)


def tell(report: list[str], capsys):
    ARTEFACTS.mkdir(exist_ok=True)
    (ARTEFACTS / "hub.txt").write_text("\n".join(report) + "\n")
    with capsys.disabled():
        print("", *report, sep="\n")


def no_errors(notebook: dict):
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and cell["source"]]
    assert sum(bool(cell["outputs"]) for cell in cells) > len(cells) / 2
    for cell in cells:
        for output in cell["outputs"]:
            assert output["output_type"] != "error" and output.get("name") != "stderr", (cell["source"], output)


def nobody_takes_what_anothers_kernel_was_given(hub) -> set[Path]:
    """A kernel's five channels are sockets, not ports, in a folder that is its student's alone. All those folders."""
    kernels = [psutil.Process(process) for process, command in hub.processes().items() if "ipykernel" in command]
    folders = {Path(kernel.environ()["JUPYTER_RUNTIME_DIR"]) for kernel in kernels}
    assert len(folders) == len(kernels) == NUMBER
    for folder in folders:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert sum(file.is_socket() for file in folder.iterdir()) == 5
    return folders


def a_list_without_end_ends_in_its_own_kernel(student):
    connection = student.connected(student.kernels()[0]["id"])
    (said,) = execute(connection, "much = [0] * 10**9")  # 8 GB
    assert said["ename"] == "MemoryError"
    (said,) = execute(connection, "print(len(train.images))")
    assert said["text"] == "3000\n"
    connection.close()


def an_explorer_moves(hub, browser):
    """As a student does it, from the login on; the first page is lesson 00, without a click."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(hub.url)
    page.get_by_label("Username").fill("student-0")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".jp-CodeCell").first.wait_for()
    assert page.url.endswith(f"/user/student-0/lab/tree/{LESSON}")
    page.goto(f"{hub.url}/user/student-0/lab/tree/{PLAYGROUND}")
    # JupyterLab may first open again what was open, which is idle long before the playground.
    status = page.locator("#jp-main-statusbar").filter(has_text=PLAYGROUND.rpartition("/")[2])
    status.get_by_text("| Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    explorer = page.locator(".vl").first
    slider = explorer.locator("input[type=range]").first
    slider.scroll_into_view_if_needed()
    slider.focus()
    before = explorer.evaluate(PICTURE)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"([it, before]) => ({PICTURE})(it) !== before", arg=[explorer.element_handle(), before])
    context.close()


def a_killed_server_comes_back(hub, student, notebook):
    own = {"id": "mine", "cell_type": "markdown", "metadata": {}, "source": "What I found out today."}
    student.save(LESSON, notebook | {"cells": [*notebook["cells"], own]})
    (server,) = (one for one, command in hub.processes(student.name).items() if "jupyterhub-singleuser" in command)
    os.kill(server, signal.SIGKILL)
    until(lambda: not student.servers(), "the hub to see that a server is gone")
    until(lambda: not hub.processes(student.name), "its kernel to end")
    student.start()
    cells = student.read(LESSON)["cells"]
    assert cells[-1]["source"] == own["source"] and len(cells) == len(notebook["cells"]) + 1
    no_errors({"cells": cells})


def test_who_does_nothing_is_taken_down_and_loses_nothing(repository, tmp_path):
    """An idle server; and on a server that works, an idle kernel, though its page is open."""
    with Hub(tmp_path, repository, COURSE_IDLE_SECONDS="36") as hub:
        idle, busy = Student(hub, "idle"), Student(hub, "busy")
        busy.log_in()
        busy.start()
        with open_page(busy):
            idle.log_in()
            idle.start()
            idle.get_course(repository)
            notebook = idle.read(LESSON)
            until(lambda: not idle.servers(), "the idle server to be taken down")
            until(lambda: not busy.kernels(), "the idle kernel to be stopped")
            assert busy.is_up()
            idle.start()
            assert idle.read(LESSON) == notebook


@contextmanager
def open_page(student):
    """Meanwhile the student's page is there: it asks its server for something, and hears what a kernel says.

    To the kernel it says nothing, but that it still listens: the answer to a ping, which `recv` gives.
    """
    ended = Event()
    connection = student.connected(student.kernel("course/notes.ipynb"))
    connection.settimeout(1)

    def listen():
        while not ended.wait(0.5):
            student.kernels()
            with suppress(websocket.WebSocketTimeoutException, websocket.WebSocketConnectionClosedException):
                connection.recv()
        connection.close()

    with ThreadPoolExecutor(1) as beside:
        listening = beside.submit(listen)
        try:
            yield
        finally:
            ended.set()
    listening.result()
