"""What may be typed to say whose data is meant, and what the report tells of what became of it."""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plugins.action.seclyzer_person import ActionModule
from plugins.action.seclyzer_report import one_name, without_owner
from plugins.module_utils import ledger
from plugins.module_utils.selection import Selection
from plugins.module_utils.words import NoSense, Report, understood

NOW = 1_790_000_000_000_000


@pytest.mark.parametrize(
    ("user", "host", "since", "until", "says"),
    [
        ("", "", "", "", "not stated whose data"),
        ("", "", "2026-01-01", "", "not stated whose data"),
        ("default", "", "", "", "everyone"),
        ("a\nb", "", "", "", "control characters"),
        ("", "x" * 201, "", "", "control characters"),
        ("ann", "", "2026-02-01", "2026-01-01", "is not before"),
        ("ann", "", "2026-01-01", "2026-01-01", "is not before"),
        ("ann", "", "2100-01-01", "", "still to come"),
        ("ann", "", "last week", "", "since is 'last week'"),
        ("ann", "", "", "2026-02-31", "until is '2026-02-31'"),
    ],
)
def test_what_makes_no_sense_is_refused(user: str, host: str, since: str, until: str, says: str) -> None:
    with pytest.raises(NoSense, match=says):
        understood(user, host, since, until, NOW)


def test_what_makes_sense_is_taken_as_it_is() -> None:
    assert understood("default", "edge1", "", "", NOW) == Selection("default", "edge1")
    assert understood('a"b', "", "1970-01-02", "", NOW) == Selection('a"b', "", 86_400_000_000, 0)


def action(step: str, facts: dict[str, Any], check: bool = False, **arguments: Any) -> dict[str, Any]:
    task = SimpleNamespace(args={"step": step, **arguments}, check_mode=check, async_val=0)
    made = ActionModule.__new__(ActionModule)
    made._task = task
    made.validate_argument_spec = lambda spec: (
        None,
        {name: arguments.get(name, one.get("default")) for name, one in spec.items()} | {"step": step},
    )
    return (
        made._words(facts, made.validate_argument_spec(SPEC)[1]) if step == "words" else made._report(facts, arguments)
    )


SPEC = {name: {"default": ""} for name in ("user", "host", "since", "until")}
GROUPS = {"seclyzer_edge": ["edge1", "edge2"], "seclyzer_store": ["store"]}
COUNTS = {"points of mouse in spool": 2, "application state in Redis": 3}
SEEN = {"owner": {"user": "ann", "host": "edge1"}, "before": COUNTS, "after": COUNTS, "until": 0}
DONE = SEEN | {"after": dict.fromkeys(COUNTS, 0), "until": NOW}
POINTS = {"mouse_features": 5}
AWAY = {"unreachable": True}
STORED = {"before": POINTS, "after": {"mouse_features": 0}, "backups": []}


def words(**typed: Any) -> dict[str, Any]:
    return action("words", {"groups": GROUPS}, **typed)


def test_a_person_may_have_used_any_edge_a_host_is_one() -> None:
    assert words(user="ann")["edges"] == ["edge1", "edge2"]
    assert words(host="edge2")["edges"] == ["edge2"]
    assert words(host="gone")["edges"] == []
    assert words()["failed"] and "Nothing was changed" in words()["msg"]


def report(
    folder: Path, edges: dict[str, dict[str, Any]], store: dict[str, Any], check: bool = False
) -> dict[str, Any]:
    facts = {
        "hostvars": {"localhost": {"__seclyzer_person": words(user="ann")}, **edges, "store": store},
        "groups": GROUPS,
    }
    return action("report", facts, check, what="forget", folder=str(folder))


GOOD = {"__seclyzer_seen": SEEN, "__seclyzer_done": DONE}
GOOD_STORE = {"__seclyzer_store_seen": STORED, "__seclyzer_store_done": STORED}


def test_what_was_done_is_filed_for_its_reader_alone(tmp_path: Path) -> None:
    reported = report(tmp_path / "reports", {"edge1": GOOD, "edge2": GOOD}, GOOD_STORE)
    assert (reported["complete"], reported["open"]) == (True, [])
    text, document = (Path(path) for path in reported["report"])
    assert {path.stat().st_mode & 0o777 for path in (text, document)} == {0o600}
    assert text.parent.stat().st_mode & 0o777 == 0o700
    filed = json.loads(document.read_text())
    assert {"host": "edge1", "place": "points of mouse in spool", "before": 2, "after": 0} in filed["places"]
    assert {"host": "store", "place": "points of mouse_features in InfluxDB", "before": 5, "after": 0} in filed[
        "places"
    ]
    assert (filed["complete"], filed["chosen"]["user"]) == (True, "ann")


@pytest.mark.parametrize(
    ("edge", "store", "says"),
    [
        ({"__seclyzer_seen": AWAY, "__seclyzer_done": {"skipped": True}}, GOOD_STORE, "was not reached"),
        ({"__seclyzer_seen": {"failed": True, "msg": "no Redis"}}, GOOD_STORE, "no Redis"),
        ({"__seclyzer_seen": SEEN, "__seclyzer_done": AWAY}, GOOD_STORE, "was not reached"),
        ({"__seclyzer_seen": SEEN, "__seclyzer_done": {"msg": "a full disk"}}, GOOD_STORE, "a full disk"),
        ({"__seclyzer_seen": SEEN, "__seclyzer_done": SEEN}, GOOD_STORE, "2 points of mouse in spool are left"),
        (GOOD | {"__seclyzer_again": {"before": {"points of mouse in spool": 1}}}, GOOD_STORE, "came back"),
        (GOOD, {"__seclyzer_store_seen": STORED, "__seclyzer_store_done": {"msg": "it is away"}}, "it is away"),
        (GOOD, GOOD_STORE | {"__seclyzer_store_again": {"before": {"mouse_features": 1}}}, "1 points of mouse"),
        ({}, GOOD_STORE, "not asked"),
    ],
)  # fmt: skip
def test_what_is_not_done_is_named_with_its_host(
    tmp_path: Path, edge: dict[str, Any], store: dict[str, Any], says: str
) -> None:
    reported = report(tmp_path, {"edge1": GOOD, "edge2": edge}, store)
    assert not reported["complete"]
    assert any(says in sentence for sentence in reported["open"]), reported["open"]
    assert len({sentence.partition(":")[0] for sentence in reported["open"]}) == 1


def test_a_look_files_nothing_and_holds_nothing_open(tmp_path: Path) -> None:
    reported = report(tmp_path / "none", {"edge1": GOOD, "edge2": GOOD}, {"__seclyzer_store_seen": STORED}, check=True)
    assert (reported["complete"], reported["report"], (tmp_path / "none").exists()) == (True, [], False)


def test_a_host_without_an_owner_and_old_backups_are_reported(tmp_path: Path) -> None:
    unowned = GOOD | {"__seclyzer_seen": SEEN | {"owner": {"user": "default", "host": "edge2"}}}
    store = GOOD_STORE | {"__seclyzer_store_seen": STORED | {"backups": ["influxdb-1.tar"]}}
    reported = "\n".join(report(tmp_path, {"edge1": GOOD, "edge2": unowned}, store)["msg"])
    assert "-e host=edge2" in reported and "-e host=edge1" not in reported
    assert "influxdb-1.tar" in reported


def test_a_fleet_is_reminded_of_hosts_without_an_owner() -> None:
    hostvars: dict[str, dict[str, str]] = {"edge1": {"seclyzer_extractors_user_id": "ann"}, "edge2": {}}
    assert "edge2; seclyzer_extractors_user_id" in without_owner({"groups": GROUPS, "hostvars": hostvars})
    one = {"groups": {"seclyzer_edge": ["edge2"]}, "hostvars": hostvars}
    assert without_owner(one) == ""
    hostvars["edge2"] = {"seclyzer_extractors_user_id": "bob"}
    assert without_owner({"groups": GROUPS, "hostvars": hostvars}) == ""


def test_the_ledger_keeps_what_a_restore_has_to_forget_again(tmp_path: Path) -> None:
    place = tmp_path / "state" / "forgotten.jsonl"
    ledger.write_down(Selection('a"b'), {"edge1": {"mouse_features": {"2026-11-28": 3}}}, place)
    place.write_text(place.read_text() + "nonsense\n")
    ledger.write_down(Selection(host="edge1", since=5, until=7), {}, place)
    first, second = ledger.read(place)
    assert (first.chosen, first.points["edge1"]) == (Selection('a"b'), {"mouse_features": {"2026-11-28": 3}})
    assert (second.again, first.again.user) == (Selection(host="edge1", since=5, until=7), 'a"b')
    assert 0 < first.again.until <= time.time_ns() // 1000
    assert place.stat().st_mode & 0o007 == 0


def test_a_report_tells_what_is_there_and_where_nothing_is() -> None:
    reported = Report("forget", "now", {"user": "ann", "host": ""}, checked_only=False)
    reported.add("edge1", {"a": 1, "b": 0}, {"a": 0, "b": 0})
    reported.add("edge2", {"a": 0}, {"a": 0})
    lines = reported.lines()
    assert [line.split() for line in lines[2:]] == [["edge1", "1", "0", "a"], ["nothing", "on", "edge2"]]


def test_hosts_whose_points_a_store_outside_cannot_tell_apart_are_named() -> None:
    def edge(name: str, url: str = "https://metrics:8086") -> dict[str, Any]:
        return {"__influxdb_outside": {"host": name}, "influxdb_url": url}

    hostvars = {"a": edge("ubuntu"), "b": edge("ubuntu"), "c": edge("pc1"), "d": edge("ubuntu", "https://other:8086")}
    hostvars |= {"ours": {"__influxdb_access": {"host": "ubuntu"}}, "lost": {}}
    (words,) = one_name({"groups": {"seclyzer_edge": list(hostvars)}, "hostvars": hostvars})
    assert words.startswith("a, b call themselves ubuntu, so that their points are one host's in the store")
