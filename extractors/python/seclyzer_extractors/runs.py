"""Numbers of a window that slides, and what their order shows. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain


class Runs:
    """Numbers in their order of arrival. What was added together is also kept sorted: a run."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self._runs: list[list[float]] = []

    def add(self, values: Sequence[float]) -> None:
        """What comes after those it has."""
        self.values += values
        self._runs.append(sorted(values))

    def forget(self, count: int) -> None:
        """Lets go of the first `count`."""
        gone = self.values[:count]
        del self.values[:count]
        start = 0
        while self._runs and len(self._runs[0]) <= count - start:
            start += len(self._runs.pop(0))
        for value in gone[start:]:
            _take_out(self._runs[0], value)

    def forget_one(self, place: int) -> None:
        """Lets go of that one."""
        value = self.values.pop(place)
        for run in self._runs:
            if place < len(run):
                _take_out(run, value)
                return
            place -= len(run)

    def ordered(self) -> list[float]:
        """All of them, sorted: to merge what is sorted takes half of the time."""
        return sorted(chain.from_iterable(self._runs))

    def largest(self) -> float:
        """0.0 of none."""
        return max((run[-1] for run in self._runs if run), default=0.0)

    def median(self) -> float:
        """0.0 of none. It lies between the least and the largest median of the runs: only those there are looked at."""
        runs = [run for run in self._runs if run]
        if not runs:
            return 0.0
        low = min([run[(len(run) - 1) // 2] for run in runs])
        high = max([run[len(run) // 2] for run in runs])
        starts = [bisect_left(run, low) for run in runs]
        between = [run[start : bisect_right(run, high)] for run, start in zip(runs, starts, strict=True)]
        middle = sorted(chain.from_iterable(between))
        half, is_odd = divmod(len(self.values), 2)
        half -= sum(starts)
        return middle[half] if is_odd else (middle[half - 1] + middle[half]) / 2.0


def _take_out(run: list[float], value: float) -> None:
    del run[bisect_left(run, value)]
