"""Statistics of a list, contract section 3: plain loops, two passes, 0.0 for the empty list."""

from __future__ import annotations

import math


def total(values: list[float]) -> float:
    result = 0.0
    for value in values:
        result = result + value
    return result


def mean(values: list[float]) -> float:
    return total(values) / len(values) if values else 0.0


def std(values: list[float]) -> float:
    centre = mean(values)
    return math.sqrt(mean([(value - centre) * (value - centre) for value in values]))


def quantile(values: list[float], share: float) -> float:
    """Linear interpolation between the two nearest of the sorted values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(values: list[float]) -> float:
    if not values:
        return 0.0
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2.0


def largest(values: list[float]) -> float:
    return max(values) if values else 0.0


def smallest(values: list[float]) -> float:
    return min(values) if values else 0.0


def eight(name: str, values: list[float]) -> dict[str, float]:
    """The eight statistics of dwell and flight, in the contract's order."""
    return {
        f"{name}_mean": mean(values),
        f"{name}_std": std(values),
        f"{name}_min": smallest(values),
        f"{name}_max": largest(values),
        f"{name}_median": median(values),
        f"{name}_q25": quantile(values, 0.25),
        f"{name}_q75": quantile(values, 0.75),
        f"{name}_range": largest(values) - smallest(values),
    }
