"""A student's own copies: an update brings what is new, and never takes anything that a student did."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tools import own_copies
from tools.lessons import ROOT, lessons_in

FOUR = "04_four.ipynb"
NEWS = "lesson 04 has a new version: make fresh LESSON=04"


class Course:
    """A course of two lessons and its texts, and what a student does in the copies."""

    def __init__(self, folder: Path):
        self.folder, self.mine = folder, folder / "my"
        (folder / "notebooks").mkdir(parents=True)
        for name in ("00_zero.ipynb", FOUR, "instructors_guide.md", *own_copies.TEXTS):
            (folder / "notebooks" / name).write_text(f"{name}, version 1")

    def update(self, name: str, text: str):
        (self.folder / "notebooks" / name).write_text(text)

    def start(self) -> Path | None:
        return own_copies.lay_out(self.folder)

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.mine.iterdir() if path.name != own_copies.RECORD}


@pytest.fixture
def course(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    return Course(tmp_path / "course")


@pytest.fixture
def said(capsys):
    """A function that gives the lines that were said since it was called last."""
    return lambda: capsys.readouterr().out.splitlines()


# The start


def test_the_first_start_copies_the_lessons_and_says_so_once(course, said):
    assert course.start() == course.mine
    assert course.files() == {
        name: f"{name}, version 1" for name in ("00_zero.ipynb", FOUR, "glossary.md", "further_reading.md")
    }
    assert said() == ["Your own copies of the lessons are in my/: an update leaves those alone that you worked in."]
    before = {path: path.stat().st_mtime_ns for path in course.mine.iterdir()}
    course.start()
    assert said() == [] and before == {path: path.stat().st_mtime_ns for path in course.mine.iterdir()}


def test_an_untouched_copy_follows_the_course_through_every_version(course, said):
    for version in ("second", "third", "second"):  # the course may also take a change back
        course.start()
        course.update(FOUR, version)
        course.start()
        assert course.files()[FOUR] == version
    assert len(said()) == 1


def test_what_a_student_changed_stays_and_a_new_version_is_said_at_every_start(course, said):
    course.start()
    (course.mine / FOUR).write_text("mine")
    course.start()
    assert len(said()) == 1  # there is no new version yet
    course.update(FOUR, "second")
    course.update("00_zero.ipynb", "second")
    for _ in range(2):
        course.start()
        assert said() == [NEWS]
        assert course.files()[FOUR] == "mine" and course.files()["00_zero.ipynb"] == "second"


def test_on_windows_the_command_is_one_that_is_there():
    news = own_copies._about_new_version(FOUR, on_windows=True)
    assert news == r"lesson 04 has a new version: .venv\Scripts\python -m tools fresh 04"


def test_a_text_that_a_student_changed_stays_as_well(course, said):
    course.start()
    (course.mine / "glossary.md").write_text("mine")
    course.update("glossary.md", "second")
    said()
    course.start()
    assert said() == ["glossary.md has a new version: rename yours, and the next start brings it"]
    (course.mine / "glossary.md").rename(course.mine / "my_glossary.md")
    course.start()
    assert said() == [] and course.files()["glossary.md"] == "second" and course.files()["my_glossary.md"] == "mine"


def test_a_copy_that_was_deleted_comes_back(course):
    course.start()
    (course.mine / FOUR).unlink()
    course.start()
    assert course.files()[FOUR] == f"{FOUR}, version 1"


@pytest.mark.parametrize("record", ["", "{", "[]", '{"04_four.ipynb": 4}', "\udcff", None])
def test_a_lost_or_damaged_record_loses_nothing(course, said, record):
    course.start()
    (course.mine / FOUR).write_text("mine")
    path = course.mine / own_copies.RECORD
    path.unlink() if record is None else path.write_bytes(record.encode("utf-8", "surrogateescape"))
    course.start()
    assert course.files()[FOUR] == "mine" and said()[-1] == NEWS
    course.update("00_zero.ipynb", "second")
    course.start()
    assert course.files()["00_zero.ipynb"] == "second"  # this one is known again


@pytest.mark.parametrize("there", ["folder", "link to nowhere"])
def test_something_else_in_a_lessons_place_stays(course, there):
    course.mine.mkdir()
    place = course.mine / FOUR
    place.mkdir() if there == "folder" else place.symlink_to("nowhere")
    course.start()
    assert place.is_dir() or place.is_symlink()
    assert (course.mine / "00_zero.ipynb").exists()


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_start_that_is_stopped_leaves_whole_files_and_the_next_goes_on(tmp_path, monkeypatch, step):
    """Stopped before its first such step, before its second, and so on, until one start comes through."""
    owner, versions = {"open": Path, "fsync": os, "replace": Path}[step], {f"{FOUR}, version 1", "second"}
    for number in range(10):
        course = Course(tmp_path / str(number))
        course.start()
        for name in (FOUR, "00_zero.ipynb"):
            course.update(name, "second")
        with monkeypatch.context() as stopped:
            stopped.setattr(owner, step, stop_before(getattr(owner, step), number))
            try:
                course.start()
                break
            except KeyboardInterrupt:
                assert set(course.files()) == {"00_zero.ipynb", FOUR, *own_copies.TEXTS}
                assert course.files()[FOUR] in versions
        course.update(FOUR, "third")
        course.start()  # whatever was stopped, the copy is still known as untouched
        assert course.files()[FOUR] == "third"
    assert number == 3  # the record and two copies


def stop_before(right, number: int):
    """The function `right` of something that is written, which is stopped before it is called for so many a time."""
    left, opens = [number], right is Path.open

    def stopping(*arguments, **options):
        writes = not opens or arguments[1:] == ("xb",)
        if writes and left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= writes
        return right(*arguments, **options)

    return stopping


def test_what_a_student_saves_while_a_start_is_at_work_stays(course, monkeypatch):
    course.start()
    course.update(FOUR, "second")

    def save(*_):  # while the new version is written beside the copy
        (course.mine / FOUR).write_text("mine")

    monkeypatch.setattr(os, "fsync", save)
    course.start()
    assert course.files()[FOUR] == "mine"


KILLED = """
import os, signal, sys
from pathlib import Path
from tools.own_copies import lay_out
rename = Path.replace
Path.replace = lambda path, to: os.kill(os.getpid(), signal.SIGKILL) if to.name == sys.argv[2] else rename(path, to)
lay_out(Path(sys.argv[1]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_start_that_is_killed_leaves_the_old_copy_whole_and_known(course):
    course.start()
    course.update(FOUR, "second")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(course.folder), FOUR], cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert course.files()[FOUR] == f"{FOUR}, version 1"
    course.update(FOUR, "third")
    course.start()
    assert course.files()[FOUR] == "third"


def test_what_killed_starts_left_is_cleared_after_a_day_and_not_before(course):
    course.start()
    old, young = course.mine / f".{FOUR}.01.part", course.mine / f".{FOUR}.02.part"
    for path in (old, young):
        path.write_text("half")
    os.utime(old, (0, 0))
    course.start()
    assert young.exists() and not old.exists()


def test_a_full_disk_is_said_in_a_sentence_and_the_course_still_opens(course, said, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        assert course.start() is None
        assert said() == [f"The lessons could not be copied to {course.mine} (No space left on device)."]
    course.start()
    course.update(FOUR, "second")
    monkeypatch.setattr(os, "fsync", full)
    assert course.start() == course.mine  # all are there, if not the newest


# A course that can't be written to


def test_where_the_course_can_not_be_written_the_copies_are_at_home(course, said, monkeypatch):
    (course.folder / "README.md").write_text("read me")
    monkeypatch.setattr(own_copies, "can_be_written", lambda folder: course.folder not in folder.parents)
    mine = Path.home() / "vae_course" / "my"
    mine.mkdir(parents=True)  # as the real can_be_written would
    for _ in range(2):
        assert course.start() == mine
        assert said() == [f"The course's folder can't be written, so your own copies of the lessons are in {mine}."]
    assert (mine / FOUR).exists() and not course.mine.exists()
    assert (mine / "../README.md").read_text() == "read me"
    assert (mine / "../notebooks" / FOUR).exists()


def test_where_nothing_can_be_written_the_originals_open(course, said, monkeypatch):
    monkeypatch.setattr(own_copies, "can_be_written", lambda folder: False)
    assert course.start() is None
    [line] = said()
    assert str(course.folder) in line and str(Path.home()) in line and "is not saved" in line
    monkeypatch.setattr(own_copies, "ROOT", course.folder)
    with pytest.raises(SystemExit, match="Nothing can be written in"):
        own_copies.main(["04"])


def test_nobody_knows_where_home_is(course, monkeypatch):
    def unknown():
        raise RuntimeError

    monkeypatch.setattr(Path, "home", unknown)
    assert course.start() == course.mine


AS_NOBODY = """
import os, sys
from pathlib import Path
from tools.own_copies import lay_out
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
lay_out(Path(sys.argv[1]))
"""


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can become another user")
def test_another_users_course_for_real(course):
    for parent in course.folder.parents:  # pytest lets nobody else in
        if tempfile.gettempdir() in map(str, parent.parents):
            parent.chmod(0o755)
    Path.home().chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(course.folder)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    mine = Path.home() / "vae_course" / "my"
    assert done.stdout == (f"The course's folder can't be written, so your own copies of the lessons are in {mine}.\n")
    assert (mine / FOUR).stat().st_uid == 65534 and (mine / "../notebooks" / FOUR).exists()
    assert not course.mine.exists()


# A lesson begun again


@pytest.fixture
def fresh(course, monkeypatch):
    """A function that does what `make fresh LESSON=…` does, here."""
    monkeypatch.setattr(own_copies, "ROOT", course.folder)
    monkeypatch.setattr(own_copies, "chosen", lambda names: [course.folder / "notebooks" / FOUR])
    return lambda: own_copies.main(["04"])


def test_a_clean_lesson_and_the_old_one_beside_it(course, fresh, said):
    course.start()
    (course.mine / FOUR).write_text("mine")
    course.update(FOUR, "second")
    said()
    fresh()
    files = course.files()
    [kept] = [name for name in files if "before" in name]
    assert files[FOUR] == "second" and files[kept] == "mine"
    assert re.fullmatch(r"04-before-\d{4}-\d\d-\d\d-\d\d\.\d\d\.\d\d\.ipynb", kept)
    assert set(lessons_in(course.mine)) == {"00", "04"} and lessons_in(course.mine)["04"].name == FOUR
    first, second = said()
    assert kept in first and "Reload Notebook from Disk" in second
    course.update(FOUR, "third")
    course.start()
    assert said() == [] and course.files()[FOUR] == "third"  # the second was known as given out


def test_begun_again_often_in_one_second_nothing_collides(course, fresh, monkeypatch):
    class Clock:
        def now():
            return own_copies_datetime(2026, 1, 2, 3, 4, 5)

    own_copies_datetime = own_copies.datetime
    monkeypatch.setattr(own_copies, "datetime", Clock)
    course.start()
    for work in ("one", "two", "three"):
        (course.mine / FOUR).write_text(work)
        fresh()
    names = [f"04-before-2026-01-02-03.04.05{end}.ipynb" for end in ("", "-2", "-3")]
    assert [course.files()[name] for name in names] == ["one", "two", "three"]
    assert len(course.files()) == 4 + 3


@pytest.mark.parametrize("there", ["untouched", "nothing"])
def test_where_there_is_no_work_none_is_kept(course, fresh, said, there):
    course.start()
    course.update(FOUR, "second")
    if there == "nothing":
        (course.mine / FOUR).unlink()
    said()
    fresh()
    assert len(said()) == 1 and course.files()[FOUR] == "second" and len(course.files()) == 4


def test_before_any_start_a_lesson_can_be_begun(course, fresh):
    fresh()
    assert course.files() == {FOUR: f"{FOUR}, version 1"}


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_if_it_fails_the_old_lesson_stays_in_its_place(course, fresh, monkeypatch, step):
    course.start()
    (course.mine / FOUR).write_text("mine")
    before = course.files()

    def fail(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr({"fsync": os, "replace": Path}[step], step, fail)
    with pytest.raises(SystemExit, match=r"^Nothing is lost, but the lesson stays: Permission denied"):
        fresh()
    assert course.files() == before


@pytest.mark.parametrize(("names", "sentence"), [([], "Say which lesson"), (["99"], "There is no lesson '99'")])
def test_a_lesson_that_is_missing_or_unknown(names, sentence):
    with pytest.raises(SystemExit, match=sentence):
        own_copies.main(names)
