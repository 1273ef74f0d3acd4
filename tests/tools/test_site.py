"""How pages are made of lessons: formulas, links, folded answers, widgets. What they do: test_site_in_browser.py."""

import base64
import copy
import re
import shutil

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from helpers import NAMES, NOTEBOOKS, OPTION, missing

from tools import edition as editions
from tools.lessons import ROOT
from tools.site import make as make_site
from tools.site import words
from vaelib.trained import trained

TEXTS = {path.stem: path.read_text("utf-8") for path in sorted(ROOT.glob("notebooks/*.md"))}
FORMULA = re.compile(r"\$\$.+?\$\$|\$.+?\$", re.DOTALL)


@pytest.fixture(scope="module")
def pages():
    """The pages of the lessons as they are stored, by their names."""
    installed()
    lessons = [make_site.page_of(name, copy.deepcopy(notebook)) for name, notebook in NOTEBOOKS.items()]
    texts = [make_site.page_of_text(name, text) for name, text in TEXTS.items()]
    return {page.name: page for page in [make_site.index(), *lessons, *texts]}


@pytest.fixture(scope="module")
def soups(pages):
    return {name: BeautifulSoup(page.body, "html.parser") for name, page in pages.items()}


def installed():
    if not shutil.which("npm"):
        missing("no npm: formulas are typeset with Node.js (Debian: apt install nodejs npm)")
    make_site.install()


# Formulas

PARTS = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}


def formulas(text):
    without_code = re.sub(r"```.*?```|`[^`\n]+`", "", text, flags=re.DOTALL)
    return FORMULA.findall(without_code)


@pytest.mark.parametrize("name", [*NAMES, *TEXTS])
def test_every_formula_is_typeset(name, soups):
    text = TEXTS.get(name) or "\n".join(c.source for c in NOTEBOOKS[name].cells if c.cell_type == "markdown")
    there = soups[name].find_all("mjx-container")
    assert len(there) == len(formulas(text))
    assert sum(one.has_attr("display") for one in there) == sum(one.startswith("$$") for one in formulas(text))
    for one in there:
        assert one.svg.find("path") or one.svg.find("use"), "a formula without a single glyph"
        assert not one.find("text"), f"MathJax has no glyph for {one.find('text').text}"
        assert not one.find("merror") and one.math, "no MathML for a screen reader"
        for part in one.find_all(PARTS.keys()):
            assert len(part.find_all(recursive=False)) == PARTS[part.name], part
    rest = copy.copy(soups[name])
    for part in rest.find_all(["pre", "code", "mjx-container"]):
        part.decompose()
    assert "$" not in rest.text and not re.search(r"\\[a-z]{2}", rest.text)


def test_there_are_formulas_inside_answers_and_lists(soups):
    """The places where they are easily lost."""
    for place in ("details", "li", "blockquote"):
        assert any(soup.select(f"{place} mjx-container") for soup in soups.values()), place


@pytest.mark.parametrize("wrong", [r"$\fracc12$", r"$$\frac{1}{$$", r"$\left( x$"])
def test_a_formula_that_can_not_be_typeset_is_named(wrong):
    installed()
    with pytest.raises(make_site.SiteError, match="in the formula " + re.escape(wrong.strip("$"))):
        make_site.page_of_text("text", f"# Title\n\n{wrong}")


# Text


@pytest.mark.parametrize("name", NAMES)
def test_answers_stay_folded(name, soups):
    """The text of a <details> is in it, not behind it."""
    soup = soups[name]
    text = "\n".join(cell.source for cell in NOTEBOOKS[name].cells)
    options = {f"{letter}. {says}": mark for letter, says, mark, _ in OPTION.findall(text)}
    folded = [one for one in soup.find_all("details") if re.match(r"[A-Z]\. ", one.summary.text)]
    assert len(folded) == len(OPTION.findall(text)) > 0
    for one in folded:
        assert one.summary.find_next_sibling("p").text.startswith(("✓", "✗"))
    assert options
    assert len(soup.select("details.instructors")) == 1
    assert "In half the time" in soup.select_one("details.instructors").text


def test_the_index_has_what_the_readme_says_of_each_lesson(soups):
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = [row for row in soups["index"].table.find_all("tr") if row.a]
    assert [row.a["href"] for row in rows] == [f"{name}.html" for name in NAMES]
    for row in rows:
        _, lesson, goal, minutes = (cell.text for cell in row.find_all("td"))
        assert f"[{lesson}]" in readme and f"| {goal} | {minutes} |" in readme
    assert soups["index"].img["src"].startswith("data:image/webp;base64,")


@pytest.mark.parametrize("name", ["index", *NAMES, *TEXTS])
def test_links_lead_to_pages(name, pages, soups):
    for link in soups[name].find_all("a", href=True):
        page = link["href"].removeprefix("it/").removesuffix(".html")
        assert re.match(r"https://|#", link["href"]) or page in pages, link["href"]


# Widgets


def widget_state(model_name, children=(), module="@jupyter-widgets/controls", **state):
    state = {"children": [f"IPY_MODEL_{child}" for child in children]} | state
    return {"model_name": model_name, "model_module": module, "state": state}


@pytest.fixture
def with_widgets():
    """A notebook with a progress bar, a slider and an explorer."""
    models = {
        "bar": widget_state("HBoxModel", ["text", "progress"]),
        "text": widget_state("HTMLModel"),
        "progress": widget_state("FloatProgressModel"),
        "live": widget_state("VBoxModel", ["slider"]),
        "slider": widget_state("FloatSliderModel"),
        "explorer": widget_state(
            "AnyModel", module="anywidget", _esm="export default { render() {} };\n", _css="", beta=2
        ),
    }
    models["explorer"]["state"]["arrays"] = {"x": {"shape": [2]}}
    models["explorer"]["buffers"] = [{"path": ["arrays", "x", "data"], "data": "AACAPwAAAEA="}]  # 1.0, 2.0
    cells = [nbformat.v4.new_markdown_cell("# Title")]
    for name in ("bar", "live", "explorer"):
        data = {make_site.VIEW: {"model_id": name}, "text/plain": "as text"}
        cells.append(nbformat.v4.new_code_cell(name, outputs=[nbformat.v4.new_output("display_data", data)]))
    return nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {make_site.STATE: {"state": models}}})


def test_what_becomes_of_widgets(with_widgets):
    installed()
    page = make_site.page_of("page", with_widgets)
    soup = BeautifulSoup(page.body, "html.parser")
    bar, live, explorer = soup.find_all(class_="code_cell")
    assert bar.find(class_="output_area") is None
    assert "need a running kernel" in live.find(class_="note").text
    assert explorer.find(class_="explorer")["data-explorer"] == "0"
    assert "as text" not in soup.text
    (state,) = page.explorers
    assert state["beta"] == 2 and state["arrays"]["x"]["data"] == np.float32([1, 2]).tobytes()


def test_an_array_that_two_explorers_have_is_on_the_page_once(with_widgets):
    (state,) = make_site.take_explorers(with_widgets)
    scripts, data = make_site.scripts_of([state, copy.deepcopy(state)])
    assert len(scripts) == 2 and 'id="array-0"' in data[1] and len(data) == 2
    assert data[0].count('"data": {"array": 0}') == 2
    zipped = base64.b64decode(re.search(">(.*)<", data[1])[1])
    assert zipped[4:8] == bytes(4), "no time of the day: the same site made again is the same"


def test_a_vae_at_one_beta_needs_only_factors_beside_its_network():
    """Bit for bit; and nothing else passes for such a table."""
    multirate = trained("faces").state_dict()["decoder.2.weight"].numpy()
    at_one = trained("faces").at(1.0).state_dict()["decoder.2.weight"].numpy()
    factors = make_site.factors_between(multirate, at_one)
    assert factors.dtype == np.float32 and factors.shape == (at_one.shape[1],)
    assert ((multirate * factors).view(np.int32) == at_one.view(np.int32)).all()
    other = at_one.copy()
    other[5, 7] = np.nextafter(other[5, 7], np.float32(np.inf))  # one bit
    assert make_site.factors_between(multirate, other) is None
    assert make_site.factors_between(multirate, at_one.T) is None
    assert make_site.factors_between(np.zeros_like(at_one), at_one) is None
    assert make_site.factors_between(multirate, trained("faces-uae").state_dict()["decoder.2.weight"].numpy()) is None


# The whole


@pytest.fixture
def made(monkeypatch, tmp_path):
    """A function that makes the site of one lesson as it is stored, in a folder."""
    installed()
    monkeypatch.setattr(make_site, "run", lambda path, edition: editions.lesson(path, edition.of_texts))
    return lambda: make_site.main(["03_the_posterior_by_hand"], tmp_path / "site")


def test_a_site_is_replaced_when_the_new_one_is_whole(made, monkeypatch, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "old.html").touch()

    def breaks(*_):
        raise make_site.SiteError("it broke")

    with monkeypatch.context() as planted:
        planted.setattr(make_site, "licences", breaks)
        with pytest.raises(make_site.SiteError):
            made()
    assert [path.name for path in tmp_path.rglob("*")] == ["site", "old.html"]
    made()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert not (tmp_path / "site" / "old.html").exists()
    page = tmp_path / "site" / "03_the_posterior_by_hand.html"
    before = page.read_bytes()
    made()
    assert page.read_bytes() == before, "the same lesson makes the same page"


def test_each_page_carries_the_licences(made, tmp_path):
    made()
    for path in (tmp_path / "site").rglob("*.html"):
        footer = BeautifulSoup(path.read_text("utf-8"), "html.parser").footer.text
        for part in ("MIT License", "CC BY 4.0", "LeCun", "Apache License", "Pygments", "Jupyter Development Team"):
            assert part in footer, (path.name, part)


def test_each_page_leads_to_its_twin_in_the_other_language(made, tmp_path):
    made()
    site = tmp_path / "site"
    for name in ("index", "03_the_posterior_by_hand", "glossary", "instructors_guide"):
        for path, twin, language, other in (
            (site / f"{name}.html", site / "it" / f"{name}.html", "en", "it"),
            (site / "it" / f"{name}.html", site / f"{name}.html", "it", "en"),
        ):
            soup = BeautifulSoup(path.read_text("utf-8"), "html.parser")
            assert soup.html["lang"] == language
            addresses = [it["href"] for it in soup.find_all(hreflang=other)]
            assert len(addresses) == 2 and all((path.parent / it).resolve() == twin for it in addresses)
            for link in soup.find_all("a", href=re.compile(r"^[^#:]+$")):
                if re.match(r"\d\d_", link["href"]) is None:  # the other lessons were not made
                    assert (path.parent / link["href"]).exists(), link


def test_a_page_says_itself_only_what_its_catalogue_has(made, tmp_path):
    made()
    page = (tmp_path / "site" / "it" / "03_the_posterior_by_hand.html").read_text("utf-8")
    frame = BeautifulSoup(page, "html.parser")
    frame.find(class_="cell").decompose()
    for text in words.said():
        assert f">{text}<" not in str(frame), text
    assert "In questa pagina" in page and "Vai al testo" in page


def test_what_is_missing_is_said_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(make_site.shutil, "which", lambda program: None)
    with pytest.raises(make_site.SiteError, match=r"^no node: .* apt install nodejs npm\)$"):
        make_site.main([], tmp_path / "site")


def test_a_lesson_that_is_not_there_is_named(tmp_path):
    installed()
    with pytest.raises(make_site.SiteError, match="no lesson 10_more"):
        make_site.main(["10_more"], tmp_path / "site")
