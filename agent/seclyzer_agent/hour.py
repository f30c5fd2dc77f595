"""The last hour in memory: a point a minute of what each extractor has used and done.

Points are taken from the figures that anybody may read, when these are: so the hour shows nothing finer than a minute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .facts import ExtractorFacts
from .kinds import KINDS, UNITS
from .snapshot import Snapshot

POINTS = 61
"""An hour and both its ends."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An extractor at one moment: its process, counters of what it did since it started, and its bytes of memory."""

    process: str
    events: int
    windows: int
    stored: int
    memory: int | None


@dataclass(frozen=True, slots=True)
class Point:
    """All extractors with a heartbeat at one moment (`at`, Unix s)."""

    at: float
    extractors: Mapping[str, Seen]


def point(snapshot: Snapshot) -> Point:
    """What of a snapshot is kept."""
    memory = snapshot.facts("memory") or {}
    seen: dict[str, Seen] = {}
    for kind in KINDS:
        facts = snapshot.facts(kind)
        if not isinstance(facts, ExtractorFacts) or facts.stats is None:
            continue
        stats, used = facts.stats, memory.get(UNITS[kind])
        closed = stats["windows"] + stats["windows_short"]
        seen[kind] = Seen(
            stats.process, stats["events"], closed, stats["points_written"], used.used if used is not None else None
        )
    return Point(snapshot.wall, seen)


class Hour:
    """The points of the last hour, the newest last."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=POINTS)

    def add(self, snapshot: Snapshot) -> None:
        """Keep a point, and no more than an hour of them."""
        self._points.append(point(snapshot))

    @property
    def points(self) -> tuple[Point, ...]:
        """Those that are kept."""
        return tuple(self._points)


def memory(points: tuple[Point, ...], kind: str) -> list[int | None]:
    """Bytes of an extractor's memory at each point."""
    return [seen.memory if (seen := at.extractors.get(kind)) is not None else None for at in points]


def rates(points: tuple[Point, ...], kind: str, count: Callable[[Seen], int]) -> list[float | None]:
    """By how much a counter grew, a minute, up to each point; None where it is not known."""
    return list(_rates(points, kind, count))


def _rates(points: tuple[Point, ...], kind: str, count: Callable[[Seen], int]) -> Iterator[float | None]:
    before: Point | None = None
    for at in points:
        old = before.extractors.get(kind) if before is not None else None
        new = at.extractors.get(kind)
        seconds = at.at - before.at if before is not None else 0.0
        before = at
        if old is None or new is None or seconds <= 0:
            yield None
            continue
        base = count(old) if old.process == new.process else 0  # a new process counts from 0
        yield round(max(0, count(new) - base) * 60 / seconds, 1)
