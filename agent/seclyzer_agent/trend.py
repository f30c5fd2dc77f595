"""Is memory on its way to its limit? Seen by its floor: the least that was used in each ten minutes.

Memory that is given back at least every hour and a half (saw teeth) has floors that fall; what grows and levels off
grows less in the later hour than in the earlier one. Pure functions; times are seconds of a monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

PIECE = 600.0
PIECES = 12
"""A floor is the least of so many seconds, and so many of them, one after the other, are looked at."""
AHEAD = 24 * 3600.0
"""Growth that needs longer than this (s) to reach the limit is left alone,"""
SHARE = 0.5
"""and so is what uses less than this share of it."""


@dataclass(frozen=True, slots=True)
class Floors:
    """Of one process: whole floors, oldest first, and since when the one that is being looked for is."""

    process: int
    since: float
    least: int
    whole: tuple[int, ...] = ()


def follow(before: Floors | None, process: int, used: int, now: float) -> Floors:
    """Take one reading: bytes that the process uses. A new process, or readings that stopped, begin anew."""
    if before is None or before.process != process or now - before.since > 2 * PIECE:
        return Floors(process, now, used)
    if now - before.since < PIECE:
        return Floors(process, before.since, min(before.least, used), before.whole)
    return Floors(process, now, used, (*before.whole, before.least)[-PIECES:])


def reaches(floors: Floors, limit: int) -> float | None:
    """In how many seconds the floor is at the limit when it goes on so; None when it does not grow steadily."""
    whole = floors.whole
    if len(whole) < PIECES or whole[-1] < SHARE * limit:
        return None
    if any(later <= earlier for earlier, later in pairwise(whole)):
        return None
    half = PIECES // 2
    early, late = whole[half - 1] - whole[0], whole[-1] - whole[half]
    if 2 * late < early:
        return None
    seconds = (limit - whole[-1]) / (late / ((half - 1) * PIECE))
    return seconds if seconds <= AHEAD else None
