"""The examples of the contract, with the values it gives for them."""

import pytest
from support import START, focus, key, message, move, replayed

TYPING = """
0 KeyT press, 80000 KeyT release, 150000 KeyH press, 240000 KeyH release, 300000 KeyE press,
360000 Space press, 390000 KeyE release, 430000 Space release, 700000 KeyT press, 790000 KeyT release,
880000 KeyH press, 980000 KeyH release, 3980000 Backspace press, 4060000 Backspace release
"""


def test_keystroke_example() -> None:
    lines = []
    for one in TYPING.split(","):
        offset, name, event = one.split()
        lines.append(key(START + int(offset), name, event))
    [window], counters = replayed("keystroke", lines)
    expected = {
        "dwell_mean": 600 / 7, "dwell_min": 70, "dwell_max": 100, "dwell_median": 90, "dwell_q25": 80,
        "dwell_q75": 90, "dwell_range": 30, "flight_mean": 122, "flight_median": 90, "flight_q25": 70,
        "flight_q75": 120, "digraph_0_mean": 165, "digraph_1_mean": 150, "digraph_2_mean": 60,
        "digraph_3_mean": 340, "digraph_4_mean": 0, "backspace_count": 1, "backspace_frequency": 1 / 7,
        "correction_rate": 1 / 6, "clean_typing_ratio": 6 / 7, "avg_burst_speed": 120,
        "avg_pause_duration": 3620 / 3, "typing_speed_wpm": 12000 / (3980 / 6), "total_keys": 7,
        "dwell_count": 7, "flight_count": 5, "ts": START + 4_999_999, "schema": 2,
        "dwell_q10": 76, "dwell_q90": 94, "gap_q05": 78, "gap_q10": 96, "gap_q25": 150, "gap_median": 150,
        "gap_q75": 180, "gap_q90": 276, "dwell_left_median": 90, "dwell_right_median": 95, "dwell_space_median": 0,
        "dwell_backspace_median": 0, "dwell_left_std": 0, "share_left": 3 / 7, "share_right": 2 / 7,
        "share_space": 1 / 7, "share_backspace": 1 / 7, "share_shift": 0, "share_other": 0, "rollover_rate": 1 / 6,
        "rollover_overlap": 0, "gap_left_right_median": 165, "gap_left_space_median": 0, "trigraph_q25": 277.5,
        "trigraph_median": 350, "trigraph_q75": 430, "gap_log_autocorrelation": 0,
    }  # fmt: skip
    reported = {
        "dev_mode": False, "timestamp": "2023-11-14T22:13:25.000000Z", "type": "keystroke",
        "implementation": "python",
    }  # fmt: skip
    assert {name: window[name] for name in reported} == reported
    assert {name: window[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    assert window["gap_log_std"] == pytest.approx(0.555165, abs=5e-7)
    assert (counters.events, counters.windows, counters.late) == (14, 1, 0)


def test_mouse_example() -> None:
    lines = [move(START + i * 20_000, 100 + 3 * i + i % 5, 200 + i * i % 17) for i in range(40)]
    clicks = (("Left", 1_000_000, 90_000), ("Left", 1_300_000, 120_000), ("Right", 2_000_000, 200_000))
    for button, at, held in clicks:
        for event, ts in (("press", at), ("release", at + held)):
            lines.append(message(type="mouse", ts=START + ts, event=event, button=button))
    for at, delta in ((3_000_000, 1), (3_100_000, 1), (3_300_000, -1), (3_350_000, 0)):
        lines.append(message(type="mouse", ts=START + at, event="scroll", scroll_delta=delta))
    [window], _ = replayed("mouse", lines)
    exact = {
        "click_0": 410 / 3, "click_9": 120, "click_2": 2, "click_3": 1, "click_4": 0, "click_5": 2 / 3,
        "click_6": 1, "click_7": 1 / 3, "click_8": 0.1, "scroll_0": 0.75, "scroll_2": 2, "scroll_3": 1,
        "scroll_4": 0.5, "scroll_5": 4 / 30, "scroll_6": 0.35 / 3,
    }  # fmt: skip
    rounded = {
        "move_12": 260.249368, "move_13": 121.264174, "move_0": 333.653036, "move_3": 320.156212,
        "move_8": 1.273410, "move_9": 0.969097,
    }  # fmt: skip
    assert {name: window[name] for name in exact} == pytest.approx(exact, rel=1e-12)
    assert {name: window[name] for name in rounded} == pytest.approx(rounded, abs=5e-7)


def test_apps_example() -> None:
    order = (("a", 0), ("a", 10), ("b", 15), ("a", 14), ("c", 20))
    lines = [focus(START + s * 1_000_000, app) for app, s in order]
    (first, second, patterns), counters = replayed("app", lines)
    assert [first["from_app"], first["to_app"], first["duration_ms"]] == ["a", "b", 15_000]
    assert [second["from_app"], second["to_app"], second["duration_ms"]] == ["b", "c", 5_000]
    assert (counters.events, counters.late, counters.windows) == (5, 0, 2)  # the last `a` is put in order before `b`
    assert patterns["transition_matrix"] == {"a": {"b": 1.0}, "b": {"c": 1.0}}
    assert patterns["time_preferences"] == {"a": {"22": 1.0}, "b": {"22": 1.0}, "c": {"22": 1.0}}
    assert patterns["usage_stats"] == {
        "most_used": [["a", 1], ["b", 1]],
        "avg_durations": {"a": 15.0, "b": 5.0},
        "total_transitions": 2,
        "unique_apps": 3,
    }
    assert (patterns["type"], patterns["ts"]) == ("app_patterns", START + 20_000_000)
