"""The app tracker's saved state."""

import json
from pathlib import Path

import pytest
from support import SECOND, START, fed, focus

from seclyzer_extractors import config, state
from seclyzer_extractors.apps import TransitionOperator
from seclyzer_extractors.core import Row
from seclyzer_extractors.operators import make_operator


def tracker() -> TransitionOperator:
    operator = make_operator("app", config.settings("app"))
    assert isinstance(operator, TransitionOperator)
    return operator


def test_a_state_goes_on_with_last_id_and_what_is_unstored() -> None:
    operator = tracker()
    for line in (focus(START, "a"), focus(START + SECOND, "b"), focus(START + SECOND + 9, "c")):
        fed(operator, line)
    row = Row(START, ("a", "b", 1000, False))
    text = state.dump_state(operator, "17-3", [row])
    again = tracker()
    assert state.load_state(text, again, host_time=START + SECOND) == ("17-3", [row])
    assert again.dump() == operator.dump()
    assert [one.values[:2] for one in again.finish()] == [("a", "b"), ("b", "c")]


def test_a_state_without_unstored_transitions_is_one_too() -> None:
    saved = json.loads(state.dump_state(tracker(), "0-0", []))
    del saved["unstored"]
    assert state.load_state(json.dumps(saved), tracker(), START) == ("0-0", [])


def test_a_state_from_before_the_clock_was_set_back_keeps_its_counts_only() -> None:
    operator = tracker()
    for line in (focus(START, "a"), focus(START + SECOND, "b"), focus(START + 2 * SECOND, "c")):
        fed(operator, line)
    again = tracker()
    assert state.load_state(state.dump_state(operator, "17-3", []), again, host_time=START - 60 * SECOND)
    assert (again.stream_time(), again.tracker.current) == (None, None)
    assert again.tracker.patterns.gains == 3


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 0}, {"last_id": "x"}, {"last_id": 7}, {"last_id": "18446744073709551616-0"},
        {"last_id": "1-18446744073709551616"}, {"apps": None}, {"apps": [{"name": "a"}]},
        {"pending": [{"ts": "x"}]}, {"current": {"app": "a"}}, {"unstored": [[1]]}, {"max_ts": "x"},
        {"taken_through": "x"},
    ],
)  # fmt: skip
def test_a_state_of_another_shape_is_logged_and_ignored(
    change: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    saved = json.loads(state.dump_state(tracker(), "0-0", []))
    again = tracker()
    assert state.load_state(json.dumps({**saved, **change}), again, START) is None
    reason = '"another schema"' if "schema" in change else "damaged"
    assert f'msg="the saved state cannot be used; it is begun anew" reason={reason}\n' in capsys.readouterr().err
    assert again.tracker.patterns.gains == 0
    named = json.dumps({**saved, "taken_through": None, "unstored": [["Firefox", "a", "b", 1, False]]})
    assert state.load_state(named, again, START) is None
    assert "Firefox" not in capsys.readouterr().err
    for text in ("", "{", "NaN["):
        assert state.load_state(text, again, START) is None
        assert 'reason="not JSON"' in capsys.readouterr().err
    for text in ("[]", "{}", '{"schema": 1, "last_id": "0-0", "max_ts": Infinity, "taken_through": 1}'):
        assert state.load_state(text, again, START) is None


def test_the_state_file_is_replaced_whole(tmp_path: Path) -> None:
    assert state.read_state_file(str(tmp_path)) is None
    assert state.read_state_file("") is None
    state.write_state_file(str(tmp_path), "first")
    state.write_state_file(str(tmp_path), "ä")
    assert state.read_state_file(str(tmp_path)) == "ä"
    assert [entry.name for entry in tmp_path.iterdir()] == ["app-state.json"]
    assert (tmp_path / "app-state.json").stat().st_mode & 0o777 == 0o600
