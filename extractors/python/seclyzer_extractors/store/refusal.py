"""Why InfluxDB refused points, in words of this project: its own quote lines and series, which name applications."""

from collections.abc import Sequence
from typing import NamedTuple

from ..output import line_ts
from ..timestamp import timestamp

BEYOND_RETENTION = "beyond_retention"
FIELD_TYPE = "field_type"
TOO_LARGE = "too_large"
UNREADABLE = "unreadable"
OTHER = "other"

WORDS = {
    BEYOND_RETENTION: "beyond the retention of the bucket",
    FIELD_TYPE: "a field has another type in the bucket",
    TOO_LARGE: "a single point is too large",
    UNREADABLE: "not readable as line protocol",
    OTHER: "InfluxDB's answer has no known reason",
}
PHRASES = {"retention policy": BEYOND_RETENTION, "field type conflict": FIELD_TYPE}
STATUSES = {400: UNREADABLE, 413: TOO_LARGE}


class Refusal(NamedTuple):
    """The last one: the status, a key of WORDS, and the year of the oldest point (None: no time is readable)."""

    status: int
    reason: str
    year: int | None


def judge(status: int, message: str, lines: Sequence[bytes]) -> Refusal:
    """What an answer to these lines means."""
    found = (reason for phrase, reason in PHRASES.items() if phrase in message)
    return Refusal(status, next(found, STATUSES.get(status, OTHER)), oldest_year(lines))


def oldest_year(lines: Sequence[bytes]) -> int | None:
    """The year (UTC) of the oldest of lines, whose times are µs; None when no line has a time."""
    times = [ts for ts in map(line_ts, lines) if ts is not None]
    return int(timestamp(min(times)).partition("-")[0]) if times else None
