"""Which hosts may be removed, and what is reported of each."""

import pytest

from plugins.module_utils.removal_report import Outcome, chosen_faults, size

FLEET = ["edge1", "edge2", "store"]


@pytest.mark.parametrize(
    ("chosen", "limited", "left", "begins"),
    [
        (FLEET, False, {}, "--limit has to name the hosts: without it 3 hosts would go (edge1, edge2, store)"),
        (FLEET, True, {"store": []}, "--limit leaves no host out, so the whole fleet would go"),
        (["store"], True, {"store": ["edge1", "edge2"]}, "store holds the points of edge1, edge2, and nothing would"),
        (["edge1"], True, {}, ""),
        (["edge1", "store"], True, {"store": []}, ""),
    ],
)
def test_a_fleet_or_a_store_in_use_is_not_removed_by_accident(
    chosen: list[str], limited: bool, left: dict[str, list[str]], begins: str
) -> None:
    fault = chosen_faults(chosen, FLEET, limited, left)
    assert fault.startswith(begins) and bool(fault) is bool(begins)
    assert not fault or fault.endswith("-e remove_confirmed=true removes them all the same")


def test_the_only_host_of_an_inventory_may_be_named() -> None:
    assert chosen_faults(["one"], ["one"], True, {}) == ""


def test_a_removed_host_is_reported_with_what_was_kept() -> None:
    kept = [{"path": "/var/lib/seclyzer/app", "files": 1, "bytes": 2048}]
    one = Outcome("edge1", done=["a", "b"], kept=kept, notes=["n"], store="store", credential=True, command="again")
    assert one.is_complete
    assert one.lines(False) == [
        "edge1: removed, in 2 steps",
        "  kept /var/lib/seclyzer/app: 1 file, 2.0 KiB",
        "  n",
        "  its credential is taken away on store",
    ]
    assert one.lines(True)[0] == "edge1: would be removed, in 2 steps"


@pytest.mark.parametrize(
    ("outcome", "first", "last"),
    [
        ({"reached": False}, "edge1: NOT REACHED, so SecLyzer is still on it", "  then type: again"),
        ({"fault": "disk"}, "edge1: NOT REMOVED: disk", "  then type: again"),
        (
            {"store": "store", "credential": False, "why": "it was not reached"},
            "edge1: nothing of SecLyzer to remove",
            "  then type: again",
        ),
    ],
)
def test_what_is_not_complete_is_reported_with_what_to_type(outcome: dict[str, object], first: str, last: str) -> None:
    one = Outcome("edge1", command="again", **outcome)  # type: ignore[arg-type]
    assert not one.is_complete
    assert (one.lines(False)[0], one.lines(False)[-1]) == (first, last)


def test_a_credential_that_stays_good_is_named() -> None:
    lines = Outcome("e", done=["x"], store="store", credential=False, why="it was not reached", command="c").lines(
        False
    )
    assert "  ITS CREDENTIAL IS STILL GOOD on store: it was not reached" in lines


@pytest.mark.parametrize(("number", "words"), [(0, "0 bytes"), (1536, "1.5 KiB"), (3 << 20, "3.0 MiB")])
def test_sizes_are_for_people(number: int, words: str) -> None:
    assert size(number) == words
