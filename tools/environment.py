"""What users have set for themselves stays outside: the course runs its own Python, kernel and settings.

A kernel of the same name, a line in a start-up file, a proxy that does not know this machine: each of these has broken
somebody's course. What lets a machine reach the network is left alone.
"""

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Of Python, of Jupyter, of matplotlib and of a grader: what they would bring in, or where they would look.
FOREIGN = (
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONSAFEPATH",
    "PYTHONWARNINGS",
    "PYTHONOPTIMIZE",
    "JUPYTER_CONFIG_PATH",
    "JUPYTER_NO_CONFIG",
    "JUPYTER_PLATFORM_DIRS",
    "MPLBACKEND",
    "VAELIB_STRICT",
)
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_own_ipython = None  # a folder, as long as this program runs
# No history is written: kernels that start together would lock its file. And where cores are scarce, a kernel steps
# back, so that an explorer answers the hand while a training runs: by the priority that all systems but Windows know,
# and among sessions, for Linux weighs these first and gives each kernel one of its own ("man 7 sched", autogroup).
OF_IPYTHON = """\
import contextlib
import os

get_config().HistoryManager.enabled = False
with contextlib.suppress(AttributeError, OSError):
    os.setpriority(os.PRIO_PROCESS, 0, 10)
    with open("/proc/self/autogroup", "w") as autogroup:
        autogroup.write("10")
"""


def keep_out_user_settings() -> None:
    """Change this program's environment, and so that of each kernel and server that it starts."""
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ["PYTHONPATH"] = str(ROOT)  # this vaelib, and nothing that a user has elsewhere
    own = Path(sys.prefix)
    os.environ["JUPYTER_PATH"] = str(own / "share" / "jupyter")  # where the course's kernel is: looked at first
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # Jupyter prefers it by itself only where the user owns the folder
    os.environ["JUPYTER_CONFIG_DIR"] = str(own / "etc" / "jupyter")  # in place of ~/.jupyter
    os.environ["IPYTHONDIR"] = ipython_folder()
    os.environ["MATPLOTLIBRC"] = str(Path(find_spec("matplotlib").origin).parent / "mpl-data" / "matplotlibrc")
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(dict.fromkeys([*filter(None, os.environ.get(name, "").split(",")), *THIS_MACHINE]))
    set_how_threads_wait()
    # What the C library's malloc gets for a tensor of many images goes back when the tensor goes; else it is kept for
    # later, and a lesson grows by some 150 MB.
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
        os.environ.setdefault(name, "4000000")  # bytes


def set_how_threads_wait() -> None:
    """To be called before torch is imported, here or in a program that is started: its threads wait for each other.

    By default they spin, long: beside other work that makes all slow. If they go to sleep at once, a training on two
    threads takes longer than on one. A thousand turns, some 20 µs, are enough for it and do little harm to others.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ |= {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000"}  # for GNU's OpenMP the second counts


def can_be_written(folder: Path) -> bool:
    """Is this a folder, made if need be, in which files can be made?"""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def ipython_folder() -> str:
    """A folder without start-up files."""
    global _own_ipython
    if _own_ipython is None:
        _own_ipython = tempfile.TemporaryDirectory(prefix="course-ipython-", ignore_cleanup_errors=True)
        profile = Path(_own_ipython.name) / "profile_default"
        profile.mkdir()
        (profile / "ipython_config.py").write_text(OF_IPYTHON)
    return _own_ipython.name
