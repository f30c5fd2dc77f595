"""Each block of commands in the documents is run by a test, or commands.toml says why not; and names what there is."""

import re
import tomllib
from collections.abc import Iterator

import pytest

from scripts.blocks import blocks
from tests.helpers import ROOT

TABLE = tomllib.loads((ROOT / "tests/docs/commands.toml").read_text())
DOCUMENTS = ["README.md", *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))]
ALSO = [str(file.relative_to(ROOT)) for file in (ROOT / "roles").glob("*/README.md")]
PLAYBOOK = re.compile(r"ansible-playbook (?:-i \S+ )?(\S+\.yml)(.*)$", re.MULTILINE)
EXTRA = re.compile(r"-e (\w+)=")
TARGET = re.compile(r"^make ([a-z][\w-]*)", re.MULTILINE)
PARTS = {"inventory.yml", "person.yml", "report.yml"}
DECIDES = ["playbooks", "roles", "plugins"]
"""Where a variable of the command line is read."""


def judged(documents: list[str], table: dict[str, dict[str, str]]) -> list[str]:
    """The headings with blocks that the table knows nothing of, and what it knows that is not there."""
    there = {name: {one.heading for one in blocks(name)} for name in documents}
    everything = [*table["run"], *table["not_run"]]
    unknown = [
        f"{name}#{heading}: no test runs it"
        for name, headings in there.items()
        for heading in sorted(headings)
        if name not in everything and f"{name}#{heading}" not in everything
    ]
    return unknown + [
        f"{entry}: no such block"
        for entry in everything
        for name, _, heading in [entry.partition("#")]
        if name in documents and not (heading in there[name] if heading else there[name])
    ]


def test_every_block_is_run_or_has_a_reason() -> None:
    assert judged(DOCUMENTS, TABLE) == []


def test_a_block_that_no_test_runs_is_found() -> None:
    run = {"docs/producers.md": "…"}
    assert judged(["docs/producers.md"], {"run": {}, "not_run": run}) == []
    assert judged(["docs/producers.md"], {"run": {}, "not_run": {"docs/producers.md#The way in": "…"}}) == [
        "docs/producers.md#Try it before it runs on a host: no test runs it"
    ]
    assert judged(["docs/producers.md"], {"run": run, "not_run": {"docs/producers.md#No": "…"}}) == [
        "docs/producers.md#No: no such block"
    ]


@pytest.mark.parametrize("document", TABLE["run"])
def test_the_test_that_runs_a_document_names_it(document: str) -> None:
    assert document.partition("#")[0] in (ROOT / TABLE["run"][document]).read_text()


@pytest.mark.parametrize("entry", TABLE["not_run"])
def test_a_reason_names_places_that_there_are(entry: str) -> None:
    named = re.findall(r"[\w/]*(?:tests|molecule|docs)/[\w/.]+\w", TABLE["not_run"][entry])
    assert [name for name in named if not (ROOT / name).exists()] == []


def calls() -> Iterator[tuple[str, str, str]]:
    """Document, playbook and the rest of the line of each ansible-playbook that is typed."""
    for document in [*DOCUMENTS, *ALSO]:
        for block in blocks(document):
            for playbook, rest in PLAYBOOK.findall(block.text):
                yield document, playbook, rest


def test_a_playbook_that_is_typed_is_there_and_reads_what_it_is_given() -> None:
    known = "\n".join(
        file.read_text()
        for folder in DECIDES
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".yml", ".j2", ".py"}
    )
    found = list(calls())
    assert len(found) > 30
    assert [(document, playbook) for document, playbook, _ in found if not (ROOT / playbook).exists()] == []
    given = {(document, name) for document, _, rest in found for name in EXTRA.findall(rest)}
    assert [(document, name) for document, name in given if not re.search(rf"\b{name}\b", known)] == []


def test_the_operations_have_every_playbook() -> None:
    """But for those that are parts of others, which import them by their names."""
    page = (ROOT / "docs/operations.md").read_text()
    files = [file.name for file in (ROOT / "playbooks").glob("*.yml")]
    assert set(files) > PARTS
    assert [name for name in files if name not in PARTS and not re.search(rf"[`/ ]{name}`", page)] == []


def test_a_target_of_make_that_is_typed_is_there() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    typed = {(name, target) for name in DOCUMENTS for one in blocks(name) for target in TARGET.findall(one.text)}
    assert {("README.md", "demo"), ("README.md", "test")} <= typed
    assert [(name, target) for name, target in typed if target not in targets] == []
