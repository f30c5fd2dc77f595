"""Events in order of (`ts`, arrival), bounded."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Generic, TypeVar

from .event import Event
from .window import ts_of

E = TypeVar("E", bound=Event)


class Buffer(Generic[E]):
    """Holds at most `limit` events; above that the smallest (`ts`, arrival) goes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: list[E] = []
        self._gone = 0  # how many at the front went already; they are taken out together, since that moves all others

    def insert(self, event: E) -> bool:
        """Puts an event behind all that are not later. Whether one was dropped for it, possibly this one."""
        events = self._events
        if not events or event.ts >= events[-1].ts:
            events.append(event)
        else:
            events.insert(bisect_right(events, event.ts, key=ts_of), event)
        return self._let_go() > 0

    def extend(self, events: Sequence[E]) -> int:
        """Puts events that are in order behind all others, none of which is later. How many had to go for them."""
        self._events += events
        return self._let_go()

    def last_ts(self) -> int:
        """The largest `ts`; 0 when it is empty."""
        return self._events[-1].ts if self._events else 0

    def _let_go(self) -> int:
        surplus = len(self._events) - self._gone - self._limit
        if surplus <= 0:
            return 0
        self._gone += surplus
        if self._gone > self._limit // 8:
            self.all()
        return surplus

    def all(self) -> list[E]:
        """The events, in order; for reading."""
        if self._gone:
            del self._events[: self._gone]
            self._gone = 0
        return self._events

    def take(self, ts: int) -> list[E]:
        """Takes out the events at or before `ts`."""
        events = self.all()
        count = bisect_right(events, ts, key=ts_of)
        taken = events[:count]
        del events[:count]
        return taken

    def clear(self) -> None:
        """Lets go of all events."""
        self._events.clear()
        self._gone = 0
