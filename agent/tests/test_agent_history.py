"""Growth, lag and stalls, from readings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclyzer_agent.history import Grown, Growth, Lag, Stall, follow, grow, present, restarted, watch


def test_first_reading_of_counters_is_the_base_and_no_growth() -> None:
    assert grow(None, "a", {"dropped": 5}, 0.0, recent=10).grown == {}


def test_growth_adds_up_as_long_as_it_is_recent() -> None:
    state = grow(None, "a", {"dropped": 5}, 0.0, recent=10)
    for now, dropped, total in ((1.0, 7, 2), (9.0, 8, 3), (10.9, 8, 3), (11.0, 8, 1), (18.9, 8, 1)):
        state = grow(state, "a", {"dropped": dropped}, now, recent=10)
        assert state.grown["dropped"].total == total
    assert grow(state, "a", {"dropped": 8}, 19.0, recent=10).grown == {}


@pytest.mark.parametrize(
    ("grew_at", "until"),
    [
        ((1000.0,), 1060.0),
        ((1000.0, 1055.0), 1115.0),
        ((1000.0, 1004.0, 1008.0), 1068.0),
        ((1000.0, 1030.0, 1060.0), 1120.0),
        ((1000.0, 1090.0, 1180.0), 1360.0),  # the fourth would have come at 1270
        ((1000.0, 1005.0, 1200.0), 1260.0),
        ((400.0, 1000.0, 1005.0, 1010.0), 1070.0),
    ],
)
def test_what_was_counted_is_present_for_a_minute_or_until_the_next_of_a_row_is_overdue(
    grew_at: tuple[float, ...], until: float
) -> None:
    assert present(grew_at, grew_at[-1]) and present(grew_at, until - 0.1)
    assert not present(grew_at, until)
    assert not present((), until)


def test_of_all_that_grew_lately_only_what_goes_on_is_present() -> None:
    state = grow(None, "a", {"late": 0, "malformed": 0}, 0.0, recent=300)
    state = grow(state, "a", {"late": 1, "malformed": 0}, 5.0, recent=300)
    state = grow(state, "a", {"late": 1, "malformed": 2}, 64.0, recent=300)
    assert state.present() == {"late", "malformed"}
    state = grow(state, "a", {"late": 1, "malformed": 2}, 65.0, recent=300)
    assert (state.present(), set(state.grown)) == ({"malformed"}, {"late", "malformed"})


def test_a_new_life_counts_from_zero() -> None:
    state = grow(None, "a", {"dropped": 500}, 0.0, recent=10)
    assert grow(state, "b", {"dropped": 2}, 1.0, recent=10).grown == {"dropped": Grown((1.0,), (2,))}


def test_a_counter_that_falls_within_a_life_is_no_growth() -> None:
    state = grow(None, "a", {"restarts": 3}, 0.0, recent=10)
    assert grow(state, "a", {"restarts": 0}, 1.0, recent=10).grown == {}


@given(st.lists(st.integers(0, 100), min_size=2, max_size=20))
def test_what_grew_is_the_sum_of_the_steps(steps: list[int]) -> None:
    state: Growth | None = None
    total = 0
    for i, more in enumerate(steps):
        total += more
        state = grow(state, "a", {"n": total}, float(i), recent=1e9)
    assert state is not None
    grown = state.grown.get("n", Grown((), ()))
    assert grown.total == sum(steps[1:])


def lag(readings: list[tuple[str, int]], step: float = 5.0, wall: float = 1_700_000_000.0) -> list[float]:
    state: Lag | None = None
    seconds = []
    for i, (last_id, length) in enumerate(readings):
        state = follow(state, last_id, length, i * step, wall + i * step)
        seconds.append(state.seconds)
    return seconds


def test_an_idle_stream_with_old_entries_left_in_it_is_no_lag() -> None:
    assert lag([("1600000000000-0", 80)] * 10) == [0.0] * 10


def test_entries_that_are_added_while_nothing_is_read_are_a_lag_since_they_were_first_seen() -> None:
    stuck = "1699999999000-0"
    assert lag([(stuck, 5), (stuck, 9), (stuck, 20), (stuck, 20)]) == [0.0, 0.0, 5.0, 10.0]


def test_a_trim_does_not_hide_what_is_unread() -> None:
    stuck = "1699999999000-0"
    assert lag([(stuck, 5), (stuck, 90), (stuck, 5), (stuck, 3)])[-1] == 10.0


def test_a_reader_that_moves_is_behind_by_the_age_of_what_it_read() -> None:
    assert lag([("1699999900000-0", 10), ("1699999965000-0", 10)])[1] == 40.0
    assert lag([("1699999900000-0", 10), ("1700000004000-0", 10)])[1] == 1.0


def test_lag_ends_when_the_reader_has_caught_up() -> None:
    stuck = "1699999999000-0"
    assert lag([(stuck, 5), (stuck, 50), (stuck, 60), ("1700000015000-0", 60), ("1700000015000-0", 60)])[3:] == [0, 0]


def test_a_reader_that_never_read_is_behind_only_when_the_stream_grows() -> None:
    assert lag([("0-0", 0)] * 3) == [0.0, 0.0, 0.0]
    assert lag([("0-0", 0), ("0-0", 4), ("0-0", 6)]) == [0.0, 0.0, 5.0]
    assert lag([("1600000000000-0", 5), ("0-0", 5)]) == [0.0, 0.0]


def test_events_without_windows_are_a_stall_since_the_first_of_them() -> None:
    state = watch(None, "a", 10, 2, 0.0)
    assert state == Stall("a", 10, 2)
    state = watch(state, "a", 11, 2, 5.0)
    state = watch(state, "a", 30, 2, 10.0)
    assert state.since == 5.0
    assert watch(state, "a", 40, 3, 15.0).since is None


def test_an_idle_extractor_and_a_new_one_do_not_stall() -> None:
    state = watch(None, "a", 10, 2, 0.0)
    assert watch(state, "a", 10, 2, 1000.0).since is None
    assert watch(watch(state, "a", 11, 2, 5.0), "b", 50, 0, 6.0).since is None


def test_restarts_are_those_that_systemd_counted_since_the_last_reading() -> None:
    seen = restarted(None, 2, 0.0, 1000.0, recent=300)
    for now, total in ((1010.0, 2), (1020.0, 3), (1040.0, 5), (1320.0, 5)):
        seen = restarted(seen, total, 1.0, now, recent=300)
    assert (seen.total, seen.at) == (5, (1040.0, 1040.0))
    assert restarted(seen, 1, 1.0, 1330.0, recent=300).at == (1040.0, 1040.0, 1330.0)  # it was started by hand between


@pytest.mark.parametrize(
    ("total", "began", "repeats"),
    [(14, 990.0, True), (3, 941.0, True), (14, 940.0, False), (2, 990.0, False), (0, 990.0, False)],
)
def test_a_crash_loop_is_known_at_the_first_reading_of_an_agent_that_was_restarted(
    total: int, began: float, repeats: bool
) -> None:
    assert restarted(None, total, began, 1000.0, recent=300).repeat(1000.0) is repeats
