"""What the checks found can be read by a program, from this kernel and from those before it."""

import json

import pytest

from vaelib import checks
from vaelib.checks import progress, record, verdicts


def right(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)


def without_one(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - log_var)


def unsolved(mu, log_var):
    return ...


@pytest.fixture(autouse=True)
def nothing_found_so_far(monkeypatch):
    monkeypatch.setattr(record, "_of_this_kernel", [])


def test_a_program_reads_what_was_printed(capsys):
    for answer in (unsolved, without_one, right):
        checks.check_kl(answer)
    assert [(verdict.exercise, verdict.sign) for verdict in verdicts()] == [("kl", "○"), ("kl", "✗"), ("kl", "✓")]
    assert "−1" in verdicts()[1].reason
    assert capsys.readouterr().out.splitlines() == list(map(str, verdicts()))


def test_without_a_word_nothing_is_kept(capsys):
    assert checks.check_kl.verdict(right).sign == "✓"
    assert not verdicts() and not capsys.readouterr().out


def test_where_it_is_strict_only_a_right_answer_passes(monkeypatch):
    monkeypatch.setenv("VAELIB_STRICT", "1")
    checks.check_kl(right)
    for answer, said in ((without_one, "not yet"), (unsolved, "nothing to check yet")):
        with pytest.raises(AssertionError, match=said):
            checks.check_kl(answer)
    assert len(verdicts()) == 3


def test_progress_shows_each_exercise_once_and_what_was_solved_stays_solved(capsys):
    checks.check_kl(right)
    checks.check_kl(unsolved)
    checks.check_vae_loss(lambda x, x_hat, mu, log_var, beta: right(mu, log_var))
    capsys.readouterr()
    progress()
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].split()[::2] for line in lines] == [[at, of] for of, at in record.EXERCISES.items()]
    assert "04  ✓ kl" in lines and any(line.startswith("04  ✗ vae_loss: ") for line in lines)
    assert "00  ○ numbers_in" in lines and last == f"1 of {len(record.EXERCISES)} solved"


def test_progress_knows_what_other_kernels_found(tmp_path, monkeypatch, capsys):
    file = tmp_path / "progress.jsonl"
    monkeypatch.setenv("VAELIB_PROGRESS", str(file))
    checks.check_kl(right)
    file.write_text(
        file.read_text()
        + "half a li\n{}\n[1]\n"
        + json.dumps({"exercise": "kl", "sign": "?", "reason": ""})
        + '\n{"exercise": [], "sign": "✓", "reason": ""}\n{"exercise": "kl", "sign": {}, "reason": ""}\n'
    )
    record._of_this_kernel.clear()  # another kernel
    checks.check_sample(unsolved)
    capsys.readouterr()
    progress()
    assert "04  ✓ kl" in capsys.readouterr().out


def test_what_can_not_be_kept_stops_nobody(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VAELIB_PROGRESS", str(tmp_path / "no folder" / "progress.jsonl"))
    checks.check_kl(right)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("✓") and "could not be kept" in second
