"""CHANGELOG.md as `changelogs/changelog.yaml`, in the form that tools for collections read (antsibull-changelog)."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

HEADING = re.compile(r"^## (\S+)(?: \((?:(\d{4}-\d\d-\d\d)|unreleased)\))?$")
ITEM = "* "


def releases(text: str) -> dict[str, Any]:
    """Each version of a CHANGELOG.md with its entries in their order, and its date unless it is unreleased.

    Raises ValueError for an entry that belongs to no version.
    """
    found: dict[str, Any] = {}
    for version, date, lines in _sections(text):
        found[version] = {"changes": {"minor_changes": list(_entries(lines))}} | (
            {"release_date": date} if date else {}
        )
    return found


def document(text: str) -> str:
    """The whole changelog.yaml."""
    return "---\n" + yaml.safe_dump(
        {"ancestor": None, "releases": releases(text)}, allow_unicode=True, sort_keys=False, width=120
    )


def _sections(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Version, date and lines of each section."""
    version, date, lines = "", "", list[str]()
    for line in text.splitlines():
        if heading := HEADING.match(line):
            if version:
                yield version, date, lines
            version, date, lines = heading[1], heading[2] or "", []
        elif line.startswith(ITEM) and not version:
            raise ValueError(f"CHANGELOG.md: an entry before the first version: {line}")
        else:
            lines.append(line)
    if version:
        yield version, date, lines


def _entries(lines: list[str]) -> Iterator[str]:
    """Each entry as one text; what follows an entry without being one, such as a table, belongs to it."""
    entry: list[str] = []
    for line in lines:
        if line.startswith(ITEM):
            if entry:
                yield _joined(entry)
            entry = [line.removeprefix(ITEM)]
        elif entry:
            entry.append(line)
    if entry:
        yield _joined(entry)


def _joined(entry: list[str]) -> str:
    """The lines of an entry in one, but for those of a table."""
    words = " ".join(line.strip() for line in entry if line.strip() and not line.startswith("|"))
    table = [line for line in entry if line.startswith("|")]
    return "\n".join([words, *table])
