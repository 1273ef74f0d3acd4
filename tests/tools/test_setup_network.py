"""install.py on networks of the world: a mirror, a proxy, a company's certificates; with a real pip and uv."""

import os
import shutil
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from helpers import missing

from tools.lessons import ROOT

WHEEL = """
import zipfile
from pathlib import Path

def build_editable(folder, settings=None, metadata=None, name="toy_course"):
    info = f"{name}-1.dist-info"
    with zipfile.ZipFile(Path(folder, f"{name}-1-py3-none-any.whl"), "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/RECORD", f"{name}.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n")
    return f"{name}-1-py3-none-any.whl"
"""
TOY_COURSE = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "toy-course"
version = "1"
"""


class Mirror(BaseHTTPRequestHandler):
    """A package index that holds one package, toy, and answers `refuse(request)` instead where that is a status."""

    def do_GET(self):
        self.server.requests.append((self.headers["User-Agent"].split("/")[0], self.path))
        status = self.server.refuse(self) or (404 if self.path.strip("/") not in self.server.pages else 200)
        content = self.server.pages[self.path.strip("/")] if status == 200 else b""
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if content[:2] != b"PK" else "application/zip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_HEAD = do_GET

    def do_CONNECT(self):  # as a proxy
        self.server.requests.append(("proxy", self.path))
        self.send_response(self.server.as_proxy)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(tmp_path):
    exec(WHEEL, names := {})
    wheel = names["build_editable"](tmp_path, name="toy")
    link = f'<a href="/files/{wheel}">{wheel}</a>'
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.pages = {"simple/toy": link.encode(), f"files/{wheel}": (tmp_path / wheel).read_bytes()}
        server.requests, server.refuse, server.as_proxy = [], lambda request: None, 407
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


# The environment is a real one, with the pip and uv of the course's; nothing but the mirror can be reached.
REAL = """
import install, os, subprocess, sys
from pathlib import Path
install.wants_cpu_build = lambda: False
real_run = install.run
def run(command, environment):
    result = real_run(command + ["--without-pip"] if "venv" in command else command, environment)
    if "venv" in command:
        packages = next(Path(command[-1]).glob("lib/python3*/site-packages"))
        (packages / "lent.pth").write_text({lent!r})
        Path(command[-1], "bin", "uv").symlink_to({uv!r})
    return result
install.run = run
install.main()
"""


class RealProject:
    def __init__(self, folder: Path):
        self.folder = folder / "course"
        (folder / "home").mkdir()
        self.folder.mkdir()
        shutil.copy(ROOT / "install.py", self.folder)
        (self.folder / "requirements.txt").write_text("toy==1\n")
        (self.folder / "requirements.lock").touch()
        (self.folder / "pyproject.toml").write_text(TOY_COURSE)
        (self.folder / "backend.py").write_text(WHEEL)
        self.lent = lent = folder / "lent"
        lent.mkdir()
        for path in Path(pytest.__file__).parents[1].glob("*"):
            if path.name.split("-")[0] in ("pip", "uv"):
                (lent / path.name).symlink_to(path)
        self.code = REAL.format(lent=str(lent), uv=str(Path(sys.executable).parent / "uv"))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "PIP_RETRIES": "0",
            "UV_HTTP_RETRIES": "0",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
        }

    def install(self, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", self.code],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
        )

    def asked_first(self, by: str):
        """Who meets the network first: pip, where it has to bring uv."""
        if by == "pip":
            for path in self.lent.glob("uv*"):
                path.unlink()

    def has_toy(self) -> bool:
        return bool(list((self.folder / ".venv").glob("lib/python3*/site-packages/toy.py")))

    def refuses(self, sentence: str, **environment: str):
        result = self.install(**environment)
        assert result.returncode == 1 and sentence in result.stderr, result.stdout + result.stderr
        assert result.stderr.count("\n") == 1 and not (self.folder / ".venv").exists()


@pytest.fixture
def real_project(tmp_path):
    if os.name == "nt" or not (Path(sys.executable).parent / "uv").exists():
        pytest.skip("borrows the pip and uv of an environment on POSIX")
    return RealProject(tmp_path)


@pytest.mark.parametrize("where", ["pip.conf", "uv.toml"])
def test_a_mirror_is_all_there_is(real_project, mirror, where):
    index, config = mirror.url + "/simple/", Path(real_project.environment["HOME"]) / ".config"
    files = {
        "pip.conf": (config / "pip" / "pip.conf", f"[global]\nindex-url = {index}\n"),
        "uv.toml": (config / "uv" / "uv.toml", f'[[index]]\nurl = "{index}"\ndefault = true\n'),
    }
    path, content = files[where]
    path.parent.mkdir(parents=True)
    path.write_text(content)
    result = real_project.install()
    assert result.returncode == 0, result.stderr
    assert real_project.has_toy() and ("uv", "/simple/toy/") in mirror.requests


def test_pip_takes_over_where_only_pip_gets_through(real_project, mirror):
    mirror.refuse = lambda request: 403 if request.headers["User-Agent"].startswith("uv/") else None
    result = real_project.install(PIP_INDEX_URL=mirror.url + "/simple/")
    assert result.returncode == 0, result.stderr
    assert real_project.has_toy() and {agent for agent, _ in mirror.requests} == {"uv", "pip"}


@pytest.mark.parametrize("by, status", [("uv", 403), ("uv", 401), ("pip", 403), ("pip", 503)])
def test_the_mirror_refuses(real_project, mirror, status, by):
    real_project.asked_first(by)
    mirror.refuse = lambda request: status
    real_project.refuses(f"answers {status}", PIP_INDEX_URL=mirror.url + "/simple/")


PASSWORD = "a name and a password (407)"


@pytest.mark.parametrize("by, status, sentence", [("uv", 407, PASSWORD), ("pip", 407, PASSWORD), ("uv", 403, "403")])
def test_the_proxy_refuses(real_project, mirror, status, sentence, by):
    real_project.asked_first(by)
    mirror.as_proxy = status
    proxy = {"HTTPS_PROXY": mirror.url, "PIP_INDEX_URL": "https://index.invalid/simple/"}
    real_project.refuses(sentence, **proxy)
    assert ("proxy", "index.invalid:443") in mirror.requests


def test_nobody_listens(real_project):
    real_project.refuses("No network", PIP_INDEX_URL="http://127.0.0.1:9/simple/")


@pytest.fixture
def certificate(tmp_path, mirror):
    """The mirror speaks TLS, with a certificate that nobody knows."""
    if not shutil.which("openssl"):
        missing("no openssl, which makes certificates")
    company, company_key, server, server_key = (tmp_path / name for name in ("company", "c.key", "server", "s.key"))
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    signed = ["-CA", company, "-CAkey", company_key, "-addext", "subjectAltName=IP:127.0.0.1"]
    signed += ["-addext", "basicConstraints=critical,CA:FALSE"]
    for more in (
        ["-subj", "/CN=company", "-keyout", company_key, "-out", company],
        ["-subj", "/CN=server", "-keyout", server_key, "-out", server, *signed],
    ):
        subprocess.run([*new, *more], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server, server_key)
    mirror.socket = context.wrap_socket(mirror.socket, server_side=True)
    mirror.url = mirror.url.replace("http:", "https:")
    mirror.handle_error = lambda *_: None  # who does not trust it hangs up
    return str(company)


@pytest.mark.parametrize("by", ["uv", "pip"])
def test_a_certificate_that_is_not_trusted(real_project, mirror, certificate, by):
    real_project.asked_first(by)
    real_project.refuses("certificate is not trusted", PIP_INDEX_URL=mirror.url + "/simple/")


@pytest.mark.parametrize("name", ["PIP_CERT", "SSL_CERT_FILE"])
def test_a_companys_certificate_that_the_user_names(real_project, mirror, certificate, name):
    result = real_project.install(PIP_INDEX_URL=mirror.url + "/simple/", **{name: certificate})
    assert result.returncode == 0 and real_project.has_toy(), result.stderr
    assert ("uv", "/simple/toy/") in mirror.requests
