"""A JupyterHub for one machine: `make hub`. README.md says for whom, and how to open it to a class.

Beside the variables of course_config.py, from the environment:

- COURSE_USERS: "accounts", the machine's own, in the group that COURSE_GROUP names (only root can start their servers);
  or "trial": whoever knows COURSE_PASSWORD, all with the rights of the one who started the hub
- COURSE_ADDRESS: where it listens
"""

import atexit
import os
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

c = get_config()  # noqa: F821
load_subconfig(str(Path(__file__).with_name("course_config.py")))  # noqa: F821

HERE = Path(__file__).resolve().parent
STATE = HERE.parents[1] / "build" / "hub"
STATE.mkdir(parents=True, exist_ok=True)
USERS = os.environ.get("COURSE_USERS") or ("trial" if os.geteuid() else "accounts")
IDLE_SECONDS = int(os.environ.get("COURSE_IDLE_SECONDS", 3600))
DATA_BYTES = 3 * 2**30  # as Spawner.mem_limit, which plain processes are not held to

c.JupyterHub.bind_url = os.environ.get("COURSE_ADDRESS", "http://127.0.0.1:8000")
c.JupyterHub.db_url = f"sqlite:///{STATE / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.ConfigurableHTTPProxy.command = [str(HERE / "node_modules" / ".bin" / "configurable-http-proxy")]
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")

# A list that grows without end ends in a MemoryError in its own kernel, not in the machine's.
singleuser = str(Path(sys.prefix) / "bin" / "jupyterhub-singleuser")
c.Spawner.cmd = ["prlimit", f"--data={DATA_BYTES}", singleuser]

# A server chooses ports that are free for its kernel, which takes them seconds later; in a class that starts at once,
# another student's kernel may have come between, and then this one dies. A socket in a folder of one's own is nobody
# else's. Its path may have 107 characters, of which Jupyter takes 50, so the folders are not in the homes; and where
# the hub has the right, they are in /run, since a machine may clear its /tmp while the hub is up.
SOCKETS = Path(mkdtemp(prefix="hub-", dir="/tmp" if os.geteuid() else "/run"))
SOCKETS.chmod(0o711)
atexit.register(shutil.rmtree, SOCKETS, ignore_errors=True)
c.Spawner.args = [*c.Spawner.args, "--KernelManager.transport=ipc"]


def make_folder_for_sockets(spawner) -> None:
    folder = mkdtemp(dir=SOCKETS)
    if USERS == "accounts":
        shutil.chown(folder, spawner.user.name)
    spawner.environment = spawner.environment | {"JUPYTER_RUNTIME_DIR": folder}


def remove_folder_for_sockets(spawner) -> None:
    shutil.rmtree(spawner.environment["JUPYTER_RUNTIME_DIR"], ignore_errors=True)


c.Spawner.pre_spawn_hook, c.Spawner.post_stop_hook = make_folder_for_sockets, remove_folder_for_sockets

if USERS == "accounts":
    c.JupyterHub.authenticator_class = "pam"
    c.JupyterHub.spawner_class = "localprocess"
    c.PAMAuthenticator.allowed_groups = {os.environ.get("COURSE_GROUP", "class"), "sudo"}
    c.PAMAuthenticator.admin_groups = {"sudo"}
elif USERS == "trial":
    c.JupyterHub.authenticator_class = "shared-password"
    c.JupyterHub.spawner_class = "simple"
    c.SharedPasswordAuthenticator.user_password = os.environ.get("COURSE_PASSWORD")
    c.SharedPasswordAuthenticator.allow_all = True
    c.SimpleLocalProcessSpawner.home_dir_template = str(STATE / "homes" / "{username}")
else:
    raise ValueError(f"COURSE_USERS must be 'accounts' or 'trial', not {USERS!r}")

c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [
            sys.executable,
            "-m",
            "jupyterhub_idle_culler",
            f"--timeout={IDLE_SECONDS}",
            f"--cull-every={max(IDLE_SECONDS // 12, 1)}",
        ],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]
