"""Whose data, and of what time: the selection that `forget` and `export` work on, and which lines it takes in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SECOND_US = 1_000_000
ARGUMENTS: dict[str, dict[str, Any]] = {
    "user": {"type": "str", "default": ""},
    "host": {"type": "str", "default": ""},
    "since": {"type": "int", "default": 0},
    "until": {"type": "int", "default": 0},
}
"""What the modules that take a selection are given; plugins/doc_fragments/selection.py tells what it means."""

_CONTROL = re.compile("[\x00-\x1f\x7f]")
_ESCAPED = re.compile(rb"\\([,= ])")


@dataclass(frozen=True)
class Selection:
    """A person, a host's tag, or both; times are µs since the epoch, from `since` to before `until`, 0 for no bound."""

    user: str = ""
    host: str = ""
    since: int = 0
    until: int = 0

    @property
    def whole(self) -> bool:
        """All times are meant."""
        return not self.since and not self.until

    def holds(self, ts: int | None) -> bool:
        """Whether a time is within; an unknown one is, so that what cannot be dated does not stay behind."""
        return ts is None or (self.since <= ts and (not self.until or ts < self.until))


@dataclass(frozen=True)
class Line:
    """What a line of line protocol says of its origin; `ts` is in µs, None when it has no time."""

    measurement: str
    tags: dict[str, str]
    ts: int | None


def tag_value(text: str) -> str:
    """A name as the extractors write it in a tag, which can hold neither control characters nor backslashes."""
    return _CONTROL.sub("_", text).replace("\\", "/")


def parse_line(line: bytes) -> Line | None:
    """The origin of a line, whose time counts in µs; None when it is not line protocol."""
    series = re.match(rb"(?:\\.|[^\\ ])+", line, re.DOTALL)
    if series is None or series.end() == len(line):
        return None
    measurement, *tags = re.split(rb"(?<!\\),", series[0])
    pairs = [re.split(rb"(?<!\\)=", tag, maxsplit=1) for tag in tags]
    if any(len(pair) != 2 for pair in pairs):
        return None
    last = line.rpartition(b" ")[2]
    ts = int(last) if re.fullmatch(rb"-?[0-9]{1,19}", last) else None
    return Line(_plain(measurement), {_plain(name): _plain(value) for name, value in pairs}, ts)


def parse_time(text: str, name: str) -> int:
    """µs of a date or a date and time; without a zone it is UTC. Raises ValueError with a sentence."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{name} is {text!r}; it has to be a date or a time such as 2026-11-28 or 2026-11-28T14:30:00Z, in UTC "
            "when it names no zone"
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    ts = int((found - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * SECOND_US + found.microsecond
    if ts <= 0:
        raise ValueError(f"{name} is {text!r}, which is before 1970")
    return ts


def _plain(text: bytes) -> str:
    return _ESCAPED.sub(rb"\1", text).decode("utf-8", "replace")
