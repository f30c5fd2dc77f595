"""When a check is read: its intervals, and sooner when it was woken, changes or is not well."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .model import Check, Pace

SETTLE = 0.25  # s from a change to its reading, which then has what comes with it
CONFIRM = 1.0  # s between two readings of what changes
MENDED = 15.0  # s between two readings, at most, of what is not well
LATE = 0.1  # s; a check's own time limit, which knows the cause, may end late where the loop was held up
CANCEL_GRACE = 0.5  # s in which a reading that has missed its deadline may end


@dataclass(slots=True)
class Plan:
    """When a check is read, in monotonic s. `began` is when the last reading did, which is `reading` or has ended.

    `waited` is when its deadline was over, and `missed`: it has not ended soon after, either. `woken` is when the check
    was woken, unless a reading has begun since.
    """

    check: Check
    pace: Pace
    due: float
    began: float = 0.0
    reading: bool = False
    waited: float | None = None
    missed: bool = False
    woken: float | None = None
    changing: bool = False

    @property
    def late(self) -> float:
        """When the reading under way misses its deadline, if it has not missed it yet."""
        if not self.reading or self.missed:
            return math.inf
        return self.began + self.pace.deadline if self.waited is None else self.waited + LATE

    @property
    def next(self) -> float:
        """When a reading is to begin, or the one that has missed its deadline is looked at again."""
        if self.reading:
            return max(self.due, self.began + self.pace.deadline + CANCEL_GRACE)
        if self.woken is not None:
            return min(self.due, max(self.woken + SETTLE, self.began + CONFIRM))
        return min(self.due, self.began + CONFIRM) if self.changing else self.due
