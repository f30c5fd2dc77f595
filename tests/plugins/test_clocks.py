"""A clock that is provably wrong marks its host; a slow connection or a wrong controller marks none."""

import re
from pathlib import Path

import pytest

from plugins.module_utils import clocks
from plugins.module_utils.clocks import PERMITTED, Look, amount, faults, right

NOW = 1_796_000_000.0
CONTRACT = Path(__file__).resolve().parents[2] / "docs" / "contract.md"


def look(ahead: float, took: float = 0.2) -> Look:
    """A host whose clock is so far ahead, read in the middle of a look that took so long."""
    return Look(NOW, NOW + took / 2 + ahead, NOW + took)


def test_what_is_permitted_is_what_the_contract_permits_an_event() -> None:
    (seconds,) = re.findall(r"`ts` more than (\d+) s ahead of the host's clock", CONTRACT.read_text())
    assert float(seconds) == PERMITTED


@pytest.mark.parametrize("ahead", [0.0, 4.8, -4.8])
def test_a_clock_within_what_is_permitted_is_right(ahead: float) -> None:
    assert faults({"edge1": look(ahead)}) == ({}, "")


@pytest.mark.parametrize(
    ("ahead", "words"), [(3600.0 * 5, "5 h later"), (-900.0, "15 min earlier"), (5.4, "5 s later")]
)
def test_a_wrong_clock_marks_its_host_with_both_times_and_the_command(ahead: float, words: str) -> None:
    wrong, general = faults({"edge1": look(0.1), "edge2": look(ahead), "edge3": look(-1.0)})
    assert list(wrong) == ["edge2"] and general == ""
    assert wrong["edge2"].startswith(f"its clock is {words} than this controller's: ")
    assert clocks.shown(NOW + ahead + 0.1) in wrong["edge2"] and clocks.shown(NOW) in wrong["edge2"]
    assert "timedatectl set-ntp true" in wrong["edge2"]


def test_a_slow_look_accuses_no_host_of_what_it_may_have_taken() -> None:
    assert faults({"edge1": Look(NOW, NOW + 40, NOW + 40)}) == ({}, "")
    assert faults({"edge1": Look(NOW, NOW, NOW + 40)}) == ({}, "")
    assert faults({"edge1": Look(NOW, NOW + 43, NOW + 40)}) == ({}, "")
    assert faults({"edge1": Look(NOW, NOW - 3, NOW + 40)}) == ({}, "")
    assert list(faults({"edge1": Look(NOW, NOW + 46, NOW + 40)})[0]) == ["edge1"]
    assert list(faults({"edge1": Look(NOW, NOW - 6, NOW + 40)})[0]) == ["edge1"]


def test_a_single_host_is_the_one_that_is_wrong() -> None:
    assert list(faults({"edge1": look(60)})[0]) == ["edge1"]


def test_hosts_that_agree_with_each_other_show_that_the_controller_is_wrong() -> None:
    wrong, general = faults({"edge1": look(600), "edge2": look(601), "edge3": look(602), "late": look(0)})
    assert list(wrong) == ["late"]
    assert "those of most hosts" in wrong["late"]
    assert general.startswith("this controller's clock is 10 min earlier than those of most hosts")


def test_without_a_majority_the_controller_is_believed() -> None:
    assert right([look(600), look(-600)]) == 0.0
    assert sorted(faults({"edge1": look(600), "edge2": look(-600)})[0]) == ["edge1", "edge2"]
    half = {"edge1": look(600), "edge2": look(600), "edge3": look(-900)}
    assert (sorted(faults(half)[0]), faults(half)[1]) == (["edge1", "edge2", "edge3"], "")


def test_a_controller_within_what_is_permitted_of_most_is_not_called_wrong() -> None:
    wrong, general = faults({"edge1": look(4), "edge2": look(8)})
    assert (list(wrong), general) == (["edge2"], "")
    assert "8 s later than this controller's" in wrong["edge2"]


@pytest.mark.parametrize(("seconds", "words"), [(7.9, "8 s later"), (-119, "119 s earlier"), (172800, "2 days later")])
def test_amounts_are_in_the_unit_that_people_take(seconds: float, words: str) -> None:
    assert amount(seconds) == words
