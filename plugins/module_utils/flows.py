"""What flows through one extractor during a trial, by its counters at one look after another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STILL_FLOWS = 10.0
"""Seconds without an event after which events have stopped. What a new process reads again comes at once."""


@dataclass
class Flow:
    """What an extractor did since the first good look: its counters then, when each began to grow, and when its events
    last did. `unserved_since`: since when it has made outputs and the store would have taken them, without a break.
    `stored_at`: when the last of its points arrived there.
    """

    base: Mapping[str, int]
    now: Mapping[str, int]
    events_since: float | None = None
    events_at: float | None = None
    made_since: float | None = None
    unserved_since: float | None = None
    stored_at: float | None = None

    def grew(self, *names: str) -> int:
        """By how much these counters grew, together."""
        return sum(self.now.get(name, 0) - self.base.get(name, 0) for name in names)

    def take(self, counters: Mapping[str, int], at: float, served: bool) -> None:
        """The counters at a look, and whether the store would take a point. Events that come after a pause begin a flow
        of their own.
        """
        older, stored, self.now = self.taken(), self.grew("points_written"), counters
        if self.grew("points_written") > stored:
            self.stored_at = at
        if self.taken() > older:
            if self.events_since is None or not self.flows(at):
                self.events_since = at
            self.events_at = at
        if self.made_since is None and self.grew("windows") > 0:
            self.made_since = at
        if self.made_since is None or not served:
            self.unserved_since = None
        elif self.unserved_since is None:
            self.unserved_since = at

    def flows(self, at: float) -> bool:
        """Whether an event came lately."""
        return self.events_at is not None and at - self.events_at < STILL_FLOWS

    def has_stored(self, at: float, within: float) -> bool:
        """Whether a point of it arrived in the store within the last seconds."""
        return self.stored_at is not None and at - self.stored_at <= within

    def lasted(self) -> float:
        """For how many seconds events came without a pause."""
        return 0.0 if self.events_at is None or self.events_since is None else self.events_at - self.events_since

    def taken(self) -> int:
        """Events that fell into a window that was open."""
        return self.grew("events") - self.grew("late")
