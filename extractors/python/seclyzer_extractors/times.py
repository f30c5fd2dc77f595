"""What took how long, for windows that slide over it: columns that grow at one end and are cut at the other. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from math import log

from .classes import CLASSES
from .runs import Runs

MAX_DWELL_US = 1_000_000


class Times(Runs):
    """What took how long, in ms, in the order in which it ended, which is that in which it began."""

    def __init__(self) -> None:
        super().__init__()
        self._began: list[int] = []

    def add_each(self, began: Sequence[int], ms: Sequence[float]) -> None:
        """What comes after those it has: when each began, and how long it took."""
        self._began += began
        self.add(ms)

    def forget_before(self, first: int) -> int:
        """Lets go of what began before `first`; how many there were."""
        gone = bisect_left(self._began, first)
        del self._began[:gone]
        self.forget(gone)
        return gone


def both(first: int, then: int) -> int:
    """Two classes as one number."""
    return first * len(CLASSES) + then


class ShortGaps(Times):
    """From one press to the next of a person who types on, in ms, also by the classes of the two keys."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[float] = []  # their natural logarithms
        self.of: list[list[float]] = [[] for _ in range(len(CLASSES) ** 2)]  # the same, by `both` classes
        self._classes = bytearray()

    def add_between(self, began: Sequence[int], ms: Sequence[float], classes: bytearray) -> None:
        """As `add_each`, with both keys' classes."""
        self.add_each(began, ms)
        self.logs += map(log, ms)
        self._classes += classes
        for place, took in zip(classes, ms, strict=True):
            self.of[place].append(took)

    def forget_before(self, first: int) -> int:
        gone = super().forget_before(first)
        for place in self._classes[:gone]:
            del self.of[place][0]
        del self.logs[:gone], self._classes[:gone]
        return gone


class Dwells(Runs):
    """How long keys were down, in ms, in the order in which they came up; they may have gone down in another one."""

    def __init__(self) -> None:
        super().__init__()
        self.of: list[list[float]] = [[] for _ in CLASSES]  # the same, by the key's class
        self.overlaps: list[float] = []  # how long another key, pressed last, was down too, ms; 0.0 if there is none
        self._began: list[int] = []
        self._ended: list[int] = []
        self._classes = bytearray()

    def add_each(
        self,
        began: Sequence[int],
        ended: Sequence[int],
        ms: Sequence[float],
        classes: bytearray,
        overlaps: Sequence[float],
    ) -> None:
        """What comes after those it has: when each began and ended, how long it took, its key's class, its overlap."""
        self._began += began
        self._ended += ended
        self._classes += classes
        self.overlaps += overlaps
        self.add(ms)
        for one, took in zip(classes, ms, strict=True):
            self.of[one].append(took)

    def forget_before(self, first: int) -> None:
        """Lets go of what began before `first`."""
        gone = bisect_left(self._ended, first)
        for one in self._classes[:gone]:
            del self.of[one][0]
        del self._began[:gone], self._ended[:gone], self._classes[:gone], self.overlaps[:gone]
        self.forget(gone)
        near = bisect_left(self._ended, first + MAX_DWELL_US)  # no dwell is as long as that
        for place in reversed([place for place, began in enumerate(self._began[:near]) if began < first]):
            one = self._classes[place]
            del self.of[one][self._classes.count(one, 0, place)]
            del self._began[place], self._ended[place], self._classes[place], self.overlaps[place]
            self.forget_one(place)
