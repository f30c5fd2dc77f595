"""The columns of a window's moves."""

from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors.event import Move
from seclyzer_extractors.motion import MOST_BEFORE, Motion

COUNT = 50


def moves(start: int, stop: int) -> list[Move]:
    """Every eleventh is faster than a pointer may be, every seventh takes long."""
    return [
        Move(k * 100_000 + k // 7 * 1000, False, k**3 % 60 + 3000.0 * (k % 11 == 0), float(k * 7 % 90))
        for k in range(start, stop)
    ]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=8))
def test_moves_that_went_leave_what_the_others_have_by_themselves(slides: list[tuple[int, int]]) -> None:
    motion = Motion()
    start = stop = 0
    for gone, more in slides:
        gone = min(gone, stop - start - MOST_BEFORE)
        if gone >= 0:
            motion.forget(gone)
            start += gone
        motion.add(moves(stop, stop + more))
        stop += more
        alone = Motion()
        alone.add(moves(start, stop))
        for name in ("accelerations", "jerks"):
            assert getattr(motion, name) == getattr(alone, name), name
        assert motion.speeds.values == alone.speeds.values
        assert motion.speeds.ordered() == alone.speeds.ordered()
        assert motion.long_steps() == alone.long_steps()
        assert (motion.moves, motion.times(), motion.ways()) == (alone.moves, alone.times(), alone.ways())
        assert motion.turns() == alone.turns()


def test_values_are_within_their_limits_and_of_enough_moves() -> None:
    motion = Motion()
    motion.add(moves(0, COUNT))
    steps = list(zip(moves(0, COUNT), moves(1, COUNT), strict=False))
    too_fast = [k for k, (before, after) in enumerate(steps, 1) if abs(after.x - before.x) > 1100]
    assert too_fast == [1, 11, 12, 22, 23, 33, 34, 44, 45]
    assert len(motion.speeds.values) == COUNT - 1 - len(too_fast)
    assert 0 < len(motion.accelerations) < COUNT - 2
    assert 0 < len(motion.jerks) < COUNT - 3
    assert motion.long_steps() == COUNT // 7
    motion = Motion()
    motion.add(moves(1, 4))
    assert [len(motion.speeds.values), len(motion.accelerations), len(motion.jerks)] == [2, 1, 0]
