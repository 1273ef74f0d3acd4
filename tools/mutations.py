"""Mutations drawn at random, one at a time in a copy of the course: do the tests notice? `make mutations`.

`make faults` plants what somebody thought of; here chance does. Of all places in vaelib where a token or two can be
made wrong (an operator, a comparison, a number, a condition, what is returned, two arguments) a fixed seed draws 300 in
Python and 300 in JavaScript. tools/mutations.toml says which tests are about which module, what is no target, and which
mutations nobody could notice, each with its reason. What was caught is remembered in build/, so a run that was stopped
goes on, and the next one repeats only what survived or has changed. `python -m tools.mutations javascript 100` tries
the first 100 of one language.

Stryker knows no Python; mutmut and cosmic-ray know no JavaScript, take one command for the tests of all modules, and
start Python and PyTorch anew for each mutation. Here a process that has imported PyTorch forks for each, and
tree-sitter finds the places in both languages.
"""

import gc
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import tree_sitter_javascript
import tree_sitter_python
from tree_sitter import Language, Node, Parser

from tools.faults import copy_of_the_course
from tools.lessons import ROOT

SEED, DRAWN = 14, 300
LIMIT = 200  # seconds for the tests of a module
KNOWN = tomllib.loads((ROOT / "tools" / "mutations.toml").read_text(encoding="utf-8"))
GRAMMAR, EXCHANGED = KNOWN["grammar"], KNOWN["exchanged"]
PARSERS = {
    ".py": Parser(Language(tree_sitter_python.language())),
    ".js": Parser(Language(tree_sitter_javascript.language())),
}
LANGUAGES = {"python": ".py", "javascript": ".js"}


class Mutation(NamedTuple):
    path: str  # of the file, from the root of the course
    definition: str  # in which it is
    right: str
    wrong: str
    which: int  # of those in this definition that would be called the same
    start: int  # in bytes
    end: int
    line: str

    @property
    def name(self) -> str:
        """Stays the same when lines before it come or go."""
        said = " → ".join(" ".join(text.split()) for text in (self.right, self.wrong))
        return f"{self.path} {self.definition}: {said}" + (f" ({self.which})" if self.which > 1 else "")

    def planted(self, text: bytes) -> bytes:
        return text[: self.start] + self.wrong.encode() + text[self.end :]


# What can be made wrong


def mutations(path: str, text: bytes) -> Iterator[Mutation]:
    """All that this file has room for."""
    seen, lines = Counter(), text.decode().splitlines()
    for node, definition in targets(PARSERS[Path(path).suffix].parse(text).root_node, "top"):
        if "/checks/" in path and definition in KNOWN["tries"]:
            continue
        for start, end, wrong in changes(node, path):
            right = text[start:end].decode()
            seen[definition, right, wrong] += 1
            line = lines[node.start_point.row].strip()
            yield Mutation(path, definition, right, wrong, seen[definition, right, wrong], start, end, line)


def targets(node: Node, definition: str) -> Iterator[tuple[Node, str]]:
    """(node, the definition it is in), in the order of the text, without what is no target."""
    if node.type in GRAMMAR["no_target"] or (node.type == "if_statement" and "__name__" in written(node.children[1])):
        return
    if node.type in GRAMMAR["definitions"] and (name := node.child_by_field_name("name")).type.endswith("identifier"):
        definition = written(name) if definition == "top" else f"{definition}.{written(name)}"
    yield node, definition
    for child in node.children:
        yield from targets(child, definition)


def changes(node: Node, path: str) -> Iterator[tuple[int, int, str]]:
    """(from, to, what to write there) for each way to make this node wrong."""
    python = path.endswith(".py")
    nothing = "None" if python else "undefined"

    def instead(part: Node, wrong: str):
        return part.start_byte, part.end_byte, wrong

    if node.type in GRAMMAR["with_operators"] and not {child.type for child in node.children} & {
        "string",
        "template_string",
    }:
        for operator in [*node.children_by_field_name("operator"), *node.children_by_field_name("operators")]:
            if operator.type in EXCHANGED and (python or operator.type != "in"):
                yield instead(operator, EXCHANGED[operator.type])
    elif node.type in GRAMMAR["signs"] and written(node)[0] in "-!n" and not is_size(node, path):
        yield instead(node, written(node).removeprefix("not ").lstrip("-!"))
    elif node.type in GRAMMAR["numbers"] and "e-" not in written(node) and not is_size(node, path):
        yield instead(node, another(written(node)))
    elif node.type in ("true", "false") and not is_size(node, path):
        other = "false" if node.type == "true" else "true"
        yield instead(node, other.title() if python else other)
    elif node.type == "return_statement" and node.named_children:
        yield instead(node.named_children[0], nothing)
    elif node.type == "arrow_function" and (body := node.child_by_field_name("body")).type != "statement_block":
        yield instead(body, nothing)
    elif node.type in ("arguments", "argument_list") and called(node.parent) not in KNOWN["symmetric"]:
        given = [one for one in node.named_children if one.type != "comment"][:2]
        plain = len(given) == 2 and not {one.type for one in given} & set(GRAMMAR["no_plain_argument"])
        if plain and written(given[0]) != written(given[1]):
            one, other = given
            between = node.text[one.end_byte - node.start_byte : other.start_byte - node.start_byte].decode()
            yield one.start_byte, other.end_byte, f"{written(other)}{between}{written(one)}"
    if (condition := condition_of(node)) and not becomes_its_contrary(condition):
        yield instead(condition, f"not ({written(condition)})" if python else f"(!({written(condition)}))")


def condition_of(node: Node) -> Node | None:
    if node.type == "conditional_expression":  # in Python: A if CONDITION else B
        return node.named_children[1]
    if node.type == "if_clause":  # of a comprehension
        return node.named_children[0]
    return None if node.type == "for_statement" else node.child_by_field_name("condition")


def becomes_its_contrary(condition: Node) -> bool:
    """Whether it is negated already where its operator is exchanged or dropped."""
    while condition.type == "parenthesized_expression":
        condition = condition.named_children[0]
    operator = condition.child_by_field_name("operator")
    exact = operator is not None and operator.type in ("===", "!==", "!")
    return exact or condition.type in ("not_operator", "comparison_operator")


def is_size(node: Node, path: str) -> bool:
    """Whether it says how large something is drawn, or what a check tries, where another would do as well."""
    while node := node.parent:
        if node.type in GRAMMAR["named_values"]:
            return written(node.named_children[0]) in KNOWN["sizes"]
        if node.type in ("call", "call_expression"):
            return called(node) in KNOWN["sizes"]
        if node.type == "for_statement" and "/checks/" in path:
            return node.child_by_field_name("right").type == "tuple"
        if node.type.endswith(("statement", "function", "definition")):
            return False
    return False


def another(number: str) -> str:
    return str(int(number) + 1) if number.isdigit() else "1.0" if float(number) == 0 else f"(2 * {number})"


def called(node: Node) -> str:
    return written(node.named_children[0]).split(".")[-1] if node.named_children else ""


def written(node: Node) -> str:
    return node.text.decode()


def drawn(suffix: str, count: int | None = DRAWN) -> list[Mutation]:
    """The first `count`, or all. Only the seed and their names decide the order: what changes elsewhere moves none."""
    paths = [path.relative_to(ROOT).as_posix() for path in (ROOT / "vaelib").rglob(f"*{suffix}")]
    found = [one for path in paths if "/data/" not in path for one in mutations(path, (ROOT / path).read_bytes())]
    return sorted(found, key=lambda one: hashlib.sha256(f"{SEED} {one.name}".encode()).digest())[:count]


# What they are tried on


def tests_of(path: str) -> tuple[str, ...]:
    """What pytest is to run for this file, the fastest first."""
    words = KNOWN["tests"][path.removeprefix("vaelib/")]
    return tuple(f"tests/{word}" if ".py" in word else word for word in words)


class Trial:
    """A copy of the course, in which one mutation after the other is tried."""

    def __init__(self, folder: Path):
        # The second stays as the course is now: somebody may work on it for as long as this takes.
        self.copy, self.sound_copy = (copy_of_the_course(folder / name) for name in ("course", "sound"))
        self.witness, self.said = folder / "witness", folder / "said"
        self.sound = set()  # the tests that were seen to pass without a mutation
        self.keen = {}  # for each file the tests that caught something there before: they come first
        os.environ |= {"TMPDIR": str(folder), "PYTHONPATH": str(self.copy), "OMP_NUM_THREADS": "1"}
        sys.dont_write_bytecode = True  # two mutations of one length in one second would pass for one
        os.nice(10)
        for name in KNOWN["imported_once"]:
            import_module(name)
        gc.freeze()  # so that no child looks for garbage in them

    def __call__(self, mutation: Mutation) -> str | None:
        """Which test failed, or None."""
        right, there = self.sound_copy / mutation.path, self.copy / mutation.path
        there.write_bytes(mutation.planted(right.read_bytes()))
        keen = self.keen.setdefault(mutation.path, [])
        try:
            caught = self.first_failure(tests_of(mutation.path), keen)
        finally:
            shutil.copy2(right, there)
        if caught and "::" in caught:
            if caught not in self.sound and self.first_failure((caught,)):
                sys.exit(f"{caught} fails without a mutation, too:\n{self.said.read_text(encoding='utf-8')}")
            self.sound.add(caught)
            keen[:] = [caught, *(one for one in keen if one != caught)][:6]
        return caught

    def first_failure(self, tests: tuple[str, ...], keen: list[str] = ()) -> str | None:
        self.witness.write_text("")
        child = os.fork()
        if child == 0:
            os._exit(self.in_child(tests, keen))
        for _ in range(20 * LIMIT):  # not by the clock, which goes on while somebody has stopped us both
            if (ended := os.waitpid(child, os.WNOHANG))[0]:
                break
            time.sleep(0.05)
        else:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "the time limit"
        return (self.witness.read_text(encoding="utf-8") or "before the first test") if ended[1] else None

    def in_child(self, tests: tuple[str, ...], keen: list[str]) -> int:
        try:
            os.setsid()
            said = os.open(self.said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(said, stream)
            os.chdir(self.copy)
            sys.path[0] = str(self.copy)
            for name in [name for name in sys.modules if name.split(".")[0] in ("tools", "vaelib")]:
                del sys.modules[name]  # they are those of the course, not of the copy
            return int(import_module("pytest").main([*KNOWN["options"], *tests], [Witness(self.witness, keen)]))
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            return 9


class Witness:
    """Puts the keen tests first, and writes down which one failed."""

    def __init__(self, file: Path, keen: list[str]):
        self.file, self.keen = file, keen

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: item.nodeid not in self.keen)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.file.write_text(report.nodeid, encoding="utf-8")


def main(words: list[str]) -> int:
    if not hasattr(os, "fork"):
        return "this needs a system on which a process can fork: Linux or macOS"
    count = next((int(word) for word in words if word.isdigit()), DRAWN)
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        languages = [word for word in words if word in LANGUAGES] or LANGUAGES
        wanted = {language: drawn(LANGUAGES[language], count) for language in languages}
        for language, mutants in wanted.items():
            table[language] = run(mutants, trial, ROOT / "build" / f"mutations{LANGUAGES[language]}.json")
    print(f"\n{'':12}drawn  caught  equivalent  survived  caught, of all")
    for language, (caught, equivalent, survived) in table.items():
        total = caught + equivalent + survived
        print(f"{language:12}{total:5}{caught:8}{equivalent:12}{survived:10}{caught / total:14.1%}")
    return int(any(survived for *_, survived in table.values()))


def run(wanted: list[Mutation], trial: Trial, results: Path) -> tuple[int, int, int]:
    """How many were caught, are equivalent, survived."""
    known = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    caught, equivalent = 0, 0
    for number, mutation in enumerate(wanted, 1):
        if mutation.name in KNOWN["equivalent"]:
            equivalent += 1
            continue
        if known.get(mutation.name, {}).get("line") != mutation.line:
            began = time.monotonic()
            by = trial(mutation)
            print(
                f"{number:4} {mutation.name}   {time.monotonic() - began:.0f} s\n       {by or 'SURVIVED'}", flush=True
            )
            if by is None:
                continue
            known[mutation.name] = {"line": mutation.line, "by": by}
            results.parent.mkdir(exist_ok=True)
            results.write_text(json.dumps(known, indent=1, ensure_ascii=False), encoding="utf-8")
        caught += 1
    return caught, equivalent, len(wanted) - caught - equivalent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
