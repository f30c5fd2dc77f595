"""One event, before it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True, order=True)
class Event:
    """What happened, and how many seconds after the beginning."""

    at: float
    order: int
    fields: Mapping[str, str | int | float] = field(compare=False)


def around(rng: Random, middle: float, spread: float, low: float, high: float) -> float:
    """A duration as people have them: most near the middle, some much longer, none outside the bounds."""
    return min(max(middle * rng.lognormvariate(0.0, spread), low), high)
