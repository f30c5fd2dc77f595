"""The hash `seclyzer:stats:<kind>`, in which an extractor reports how it fares, checked field by field.

Which fields there are, and what each means, stands in `schema/stats.json`. Another program writes them, so nothing is
taken on trust: a number is a short decimal, a name a short plain word, everything else is dropped. Unknown fields are
passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from .distribution import Distribution


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the hash. `type` is label, counter, gauge or histogram; `meaning` loss, error or neither.

    `unit` may be empty.
    """

    name: str
    type: str
    meaning: str
    unit: str
    help: str


def load(file: Path) -> tuple[tuple[Field, ...], tuple[float, ...]]:
    """The fields in their order, and the bounds of histograms in s."""
    document = json.loads(file.read_text(encoding="utf-8"))
    fields = (Field(f["name"], f["type"], f["meaning"], f.get("unit", ""), f["help"]) for f in document["fields"])
    return tuple(fields), tuple(bound / 1e6 for bound in document["bounds_us"])


FIELDS, BOUNDS = load(Path(__file__).parent / "schema" / "stats.json")
COUNTERS = tuple(field for field in FIELDS if field.type == "counter")
GAUGES = tuple(field for field in FIELDS if field.type == "gauge")
HISTOGRAMS = tuple(field for field in FIELDS if field.type == "histogram")
TIMES = tuple(field.name for field in GAUGES if field.unit == "us")
NUMBERS = (*(field.name for field in (*COUNTERS, *GAUGES)), "pid")

BY_PRODUCERS = frozenset({"future", "ancient", "late", "behind", "entries_trimmed"})
"""Losses that producers cause by what they send, and when: nothing of this host is broken."""
LOSSES = {f.name: f.help for f in FIELDS if f.meaning == "loss" and f.name not in BY_PRODUCERS}
"""Data is lost on this host: a failure. Each field and what it counts."""
ERRORS = {f.name: f.help for f in FIELDS if f.meaning == "error" or (f.meaning == "loss" and f.name in BY_PRODUCERS)}
"""A fault that loses nothing by itself, or a loss that producers cause: a warning."""

DIRECTIONS = ("redis_read", "redis_write", "influxdb", "spool")
"""On what an extractor depends; the fields of the last outage of each begin with its name."""
OUTAGE_LABELS = tuple(f"{name}_{end}" for name in DIRECTIONS for end in ("fault", "reason", "advice"))
OPTIONAL = frozenset(
    {
        *("gaps", "ancient", "behind", "streams_reset", "entries_trimmed", "outputs_dropped", "output_errors"),
        *(f"{name}_{end}" for name in DIRECTIONS for end in ("since", "until")),
        "influxdb_answered_at",
        "state_skipped",
        "spool_oldest_ts",
        *(field.name for field in HISTOGRAMS),
    }
)
"""Fields that older programs do not write."""
REFUSALS = {
    "beyond_retention": "beyond the retention of the bucket",
    "field_type": "a field has another type in the bucket",
    "too_large": "a single point is too large",
    "unreadable": "not readable as line protocol",
    "other": "InfluxDB's answer has no known reason",
}
"""Why InfluxDB refused points: `rejected_reason` as the hash has it, and in words."""

FAULT = re.compile(r"[A-Za-z0-9_]{1,30}")
UNPRINTABLE = re.compile(r"[^ -~]+")
LONGEST_REASON = 200
YEAR = re.compile(r"[1-9][0-9]{3,5}")
NUMBER = re.compile(r"[0-9]{1,19}")
ENTRY_ID = re.compile(r"[0-9]{1,16}-[0-9]{1,20}")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,49}")


@dataclass(frozen=True, slots=True)
class Outage:
    """The last time that something did not work. `fault`, `reason` and `advice` are empty once it is over.

    Times are Unix s, 0 for none; `until` is 0 while it lasts.
    """

    fault: str = ""
    reason: str = ""
    advice: str = ""
    since: float = 0.0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Stats:
    """One reading of the hash: `numbers` holds what could be read, `faults` names what could not.

    `refusal` is why InfluxDB refused points the last time, in words; empty when it refused none.
    """

    implementation: str | None
    version: str | None
    last_id: str | None
    numbers: Mapping[str, int]
    faults: tuple[str, ...]
    refusal: str = ""
    outages: Mapping[str, Outage] = field(default_factory=dict)
    histograms: Mapping[str, Distribution] = field(default_factory=dict)

    def outage(self, direction: str) -> Outage:
        """The last outage of one of DIRECTIONS; one without times when there was none, or an older program runs."""
        return self.outages.get(direction, Outage())

    def __getitem__(self, name: str) -> int:
        """A number by its name in the hash; 0 when it could not be read."""
        return self.numbers.get(name, 0)

    @property
    def process(self) -> str:
        """Names one process of the extractor: its counters begin at 0 in each."""
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
    histograms = {f.name: read for f in HISTOGRAMS if (read := _distribution(raw.get(f.name, ""))) is not None}
    missing += tuple(f.name for f in HISTOGRAMS if f.name in raw and f.name not in histograms)
    faults = missing + tuple(n for n, v in stats.items() if v is None)
    outages = {name: _outage(raw, numbers, name) for name in DIRECTIONS}
    refusal = _refusal(raw)
    return Stats(**stats, numbers=numbers, faults=faults, refusal=refusal, outages=outages, histograms=histograms)


@lru_cache(maxsize=16)  # an idle extractor's stay the same
def _distribution(text: str) -> Distribution | None:
    """A histogram as the hash has it; None when it is none."""
    words = text.split(" ", len(BOUNDS) + 2)
    if len(words) != len(BOUNDS) + 2 or not all(map(NUMBER.fullmatch, words)):
        return None
    *counts, total_us = map(int, words)
    return Distribution(BOUNDS, tuple(counts), total_us / 1e6)


def _outage(raw: Mapping[str, str], numbers: Mapping[str, int], name: str) -> Outage:
    fault = raw.get(f"{name}_fault", "")
    reason, advice = (_plain(raw.get(f"{name}_{part}", "")) for part in ("reason", "advice"))
    since, until = (numbers.get(f"{name}_{end}", 0) / 1e6 for end in ("since", "until"))
    return Outage(fault if FAULT.fullmatch(fault) else "", reason, advice, since, until)


def _plain(text: str) -> str:
    return UNPRINTABLE.sub("?", text)[:LONGEST_REASON]


def _refusal(raw: Mapping[str, str]) -> str:
    words = REFUSALS.get(raw.get("rejected_reason", ""), "")
    year = raw.get("rejected_year", "")
    return f"{words}, the oldest of {year}" if words and YEAR.fullmatch(year) else words
