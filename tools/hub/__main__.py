"""Start a JupyterHub on this machine: `make hub`. Options go to JupyterHub."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from tools.lessons import ROOT

HERE = Path(__file__).resolve().parent


def main(options: list[str]) -> None:
    if not shutil.which("prlimit"):
        raise SystemExit("make hub: no prlimit, which limits memory: it is Linux's. For a trial elsewhere: make lab")
    install_proxy()
    os.environ.setdefault("COURSE_USERS", "trial" if os.geteuid() else "accounts")
    if os.environ["COURSE_USERS"] == "trial":
        os.environ.setdefault("COURSE_REPOSITORY", ROOT.as_uri())
        password = os.environ.setdefault("COURSE_PASSWORD", secrets.token_urlsafe(8))
        print(f"A trial: any name, and the password {password}", flush=True)
    config = HERE / "jupyterhub_config.py"
    os.execv(sys.executable, [sys.executable, "-m", "jupyterhub", "--config", str(config), *options])


def install_proxy() -> None:
    """What package-lock.json says, unless it is there."""
    npm = shutil.which("npm")
    if not npm:
        raise SystemExit("make hub: no npm: the hub's proxy runs on Node.js (Debian: apt install nodejs npm)")
    if versions(HERE / "node_modules" / ".package-lock.json") == versions(HERE / "package-lock.json"):
        return
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"make hub: npm could not install what tools/hub/package.json asks for: {done.stderr.strip()}")


def versions(lock: Path) -> dict[str, str]:
    """{package: version}, {} if there is no such file."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"] if lock.exists() else {}
    return {name: package["version"] for name, package in packages.items() if name}


if __name__ == "__main__":
    main(sys.argv[1:])
