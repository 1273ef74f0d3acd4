"""`python -m tools NAME` does what `make NAME` does."""

import os
import re
import subprocess
import sys

import pytest

import tools.__main__ as commands
from tools.lessons import ROOT


def test_every_target_of_one_module_is_a_command():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = dict(re.findall(r"^([\w-]+):.*\n((?:\t.+\n)+)", makefile, re.MULTILINE))
    ours = {name for name, recipe in recipes.items() if re.fullmatch(r"\t\S+ -m (tools|vaelib)\b.*\n", recipe)}
    assert ours == commands.commands().keys()
    assert ours >= {"lab", "fresh", "warm", "present", "rehearse", "room", "site", "bench", "seeds", "notebooks"}


@pytest.mark.parametrize(("name", "command"), commands.commands().items())
def test_each_command_has_its_module_and_says_what_it_is_for(name, command):
    path = ROOT.joinpath(*command.module.split("."))
    module, package = path.with_suffix(".py"), path / "__main__.py"
    assert package.exists() or 'if __name__ == "__main__"' in module.read_text(encoding="utf-8")
    assert len(command.purpose) > 10


def test_alone_it_lists_them(capsys):
    commands.main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(commands.commands())


def test_a_command_gets_its_words_and_its_status_is_ours():
    done = subprocess.run([sys.executable, "-m", "tools", "fresh", "99"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("There is no lesson '99'.")


def test_an_unknown_command():
    with pytest.raises(SystemExit, match="no command 'presnt'"):
        commands.main(["presnt"])


@pytest.fixture
def ran(monkeypatch):
    """For each module that a command would have run: its name, its words and what it finds in its environment."""
    runs = []

    def run_module(module, **_):
        runs.append((module, commands.sys.argv[1:], os.environ.get("GOMP_SPINCOUNT")))

    monkeypatch.setattr(commands.runpy, "run_module", run_module)
    monkeypatch.setattr(commands.sys, "argv", ["tools"])
    return runs


def test_what_only_a_maintainer_has_is_named(ran, monkeypatch):
    monkeypatch.setattr(commands, "is_installed", lambda name: name != "nbval")
    with pytest.raises(SystemExit, match=r"^notebooks needs nbval: run `install.py dev`"):
        commands.main(["notebooks"])
    commands.main(["lab"])  # a student's command asks for nothing more
    assert [module for module, *_ in ran] == ["tools.lab"]


def test_words_go_on_as_make_would_pass_them_and_threads_do_not_wait_awake_for_long(ran, monkeypatch):
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    commands.main(["present", "LESSON=05"])
    commands.main(["bench", "--quick"])
    assert ran == [("tools.present", ["05"], "1000"), ("tools.bench", ["--quick"], "1000")]
