"""The course as pages that need no kernel, no network and no server: `make site`.

Each page is one file. The explorers on it are those of the lesson, run on a fresh kernel: with the state that they then
have they go on by themselves (tools/site/host.js: @jupyter-widgets/html-manager weighs 3.6 MB and compiles its schemas
with `new Function`, which a strict policy forbids). The formulas are typeset here. With names of lessons, only these
are made: `python -m tools.site 09_playground --to FOLDER`.
"""

import argparse
import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from html import escape
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import jinja2
import nbformat
import numpy as np
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES

from tools import edition as editions
from tools.lessons import ASSERTION, LESSONS, ROOT, executed, run_each
from tools.site import words

PARTS = Path(__file__).parent
STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
README = re.compile(r"(?:notebooks/locale/(\w+)/)?README\.md")  # of an edition


class SiteError(Exception):
    """The site can't be made; the message says why and what to do."""


# From a notebook to a page


class Edition(NamedTuple):
    """The language of some pages, and what they say themselves in it."""

    language: str
    say: Callable[[str], str]

    @property
    def of_texts(self) -> str | None:
        """The language, as tools.edition has it: None for English."""
        return None if self.language == ENGLISH.language else self.language

    def away(self, other: str) -> str:
        """From a page of this edition to the folder of another one."""
        up = "../" if self.of_texts else ""
        return up if other == ENGLISH.language else f"{up}{other}/"


ENGLISH = Edition("en", str)
NAMES = {"en": "English", "it": "Italiano"}  # of the languages, in themselves


def edition_in(language: str) -> Edition:
    if language == ENGLISH.language:
        return ENGLISH
    return Edition(language, editions.say_in(language))


class Page(NamedTuple):
    name: str
    title: str
    sections: list[tuple[str, str]]  # the id and the text of each
    body: str
    explorers: list[dict]


class Renderer(IPythonRenderer):
    """Leaves formulas to `typeset`."""

    def inline_math(self, body: str) -> str:
        return f'<span class="tex">{escape(body)}</span>'

    def block_math(self, body: str) -> str:
        return f'<span class="tex" data-display="">{escape(body)}</span>'


class Exporter(HTMLExporter):
    @jinja2.pass_context
    def markdown2html(self, context, source):
        renderer = Renderer(escape=False, exclude_anchor_links=True)
        return MarkdownWithMath(renderer=renderer).render(source)


def page_of(name: str, notebook, edition: Edition = ENGLISH) -> Page:
    notebook.cells = [cell for cell in notebook.cells if ASSERTION not in cell.metadata.get("tags", [])]
    explorers = take_explorers(notebook, edition)
    exporter = Exporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    soup = BeautifulSoup(exporter.from_notebook_node(notebook)[0], "html.parser")
    for link in soup.find_all("a", href=True):
        if readme := README.fullmatch(link["href"]):
            link["href"] = edition.away(readme[1] or ENGLISH.language) + "index.html"
        link["href"] = re.sub(r"^(?:\.\./|notebooks/)?(\w+)\.(?:ipynb|md)(#.*)?$", r"\1.html\2", link["href"])
        link["href"] = link["href"].replace("README.html", "index.html")
    for image in soup.find_all("img", src=re.compile(r"^images/\w+\.webp$")):
        image["src"] = f"data:image/webp;base64,{base64.b64encode((ROOT / image['src']).read_bytes()).decode()}"
    sections = []
    for heading in soup.find_all(["h2", "h3"]):
        heading["id"] = re.sub(r"\W+", "-", heading.text).strip("-").lower()
        if heading.name == "h2":
            sections.append((heading["id"], heading.text))
    for table in soup.find_all("table"):
        table.wrap(soup.new_tag("div", attrs={"class": "wide"}))
    for summary in soup.find_all("summary", string=edition.say(words.FOR_INSTRUCTORS)):
        summary.find_parent("details")["class"] = "instructors"
    if any(cell.cell_type == "code" for cell in notebook.cells):
        soup.find(class_="cell").append(BeautifulSoup(note(edition.say(words.IN_LESSON)), "html.parser"))
    typeset(soup)
    return Page(name, soup.h1.text, sections, str(soup), explorers)


def note(text: str) -> str:
    return f'<p class="note">{text}</p>'


def page_of_text(name: str, text: str, edition: Edition = ENGLISH) -> Page:
    return page_of(name, nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text, id="text")]), edition)


def index(edition: Edition = ENGLISH) -> Page:
    """The README's beginning and its list of lessons."""
    english = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ")
    at = next(k for k, section in enumerate(english) if section.startswith("Lessons\n"))
    sections = editions.text(ROOT / "README.md", edition.of_texts).split("\n## ")
    about = edition.say(words.ABOUT)
    return page_of_text("index", f"{sections[0]}\n\n## {sections[at]}\n\n{about}\n", edition)


def typeset(soup: BeautifulSoup) -> None:
    """Every formula of the page, by MathJax."""
    places = soup.find_all(class_="tex")
    formulas = [(place.text, place.has_attr("data-display")) for place in places]
    done = subprocess.run(
        ["node", PARTS / "typeset.js"], input=json.dumps(formulas), capture_output=True, text=True, encoding="utf-8"
    )
    if done.returncode:
        raise SiteError(f"MathJax: {done.stderr.strip()}")
    for place, html in zip(places, json.loads(done.stdout), strict=True):
        place.replace_with(BeautifulSoup(html, "html.parser"))


# Explorers


def take_explorers(notebook, edition: Edition = ENGLISH) -> list[dict]:
    """Put a place on the page where each widget was, and return the state of those that need no kernel."""
    models = notebook.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    explorers, script = [], note(edition.say(words.NEEDS_SCRIPT))
    for cell in notebook.cells:
        shown = []
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if view := data.get(VIEW):
                model = models[view["model_id"]]
                if model["model_module"] == "anywidget":
                    explorers.append(state_of(model))
                    place = f'<div class="explorer" data-explorer="{len(explorers) - 1}">{script}</div>'
                    data = {"text/html": place}
                elif is_progress(model, models):
                    continue  # it has come to its end
                else:
                    data = {"text/html": note(edition.say(words.NEEDS_KERNEL))}
                output = nbformat.v4.new_output("display_data", data)
            shown.append(output)
        if cell.cell_type == "code":
            cell.outputs = shown
    return explorers


def is_progress(model, models) -> bool:
    children = (reference.removeprefix("IPY_MODEL_") for reference in model["state"].get("children", []))
    return any(models[child]["model_name"] == "FloatProgressModel" for child in children)


def state_of(model) -> dict:
    """The traits of an anywidget, with bytes where they were sent as such."""
    traits = {name: value for name, value in model["state"].items() if not name.startswith("_") or name == "_esm"}
    for buffer in model.get("buffers", []):
        *path, last = buffer["path"]
        place = traits
        for name in path:
            place = place[name]
        place[last] = base64.b64decode(buffer["data"])
    return traits


class Arrays:
    """The numbers on a page, each array once, however many explorers have it."""

    def __init__(self):
        self.numbers = {}  # bytes → their number
        self.elements = []
        self.tables = []  # (number, values): those that another may be made of

    def add(self, content: bytes, shape: list[int] | None) -> int:
        if content not in self.numbers:
            self.numbers[content] = len(self.numbers)
            self.elements.append(self.element(self.numbers[content], content, shape))
        return self.numbers[content]

    def element(self, number: int, content: bytes, shape: list[int] | None) -> str:
        times = ""
        if shape and len(shape) == 2:
            values = np.frombuffer(content, dtype="<f4").reshape(shape)
            for other, table in self.tables:
                if (factors := factors_between(table, values)) is not None:
                    times, content = f' data-times="{other}"', factors.tobytes()
                    break
            else:
                self.tables.append((number, values))
        width = 1
        if shape:
            content, width = shortest(np.frombuffer(content, dtype="<f4"))
        planes = np.frombuffer(content, dtype=np.uint8).reshape(-1, width).T.tobytes()  # the like compress better
        text = base64.b64encode(gzip.compress(planes, mtime=0)).decode()
        return f'<script type="text/plain" id="array-{number}" data-width="{width}"{times}>{text}</script>'


def shortest(numbers: np.ndarray) -> tuple[bytes, int]:
    """The float32 numbers as bytes, and how many each takes: two if 16 bits hold them all exactly, as they do the
    weights that come with the course."""
    with np.errstate(over="ignore"):  # what is too large becomes inf, which is not equal
        halves = numbers.astype("<f2")
    return (halves.tobytes(), 2) if (halves == numbers).all() else (numbers.tobytes(), 4)


def factors_between(table: np.ndarray, values: np.ndarray) -> np.ndarray | None:
    """One factor for each column with which the `table` gives the `values` bit for bit, or None.

    So a VAE made of a MultiRateVAE at one β needs hardly any place beside it.
    """
    if table.shape != values.shape or not table.any(axis=0).all():
        return None
    ratios = np.ma.masked_array(values, table == 0, dtype=np.float64) / table
    factors = np.ma.median(ratios, axis=0).astype(np.float32).filled()
    for step in (np.nextafter(factors, -np.inf), factors, np.nextafter(factors, np.inf)):
        right = (table * step == values).all(axis=0)
        factors = np.where(right, step, factors)
    return factors if (table * factors == values).all() else None


def scripts_of(explorers: list[dict]) -> tuple[list[str], list[str]]:
    """The scripts of a page that are run, and those that only hold what it shows."""
    arrays, modules, states = Arrays(), {}, []
    for traits in explorers:
        traits = dict(traits)
        source = traits.pop("_esm")
        module = hashlib.sha256(source.encode()).hexdigest()[:8]
        # An inline module can't be imported: it leaves what it exports where host.js finds it.
        modules[module] = re.sub(
            r"^export default ", f'(globalThis.explorers ??= {{}})["{module}"] = ', source, count=1, flags=re.MULTILINE
        )
        states.append({"module": module, "traits": packed(traits, arrays)})
    state = json.dumps(states, ensure_ascii=False).replace("<", "\\u003c")
    data = [f'<script type="application/json" id="state">{state}</script>', *arrays.elements]
    return [*modules.values(), (PARTS / "host.js").read_text(encoding="utf-8")], data


def packed(value, arrays: Arrays, shape=None):
    """The same with {"array": number} in place of bytes."""
    if isinstance(value, bytes):
        return {"array": arrays.add(value, shape)}
    if isinstance(value, dict):
        return {name: packed(inner, arrays, value.get("shape")) for name, inner in value.items()}
    return value


# From pages to files


def write(page: Page, lessons: list[Page], folder: Path, edition: Edition, others: list[str]) -> None:
    scripts, data = scripts_of(page.explorers)
    at = next((k for k, lesson in enumerate(lessons) if lesson.name == page.name), None)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PARTS), trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    html = environment.get_template("page.html.j2").render(
        page=page,
        language=edition.language,
        say=edition.say,
        others=[(name, NAMES[name], f"{edition.away(name)}{page.name}.html") for name in others],
        course=edition.say(words.COURSE),
        css=css(),
        hashes=" ".join(f"'sha256-{digest(script)}'" for script in scripts),
        scripts=scripts,
        data=data,
        previous=lessons[at - 1] if at else None,
        next=lessons[at + 1] if at is not None and at + 1 < len(lessons) else None,
        licences=[(edition.say(part), text) for part, text in licences()],
    )
    (folder / f"{page.name}.html").write_text(html, encoding="utf-8", newline="\n")


def digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def css() -> str:
    explorers = (ROOT / "vaelib" / "explorers" / "browser" / "explorers.css").read_text(encoding="utf-8")
    return (PARTS / "page.css").read_text(encoding="utf-8") + code_colours() + explorers


def code_colours() -> str:
    """Pygments' colours for code, light and dark."""
    light, dark = get_style_by_name("default"), get_style_by_name("github-dark")
    rules = []
    for token, name in STANDARD_TYPES.items():
        one, other = light.style_for_token(token), dark.style_for_token(token)
        if name and (one["color"] or other["color"]):
            pair = ", ".join(f"#{style['color']}" if style["color"] else "CanvasText" for style in (one, other))
            rules.append(f".highlight .{name} {{ color: light-dark({pair}); }}")
    return "\n".join(rules) + "\n"


def licences() -> list[tuple[str, str]]:
    """What the pages consist of, and under which licence each part is."""
    mathjax = (PARTS / "node_modules" / "mathjax" / "LICENSE").read_text(encoding="utf-8")
    pygments = distribution("pygments").read_text("licenses/LICENSE")
    nbconvert = distribution("nbconvert").read_text("licenses/LICENSE")
    of_digits = (ROOT / "vaelib" / "data" / "digits" / "README.md").read_text(encoding="utf-8")
    digits = re.search(r"\*\*Copyright.*?(?=\n- )", of_digits, re.DOTALL)
    texts = [
        (ROOT / "LICENSE").read_text(encoding="utf-8"),
        "CC BY 4.0, by the authors of the course: https://creativecommons.org/licenses/by/4.0/",
        digits[0].replace("**", ""),
        mathjax,
        pygments,
        nbconvert,
    ]
    return list(zip(words.LICENSED, texts, strict=True))


# The whole


def run(path: Path, edition: Edition):
    return executed(path, editions.lesson(path, edition.of_texts))


def after_a_run(path: Path, runs: Path | None, edition: Edition):
    """The notebook of a lesson after a run: one that is in the folder `runs`, else a new one."""
    earlier = runs and runs / (edition.of_texts or "") / path.name
    return nbformat.read(earlier, as_version=4) if earlier and earlier.exists() else run(path, edition)


def install() -> None:
    """What package.json asks for, unless it is there."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise SiteError(f"no {program}: formulas are typeset with Node.js (Debian: apt install nodejs npm)")
    wanted = json.loads((PARTS / "package.json").read_text())["dependencies"]["mathjax"]
    there = PARTS / "node_modules" / "mathjax" / "package.json"
    if not there.exists() or json.loads(there.read_text())["version"] != wanted:
        command = [shutil.which("npm"), "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=PARTS, capture_output=True, text=True)
        if done.returncode:
            raise SiteError(f"npm could not install what tools/site/package.json asks for: {done.stderr.strip()}")


def build(notebooks: dict, folder: Path, edition: Edition = ENGLISH, others: Iterable[str] = ()) -> None:
    """Pages of these notebooks, which were run, and of the texts, into the `folder`; `others` are its twins."""
    lessons = [page_of(name, notebook, edition) for name, notebook in sorted(notebooks.items())]
    paths = sorted(ROOT.glob("notebooks/*.md"))
    texts = [page_of_text(path.stem, editions.text(path, edition.of_texts), edition) for path in paths]
    for page in [index(edition), *lessons, *texts]:
        write(page, lessons, folder, edition, list(others))


def main(lessons: list[str], site: Path, runs: Path | None = None, languages: Iterable[str] = tuple(NAMES)) -> None:
    """Run the lessons, all if none is named, and make the site; one that is there stays until the new one is whole.

    `runs` may hold lessons that were run before, with the state of their widgets. There and in the site the English
    ones stand in the folder itself, those of another of the `languages` in one of its own.
    """
    install()
    paths = list(LESSONS.values())
    if unknown := set(lessons) - {path.stem for path in paths}:
        raise SiteError(f"there is no lesson {', '.join(sorted(unknown))} in notebooks/")
    paths = [path for path in paths if not lessons or path.stem in lessons]
    os.environ["OMP_NUM_THREADS"] = "1"  # of each kernel: two run side by side
    os.environ.setdefault("VAELIB_KEPT", "off")  # what a page says of a training was done for it
    done = {
        edition: run_each(paths, lambda path, edition=edition: after_a_run(path, runs, edition), at_once=2)
        for edition in map(edition_in, languages)
    }
    with tempfile.TemporaryDirectory(dir=site.parent, prefix=".site-") as folder:
        made = Path(folder) / "site"
        for edition, notebooks in done.items():
            place = made / (edition.of_texts or "")
            place.mkdir(parents=True, exist_ok=True)
            named = dict(zip((path.stem for path in paths), notebooks, strict=True))
            build(named, place, edition, [other for other in languages if other != edition.language])
        if site.exists():
            site.rename(Path(folder) / "old")
        made.rename(site)


def command() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="*", help="such as 09_playground; all if none is named")
    parser.add_argument("--to", type=Path, default=ROOT / "site", help="the folder to make, in place of site/")
    parser.add_argument("--runs", type=Path, help="a folder with lessons that were run already, if any")
    parser.add_argument("--languages", nargs="+", choices=NAMES, default=list(NAMES), help="all if none is named")
    arguments = parser.parse_args()
    try:
        main(arguments.lessons, arguments.to.resolve(), arguments.runs, arguments.languages)
    except SiteError as error:
        sys.exit(f"make site: {error}")
