"""Run the lessons once and keep what they train, so that a lecture need not wait for it: `make warm`.

The folder is .kept, or the one that VAELIB_KEPT names. `python -m tools.warm 05` warms lesson 05 alone. After all
lessons, what none of them used is cleared away, such as the trainings of an earlier version.
"""

import os
import sys
import time
from pathlib import Path

from tools.lessons import ROOT, chosen, executed, run_each


def clear(folder: Path, before: float) -> None:
    """Remove what was neither read nor written since `before`."""
    for path in [*folder.glob("*.kept"), *folder.glob("*.part")]:
        if path.stat().st_mtime < before:
            path.unlink()


def main(names: list[str]) -> None:
    lessons = chosen(names)
    folder = Path(os.environ.setdefault("VAELIB_KEPT", str(ROOT / ".kept")))
    if folder == Path("off"):
        raise SystemExit("make warm: VAELIB_KEPT is off, so nothing would be kept. Unset it, or name a folder in it.")
    folder.mkdir(parents=True, exist_ok=True)
    began = time.time()
    # Two lessons at a time, with one thread each: on two cores that is the fastest.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    run_each(lessons, executed, at_once=2)
    if not names:
        clear(folder, before=began)
    size = sum(path.stat().st_size for path in folder.glob("*.kept"))
    print(f"kept: {len(list(folder.glob('*.kept')))} trainings, {size / 1e6:.0f} MB, in {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
