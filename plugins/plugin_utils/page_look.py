"""The look of a host's page and of a fleet's: frames, their parts, a style sheet and a script, from `page_parts`."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

from .html_parts import Html, escape, escaped, fill, text

FOLDER = Path(__file__).parent / "page_parts"
BADGES = {
    **dict.fromkeys(("pass", "flows", "runs", "confirmed", "well"), "good"),
    **dict.fromkeys(("warn", "trouble", "going", "switched"), "warn"),
    **dict.fromkeys(("fail", "broken", "failed", "returned", "not reached"), "bad"),
}
"""How a state is shown; any other one is quiet."""


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


STYLE, SCRIPT = _read("page.css"), _read("page.js")
PARTS = {
    name: Template(text)
    for name, text in re.findall(r'<template id="(\w+)">\n?(.*?)</template>', _read("parts.html"), re.DOTALL)
}
FRAMES = {name: Template(_read(f"{name}.html")) for name in ("page", "fleet")}


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


ALONE = f"default-src 'none'; style-src {_hash(STYLE)}; base-uri 'none'; form-action 'none'"
POLICY = f"{ALONE}; script-src {_hash(SCRIPT)}; connect-src 'self'; frame-ancestors 'none'"
"""Content-Security-Policy of the page: its own style and script, and asking the same agent again."""


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells that are no HTML are escaped."""
    cells = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return fill(PARTS["table"], caption=caption, head=Html(cells), rows=Html(lines))


def badge(state: object) -> Html:
    """A state as a coloured word."""
    word = text(state) or "not known"
    return Html(fill(PARTS["badge"], state=BADGES.get(word, "idle"), word=word).strip())
