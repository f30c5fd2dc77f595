"""Statistics against exact rational arithmetic, and the arithmetic order that both implementations share."""

import functools
import operator
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors import stats


def eight(values: list[float]) -> tuple[float, ...]:
    return stats.eight(values, sorted(values))


lists = st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=1, max_size=60)


def test_of_an_empty_list_every_statistic_is_zero() -> None:
    assert eight([]) == (0.0,) * 8
    assert [stats.mean([]), stats.std([]), stats.median([])] == [0.0] * 3


def test_of_one_value() -> None:
    assert eight([7.0]) == (7.0, 0.0, 7.0, 7.0, 7.0, 7.0, 7.0, 0.0)


def test_quartiles_interpolate_between_neighbours() -> None:
    assert eight([4.0, 1.0, 3.0, 2.0]) == (2.5, 1.25**0.5, 1.0, 4.0, 2.5, 1.75, 3.25, 3.0)


def test_sums_go_from_left_to_right_without_compensation() -> None:
    assert stats.mean([1e16, 1.0, -1e16, 1.0]) == 0.25


@given(lists)
def test_a_sum_is_the_same_with_and_without_the_sum_of_this_python(values: list[float]) -> None:
    expected = functools.reduce(operator.add, values, 0.0)
    assert stats.total(values) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stats, "SUM_IS_PLAIN", False)
        assert stats.total(values) == expected


@given(lists)
def test_mean_and_std_are_those_of_exact_arithmetic(values: list[float]) -> None:
    exact = [Fraction(value) for value in values]
    mean = sum(exact, Fraction()) / len(exact)
    variance = sum(((value - mean) ** 2 for value in exact), Fraction()) / len(exact)
    assert stats.mean(values) == pytest.approx(float(mean), rel=1e-9, abs=1e-6)
    assert stats.std(values) == pytest.approx(float(variance) ** 0.5, rel=1e-9, abs=1e-6)


@given(lists)
def test_order_statistics_are_those_of_the_standard_library(values: list[float]) -> None:
    _, _, low, high, median, q25, q75, spread = eight(values)
    assert (low, high, spread) == (min(values), max(values), max(values) - min(values))
    assert median == stats.median(values) == pytest.approx(statistics.median(values))
    if len(values) > 1:
        quartiles = statistics.quantiles(values, n=4, method="inclusive")
        assert [q25, q75] == pytest.approx([quartiles[0], quartiles[2]], rel=1e-9, abs=1e-6)


@given(lists)
def test_order_of_magnitude_is_kept(values: list[float]) -> None:
    _, std, low, high, median, q25, q75, spread = eight(values)
    assert low <= q25 <= median <= q75 <= high
    assert 0.0 <= std <= spread * 0.51 + 1e-6


@given(
    st.lists(st.floats(min_value=0, max_value=1e6) | st.integers(0, 9).map(float), min_size=1, max_size=9),
    st.integers(1, 3000),
)
def test_the_median_of_many_is_the_middle_of_them_sorted(values: list[float], count: int) -> None:
    many = [values[k % len(values)] * (k % 7) for k in range(count)]
    assert stats.median(many) == stats.median_of_sorted(sorted(many))
