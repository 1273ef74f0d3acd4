"""The course in another language: its catalogues are whole, and what is not translated shows as such."""

import ast
import copy
import io
import json
import re
from pathlib import Path

import nbformat
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import __main__ as commands
from tools import edition, own_copies
from tools.edition import CODE, Passage
from tools.exercises import exercises_of
from tools.lessons import LESSONS, ROOT

NAMES = edition.NAMES
ITALIAN = {path.stem: edition.lesson(path, "it") for path in LESSONS.values()}


@pytest.mark.parametrize("name", NAMES)
def test_every_passage_is_translated_and_keeps_what_must_stay(name):
    catalogue = edition.read(edition.catalogue_path(name, "it"), "it")
    messages = {Passage(one.context or "", one.id): one for one in catalogue}
    for passage in edition.passages_of(name):
        message = messages[passage]
        assert message.string and not message.fuzzy, passage
        assert not edition.differences(*passage, message.string), passage
    assert len(messages) - 1 == len(edition.passages_of(name)), "a passage that is not there any more"  # 1: the header


@pytest.mark.parametrize("name", NAMES)
def test_catalogues_are_as_the_tool_writes_them(name, tmp_path, monkeypatch):
    before = edition.catalogue_path(name, "it").read_bytes()
    monkeypatch.setattr(edition, "FOLDER", tmp_path)
    edition.catalogue_path(name, "it").parent.mkdir()
    edition.catalogue_path(name, "it").write_bytes(before)
    edition.update(name, "it")
    assert edition.catalogue_path(name, "it").read_bytes() == before


@pytest.mark.parametrize("name", ITALIAN)
def test_a_headline_fits_in_one_line_of_a_slide(name):
    slides = [cell.metadata["slide"] for cell in ITALIAN[name].cells if "headline" in cell.metadata.get("slide", {})]
    assert slides and not [slide.headline for slide in slides if len(slide.headline) > 48]  # as long as the English


@pytest.mark.parametrize(
    ("context", "english", "italian", "said"),
    [
        ("a", "Call `fit`.", "Chiama `addestra`.", "code"),
        ("a", "At $\\beta = 0.5$.", "Con $\\beta = 0{,}6$.", "formulas"),
        ("a", "See [05](05_beta.ipynb).", "Vedi [05](06_beta.ipynb).", "links"),
        ("a", "![a face](images/a.webp)", "un volto", "links"),
        ("a", "<details>a</details>", "<details>a", "tags"),
        ("a", "0.5 of 3072", "0,6 di 3072", "numbers"),
        (CODE, "about {x:.2f} nats", "circa {x:.1f} nat", "values"),
        (CODE, "about {x:.2f} nats", "circa x nat", "values"),
    ],
)
def test_what_a_translation_must_leave_alone_is_seen(context, english, italian, said):
    [difference] = edition.differences(context, english, italian)
    assert difference.startswith(said)


@pytest.mark.parametrize(
    ("english", "italian"),
    [
        ("A loss of 0.5, at $\\beta = 0.5$, `here`.", "`here`, con $\\beta = 0{,}5$, una perdita di 0,5."),
        ("$\\underbrace{x}_{\\text{the prior}}$", "$\\underbrace{x}_{\\text{la prior}}$"),
        ("[Lesson 5](05_beta.ipynb#loss)", "[Lezione 5](05_beta.ipynb#perdita)"),
    ],
)
def test_words_order_and_the_decimal_comma_are_free(english, italian):
    assert edition.differences("a", english, italian) == []


# What a reader sees


CELLS = new_notebook(
    cells=[
        new_markdown_cell("The **loss** is 0.5.", id="text", metadata={"slide": {"headline": "The loss"}}),
        new_code_cell(
            '"""Not this."""\nx = 1\nprint(f"a loss of {x:.1f}", "in " "nats")\nrun("bce", title="loss")', id="code"
        ),
        new_code_cell('assert "a loss" in said', id="claim", metadata={"tags": ["assertion"]}),
    ]
)
ENGLISH = [
    Passage("text headline", "The loss"),
    Passage("text", "The **loss** is 0.5."),
    Passage(CODE, "a loss of {x:.1f}"),
    Passage(CODE, "in nats"),
    Passage(CODE, "loss"),
]


def notebook():
    return nbformat.from_dict(json.loads(json.dumps(CELLS)))


@pytest.fixture
def translated(tmp_path, monkeypatch):
    """A function that gives the notebook in Italian, with these translations."""

    def translate(notebook, catalogue):
        monkeypatch.setattr(edition, "read", lambda *_: catalogue)
        return edition.translated(notebook, "a lesson", "it")

    return translate


def catalogue(**changes):
    italian = ["La perdita", "La **perdita** è 0,5.", "una perdita di {x:.1f}", "in nat", "perdita"]
    whole = Catalog("it", fuzzy=False)
    for passage, string in zip(ENGLISH, italian, strict=True):
        whole.add(passage.text, string, context=passage.context)
    return whole


def test_what_a_reader_sees_is_found():
    assert list(edition.passages(notebook())) == ENGLISH


def test_text_slides_and_strings_are_translated_and_nothing_else(translated):
    text, code, claim = translated(notebook(), catalogue()).cells
    assert text.source == "La **perdita** è 0,5." and text.metadata.slide.headline == "La perdita"
    assert code.source == (
        'from vaelib import language\n\nlanguage.use("it")\n\n'
        '"""Not this."""\nx = 1\nprint(f"una perdita di {x:.1f}", "in nat")\nrun("bce", title="perdita")'
    )
    assert claim.source == CELLS.cells[2].source


def test_a_changed_passage_is_fuzzy_named_and_shown_in_english(translated, capsys, tmp_path, monkeypatch):
    changed = notebook()
    changed.cells[0].source = "The **loss** is now 0.6."
    new = edition.merged(catalogue(), list(edition.passages(changed)))
    [fuzzy] = [message for message in new if message.fuzzy]
    assert (fuzzy.context, fuzzy.id) == ("text", "The **loss** is now 0.6.")
    assert fuzzy.string == "La **perdita** è 0,5."
    stored = read_po(io.BytesIO(edition.written(new)))
    again = copy.deepcopy(changed)
    again.cells[0].source = "The **loss** is now 0.7."
    for cells, of in ((changed, stored), (again, stored)):  # also when that is done twice, or it changes twice
        [fuzzy] = [message for message in edition.merged(of, list(edition.passages(cells))) if message.fuzzy]
        assert fuzzy.user_comments == ["was: 'The **loss** is 0.5.'"]
    text, code, _ = translated(changed, new).cells
    assert text.source == "> *In inglese: la traduzione non è ancora pronta.*\n\nThe **loss** is now 0.6."
    assert "una perdita di" in code.source


def test_the_count_names_what_is_left_to_do(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(edition, "FOLDER", tmp_path)
    monkeypatch.setattr(edition, "passages_of", lambda name: ENGLISH)
    edition.main(["a lesson"])
    assert "5 missing" in capsys.readouterr().out


def test_a_text_that_is_not_translated_is_marked_also_in_a_table(monkeypatch, tmp_path):
    text = tmp_path / "text.md"
    text.write_text("# Title\n\nSome words\nmore.\n\n| word | what |\n|---|---|\n| loss | a sum |\n\n```\ncode\n```\n")
    monkeypatch.setattr(edition, "TEXTS", {"text": text})
    monkeypatch.setattr(edition, "FOLDER", tmp_path)
    mark = "*(In inglese: la traduzione non è ancora pronta.)*"
    assert edition.translated_text("text", "it") == (
        f"# Title {mark}\n\nSome words\nmore. {mark}\n\n| word | what  {mark}|\n|---|---|\n"
        f"| loss | a sum  {mark}|\n\n```\ncode\n```\n"
    )


# The Italian edition


@pytest.mark.parametrize("name", ITALIAN)
def test_an_italian_lesson_is_a_program_with_the_same_names(name):
    english = nbformat.read(LESSONS[name[:2]], as_version=4)
    assert [cell.id for cell in ITALIAN[name].cells] == [cell.id for cell in english.cells]
    for one, other in zip(english.cells, ITALIAN[name].cells, strict=True):
        if one.cell_type == "code":
            assert names_in(one.source) == names_in(other.source.removeprefix(edition.SETTING.format(language="it")))
    assert nbformat.validate(ITALIAN[name]) is None


def names_in(code):
    tree = ast.parse(re.sub(r"^[%!]", "#", code, flags=re.MULTILINE))
    return sorted(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


@pytest.mark.parametrize("name", ITALIAN)
def test_its_exercises_are_found(name):
    english = exercises_of(name[:2], nbformat.read(LESSONS[name[:2]], as_version=4))
    italian = exercises_of(name[:2], ITALIAN[name])
    assert [(one.id, one.function, one.solution) for one in italian] == [
        (one.id, one.function, one.solution) for one in english
    ]


def test_the_italian_readme_is_as_the_catalogue_has_it_and_its_links_lead_somewhere():
    path = edition.FOLDER / "it" / "README.md"
    assert path.read_text(encoding="utf-8") == edition.readme("it")
    links = re.findall(r"\]\((?!\w+:|#)([^)#]+)", edition.readme("it"))
    assert len(links) > 10 and all((path.parent / link).exists() for link in links)
    assert "notebooks/locale/it/README.md" in (ROOT / "README.md").read_text(encoding="utf-8").split("\n\n")[0]


def test_a_student_gets_italian_copies_in_a_folder_of_their_own(tmp_path):
    copies = own_copies.Copies(own_copies.contents(ROOT / "notebooks", "it"), tmp_path)
    copies.refresh()
    for name in ("05_beta.ipynb", "glossary.md"):
        assert "distribuzione a priori" in (tmp_path / name).read_text(encoding="utf-8")
    before = (tmp_path / "05_beta.ipynb").read_bytes()
    assert own_copies.Copies(own_copies.contents(ROOT / "notebooks", "it"), tmp_path).refresh() == []
    assert (tmp_path / "05_beta.ipynb").read_bytes() == before
    assert own_copies.own_folder(tmp_path / "course", "it") == tmp_path / "course" / "my" / "it"


@pytest.mark.parametrize(("named", "language"), [("", None), ("en", None), ("it", "it")])
def test_the_edition_is_what_the_environment_says(monkeypatch, named, language):
    monkeypatch.setenv("EDITION", named)
    assert edition.chosen_edition() == language


def test_an_edition_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.setenv("EDITION", "fr")
    with pytest.raises(SystemExit, match=r"no edition 'fr': EDITION is en or it"):
        edition.chosen_edition()


def test_without_make_the_edition_is_a_word_too(monkeypatch):
    seen = {}
    monkeypatch.setenv("EDITION", "")
    monkeypatch.setattr(commands.runpy, "run_module", lambda *_, **__: seen.update(edition=edition.chosen_edition()))
    monkeypatch.setattr(commands.sys, "argv", ["tools"])
    commands.main(["present", "05", "EDITION=it"])
    assert seen == {"edition": "it"} and commands.sys.argv[1:] == ["05"]


# Nothing is left in English

SHARED = set((Path(__file__).with_name("shared_words.txt")).read_text(encoding="utf-8").partition("\n")[2].split())
NOT_PROSE = re.compile(r"\]\([^)]*\)|<[^>]*>|https?://\S+|\{[^}]*\}")
TITLE = re.compile(r"(?<!\*)\*(?!\*)[^*\n]+\*(?!\*)|“[^”\n]*”")  # of papers, and of buttons and menus
IN_BOTH_LANGUAGES = ("further_reading", "glossary")  # titles of papers, and the English words themselves


def words_of(text):
    return {word.lower() for word in re.findall(r"[^\W\d_]{2,}", text)}


READ = [name for name in NAMES if name not in IN_BOTH_LANGUAGES]


@pytest.fixture(scope="module")
def english_words():
    passages = (one for name in READ for one in edition.passages_of(name))
    return set().union(*(words_of(edition.without_formulas(one.text)) for one in passages))


def left_in_english(translation, english_words):
    prose = NOT_PROSE.sub(" ", TITLE.sub(" ", edition.without_formulas(translation)))
    return (words_of(prose) & english_words) - SHARED


@pytest.mark.parametrize("name", READ)
def test_no_english_word_is_left(name, english_words):
    for passage, translation in edition.translations(name, "it").items():
        assert not left_in_english(translation, english_words), passage


def test_an_english_word_is_seen(english_words):
    assert left_in_english("Il VAE draws un volto da $p(z)$", english_words) == {"draws"}
    assert left_in_english("Il VAE e l’encoder, `draw`, con β = 1", english_words) <= {"encoder"}


def test_a_new_version_of_an_italian_lesson_is_fetched_in_italian(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(own_copies, "own_folder", lambda *_: tmp_path)
    own_copies.lay_out(ROOT, "it")
    (tmp_path / "05_beta.ipynb").write_text("mine")
    with monkeypatch.context() as changed:
        changed.setattr(own_copies, "contents", lambda *_: {"05_beta.ipynb": b"a new version"})
        own_copies.lay_out(ROOT, "it")
    assert "LESSON=05 EDITION=it" in capsys.readouterr().out
