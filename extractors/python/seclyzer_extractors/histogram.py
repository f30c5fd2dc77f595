"""How often something took how long, by the bounds of `stats.json`."""

from bisect import bisect_left

from . import schema

BOUNDS_US: tuple[int, ...] = tuple(schema.document("stats")["bounds_us"])


class Histogram:
    """For one thread; `str` may be asked by any."""

    __slots__ = ("_counts", "_sum_us")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_US) + 1)  # the last is of what is beyond all bounds
        self._sum_us = 0

    def observe(self, us: int) -> None:
        """Once more, and it took so many µs; less than 0 is 0."""
        took = max(0, us)
        self._counts[bisect_left(BOUNDS_US, took)] += 1
        self._sum_us += took

    def __str__(self) -> str:
        """As the stats hash has it."""
        return " ".join(map(str, (*self._counts, self._sum_us)))
