"""Mouse features, one definition at a time. Times in ms."""

from collections.abc import Sequence
from math import pi
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors import mouse, schema
from seclyzer_extractors.event import Button, Move, Scroll
from seclyzer_extractors.motion import Motion

NAMES = [feature.name for feature in schema.kind("mouse").features]


def features(*events: Move | Button | Scroll, window_us: int = 30_000_000) -> dict[str, Any]:
    return dict(zip(NAMES, mouse.features(events, window_us, False), strict=True))


def move(ms: float, x: float, y: float) -> Move:
    return Move(round(ms * 1000) + 1, False, x, y)


def button(ms: float, name: str, event: str) -> Button:
    return Button(round(ms * 1000) + 1, False, name, event == "p")


def scroll(ms: float, delta: float | None) -> Scroll:
    return Scroll(round(ms * 1000) + 1, False, delta)


def test_no_events_give_zero_everywhere() -> None:
    assert set(features().values()) == {0}


def test_fewer_than_three_moves_give_no_move_features_but_all_others() -> None:
    made = features(move(0, 0, 0), move(100, 30, 40), button(150, "Left", "p"), scroll(200, 1.0))
    assert {made[f"move_{i}"] for i in range(20)} == {0.0}
    assert (made["click_2"], made["scroll_2"]) == (1, 1)


def test_a_straight_way() -> None:
    made = features(move(0, 0, 0), move(100, 30, 40), move(200, 60, 80), move(450, 90, 120))
    assert [made["move_0"], made["move_2"], made["move_3"]] == pytest.approx([400, 500, 500])
    assert [made["move_12"], made["move_13"], made["move_14"]] == [150.0, 150.0, 37.5]
    assert [made["move_7"], made["move_8"], made["move_18"]] == [0.0, 0.0, 1.0]
    assert [made["move_15"], made["move_16"], made["move_19"]] == pytest.approx([1 / 3, 0.15, 4 / 30])
    assert [made["move_4"], made["move_6"]] == pytest.approx([1500.0, 3000.0])  # 0 and (200 - 500) / 0.1
    assert made["move_10"] == pytest.approx(30_000.0)


def test_moves_at_the_same_time_are_a_millisecond_apart_and_beyond_the_limits_left_out() -> None:
    made = features(move(0, 0, 0), move(0, 9, 0), move(0, 19, 0), move(1, 19, 0))
    assert made["move_16"] == 0.001
    assert made["move_2"] == pytest.approx(9000.0)  # 10 px in a ms is 10000 px/s: not below the limit
    assert made["move_12"] == 19.0  # the way is travelled all the same


def test_a_turn_is_folded_into_half_a_circle() -> None:
    made = features(move(0, 0, 0), move(10, -10, 1), move(20, -20, 0))  # from just under π to just over -π
    assert 0 < made["move_8"] < 0.3
    back = features(move(0, 0, 0), move(10, 10, 0), move(20, 0, 0))
    assert back["move_8"] == pi


def test_standing_moves_keep_the_ratios_finite() -> None:
    made = features(move(0, 5, 5), move(10, 5, 5), move(20, 5, 5))
    assert [made["move_7"], made["move_18"], made["move_12"]] == [1.0, 0.0, 0.0]


@given(st.lists(st.tuples(st.integers(0, 3_000_000), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=12))
def test_turns_and_shares_stay_in_range_and_all_is_finite(points: list[tuple[int, float, float]]) -> None:
    ordered = sorted(points, key=lambda point: point[0])
    made = features(*(Move(ts, False, x, y) for ts, x, y in ordered))
    assert all(abs(value) < 1e18 for value in made.values())
    assert 0 <= made["move_8"] <= pi and 0 <= made["move_15"] <= 1
    assert made["move_13"] <= made["move_12"] * (1 + 1e-9) + 1e-9


def test_a_press_of_a_button_that_is_down_restarts_it_and_a_release_of_one_that_is_up_is_ignored() -> None:
    made = features(
        button(0, "Left", "r"), button(10, "Left", "p"), button(1000, "Left", "p"),
        button(1100, "Left", "r"), button(1200, "Left", "r"),
    )  # fmt: skip
    assert (made["click_0"], made["click_2"], made["click_6"]) == (100.0, 2, 0)


def test_clicks_by_button() -> None:
    made = features(
        button(0, "Left", "p"), button(0, "Right", "p"), button(499.999, "Middle", "p"),
        button(999.999, "Left", "p"), button(1000, "Unknown(8)", "p"),
        button(5000, "Right", "r"), button(5499.998, "Middle", "r"),
    )  # fmt: skip
    assert [made[f"click_{i}"] for i in (2, 3, 4)] == [2, 1, 1]
    assert [made["click_5"], made["click_6"], made["click_7"], made["click_8"]] == [0.5, 2, 0.5, 4 / 30]
    assert (made["click_0"], made["click_9"]) == (4999.999, 4999.999)  # 5 s is too long for a click


def test_scrolls_without_a_delta_count_as_scrolls_only() -> None:
    made = features(scroll(0, None), scroll(500, 2.0), scroll(1500, -1.0), scroll(1500, 0.0), window_us=10_000_000)
    assert [made["scroll_0"], made["scroll_2"], made["scroll_3"], made["scroll_4"]] == [1.0, 1, 1, 1 / 3]
    assert [made["scroll_5"], made["scroll_6"]] == [0.4, 0.5]


def test_rates_are_over_the_length_of_the_window() -> None:
    made = features(*(move(i * 10, i, i) for i in range(5)), window_us=2_500_000)
    assert made["move_19"] == 2.0


steps = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from("mmmmmmbs"), st.integers(-9, 9), st.booleans()),
    min_size=1,
    max_size=60,
)


@given(st.lists(st.tuples(steps, st.integers(0, 30)), max_size=6))
def test_one_window_after_another_gives_what_each_gives_alone(windows: list[tuple[Any, int]]) -> None:
    """Between windows events come, some of them between others, and the first ones go."""
    sliding = mouse.Windows()
    events: list[Move | Button | Scroll] = []
    for come, go in windows:
        last = events[-1].ts if events else 1
        for ago, kind, value, dev_mode in come:
            ts = max(1, last + 20_000 - ago * 1000)
            event: Move | Button | Scroll = Move(ts, dev_mode, value * 7.3, value**2 * 1.9)
            if kind == "b":
                event = Button(ts, dev_mode, "Left", value > 0)
            if kind == "s":
                event = Scroll(ts, dev_mode, value or None)
            at = len([one for one in events if one.ts <= ts])
            events.insert(at, event)
            last = max(last, ts)
        del events[:go]
        assert repr(sliding.features(tuple(events), 30_000_000, False)) == repr(
            mouse.features(events, 30_000_000, False)
        )


def test_a_window_adds_only_what_the_one_before_did_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[int] = []
    add = Motion.add

    def counted(motion: Motion, moves: Sequence[Move]) -> None:
        added.append(len(moves))
        add(motion, moves)

    monkeypatch.setattr(Motion, "add", counted)
    sliding = mouse.Windows()
    events = [move(i, i, i * i % 7) for i in range(100)]
    for start, stop in ((0, 50), (10, 60), (30, 100)):
        sliding.features(events[start:stop], 30_000_000, False)
    assert added == [50, 10, 40]


def test_an_event_that_came_in_between_and_one_at_the_same_time_that_went() -> None:
    """Their places make up for each other: the lists are equal again from the third event on."""
    first, second, third, *others = (move(ms, ms**2 % 9, ms) for ms in (10, 10, 30, 40, 50, 60, 70))
    between = move(20, 5, 5)
    sliding = mouse.Windows()
    sliding.features([first, second, third, *others], 30_000_000, False)
    events = [second, between, third, *others]
    assert sliding.features(events, 30_000_000, False) == mouse.features(events, 30_000_000, False)
