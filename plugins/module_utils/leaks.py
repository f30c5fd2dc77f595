"""Whether a unit's memory grows steadily towards its limit. Pure."""

from __future__ import annotations

from collections.abc import Sequence

SPAN, LEAST, SHARE, AHEAD = 25.0, 2 << 20, 0.04, 3600.0
"""A leak: seconds of growth, the least in bytes and as a share of the limit, and how soon it reaches the limit."""


def leak(samples: Sequence[tuple[float, int]], limit: int) -> float:
    """In how many seconds steady growth reaches the limit; 0 when it is none, is small, flattens or takes for long."""
    if len(samples) < 10 or samples[-1][0] - samples[0][0] < SPAN:
        return 0.0
    middle = len(samples) // 2
    speed, first, second = slope(samples), slope(samples[:middle]), slope(samples[middle:])
    grown = speed * (samples[-1][0] - samples[0][0])
    if grown < max(LEAST, SHARE * limit) or min(first, second) <= 0 or second < 0.6 * first:
        return 0.0
    seconds = max(limit - samples[-1][1], 1) / speed
    return seconds if seconds <= AHEAD else 0.0


def slope(samples: Sequence[tuple[float, int]]) -> float:
    """Bytes per second, by least squares."""
    count = len(samples)
    mean_at = sum(at for at, _ in samples) / count
    mean = sum(used for _, used in samples) / count
    spread = sum((at - mean_at) ** 2 for at, _ in samples)
    return sum((at - mean_at) * (used - mean) for at, used in samples) / spread if spread else 0.0
