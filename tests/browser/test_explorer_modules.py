"""From a pair of files to an explorer: its modules keep apart, and its declaration is what Python has."""

import anywidget
import pytest
from playwright.sync_api import Error

from vaelib import explorers
from vaelib.explorers import base, compare_codes, explore_beta

KINDS = explorers.Explorer.__subclasses__()
SENT_ONCE = {"about", "arrays", "palette", "pictures", "words"}


def default_export(page, source):
    """What the module exports by default, in Python."""
    return page.evaluate(
        """
        async (source) => {
          const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
          return (await import(url)).default;
        }
        """,
        source,
    )


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A function that writes modules where explorers are looked for."""
    monkeypatch.setattr(base, "FOLDER", tmp_path)
    (tmp_path / "browser").mkdir()

    def write(**modules):
        for name, text in modules.items():
            (tmp_path / ("" if name == "main" else "browser") / f"{name}.js").write_text(text, encoding="utf-8")

    return write


def test_two_modules_may_give_one_name_to_two_things(folder, blank):
    folder(
        main='import { one } from "./browser/one.js";\nimport { other,\n  Third } from "./browser/other.js";\n\n'
        "const size = 5;\nexport default [one(), other, new Third().size, later()];\n\n"
        "function later() { return size; }\n",
        one='import { other } from "./other.js";\nconst size = 1;\nexport const one = () => [size, other];\n',
        other="const size = 2;\nexport const other = size;\nexport class Third { size = 3 }\n",
    )
    assert default_export(blank, base.bundle("main")) == [[1, 2], 2, 3, 5]


@pytest.mark.parametrize(
    "line",
    [
        'import * as all from "./browser/one.js";',
        'import one from "./browser/one.js";',
        'import "./browser/one.js";',
        "export let one = 1;",
        "export { one };",
        'export * from "./browser/one.js";',
    ],
)
def test_what_cannot_be_joined_is_refused(line, folder):
    folder(main=f"{line}\nexport default 1;\n", one="export const one = 1;\n")
    with pytest.raises(ValueError, match=r"^main.js can't be joined"):
        base.bundle("main")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_explorer_declares_the_traits_of_its_python_half(kind, blank):
    declared = default_export(blank, f"{kind._esm.replace('export default', 'const it =')}\nexport default it;")
    own = set(kind.class_traits(sync=True)) - set(anywidget.AnyWidget.class_traits(sync=True))
    assert set(declared["reads"]) == own & SENT_ONCE
    assert declared["writes"] == sorted(own - SENT_ONCE)


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ('writes: ["beta", "image"]', 'writes: ["beta"]', "image"),  # read, not declared
        ('writes: ["beta", "image"]', 'writes: ["beta", "image", "size"]', "size"),  # declared, not in Python
        ("arrays: readArrays, ", "", "arrays"),
        ("shape, shown,", "shape, shown, labels,", "labels"),  # of what Python says about it
    ],
)
def test_a_trait_that_is_not_declared_is_an_error(right, wrong, named, shown):
    widget = explore_beta()
    assert widget._esm.count(right) == 1
    widget._esm = widget._esm.replace(right, wrong)
    with pytest.raises(Error, match=f'"{named}"'):
        shown(widget)


def test_a_trait_that_is_not_declared_cannot_be_set(shown):
    widget = compare_codes()
    widget._esm = widget._esm.replace("set({ epsilon: ", "set({ epsilons: ")
    page = shown(widget)
    with page.expect_event("pageerror") as error:
        page.get_by_role("button", name="draw again").click()
    assert '"epsilons"' in str(error.value)
