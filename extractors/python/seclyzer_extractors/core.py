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

    def __init__(self, lateness: int, idle_timeout: int, buffer_events: int, dev_mode: bool) -> None:
        super().__init__((Focus,), 3, buffer_events, idle_timeout)
        self.tracker = Tracker(dev_mode)
        self._lateness = lateness
        self._taken_through = 0  # the `ts` of the last event taken in this session; 0 when there is none

    def _due(self) -> list[Row]:
        stream_time = self.stream_time()
        if stream_time is None:
            return []
        return self._take(self._events.take(stream_time - self._lateness))

    def finish(self) -> list[Row]:
        rows = self._take(self._events.all())
        self._events.clear()
        return rows

    def new_session(self) -> list[Row]:
        rows = super().new_session()
        self.tracker.lose()
        self._taken_through = 0
        return rows

    def next_due(self) -> int | None:
        events = self._events.all()
        return self._stream.when(events[0].ts + self._lateness) if events else None

    def due_by_event(self) -> int | None:
        events = self._events.all()
        return self._stream.soon(events[0].ts + self._lateness) if events else None

    def _is_late(self, ts: int) -> bool:
        return ts < self._taken_through

    def _take(self, focuses: Sequence[Focus]) -> list[Row]:
        rows = []
        for focus in focuses:
            self._taken_through = focus.ts
            transition = self.tracker.take(focus)
            if transition is not None:
                rows.append(Row(transition.ts, transition.features()))
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
        max_ts, through = dumped["max_ts"], int(dumped["taken_through"] or 0)
        max_ts = None if max_ts is None else int(max_ts)
        pending = [Focus(int(one["ts"]), bool(one["dev_mode"]), str(one["app"])) for one in dumped["pending"]]
        self.tracker.load(dumped)
        for focus in pending:
            self._events.insert(focus)
        if max_ts is not None:
            self._stream.see(max_ts, self._clock)
            # Older programs wrote stream time less lateness here, which may be past the last event taken.
            self._taken_through = min(through, self.tracker.last_taken or 0)


def make_core(kind: str, settings: "Settings") -> Core[Any]:
    """The core of `keystroke`, `mouse` or `app`."""
    timing, buffer_events, dev_mode = settings.timing, settings.buffer_events, settings.dev_mode
    if kind == "keystroke":
        return WindowCore((Key,), keystroke.Windows().features, timing, settings.min_events, buffer_events, dev_mode)
    if kind == "mouse":
        own = (Move, Button, Scroll)
        return WindowCore(own, mouse.Windows().features, timing, settings.min_events, buffer_events, dev_mode)
    return AppCore(timing.lateness, timing.idle_timeout, buffer_events, dev_mode)
