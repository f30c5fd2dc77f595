"""What windows have in common, as columns that go on."""

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors.strokes import Dwells, Times, Took


def test_dwells_that_began_too_early_are_forgotten_wherever_they_ended() -> None:
    dwells = Dwells()
    dwells.add([(2000, 9000), (7000, 10_000)])
    dwells.add([(1000, 12_000), (11_000, 13_000)])
    assert dwells.forget(2000) == 1
    assert (dwells.ms, dwells.ordered()) == ([7.0, 3.0, 2.0], [2.0, 3.0, 7.0])
    assert dwells.forget(9500) == 2
    assert (dwells.ms, dwells.ordered()) == ([2.0], [2.0])


began_and_lengths = st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 999_999)), max_size=30)


@given(began_and_lengths, st.lists(st.tuples(st.integers(0, 9), st.integers(0, 900_000)), max_size=6))
def test_the_dwells_of_a_window_are_those_that_began_in_it(
    made: list[tuple[int, int]], windows: list[tuple[int, int]]
) -> None:
    took: list[Took] = sorted(((began, began + length) for began, length in made), key=lambda one: one[1])
    dwells = Dwells()
    added = first = 0
    for more, later in windows:
        dwells.add(took[added : added + more])
        added, first = added + more, first + later
        dwells.forget(first)
        left = [(ended - began) / 1000 for began, ended in took[:added] if began >= first]
        assert (dwells.ms, dwells.ordered()) == (left, sorted(left))


@given(st.lists(st.integers(1, 400_000), max_size=30), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 900_000))))
def test_times_slide_as_dwells_do(lengths: list[int], windows: list[tuple[int, int]]) -> None:
    """One begins where the one before ended."""
    ends = list(accumulate(lengths, initial=0))
    took: list[Took] = list(pairwise(ends))
    times = Times()
    added = first = 0
    for more, later in windows:
        times.add(took[added : added + more])
        added, first = added + more, first + later
        gone = times.forget(first)
        left = [(ended - began) / 1000 for began, ended in took[:added] if began >= first]
        assert 0 <= gone <= added
        assert (times.ms, times.ordered()) == (left, sorted(left))
