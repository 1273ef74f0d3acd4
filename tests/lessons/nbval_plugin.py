"""Every lesson against its stored outputs: `python -m pytest -p tests.lessons.nbval_plugin notebooks`.

nbval runs each cell and compares. This plugin sets it up for the lessons, and says when each is done.
"""

import os
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import nbval.kernel
import pytest

from tests import earlier_trainings
from tools.environment import keep_out_user_settings
from tools.lessons import LESSONS, progress

SANITIZER = Path(__file__).with_name("nbval.cfg")
# In seconds, on a machine that has other work: the longest cell, a kernel's start, and an output on its way.
CELL, KERNEL, OUTPUT = 600, 300, 120
LONGEST_PATH = 70  # bytes, of the temporary folder: a socket's path may have 107


class Kernel(nbval.kernel.KernelManager):
    """A kernel that talks through files: two that start at once may choose the same port."""

    def __init__(self, **options):
        usual = tempfile.gettempdir()
        folder = tempfile.TemporaryDirectory(dir=usual if len(os.fsencode(usual)) < LONGEST_PATH else "/tmp")
        super().__init__(transport="ipc", connection_file=f"{folder.name}/kernel.json", **options)
        self.folder = folder  # goes when this goes


def pytest_configure(config):
    keep_out_user_settings()
    if os.name == "posix":
        nbval.kernel.KernelManager = Kernel
    option = config.option
    option.nbval = option.nbval_current_env = True
    option.nbval_sanitize_with = str(SANITIZER)
    option.nbval_cell_timeout, option.nbval_kernel_startup_timeout = CELL, KERNEL
    if not hasattr(config, "workerinput"):
        earlier_trainings.clear()
        config.pluginmanager.register(Lines(config))


@pytest.hookimpl(tryfirst=True)  # before the lesson's kernel starts
def pytest_runtest_setup(item):
    """A lesson trains for real; what it trained is kept for the tests that come after this."""
    item.output_timeout = OUTPUT
    if item.name == "Cell 0":
        earlier_trainings.begin(item.path.stem)


def pytest_ignore_collect(collection_path):
    """A notebook that is no lesson may lie in the folder."""
    if collection_path.suffix == ".ipynb" and collection_path not in LESSONS.values():
        return True


class Lines:
    """A line for each lesson that is done: its seconds, and how many are left."""

    def __init__(self, config):
        self.config, self.began = config, time.monotonic()
        self.cells, self.done, self.seconds = Counter(), Counter(), defaultdict(float)

    def pytest_collection_finish(self, session):
        self.expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids):
        self.expect(ids)

    def expect(self, ids):
        self.cells = Counter(lesson for lesson, *_ in map(parts, ids)) or self.cells

    def pytest_runtest_logreport(self, report):
        lesson = parts(report.nodeid)[0]
        self.seconds[lesson] += report.duration
        self.done[lesson] += report.when == "teardown"
        if report.when == "teardown" and self.done[lesson] == self.cells[lesson]:
            left = sum(self.done[name] < cells for name, cells in self.cells.items())
            self.config.get_terminal_writer().line("\n" + progress(Path(lesson).stem, self.seconds[lesson], left))


def parts(nodeid: str) -> list[str]:
    return nodeid.split("::")
