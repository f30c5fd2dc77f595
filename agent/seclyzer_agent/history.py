"""What only shows between readings: growth of counters, lag, windows that do not close.

Pure functions `(state before, reading, now) → state`; times are seconds of a monotonic clock unless stated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

CALM = 60.0
"""What was counted is present for so long (s) after the last time, and past from then on;"""
REPEATED = 3
"""or, where the last so many came as regularly as those of a crash loop, until the next is overdue by as long again."""


def present(at: Sequence[float], now: float) -> bool:
    """Whether what was seen at these times, oldest first, goes on, for all that is known."""
    if not at:
        return False
    pauses = [later - earlier for earlier, later in pairwise(at[-REPEATED:])]
    overdue = 2 * min(pauses) if len(pauses) == REPEATED - 1 else 0.0
    return now - at[-1] < max(CALM, overdue)


@dataclass(frozen=True, slots=True)
class Grown:
    """When a counter grew, oldest first, and by how much each time."""

    at: tuple[float, ...]
    by: tuple[int, ...]

    @property
    def total(self) -> int:
        """By how much in all."""
        return sum(self.by)


@dataclass(frozen=True, slots=True)
class Growth:
    """Counters of one process, and by how much each grew lately.

    `process` names the process (in a new one they start at 0); `last` the counters as they were read at `read_at`;
    `grown` has each that grew within the last `recent` seconds.
    """

    process: str
    last: Mapping[str, int]
    read_at: float = 0.0
    grown: Mapping[str, Grown] = field(default_factory=dict)

    def present(self) -> set[str]:
        """The counters that grow, for all that is known; what else grew lately is past."""
        return {name for name, seen in self.grown.items() if present(seen.at, self.read_at)}


def grow(before: Growth | None, process: str, counters: Mapping[str, int], now: float, *, recent: float) -> Growth:
    """Take one reading of the counters. The first reading ever is the base; a new process counts from 0."""
    if before is None:
        return Growth(process, dict(counters), now)
    grown = {name: left for name, seen in before.grown.items() if (left := _since(now - recent, seen)).at}
    for name, value in counters.items():
        base = before.last.get(name, 0) if process == before.process else 0
        more = value - base
        if more > 0:
            seen = grown.get(name, Grown((), ()))
            grown[name] = Grown((*seen.at, now), (*seen.by, more))
    return Growth(process, dict(counters), now, grown)


def _since(begin: float, seen: Grown) -> Grown:
    """What grew after `begin`."""
    old = sum(1 for at in seen.at if at <= begin)
    return Grown(seen.at[old:], seen.by[old:]) if old else seen


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


MOST_RESTARTS = 100


@dataclass(frozen=True, slots=True)
class Restarts:
    """A unit's automatic restarts: how many systemd has counted, and when the recent ones were seen."""

    total: int
    at: tuple[float, ...] = ()

    def repeat(self, now: float) -> bool:
        """Whether it is restarted again and again."""
        return len(self.at) >= REPEATED and present(self.at, now)

    def just_now(self, now: float) -> bool:
        """Whether the last one is not over yet."""
        return present(self.at, now)


def restarted(before: Restarts | None, total: int, began: float, now: float, *, recent: float) -> Restarts:
    """Take one reading of systemd's counter; `began` is when the main process did, 0 for none.

    Nothing is known before the first reading but what systemd has: the last restart is when the main process began, and
    a unit that was restarted often and has not run for long since is in a loop, also when the agent began after it did.
    """
    if before is None:
        at = (began or now,) * min(total, REPEATED) if now - (began or now) < CALM else ()
    else:
        more = total - before.total if total >= before.total else total
        at = (*before.at, *(now,) * min(more, MOST_RESTARTS))
    return Restarts(total, tuple(t for t in at if now - t < recent)[-MOST_RESTARTS:])
