"""Numbers that slide, and their order."""

from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors.runs import Runs

few = st.sampled_from([0.0, 1.0, 1.0, 2.5, 7.0]) | st.floats(0, 1e6)
steps = st.lists(
    st.tuples(st.just("add"), st.lists(few, max_size=12))
    | st.tuples(st.just("forget"), st.integers(0, 15))
    | st.tuples(st.just("forget_one"), st.integers(0, 15)),
    max_size=10,
)


@given(steps)
def test_they_are_those_that_came_and_did_not_go(steps: list[tuple[str, list[float] | int]]) -> None:
    runs = Runs()
    plain: list[float] = []
    for name, given_ in steps:
        if isinstance(given_, list):
            runs.add(given_)
            plain += given_
        elif name == "forget":
            runs.forget(min(given_, len(plain)))
            del plain[:given_]
        elif given_ < len(plain):
            runs.forget_one(given_)
            del plain[given_]
        assert (runs.values, runs.ordered()) == (plain, sorted(plain))
        assert runs.largest() == max(plain, default=0.0)
        assert runs.median() == (median(plain) if plain else 0.0)


def test_the_median_lies_among_runs_that_have_nothing_in_common() -> None:
    runs = Runs()
    for value in (1.0, 100.0, 50.0):
        runs.add([value, value + 2, value + 1])
    assert runs.median() == 51.0
    runs.forget(1)
    assert runs.median() == 51.5
