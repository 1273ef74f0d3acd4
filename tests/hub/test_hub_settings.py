"""The hub's settings say what they mean: every name exists, in JupyterHub 5 and 6, in the chart, in repo2docker."""

import getpass
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
import yaml
from helpers import missing
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from read_settings import read, read_app

from tools.lab import SETTINGS
from tools.lessons import LESSONS, ROOT

HUB = ROOT / "tools" / "hub"
REPOSITORY = "https://git.example.org/course"
CHART = ("https://github.com/jupyterhub/zero-to-jupyterhub-k8s", "4.4.0")


@pytest.fixture
def settings(monkeypatch):
    """A function that reads a file of tools/hub in such an environment."""
    for name in os.environ:
        if name.startswith(("COURSE_", "VAELIB_")):
            monkeypatch.delenv(name)

    def settings(file="jupyterhub_config.py", **environment):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            return read(HUB / file)

    return settings


BOTH = pytest.mark.parametrize("users", ["accounts", "trial"])


@BOTH
def test_every_setting_is_one_of_jupyterhubs(users, settings):
    found = settings(COURSE_USERS=users, COURSE_PASSWORD="something long")
    assert found["JupyterHub"]["authenticator_class"] == {"accounts": "pam", "trial": "shared-password"}[users]


def test_a_misspelt_setting_would_be_found(tmp_path, settings):
    wrong = tmp_path / "wrong.py"
    wrong.write_text((HUB / "course_config.py").read_text().replace("c.Spawner.mem_limit", "c.Spawner.memory_limit"))
    with pytest.raises(LookupError, match=r"Spawner\.memory_limit"):
        settings(wrong)


@pytest.fixture(scope="module")
def jupyterhub_5(tmp_path_factory):
    """A Python that has it."""
    folder = tmp_path_factory.mktemp("jupyterhub-5")
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "uv", "venv", "--quiet", folder], check=True)
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python]
    done = subprocess.run([*install, "jupyterhub==5.5.4"], capture_output=True, text=True)
    if done.returncode:
        missing(f"JupyterHub 5 can't be installed: {done.stderr}")
    return python


@pytest.mark.rest
@BOTH
def test_jupyterhub_5_reads_the_same(users, settings, jupyterhub_5):
    """The Littlest JupyterHub and the chart have it."""
    environment = {"COURSE_USERS": users, "COURSE_PASSWORD": "something long", "COURSE_REPOSITORY": REPOSITORY}
    done = subprocess.run(
        [jupyterhub_5, Path(__file__).with_name("read_settings.py"), HUB / "jupyterhub_config.py"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    its_place = str(jupyterhub_5.parents[1])
    assert json.loads(done.stdout.replace(its_place, sys.prefix)) == settings(**environment)


def test_users_are_the_machines_or_those_of_a_trial(settings):
    with pytest.raises(ValueError, match="COURSE_USERS must be 'accounts' or 'trial', not 'all'"):
        settings(COURSE_USERS="all")


def test_the_sockets_of_an_accounts_kernels_are_the_accounts(monkeypatch):
    """Each start of a server has a folder of its own, in which a socket's path has room."""
    monkeypatch.setenv("COURSE_USERS", "accounts")
    account = getpass.getuser() if os.geteuid() else "nobody"
    spawner = SimpleNamespace(user=SimpleNamespace(name=account), environment={"OMP_NUM_THREADS": "1"})
    hooks = read_app(HUB / "jupyterhub_config.py").config.Spawner
    folders = []
    for _ in range(2):
        hooks.pre_spawn_hook(spawner)
        assert spawner.environment.keys() == {"OMP_NUM_THREADS", "JUPYTER_RUNTIME_DIR"}
        folder = Path(spawner.environment["JUPYTER_RUNTIME_DIR"])
        assert folder.owner() == account and folder.stat().st_mode & 0o777 == 0o700
        assert folder.parent.stat().st_mode & 0o777 == 0o711
        socket = folder / "kernel-00000000-0000-0000-0000-000000000000-ipc-5"
        assert len(str(socket)) <= 107
        socket.touch()  # a server that is killed leaves it
        hooks.post_stop_hook(spawner)
        assert not folder.exists()
        folders.append(folder)
    assert folders[0] != folders[1]


def test_nothing_listens_to_other_machines_unless_it_is_told_to(settings):
    assert settings()["JupyterHub"]["bind_url"] == "http://127.0.0.1:8000"
    assert settings(COURSE_ADDRESS="http://:80")["JupyterHub"]["bind_url"] == "http://:80"


def test_the_first_page_is_a_lesson_that_is_there(settings):
    url = settings("course_config.py", COURSE_REPOSITORY=REPOSITORY)["Spawner"]["default_url"]
    page, asked = urlsplit(url).path, parse_qs(urlsplit(url).query)
    assert page == "/git-pull" and asked["repo"] == [REPOSITORY] and asked["depth"] == ["1"]
    path = asked["urlpath"][0].removeprefix(f"lab/tree/{asked['targetpath'][0]}/")
    assert ROOT / path == LESSONS["00"]
    assert settings("course_config.py")["Spawner"]["default_url"] == "/lab"


def test_trainings_are_shared_where_there_are_some(settings):
    def kept(**environment):
        return settings("course_config.py", **environment)["Spawner"]["environment"]["VAELIB_KEPT"]

    assert kept(VAELIB_KEPT="/srv/kept") == "/srv/kept"
    assert kept() == (str(ROOT / ".kept") if (ROOT / ".kept").is_dir() else "off")
    assert Path(settings()["Spawner"]["environment"]["JUPYTER_CONFIG_PATH"]) == SETTINGS


def test_what_the_littlest_jupyterhub_is_told_is_read(settings, tmp_path):
    """The lines in README.md, with this place instead of theirs."""
    lines = re.search(r"```python\n(.+?)```", (HUB / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    snippet = tmp_path / "course.py"
    snippet.write_text(lines.replace("/srv/course", str(ROOT)))
    assert settings(snippet, COURSE_REPOSITORY="another") == settings("course_config.py", COURSE_REPOSITORY=REPOSITORY)


# Kubernetes


def values() -> dict:
    return yaml.safe_load((HUB / "values.yaml").read_text(encoding="utf-8"))


def test_values_say_what_the_settings_say(settings):
    """One machine or many: the same limits, threads, first page and idle time."""
    spawner, own = settings("course_config.py", COURSE_REPOSITORY=REPOSITORY)["Spawner"], values()["singleuser"]
    assert own["memory"]["limit"] == spawner["mem_limit"] and own["cpu"]["limit"] == spawner["cpu_limit"]
    assert own["extraEnv"].items() <= spawner["environment"].items()
    assert own["defaultUrl"] == spawner["default_url"]
    assert own["startTimeout"] == spawner["start_timeout"]
    idle = own["extraFiles"]["idle-kernels"]["data"]["MappingKernelManager"]
    assert spawner["args"] == [f"--MappingKernelManager.{name}={value}" for name, value in idle.items()]
    (service,) = settings()["JupyterHub"]["services"]
    cull = values()["cull"]
    assert service["command"][-2:] == [f"--timeout={cull['timeout']}", f"--cull-every={cull['every']}"]


@pytest.fixture(scope="module")
def chart(tmp_path_factory):
    """A function that reads a file of the chart, if its repository can be reached."""
    folder = tmp_path_factory.mktemp("chart")
    address, version = CHART
    clone = ["git", "clone", "--quiet", "--depth", "1", "--branch", version, address, folder]
    done = subprocess.run(clone, capture_output=True, text=True, env=os.environ | {"GIT_TERMINAL_PROMPT": "0"})
    if done.returncode:
        pytest.skip(f"the chart can't be had: {done.stderr.strip()}")
    return lambda name: yaml.safe_load((folder / "jupyterhub" / name).read_text(encoding="utf-8"))


def merged(defaults, changes):
    """As Helm does it before it looks at the schema."""
    if not (isinstance(defaults, dict) and isinstance(changes, dict)):
        return changes
    return defaults | {name: merged(defaults.get(name), value) for name, value in changes.items()}


@pytest.mark.rest
def test_values_fit_the_charts_schema(chart):
    check = jsonschema.Draft7Validator(chart("values.schema.yaml"))
    assert not list(check.iter_errors(merged(chart("values.yaml"), values())))
    wrong = values()
    wrong["singleuser"]["memory"]["guarentee"] = wrong["singleuser"]["memory"].pop("guarantee")
    assert ["guarentee" in error.message for error in check.iter_errors(merged(chart("values.yaml"), wrong))] == [True]


# Binder


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)==([\d.]+)", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_binder_takes_the_courses_pins():
    ours = pins(ROOT / "requirements.txt") | pins(HUB / "requirements.txt")
    binders = pins(ROOT / ".binder" / "requirements.txt")
    assert binders and binders.items() <= ours.items()


@pytest.mark.rest
def test_repo2docker_makes_an_image_with_a_python_that_the_pins_know():
    program = Path(sys.executable).with_name("jupyter-repo2docker")
    done = subprocess.run([program, "--no-build", "--debug", ROOT], capture_output=True, text=True, encoding="utf-8")
    dockerfile = done.stdout + done.stderr
    assert done.returncode == 0, dockerfile
    runs = re.findall(r"^RUN (.+)$", dockerfile, re.MULTILINE)
    assert "./.binder/postBuild" in runs and any('-r ".binder/requirements.txt"' in run for run in runs)
    assert not any("-r requirements.txt" in run for run in runs)  # pip would take the build with CUDA
    asked = (ROOT / ".binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    assert f"conda environment for python={asked}\n" in dockerfile
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert Version(asked) in SpecifierSet(project["requires-python"])
