"""What the events of the keyboard end, worked out once. Pure.

Windows overlap: an event is in six of them. So how long a key was down, and so on, is worked out when the event is
added, not for every window. In a window all keys are up at first: what began before it does not count there. Only a key
that was held down when the window began is another matter: its first auto-repeat in the window is a press there, and
the window is to be worked out by itself.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain

from .event import Key

REPEAT_US = 1_000_000  # a press of a key that is down is auto-repeat within this time of its last one
MAX_DWELL_US = 1_000_000
MAX_FLIGHT_US = 2_000_000
MAX_DIGRAPH_US = 2_000_000
MAX_GAP_US = 5_000_000
LONG_AGO = -MAX_GAP_US  # before any time that counts

Took = tuple[int, int]  # ts of its beginning and of its end


class Times:
    """What took how long, in the order in which it ended, which is that in which it began."""

    def __init__(self) -> None:
        self._began: list[int] = []
        self.ms: list[float] = []
        self._runs: list[list[float]] = []  # the same times: what was added together is sorted

    def add(self, took: Sequence[Took]) -> None:
        """What comes after it."""
        self._began += [began for began, _ in took]
        ms = [(ended - began) / 1000 for began, ended in took]
        self.ms += ms
        self._runs.append(sorted(ms))

    def forget(self, first: int) -> int:
        """Lets go of what began before `first`; how many there were."""
        gone = bisect_left(self._began, first)
        self._let_go(gone)
        return gone

    def ordered(self) -> list[float]:
        """All times, sorted: to merge what is sorted takes half of the time."""
        return sorted(chain.from_iterable(self._runs))

    def _let_go(self, gone: int) -> None:
        del self._began[:gone]
        del self.ms[:gone]
        while self._runs and gone >= len(self._runs[0]):
            gone -= len(self._runs.pop(0))
        if gone:
            self._runs[0] = sorted(self.ms[: len(self._runs[0]) - gone])


class Dwells(Times):
    """Keys that were down, in the order in which they came up; they may have gone down in another one."""

    def __init__(self) -> None:
        super().__init__()
        self._ended: list[int] = []

    def add(self, took: Sequence[Took]) -> None:
        super().add(took)
        self._ended += [ended for _, ended in took]

    def forget(self, first: int) -> int:
        gone = bisect_left(self._ended, first)
        self._let_go(gone)
        del self._ended[:gone]
        near = bisect_left(self._ended, first + MAX_DWELL_US)  # no dwell is as long as that
        before = [place for place, began in enumerate(self._began[:near]) if began < first]
        for place in reversed(before):
            self._let_go_of(place)
        return gone + len(before)

    def _let_go_of(self, place: int) -> None:
        ms = self.ms.pop(place)
        del self._began[place], self._ended[place]
        for run in self._runs:
            if place < len(run):
                del run[bisect_left(run, ms)]
                return
            place -= len(run)


class Strokes:
    """All that the events of a window end, by kind and in their order."""

    def __init__(self) -> None:
        self._repeats: list[Took] = []  # from a key's press to each auto-repeat
        self.dwells = Dwells()  # from a key's press to its release
        self.flights = Times()  # from the last release to a press
        self.gaps = Times()  # from one press to the next
        self.pairs: list[int | None] = []  # the number of the pair of keys of each gap; None if it is no digraph
        self._numbers: dict[tuple[str, str], int] = {}
        self.pressed: list[int] = []  # ts of each press
        self.deleting = bytearray()  # 1 for each of them that deletes
        self.dev_mode_at = LONG_AGO  # ts of the last event in developer mode
        self._down_since: dict[str, int] = {}  # the keys that are down
        self._repeated_at: dict[str, int] = {}  # each key's last repeat
        self._released_at = self._pressed_at = LONG_AGO
        self._key = ""  # pressed last

    def is_cut(self, first: int) -> bool:
        """Whether a key that repeats was held down from before `first` on."""
        return any(began < first for began, _ in self._repeats)

    def names_known(self) -> int:
        """How many keys, and pairs of them, are remembered."""
        return len(self._numbers) + len(self._down_since) + len(self._repeated_at)

    def forget(self, first: int) -> None:
        """Lets go of what began before `first`."""
        self.dwells.forget(first)
        self._repeats = [took for took in self._repeats if took[1] >= first]
        self.flights.forget(first)
        del self.pairs[: self.gaps.forget(first)]
        gone = bisect_left(self.pressed, first)
        del self.pressed[:gone]
        del self.deleting[:gone]

    def add(self, events: Sequence[Key]) -> None:
        """Events that come after those it has."""
        dwells: list[Took] = []
        flights: list[Took] = []
        presses: list[tuple[int, str]] = []
        down_since, repeated_at, released_at = self._down_since, self._repeated_at, self._released_at
        for event in events:
            ts, key = event.ts, event.key
            if event.dev_mode:
                self.dev_mode_at = ts
            if not event.pressed:
                released_at = ts
                pressed_at = down_since.pop(key, LONG_AGO)
                if 0 < ts - pressed_at < MAX_DWELL_US:
                    dwells.append((pressed_at, ts))
            elif key in down_since and ts - max(down_since[key], repeated_at.get(key, LONG_AGO)) < REPEAT_US:
                repeated_at[key] = ts
                self._repeats.append((down_since[key], ts))
            else:
                down_since[key] = ts
                presses.append((ts, key))
                if 0 < ts - released_at < MAX_FLIGHT_US:
                    flights.append((released_at, ts))
        self._released_at = released_at
        self.dwells.add(dwells)
        self.flights.add(flights)
        self._add_presses(presses)

    def _add_presses(self, presses: Sequence[tuple[int, str]]) -> None:
        gaps: list[Took] = []
        last, last_key, numbers = self._pressed_at, self._key, self._numbers
        for ts, key in presses:
            if 0 < ts - last < MAX_GAP_US:
                gaps.append((last, ts))
                is_digraph = ts - last < MAX_DIGRAPH_US
                self.pairs.append(numbers.setdefault((last_key, key), len(numbers)) if is_digraph else None)
            last, last_key = ts, key
        self._pressed_at, self._key = last, last_key
        self.gaps.add(gaps)
        self.pressed += [ts for ts, _ in presses]
        self.deleting += bytes(["Backspace" in key or "Delete" in key for _, key in presses])
