"""The load, live: each event is stamped and added when it happens. Runs as a process of its own beside what it feeds.

It reads one JSON object from stdin: `socket`, `seconds`, `pace` (1.0 is the load), `behind_us` (how far its clock is
behind the host's: two feeders with different ones close windows at different times). It adds the 30 s before at once,
says `filled`, waits for a line, feeds, and writes what the figures need as JSON: how many events of each kind it added
and, for each window's end, when the event that moves stream time past it was sent.
"""

import heapq
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .fill import stream_of
from .load import INTERVAL, LATENESS, RATES, SECOND, WINDOW, events, message
from .resp import Redis, encode

KEEP_MS = 120_000
Moved = dict[str, dict[int, int]]
"""By kind and window's end: when its mover was sent (µs, host's clock)."""


def ticks(seconds: float, pace: float) -> Iterator[tuple[int, str, int]]:
    """When which event of which kind is due: (µs from the start, kind, its number)."""

    def one(kind: str) -> Iterator[tuple[int, str, int]]:
        rate = RATES[kind] * pace
        return ((round(i * SECOND / rate), kind, i) for i in range(round(seconds * rate)))

    return heapq.merge(*(one(kind) for kind in RATES))


class Feeder:
    """Feeds one Redis; times are of a clock that is `behind_us` behind the host's."""

    def __init__(self, client: Redis, pace: float, behind_us: int) -> None:
        self.moved: Moved = {kind: {} for kind in RATES}
        self.added = dict.fromkeys(RATES, 0)
        self._client, self._pace, self._behind = client, pace, behind_us
        self._passed: dict[str, int] = {}

    def fill(self, now: int) -> None:
        """The 30 s before now."""
        for kind, rate in RATES.items():
            count = round(rate * self._pace * WINDOW / SECOND)
            for text in events(kind, count, now - self._behind, self._pace):
                self._add(kind, text)

    def feed(self, seconds: float) -> None:
        """Events as they are due, one at a time."""
        start = time.time_ns() // 1000
        for due, kind, i in ticks(seconds, self._pace):
            if (wait := start + due - time.time_ns() // 1000) > 0:
                time.sleep(wait / SECOND)
            sent = time.time_ns() // 1000
            ts = sent - self._behind
            self._add(kind, message(kind, i, ts))
            self._note(kind, ts, sent)

    def _add(self, kind: str, text: bytes) -> None:
        oldest = time.time_ns() // 1_000_000 - KEEP_MS
        self._client.socket.sendall(encode("XADD", stream_of(kind), "MINID", "~", oldest, "*", "e", text))
        self._client.answer()
        self.added[kind] += 1

    def _note(self, kind: str, ts: int, sent: int) -> None:
        end = (ts - LATENESS - 1) // INTERVAL * INTERVAL
        if end > self._passed.setdefault(kind, end):  # what the first event finds closed was closed by time before
            self._passed[kind] = end
            self.moved[kind][end] = sent


def main() -> None:
    """The process."""
    order: dict[str, Any] = json.loads(sys.stdin.readline())
    feeder = Feeder(Redis(Path(order["socket"])), order["pace"], order["behind_us"])
    feeder.fill(time.time_ns() // 1000)
    print("filled", flush=True)
    sys.stdin.readline()
    feeder.feed(order["seconds"])
    moved = {kind: list(by.items()) for kind, by in feeder.moved.items()}
    print(json.dumps({"added": feeder.added, "moved": moved}), flush=True)
