"""Keystroke features, one definition at a time. Times in ms."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors import keystroke, schema
from seclyzer_extractors.event import Key
from seclyzer_extractors.strokes import Strokes

NAMES = [feature.name for feature in schema.kind("keystroke").features]


def features(*events: tuple[float, str, str], dev_mode: bool = False) -> dict[str, Any]:
    """The features of events (ms, key, p or r)."""
    keys = [Key(round(ms * 1000) + 1, False, key, event == "p") for ms, key, event in events]
    return dict(zip(NAMES, keystroke.features(keys, 30_000_000, dev_mode), strict=True))


def test_no_events_give_zero_everywhere() -> None:
    assert set(features().values()) == {0}


def test_dwell_is_kept_between_zero_and_a_second() -> None:
    made = features(
        (0, "a", "p"), (0, "a", "r"), (1, "b", "p"), (1000.999, "b", "r"), (2000, "c", "p"), (3000, "c", "r")
    )
    assert (made["dwell_count"], made["dwell_max"]) == (1, 999.999)


def test_dwell_is_in_order_of_release_and_needs_a_key_that_is_down() -> None:
    made = features((0, "x", "r"), (10, "a", "p"), (20, "b", "p"), (50, "b", "r"), (90, "a", "r"), (99, "a", "r"))
    assert (made["dwell_count"], made["dwell_min"], made["dwell_max"]) == (2, 30.0, 80.0)


def test_flight_is_from_the_last_release_of_any_key_also_of_one_that_was_up() -> None:
    made = features((0, "x", "r"), (100, "a", "p"), (200, "y", "r"), (250, "b", "p"))
    assert (made["flight_count"], made["flight_min"], made["flight_max"]) == (2, 50.0, 100.0)


def test_flight_is_kept_between_zero_and_two_seconds() -> None:
    made = features((0, "a", "r"), (0, "b", "p"), (2000, "c", "p"), (2000.001, "d", "r"), (4000, "e", "p"))
    assert (made["flight_count"], made["flight_mean"]) == (1, 1999.999)


def test_auto_repeat_is_ignored_everywhere() -> None:
    repeats = [(30.0 * i, "a", "p") for i in range(40)]
    made = features(*repeats, (1200, "a", "r"))
    assert (made["total_keys"], made["flight_count"], made["dwell_count"]) == (
        1,
        0,
        0,
    )  # held 1.2 s: too long


def test_a_press_of_a_key_that_is_down_after_a_second_restarts_it() -> None:
    made = features((0, "a", "p"), (999.999, "a", "p"), (1999.998, "a", "p"), (2999.998, "a", "p"), (3100, "a", "r"))
    assert (made["total_keys"], made["dwell_count"]) == (2, 1)
    assert made["dwell_mean"] == pytest.approx(100.002)


def test_digraphs_rank_by_count_and_ties_by_first_appearance() -> None:
    made = features(
        (0, "a", "p"), (10, "b", "p"), (10, "b", "r"), (10, "a", "r"),
        (40, "c", "p"), (40, "c", "r"), (2040, "a", "p"), (2060, "b", "p"),
    )  # fmt: skip
    assert [made[f"digraph_{i}_mean"] for i in range(4)] == [15.0, 30.0, 0.0, 0.0]  # c->a took 2 s: not kept


def test_at_most_twenty_digraphs_are_reported() -> None:
    made = features(*[(100 * i + i, f"k{i}", "p") for i in range(30)])
    assert made["digraph_19_mean"] == 101.0
    assert sum(name.startswith("digraph") for name in made) == 20


def test_the_twenty_are_filled_up_with_pairs_that_came_less_often() -> None:
    """A ring of 15 keys gone round twice has 15 pairs that come twice; then come 9 more, once each."""
    keys = [f"k{i % 15}" for i in range(31)] + [f"other{i}" for i in range(9)]
    made = features(*[event for i, key in enumerate(keys) for event in ((100 * i, key, "p"), (100 * i + 9, key, "r"))])
    assert [made[f"digraph_{i}_mean"] for i in range(20)] == [100.0] * 20


def test_corrections_count_backspace_and_delete_in_any_key_name() -> None:
    made = features((0, "Backspace", "p"), (1, "KpDelete", "p"), (2, "a", "p"), (3, "back/space", "p"))
    assert made["backspace_count"] == 2
    assert [made[n] for n in ("backspace_frequency", "correction_rate", "clean_typing_ratio")] == [
        0.5,
        1.0,
        0.5,
    ]


@pytest.mark.parametrize(
    "name",
    [
        "BackSpace",
        "backspace",
        "Key.backspace",
        "KEY_BACKSPACE",
        "back-space",
        "Back Space",
        "KEY_DELETE",
        "Key.delete",
    ],
)
def test_a_correction_is_one_however_the_producer_writes_its_key(name: str) -> None:
    """X11, pynput and evdev each have names of their own."""
    assert features((0, name, "p"))["backspace_count"] == 1


@pytest.mark.parametrize("name", ["Back\u00a0Space", "Back/Space", "\uff22ackspace", "Del", "\u0130delet", "Space"])
def test_a_name_that_only_looks_like_it_is_no_correction(name: str) -> None:
    assert features((0, name, "p"))["backspace_count"] == 0


def test_only_corrections() -> None:
    made = features((0, "Delete", "p"), (5, "Backspace", "p"))
    assert [made[n] for n in ("backspace_frequency", "correction_rate", "clean_typing_ratio")] == [
        1.0,
        2.0,
        0.0,
    ]


def test_rhythm_of_the_gaps_up_to_five_seconds() -> None:
    made = features((0, "a", "p"), (100, "b", "p"), (300, "c", "p"), (5300, "d", "p"), (10299.999, "e", "p"))
    assert (made["burst_frequency"], made["pause_frequency"]) == (1 / 3, 2 / 3)
    assert made["avg_burst_speed"] == 100.0
    assert made["avg_pause_duration"] == pytest.approx((200 + 4999.999) / 2)
    assert made["rhythm_consistency"] == pytest.approx(1 - made["rhythm_variation"] / (5299.999 / 3))
    assert made["typing_speed_wpm"] == pytest.approx(60000 / (5299.999 / 3) / 5)
    assert made["rhythm_stability"] == pytest.approx(1 / (1 + made["rhythm_variation"] ** 2))


def test_without_gaps_the_rhythm_is_zero() -> None:
    made = features((0, "a", "p"), (5000, "b", "p"))
    assert [made[name] for name in NAMES[40:48]] == [0.0] * 8


def test_gaps_under_a_millisecond_count_as_one_for_the_speed() -> None:
    made = features((0, "a", "p"), (0.5, "b", "p"))
    assert (made["typing_speed_wpm"], made["rhythm_consistency"]) == (12000.0, 1.0)
    assert (made["burst_frequency"], made["avg_burst_speed"], made["avg_pause_duration"]) == (0.0, 0.0, 0.5)


steps = st.tuples(
    st.sampled_from("abc"), st.booleans(), st.sampled_from([0, 0, 30, 400, 1100]), st.sampled_from([0, 0, 500])
)


@given(st.lists(st.tuples(st.lists(steps, min_size=1, max_size=40), st.integers(0, 30)), max_size=6))
def test_one_window_after_another_gives_what_each_gives_alone(windows: list[tuple[Any, int]]) -> None:
    """Between windows events come, some of them between others, and the first ones go, even within a moment."""
    sliding = keystroke.Windows()
    events: list[Key] = []
    last = 10_000_000
    for come, go in windows:
        for key, pressed, after, back in come:
            last += after * 1000
            event = Key(last - back * 1000, key == "c" and pressed, key, pressed)
            events.insert(len([one for one in events if one.ts <= event.ts]), event)
        del events[:go]
        alone = keystroke.features(events, 30_000_000, False)
        assert repr(sliding.features(tuple(events), 30_000_000, False)) == repr(alone)


def test_a_window_adds_only_what_the_one_before_did_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[int] = []
    monkeypatch.setattr(Strokes, "add", lambda _, events: added.append(len(events)))
    sliding = keystroke.Windows()
    events = [Key(1_000_000 + i, False, "a", i % 2 == 0) for i in range(100)]
    for start, stop in ((0, 50), (10, 60), (30, 100)):
        sliding.features(events[start:stop], 30_000_000, False)
    assert added == [50, 10, 40]


@pytest.mark.parametrize(("pattern", "gap_us"), [("pr", 1000), ("p", 2_500_000), ("ppr", 2_500_000)])
def test_made_up_names_are_forgotten(monkeypatch: pytest.MonkeyPatch, pattern: str, gap_us: int) -> None:
    """Of pairs, of keys that are never released, and of keys that were repeated."""
    monkeypatch.setattr(keystroke, "SPARE_NAMES", 100)
    sliding = keystroke.Windows()
    keys = [(i, k, what) for i in range(400) for k, what in enumerate(pattern)]
    events = [Key(1_000_000 + i * gap_us + k, False, f"Key{i}", what == "p") for i, k, what in keys]
    for start in range(0, len(events) - 20, 10):
        alone = keystroke.features(events[start : start + 20], 30_000_000, False)
        assert sliding.features(events[start : start + 20], 30_000_000, False) == alone
    strokes = sliding._strokes
    assert strokes.names_known() < 100 + 60
