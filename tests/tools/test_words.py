"""That every word of vaelib is marked, translated, and whole in every language."""

import ast
import json
import re
import shutil
import string
from collections import Counter

import pytest
from babel.messages.jslexer import tokenize
from babel.messages.pofile import read_po

from tools import words
from tools.edition import LANGUAGES
from tools.lessons import ROOT
from vaelib import explorers, language, recording
from vaelib.explorers import defaults

PROGRAMS = sorted((ROOT / "vaelib").rglob("*.py"))
SCRIPTS = sorted((ROOT / "vaelib" / "explorers").rglob("*.js"))
WORD = re.compile(r"[^\W\d_]{3,}")
SENTENCE = re.compile(r"[^\W\d_]{2,}\S*(?: +\W*)? +\S*[^\W\d_]{2,}")


def catalogue(name):
    with words.po_path(name).open("rb") as file:
        return read_po(file, name)


def translated(name):
    return [one for one in catalogue(name) if one.id]


# What is there is translated


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_catalogue_is_up_to_the_code_and_complete(name):
    assert words.po_path(name).read_bytes() == words.written(words.updated(name)), "run `python -m tools.words`"
    assert not [one.id for one in translated(name) if not one.string or one.fuzzy]
    assert len(translated(name)) == len(words.messages()) > 500


@pytest.mark.parametrize("name", LANGUAGES)
def test_what_is_compiled_is_what_is_written(name):
    assert words.po_path(name).with_suffix(".mo").read_bytes() == words.compiled(words.updated(name))


def test_every_language_of_the_course_is_one_of_vaelib():
    assert set(language.LANGUAGES) == {"en", *LANGUAGES}


def values(text):
    return Counter((name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name is not None)


def differences(english, other):
    """What a translation has changed that must stay."""
    found = []
    if values(english) != values(other):
        found.append("values")
    if [len(part) - len(part.strip()) for part in (english, other)].count(0) == 1:
        found.append("blanks at the ends")
    if ("\n" in english) != ("\n" in other):  # longer words may take one line more
        found.append("lines")
    for kind in (r"`[^`]*`", r"\$[^$]*\$", r"</?\w+>", r"\w+\.\w+\(\w*", r"\b\w+_\w+\b"):
        if sorted(re.findall(kind, english)) != sorted(re.findall(kind, other)):
            found.append(kind)
    if re.search("[\"']", other):
        found.append("straight quotes")
    return found


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_translation_keeps_values_code_and_formulas(name):
    wrong = {one.id: found for one in translated(name) if (found := differences(one.id, one.string))}
    assert not wrong
    assert differences("at β = {beta:g}", "con β = {beta}") and differences("`a` b", "`b` b")


@pytest.mark.parametrize("name", LANGUAGES)
def test_no_two_mistakes_are_said_alike(name):
    """A check knows the mistakes by what it says of them."""
    of_checks = [one for one in translated(name) if any("checks" in path for path, _ in one.locations)]
    assert len({one.string for one in of_checks}) == len(of_checks) > 400


# Nothing is left unmarked

SHOWN = {"print", "set_title", "set_xlabel", "set_ylabel", "text", "annotate", "suptitle", "supxlabel"}
NAMED = {"label", "title", "xlabel", "ylabel", "alt", "desc", "description", "unit"}
ERRORS = {"require.py", "digits.py", "make_subset.py"}  # whose texts all belong to errors
TECHNICAL = {  # what looks like a sentence, and no reader sees it, or not in this place
    *("offset points", "axes fraction", "center left", "upper center", "outside lower center", "log "),
    *(
        "max-width: 100%; background: white",
        "height: px; max-width: 100%",
        '<img alt="" src="data:image/webp;base64," style="">',
    ),
    *("\nexport default ", "\nexport const byDefault = ", "export default $.byDefault;\n"),
    *("$\\varepsilon \\sim N(0, 1)$", "training-run", "each epoch", "standard normal", "matched normal"),
    *(name for names in words.NAMES.values() for name in names),
    *(defaults.ONLY_DENSE, "; take .at(beta) of it"),  # of errors
    recording._FROM,  # a file's
    "building the font cache",  # what Matplotlib says, and a reader is not to see
}


def unmarked(source):
    """The strings of a program that look as if a reader saw them, and are not marked."""
    tree = ast.parse(source)
    passed, shown = set(), set()
    for node in ast.walk(tree):
        match node:
            case ast.Raise() if "NotYet" not in ast.dump(node):
                passed |= everything_in(node)
            case ast.Expr(value=ast.Constant()) | ast.Call(func=ast.Name(id="_" | "later")):
                passed |= everything_in(node)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="require" | "re" | "warnings"))):
                passed |= everything_in(node)
            case ast.Call(func=ast.Attribute(attr="add_note")):  # of an error, as what is raised
                passed |= everything_in(node)
            case ast.Call(func=func) if getattr(func, "attr", getattr(func, "id", "")) in SHOWN:
                shown |= set(map(id, node.args))
            case ast.keyword(arg=name) if name in NAMED:
                shown.add(id(node.value))
            case ast.JoinedStr():
                passed |= {id(inner) for inner in node.values if isinstance(inner, ast.Constant)}
    texts = {node: text_of(node) for node in ast.walk(tree) if id(node) not in passed}
    strings = {node: re.sub(r"\$[^$]*\$", "", text) for node, text in texts.items()}  # without formulas
    return [
        text for node, text in strings.items() if SENTENCE.search(text) or (id(node) in shown and WORD.search(text))
    ]


def everything_in(node):
    return {id(inner) for inner in ast.walk(node)}


def text_of(node):
    """What a string says, without its values; nothing for what is no string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value for part in node.values if isinstance(part, ast.Constant))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(ROOT / "vaelib")))
def test_what_a_reader_sees_is_marked(path):
    if path.name not in ERRORS:
        assert not set(unmarked(path.read_text(encoding="utf-8"))) - TECHNICAL


@pytest.mark.parametrize(
    "line",
    [
        'print("words")',
        'axes.set_title("title")',
        'axes.set(xlabel="epoch")',
        'axes.set_title("code $h$: numbers" if one else other)',
        'show(f"of {n} images")',
        'raise NotYet("take the mean")',
        'mistakes = {"you summed over it": 1}',
    ],
)
def test_what_is_not_marked_is_found(line):
    assert unmarked(line) and not unmarked(re.sub(r'f?("[^"]*")', r"_(\1)", line))


def test_what_is_looked_up_is_a_text_or_a_name():
    """`_(f"…")` and `_("…" + …)` can't be extracted."""
    for path in PROGRAMS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "later"):
                assert isinstance(node.args[0], (ast.Constant, ast.Name, ast.Subscript)), f"{path}:{node.lineno}"


def test_no_function_gives_the_mark_another_meaning():
    """`_, columns = shape` in a function makes `_("…")` there an error."""
    for path in PROGRAMS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                assert len({type(name.ctx) for name in names_of_the_mark(node)}) < 2, f"{path}:{node.lineno}"


def names_of_the_mark(function):
    """Every `_` in a function, but for those of comprehensions, which have names of their own."""
    own = [node for node in ast.walk(function) if isinstance(node, (ast.GeneratorExp, ast.ListComp))]
    passed = {id(inner) for node in own for part in node.generators for inner in ast.walk(part.target)}
    return [
        node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == "_" and id(node) not in passed
    ]


BEFORE_A_CAPTION = re.compile(
    r"""( (label|xLabel|yLabel)| "aria-label") :$| (button|figure|panel|line|arrow) \($| } ,$"""
)
OF_STYLE = re.compile(r" ?vl-[\w -]*|[ \w-]*(translate|rotate|rgb)\(.*|\(prefers-.*\)|--.*")


def unmarked_in_javascript(source):
    """The same of a script: strings with two words, and single ones where a caption stands."""
    found, before = [], ""
    for token in tokenize(source, jsx=False):
        if token.type in ("string", "template_string"):
            text = re.sub(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", "", token.value[1:-1])
            likely = SENTENCE.search(text) or (BEFORE_A_CAPTION.search(before) and WORD.search(text))
            if likely and not OF_STYLE.fullmatch(text) and not re.search(r" (say|Error) \($", before):
                found.append(text)
        before = f"{before} {token.value}"[-40:]
    return found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_what_an_explorer_says_is_marked(path):
    for_developers = {"a trait", "the state", "the explorer"}  # in errors
    assert not set(unmarked_in_javascript(path.read_text(encoding="utf-8"))) - for_developers


@pytest.mark.parametrize(
    "line",
    [
        'button("play", f)',
        'choice({ label: "epoch", value })',
        'html("p", {}, "word")',
        "alt(`the ${k} images`)",
        'panel("latent", e)',
    ],
)
def test_what_is_not_marked_in_a_script_is_found(line):
    assert unmarked_in_javascript(line)
    assert not unmarked_in_javascript(re.sub(r"""("(?!p")[^"]*"|`[^`]*`)""", r'say("")', line))


def test_what_python_sends_is_what_is_extracted():
    said = {text for text, path in words.said() if path.endswith(".js")}
    sent = {
        json.loads(text)
        for kind in explorers.Explorer.__subclasses__()
        for text in language._IN_JAVASCRIPT.findall(kind._esm)
    }
    assert sent == said and len(said) > 100


# What changes


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the package, whose words are read there."""
    shutil.copytree(ROOT / "vaelib", tmp_path / "vaelib", ignore=shutil.ignore_patterns("__pycache__", "data"))
    monkeypatch.setattr(words, "ROOT", tmp_path)
    monkeypatch.setattr(words, "PACKAGE", tmp_path / "vaelib")
    return tmp_path / "vaelib"


def test_a_text_that_has_changed_is_fuzzy_and_what_is_gone_goes(copy, capsys):
    path = copy / "figures" / "landscapes.py"
    path.write_text(path.read_text(encoding="utf-8").replace("σ (logarithmic)", "σ, logarithmic"), encoding="utf-8")
    path = copy / "explorers" / "explore_beta.js"
    path.write_text(path.read_text(encoding="utf-8").replace('say("new")', '""'), encoding="utf-8")
    words.main(["it"])
    assert re.search(r" 0 missing, +1 fuzzy", capsys.readouterr().out)
    found = {one.id: one for one in translated("it")}
    assert found["σ, logarithmic"].fuzzy and found["σ, logarithmic"].user_comments == ["was: 'σ (logarithmic)'"]
    assert "σ (logarithmic)" not in found and "new" not in found
    mo = words.po_path("it").with_suffix(".mo").read_bytes()
    assert b"logaritmica" not in mo and b"epoca" in mo
    once = words.po_path("it").read_bytes()
    words.main(["it"])
    assert words.po_path("it").read_bytes() == once


def test_no_date_stands_in_it():
    header = words.written(words.updated("it"))[:400].decode()
    assert "Date" not in header and "charset=utf-8" in header
