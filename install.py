"""Set up the course in .venv: `python3 install.py`. Run again, it sees that nothing is left to do.

`make lab` and `make test` call it. It uses the standard library alone, and no syntax that an old Python could
not parse: whoever has one should read a sentence, not a SyntaxError.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys

OLDEST_PYTHON = (3, 11)
CPU_SPACE, FULL_SPACE = 3, 7  # gigabytes: with PyTorch's CPU build; with the CUDA libraries beside it

ROOT = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, *(["Scripts", "python.exe"] if os.name == "nt" else ["bin", "python"]))
DONE = os.path.join(VENV, "course-installed")  # the last thing written: the fingerprint of what was installed


def main():
    if sys.version_info < OLDEST_PYTHON:
        versions = OLDEST_PYTHON + sys.version_info[:2]
        fail("Python {}.{} or newer is needed, this is {}.{}.".format(*versions))
    if is_installed():
        return
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        fail("This Python has no venv module, which makes environments (Debian: apt install python3-venv).")
    try:
        install()
    except KeyboardInterrupt:
        fail("Stopped. Run the same command again to start over.")


def is_installed():
    if not os.path.exists(PYTHON) or not os.path.exists(DONE):
        return False
    with open(DONE) as file:
        return file.read() == fingerprint()


def fingerprint():
    """Of all that decides what .venv holds, and of where it is, for an environment can't be moved."""
    digest = hashlib.sha256("{} {}.{}".format(ROOT, *sys.version_info[:2]).encode())
    for name in ("requirements.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def install():
    # An environment that an earlier run finished is brought up to date; any other is made anew.
    whole = is_whole()
    if os.path.exists(DONE):
        os.remove(DONE)
    if not whole:
        need_space(CPU_SPACE if wants_cpu_build() else FULL_SPACE)
        say("Setting up the course in .venv (once; a few minutes, depending on the network) ...")
        succeed(run(sys.executable, "-m", "venv", "--clear", VENV))
    # uv installs some five times faster than pip; requirements.txt says which uv.
    succeed(run(PYTHON, "-m", "pip", "install", "--constraint", "requirements.txt", "uv"))
    packages = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "-r", "requirements.txt", "-e", "."]
    installed = False
    if wants_cpu_build():
        status, output = run(*packages, "--torch-backend=cpu")
        installed = status == 0
        if not installed:
            stop_if_disk_is_full(output)
            say("PyTorch's own index can't be reached: taking the usual build (5.5 GB), not the CPU build.")
            need_space(FULL_SPACE)
    if not installed:
        succeed(run(*packages))
    with open(DONE, "w") as file:
        file.write(fingerprint())
    say("The course is installed.")


def is_whole():
    """Is there an environment that was finished, in this very place and with this version of Python?"""
    if not os.path.exists(PYTHON) or not os.path.exists(DONE):
        return False
    with open(os.path.join(VENV, "pyvenv.cfg"), encoding="utf-8") as file:
        settings = dict(line.strip().split(" = ", 1) for line in file)
    this_version = "{}.{}.".format(*sys.version_info[:2])
    return settings["version"].startswith(this_version) and settings["command"].endswith(VENV)


def wants_cpu_build():
    """On Linux the usual PyTorch brings 4 GB of CUDA libraries, of no use without an NVIDIA GPU."""
    has_gpu = shutil.which("nvidia-smi") or os.path.exists("/proc/driver/nvidia")
    return sys.platform.startswith("linux") and not has_gpu


def need_space(gigabytes):
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < gigabytes:
        message = "Too little disk space: the course needs {} GB, {:.1f} GB are free in {}."
        fail(message.format(gigabytes, free, ROOT))


def run(*command):
    """Run, pass on the lines that tell how far it is, and return the exit status and all that was said."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               encoding="utf-8", errors="replace")
    output = ""
    for line in process.stdout:
        output += line
        if line.strip().startswith(("Downloading ", "Downloaded ", "Installed ")):
            say(line.rstrip())
    return process.wait(), output


def succeed(result):
    status, output = result
    if status == 0:
        return
    stop_if_disk_is_full(output)
    if any(sign in output for sign in ("Failed to fetch", "sending request", "new connection", "timed out")):
        fail("No network: the packages can't be downloaded. Run the same command again when there is one.")
    fail("The installation failed:\n" + output.strip())


def stop_if_disk_is_full(output):
    if any(sign in output for sign in ("No space left", "not enough space", "Disk quota exceeded")):
        message = "The disk is full: the course needs up to {} GB, in {} and in uv's cache."
        fail(message.format(FULL_SPACE, ROOT))


def say(line):
    print(line)
    sys.stdout.flush()


def fail(line):
    sys.stderr.write(line + "\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
