"""What a class takes of this machine: `python -m tools.hub.load 30` starts so many kernels at once, and says.

Each runs the first cell of the playground, with its imports, models and data, under the hub's settings. The size of a
process is its proportional set size (PSS): what several share is divided among them, so that the sizes add up.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import nbformat
from jupyter_client import KernelManager

from tools.environment import keep_out_user_settings
from tools.lessons import LESSONS

WAIT = 600  # seconds
PLAYGROUND = nbformat.read(LESSONS["09"], as_version=4)
FIRST_CELL = next(cell.source for cell in PLAYGROUND.cells if cell.cell_type == "code")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0].isdecimal() or int(arguments[0]) < 1:
        raise SystemExit("How many kernels? For example: python -m tools.hub.load 30")
    if not Path("/proc/self/smaps_rollup").exists():
        raise SystemExit("The memory of a process can be read on Linux alone.")
    keep_out_user_settings()
    os.environ["OMP_NUM_THREADS"] = "1"
    number, began = int(arguments[0]), time.monotonic()
    kernels = [Kernel() for _ in range(number)]
    try:
        with ThreadPoolExecutor(number) as at_once:
            ready = sum(at_once.map(Kernel.run, kernels))
        seconds = time.monotonic() - began
        sizes = [kernel.sizes() for kernel in kernels if kernel.manager.is_alive()]
    finally:
        for kernel in kernels:
            kernel.stop()
    print(f"{ready} of {number} kernels ready after {seconds:.0f} s, {len(sizes)} of them still there")
    if sizes:
        shared, own = zip(*sizes, strict=True)
        print(f"{sum(shared) / 1000:.1f} GB PSS in sum; {median(own):.0f} MB own, each (the median)")
    return 0 if ready == len(sizes) == number else 1


class Kernel:
    """One of the course's, started as the hub's servers do."""

    def __init__(self):
        self.manager = KernelManager(kernel_name="python3")
        self.client = None

    def run(self) -> bool:
        """Start it and run the first cell of the playground: did that go well?"""
        self.manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = self.manager.client()
        self.client.start_channels()
        try:
            self.client.wait_for_ready(timeout=WAIT)
            return self.client.execute(FIRST_CELL, reply=True, timeout=WAIT)["content"]["status"] == "ok"
        except (RuntimeError, TimeoutError):  # it died, or is too slow
            return False

    def sizes(self) -> tuple[float, float]:
        """Its proportional and its own memory, in MB."""
        lines = Path(f"/proc/{self.manager.provisioner.pid}/smaps_rollup").read_text().splitlines()[1:]
        size = {name: int(value.split()[0]) * 1024 / 1e6 for name, _, value in (line.partition(":") for line in lines)}
        return size["Pss"], size["Private_Clean"] + size["Private_Dirty"]

    def stop(self):
        if self.client:
            self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
