"""The comparison of two programs' outputs: what counts, what is equal, and what is reported of the rest."""

import json
from typing import Any

import pytest

from plugins.module_utils.comparison import AHEAD_US, SHOWN, Comparison, Cost, compare, same, table

WINDOW = 30_000_000
START = 1_800_000_000_000_000
WHOLE = START + AHEAD_US + WINDOW  # the first end of a window that both saw whole


def window(ts: int, implementation: str = "rust", **features: Any) -> str:
    """An output of the mouse, short."""
    values = {"move_0": 1.5, "click_2": 3, "dev_mode": False, **features}
    return json.dumps({**values, "ts": ts, "schema": 2, "implementation": implementation, "version": "0.1.0"})


def transition(ts: int, duration_ms: int) -> str:
    return json.dumps({"from_app": "a", "to_app": "b", "duration_ms": duration_ms, "ts": ts, "schema": 2})


def compared(left: list[str], right: list[str], until: int = START * 2) -> Comparison:
    return compare("mouse", left, right, START, until, WINDOW)


def test_what_the_programs_say_of_themselves_is_no_difference() -> None:
    found = compared([window(WHOLE)], [window(WHOLE, "python")])
    assert (found.compared, found.equal, found.agrees, found.words("l", "r")) == (1, 1, True, "")


def test_an_altered_feature_is_found_by_its_name() -> None:
    left = [window(WHOLE + i) for i in range(3)]
    right = [window(WHOLE, move_0=1.5000000000000002), window(WHOLE + 1), window(WHOLE + 2, move_0=2.0, click_2=4)]
    found = compared(left, right)
    assert (found.compared, found.equal, found.different, found.agrees) == (3, 1, 2, False)
    assert found.features == {"move_0": 2, "click_2": 1}
    assert vars(found.first[0]) == {"ts": WHOLE, "feature": "move_0", "left": 1.5, "right": 1.5000000000000002}
    assert found.words("l", "r") == "2 of 3 outputs differ, in move_0, click_2"


def test_an_output_that_one_side_does_not_have_is_missing() -> None:
    found = compared([window(WHOLE), window(WHOLE + 1)], [window(WHOLE + 1), window(WHOLE + 2), window(WHOLE + 3)])
    assert (found.compared, found.equal, found.missing_left, found.missing_right) == (4, 1, 2, 1)
    assert found.words("old", "new") == "2 outputs are missing of old; 1 outputs are missing of new"


@pytest.mark.parametrize("ts", [WHOLE - 1, START, START * 3])
def test_what_was_not_seen_whole_or_may_still_come_does_not_count(ts: int) -> None:
    found = compared([window(ts, move_0=9.0)], [window(ts)])
    assert (found.compared, found.partial, found.agrees) == (0, 1, True)
    assert compared([window(ts)], []).partial == 1


def test_a_transition_counts_when_both_saw_its_application_come() -> None:
    """Of one that was there before, the shadow knows a shorter time."""
    found = compare("app", [transition(WHOLE, 40_000)], [transition(WHOLE, 1_000)], START, START * 2, WINDOW)
    assert (found.compared, found.partial) == (0, 1)
    found = compare("app", [transition(WHOLE, 29_000)], [transition(WHOLE, 29_001)], START, START * 2, WINDOW)
    assert (found.compared, found.features) == (1, {"duration_ms": 1})


def test_of_a_window_that_comes_again_the_last_one_counts() -> None:
    assert compared([window(WHOLE, move_0=9.0), window(WHOLE)], [window(WHOLE)]).agrees


def test_lines_that_are_no_outputs_are_counted() -> None:
    lines = ["", "{", "[]", "7", '{"ts": "x"}', "{}", '{"ts": 1.0}', "[" * 100_000, window(WHOLE)]
    found = compared(lines, [window(WHOLE)])
    assert (found.unreadable, found.equal, found.agrees) == (8, 1, False)
    assert found.words("l", "r") == "8 lines are no outputs"


def test_with_another_schema_what_both_have_is_compared() -> None:
    old, new = json.loads(window(WHOLE)), json.loads(window(WHOLE, more=1.0))
    new["schema"] = 3
    found = compared([json.dumps(old)], [json.dumps(new)])
    assert (found.schemas, found.equal) == ((2, 3), 1)
    new["move_0"] = 9.0
    found = compared([json.dumps(old)], [json.dumps(new)])
    assert (found.schemas, found.features) == ((2, 3), {"move_0": 1})


def test_a_feature_that_is_gone_is_a_difference() -> None:
    short = json.loads(window(WHOLE))
    del short["click_2"]
    assert compared([window(WHOLE)], [json.dumps(short)]).features == {"click_2": 1}


@pytest.mark.parametrize(
    ("name", "left", "right", "equal"),
    [
        ("move_0", 1.0, 1.0, True),
        ("move_0", 1.0, 1.0 + 2**-52, False),
        ("move_0", 1, 1.0, False),
        ("dev_mode", True, 1, False),
        ("move_8", 1.0, 1.0 + 2**-52, True),
        ("move_8", 1.0, 1.00000001, False),
        ("move_8", 0.0, 1e-13, True),
        ("gap_log_std", 1, 1.0, False),
        ("from_app", "a", "b", False),
    ],
)
def test_values_are_equal_as_the_contract_has_it(name: str, left: object, right: object, equal: bool) -> None:
    assert same(name, left, right) is equal


def test_only_so_many_differences_are_kept() -> None:
    found = compared([window(WHOLE + i) for i in range(50)], [window(WHOLE + i, move_0=2.0) for i in range(50)])
    assert found.different == 50 and len(found.first) == SHOWN
    assert json.loads(json.dumps(found.as_dict()))["first"][0]["feature"] == "move_0"


def test_the_table() -> None:
    found = compared([window(WHOLE)], [window(WHOLE)])
    assert table([found], {"mouse": (Cost(1.0, 10.0, 4.94), None)}).splitlines() == [
        "kind   compared  equal  different  missing left  missing right  CPU % l/r  MiB l/r",
        "mouse  1         1      0          0             0              10.00/-    4.9/-",
    ]
