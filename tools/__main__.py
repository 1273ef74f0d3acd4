"""The course's commands where there is no make: `python -m tools present 05` does what `make present LESSON=05` does.

`python -m tools` lists them. They are those targets of the Makefile that run one module. Only make also sets things
up: here `py install.py` comes first, and after each update. Written for Windows, but never run there; the tests run it
on Linux.
"""

import os
import re
import runpy
import sys
from importlib import metadata
from typing import NamedTuple

from tools.environment import ROOT, set_how_threads_wait

TARGET = re.compile(
    r"^(?P<name>[\w-]+): setup(?P<dev>-dev)? +# (?P<purpose>[^\n]+)\n"
    r"\t\$\(VENV_PYTHON\) -m (?P<module>[\w.]+)(?: \$\(\w+\))*\n(?!\t)",
    re.MULTILINE,
)


class Command(NamedTuple):
    module: str
    purpose: str
    needs_dev: bool  # what tests and tools need, beside what a student has


def commands() -> dict[str, Command]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return {
        target["name"]: Command(target["module"], target["purpose"], bool(target["dev"]))
        for target in TARGET.finditer(makefile)
    }


def lacking(command: Command) -> list[str]:
    """Which packages the command needs and does not find, by their names."""
    if not command.needs_dev:
        return []
    pins = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    return [name for name in re.findall(r"^([\w-]+)==", pins, re.MULTILINE) if not is_installed(name)]


def is_installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def main(words: list[str]) -> None:
    known = commands()
    if not words:
        print("\n".join(f"{name:16}{command.purpose}" for name, command in known.items()))
        return
    name, *arguments = words
    if name not in known:
        raise SystemExit(f"There is no command {name!r}: `python -m tools` lists those that there are.")
    if names := lacking(known[name]):
        raise SystemExit(f"{name} needs {', '.join(names)}: run `install.py dev` with the Python that you have, first.")
    set_how_threads_wait()
    # as make would have it: EDITION=it is a setting, and LESSON=05 means 05
    os.environ |= (word.split("=") for word in arguments if word.startswith("EDITION="))
    arguments = [word for word in arguments if not word.startswith("EDITION=")]
    sys.argv[1:] = [re.sub(r"^[A-Z]+=", "", word) for word in arguments]
    runpy.run_module(known[name].module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
