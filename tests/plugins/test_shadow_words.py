"""A comparison before a switch in words: one sentence that names the feature, the values and what to type."""

from typing import Any

import pytest

from plugins.module_utils import shadow_words
from plugins.module_utils.comparison import Comparison, Cost, Difference
from plugins.module_utils.comparison_report import document


def result(verdict: str, why: str = "", **found: Any) -> dict[str, Any]:
    one = Comparison("mouse", **found)
    costs = {"mouse": (Cost(0.6, 60.0, 31.25), Cost(0.06, 60.0, 2.5))}
    report = document(("running", "staged"), [one], costs, 60)
    return {"report": report, "verdicts": {"mouse": {"verdict": verdict, "why": why}}}


def test_a_refusal_names_feature_values_time_and_what_to_type() -> None:
    first = [Difference(1_800_000_000_000_000, "move_3", 1.5, 2.5)]
    found = result("different", "2 of 5 outputs differ, in move_3", compared=5, different=2, first=first)
    assert shadow_words.refusal(4, found) == (
        "deployment 4 is not switched to, and what runs was not touched: beside it, on the same live events, mouse: 2 "
        "of 5 outputs differ, in move_3 (at 2027-01-15T08:00:00Z move_3 is 2.5 where 1.5 runs). playbooks/compare.yml "
        "-e right=staged compares again, for as long as asked; if other values are meant, -e "
        "seclyzer_release_values_change=true accepts them"
    )


def test_a_program_that_ended_needs_no_values() -> None:
    words = shadow_words.refusal(4, result("different", "mouse_extractor ended by itself (exited 3): no licence"))
    assert "mouse: mouse_extractor ended by itself (exited 3): no licence. playbooks/compare.yml" in words


@pytest.mark.parametrize("verdict", ["equal", "unsure", "nothing", "changed"])
def test_nothing_else_is_refused(verdict: str) -> None:
    assert shadow_words.refusal(4, result(verdict)) == ""


@pytest.mark.parametrize(
    ("verdict", "why", "note"),
    [
        ("equal", "", "equal to what ran before, on live events before the switch: mouse"),
        ("changed", "", "mouse computes other values than what ran before, as is known"),
        (
            "nothing",
            "",
            "mouse was not compared with what runs before the switch: it made no output that both saw whole",
        ),
        ("nothing", "it was killed", "mouse was not compared with what runs before the switch: it was killed"),
        (
            "unsure",
            "late grew by 2",
            "mouse differed from what runs, which is not held against it, for events were late or lost meanwhile",
        ),
    ],
)
def test_the_report_has_what_came_of_it(verdict: str, why: str, note: str) -> None:
    assert shadow_words.notes(result(verdict, why)) == [note]


def test_the_cost_is_reported_beside_that_of_what_runs() -> None:
    assert shadow_words.figures(result("equal", compared=5, equal=5)) == (
        "mouse 5 of 5 equal, 2.5 MiB and 0.1 % CPU where 31.2 MiB and 1.0 % run"
    )
