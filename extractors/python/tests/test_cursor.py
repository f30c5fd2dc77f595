"""Where to go on after a restart."""

import json
from pathlib import Path

import pytest
from support import SECOND, START, fed, focus

from seclyzer_extractors import config, cursor
from seclyzer_extractors.core import AppCore, Row, make_core


def tracker() -> AppCore:
    core = make_core("app", config.settings("app"))
    assert isinstance(core, AppCore)
    return core


def test_the_cursor_reads_both_halves() -> None:
    read = cursor.Cursor({b"published": b"70", b"stored": b"50"}, host_time=60)
    assert (read.published, read.stored) == (70, 50)
    assert (cursor.Cursor({}, 0).published, cursor.Cursor({}, 0).stored) == (0, 0)


def test_a_cursor_far_ahead_of_the_hosts_clock_is_ignored() -> None:
    at_limit = cursor.Cursor({b"published": b"10000100", b"stored": b"10000101"}, host_time=100)
    assert (at_limit.published, at_limit.stored) == (10_000_100, 0)
    assert cursor.Cursor({b"published": b"-5", b"stored": b"x"}, 100).published == 0


def test_a_state_goes_on_with_last_id_and_what_is_unstored() -> None:
    core = tracker()
    for line in (focus(START, "a"), focus(START + SECOND, "b"), focus(START + SECOND + 9, "c")):
        fed(core, line)
    row = Row(START, ("a", "b", 1000, False))
    text = cursor.dump_state(core, "17-3", [row])
    again = tracker()
    assert cursor.load_state(text, again, host_time=START + SECOND) == ("17-3", [row])
    assert again.dump() == core.dump()
    assert [one.values[:2] for one in again.finish()] == [("a", "b"), ("b", "c")]


def test_a_state_without_unstored_transitions_is_one_too() -> None:
    state = json.loads(cursor.dump_state(tracker(), "0-0", []))
    del state["unstored"]
    assert cursor.load_state(json.dumps(state), tracker(), START) == ("0-0", [])


def test_a_state_from_before_the_clock_was_set_back_keeps_its_counts_only() -> None:
    core = tracker()
    for line in (focus(START, "a"), focus(START + SECOND, "b"), focus(START + 2 * SECOND, "c")):
        fed(core, line)
    again = tracker()
    assert cursor.load_state(cursor.dump_state(core, "17-3", []), again, host_time=START - 60 * SECOND)
    assert (again.stream_time(), again.tracker.current) == (None, None)
    assert again.tracker.patterns.gains == 3


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2}, {"last_id": "x"}, {"last_id": 7}, {"last_id": "18446744073709551616-0"},
        {"last_id": "1-18446744073709551616"}, {"apps": None}, {"apps": [{"name": "a"}]},
        {"pending": [{"ts": "x"}]}, {"current": {"app": "a"}}, {"unstored": [[1]]}, {"max_ts": "x"},
        {"taken_through": "x"},
    ],
)  # fmt: skip
def test_a_state_of_another_shape_is_said_and_ignored(
    change: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    state = json.loads(cursor.dump_state(tracker(), "0-0", []))
    again = tracker()
    assert cursor.load_state(json.dumps({**state, **change}), again, START) is None
    assert "the saved state cannot be used" in capsys.readouterr().err
    assert again.tracker.patterns.gains == 0
    named = json.dumps({**state, "taken_through": None, "unstored": [["Firefox", "a", "b", 1, False]]})
    assert cursor.load_state(named, again, START) is None
    assert "Firefox" not in capsys.readouterr().err
    for text in ("", "[]", "{}", "{", '{"schema": 1, "last_id": "0-0", "max_ts": Infinity, "taken_through": 1}'):
        assert cursor.load_state(text, again, START) is None


def test_the_state_file_is_replaced_whole(tmp_path: Path) -> None:
    assert cursor.read_state_file(str(tmp_path)) is None
    assert cursor.read_state_file("") is None
    cursor.write_state_file(str(tmp_path), "first")
    cursor.write_state_file(str(tmp_path), "ä")
    assert cursor.read_state_file(str(tmp_path)) == "ä"
    assert [entry.name for entry in tmp_path.iterdir()] == ["app-state.json"]
    assert (tmp_path / "app-state.json").stat().st_mode & 0o777 == 0o600
