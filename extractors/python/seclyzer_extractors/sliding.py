"""Windows that slide over events: what a window has in common with the last one."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from .event import Event
from .window import ts_of

E = TypeVar("E", bound=Event)


class Common(NamedTuple):
    """The last window's events from `start` to `stop` are those with which the new one begins."""

    start: int
    stop: int


def common(known: Sequence[E], events: Sequence[E]) -> Common:
    """What a window of `events` has in common with the last one, of `known`.

    If the first is the same, `events` has all that were known, each once, and may have new ones among them. So from
    the first place on where they differ they do at every place, and halving finds it.
    """
    start = bisect_left(known, events[0].ts, key=ts_of) if events else len(known)
    count = min(len(known) - start, len(events))
    if count == 0 or known[start] is not events[0]:
        return Common(start, start)
    return Common(start, start + bisect_left(range(count), True, key=lambda k: known[start + k] is not events[k]))
