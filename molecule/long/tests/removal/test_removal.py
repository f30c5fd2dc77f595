"""A host that SecLyzer is removed from is as it was before: a blank one, one with a Redis of another, one with an older
SecLyzer; with the store away, and when the removal is cut off.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hostchecks import features, flow, removal
from hostchecks.features import KINDS
from hostchecks.flow import WAYS, Flow
from hostchecks.host import Host
from hostchecks.lab import renew, unplugged
from hostchecks.removal import Whole, differences, named, remove, whole
from hostchecks.rollout import Run, go_back, roll_out

DROPIN = "/etc/systemd/system/redis-server.service.d/seclyzer.conf"
OF_ANOTHER = "systemctl show --property=MainPID --value redis-server theirs; redis-cli get theirs; redis-cli keys '*'"
OF_OLDER = "systemctl is-active seclyzer-extractors@keystroke; systemctl is-enabled seclyzer-extractors@mouse; true"
CHOICE = (
    "{\"redis_existing\": \"{{ 'beside' if inventory_hostname == 'edge1' else 'refuse' }}\", "
    '"seclyzer_existing": "replace", "seclyzer_release_batches": ["100%"]}'
)
"""edge1 has a Redis of another and an older SecLyzer; edge2 and the store are blank."""


@dataclass
class Seen:
    """What was seen of the hosts, and the runs, in the order in which they were."""

    before: dict[str, Whole] = field(default_factory=dict)
    after: dict[str, Whole] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    another: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    flow: Flow | None = None


@pytest.fixture(scope="session")
def seen() -> Iterator[Seen]:
    """Everything once; the hosts have no SecLyzer afterwards."""
    renew()
    found = Seen()
    edge1, edge2, store = (named(f"seclyzer_{kind}", one) for kind, one in ROLES)
    edge1.check_output(removal.REDIS_OF_ANOTHER + removal.OLDER)
    found.before = {"edge1": whole(edge1), "edge2": whole(edge2), "store": whole(store)}

    def look() -> None:
        found.another.append(edge1.check_output(OF_ANOTHER))
        found.older.append(edge1.check_output(OF_OLDER))
        found.credentials.append(store.check_output("cut -f 2 /etc/seclyzer/gateway/credentials 2>/dev/null; true"))

    look()
    found.runs["refused"] = roll_out("--limit", "edge1,store", "-e", "mode=hybrid")
    found.runs["rolled out"] = roll_out("-e", "mode=hybrid", "-e", CHOICE)
    found.flow = flow.run(edge1, store, WAYS[0])
    look()
    found.runs["before"] = go_back("--limit", "edge1", "-e", "to=before")
    look()
    found.runs["everything"] = remove()
    found.runs["store in use"] = remove("--limit", "store")
    store.check_output("systemctl stop influxdb-gateway")
    flow.feed(edge2, WAYS[1])
    with unplugged("store"):
        found.runs["store away"] = remove("--limit", "edge1,edge2")
    look()
    found.after = {"edge1": whole(edge1), "edge2": whole(edge2)}
    found.runs["store back"] = remove("--limit", "edge1,edge2")
    look()
    _adopted(found, edge2, store)
    for one in ("store gone", "once more"):
        found.runs[one] = remove("--limit", "store", "-e", "remove_confirmed=true", "-e", "remove_data=true")
    found.after["store"] = whole(store)
    yield found


ROLES = (("edge", "edge1"), ("edge", "edge2"), ("store", "store"))
KEPT = {"/var/lib/seclyzer"} | {f"/var/lib/seclyzer/{kind}" for kind in KINDS}


def _adopted(found: Seen, edge2: Host, store: Host) -> None:
    """edge2 again, with a Redis of another that is adopted; its removal is cut off, and typed again."""
    store.check_output("systemctl start influxdb-gateway")
    edge2.check_output("rm -r /var/lib/seclyzer" + removal.REDIS_OF_ANOTHER)
    found.before["adopted"] = whole(edge2)
    found.runs["adopted"] = roll_out("--limit", "edge2,store", "-e", "mode=rust", "-e", "redis_existing=adopt")
    removal.kill_once_gone(edge2, DROPIN)
    found.runs["cut off"] = remove("--limit", "edge2", "-e", "remove_data=true")
    found.runs["again"] = remove("--limit", "edge2", "-e", "remove_data=true")
    found.after["adopted"] = whole(edge2)
    found.another.append(edge2.check_output("redis-cli get theirs; redis-cli config get maxmemory"))


def test_what_was_there_is_refused_with_the_options_that_decide(seen: Seen) -> None:
    cause = " ".join(seen.runs["refused"].host("edge1")["cause"])
    assert "redis_existing decides: beside leaves it alone" in cause
    assert (
        "an older SecLyzer is here (seclyzer-extractors@keystroke.service, seclyzer-extractors@mouse.service)" in cause
    )
    assert "seclyzer_existing decides: replace stops and disables it" in cause


def test_beside_a_redis_of_another_an_edge_is_healthy(seen: Seen) -> None:
    assert seen.runs["rolled out"].status == 0, seen.runs["rolled out"].text
    assert seen.runs["rolled out"].host("edge1")["state"] == "healthy"


@pytest.mark.parametrize("kind", KINDS)
def test_events_come_to_the_store_by_way_of_the_redis_beside_another_s(seen: Seen, kind: str) -> None:
    assert seen.flow is not None
    pairs = zip(seen.flow.published[kind], seen.flow.expected[kind], strict=True)
    assert [
        features.differences(found, expected) for found, expected in pairs if features.differences(found, expected)
    ] == []
    assert len(seen.flow.stored[kind]) == len(seen.flow.expected[kind]) > 0


def test_the_redis_of_another_has_its_processes_clients_and_data_all_the_time(seen: Seen) -> None:
    of_edge1 = set(seen.another[:5])
    assert len(of_edge1) == 1, of_edge1
    assert of_edge1.pop().split()[2:] == ["value", "theirs"]


def test_an_older_seclyzer_is_stopped_by_the_switch_and_back_by_going_back(seen: Seen) -> None:
    assert seen.older == ["active\nenabled", "inactive\ndisabled", *["active\nenabled"] * 3]
    assert seen.runs["before"].status == 0, seen.runs["before"].text
    assert seen.runs["before"].host("edge1")["state"] == "left for the older SecLyzer"


@pytest.mark.parametrize("run", ["everything", "store in use"])
def test_a_fleet_or_a_store_in_use_is_not_removed_without_confirmation(seen: Seen, run: str) -> None:
    assert seen.runs[run].status == 2
    assert "remove_confirmed=true" in seen.runs[run].text and seen.runs[run].changed == []


def test_a_credential_stays_good_while_the_store_is_away_and_that_is_reported(seen: Seen) -> None:
    run = seen.runs["store away"]
    assert run.status != 0
    assert run.text.count("ITS CREDENTIAL IS STILL GOOD on store") >= 2, run.text
    assert seen.credentials[3].split() == ["edge1", "edge2", "reader"]


def test_typed_again_with_the_store_back_it_is_taken_away(seen: Seen) -> None:
    assert seen.runs["store back"].status == 0, seen.runs["store back"].text
    assert seen.credentials[4].split() == ["reader"]


def test_an_edge_with_a_redis_and_an_older_seclyzer_is_as_it_was_but_for_its_data(seen: Seen) -> None:
    left = differences(seen.before["edge1"], seen.after["edge1"])
    assert set(left) <= {"files"}, left
    assert all(path in KEPT or path.startswith("/var/lib/seclyzer/") for path in left.get("files", [])), left


def test_a_blank_edge_is_blank_again_but_for_its_spool_which_is_root_s(seen: Seen) -> None:
    left = differences(seen.before["edge2"], seen.after["edge2"])
    assert set(left) == {"files"}, left
    assert all(path in KEPT or path.startswith("/var/lib/seclyzer/") for path in left["files"]), left
    spooled = [path for path in left["files"] if path.endswith(".lp")]
    assert spooled
    for kind in {path.split("/")[4] for path in spooled}:
        assert seen.after["edge2"]["files"][f"/var/lib/seclyzer/{kind}"][:3] == ["drwx------", 0, 0]
        assert f"kept /var/lib/seclyzer/{kind}: " in seen.runs["store away"].text


def test_an_adopted_redis_has_its_configuration_and_what_it_had_saved_again(seen: Seen) -> None:
    assert seen.runs["adopted"].status == 0, seen.runs["adopted"].text
    assert seen.another[-1].split() == ["value", "maxmemory", "80740352"]
    left = differences(seen.before["adopted"], seen.after["adopted"])
    assert left in ({}, {"files": ["/var/lib/redis/dump.rdb"]}), left


def test_a_removal_that_was_cut_off_is_completed_by_the_next(seen: Seen) -> None:
    assert seen.runs["cut off"].status != 0, seen.runs["cut off"].text
    assert seen.runs["again"].status == 0, seen.runs["again"].text
    assert "edge2: removed, in " in seen.runs["again"].text


def test_a_store_is_blank_again_with_its_data_gone(seen: Seen) -> None:
    assert seen.runs["store gone"].status == 0, seen.runs["store gone"].text
    assert differences(seen.before["store"], seen.after["store"]) == {}


def test_a_second_removal_changes_nothing(seen: Seen) -> None:
    assert (seen.runs["once more"].status, seen.runs["once more"].changed) == (0, [])
    assert "store: nothing of SecLyzer to remove" in seen.runs["once more"].text
