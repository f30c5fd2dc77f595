"""What an extractor tells of itself: the hash `seclyzer:stats:<kind>`, checked field by field.

It is written by another program, so nothing is taken on trust: a number is a short decimal, a name a short
plain word, everything else is dropped. Unknown fields are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Counters of the contract (section 4), all since the extractor started. Those of OPTIONAL need not be there.
COUNTERS = {
    "events": "Valid events of its own type",
    "malformed": "Messages that break the contract",
    "future": "Events more than 5 s ahead of the clock, skipped",
    "ancient": "Events from more than 400 days before the clock, skipped",
    "late": "Events that came after all their windows had closed, skipped",
    "behind": "Events that came after some of their windows had closed, used for the others",
    "dropped": "Events pushed out of a full buffer",
    "sessions": "New starts of stream time, as after a clock set back",
    "windows": "Windows that came out (app: transitions)",
    "windows_short": "Windows closed with too few events",
    "points_written": "Points that InfluxDB took",
    "points_spooled": "Points put aside while InfluxDB was away",
    "points_rejected": "Points that InfluxDB refused as invalid",
    "points_dropped": "Points lost because no room was left",
    "redis_reconnects": "Connections to Redis made anew",
    "influx_errors": "Failed requests to InfluxDB",
    "streams_reset": "Times that the stream was made anew because its ids were ahead of the clock",
    "entries_trimmed": "Entries taken out of the stream because it was larger than it may be",
    "gaps": "Times that Redis gave up events before they were read",
}
# Microseconds of Unix time; 0 when there was none.
TIMES = ("started_at", "last_event_ts", "last_window_ts")
REFUSALS = {
    "beyond_retention": "beyond the retention of the bucket",
    "field_type": "a field has another type in the bucket",
    "too_large": "a single point is too large",
    "unreadable": "not readable as line protocol",
    "other": "InfluxDB's answer has no known reason",
}
"""Why InfluxDB refused points: `rejected_reason` as the hash has it, and in words."""
NUMBERS = (*COUNTERS, *TIMES, "pid", "spool_bytes")
OPTIONAL = ("gaps", "ancient", "behind", "streams_reset", "entries_trimmed")

YEAR = re.compile(r"[1-9][0-9]{3,5}")
NUMBER = re.compile(r"[0-9]{1,19}")
ENTRY_ID = re.compile(r"[0-9]{1,16}-[0-9]{1,20}")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,49}")


@dataclass(frozen=True, slots=True)
class Stats:
    """One reading of the hash: `numbers` holds what could be read, `faults` names what could not.

    `refusal` says in words why InfluxDB refused points the last time; empty when it refused none.
    """

    implementation: str | None
    version: str | None
    last_id: str | None
    numbers: Mapping[str, int]
    faults: tuple[str, ...]
    refusal: str = ""

    def __getitem__(self, name: str) -> int:
        """A number by its name in the hash; 0 when it could not be read."""
        return self.numbers.get(name, 0)

    @property
    def life(self) -> str:
        """Names one life of the extractor's process: its counters begin at 0 in each."""
        return f"{self['pid']}@{self['started_at']}"


def parse(raw: Mapping[str, str]) -> Stats | None:
    """Read the hash as HGETALL returns it; None when it is absent."""
    if not raw:
        return None
    numbers = {name: int(raw[name]) for name in NUMBERS if name in raw and NUMBER.fullmatch(raw[name])}
    implementation = raw.get("implementation")
    version = raw.get("version")
    last_id = raw.get("last_id")
    stats = {
        "implementation": implementation if implementation in ("python", "rust") else None,
        "version": version if version is not None and WORD.fullmatch(version) else None,
        "last_id": last_id if last_id is not None and ENTRY_ID.fullmatch(last_id) else None,
    }
    missing = tuple(n for n in NUMBERS if n not in numbers and not (n in OPTIONAL and n not in raw))
    faults = missing + tuple(n for n, v in stats.items() if v is None)
    return Stats(**stats, numbers=numbers, faults=faults, refusal=_refusal(raw))


def _refusal(raw: Mapping[str, str]) -> str:
    words = REFUSALS.get(raw.get("rejected_reason", ""), "")
    year = raw.get("rejected_year", "")
    return f"{words}, the oldest of {year}" if words and YEAR.fullmatch(year) else words
