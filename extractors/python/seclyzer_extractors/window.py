"""Stream time, and which windows are due: pure functions of times. All times are integer µs.

Windows end at every multiple of `interval` of Unix time and cover `(end - window, end]`.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

from .event import Event

E = TypeVar("E", bound=Event)
ts_of: Callable[[Event], int] = attrgetter("ts")


@dataclass(frozen=True, slots=True)
class Timing:
    """How windows lie in time, in µs; 0 < interval <= window, which need not divide; the others are 0 or more."""

    interval: int
    window: int
    lateness: int
    idle_timeout: int = 0  # how long no event with a larger `ts` may come before real time moves stream time

    def first_end(self, ts: int) -> int:
        """The end of the first window that `ts` is in."""
        return -(-ts // self.interval) * self.interval

    def last_end(self, ts: int) -> int:
        """The end of the last window that `ts` is in."""
        return (ts + self.window - 1) // self.interval * self.interval

    def closed_through(self, stream_time: int) -> int:
        """The last end that is closed: stream time is more than `lateness` past it."""
        return (stream_time - self.lateness - 1) // self.interval * self.interval

    def last_unusable(self, closed: int) -> int:
        """The largest `ts` that is in no window after `closed`: up to it, events fit closed windows only."""
        return closed + self.interval - self.window


class StreamTime:
    """The largest `ts` seen plus the real time that a clock (in µs) has counted since, less the idle timeout.

    So while events come, only their own times move it: a producer that lags makes nothing late.
    """

    __slots__ = ("_idle_timeout", "max_ts", "seen_at")

    def __init__(self, idle_timeout: int) -> None:
        self.max_ts: int | None = None
        self.seen_at = 0
        self._idle_timeout = idle_timeout

    def see(self, ts: int, clock: int) -> None:
        """An event of `ts` came."""
        if self.max_ts is None or ts > self.max_ts:
            self.max_ts = ts
            self.seen_at = clock

    def at(self, clock: int) -> int | None:
        """Stream time; None before the first event."""
        if self.max_ts is None:
            return None
        return self.max_ts + max(0, clock - self.seen_at - self._idle_timeout)

    def when(self, stream_time: int) -> int | None:
        """The clock's µs at which stream time gets to `stream_time` if no event comes."""
        if self.max_ts is None or stream_time <= self.max_ts:
            return self.soon(stream_time)
        return self.seen_at + self._idle_timeout + stream_time - self.max_ts

    def soon(self, stream_time: int) -> int | None:
        """The clock's µs from which on an event of this `ts` may come, if none lags behind the last one."""
        if self.max_ts is None:
            return None
        return self.seen_at + stream_time - self.max_ts


def filled_windows(events: Sequence[E], after: int, through: int, timing: Timing) -> Iterator[tuple[int, Sequence[E]]]:
    """Every window with `after` < end <= `through` that holds events: (end, its events), earlier ones first.

    Empty windows are passed over, not walked one by one.
    """
    end = after + timing.interval
    while end <= through:
        stop = bisect_right(events, end, key=ts_of)
        start = bisect_right(events, end - timing.window, hi=stop, key=ts_of)
        if start < stop:
            yield end, events[start:stop]
            end += timing.interval
        elif stop < len(events):
            end = timing.first_end(events[stop].ts)
        else:
            return
