"""What a running extractor publishes, by one look at Redis after another, and since when that is all of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .before import process_of
from .credible import COUNTED

LOOK = 200
"""So many of the newest outputs are read at a look."""


class Observed:
    """One extractor. Times are µs since the Unix epoch."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.since = 0
        self.last_event = 0
        self.pid = 0
        self._life = ""
        self._base: dict[str, int] = {}
        self._now: dict[str, int] = {}

    def take(self, stats: Mapping[str, str], newest_first: Sequence[str], at: int) -> None:
        """The stats hash and the newest outputs at a look. Outputs are whole anew from `at` on after a restart of the
        extractor, a connection of its own made anew, and where outputs may have been missed.
        """
        known = self.lines[-1] if self.lines else None
        life = f"{process_of(stats)} {stats.get('redis_reconnects')}"
        if life != self._life or (known is not None and known not in newest_first):
            self._life, self.since = life, at
            self._base = counters(stats)
        new = newest_first[: newest_first.index(known)] if known in newest_first else newest_first
        self.lines += reversed(new)
        self._now = counters(stats)
        self.last_event = number(stats, "last_event_ts")
        self.pid = number(stats, "pid")

    def missed(self, at: int) -> None:
        """Nothing could be read at a look."""
        self._life, self.since = "", at

    def grown(self) -> dict[str, int]:
        """By how much the counters of COUNTED grew since outputs are whole."""
        return {name: self._now.get(name, 0) - self._base.get(name, 0) for name in COUNTED}


def counters(stats: Mapping[str, str]) -> dict[str, int]:
    """COUNTED of a stats hash."""
    return {name: number(stats, name) for name in COUNTED}


def number(stats: Mapping[str, str], name: str) -> int:
    """A field that is a number; 0 for none."""
    text = stats.get(name, "")
    return int(text) if text.isdecimal() else 0
