"""Two stores, each for a part of the fleet: an edge writes to its own and to no other, whatever is done with either."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hostchecks.features import KINDS
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, hosts, on_every, unplugged
from hostchecks.polling import poll
from hostchecks.removal import remove
from hostchecks.rollout import Run, roll_out
from hostchecks.stores import NOTHING, OWN, QUICK, STORES, Fill, credentials, feed, fill, looked_up, play, times

testinfra_hosts = ["ansible://localhost?connection=local"]

MOVED = """
seclyzer_edge:
  hosts:
    edge2:
      influxdb_store_host: store1
"""
"""Beside the lab's inventory: the edge of the south is one of the north's store."""


@dataclass
class Seen:
    """The runs by name, and around them what was fed and stored, whose credentials each store has, and what is left."""

    runs: dict[str, Run] = field(default_factory=dict)
    fills: dict[str, Fill] = field(default_factory=dict)
    credentials: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    exported: list[dict[str, Any]] = field(default_factory=list)
    left: dict[str, dict[str, int]] = field(default_factory=dict)


def sent(edge: Host) -> dict[str, str]:
    """What waits in each spool, once that is nothing or time is up."""

    def read() -> dict[str, str]:
        return {kind: one["spool_bytes"] for kind, one in run_on(edge, "stats", "resp").items()}

    return poll(read, lambda waits: set(waits.values()) == {"0"}, 90, 1)


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Everything once, in the order of a fleet's life."""
    found, folder = Seen(), tmp_path_factory.mktemp("stores")
    found.runs["rolled out"] = roll_out(*QUICK, "-e", "mode=hybrid")
    found.fills["rolled out"] = fill(OWN)
    found.credentials["rolled out"] = credentials()
    _one_store_away(found)
    found.runs["rotated"] = play("rotate", "-e", "rotate=store,certificates")
    found.credentials["rotated"] = credentials()
    moved = folder / "moved.yml"
    moved.write_text(MOVED)
    found.runs["moved"] = roll_out("-i", str(moved), *QUICK)
    found.credentials["moved"] = credentials()
    found.fills["moved"] = fill(OWN | {"edge2": "store1"})
    _a_person(found, ("-i", str(moved)), folder)
    found.runs["removed"] = remove("-i", str(moved), "--limit", "edge2")
    found.credentials["removed"] = credentials()
    found.runs["restored"] = play("restore", "-e", "influxdb_restore_archive=/none.tar")
    yield found


def _one_store_away(found: Seen) -> None:
    """The south's store is off the network: a rollout and events meanwhile, and what comes when it is back."""
    with unplugged("store2"):
        found.runs["one away"] = roll_out(*QUICK, "-e", "mode=rust")
        fed = on_every(EDGES, feed)
        stored = {"store1": looked_up(hosts(STORES)[0], fed, OWN)}
    assert set(sent(hosts(EDGES)[1]).values()) == {"0"}
    found.fills["one away"] = Fill(fed, stored | {"store2": looked_up(hosts(STORES)[1], fed, OWN)})


def _a_person(found: Seen, inventory: tuple[str, ...], folder: Path) -> None:
    """Bob, whose edge has written to both stores: exported, forgotten, and what each store holds then of both edges."""
    found.runs["exported"] = play("export", *inventory, "-e", "user=bob", "-e", f"to={folder}/bob")
    found.exported = json.loads((folder / "bob" / "manifest.json").read_text())["files"]
    found.runs["forgotten"] = play("forget", *inventory, "-e", "user=bob", "-e", f"reports={folder}")
    first = found.fills["rolled out"].fed
    for store in hosts(STORES):
        points = {edge: times(store, edge, first[edge], complete=False) for edge in OWN}
        found.left[name(store)] = {edge: sum(sum(of.values()) for of in points[edge].values()) for edge in OWN}


def test_a_fleet_with_two_stores_is_rolled_out(seen: Seen) -> None:
    run = seen.runs["rolled out"]
    assert run.status == 0, run.text
    assert {host: about["state"] for host, about in run.report["hosts"].items()} == dict.fromkeys(
        ("edge1", "edge2", "store1", "store2"), "healthy"
    )


@pytest.mark.parametrize("when", ["rolled out", "one away"])
@pytest.mark.parametrize("edge", OWN)
def test_every_point_of_an_edge_is_in_its_own_store_and_none_in_the_other(seen: Seen, edge: str, when: str) -> None:
    filled, other = seen.fills[when], {"store1": "store2", "store2": "store1"}[OWN[edge]]
    assert all(len(filled.expected(edge)[kind]) >= 3 for kind in KINDS)
    assert filled.stored[OWN[edge]][edge] == filled.expected(edge)
    assert filled.stored[other][edge] == NOTHING


def test_a_store_has_the_credentials_of_its_own_edges_only(seen: Seen) -> None:
    assert {store: sorted(set(of) & set(OWN)) for store, of in seen.credentials["rolled out"].items()} == {
        "store1": ["edge1"],
        "store2": ["edge2"],
    }


def test_a_store_that_is_away_stops_no_edge_and_no_other_store(seen: Seen) -> None:
    run = seen.runs["one away"]
    assert run.status != 0
    states = {host: about["state"] for host, about in run.report["hosts"].items()}
    assert states == {"edge1": "healthy", "edge2": "healthy", "store1": "healthy", "store2": "lost"}, run.text


def test_a_rotation_makes_each_edges_token_anew_on_its_own_store(seen: Seen) -> None:
    run, before, after = seen.runs["rotated"], seen.credentials["rolled out"], seen.credentials["rotated"]
    assert run.status == 0, run.text
    for edge, store in OWN.items():
        assert after[store][edge] != before[store][edge]
    assert {store: sorted(set(of) & set(OWN)) for store, of in after.items()} == {
        "store1": ["edge1"],
        "store2": ["edge2"],
    }


def test_an_edge_that_moves_has_a_credential_on_its_new_store_and_none_on_the_former(seen: Seen) -> None:
    run, after = seen.runs["moved"], seen.credentials["moved"]
    assert run.status == 0, run.text
    assert {store: sorted(set(of) & set(OWN)) for store, of in after.items()} == {
        "store1": ["edge1", "edge2"],
        "store2": [],
    }
    assert after["store1"]["edge1"] == seen.credentials["rotated"]["store1"]["edge1"]


def test_what_a_moved_edge_makes_is_in_its_new_store_only(seen: Seen) -> None:
    filled = seen.fills["moved"]
    assert filled.stored["store1"] == {edge: filled.expected(edge) for edge in OWN}
    assert filled.stored["store2"] == dict.fromkeys(OWN, NOTHING)


def test_an_export_has_a_persons_points_of_both_stores(seen: Seen) -> None:
    assert seen.runs["exported"].status == 0, seen.runs["exported"].text
    records = {
        store: sum(file["records"] for file in seen.exported if file["host"] == store) for store in ("store1", "store2")
    }
    edge2 = [seen.fills[when].expected("edge2") for when in ("rolled out", "one away", "moved")]
    south = sum(sum(times.values()) for filled in edge2[:2] for times in filled.values())
    north = sum(sum(times.values()) for times in edge2[2].values())
    assert records["store2"] >= south and records["store1"] >= north, records


def test_a_person_is_forgotten_in_both_stores_and_the_other_keeps_all(seen: Seen) -> None:
    assert seen.runs["forgotten"].status == 0, seen.runs["forgotten"].text
    anns = sum(sum(of.values()) for filled in seen.fills.values() for of in filled.expected("edge1").values())
    assert seen.left == {"store1": {"edge1": anns, "edge2": 0}, "store2": {"edge1": 0, "edge2": 0}}


def test_a_removed_edge_loses_its_credential_and_the_others_keep_theirs(seen: Seen) -> None:
    assert seen.runs["removed"].status == 0, seen.runs["removed"].text
    after = seen.credentials["removed"]
    assert "edge2" not in after["store1"]
    assert after["store1"]["edge1"] == seen.credentials["moved"]["store1"]["edge1"]


def test_a_backup_is_restored_to_one_store_that_is_named(seen: Seen) -> None:
    run = seen.runs["restored"]
    assert run.status != 0
    assert "these are store1, store2: --limit names the one" in run.text, run.text
