"""Texts, numbers and times of a document that is not trusted, as HTML: bounded, and escaped unless made here."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from string import Template
from typing import Any

LONGEST = 1000
MOST = 200
"""Characters of one text, and entries of one list, that are shown."""


ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def escape(words: str) -> str:
    """As `html.escape`, whose module brings a table of half a MiB."""
    return words.translate(ESCAPED)


class Html(str):
    """A text that is HTML already."""


def fill(part: Template, **values: object) -> Html:
    """A part with its places filled; what is no HTML is escaped."""
    return Html(part.substitute({name: escaped(value) for name, value in values.items()}))


def escaped(value: object) -> str:
    return str(value) if isinstance(value, Html) else escape(str(value))


def text(value: object) -> str:
    """A text of a document, bounded; anything else than texts and numbers is none."""
    return str(value)[:LONGEST] if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def number(value: object) -> float | None:
    """A number of a document that can be drawn."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
    return float(value) if good else None  # type: ignore[arg-type]


def listed(value: object) -> list[Any]:
    """A list of a document, bounded."""
    return value[:MOST] if isinstance(value, list) else []


def plain_word(text: str) -> str:
    return re.sub(r"[^a-z0-9-]", "-", text.lower())[:50]


def mebibytes(size: float) -> str:
    return f"{size / 2**20:.1f} MiB"


def plain_number(value: float) -> str:
    return f"{value:g}"


def clock(time: str, now: str) -> str:
    """A time of the day in UTC, with the day when that is another, and how long ago; empty for none."""
    at, base = _moment(time), _moment(now)
    if at is None:
        return ""
    words = at.strftime("%H:%M:%S" if at.second else "%H:%M")
    if base is not None and at.date() != base.date():
        words = f"{at:%Y-%m-%d} {words}"
    seconds = (base - at).total_seconds() if base is not None else 0.0
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length * (2 if unit == "days" else 1):
            return f"{words}, {seconds // length:.0f} {unit} ago"
    return words


def _moment(time: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(time.replace("Z", "+00:00"))
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def prose(markdown: str) -> Html:
    """The runbook's few kinds of text: paragraphs, blocks of commands, and `code`; links are their words."""
    made = []
    for n, part in enumerate(re.split(r"^```\w*\n(.*?)^```$", markdown, flags=re.MULTILINE | re.DOTALL)):
        if n % 2:
            made.append(f"<pre><code>{escape(part.strip())}</code></pre>\n")
            continue
        for paragraph in filter(str.strip, part.split("\n\n")):
            words = escape(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", paragraph.strip()))
            words = re.sub("`([^`]*)`", r"<code>\1</code>", words)
            made.append(f"<p>{words}</p>\n")
    return Html("".join(made))
