"""The transition operator: which application has the focus; focuses in, transitions and patterns out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from .core import Operator, Row
from .event import Focus
from .features import Value, ordering
from .patterns import Patterns


class Transition(NamedTuple):
    """The focus went from one application to another at `ts` (µs); the first had had it for `duration_ms`."""

    ts: int
    from_app: str
    to_app: str
    duration_ms: int
    dev_mode: bool

    def features(self) -> tuple[Value, ...]:
        """In the schema's order."""
        return _in_order(self._asdict())


_in_order = ordering("app", dict.fromkeys(Transition._fields[1:], 0))


class Focused(NamedTuple):
    """The application that has the focus, since `since` (µs)."""

    app: str
    since: int
    dev_mode: bool


class Tracker:
    """Follows the focus. `dev_mode` is the process's own."""

    def __init__(self, dev_mode: bool) -> None:
        self.dev_mode = dev_mode
        self.current: Focused | None = None
        self.last_taken: int | None = None  # ts of the last event taken
        self.patterns = Patterns()

    def take(self, focus: Focus) -> Transition | None:
        """The transition that this focus makes, if any: the first and a repeat of the same app make none."""
        self.last_taken = focus.ts
        if focus.dev_mode:
            self.patterns.dev_mode = True
        before = self.current
        if before is not None and before.app == focus.app:
            return None
        self.current = Focused(focus.app, focus.ts, focus.dev_mode)
        self.patterns.gained(focus.app, focus.ts)
        if before is None:
            return None
        duration_us = focus.ts - before.since
        self.patterns.moved(before.app, focus.app, duration_us)
        dev_mode = before.dev_mode or focus.dev_mode or self.dev_mode
        return Transition(focus.ts, before.app, focus.app, duration_us // 1000, dev_mode)

    def lose(self) -> None:
        """No application is current: the clock was set back."""
        self.current = None

    def document(self) -> dict[str, Any]:
        """The patterns as JSON has them."""
        return self.patterns.document(self.dev_mode)

    def dump(self) -> dict[str, Any]:
        current = self.current
        return {
            "current": current and {"app": current.app, "since": current.since, "dev_mode": current.dev_mode},
            "taken_ts": self.last_taken,
            **self.patterns.dump(),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Goes on from what `dump` wrote; KeyError, TypeError or ValueError when it did not."""
        patterns = Patterns.load(dumped)
        current, taken = dumped["current"], dumped["taken_ts"]
        self.current = current and Focused(str(current["app"]), int(current["since"]), bool(current["dev_mode"]))
        self.last_taken = None if taken is None else int(taken)
        self.patterns = patterns


class TransitionOperator(Operator[Focus]):
    """Focuses to transitions: each is taken in order of `ts` once stream time is `lateness` (µs) past it."""

    def __init__(
        self, session_after: int, lateness: int, idle_timeout: int, buffer_events: int, dev_mode: bool
    ) -> None:
        super().__init__((Focus,), session_after, buffer_events, idle_timeout)
        self.tracker = Tracker(dev_mode)
        self._lateness = lateness
        self._taken_through = 0  # the `ts` of the last event taken in this session; 0 when there is none

    def _due(self) -> list[Row]:
        stream_time = self.stream_time()
        if stream_time is None:
            return []
        return self._take(self.held.take(stream_time - self._lateness))

    def finish(self) -> list[Row]:
        rows = self._take(self.held.all())
        self.held.clear()
        return rows

    def new_session(self) -> list[Row]:
        rows = super().new_session()
        self.tracker.lose()
        self._taken_through = 0
        return rows

    def next_due(self) -> int | None:
        events = self.held.all()
        return self.stream.when(self._due_time(events[0].ts)) if events else None

    def due_by_event(self) -> int | None:
        events = self.held.all()
        return self.stream.soon(self._due_time(events[0].ts)) if events else None

    def _due_time(self, ts: int) -> int:
        return ts + self._lateness

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
            "max_ts": self.stream.max_ts,
            "taken_through": self._taken_through,
            "pending": [{"ts": one.ts, "app": one.app, "dev_mode": one.dev_mode} for one in self.held.all()],
            **self.tracker.dump(),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Goes on from what `dump` wrote; KeyError, TypeError or ValueError when it did not."""
        max_ts, through = dumped["max_ts"], int(dumped["taken_through"] or 0)
        max_ts = None if max_ts is None else int(max_ts)
        pending = [Focus(int(one["ts"]), bool(one["dev_mode"]), str(one["app"])) for one in dumped["pending"]]
        self.tracker.load(dumped)
        for focus in pending:
            self.held.insert(focus)
        if max_ts is not None:
            self.stream.see(max_ts, self.clock)
            # Older programs wrote stream time less lateness here, which may be past the last event taken.
            self._taken_through = min(through, self.tracker.last_taken or 0)
