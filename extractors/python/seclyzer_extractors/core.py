"""The state machine of each kind: windows of keystrokes and mouse events, transitions between applications.

Live, backlog, replay, tests and benchmarks drive the same core.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import keystroke, mouse
from .apps import Tracker
from .closer import WindowCore
from .event import Button, Focus, Key, Move, Scroll
from .machine import Core, Row

if TYPE_CHECKING:
    from .config import Settings

__all__ = ["AppCore", "Core", "Row", "WindowCore", "make_core"]


class AppCore(Core[Focus]):
    """Focuses to transitions: each is taken in order of `ts` once stream time is `lateness` (µs) past it."""

    def __init__(self, lateness: int, buffer_events: int, dev_mode: bool) -> None:
        super().__init__((Focus,), session_after=3, buffer_events=buffer_events)
        self.tracker = Tracker(dev_mode)
        self._lateness = lateness
        self._taken_through: int | None = None  # the largest stream time of this session less `lateness`

    def _due(self) -> list[Row]:
        stream_time = self.stream_time()
        if stream_time is None:
            return []
        through = stream_time - self._lateness
        if self._taken_through is None or through > self._taken_through:
            self._taken_through = through
        return self._take(self._events.take(self._taken_through))

    def finish(self) -> list[Row]:
        rows = self._take(self._events.all())
        self._events.clear()
        return rows

    def new_session(self) -> list[Row]:
        rows = super().new_session()
        self.tracker.lose()
        self._taken_through = None
        return rows

    def next_due(self) -> int | None:
        events = self._events.all()
        return self._stream.when(events[0].ts + self._lateness) if events else None

    def _is_late(self, ts: int) -> bool:
        return self._taken_through is not None and ts <= self._taken_through

    def _take(self, focuses: Sequence[Focus]) -> list[Row]:
        rows = []
        for focus in focuses:
            transition = self.tracker.take(focus)
            if transition is not None:
                rows.append(Row(transition.ts, transition[1:]))
                self.counters.windows += 1
                self.counters.last_window_ts = transition.ts
        return rows

    def dump(self) -> dict[str, Any]:
        """What outlives a restart, as JSON has it."""
        return {
            "max_ts": self._stream.max_ts,
            "taken_through": self._taken_through,
            "pending": [{"ts": one.ts, "app": one.app, "dev_mode": one.dev_mode} for one in self._events.all()],
            **self.tracker.dump(),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Goes on from what `dump` wrote; KeyError, TypeError or ValueError when it did not."""
        max_ts, through = dumped["max_ts"], dumped["taken_through"]
        if max_ts is not None:
            max_ts, through = int(max_ts), int(through)
        pending = [Focus(int(one["ts"]), bool(one["dev_mode"]), str(one["app"])) for one in dumped["pending"]]
        self.tracker.load(dumped)
        for focus in pending:
            self._events.insert(focus)
        if max_ts is not None:
            self._stream.see(max_ts, self._clock)
            self._taken_through = through


def make_core(kind: str, settings: "Settings") -> Core[Any]:
    """The core of `keystroke`, `mouse` or `app`."""
    timing, buffer_events, dev_mode = settings.timing, settings.buffer_events, settings.dev_mode
    if kind == "keystroke":
        return WindowCore((Key,), keystroke.Windows().features, timing, settings.min_events, buffer_events, dev_mode)
    if kind == "mouse":
        own = (Move, Button, Scroll)
        return WindowCore(own, mouse.Windows().features, timing, settings.min_events, buffer_events, dev_mode)
    return AppCore(timing.lateness, buffer_events, dev_mode)
