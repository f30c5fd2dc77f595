"""Statistics of a list of float64, in the arithmetic order of the contract; of an empty list each is 0.0.

Sums go from left to right, each rounded. Python's own `sum` does that before 3.12, and then compensates rounding.
"""

from collections.abc import Iterable, Sequence
from math import sqrt

SUM_IS_PLAIN = sum([1.0, 1e100, 1.0, -1e100], 0.0) == 0.0


def total(values: Iterable[float]) -> float:
    if SUM_IS_PLAIN:  # a quarter of the time
        return sum(values, 0.0)
    summed = 0.0
    for value in values:
        summed += value
    return summed


def mean(values: Sequence[float]) -> float:
    return total(values) / len(values) if values else 0.0


def mean_magnitude(values: Sequence[float]) -> float:
    return total(map(abs, values)) / len(values) if values else 0.0


def std(values: Sequence[float]) -> float:
    return mean_and_std(values)[1]


def mean_and_std(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the population's standard deviation (ddof 0), in two passes."""
    if not values:
        return 0.0, 0.0
    middle = mean(values)
    squares = 0.0
    for value in values:
        apart = value - middle
        squares += apart * apart
    return middle, sqrt(squares / len(values))


def largest_magnitude(values: Sequence[float]) -> float:
    return max(abs(max(values)), abs(min(values))) if values else 0.0


def median(values: Sequence[float]) -> float:
    return median_of_sorted(sorted(values))


def median_of_sorted(ordered: Sequence[float]) -> float:
    if not ordered:
        return 0.0
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2.0


def quantile_of_sorted(ordered: Sequence[float], q: float) -> float:
    """The `q` quantile (0 to 1) by linear interpolation between the two nearest values."""
    if not ordered:
        return 0.0
    position = q * (len(ordered) - 1)
    below = int(position)
    low = ordered[below]
    if below + 1 == len(ordered):
        return low
    return low + (ordered[below + 1] - low) * (position - below)


def eight(values: Sequence[float], ordered: Sequence[float]) -> tuple[float, ...]:
    """mean, std, min, max, median, q25, q75, range. `ordered` are the same values, sorted."""
    low, high = (ordered[0], ordered[-1]) if ordered else (0.0, 0.0)
    return (
        *mean_and_std(values),
        low,
        high,
        median_of_sorted(ordered),
        quantile_of_sorted(ordered, 0.25),
        quantile_of_sorted(ordered, 0.75),
        high - low,
    )


def autocorrelation(values: Sequence[float]) -> float:
    """The correlation of each value with the next, from -1 to 1; 0.0 when it is undefined."""
    if len(values) < 2:
        return 0.0
    these, following = values[:-1], values[1:]
    mean_of_these, mean_of_following = mean(these), mean(following)
    products = squares_of_these = squares_of_following = 0.0
    for value, next_value in zip(these, following, strict=True):
        x, y = value - mean_of_these, next_value - mean_of_following
        products += x * y
        squares_of_these += x * x
        squares_of_following += y * y
    divisor = sqrt(squares_of_these * squares_of_following)
    return products / divisor if divisor else 0.0
