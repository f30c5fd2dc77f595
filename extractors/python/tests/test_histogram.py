"""How often something took how long: each µs in one bucket, that of the first bound that it does not exceed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import cases

from seclyzer_extractors.histogram import BOUNDS_US, Histogram


def observed(*us: int) -> Histogram:
    made = Histogram()
    for one in us:
        made.observe(one)
    return made


@pytest.mark.parametrize("case", cases("histogram"), ids=lambda case: case["text"])
def test_the_text_is_that_of_the_other_implementation(case: dict[str, Any]) -> None:
    assert str(observed(*case["us"])) == case["text"]


@given(st.lists(st.integers(0, 20_000_000) | st.sampled_from([us + d for us in BOUNDS_US for d in (-1, 0, 1)])))
def test_as_many_are_at_most_a_bound_as_there_are(us: list[int]) -> None:
    *counts, total = map(int, str(observed(*us)).split(" "))
    assert (sum(counts), total, len(counts)) == (len(us), sum(us), len(BOUNDS_US) + 1)
    for place, bound in enumerate(BOUNDS_US, 1):
        assert sum(counts[:place]) == sum(one <= bound for one in us)


def test_what_took_less_than_nothing_took_nothing() -> None:
    assert str(observed(-5)) == str(observed(0))
