"""The columns of a window's moves."""

from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors.event import Move
from seclyzer_extractors.motion import Motion, Within

LIMIT = 10.0
values = st.lists(st.sampled_from([0.0, 3.0, -3.0, 9.999, -9.999, LIMIT, -LIMIT, 50.0, -50.0]), max_size=12)
steps = st.lists(
    st.tuples(st.just("add"), values)
    | st.tuples(st.just("forget"), st.integers(0, 15))
    | st.tuples(st.just("keep"), st.integers(0, 15)),
    max_size=8,
)


@given(steps)
def test_within_a_limit_are_those_of_a_magnitude_below_it(steps: list[tuple[str, list[float] | int]]) -> None:
    within = Within(LIMIT)
    plain: list[float] = []
    for name, given_ in steps:
        getattr(within, name)(given_)
        if isinstance(given_, list):
            plain += given_
        elif name == "forget":
            del plain[:given_]
        else:
            del plain[given_:]
        assert list(within.values) == [value for value in plain if abs(value) < LIMIT]


def moves(start: int, stop: int) -> list[Move]:
    """Every eleventh is faster than a pointer may be."""
    return [Move(k * 100_000, False, k**3 % 60 + 3000.0 * (k % 11 == 0), float(k * 7 % 90)) for k in range(start, stop)]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_moves_that_went_and_came_leave_what_the_others_have_by_themselves(first: int, kept: int, gone: int) -> None:
    motion = Motion()
    motion.add(moves(0, first))
    kept = min(kept, first)
    motion.keep(kept)
    motion.forget(min(gone, kept))
    motion.add(moves(kept, 50))
    motion.forget(max(0, gone - kept))
    alone = Motion()
    alone.add(moves(gone, 50))
    for name in ("speeds", "accelerations", "jerks"):
        assert getattr(motion, name).values == getattr(alone, name).values, name
        assert gone > 0 or 0 < len(getattr(alone, name).values) < 45, "of these there are no others"
    assert (motion.ts, motion.dt, motion.dist, motion.turn) == (alone.ts, alone.dt, alone.dist, alone.turn)
