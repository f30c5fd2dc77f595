"""Damping: what is shown follows results slowly, and never to a status that was not seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seclyzer_agent.hysteresis import Damped, step
from seclyzer_agent.model import Status

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL
results = st.lists(st.sampled_from(Status), min_size=1, max_size=40)
counts = st.integers(1, 5)


def run(sequence: list[Status], rise: int, fall: int) -> list[Status]:
    state: Damped | None = None
    shown = []
    for result in sequence:
        state = step(state, result, rise=rise, fall=fall)
        shown.append(state.shown)
    return shown


def test_first_result_counts_at_once() -> None:
    assert run([FAIL], rise=3, fall=3) == [FAIL]
    assert run([PASS], rise=3, fall=3) == [PASS]


def test_worse_after_fall_results_and_better_after_rise_results() -> None:
    sequence = [PASS, FAIL, FAIL, FAIL, PASS, PASS]
    assert run(sequence, rise=2, fall=3) == [PASS, PASS, PASS, FAIL, FAIL, PASS]


def test_one_good_result_between_starts_the_count_anew() -> None:
    assert run([PASS, FAIL, PASS, FAIL, FAIL], rise=1, fall=2) == [PASS, PASS, PASS, PASS, FAIL]


def test_mixed_bad_results_show_the_mildest_and_mixed_good_ones_the_worst() -> None:
    assert run([PASS, WARN, FAIL], rise=2, fall=2)[-1] is WARN
    assert run([PASS, WARN, FAIL, FAIL], rise=2, fall=2)[-1] is FAIL
    assert run([FAIL, PASS, WARN], rise=2, fall=2)[-1] is WARN


@given(results, counts, counts)
def test_shown_changes_only_when_enough_results_in_a_row_agree(sequence: list[Status], rise: int, fall: int) -> None:
    shown = run(sequence, rise, fall)
    for i in range(1, len(shown)):
        last = sequence[: i + 1]
        if shown[i] > shown[i - 1]:
            assert len(last) >= fall and shown[i] == min(last[-fall:])
        elif shown[i] < shown[i - 1]:
            assert len(last) >= rise and shown[i] == max(last[-rise:])
        else:
            assert len(last) < fall or min(last[-fall:]) <= shown[i]
            assert len(last) < rise or max(last[-rise:]) >= shown[i]


@given(results, st.sampled_from(Status), counts, counts)
def test_a_constant_result_is_shown_after_as_many_as_are_asked(
    before: list[Status], last: Status, rise: int, fall: int
) -> None:
    assert run([*before, *[last] * max(rise, fall)], rise, fall)[-1] is last


@given(st.sampled_from(Status), st.sampled_from(Status), st.integers(2, 5), st.integers(1, 30))
def test_flapping_faster_than_both_counts_never_shows(base: Status, odd: Status, count: int, length: int) -> None:
    sequence = [odd if i % count else base for i in range(length)]
    assert set(run(sequence, rise=count, fall=count)) == {base}


@given(results)
def test_counts_of_one_show_the_last_result(sequence: list[Status]) -> None:
    assert run(sequence, rise=1, fall=1) == sequence


@given(results, counts, counts)
def test_memory_is_bounded(sequence: list[Status], rise: int, fall: int) -> None:
    state: Damped | None = None
    for result in sequence:
        state = step(state, result, rise=rise, fall=fall)
    assert state is not None and len(state.recent) <= max(rise, fall)
