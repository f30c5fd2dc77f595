"""The generator keeps the contract (section 1) and its own promises."""

import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from lab import paths
from lab.generate import START_US, events, line

Made = dict[str, Any]
NAMES = {"keystroke": {"press", "release"}, "mouse": {"move", "press", "release", "scroll"}, "app": {"focus"}}
FIELDS = {
    "keystroke": {"key"},
    "move": {"x", "y"},
    "press": {"button"},
    "release": {"button"},
    "app": {"app_name", "window_class"},
}


def made(seed: int = 7, seconds: float = 600, **options: Any) -> list[Made]:
    return [json.loads(line(event, START_US)) for event in events(seed, seconds, **options)]


@pytest.fixture(scope="module")
def hour() -> list[Made]:
    return made(seconds=3600)


@pytest.fixture(scope="module")
def keys(hour: list[Made]) -> list[Made]:
    return [event for event in hour if event["type"] == "keystroke"]


@pytest.fixture(scope="module")
def mouse(hour: list[Made]) -> list[Made]:
    return [event for event in hour if event["type"] == "mouse"]


def test_the_same_seed_gives_the_same_events_and_another_gives_others() -> None:
    assert made(3) == made(3)
    assert made(3) != made(4)


def test_asking_for_one_type_gives_the_same_events_as_asking_for_all() -> None:
    assert made(types=("mouse",)) == [event for event in made() if event["type"] == "mouse"]


def test_the_beginning_does_not_depend_on_the_length() -> None:
    short = made(seconds=60)
    assert made(seconds=120)[: len(short)] == short


def test_every_line_is_valid(hour: list[Made]) -> None:
    for event in hour:
        assert event["event"] in NAMES[event["type"]]
        assert type(event["ts"]) is int
        assert START_US <= event["ts"] < START_US + 3600_000_000
        assert event["dev_mode"] is True
        own = set(event) - {"type", "ts", "event", "dev_mode", "scroll_delta"}
        assert own == FIELDS.get(event["type"], FIELDS.get(event["event"], set()))
        assert all(1 <= len(event[name]) <= 64 for name in ("key", "button") if name in event)
        assert 1 <= len(event.get("app_name", "x")) <= 256
        assert all(abs(event.get(name, 0)) <= 1e6 for name in ("x", "y", "scroll_delta"))
        assert len(json.dumps(event, ensure_ascii=False).encode()) <= 4096


def test_events_come_in_the_order_of_time(hour: list[Made]) -> None:
    assert all(one["ts"] <= other["ts"] for one, other in pairwise(hour))


def test_no_key_is_released_that_is_not_down_and_repeats_are_under_a_second(keys: list[Made]) -> None:
    down: dict[str, int] = {}
    for event in keys:
        if event["event"] == "release":
            assert event["key"] in down
            del down[event["key"]]
        else:
            assert event["ts"] - down.get(event["key"], event["ts"]) < 1_000_000
            down[event["key"]] = event["ts"]


def test_typing_rolls_over_repeats_and_puts_mistakes_right(keys: list[Made]) -> None:
    down: set[str] = set()
    seen: Counter[str] = Counter()
    for event in keys:
        if event["event"] == "release":
            down.discard(event["key"])
            continue
        seen["repeat"] += event["key"] in down
        seen["rollover"] += bool(down - {event["key"], "ShiftLeft"})
        seen["backspace"] += event["key"] == "Backspace"
        seen["press"] += 1
        down.add(event["key"])
    assert seen["rollover"] > seen["press"] * 0.05
    assert seen["press"] * 0.01 < seen["backspace"] < seen["press"] * 0.15
    assert seen["repeat"] > 10


def test_typing_has_bursts_and_pauses(keys: list[Made]) -> None:
    presses = [event["ts"] for event in keys if event["event"] == "press"]
    gaps = [(other - one) / 1000 for one, other in pairwise(presses)]
    assert sum(gap < 200 for gap in gaps) > len(gaps) / 2
    assert sum(1000 < gap < 5000 for gap in gaps) > 10
    assert any(gap > 5000 for gap in gaps)


def test_the_mouse_moves_on_curves_clicks_and_scrolls_both_ways(mouse: list[Made]) -> None:
    kinds = Counter(event["event"] for event in mouse)
    assert kinds["move"] > 20 * kinds["press"] > 0
    assert abs(kinds["press"] - kinds["release"]) <= 1
    assert {event["button"] for event in mouse if "button" in event} == {"Left", "Right", "Middle"}
    deltas = {event.get("scroll_delta") for event in mouse if event["event"] == "scroll"}
    assert {None, 1, -1} <= deltas
    first = [(event["x"], event["y"]) for event in mouse[:60] if event["event"] == "move"]
    (x0, y0), (x1, y1) = first[0], first[-1]
    assert max(abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) for x, y in first) > 0


def test_applications_change_and_are_sometimes_sent_twice(hour: list[Made]) -> None:
    names = [event["app_name"] for event in hour if event["type"] == "app"]
    assert len(set(names)) >= 5
    assert any(one == other for one, other in pairwise(names))


def test_a_rate_packs_the_same_events_into_less_time() -> None:
    normal, fast = made(seconds=100), made(seconds=10, rate=10.0)
    assert len(normal) == len(fast)
    assert abs((normal[-1]["ts"] - START_US) - 10 * (fast[-1]["ts"] - START_US)) <= 10


def test_the_command_writes_lines_and_live_stamps_them_now() -> None:
    command = [
        sys.executable,
        "-m",
        "lab",
        "generate",
        "--seed",
        "2",
        "--seconds",
        "1",
        "--rate",
        "50",
        "--live",
    ]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True, timeout=30)
    stamps = [json.loads(text)["ts"] for text in done.stdout.splitlines()]
    assert len(stamps) > 500
    assert 0.5e6 < stamps[-1] - stamps[0] < 1.1e6
    assert stamps[0] > START_US
