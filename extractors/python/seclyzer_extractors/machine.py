"""What the state machines of all kinds have in common: counting, lateness, and a clock that is set back.

`(state, event or clock) -> (state, rows)`; they know no Redis, no thread. `clock` is the µs of a clock that counts
real time while the extractor has read all there was; in a replay it stands at 0.
"""

from abc import ABC, abstractmethod
from typing import Generic, NamedTuple, TypeVar

from .buffer import Buffer
from .counters import Counters
from .event import MALFORMED, Event, parse
from .window import StreamTime

FUTURE_US = 5_000_000  # how far ahead of the host's clock an event may be

E = TypeVar("E", bound=Event)
Value = float | int | bool | str


class Row(NamedTuple):
    """Features at their window's end, or a transition at its time (µs); `values` in the schema's order."""

    ts: int
    values: tuple[Value, ...]


class Core(ABC, Generic[E]):
    """The state machine of one kind of extractor, but for what it makes of the events it keeps."""

    def __init__(self, own: tuple[type[E], ...], session_after: int, buffer_events: int) -> None:
        self.counters = Counters()
        self._own = own  # the types of this extractor's events
        self._session_after = session_after  # the late event in a row that starts a new session
        self._late_run = 0
        self._stream = StreamTime()
        self._clock = 0
        self._events: Buffer[E] = Buffer(buffer_events)  # what is still needed
        # An event with a `ts` after the first and up to the second is not late, and nothing gets due by it.
        self._quiet_after, self._quiet_until = 0, -1

    def message(self, message: bytes, clock: int = 0, host_time: int | None = None) -> list[Row]:
        """One message as it came at `clock`. `host_time` is the host's clock (µs); None knows no future."""
        event = parse(message)
        if not isinstance(event, self._own):
            if event is MALFORMED:
                self.counters.malformed += 1
            return []
        if host_time is not None and event.ts > host_time + FUTURE_US:
            self.counters.future += 1
            return []
        return self.event(event, clock)

    def event(self, event: E, clock: int = 0) -> list[Row]:
        """One valid event of this kind, that came at `clock`."""
        ts = event.ts
        self.counters.events += 1
        self.counters.last_event_ts = ts
        if self._quiet_after < ts <= self._quiet_until and clock >= self._clock:  # most events: the short way
            self._late_run = 0
            self._stream.see(ts, clock)
            self._keep(event)
            return []
        rows: list[Row] = []
        if self._is_late(ts):
            self._late_run += 1
            if self._late_run < self._session_after:
                self.counters.late += 1
                self._stream.see(ts, clock)
                return self._due()
            self.counters.sessions += 1
            rows = self.new_session()
        self._late_run = 0
        self._stream.see(ts, clock)
        rows += self._due()
        self._keep(event)
        return rows + self._due()

    def _keep(self, event: E) -> None:
        self.counters.dropped += self._events.insert(event)

    def advance(self, clock: int) -> list[Row]:
        """Real time has passed, up to `clock`, and all that came until then has been given."""
        self._clock = max(self._clock, clock)
        return self._due()

    def new_session(self) -> list[Row]:
        """Closes what is open and forgets the time."""
        rows = self.finish()
        self._stream = StreamTime()
        self._late_run = 0
        self._quiet_until = -1
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
