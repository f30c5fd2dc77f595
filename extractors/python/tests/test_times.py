"""What windows have in common, as columns that go on."""

from itertools import accumulate, pairwise
from math import log

from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors.classes import CLASSES, LEFT, OTHER
from seclyzer_extractors.times import Dwells, ShortGaps, Times


def in_ms(took: list[tuple[int, int]]) -> list[float]:
    return [(ended - began) / 1000 for began, ended in took]


def test_dwells_that_began_too_early_are_forgotten_wherever_they_ended() -> None:
    dwells = Dwells()
    dwells.add_each([2000, 7000], [9000, 10_000], [7.0, 3.0], bytearray([LEFT, LEFT]), [0.0, 1.0])
    dwells.add_each([1000, 11_000], [12_000, 13_000], [11.0, 2.0], bytearray([LEFT, OTHER]), [2.0, 0.0])
    dwells.forget_before(2000)
    assert (dwells.values, dwells.ordered()) == ([7.0, 3.0, 2.0], [2.0, 3.0, 7.0])
    assert (dwells.of[LEFT], dwells.of[OTHER], dwells.overlaps) == ([7.0, 3.0], [2.0], [0.0, 1.0, 0.0])
    dwells.forget_before(9500)
    assert (dwells.values, dwells.ordered()) == ([2.0], [2.0])


began_and_lengths = st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 999_999)), max_size=30)


@given(began_and_lengths, st.lists(st.tuples(st.integers(0, 9), st.integers(0, 900_000)), max_size=6))
def test_the_dwells_of_a_window_are_those_that_began_in_it(
    made: list[tuple[int, int]], windows: list[tuple[int, int]]
) -> None:
    took = sorted(((began, began + length) for began, length in made), key=lambda one: one[1])
    dwells = Dwells()
    added = first = 0
    for more, later in windows:
        new = took[added : added + more]
        classes = bytearray(one[0] % len(CLASSES) for one in new)
        dwells.add_each([one[0] for one in new], [one[1] for one in new], in_ms(new), classes, in_ms(new))
        added, first = added + more, first + later
        dwells.forget_before(first)
        kept = [one for one in took[:added] if one[0] >= first]
        left = in_ms(kept)
        assert (dwells.values, dwells.ordered(), dwells.overlaps) == (left, sorted(left), left)
        assert dwells.of == [
            in_ms([one for one in kept if one[0] % len(CLASSES) == each]) for each in range(len(CLASSES))
        ]


@given(st.lists(st.integers(1, 400_000), max_size=30), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 900_000))))
def test_times_slide_as_dwells_do(lengths: list[int], windows: list[tuple[int, int]]) -> None:
    """One begins where the one before ended."""
    ends = list(accumulate(lengths, initial=0))
    took = list(pairwise(ends))
    times, gaps = Times(), ShortGaps()
    added = first = 0
    for more, later in windows:
        new = took[added : added + more]
        times.add_each([one[0] for one in new], in_ms(new))
        gaps.add_between([one[0] for one in new], in_ms(new), bytearray(one[1] % 36 for one in new))
        added, first = added + more, first + later
        held = len(times.values)
        gone = times.forget_before(first)
        left = in_ms([one for one in took[:added] if one[0] >= first])
        assert (gone, times.values, times.ordered()) == (held - len(left), left, sorted(left))
        assert (gaps.forget_before(first), gaps.values, gaps.logs) == (gone, left, [log(ms) for ms in left])
        kept = [one for one in took[:added] if one[0] >= first]
        assert gaps.of == [in_ms([one for one in kept if one[1] % 36 == both]) for both in range(36)]
