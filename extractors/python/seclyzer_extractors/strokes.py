"""What the events of the keyboard end, worked out once. Pure.

Windows overlap: an event is in six of them. So how long a key was down, and so on, is worked out when the event is
added, not for every window. In a window all keys are up at first: what began before it does not count there. Only a key
that was held down when the window began is another matter: its first auto-repeat in the window is a press there, and
the window is to be worked out by itself.
"""

from bisect import bisect_left
from collections.abc import Sequence

from .classes import CLASSES, class_of
from .event import Key
from .times import MAX_DWELL_US, Dwells, ShortGaps, Times, both

REPEAT_US = 1_000_000  # a press of a key that is down is auto-repeat within this time of its last one
MAX_FLIGHT_US = 2_000_000
MAX_DIGRAPH_US = 2_000_000
MAX_TRIGRAPH_US = 2_000_000
MAX_GAP_US = 5_000_000
MAX_SHORT_GAP_US = 1_500_000
LONG_AGO = -MAX_GAP_US  # before any time that counts
_FIRSTS = [both(first, 0) for first in range(len(CLASSES))]


class Strokes:
    """All that the events of a window end, by kind and in their order."""

    def __init__(self) -> None:
        self._repeats: list[tuple[int, int]] = []  # from a key's press to each auto-repeat
        self.dwells = Dwells()  # from a key's press to its release
        self.flights = Times()  # from the last release to a press
        self.gaps = Times()  # from one press to the next
        self.gaps_of_pair: list[list[float]] = []  # for each gap those of its pair of keys; none if it is no digraph
        self._gaps_of: dict[tuple[str, str], list[float]] = {}  # of each pair: the same lists
        self.short_gaps = ShortGaps()
        self.trigraphs = Times()  # from a press to the next but one
        self.pressed: list[int] = []  # ts of each press
        self.classes = bytearray()  # of each press
        self.rolled = bytearray()  # of each press: 1 if the key pressed before was still down
        self.dev_mode_at = LONG_AGO  # ts of the last event in developer mode
        self._down_since: dict[str, int] = {}  # the keys that are down
        self._repeated_at: dict[str, int] = {}  # each key's last repeat
        self._released_at = self._pressed_at = self._pressed_before = LONG_AGO  # the last press, and the one before
        self._key = ""  # pressed last

    def is_cut(self, first: int) -> bool:
        """Whether a key that repeats was held down from before `first` on."""
        return any(began < first for began, _ in self._repeats)

    def names_known(self) -> int:
        """How many keys, and pairs of them, are remembered."""
        return len(self._gaps_of) + len(self._down_since) + len(self._repeated_at)

    def forget(self, first: int) -> None:
        """Lets go of what began before `first`."""
        self.dwells.forget_before(first)
        self._repeats = [took for took in self._repeats if took[1] >= first]
        self.flights.forget_before(first)
        gone = self.gaps.forget_before(first)
        for same in self.gaps_of_pair[:gone]:
            if same:
                del same[0]
        del self.gaps_of_pair[:gone]
        self.short_gaps.forget_before(first)
        self.trigraphs.forget_before(first)
        gone = bisect_left(self.pressed, first)
        del self.pressed[:gone], self.classes[:gone], self.rolled[:gone]

    def add(self, events: Sequence[Key]) -> None:
        """Events that come after those it has."""
        dwell_began: list[int] = []
        dwell_ended: list[int] = []
        dwells: list[float] = []
        classes = bytearray()
        overlaps: list[float] = []
        flight_began: list[int] = []
        flights: list[float] = []
        presses: list[tuple[int, str]] = []
        down_since, repeated_at, released_at = self._down_since, self._repeated_at, self._released_at
        last_press, last_key = self._pressed_at, self._key
        for event in events:
            ts, key = event.ts, event.key
            if event.dev_mode:
                self.dev_mode_at = ts
            if not event.pressed:
                released_at = ts
                pressed_at = down_since.pop(key, LONG_AGO)
                if 0 < ts - pressed_at < MAX_DWELL_US:
                    dwell_began.append(pressed_at)
                    dwell_ended.append(ts)
                    dwells.append((ts - pressed_at) / 1000)
                    classes.append(class_of(key))
                    overlaps.append(0.0 if key == last_key else (ts - last_press) / 1000)
            elif key in down_since and ts - max(down_since[key], repeated_at.get(key, LONG_AGO)) < REPEAT_US:
                repeated_at[key] = ts
                self._repeats.append((down_since[key], ts))
            else:
                self.rolled.append(key != last_key and last_key in down_since)
                down_since[key] = ts
                presses.append((ts, key))
                last_press, last_key = ts, key
                if 0 < ts - released_at < MAX_FLIGHT_US:
                    flight_began.append(released_at)
                    flights.append((ts - released_at) / 1000)
        self._released_at = released_at
        self.dwells.add_each(dwell_began, dwell_ended, dwells, classes, overlaps)
        self.flights.add_each(flight_began, flights)
        self._add_presses(presses)

    def _add_presses(self, presses: Sequence[tuple[int, str]]) -> None:
        began: list[int] = []
        gaps: list[float] = []
        short_began: list[int] = []
        short_gaps: list[float] = []
        short_classes = bytearray()
        trigraph_began: list[int] = []
        trigraphs: list[float] = []
        last, last_key, gaps_of = self._pressed_at, self._key, self._gaps_of
        before, last_class, firsts = self._pressed_before, class_of(self._key), _FIRSTS
        for ts, key in presses:
            key_class = class_of(key)
            self.classes.append(key_class)
            if 0 < ts - before < MAX_TRIGRAPH_US:
                trigraph_began.append(before)
                trigraphs.append((ts - before) / 1000)
            if 0 < ts - last < MAX_GAP_US:
                ms = (ts - last) / 1000
                began.append(last)
                gaps.append(ms)
                if ts - last < MAX_SHORT_GAP_US:
                    short_began.append(last)
                    short_gaps.append(ms)
                    short_classes.append(firsts[last_class] + key_class)
                same: list[float] = []
                if ts - last < MAX_DIGRAPH_US:
                    same = gaps_of.setdefault((last_key, key), same)
                    same.append(ms)
                self.gaps_of_pair.append(same)
            before, last, last_key, last_class = last, ts, key, key_class
        self._pressed_before, self._pressed_at, self._key = before, last, last_key
        self.gaps.add_each(began, gaps)
        self.short_gaps.add_between(short_began, short_gaps, short_classes)
        self.trigraphs.add_each(trigraph_began, trigraphs)
        self.pressed += [ts for ts, _ in presses]
