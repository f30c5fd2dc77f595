"""The state machine of each kind: `(state, event or clock) -> (state, rows)`. It knows no Redis, no thread.

Live, backlog, replay, tests and benchmarks drive the same core. `clock` is the µs of a clock that counts real
time while the extractor has read all there was; in a replay it stands at 0.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from . import keystroke, mouse
from .apps import Tracker
from .counters import Counters
from .event import MALFORMED, Button, Event, Focus, Key, Move, Scroll, parse
from .window import StreamTime, Timing, filled_windows, insert, ts_of

if TYPE_CHECKING:
    from .config import Settings

FUTURE_US = 5_000_000  # how far ahead of the host's clock an event may be

E = TypeVar("E", bound=Event)
Value = float | int | bool | str
Compute = Callable[[Sequence[E], int, bool], tuple[Value, ...]]


class Row(NamedTuple):
    """Features at their window's end, or a transition at its time (µs); `values` in the schema's order."""

    ts: int
    values: tuple[Value, ...]


class Core(ABC, Generic[E]):
    """What the kinds have in common: counting, lateness, and a clock that is set back."""

    def __init__(self, own: tuple[type[E], ...], session_after: int, buffer_events: int) -> None:
        self.counters = Counters()
        self._own = own  # the types of this extractor's events
        self._session_after = session_after  # the late event in a row that starts a new session
        self._buffer_events = buffer_events
        self._late_run = 0
        self._stream = StreamTime()
        self._clock = 0
        self._events: list[E] = []  # what is still needed, in order of (ts, arrival)

    def message(self, message: bytes, clock: int = 0, host_time: int | None = None) -> list[Row]:
        """One message as it came at `clock`. `host_time` is the host's clock (µs); None knows no future."""
        event = parse(message)
        if event is MALFORMED:
            self.counters.malformed += 1
            return []
        if not isinstance(event, self._own):  # also what is IGNORED
            return []
        if host_time is not None and event.ts > host_time + FUTURE_US:
            self.counters.future += 1
            return []
        return self.event(event, clock)

    def event(self, event: E, clock: int = 0) -> list[Row]:
        """One valid event of this kind, that came at `clock`."""
        self.counters.events += 1
        self.counters.last_event_ts = event.ts
        rows: list[Row] = []
        if self._is_late(event.ts):
            self._late_run += 1
            if self._late_run < self._session_after:
                self.counters.late += 1
                self._stream.see(event.ts, clock)
                return self._due()
            self.counters.sessions += 1
            rows = self.new_session()
        self._late_run = 0
        self._stream.see(event.ts, clock)
        rows += self._due()
        insert(self._events, event)
        if len(self._events) > self._buffer_events:
            del self._events[0]
            self.counters.dropped += 1
        return rows + self._due()

    def advance(self, clock: int) -> list[Row]:
        """Real time has passed, up to `clock`, and all that came until then has been given."""
        self._clock = max(self._clock, clock)
        return self._due()

    def new_session(self) -> list[Row]:
        """Closes what is open and forgets the time."""
        rows = self.finish()
        self._stream = StreamTime()
        self._late_run = 0
        self._events.clear()
        return rows

    def stream_time(self) -> int | None:
        """The largest `ts` seen plus the real time that has passed since; None before the first event."""
        return self._stream.at(self._clock)

    @abstractmethod
    def _due(self) -> list[Row]:
        """Closes what is due by now."""

    @abstractmethod
    def finish(self) -> list[Row]:
        """What is still open, when no more input comes."""

    @abstractmethod
    def next_due(self) -> int | None:
        """The clock's µs at which something gets due if no event comes; None when nothing is open."""

    @abstractmethod
    def _is_late(self, ts: int) -> bool: ...


class WindowCore(Core[E]):
    """Keystrokes or mouse events to features, by `compute(events, window in µs, the process's dev_mode)`."""

    def __init__(
        self,
        own: tuple[type[E], ...],
        compute: Compute[E],
        timing: Timing,
        min_events: int,
        buffer_events: int,
        dev_mode: bool,
    ) -> None:
        super().__init__(own, session_after=20, buffer_events=buffer_events)
        self._compute: Compute[E] = compute
        self._timing = timing
        self._min_events = min_events
        self._dev_mode = dev_mode
        self._closed: int | None = None  # the last end that is closed; what is closed never opens again

    def _due(self) -> list[Row]:
        stream_time = self.stream_time()
        if stream_time is None:
            return []
        through = self._timing.closed_through(stream_time)
        if self._closed is None:
            self._closed = through
        if through <= self._closed:
            return []
        rows = self._close(self._closed, through)
        self._closed = through
        del self._events[: bisect_right(self._events, self._timing.last_unusable(through), key=ts_of)]
        return rows

    def finish(self) -> list[Row]:
        if self._closed is None or not self._events:
            return []
        return self._close(self._closed, self._timing.last_end(self._events[-1].ts))

    def new_session(self) -> list[Row]:
        rows = super().new_session()
        self._closed = None
        return rows

    def next_due(self) -> int | None:
        if self._closed is None or not self._events:
            return None
        end = max(self._closed + self._timing.interval, self._timing.first_end(self._events[0].ts))
        return self._stream.when(end + self._timing.lateness + 1)

    def _is_late(self, ts: int) -> bool:
        return self._closed is not None and ts <= self._timing.last_unusable(self._closed)

    def _close(self, after: int, through: int) -> list[Row]:
        rows = []
        for end, events in filled_windows(self._events, after, through, self._timing):
            if len(events) < self._min_events:
                self.counters.windows_short += 1
            elif events[-1].ts > end - self._timing.interval:
                rows.append(Row(end, self._compute(events, self._timing.window, self._dev_mode)))
                self.counters.windows += 1
                self.counters.last_window_ts = end
        return rows


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
        due = bisect_right(self._events, self._taken_through, key=ts_of)
        rows = self._take(self._events[:due])
        del self._events[:due]
        return rows

    def finish(self) -> list[Row]:
        rows = self._take(self._events)
        self._events.clear()
        return rows

    def new_session(self) -> list[Row]:
        rows = super().new_session()
        self.tracker.lose()
        self._taken_through = None
        return rows

    def next_due(self) -> int | None:
        if not self._events:
            return None
        return self._stream.when(self._events[0].ts + self._lateness)

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
            "pending": [{"ts": one.ts, "app": one.app, "dev_mode": one.dev_mode} for one in self._events],
            **self.tracker.dump(),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Goes on from what `dump` wrote; KeyError, TypeError or ValueError when it did not."""
        max_ts, through = dumped["max_ts"], dumped["taken_through"]
        if max_ts is not None:
            max_ts, through = int(max_ts), int(through)
        pending = [Focus(int(one["ts"]), bool(one["dev_mode"]), str(one["app"])) for one in dumped["pending"]]
        self.tracker.load(dumped)
        self._events = pending
        if max_ts is not None:
            self._stream.see(max_ts, self._clock)
            self._taken_through = through


def make_core(kind: str, settings: "Settings") -> Core[Any]:
    """The core of `keystroke`, `mouse` or `app`."""
    timing, buffer_events, dev_mode = settings.timing, settings.buffer_events, settings.dev_mode
    if kind == "keystroke":
        return WindowCore((Key,), keystroke.features, timing, settings.min_events, buffer_events, dev_mode)
    if kind == "mouse":
        own = (Move, Button, Scroll)
        return WindowCore(own, mouse.features, timing, settings.min_events, buffer_events, dev_mode)
    return AppCore(timing.lateness, buffer_events, dev_mode)
