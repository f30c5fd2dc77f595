"""Transitions between applications and the patterns made of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import SECOND, START, fed, focus, replayed

from seclyzer_extractors import config
from seclyzer_extractors.apps import TransitionOperator
from seclyzer_extractors.operators import make_operator
from seclyzer_extractors.patterns import MAX_NAMES, OTHER, Patterns


def tracker(**values: Any) -> TransitionOperator:
    core = make_operator("app", config.settings("app", **values))
    assert isinstance(core, TransitionOperator)
    return core


def walk(*steps: tuple[str, float]) -> list[bytes]:
    """Focuses (app, s after the start)."""
    return [focus(START + round(s * SECOND), app) for app, s in steps]


def transitions(lines: list[bytes], **values: Any) -> list[tuple[str, str, int]]:
    out, _ = replayed("app", lines, **values)
    return [(one["from_app"], one["to_app"], one["duration_ms"]) for one in out[:-1]]


def patterns(lines: list[bytes], **values: Any) -> dict[str, Any]:
    out, _ = replayed("app", lines, **values)
    return out[-1]


def test_a_repeat_changes_nothing() -> None:
    lines = walk(("a", 0), ("a", 5), ("b", 9), ("b", 10), ("a", 12.0009))
    assert transitions(lines) == [("a", "b", 9000), ("b", "a", 3000)]
    assert patterns(lines)["time_preferences"] == {"a": {"22": 1.0}, "b": {"22": 1.0}}


def test_durations_are_rounded_down_and_may_be_zero() -> None:
    assert transitions(walk(("a", 0), ("b", 0.000999), ("c", 0.000999))) == [("a", "b", 0), ("b", "c", 0)]


def test_events_are_taken_in_order_of_time_within_the_lateness() -> None:
    lines = walk(("a", 0), ("c", 1), ("b", 0.9), ("d", 2))
    assert transitions(lines) == [("a", "b", 900), ("b", "c", 100), ("c", "d", 1000)]


def test_ties_are_taken_in_order_of_arrival() -> None:
    assert transitions(walk(("a", 0), ("b", 1), ("c", 1))) == [("a", "b", 1000), ("b", "c", 0)]


def test_an_event_is_late_only_when_one_with_a_later_time_has_been_taken() -> None:
    begun = (("a", 0), ("c", 10), ("d", 20))  # a and c are taken
    out, counters = replayed("app", walk(*begun, ("b", 9.999999)))
    assert ([one["to_app"] for one in out[:-1]], counters.late) == (["c", "d"], 1)
    out, counters = replayed("app", walk(*begun, ("b", 10)))
    assert ([one["to_app"] for one in out[:-1]], counters.late) == (["c", "b", "d"], 0)
    out, counters = replayed("app", walk(("a", 0), ("d", 20), ("b", 1), ("c", 10)))  # d waits
    assert ([one["to_app"] for one in out[:-1]], counters.late) == (["b", "c", "d"], 0)


def test_what_was_taken_before_the_clock_was_set_back_makes_nothing_late_after_it() -> None:
    back = [("x", 1), ("y", 2), ("z", 3)]
    out, counters = replayed("app", walk(("a", 100), ("b", 105), *back, ("a", 2.9), ("b", 5)))
    assert (counters.late, counters.sessions) == (2, 1)
    assert [(one["from_app"], one["to_app"]) for one in out[:-1]] == [("a", "b"), ("a", "z"), ("z", "b")]


def test_without_lateness_an_event_is_taken_at_once() -> None:
    core = tracker(lateness_ms=0)
    fed(core, walk(("a", 1))[0])
    [row] = fed(core, walk(("b", 2))[0])
    assert row.values == ("a", "b", 1000, False)
    [row] = fed(core, walk(("c", 2))[0])
    assert row.values == ("b", "c", 0, False)
    fed(core, walk(("d", 1.999999))[0])
    assert core.counters.late == 1


def test_real_time_takes_a_pending_event() -> None:
    core = tracker()
    fed(core, walk(("a", 0))[0], clock=0)
    fed(core, walk(("b", 1))[0], clock=SECOND)
    due = core.next_due()
    assert due == SECOND + 250_000 + 2 * SECOND
    assert core.due_by_event() == SECOND + 250_000
    assert core.advance(due - 1) == []
    [row] = core.advance(due)
    assert row.values == ("a", "b", 1000, False)
    assert core.next_due() is None


def test_the_third_late_event_in_a_row_starts_anew_without_a_current_application() -> None:
    lines = walk(("a", 100), ("b", 105), ("x", 1), ("y", 2), ("z", 3), ("a", 4))
    out, counters = replayed("app", lines)
    assert [(o["from_app"], o["to_app"]) for o in out[:-1]] == [("a", "b"), ("z", "a")]
    assert (counters.late, counters.sessions, counters.events, counters.windows) == (2, 1, 6, 2)


def test_over_the_bound_the_oldest_pending_event_goes() -> None:
    lines = walk(("a", 0), ("b", 0.01), ("c", 0.02), ("d", 0.03))
    out, counters = replayed("app", lines, buffer_events=2)
    assert counters.dropped == 2
    assert [(o["from_app"], o["to_app"]) for o in out[:-1]] == [("c", "d")]


def test_dev_mode_of_a_transition_is_that_of_its_two_focuses_or_of_the_process() -> None:
    lines = [
        focus(START, "a", dev_mode=True), focus(START + 1, "b"), focus(START + 2, "b", dev_mode=True),
        focus(START + 3, "c"), focus(START + 4, "d", dev_mode=True),
    ]  # fmt: skip
    out, _ = replayed("app", lines)
    assert [one["dev_mode"] for one in out] == [True, False, True, True]
    out, _ = replayed("app", walk(("a", 0), ("b", 1)), dev_mode=True)
    assert [one["dev_mode"] for one in out] == [True, True]
    out, _ = replayed("app", walk(("a", 0), ("b", 1)))
    assert [one["dev_mode"] for one in out] == [False, False]


def test_patterns_are_shares_of_what_was_counted() -> None:
    hour = 3600.0
    made = patterns(walk(("a", 0), ("b", 1), ("a", 3), ("c", 4), ("a", hour), ("b", 2 * hour)))
    assert made["transition_matrix"] == {"a": {"b": 2 / 3, "c": 1 / 3}, "b": {"a": 1.0}, "c": {"a": 1.0}}
    assert made["time_preferences"] == {
        "a": {"22": 2 / 3, "23": 1 / 3},
        "b": {"22": 0.5, "0": 0.5},
        "c": {"22": 1.0},
    }
    assert made["usage_stats"]["most_used"] == [["a", 3], ["b", 1], ["c", 1]]
    assert made["usage_stats"]["avg_durations"]["a"] == pytest.approx((1 + 1 + hour) / 3)
    assert (made["usage_stats"]["total_transitions"], made["usage_stats"]["unique_apps"]) == (5, 3)


def test_most_used_are_ten_and_ties_go_by_first_appearance() -> None:
    made = patterns(walk(*[(f"app{i}", i) for i in range(15)], ("app12", 20), ("app3", 21)))
    assert made["usage_stats"]["most_used"][:3] == [["app12", 2], ["app0", 1], ["app1", 1]]
    assert len(made["usage_stats"]["most_used"]) == 10


def test_with_no_events_the_patterns_are_empty() -> None:
    assert patterns([]) == {
        "transition_matrix": {},
        "time_preferences": {},
        "usage_stats": {"most_used": [], "avg_durations": {}, "total_transitions": 0, "unique_apps": 0},
        "dev_mode": False, "timestamp": None, "ts": None, "type": "app_patterns", "schema": 2,
        "implementation": "python", "version": patterns([])["version"],
    }  # fmt: skip


def test_past_200_names_the_one_focused_longest_ago_is_folded() -> None:
    steps = [(f"app{i}", float(i)) for i in range(MAX_NAMES)]
    steps += [("app0", 300.0), ("new", 301.0)]  # app0 was focused again, so app1 is the oldest
    made = patterns(walk(*steps))
    matrix = made["transition_matrix"]
    assert matrix["app0"] == {OTHER: 0.5, "new": 0.5}
    assert matrix[OTHER] == {"app2": 1.0}
    assert "app1" not in made["time_preferences"] and made["time_preferences"][OTHER] == {"22": 1.0}
    assert made["usage_stats"]["avg_durations"][OTHER] == 1.0
    assert made["usage_stats"]["unique_apps"] == 201
    assert made["usage_stats"]["total_transitions"] == 201
    assert transitions(walk(*steps))[1] == ("app1", "app2", 1000)  # published with real names


def test_folding_twice_keeps_transitions_inside_other() -> None:
    steps = [(f"app{i}", float(i)) for i in range(MAX_NAMES + 3)]
    made = patterns(walk(*steps, ("app0", 999.0)))
    assert made["transition_matrix"][OTHER] == {OTHER: 3 / 4, "app4": 1 / 4}
    assert made["usage_stats"]["unique_apps"] == 204
    assert made["usage_stats"]["most_used"][0] == [OTHER, 4]


def test_an_application_named_other_goes_straight_into_it() -> None:
    made = patterns(walk((OTHER, 0), ("a", 1), (OTHER, 2)))
    assert made["transition_matrix"] == {OTHER: {"a": 1.0}, "a": {OTHER: 1.0}}
    assert made["usage_stats"]["unique_apps"] == 1


Steps = list[tuple[str, int]]
apps = st.integers(0, 260).map(lambda number: f"app{number}") | st.just(OTHER)


@given(st.lists(st.tuples(apps, st.integers(0, 10**10)), max_size=600))
def test_folding_loses_no_transition_no_focus_and_no_time(steps: list[tuple[str, int]]) -> None:
    counted = Patterns()
    gains = duration = moves = 0
    before = None
    for app, us in steps:
        if app == before:
            continue
        counted.gained(app, us)
        gains += 1
        if before is not None:
            counted.moved(before, app, us)
            moves, duration = moves + 1, duration + us
        before = app
    assert len([name for name in counted.last_gain if name != OTHER]) <= MAX_NAMES
    assert sum(sum(hours.values()) for hours in counted.hours.values()) == gains
    assert sum(sum(row.values()) for row in counted.transitions.values()) == moves
    assert sum(total for total, _ in counted.durations.values()) == duration
    dumped = json.loads(json.dumps(counted.dump()))
    assert Patterns.load(dumped).dump() == counted.dump()
    assert Patterns.load(dumped).document(False) == counted.document(False)


def test_a_producer_that_lags_loses_no_transition_however_long_it_stalls() -> None:
    """What it held comes after real time has taken all that it had sent before, and has gone on."""
    steps = walk(*[("abc"[i % 3], i / 10) for i in range(600)])
    live, rows = tracker(), []
    for place, line in enumerate(steps):
        clock = 100_000 * place if place < 100 else 100_000 * max(place, 500)  # it stalls from 10 s to 50 s
        rows += live.advance(clock) + fed(live, line, clock)
    expected, _ = replayed("app", steps)
    assert [row.ts for row in rows + live.finish()] == [one["ts"] for one in expected[:-1]]
    assert (live.counters.late, live.counters.sessions, len(expected)) == (0, 0, 600)


def test_a_state_of_an_older_program_makes_nothing_late_that_is_not() -> None:
    """It holds stream time less lateness where the `ts` of the event taken last is now."""
    first = tracker()
    for line in walk(("a", 0), ("b", 10), ("c", 20)):
        fed(first, line)
    old = {**first.dump(), "taken_through": START + 19_750_000}
    second = tracker()
    second.load(json.loads(json.dumps(old)))
    assert [row.values[1] for row in fed(second, walk(("x", 15))[0])] == ["x"]
    fed(second, walk(("y", 9))[0])
    assert second.counters.late == 1


step = st.tuples(st.sampled_from("abcd"), st.integers(0, 4_000_000))


@given(st.lists(step, max_size=40), st.integers(0, 40))
def test_the_state_goes_on_as_if_nothing_had_happened(steps: Steps, cut: int) -> None:
    lines = [focus(START + us, app) for app, us in steps]
    whole, first, second = tracker(), tracker(), tracker()
    expected = [row for line in lines for row in fed(whole, line)] + whole.finish()
    rows = [row for line in lines[:cut] for row in fed(first, line)]
    second.load(json.loads(json.dumps(first.dump())))
    second._late_run = first._late_run  # the run of late events is not part of the state
    rows += [row for line in lines[cut:] for row in fed(second, line)] + second.finish()
    assert rows == expected
    assert second.tracker.document() == whole.tracker.document()
