"""What the lessons trained when they were compared with their stored outputs, for the tests that come after that.

Each lesson has a folder of its own, for none may take another's training there. They lie in a folder for this code.
"""

import hashlib
import os
import shutil
from pathlib import Path

from tools.environment import ROOT

ALL = ROOT / "artefacts" / "trainings"


def of_this_code() -> Path:
    code = b"".join(path.read_bytes() for path in sorted(ROOT.glob("vaelib/**/*.py")))
    return ALL / hashlib.sha256(code).hexdigest()[:16]


def begin(lesson: str) -> None:
    """Let the kernels that this program starts keep what this lesson trains; nothing is there yet."""
    folder = of_this_code() / lesson
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["VAELIB_KEPT"] = str(folder)


def clear() -> None:
    """Remove what other code trained."""
    for folder in ALL.glob("*"):
        if folder != of_this_code():
            shutil.rmtree(folder, ignore_errors=True)


def gather(folder: Path) -> None:
    """Fill a folder with what all lessons trained."""
    for path in of_this_code().glob("*/*.kept"):
        if not (folder / path.name).exists():  # two lessons may train the same
            (folder / path.name).symlink_to(path)


def has(lesson: str) -> bool:
    return (of_this_code() / lesson).exists()
