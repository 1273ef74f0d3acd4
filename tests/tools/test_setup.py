"""install.py says clearly what it lacks and loses nothing that works; the README's first command leads to lesson 00."""

import ast
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from helpers import missing

from tools.lab import ServerError, serve
from tools.lessons import ROOT

THIS_VERSION = ".".join(map(str, sys.version_info[:3]))
NO_INDEX = "error: Request failed after 3 retries\n  cause: Failed to fetch: the index"
NO_TORCH_INDEX = "error: Request failed after 3 retries\n  cause: Failed to fetch: the index/whl/cpu/torch/"
NO_SPACE = "error: failed to write: No space left on device (os error 28)"


FILES = ("install.py", "requirements.txt", "requirements-dev.txt", "requirements.lock", "pyproject.toml")

# `python -m venv` gives the same stand-in for Python as the finished environment holds.
STAND_IN = """
import install, os, shutil, signal, sys, time
install.wants_cpu_build = lambda: {cpu}
real_run = install.run
def run(command, environment):
    if "venv" not in command:
        return real_run(command, environment)
    print("made anew")
    shutil.copytree("stand-in", command[-1])
    with open(os.path.join(command[-1], "pyvenv.cfg"), "w") as file:
        file.write("version = {version}\\ncommand = python3 -m venv " + command[-1])
    return 0, ""
install.run = run
"""


class Project:
    """install.py in a folder of its own, beside a finished .venv whose Python only notes what it is asked."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in FILES:
            (folder / name).write_text((ROOT / name).read_text())
        (folder / ".venv" / "bin").mkdir(parents=True)
        (folder / "stand-in" / "bin").mkdir(parents=True)
        self.environment_is(THIS_VERSION, folder / ".venv")
        self.done = folder / ".venv" / "course-installed"
        self.done.write_text("something older")
        self.python = folder / ".venv" / "bin" / "python"
        self.calls = folder / "calls"
        self.calls.touch()
        self.pip_settings = folder / "pip-settings"
        self.pip_settings.touch()
        self.answer()

    def environment_is(self, version: str, made_in: Path):
        made = f"version = {version}\ncommand = python3 -m venv {made_in.resolve()}\n"
        (self.folder / ".venv" / "pyvenv.cfg").write_text(made)

    def never_set_up(self):
        shutil.rmtree(self.folder / ".venv")

    def answer(self, when: str = "never", message: str = "", before: str = ""):
        """Let commands that contain `when` fail with `message`; each one runs the shell's line `before` first."""
        script = f'''#!/bin/sh
case "$*" in
    "-c pass") exit;;
    *"config list") cat "{self.pip_settings}"; exit;;
esac
echo "$@" >> "{self.calls}"
env > "{self.folder}/environment"
{before}
case "$*" in *"{when}"*) echo "{message}" >&2; exit 2;; esac
'''
        for environment in (".venv", "stand-in"):
            python = self.folder / environment / "bin" / "python"
            if python.parent.exists():
                python.unlink(missing_ok=True)  # it may be an older environment's too
                python.write_text(script)
                python.chmod(0o755)

    def wait_for_go(self) -> Path:
        """Let commands say that they have started, and wait for a file, or for five minutes: no test hangs for ever."""
        go = self.folder / "go"
        waiting = f'i=0; while [ ! -e "{go}" ] && [ $i -lt 3000 ]; do sleep 0.1; i=$((i + 1)); done'
        self.answer(before=f'echo > "{self.folder}/started"; {waiting}')
        return go

    def command(self, before: str = "", gpu: bool = False, arguments: str = "") -> list[str]:
        prepare = STAND_IN.format(cpu=not gpu, version=THIS_VERSION)
        return [sys.executable, "-c", f"{prepare}\n{before}\ninstall.main({arguments.split()})"]

    def install(self, before="", gpu=False, arguments="", **environment: str) -> subprocess.CompletedProcess:
        """Run install.py, and before it some lines that make this machine another."""
        return subprocess.run(
            self.command(before, gpu, arguments),
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
        )

    def refuses(self, sentence: str, before: str = ""):
        """It exits with status 1 and says one line, this one."""
        result = self.install(before)
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1 and sentence in result.stderr, result.stderr

    def goes_on(self, sentence: str, before: str = "", **environment: str) -> str:
        """It says one line, this one, and leaves the environment that works as it was."""
        files = {path: path.read_bytes() for path in (self.folder / ".venv").rglob("*") if path.is_file()}
        result = self.install(before, **environment)
        assert (result.returncode, result.stderr.count("\n")) == (0, 1), result.stderr
        assert sentence in result.stderr and "the course works as it was installed" in result.stderr
        assert files == {path: path.read_bytes() for path in (self.folder / ".venv").rglob("*") if path.is_file()}
        return result.stderr

    def settings(self) -> dict[str, str]:
        """What the last command found in its environment."""
        lines = (self.folder / "environment").read_text().splitlines()
        return dict(line.partition("=")[::2] for line in lines)

    def is_whole(self) -> bool:
        beside = [path.name for path in self.folder.glob(".venv*") if path.name not in (".venv", ".venv.lock")]
        return self.done.exists() and self.python.exists() and beside == []


@pytest.fixture
def project(tmp_path):
    if os.name == "nt":
        pytest.skip("the stand-in for Python is a shell script")
    return Project(tmp_path)


def test_old_pythons_can_read_install_py():
    ast.parse((ROOT / "install.py").read_text(), feature_version=(3, 6))


def test_python_too_old(project):
    project.never_set_up()
    project.refuses("Python 3.11 or newer is needed, this is 3.8.", "sys.version_info = (3, 8, 18)")


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_no_venv_module(project, module):
    project.never_set_up()
    project.refuses("apt install python3-venv", f"sys.modules['{module}'] = None")


def test_too_little_disk_space(project):
    project.never_set_up()
    little = "shutil.disk_usage = lambda path: shutil._ntuple_diskusage(10**9, 0, 10**9)"
    project.refuses("Too little disk space: the course needs 3 GB, 1.0 GB are free", little)
    assert project.calls.read_text() == ""


@pytest.mark.parametrize("step", ["pip install --constraint", "torch-backend=cpu", "uv pip install"])
def test_disk_full_on_the_way(project, step):
    project.never_set_up()
    project.answer(step, NO_SPACE)
    project.refuses("The disk is full")


@pytest.mark.parametrize("step", ["pip install --constraint", "-e ."])
def test_no_network(project, step):
    project.never_set_up()
    project.answer(step, NO_INDEX)
    project.refuses("No network")


def test_other_failures_are_passed_on(project):
    project.never_set_up()
    project.answer("uv pip install", "error: torch has no wheel for this machine")
    result = project.install()
    assert result.returncode == 1
    assert "torch has no wheel for this machine" in result.stderr and "Traceback" not in result.stderr


def test_cpu_build_first_and_one_line_when_its_index_is_out_of_reach(project):
    project.answer("torch-backend=cpu", NO_TORCH_INDEX)
    result = project.install()
    assert (result.returncode, result.stderr) == (0, "")
    assert [line for line in result.stdout.splitlines() if "PyTorch" in line] == [
        "PyTorch's own index can't be reached: taking the usual build (5.5 GB), not the CPU build."
    ]
    _, cpu, usual = project.calls.read_text().splitlines()
    assert cpu == usual + " --torch-backend=cpu"


def test_cpu_build_is_enough_when_it_comes(project):
    assert "PyTorch" not in project.install().stdout
    assert project.calls.read_text().splitlines()[-1].endswith("--torch-backend=cpu")


def test_with_a_gpu_the_usual_build(project):
    assert project.install(gpu=True).returncode == 0
    assert "torch-backend" not in project.calls.read_text()


def test_second_run_starts_no_process(project):
    assert project.install().returncode == 0
    again = project.install("install.subprocess = None")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements.lock", "pyproject.toml"])
def test_changed_requirements_are_installed(project, name):
    project.install()
    calls = project.calls.read_text()
    with (project.folder / name).open("a") as file:
        file.write("# changed\n")
    assert project.install().returncode == 0
    assert project.calls.read_text() == 2 * calls


def test_half_finished_environment_is_made_anew(project):
    project.never_set_up()
    project.answer("-e .", NO_INDEX)
    assert project.install().returncode == 1
    project.answer()
    assert "made anew" in project.install().stdout


def test_environment_of_another_python_is_made_anew(project):
    project.environment_is("3.10.1", project.folder / ".venv")
    assert "made anew" in project.install().stdout


def test_environment_that_was_moved_is_made_anew(project):
    project.environment_is(THIS_VERSION, project.folder / "elsewhere" / ".venv")
    assert "made anew" in project.install().stdout


def test_finished_environment_is_kept(project):
    assert "made anew" not in project.install().stdout


def test_first_failure_is_blamed_on_pytorchs_index_only_if_it_was_that(project):
    project.answer("torch-backend=cpu", NO_INDEX)
    assert "PyTorch" not in project.install().stdout


# What works stays: whatever stops a set-up, and wherever


def test_another_python_comes_first_and_there_is_no_network(project):
    project.install()
    project.answer("install", NO_INDEX)
    other = project.install("sys.version_info = (3, 12, 1)\ninstall.subprocess = None")
    assert (other.returncode, other.stdout, other.stderr) == (0, "", "")
    too_old = project.install("sys.version_info = (3, 8, 18)\ninstall.subprocess = None")
    assert (too_old.returncode, too_old.stderr) == (0, "")


def test_old_environment_goes_on_without_a_network_and_says_what_it_lacks(project):
    packages = project.folder / ".venv" / "lib" / "python3" / "site-packages"
    for name in ("torch-2.14.0", "jupyterlab_slideshow-0.3.4", "numpy-2.4.6"):
        (packages / f"{name}.dist-info").mkdir(parents=True)
    project.answer("-e .", NO_INDEX)
    said = project.goes_on("No network")
    pins = dict(re.findall(r"^([\w-]+)==([\d.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert f"Out of date: it should have torch {pins['torch']}, torchvision" in said
    assert "numpy" not in said and "slideshow" not in said
    project.answer()
    assert project.install().returncode == 0 and project.is_whole()


def test_tests_and_tools_do_not_run_on_what_is_out_of_date(project):
    project.answer("-e .", NO_INDEX)
    result = project.install(arguments="dev")
    assert result.returncode == 1 and "No network" in result.stderr
    assert project.done.read_text() == "something older"


def test_dev_adds_to_what_a_student_has_and_serves_a_student_too(project):
    assert project.install().returncode == 0
    assert "made anew" not in project.install(arguments="dev").stdout
    assert "-r requirements-dev.txt" in project.calls.read_text()
    for arguments in ("", "dev"):
        again = project.install("install.subprocess = None", arguments=arguments)
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_anything_else_is_no_argument_of_install_py(project):
    result = project.install(arguments="--upgrade")
    assert result.returncode == 1 and "Usage" in result.stderr


STOPPED = {
    "copying": "install.network_settings = stop",
    "installing": "install.install_packages = stop",
    "the paths": "install.replace_in_scripts = stop",
    "before the renames": "install.take_its_place = stop",
    "after the first rename": "renamed = []\nrename = os.rename\n"
    "os.rename = lambda *names: stop() if renamed else (renamed.append(names), rename(*names))",
    "after the second rename": "install.remove = lambda folder: os.path.exists(folder) and stop()",
    "while the old one is removed": "shutil.rmtree = lambda folder, **_: os.path.exists(folder) and stop()",
}
KILL = "def stop(*_, **__): os.kill(os.getpid(), signal.SIGKILL)\n"
INTERRUPT = "def stop(*_, **__): raise KeyboardInterrupt\n"


@pytest.mark.parametrize("network", [True, False], ids=["network", "no network"])
@pytest.mark.parametrize("how", [KILL, INTERRUPT], ids=["kill -9", "Ctrl-C"])
@pytest.mark.parametrize("where", STOPPED)
def test_a_set_up_that_is_stopped_loses_nothing(project, where, how, network):
    stopped = project.install(how + STOPPED[where])
    assert stopped.returncode == (-signal.SIGKILL if how is KILL else 1)
    assert stopped.stderr == ("" if how is KILL else "Stopped. Run the same command again to start over.\n")
    if not network:
        project.answer("install", NO_INDEX)
    again = project.install()
    assert again.returncode == 0 and "made anew" not in again.stdout
    assert project.is_whole()


@pytest.mark.parametrize("where", ["copying", "installing", "the paths", "before the renames"])
def test_a_first_set_up_that_is_killed_is_begun_again(project, where):
    project.never_set_up()
    assert project.install(KILL + STOPPED[where]).returncode == -signal.SIGKILL
    assert project.install().returncode == 0 and project.is_whole()


def test_ctrl_c_ends_what_was_started(project):
    project.answer(before=f'echo $$ > "{project.folder}/started"; exec sleep 600')
    process = subprocess.Popen(project.command(), cwd=project.folder, stderr=subprocess.PIPE, text=True)
    started = wait_for(project.folder / "started")
    process.send_signal(signal.SIGINT)
    assert "Stopped." in process.communicate()[1] and process.returncode == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(started), 0)
    assert project.python.exists() and project.done.read_text() == "something older"


def wait_for(path: Path) -> str:
    """Its first line, as soon as it is there."""
    while not path.exists() or "\n" not in path.read_text():
        time.sleep(0.02)
    return path.read_text().strip()


def test_two_set_ups_at_once(project):
    """The second waits for the first, and then sees that nothing is left to do."""
    go = project.wait_for_go()
    first = subprocess.Popen(project.command(), cwd=project.folder)
    wait_for(project.folder / "started")
    second = subprocess.Popen(project.command(), cwd=project.folder, stdout=subprocess.PIPE, text=True)
    assert "Another set-up of this folder is at work" in second.stdout.readline()
    calls = project.calls.read_text()
    go.touch()
    assert first.wait() == 0
    assert second.communicate()[0] == "" and second.returncode == 0
    assert project.calls.read_text().count("pip install --constraint") == calls.count("pip install --constraint")
    assert project.is_whole()


def test_what_a_killed_set_up_had_started_is_waited_for(project):
    """Its uv goes on for a while, in the folder that the next one is about to use."""
    go = project.wait_for_go()
    killed = subprocess.Popen(project.command(), cwd=project.folder, stdout=subprocess.DEVNULL)
    wait_for(project.folder / "started")
    killed.kill()
    killed.wait()
    next_one = subprocess.Popen(project.command(), cwd=project.folder, stdout=subprocess.PIPE, text=True)
    assert "Another set-up of this folder is at work" in next_one.stdout.readline()
    go.touch()
    next_one.communicate()
    assert next_one.returncode == 0 and project.is_whole()


def test_the_new_environment_knows_its_place(project):
    """Its programs were made in .venv.new; and a file that both environments share is not written to."""
    program = project.folder / ".venv" / "bin" / "old-program"
    program.write_text("#!/old")
    made = f'printf "#!%s/.venv.new/bin/python\\n" "{project.folder}" > "{project.folder}/.venv.new/bin/program"'
    project.answer(before=made)
    project.install()
    assert (program.parent / "program").read_text() == f"#!{project.python}\n"
    assert program.read_text() == "#!/old"
    assert ".venv.new" not in (project.folder / ".venv" / "pyvenv.cfg").read_text()


def test_somebody_elses_environment_is_kept(project):
    project.done.unlink()
    mine = project.folder / ".venv" / "lib" / "mine.py"
    mine.parent.mkdir()
    mine.write_text("precious")
    result = project.install()
    assert result.returncode == 0 and "it is kept as" in result.stdout
    assert (project.folder / ".venv.before" / "lib" / "mine.py").read_text() == "precious"


def test_the_system_got_another_python_in_the_same_place(project):
    """Then .venv/bin/python runs, but finds none of its packages."""
    other = project.folder / "python3.99"
    project.python.rename(other)
    project.python.symlink_to(other)
    assert "made anew" in project.install().stdout


def test_python_that_does_not_run_any_more(project):
    project.python.write_text("#!/nowhere/python\n")
    assert "made anew" in project.install().stdout


# Odd places


def test_venv_is_a_file(project):
    project.never_set_up()
    (project.folder / ".venv").write_text("mine")
    project.refuses("is a file")
    assert (project.folder / ".venv").read_text() == "mine"


@pytest.mark.parametrize("there", [True, False])
def test_venv_is_a_link_to_a_larger_disk(project, there):
    larger = project.folder / "larger disk"
    (project.folder / ".venv").rename(larger)
    (project.folder / ".venv").symlink_to(larger)
    (larger / "pyvenv.cfg").write_text(f"version = {THIS_VERSION}\ncommand = python3 -m venv {larger}\n")
    if not there:
        shutil.rmtree(larger)
    for _ in range(2):
        assert project.install().returncode == 0
        assert (project.folder / ".venv").is_symlink() and project.is_whole()
        assert [path.name for path in project.folder.glob("larger*")] == ["larger disk"]
        with (project.folder / "requirements.txt").open("a") as file:
            file.write("# changed\n")


def test_folder_with_spaces_and_accents(tmp_path):
    folder = tmp_path / "Università di Søndag, 2 β"
    folder.mkdir()
    project = Project(folder)
    project.install()
    assert project.is_whole()
    assert "made anew" not in project.install().stdout
    project.never_set_up()
    assert "made anew" in project.install().stdout and project.is_whole()


UNWRITABLE = "def refuse(*_, **__): raise PermissionError(13, 'Permission denied', '/the/folder')\n"


@pytest.mark.parametrize("what", ["os.link = os.mkdir = refuse", "os.rename = refuse", "install.open = refuse"])
def test_folder_that_can_not_be_written(project, what):
    if "open" in what:  # the lock's file
        what = "install.open = lambda name, mode='r', **o: refuse() if mode == 'a' else open(name, mode, **o)"
    project.goes_on("can't write to /the/folder (Permission denied)", UNWRITABLE + what)
    project.never_set_up()
    if "link" not in what:
        project.refuses("can't write to /the/folder (Permission denied)", UNWRITABLE + what)


@pytest.mark.skipif(os.name == "nt" or not shutil.which("runuser") or os.geteuid() != 0, reason="needs a second user")
def test_another_users_folder_for_real(project):
    subprocess.run(["chmod", "-R", "go+rX", project.folder], check=True)
    for parent in project.folder.parents:  # pytest lets nobody else in
        if tempfile.gettempdir() in map(str, parent.parents):
            parent.chmod(0o755)
    command = ["runuser", "-u", "nobody", "--", "/usr/bin/env", "HOME=/", "python3", "install.py"]
    result = subprocess.run(command, cwd=project.folder, capture_output=True, text=True)
    assert "Traceback" not in result.stderr and result.stderr.count("\n") == 1, result.stderr
    assert "can't write to" in result.stderr


def test_home_that_can_not_be_written(project):
    project.answer(before='mkdir -p "$UV_CACHE_DIR"')
    assert project.install(HOME="/dev/null", XDG_CACHE_HOME="").returncode == 0
    assert project.settings()["UV_CACHE_DIR"] == str(project.folder / ".venv.new" / "cache")
    assert not (project.folder / ".venv" / "cache").exists()


# The user's settings


OTHER_PROJECTS = {
    "PYTHONPATH": "/other",
    "PYTHONSTARTUP": "/other",
    "VIRTUAL_ENV": "/other",
    "CONDA_PREFIX": "/other",
    "PIP_TARGET": "/other",
    "PIP_PREFIX": "/other",
    "PIP_USER": "1",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_NO_BINARY": ":all:",
    "PIP_CONSTRAINT": "/other",
    "PIP_DRY_RUN": "1",
    "UV_SYSTEM_PYTHON": "1",
    "UV_PYTHON": "3.8",
    "UV_PROJECT_ENVIRONMENT": "/other",
    "UV_CONSTRAINT": "/other",
    "UV_OVERRIDE": "/other",
    "UV_RESOLUTION": "lowest",
    "UV_TORCH_BACKEND": "cu118",
    "UV_EXCLUDE_NEWER": "2020-01-01",
    "FORCE_COLOR": "1",
}


def test_other_projects_settings_stay_there(project):
    project.pip_settings.write_text("global.target='/other'\ninstall.no-binary=':all:'\n")
    project.never_set_up()
    assert project.install(**OTHER_PROJECTS).returncode == 0
    settings = project.settings()
    assert not OTHER_PROJECTS.keys() & settings.keys() and "/other" not in settings.values()
    assert settings["UV_NO_CONFIG"] == "1" and settings["PIP_CONFIG_FILE"] == os.devnull


def test_pips_way_to_the_network_is_uvs_too(project):
    project.pip_settings.write_text(
        "install.index-url='https://better/simple'\nglobal.index-url='https://mirror/simple'\n"
        "global.extra-index-url='https://one\\nhttps://two'\n"
        "global.find-links='/wheels /more'\nglobal.trusted-host='mirror'\nglobal.proxy='http://proxy:3128'\n"
        "global.cert='/company.pem'\n:env:.timeout='99'\n"
    )
    project.install(SSL_CERT_FILE="/mine.pem", https_proxy="http://mine:1")
    settings = project.settings()
    assert settings["PIP_INDEX_URL"] == settings["UV_DEFAULT_INDEX"] == "https://better/simple"
    assert settings["PIP_EXTRA_INDEX_URL"] == settings["UV_INDEX"] == "https://one https://two"
    assert settings["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert settings["UV_FIND_LINKS"] == "/wheels,/more" and settings["UV_INSECURE_HOST"] == "mirror"
    assert settings["HTTP_PROXY"] == "http://proxy:3128" and settings["https_proxy"] == "http://mine:1"
    assert settings["PIP_CERT"] == "/company.pem" and settings["SSL_CERT_FILE"] == "/mine.pem"
    assert settings["PIP_TIMEOUT"] == "99" and settings["UV_SYSTEM_CERTS"] == "true"


def test_uvs_own_settings_count_before_pips(project):
    project.pip_settings.write_text("global.index-url='https://pips/simple'\n")
    project.install(UV_DEFAULT_INDEX="https://uvs/simple", UV_NATIVE_TLS="0", UV_HTTP_TIMEOUT="99")
    settings = project.settings()
    assert settings["UV_DEFAULT_INDEX"] == "https://uvs/simple" and settings["UV_HTTP_TIMEOUT"] == "99"
    assert settings["UV_NATIVE_TLS"] == "0" and "UV_SYSTEM_CERTS" not in settings


def test_users_uv_toml_counts_and_one_in_a_folder_above_does_not(project):
    (project.folder.parent / "uv.toml").write_text('index-url = "https://other/simple"\n')
    users = project.folder / "config" / "uv" / "uv.toml"
    users.parent.mkdir(parents=True)
    users.write_text('[pip]\nfind-links = ["/a", "/b"]\n[[index]]\nurl = "https://mine/simple"\ndefault = true\n')
    project.install(XDG_CONFIG_HOME=str(project.folder / "config"))
    settings = project.settings()
    assert settings["UV_DEFAULT_INDEX"] == "https://mine/simple" and settings["UV_FIND_LINKS"] == "/a,/b"
    assert settings["UV_NO_CONFIG"] == "1"


# A failure is called by its name


NAMES = {
    "error: invalid peer certificate: UnknownIssuer": "certificate is not trusted",
    "SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))": "certificate is not trusted",
    "OSError('Tunnel connection failed: 407 Proxy Authentication Required')": "a name and a password (407)",
    "Failed to fetch: HTTP status client error (403 Forbidden) for url": "answers 403 Forbidden",
    "Could not fetch URL x: 403 Client Error: Forbidden for url": "answers 403",
    "Failed to fetch: HTTP status server error (503 Service Unavailable) for url": "answers 503 Service Unavailable",
    "Failed to fetch: dns error": "No network",
}


@pytest.mark.parametrize("step", ["pip install --constraint", "-e ."])
@pytest.mark.parametrize("message, sentence", NAMES.items())
def test_failures_are_called_by_their_names(project, message, sentence, step):
    project.answer(step, message)
    said = project.goes_on(sentence)
    assert ("No network" in said) == (sentence == "No network")


def test_uvs_own_certificates_where_the_system_has_none(project):
    project.answer(before='case "$*$UV_SYSTEM_CERTS" in *uv\\ pip*true) echo UnknownIssuer; exit 2;; esac')
    assert project.install().returncode == 0 and project.is_whole()
    assert project.settings()["UV_SYSTEM_CERTS"] == "false"


def copy_of_the_course(target: Path):
    """A clone; where git can't make one (a downloaded archive, another owner's folder), what came with the course."""
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run(["git", "clone", "--quiet", ROOT, target], capture_output=True).returncode == 0:
            return
    anywhere = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "*.egg-info", "node_modules", "artefacts")
    at_the_top = {"site", ".kept", "build", "my"}
    shutil.copytree(
        ROOT,
        target,
        ignore=lambda folder, names: anywhere(folder, names) | (at_the_top if Path(folder) == ROOT else set()),
    )


@pytest.mark.parametrize("why", ["no repository", "another owner", "no git"])
def test_a_copy_where_git_can_make_none(tmp_path, monkeypatch, why):
    git = tmp_path / "programs" / "git"
    git.parent.mkdir()
    if why != "no git":
        git.write_text(f"#!/bin/sh\necho fatal: {why} >&2; exit 128\n")
        git.chmod(0o755)
    monkeypatch.setenv("PATH", str(git.parent))
    copy_of_the_course(tmp_path / "copy")
    assert (tmp_path / "copy" / "install.py").exists() and (tmp_path / "copy" / "vaelib" / "__init__.py").exists()
    assert not list((tmp_path / "copy").glob(".venv*"))


@pytest.mark.rest
@pytest.mark.skipif(os.name == "nt", reason="needs make and sh; the README has other commands for Windows")
def test_readme_commands_in_a_fresh_clone(tmp_path):
    readme = (ROOT / "README.md").read_text()
    (lab,) = re.search(r"```sh\n(.*?)```", readme, re.DOTALL)[1].splitlines()
    assert lab.split("#")[0].strip() == "make lab"

    clone = tmp_path / "clone"
    copy_of_the_course(clone)
    # make's variables would tell the clone's make that it is part of this one
    unmade = {name: "" for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV")}
    try:
        with serve(["sh", "-c", lab], cwd=clone, settings=tmp_path / "settings", **unmade) as server:
            with server.get("/") as page:
                assert "/lab/tree/my/00_start_here.ipynb" in page.url
            with server.get("/api/contents/my/00_start_here.ipynb") as lesson:
                assert lesson.status == 200
    except ServerError as error:
        reason = re.search("No network|Too little disk space|The disk is full", str(error))
        if not reason:
            raise
        missing(f"a second copy of the course can't be installed here: {reason[0]}")
