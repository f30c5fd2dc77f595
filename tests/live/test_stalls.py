"""A producer that lags, at 2100 events/s: up to the idle timeout nothing is lost, beyond it what is lost is counted.

The whole run, with a stall of 40 s, is `python -m tests.live.stalls`; its result stands in docs/stalls.md.
"""

import pytest

from .stalls import Found, Sent, Shape, stalled

SHAPE = Shape(window=8_000_000, interval=4_000_000)
STALLS_S = (0.1, 1.0, 12.0)


@pytest.fixture(scope="module")
def run(seed: int) -> tuple[Sent, dict[tuple[str, str], Found]]:
    """Both implementations with the same events, at the same time."""
    return stalled(("python", "rust"), seed, SHAPE, STALLS_S)


def test_only_windows_whose_end_passed_in_a_long_stall_differ_from_the_replay(
    run: tuple[Sent, dict[tuple[str, str], Found]], implementation: str, kind: str
) -> None:
    found = run[1][implementation, kind]
    assert found.wrongs() == []
    if kind == "app":
        assert (found.lost, found.differ) == (0, 0), "transitions are those of the replay, whatever the stall"
    else:
        assert found.lost + found.differ > 0, "the long stall has cost nothing: it was none"


def test_late_and_behind_count_the_events_that_windows_miss(
    run: tuple[Sent, dict[tuple[str, str], Found]], implementation: str
) -> None:
    found = run[1][implementation, "keystroke"]
    assert found.counted["late"] > 20, "enough for a session, were they of a clock that was set back"
    assert found.counted["behind"] > 0
    # Each event that is late or behind is in at least one window less than in the replay, and at most in all of them.
    events = found.counted["late"] + found.counted["behind"]
    assert events <= found.missed <= events * SHAPE.window // SHAPE.interval


def test_both_implementations_miss_the_same(run: tuple[Sent, dict[tuple[str, str], Found]], kind: str) -> None:
    assert run[1]["python", kind] == run[1]["rust", kind]
