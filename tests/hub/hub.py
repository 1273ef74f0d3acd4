"""A hub of the course on this machine, as `make hub` starts it, and students who ask it what their browsers would."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import requests
import websocket

from tools.lessons import ROOT

PASSWORD = "a long password"
WAIT = 300  # seconds: a machine may have other work


class Hub:
    """A trial hub in `folder`, whose students get the course from `repository`; the context's end stops it.

    `left` is what then was still there, by the numbers of the processes.
    """

    def __init__(self, folder: Path, repository: str, **environment: str):
        ports = free_ports(3)
        self.url, self.log = f"http://127.0.0.1:{ports[0]}", folder / "log"
        self.homes = folder / "homes"
        self.command = [
            sys.executable,
            "-m",
            "tools.hub",
            f"--JupyterHub.hub_port={ports[1]}",
            f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{ports[2]}",
            f"--JupyterHub.db_url=sqlite:///{folder / 'hub.sqlite'}",
            f"--JupyterHub.cookie_secret_file={folder / 'cookie_secret'}",
            f"--ConfigurableHTTPProxy.pid_file={folder / 'proxy.pid'}",
            f"--SimpleLocalProcessSpawner.home_dir_template={self.homes}/{{username}}",
            "--JupyterHub.last_activity_interval=2",
            "--Spawner.poll_interval=1",
        ]
        self.environment = os.environ | environment
        self.environment |= {"COURSE_USERS": "trial", "COURSE_PASSWORD": PASSWORD, "COURSE_ADDRESS": self.url}
        self.environment |= {"COURSE_REPOSITORY": repository, "PYTHONUNBUFFERED": "1"}

    def __enter__(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            until(self.is_up, "the hub to start", lambda: self.log.read_text())
        except BaseException:
            self.__exit__()
            raise
        return self

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return asked("GET", f"{self.url}/hub/api/").ok
        except requests.ConnectionError:
            return False

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            self.left = self.processes()  # none, if the hub took all of them along
            for process in self.left:
                os.kill(process, signal.SIGKILL)
            self.process.kill()

    def processes(self, student: str | None = None) -> dict[int, str]:
        """{process: its command} of the servers and kernels of one student, or of all."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # it ended meanwhile
            ours = f"HOME={self.homes}/".encode()
            homes = [one.removeprefix(ours).decode() for one in environment if one.startswith(ours)]
            if command and homes and student in (None, homes[0]):
                found[int(folder.name)] = command
        return found

    def memory(self) -> dict[str, list[float]]:
        """The proportional set sizes, in MB, of all servers and of all kernels."""
        sizes = {"server": [], "kernel": []}
        for process, command in self.processes().items():
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            size = next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
            if "jupyterhub-singleuser" in command:
                sizes["server"].append(size)
            elif "ipykernel" in command:
                sizes["kernel"].append(size)
        return sizes


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def until(true, what: str, details=lambda: ""):
    """The first answer of `true()` that is not false."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        if answer := true():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"waited {WAIT} s for {what}\n{details()}")


def asked(method: str, url: str, session=None, **options):
    session = session or requests.Session()
    session.trust_env = False  # a proxy knows nothing of this machine
    return session.request(method, url, timeout=WAIT, **options)


class Student:
    def __init__(self, hub: Hub, name: str):
        self.hub, self.name, self.session = hub, name, requests.Session()
        self.server = f"{hub.url}/user/{name}"

    def ask(self, method: str, url: str, **options):
        answer = asked(method, url, self.session, **options)
        assert answer.ok, f"{self.name}: {method} {url}: {answer.status_code} {answer.text[:2000]}"
        return answer

    def log_in(self):
        """By the form, and then with a token, which needs no cookies."""
        self.ask("GET", f"{self.hub.url}/hub/login")
        form = {"username": self.name, "password": PASSWORD, "_xsrf": self.session.cookies.get("_xsrf", path="/hub/")}
        self.ask("POST", f"{self.hub.url}/hub/login", data=form, params={"next": "/hub/home"})
        xsrf = {"X-XSRFToken": self.session.cookies.get("_xsrf", path="/hub/")}
        tokens = f"{self.hub.url}/hub/api/users/{self.name}/tokens"
        token = self.ask("POST", tokens, headers=xsrf, json={}).json()["token"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"token {token}"

    def servers(self) -> list[dict]:
        """One, from the moment on that it is started until it is stopped."""
        return list(self.ask("GET", f"{self.hub.url}/hub/api/users/{self.name}").json()["servers"].values())

    def is_up(self) -> bool:
        return any(server["ready"] for server in self.servers())

    def start(self):
        self.ask("POST", f"{self.hub.url}/hub/api/users/{self.name}/server", json={})
        until(self.is_up, f"the server of {self.name}", lambda: self.hub.log.read_text()[-5000:])

    def get_course(self, repository: str) -> list[str]:
        """What nbgitpuller says meanwhile."""
        link = {"repo": repository, "depth": "1", "targetpath": "course"}
        events = self.ask("GET", f"{self.server}/git-pull/api", params=link).text
        said = [json.loads(line.removeprefix("data: ")) for line in events.splitlines() if line.startswith("data: ")]
        assert said[-1]["phase"] == "finished", events
        return [one.get("output", "") for one in said]

    def read(self, path: str) -> dict:
        return self.ask("GET", f"{self.server}/api/contents/{path}").json()["content"]

    def save(self, path: str, notebook: dict):
        self.ask("PUT", f"{self.server}/api/contents/{path}", json={"type": "notebook", "content": notebook})

    def kernel(self, path: str) -> str:
        """The id of a new kernel for this notebook."""
        about = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        return self.ask("POST", f"{self.server}/api/sessions", json=about).json()["kernel"]["id"]

    def kernels(self) -> list[dict]:
        return self.ask("GET", f"{self.server}/api/kernels").json()

    def connected(self, kernel: str):
        address = f"{self.server}/api/kernels/{kernel}/channels".replace("http://", "ws://")
        token = {"Authorization": self.session.headers["Authorization"]}
        return websocket.create_connection(address, header=token, timeout=WAIT, http_no_proxy=["127.0.0.1"])

    def run(self, path: str) -> dict:
        """The notebook after a run on a kernel of its own, and the kernel's id."""
        notebook, kernel = self.read(path), self.kernel(path)
        connection = self.connected(kernel)
        try:
            for cell in notebook["cells"]:
                if cell["cell_type"] == "code" and cell["source"]:
                    cell["outputs"] = execute(connection, cell["source"])
        finally:
            connection.close()
        return notebook


def execute(connection, code: str) -> list[dict]:
    """The outputs of this code, as a notebook holds them, without those of widgets that change later."""
    message, outputs = uuid4().hex, []
    header = {"msg_id": message, "msg_type": "execute_request", "username": "", "session": "", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    whole = {"channel": "shell", "header": header | {"date": "2000-01-01T00:00:00Z"}, "content": content}
    connection.send(json.dumps(whole | {"parent_header": {}, "metadata": {}, "buffers": []}))
    while True:
        said = connection.recv()
        if isinstance(said, bytes):
            continue  # the arrays of a widget
        said = json.loads(said)
        kind = said["header"]["msg_type"]
        if said["parent_header"].get("msg_id") != message or said["channel"] != "iopub":
            continue
        if kind in ("stream", "display_data", "execute_result", "error"):
            outputs.append({"output_type": kind} | {k: v for k, v in said["content"].items() if k != "transient"})
        if kind == "status" and said["content"]["execution_state"] == "idle":
            return outputs
