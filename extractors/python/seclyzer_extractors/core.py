"""What the operators of all kinds share: sessions, late events, counters, stream time.

`(state, event or clock) -> (state, rows)`; operators know no Redis and no thread. `clock` is the µs of a clock that
counts real time while the extractor has read all there was; in a replay it stands at 0.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from .buffer import Buffer
from .counters import Counters
from .event import MALFORMED, MAX_TS, Event, parse
from .features import Value
from .plausible import earliest, latest
from .window import StreamTime

TOGETHER = 512  # events that are taken together at most

E = TypeVar("E", bound=Event)


class Row(NamedTuple):
    """Features at their window's end, or a transition at its time (µs); `values` in the schema's order."""

    ts: int
    values: tuple[Value, ...]


class Operator(ABC, Generic[E]):
    """What is common to all kinds; subclasses make rows of the events it holds, and read `held`, `stream`, `clock`."""

    def __init__(self, own: tuple[type[E], ...], session_after: int, buffer_events: int, idle_timeout: int) -> None:
        self.counters = Counters()
        self.ancient_ts = 0  # the `ts` of the last event that was too long before the host's clock
        self._own = own  # the types of this extractor's events
        self._session_after = session_after  # the late event in a row that starts a new session
        self._late_run = 0
        self._idle_timeout = idle_timeout  # µs
        self.stream = StreamTime(idle_timeout)
        self.clock = 0  # as of what real time has been counted
        self.held: Buffer[E] = Buffer(buffer_events)  # the events that are still needed
        self._quiet_after, self._quiet_until = 0, -1

    def takes(self, event: object) -> bool:
        """Whether an event is of this extractor's own kind."""
        return isinstance(event, self._own)

    def messages(self, messages: Iterable[bytes], clock: int = 0, host_time: int | None = None) -> Iterator[list[Row]]:
        """Messages as they came at `clock`; the rows of each that made some or began a session.

        `host_time` is the host's clock (µs); None believes every time. Most events come in order and nothing gets due
        by them: those are taken together.
        """
        first, last = (0, MAX_TS) if host_time is None else (earliest(host_time), latest(host_time))
        together: list[E] = []
        after, until = self._quiet(clock, first, last)
        for message in messages:
            event = parse(message)
            if not isinstance(event, self._own):
                if event is MALFORMED:
                    self.counters.malformed += 1
            elif after <= event.ts <= until:
                together.append(event)
                after = event.ts
                if len(together) == TOGETHER:
                    self._take_together(together, clock)
                    together = []
            elif event.ts > last:
                self.counters.future += 1
            elif event.ts < first:
                self.counters.ancient += 1
                self.ancient_ts = event.ts
            else:
                self._take_together(together, clock)
                together = []
                sessions = self.counters.sessions
                rows = self.event(event, clock)
                if rows or self.counters.sessions > sessions:
                    yield rows
                after, until = self._quiet(clock, first, last)
        self._take_together(together, clock)

    def _nothing_due_between(self, after: int, until: int) -> None:
        """An event with a `ts` after the first and up to the second is not late and makes nothing due."""
        self._quiet_after, self._quiet_until = after, until

    def _quiet(self, clock: int, first: int, last: int) -> tuple[int, int]:
        """The first and the last `ts` with which an event is the newest, is believed, and nothing gets due by it."""
        after = max(self._quiet_after + 1, self.held.last_ts(), first)
        return after, min(self._quiet_until, last) if clock >= self.clock else -1

    def _take_together(self, events: list[E], clock: int) -> None:
        """Such events, in order."""
        if events:
            newest = events[-1].ts
            self.counters.events += len(events)
            self.counters.last_event_ts = newest
            self._late_run = 0
            self.stream.see(newest, clock)
            self._kept(events[0].ts, self.held.extend(events))

    def event(self, event: E, clock: int = 0) -> list[Row]:
        """One valid event of this kind, that came at `clock`."""
        ts = event.ts
        self.counters.events += 1
        self.counters.last_event_ts = ts
        rows: list[Row] = []
        if self._is_late(ts):
            self._late_run = self._late_run + 1 if self._is_set_back(ts) else 0
            if self._late_run < self._session_after:
                self.counters.late += 1
                self.stream.see(ts, clock)
                return self._due()
            self.counters.sessions += 1
            rows = self.new_session()
        self._late_run = 0
        self.counters.behind += self._is_behind(ts)
        self.stream.see(ts, clock)
        rows += self._due()
        self._kept(ts, self.held.insert(event))
        return rows + self._due()

    def _kept(self, first: int, dropped: int) -> None:
        """Events from the `ts` `first` on are held now, and so many had to go for them."""
        self.counters.dropped += dropped

    def advance(self, clock: int) -> list[Row]:
        """Real time has passed, up to `clock`, and every event that came until then has been taken."""
        self.clock = max(self.clock, clock)
        return self._due()

    def new_session(self) -> list[Row]:
        """Closes what is open and forgets the time."""
        rows = self.finish()
        self.stream = StreamTime(self._idle_timeout)
        self._late_run = 0
        self._quiet_until = -1
        self.held.clear()
        return rows

    def stream_time(self) -> int | None:
        """As of what real time has been counted; None before the first event."""
        return self.stream.at(self.clock)

    def due_at(self, ts: int) -> int:
        """The clock's µs at which the row of this `ts` was due, if real time has made it so."""
        due = self.stream.when(self._due_time(ts))
        return self.clock if due is None else due

    @abstractmethod
    def _due_time(self, ts: int) -> int:
        """The stream time at which the row of this `ts` is due."""

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
    def due_by_event(self) -> int | None:
        """The clock's µs from which on the next event makes something due, if it does not lag; None as before."""

    @abstractmethod
    def _is_late(self, ts: int) -> bool:
        """Whether it is of no use any more."""

    def _is_set_back(self, ts: int) -> bool:
        """Whether an event that is late may tell of a clock that was set back, and not of a producer that lags."""
        return True

    def _is_behind(self, ts: int) -> bool:
        """Whether an event that is not late missed something that is closed."""
        return False
