"""What a difference between two programs on the same live events proves, and when it proves nothing."""

import pytest

from plugins.module_utils.comparison import Comparison
from plugins.module_utils.credible import (
    CHANGED,
    DIFFERENT,
    EQUAL,
    LOSSES,
    NOTHING,
    STALLS,
    UNSURE,
    conclude,
    why_unsure,
)


def compared(
    equal: int = 0, different: int = 0, missing_left: int = 0, missing_right: int = 0, unreadable: int = 0
) -> Comparison:
    total = equal + different + missing_left + missing_right
    return Comparison("keystroke", total, equal, different, missing_left, missing_right, 0, unreadable)


def test_what_agrees_is_equal_whatever_came_late() -> None:
    assert conclude(compared(equal=5), {}) == EQUAL
    assert conclude(compared(equal=5), {"late": 7, "gaps": 1}) == EQUAL


def test_nothing_compared_proves_nothing() -> None:
    assert conclude(compared(), {}) == NOTHING


@pytest.mark.parametrize(
    "found", [compared(4, 1), compared(4, missing_left=1), compared(4, missing_right=1), compared(unreadable=1)]
)
def test_one_difference_is_a_difference_when_every_event_came_in_time(found: Comparison) -> None:
    assert conclude(found, dict.fromkeys((*STALLS, *LOSSES), 0)) == DIFFERENT


@pytest.mark.parametrize("counter", STALLS)
def test_after_a_stall_only_what_differs_throughout_is_a_difference(counter: str) -> None:
    grown = {counter: 1}
    assert conclude(compared(1, 4), grown) == UNSURE
    assert conclude(compared(0, 2), grown) == UNSURE
    assert conclude(compared(5, missing_right=3), grown) == UNSURE
    assert conclude(compared(0, 3), grown) == DIFFERENT


@pytest.mark.parametrize("counter", LOSSES)
def test_where_events_were_lost_nothing_is_a_difference(counter: str) -> None:
    assert conclude(compared(0, 9), {counter: 1}) == UNSURE


def test_a_release_that_declares_other_values_is_not_held_to_the_old_ones() -> None:
    assert conclude(compared(0, 9), {}, declared=True) == CHANGED
    another = compared(0, 9)
    another.schemas = (2, 3)
    assert conclude(another, {}) == CHANGED


def test_the_counters_that_grew_are_named() -> None:
    assert why_unsure({"late": 3, "behind": 0, "gaps": 1}) == "late grew by 3, gaps grew by 1"
