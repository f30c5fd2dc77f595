"""The value of a histogram: how many were how large. Values only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distribution:
    """`counts` has for each bound how many were at most that and more than the one before, and last the rest."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float

    def __post_init__(self) -> None:
        """Refuse what no scraper could read."""
        rising = all(lower < upper for lower, upper in zip(self.bounds, self.bounds[1:], strict=False))
        if not self.bounds or not rising or len(self.counts) != len(self.bounds) + 1:
            raise ValueError("the buckets of a histogram do not rise, or one has no count")
        if min(self.counts) < 0 or not 0 <= self.total < math.inf:
            raise ValueError("a histogram counts down, or its sum is no number")

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.counts)

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Each bound and how many were at most that; the last is infinite."""
        up_to = 0
        for bound, count in zip((*self.bounds, math.inf), self.counts, strict=True):
            up_to += count
            yield bound, up_to
