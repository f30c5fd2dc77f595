"""The window operator, of keystrokes and of mouse events: which windows are closed, and which of them are emitted."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from .core import Operator, Row
from .event import Event
from .features import Value
from .window import Timing, filled_windows

SET_BACK_US = 120_000_000  # so much longer than a window no producer lags: what is that old tells of a clock set back

E = TypeVar("E", bound=Event)
Compute = Callable[[Sequence[E], int, bool], tuple[Value, ...]]


class WindowOperator(Operator[E]):
    """Keystrokes or mouse events to features, by `compute(events, window in µs, the process's dev_mode)`."""

    def __init__(
        self,
        own: tuple[type[E], ...],
        session_after: int,
        compute: Compute[E],
        timing: Timing,
        min_events: int,
        buffer_events: int,
        dev_mode: bool,
    ) -> None:
        super().__init__(own, session_after, buffer_events, timing.idle_timeout)
        self._compute: Compute[E] = compute
        self._timing = timing
        self._min_events = min_events
        self._dev_mode = dev_mode
        self._closed: int | None = None  # the last end that is closed; what is closed never opens again
        self._early = timing.lateness // 2  # how long after its end a window is computed
        self._prepared = -1  # the end of the last window that was computed before it closed
        self._ready: Row | None = None  # what came of that, as long as it is right

    def advance(self, clock: int) -> list[Row]:
        rows = super().advance(clock)
        self._prepare()
        return rows

    def _due(self) -> list[Row]:
        stream_time = self.stream_time()
        if stream_time is None:
            return []
        rows = []
        through = self._timing.closed_through(stream_time)
        if self._closed is None:
            self._closed = through
        if through > self._closed:
            rows = self._close(self._closed, through)
            self._closed = through
            self.held.take(self._timing.last_unusable(through))
        self._nothing_due_between(self._closed, self._closed + self._timing.interval + self._timing.lateness)
        return rows

    def finish(self) -> list[Row]:
        events = self.held.all()
        if self._closed is None or not events:
            return []
        return self._close(self._closed, self._timing.last_end(events[-1].ts))

    def new_session(self) -> list[Row]:
        rows = super().new_session()
        self._closed, self._prepared, self._ready = None, -1, None
        return rows

    def next_due(self) -> int | None:
        end = self._next_end()
        if end is None:
            return None
        if self._is_to_prepare(end):
            return self.stream.soon(end + self._early + 1)
        return self.stream.when(self._due_time(end))

    def due_by_event(self) -> int | None:
        end = self._next_end()
        return None if end is None else self.stream.soon(self._due_time(end))

    def _due_time(self, ts: int) -> int:
        return ts + self._timing.lateness + 1

    def _next_end(self) -> int | None:
        """The end of the next window that holds an event."""
        events = self.held.all()
        if self._closed is None or not events:
            return None
        return max(self._closed + self._timing.interval, self._timing.first_end(events[0].ts))

    def _is_late(self, ts: int) -> bool:
        return self._closed is not None and ts <= self._timing.last_unusable(self._closed)

    def _is_set_back(self, ts: int) -> bool:
        """What real time has closed before its events came does not tell of it, unless they are older than any lag."""
        largest, closed, timing = self.stream.max_ts, self._closed, self._timing
        if largest is None or closed is None:
            return False
        is_late_by_events = ts <= timing.last_unusable(timing.closed_through(largest))
        return is_late_by_events or ts <= closed - timing.window - SET_BACK_US

    def _is_behind(self, ts: int) -> bool:
        return self._closed is not None and ts <= self._closed

    def _kept(self, first: int, dropped: int) -> None:
        super()._kept(first, dropped)
        if self._ready is not None and (first <= self._ready.ts or dropped):
            self._ready = None

    def _close(self, after: int, through: int) -> list[Row]:
        rows = []
        for end, events in filled_windows(self.held.all(), after, through, self._timing):
            if len(events) < self._min_events:
                self.counters.windows_short += 1
            elif self._is_emitted(end, events):
                rows.append(self._row(end, events))
        return rows

    def _is_emitted(self, end: int, events: Sequence[E]) -> bool:
        return len(events) >= self._min_events and events[-1].ts > end - self._timing.interval

    def _row(self, end: int, events: Sequence[E]) -> Row:
        if self._ready is not None and self._ready.ts == end:
            return self._ready
        return Row(end, self._compute(events, self._timing.window, self._dev_mode))

    # In real time a window is computed before it closes, when half of `lateness` is over by a producer that does not
    # lag, so that nothing waits for it then. An event that still comes into it makes that void; it is computed once
    # more when it closes.

    def _prepare(self) -> None:
        end = self._next_end()
        if end is None or not self._is_to_prepare(end):
            return
        from_when = self.stream.soon(end + self._early + 1)
        if from_when is None or self.clock < from_when:
            return
        self._prepared = end
        for _, events in filled_windows(self.held.all(), end - self._timing.interval, end, self._timing):
            if self._is_emitted(end, events):
                self._ready = self._row(end, events)

    def _is_to_prepare(self, end: int) -> bool:
        return end > self._prepared and self.held.all()[-1].ts > end - self._timing.interval
