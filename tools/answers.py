"""Check a student's answers, in a process of its own: what `tools.collect` starts, one for each notebook handed in.

It reads a list of answers from its input, as JSON, and writes a line of JSON when it begins with one, and one with what
was found. Whatever an answer does, it ends with this process: it may take some seconds and some gigabytes, and may
write in the folder where it stands and nowhere else. `tools.collect` puts a stronger fence around where the system has
one; this one is Python's own, and stops accidents, not attacks, and not what C++ writes, as torch.save does.
"""

import faulthandler
import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

SECONDS = 30  # for an answer
GIGABYTES = 3  # for all data of the process
FILE = 100_000_000  # bytes, of the largest file that an answer may write
# What code may do to the machine, by the names of Python's audit events; writing files is looked at more closely.
REFUSED = (
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.kill",
    "os.posix_spawn",
    "os.startfile",
    "os.system",
    "pty.spawn",
    "socket.connect",
    "socket.sendto",
    "subprocess.Popen",
)
CHANGES = (
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
)


def set_limits() -> None:
    """Of memory and files, where the system has them: a limit of data is Linux's."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, limit in ((resource.RLIMIT_DATA, GIGABYTES * 10**9), (resource.RLIMIT_FSIZE, FILE)):
        resource.setrlimit(kind, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fence(folder: Path) -> None:
    """From now on this process changes no file outside of the folder, starts no other and calls nobody."""

    def watch(event, arguments):
        if event in REFUSED:
            raise PermissionError(f"{event} is not allowed while answers are checked")
        if event == "open":
            path, mode, flags = arguments
            writes = any(sign in (mode or "") for sign in "wax+") or flags & (os.O_WRONLY | os.O_RDWR)
            if writes and isinstance(path, (str, bytes, os.PathLike)) and not inside(path):
                raise PermissionError(f"{os.fsdecode(path)} lies outside of the folder where answers are checked")
        elif event in CHANGES and not all(
            inside(one) for one in arguments if isinstance(one, (str, bytes, os.PathLike))
        ):
            raise PermissionError(f"{event} outside of the folder where answers are checked")

    def inside(path) -> bool:
        real = os.path.realpath(os.fsdecode(path))
        return real == os.devnull or real.startswith(str(folder) + os.sep)

    sys.addaudithook(watch)


def verdict_on(answer: dict) -> tuple[str, str]:
    """The sign and the reason that the check gives."""
    import torch

    from vaelib import checks

    names = {"__name__": "__main__", "torch": torch}
    try:
        for piece in answer["own"]:
            with suppress(Exception):  # it may be of no use to the answer, as a package that is missing here
                exec(piece, names)
        exec(answer["answer"], names)
    except BaseException as error:  # sys.exit() as well
        return "✗", f"the cell stopped with {type(error).__name__}: {error}"
    before = len(checks.verdicts())
    try:
        exec(answer["check"], names)
    except BaseException as error:
        return "✗", f"your function stopped with {type(error).__name__}: {error}"
    found = checks.verdicts()[before:]
    return found[-1][1:] if found else ("✗", "the check gave no verdict")


def main() -> None:
    answers = json.load(sys.stdin)
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = open(os.devnull, "w")  # what answers print
    os.dup2(nowhere.fileno(), 1)
    os.dup2(nowhere.fileno(), 2)

    def tell(**what):
        results.write(json.dumps(what) + "\n")
        results.flush()

    import vaelib.checks  # noqa: F401 - takes some seconds, which are not an answer's

    set_limits()
    fence(Path.cwd().resolve())
    for answer in answers:
        tell(began=answer["id"], at=time.time())
        faulthandler.dump_traceback_later(SECONDS, exit=True, file=nowhere)  # even where Python itself hangs
        sign, reason = verdict_on(answer)
        faulthandler.cancel_dump_traceback_later()
        tell(id=answer["id"], sign=sign, reason=reason[:500])
    results.close()
    os._exit(0)  # with no last words of an answer


if __name__ == "__main__":
    main()
