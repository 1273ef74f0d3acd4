"""What any JupyterHub must know to serve the course: the first page, limits, threads, idle kernels, shared trainings.

`make hub` reads it, and The Littlest JupyterHub can; README.md beside it says how. From the environment of the hub:

- COURSE_REPOSITORY, COURSE_BRANCH: where students get the course from, each time their server starts
- COURSE_OPENS: the page of it that they see first
- VAELIB_KEPT: a folder of trainings that `make warm` made; students read it, nobody need be able to write there
- COURSE_IDLE_SECONDS: after how long without work a kernel is stopped
"""

import os
from pathlib import Path
from urllib.parse import urlencode

c = get_config()  # noqa: F821

COURSE = Path(__file__).resolve().parents[2]
KEPT = COURSE / ".kept"
REPOSITORY = os.environ.get("COURSE_REPOSITORY")
OPENS = os.environ.get("COURSE_OPENS", "notebooks/00_start_here.ipynb")
IDLE_SECONDS = int(os.environ.get("COURSE_IDLE_SECONDS", 3600))

# nbgitpuller brings the course, or what is new in it, and never overwrites what a student changed.
asked = {"repo": REPOSITORY, "branch": os.environ.get("COURSE_BRANCH"), "depth": 1, "targetpath": "course"}
asked["urlpath"] = f"lab/tree/course/{OPENS}"
pull = urlencode({name: value for name, value in asked.items() if value})
c.Spawner.default_url = f"/git-pull?{pull}" if REPOSITORY else "/lab"

# A server takes up to 200 MB, a kernel at the end of a lesson up to 790, the largest peak is 1719: two notebooks fit.
# Enforced by spawners that can: SystemdSpawner, which is The Littlest JupyterHub's, and those of containers.
c.Spawner.mem_limit = "3G"
c.Spawner.cpu_limit = 2

c.Spawner.environment = {
    # More threads would only wait for the cores that other students' kernels hold; and they should not spin meanwhile.
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "VAELIB_KEPT": os.environ.get("VAELIB_KEPT") or (str(KEPT) if KEPT.is_dir() else "off"),
    # No question about news, no look for updates: the lessons need no network.
    "JUPYTER_CONFIG_PATH": str(COURSE / ".jupyter"),
}

# An open page keeps its server from being idle, so the kernels, which hold the memory, are stopped by their servers.
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={IDLE_SECONDS}",
    f"--MappingKernelManager.cull_interval={max(IDLE_SECONDS // 12, 1)}",
    "--MappingKernelManager.cull_connected=True",
]

# A class logs in within a minute, and thirty servers that start together wait for each other.
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
