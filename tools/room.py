"""Is this machine ready for the hall? `make room` says so, in a line for each thing; the exit status is 1 if not."""

import shutil
import socket
import sys
import webbrowser
from importlib import metadata

from tools.lab import NoBrowser, chromium, find_chromium, window_browser
from tools.lessons import LESSONS, ROOT
from tools.rehearse import rehearse
from vaelib import training_cache

MEMORY, DISK = 2, 1  # gigabytes, free


def main() -> int:
    checks = [packages, memory, disk, port, browser, warmed, explorers]
    ready = [tell(*check()) for check in checks]
    print(
        "By hand: a projector of 1280 × 720 or more, the browser in full screen (F11), the system's energy saving off."
    )
    return 0 if all(ready) else 1


def tell(good: bool, what: str) -> bool:
    print(f"{'ok     ' if good else 'TO DO  '}{what}", flush=True)
    return good


def packages() -> tuple[bool, str]:
    """Each package that requirements.txt pins, in that version."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    wrong = [line for line in filter(None, lines) if installed(line.partition("==")[0]) != line.partition("==")[2]]
    if wrong:
        return False, f"not installed as pinned: {', '.join(wrong)}; run `python3 install.py` while there is a network"
    return True, f"Python {sys.version.split()[0]} and all packages as pinned"


def installed(name: str) -> str | None:
    try:
        return metadata.version(name).partition("+")[0]  # without the +cpu of PyTorch's builds
    except metadata.PackageNotFoundError:
        return None


def memory() -> tuple[bool, str]:
    try:
        lines = dict(line.split(":") for line in open("/proc/meminfo"))
    except OSError:
        return True, "free memory: not known on this system"
    free = int(lines["MemAvailable"].split()[0]) / 1e6
    return free > MEMORY, f"{free:.1f} GB of memory free; {MEMORY} are needed, so close what is not"


def disk() -> tuple[bool, str]:
    free = shutil.disk_usage(ROOT).free / 1e9
    return free > DISK, f"{free:.1f} GB of disk free; {DISK} is needed"


def port() -> tuple[bool, str]:
    try:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
    except OSError as error:
        return False, f"JupyterLab can't listen on this machine (127.0.0.1): {error.strerror}"
    return True, "JupyterLab can listen on this machine; no network is needed"


def browser() -> tuple[bool, str]:
    if found := window_browser():
        return True, f"the browser that opens: {found.name or 'the system’s'}"
    if found := find_chromium():
        return True, f"a browser, to be opened by hand: {found}"
    try:
        only = f"only a text browser, {webbrowser.get().name}"
    except webbrowser.Error:
        only = "no browser found"
    return False, f"{only}: install Firefox, Chrome or Chromium, or open the printed address by hand"


def warmed() -> tuple[bool, str]:
    folder = training_cache.cache_folder()
    number = len(list(folder.glob("*.kept"))) if folder else 0
    if not number:
        return False, "no training is kept, so a lesson may take minutes to open: run `make warm`"
    return True, f"{number} trainings are kept; `make rehearse` tells which lessons they are enough for"


def explorers() -> tuple[bool, str]:
    """The playground as slides, with the network blocked."""
    try:
        with chromium() as one:
            rehearsal = rehearse(LESSONS["09"], one)
    except NoBrowser as error:
        return False, f"the explorers were not tried: {error}"
    wrong = [f"{kind}: {what}" for kind, what in rehearsal.found]
    return not wrong, "\n       ".join([f"the playground, offline: {rehearsal.moves} moves of its controls", *wrong])


if __name__ == "__main__":
    sys.exit(main())
