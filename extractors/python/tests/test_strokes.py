"""What windows have in common, as columns that go on."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors.strokes import Dwells, Took


def test_dwells_that_began_too_early_are_forgotten_wherever_they_ended() -> None:
    dwells = Dwells()
    dwells.add([(2000, 9000), (7000, 10_000)])
    dwells.add([(1000, 12_000), (11_000, 13_000)])
    assert dwells.forget(2000) == 1
    assert (dwells.ms, dwells.ordered()) == ([7.0, 3.0, 2.0], [2.0, 3.0, 7.0])
    assert dwells.forget(9500) == 2
    assert (dwells.ms, dwells.ordered()) == ([2.0], [2.0])


began_and_lengths = st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 999_999)), max_size=30)


@given(began_and_lengths, st.lists(st.integers(0, 30), max_size=4), st.lists(st.integers(0, 4_000_000), max_size=4))
def test_the_dwells_of_a_window_are_those_that_began_in_it(
    made: list[tuple[int, int]], cuts: list[int], firsts: list[int]
) -> None:
    took: list[Took] = sorted(((began, began + length) for began, length in made), key=lambda one: one[1])
    dwells = Dwells()
    edges = [0, *sorted(cut for cut in cuts if cut <= len(took)), len(took)]
    for start, stop in pairwise(edges):
        dwells.add(took[start:stop])
    for first in sorted(firsts):
        dwells.forget(first)
        left = [(ended - began) / 1000 for began, ended in took if began >= first]
        assert (dwells.ms, dwells.ordered()) == (left, sorted(left))
