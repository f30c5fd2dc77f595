"""What only shows between readings: growth of counters, lag, windows that do not close.

Pure functions `(state before, reading, now) → state`; times are seconds of a monotonic clock unless stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Growth:
    """Counters of one process, and by how much each grew lately.

    `process` names the process (in a new one they start at 0); `last` the counters; `grown` for each that grew the sum
    of its growth and when it grew last, until it has been still for `hold` seconds.
    """

    process: str
    last: Mapping[str, int]
    grown: Mapping[str, tuple[int, float]] = field(default_factory=dict)


def grow(before: Growth | None, process: str, counters: Mapping[str, int], now: float, *, hold: float) -> Growth:
    """Take one reading of the counters. The first reading ever is the base; a new process counts from 0."""
    if before is None:
        return Growth(process, dict(counters))
    grown = {name: seen for name, seen in before.grown.items() if now - seen[1] < hold}
    for name, value in counters.items():
        base = before.last.get(name, 0) if process == before.process else 0
        more = value - base
        if more > 0:
            grown[name] = (grown.get(name, (0, now))[0] + more, now)
    return Growth(process, dict(counters), grown)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a reader is behind its stream, from what may be known without reading the stream.

    While `last_id` stands still, entries were surely added when the length grew over its smallest value since
    then (`floor`); `unread` is the most that was ever seen so, `unread_since` since when.
    `seconds` is the verdict: 0 when nothing is known to be unread.
    """

    last_id: str
    floor: int
    unread: int = 0
    unread_since: float | None = None
    seconds: float = 0.0


def entry_seconds(last_id: str) -> float:
    """The Unix time in s that stands in a stream entry's id (`ms-seq`); 0.0 for `0-0`."""
    return int(last_id.partition("-")[0]) / 1000.0


def follow(before: Lag | None, last_id: str, length: int, now: float, wall: float) -> Lag:
    """Take one reading: the id read last and the stream's length. `wall` is Unix time in s.

    A reader whose id moved since the last reading is behind by that id's age; one whose id stands still is
    behind only when the stream grew meanwhile, since the first growth that was seen. A reader that has read
    nothing yet (`0-0`) counts as one that stands still.
    """
    if before is None or (last_id != before.last_id and entry_seconds(last_id) == 0):
        return Lag(last_id, length)
    if last_id != before.last_id:
        return Lag(last_id, length, seconds=max(0.0, wall - entry_seconds(last_id)))
    floor = min(before.floor, length)
    unread = max(before.unread, length - floor)
    if not unread:
        return Lag(last_id, floor)
    since = now if before.unread_since is None else before.unread_since
    return Lag(last_id, floor, unread, since, now - since)


@dataclass(frozen=True, slots=True)
class Stall:
    """Events that come in while no window closes; `since` is when the first such was seen, or None."""

    process: str
    events: int
    windows: int
    since: float | None = None


def watch(before: Stall | None, process: str, events: int, windows: int, now: float) -> Stall:
    """Take one reading: events taken in and windows closed (emitted or short) so far."""
    if before is None or process != before.process or windows != before.windows:
        return Stall(process, events, windows)
    since = before.since
    if since is None and events > before.events:
        since = now
    return Stall(process, before.events, windows, since)
