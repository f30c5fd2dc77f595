"""A fleet: in which order and batches hosts switch, when that stops, and what is worth a sentence."""

from types import SimpleNamespace
from typing import Any

import pytest

from plugins.action import seclyzer_fleet as action
from plugins.action import seclyzer_report
from plugins.module_utils import fleet

EDGES = [f"edge{n}" for n in range(1, 41)]


@pytest.mark.parametrize(
    ("total", "sizes", "batches"),
    [
        (40, [1, "10%", "50%", "100%"], [1, 4, 20, 15]),
        (3, [1, "10%", "50%", "100%"], [1, 1, 1]),
        (1, [1, "10%"], [1]),
        (0, [1], []),
        (7, [3], [3, 3, 1]),
        (7, ["100%"], [7]),
        (5, ["2", "40%"], [2, 2, 1]),
    ],
)
def test_batches_are_cut_from_all_and_the_last_size_repeats(total: int, sizes: list[Any], batches: list[int]) -> None:
    assert fleet.cut(total, sizes) == batches


@pytest.mark.parametrize("size", [1, "3", "1%", "100%", 1000])
def test_a_size_is_a_number_or_a_share(size: Any) -> None:
    assert fleet.size_fault(size) == ""


@pytest.mark.parametrize("size", [0, "0%", "101%", -1, "all", True, "", 1.5, "10 %"])
def test_any_other_size_is_refused_with_what_it_may_be(size: Any) -> None:
    assert fleet.size_fault(size) == (
        f"seclyzer_release_batches has {size!r}; a batch is a number of hosts from 1, or a share from 1% to 100%"
    )


def test_stores_switch_first_and_alone_then_canaries_then_the_rest() -> None:
    staged = [*EDGES[:10], "store1", "store2"]
    hosts, batches = fleet.order(staged, [], ["store1", "store2"], ["edge7"], [1, "50%", "100%"])
    assert hosts == ["store1", "store2", "edge7", *[e for e in EDGES[:10] if e != "edge7"]]
    assert batches == [1, 1, 1, 5, 4]


def test_hosts_that_change_nothing_come_first_and_count_in_no_batch() -> None:
    hosts, batches = fleet.order(["edge1", "edge2", "edge3", "store"], ["edge1", "store"], ["store"], [], [1, "100%"])
    assert (hosts, batches) == (["edge1", "store", "edge2", "edge3"], [2, 1, 1])


@pytest.mark.parametrize("changing", [1, 2, 5, 40])
def test_no_batch_holds_a_store_and_an_edge_that_change(changing: int) -> None:
    hosts, batches = fleet.order([*EDGES[:changing], "store"], [], ["store"], [], ["100%"])
    assert sum(batches) == len(hosts) == changing + 1
    assert (hosts[0], batches[0]) == ("store", 1)


def test_without_its_canary_no_other_edge_switches() -> None:
    words = fleet.without_canary(["edge1"], EDGES, EDGES[1:3], EDGES)
    assert words == "no host of seclyzer_canary was staged (edge1), so no other edge is switched"
    assert fleet.without_canary(["edge1", "edge9"], EDGES, ["edge9"], EDGES) == ""
    assert fleet.without_canary([], EDGES, ["edge9"], EDGES) == ""
    assert fleet.without_canary(["edge1"], ["edge9"], ["edge9"], EDGES) == ""  # --limit left the canary out


@pytest.mark.parametrize(
    ("failed", "at_most", "rest", "words"),
    [
        ([], 0, 5, ""),
        (["a"], 0, 5, "a failed: the other 5 hosts were not started"),
        (["a"], 0, 1, "a failed: the other host was not started"),
        (["a"], 0, 0, ""),
        (["a"], 1, 5, ""),
        (
            ["a", "b"],
            1,
            5,
            "a, b failed, more than the 1 of seclyzer_release_max_fail: the other 5 hosts were not started",
        ),
    ],
)
def test_more_failures_than_allowed_stop_the_next_batch(failed: list[str], at_most: int, rest: int, words: str) -> None:
    assert fleet.stop(failed, at_most, rest) == words


def test_names_are_few_however_many_there_are() -> None:
    assert fleet.named(EDGES) == "edge1, edge2, edge3, edge4, edge5, edge6, edge7, edge8 and 32 more"
    assert fleet.named(EDGES[:2]) == "edge1, edge2"


def facts(hosts: dict[str, dict[str, Any]], store: str = "store") -> dict[str, Any]:
    return {
        "hostvars": hosts,
        "ansible_play_hosts_all": list(hosts),
        "ansible_play_hosts": list(hosts),
        "groups": {"seclyzer_store": [store], "seclyzer_edge": [host for host in hosts if host != store]},
    }


WELL: dict[str, Any] = {"__seclyzer_host": {"running": {}, "refused": []}}
FULL = {"__seclyzer_host": {"running": {}, "refused": ["/opt/seclyzer has 3 MiB left"]}}
AWAY = {"__seclyzer_host": {"unreachable": True, "msg": "no route"}}


def test_a_host_that_is_refused_stops_itself_only(capsys: pytest.CaptureFixture[str]) -> None:
    found = action._chosen(facts({"edge1": WELL, "edge2": FULL, "edge3": AWAY, "store": WELL}))
    assert (found["go"], found["edges"], found["stores"]) == (["edge1", "store"], ["edge1"], ["store"])
    assert found["refused"] == {"edge2": ["/opt/seclyzer has 3 MiB left"]}
    assert "edge2: /opt/seclyzer has 3 MiB left" in capsys.readouterr().out


def test_the_edges_of_a_store_that_is_away_go_on_and_of_one_that_is_refused_do_not() -> None:
    assert action._chosen(facts({"edge1": WELL, "store": AWAY}))["go"] == ["edge1"]
    refused = {"__influxdb_certificate": {"refused": ["no client will trust it"]}}
    found = action._chosen(facts({"edge1": WELL, "store": WELL | refused}))
    assert found["go"] == []
    assert found["refused"]["edge1"] == ["its store store was refused, so this host was not started"]
    outside = WELL | {"influxdb_token_file": "vault/token"}
    assert action._chosen(facts({"edge1": outside, "store": WELL | refused}))["go"] == ["edge1"]


def test_of_several_stores_one_that_is_refused_stops_its_own_edges_only() -> None:
    refused = {"__influxdb_certificate": {"refused": ["no client will trust it"]}}
    hosts = {
        "north1": WELL | {"influxdb_store_host": "store1"},
        "south1": WELL | {"influxdb_store_host": "store2"},
        "outside": WELL | {"influxdb_token_file": "vault/token"},
        "store1": WELL | {"inventory_hostname": "store1"},
        "store2": WELL | refused | {"inventory_hostname": "store2"},
    }
    groups = {"seclyzer_store": ["store1", "store2"], "seclyzer_edge": ["north1", "south1", "outside"]}
    found = action._chosen(facts(hosts) | {"groups": groups})
    assert found["go"] == ["north1", "outside", "store1"]
    assert found["refused"]["south1"] == ["its store store2 was refused, so this host was not started"]
    assert found["elsewhere"] == {"store1": ["south1", "outside"], "store2": ["north1", "outside"]}


def test_with_one_store_no_edge_is_taken_for_one_of_another() -> None:
    hosts = {"edge1": WELL, "edge2": WELL | {"influxdb_store_host": "its-alias"}, "store": WELL}
    assert action._chosen(facts(hosts))["elsewhere"] == {"store": []}


def test_a_host_that_could_not_be_looked_at_is_refused_with_its_cause() -> None:
    broken = {"__seclyzer_host": {"failed": False, "msg": "Ansible cannot read which system runs: no python"}}
    found = action._chosen(facts({"edge1": broken, "store": WELL}))
    assert found["refused"] == {"edge1": ["Ansible cannot read which system runs: no python"]}


STAGED: dict[str, Any] = {"__seclyzer_staged": {"deployment": 2, "switches": True}}
SETTLED: dict[str, Any] = {"__seclyzer_staged": {"deployment": 2, "switches": False}}
LOST: dict[str, Any] = {"__seclyzer_staged": {"unreachable": True}}
HEALTHY: dict[str, Any] = {"__seclyzer_health": {"summary": "agent pass"}}
FAILED: dict[str, Any] = {"__seclyzer_failed": "the switch: it did not start"}


def module(check: bool = False) -> Any:
    made = object.__new__(action.ActionModule)
    made._task = SimpleNamespace(check_mode=check)
    return made


def staged(hosts: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    found = facts(hosts)
    everybody = {"go": list(hosts), "chosen": list(hosts)}
    return found | more | {"__seclyzer_fleet": everybody, "groups": found["groups"] | more.get("groups", {})}


def test_batches_are_cut_from_the_hosts_that_were_staged() -> None:
    hosts = {"edge1": LOST, "edge2": STAGED | FAILED, "edge3": STAGED, "edge4": SETTLED, "store": STAGED}
    found = module()._order(staged(hosts))
    assert (found["hosts"], found["batches"], found["settled"]) == (["edge4", "store", "edge3"], [1, 1, 1], ["edge4"])


def test_what_the_inventory_says_of_batches_counts_and_check_mode_has_one() -> None:
    hosts = {f"edge{n}": STAGED for n in range(6)}
    assert module()._order(staged(hosts, seclyzer_release_batches=[2, "100%"]))["batches"] == [2, 4]
    assert module(check=True)._order(staged(hosts))["batches"] == [6]


def test_a_canary_that_was_lost_stops_the_edges_but_neither_stores_nor_who_changes_nothing() -> None:
    hosts = {"edge1": LOST, "edge2": STAGED, "edge3": SETTLED, "store": STAGED}
    found = module()._order(staged(hosts, groups={"seclyzer_canary": ["edge1"]}))
    assert found["hosts"] == ["edge3", "store"]
    assert found["stopped"].startswith("no host of seclyzer_canary was staged (edge1)")


DIFFERS: dict[str, Any] = STAGED | {
    "__seclyzer_shadow": {"failed": True},
    "__seclyzer_failed": "the comparison: keystroke",
}


def test_staged_programs_that_differ_from_what_runs_start_no_batch() -> None:
    """None switches before all have compared, so a difference on one stops all that would change."""
    hosts = {"edge1": STAGED, "edge2": DIFFERS, "edge3": SETTLED, "store": STAGED}
    found = module()._order(staged(hosts))
    assert (found["hosts"], found["batches"]) == (["edge3"], [1])
    assert found["stopped"] == "edge2 failed: the other 2 hosts were not started"
    found = module()._order(staged(hosts, seclyzer_release_max_fail=1))
    assert (found["hosts"], found["stopped"]) == (["edge3", "store", "edge1"], "")


KNOWN_BAD: dict[str, Any] = {
    "__seclyzer_staged": {"failed": True, "known_bad": True},
    "__seclyzer_failed": "staging: the release was returned from",
}


def test_what_a_host_has_returned_from_is_not_tried_on_the_next_one() -> None:
    """A run that failed, typed again, would go from host to host."""
    hosts = {"edge1": KNOWN_BAD, "edge2": STAGED, "edge3": SETTLED}
    found = module()._order(staged(hosts))
    assert (found["hosts"], found["batches"]) == (["edge3"], [1])
    assert found["stopped"] == "edge1 failed: the other host was not started"
    assert module()._order(staged(hosts, seclyzer_release_max_fail=1))["hosts"] == ["edge3", "edge2"]


def batch(hosts: dict[str, dict[str, Any]], now: list[str], settled: list[str] | None = None, **more: Any) -> Any:
    planned = {"hosts": list(hosts), "settled": settled or []}
    return module()._batch(facts(hosts) | {"__seclyzer_batches": planned, "ansible_play_batch": now} | more)


def test_a_batch_does_not_start_after_a_host_that_failed() -> None:
    hosts = {"edge1": FAILED | HEALTHY, "edge2": {}, "edge3": {}}
    assert batch(hosts, ["edge1"])["go"] is True
    found = batch(hosts, ["edge2"])
    assert (found["go"], found["stopped"]) == (False, "edge1 failed: the other 2 hosts were not started")
    assert batch(hosts, ["edge2"], seclyzer_release_max_fail="1")["go"] is True


def test_a_host_that_was_lost_in_its_batch_counts_as_failed() -> None:
    assert batch({"edge1": {"__seclyzer_switched": {"unreachable": True}}, "edge2": {}}, ["edge2"])["go"] is False
    assert batch({"edge1": HEALTHY, "edge2": {}}, ["edge2"])["go"] is True


def test_an_unhealthy_host_on_which_nothing_changed_stops_no_other() -> None:
    assert batch({"edge1": FAILED, "edge2": {}}, ["edge2"], settled=["edge1"])["go"] is True


def test_a_run_that_does_not_get_all_its_hosts_gives_back_those_it_has() -> None:
    staged = {"__seclyzer_staged": {"deployment": 2}}
    words = "bob@two has a run going on this host since 10:00:00Z"
    taken = {"__seclyzer_staged": {"failed": True, "lease": {"run": "b"}, "msg": words}, "__seclyzer_failed": "staging"}
    full = {"__seclyzer_staged": {"failed": True, "msg": "the disk is full"}, "__seclyzer_failed": "staging"}
    hosts: dict[str, dict[str, Any]] = {"edge1": WELL | staged, "edge2": WELL | taken, "edge3": WELL | full}
    known = facts(hosts) | {"__seclyzer_fleet": {"go": list(hosts)}}
    assert action._alone(known) == {
        "changed": False,
        "back": ["edge1"],
        "why": f"a run goes on with all its hosts or with none. edge2: {words}",
    }
    ended = {"__seclyzer_staged": {"failed": True, "went_on": True, "msg": words}, "__seclyzer_failed": "staging"}
    assert action._alone(facts(hosts | {"edge2": WELL | ended}) | {"__seclyzer_fleet": {"go": list(hosts)}})["back"]
    alone = {"edge1": hosts["edge1"], "edge3": hosts["edge3"]}
    assert action._alone(facts(alone) | {"__seclyzer_fleet": {"go": list(alone)}})["back"] == []


def edge_at(url: str, was: str = "https://store1:8086", **more: Any) -> dict[str, Any]:
    """An edge that is to write to `url`, and does to another."""
    return {"__seclyzer_host": {"running": {}, "refused": [], "store": was, "influx": {"url": url}}} | more


MOVES = {
    "stays": edge_at("https://store1:8086", influxdb_store_host="store1"),
    "south": edge_at("https://store2:8086", influxdb_store_host="store2"),
    "outside": edge_at("https://metrics:8086", influxdb_token_file="vault/token"),
    "new": edge_at("https://store2:8086", was="", influxdb_store_host="store2"),
    "renamed": edge_at("https://store2:8086", was="https://its-alias:8086", influxdb_store_host="store2"),
}


def test_an_edge_that_writes_outside_has_a_credential_on_no_store_of_the_inventory() -> None:
    names = {"groups": {"seclyzer_store": ["store1", "store2"], "seclyzer_edge": list(MOVES)}}
    found = action._chosen(facts(MOVES) | names)
    assert found["elsewhere"]["store1"] == ["south", "outside", "new", "renamed"]
    assert found["elsewhere"]["store2"] == ["stays", "outside"]


def test_a_store_that_an_edge_leaves_is_known_by_the_address_that_it_writes_to() -> None:
    names = {"groups": {"seclyzer_store": ["store1", "store2"], "seclyzer_edge": list(MOVES)}}
    left_out = facts(MOVES) | names
    assert action._chosen(left_out)["left"] == {"south": "store1", "outside": "store1", "renamed": "store1"}
    store1 = WELL | {"inventory_hostname": "store1"}
    assert action._chosen(facts(MOVES | {"store1": store1}) | names)["left"] == {}
    assert set(action._chosen(facts(MOVES | {"store1": AWAY}) | names)["left"]) == {"south", "outside", "renamed"}


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"changed": True}, ""),
        ({"changed": False, "skipped": True}, ""),
        (None, ""),
        (
            {"unreachable": True, "msg": "no route"},
            "for store1 was not reached; when that is mended, ansible-playbook ",
        ),
        ({"msg": "the disk is full"}, "for store1 did not end it (the disk is full); when that is mended, "),
    ],
)
def test_a_credential_that_did_not_end_is_reported_with_what_to_type(result: Any, words: str) -> None:
    note = "".join(seclyzer_report.still_valid(result, "store1", "edge1"))
    assert bool(note) == bool(words)
    assert words in note
    assert not words or note.endswith("site.yml --limit edge1,store1 ends it")
