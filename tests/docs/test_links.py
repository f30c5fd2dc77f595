"""A link in a document leads somewhere: to a file or folder of the tree, and to a heading of it."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")
TRACKED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
DOCUMENTS = [name for name in TRACKED.split() if (ROOT / name).exists() and not (ROOT / name).is_symlink()]


def without_code(text: str) -> str:
    """The text without blocks and spans of code, which may hold what looks like a link."""
    return re.sub(r"`[^`\n]*`", "``", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(document: Path, text: str) -> list[str]:
    """The relative links of this text that lead nowhere."""
    found = []
    for target in LINK.findall(without_code(text)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = document.parent / path if path else document
        if not place.exists() or (anchor and anchor not in anchors(place.read_text() if path else text)):
            found.append(target)
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    assert broken(ROOT / name, (ROOT / name).read_text()) == []


def test_a_link_to_nowhere_is_found() -> None:
    text = "# A heading\n[a](test_links.py) [b](no.md) [c](#a-heading) [d](#other) [e](../docs) `[f](g)` [h](https://x)"
    assert broken(Path(__file__), text) == ["no.md", "#other"]


def test_no_document_names_what_is_not_in_the_project() -> None:
    """`../shared` and `/work` are places of whoever builds it, not of whoever has the repository."""
    listed = subprocess.run(
        ["git", "grep", "-lE", r"(/work/|\.\./)shared/|/work/(main|wt)"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    assert [name for name in listed if name != "tests/docs/test_links.py"] == []
