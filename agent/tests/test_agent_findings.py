"""One cause is one finding: what follows is counted, the worst first, each with what to type and a runbook entry."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from agent_world import Agent, Host, RedisServer

from seclyzer_agent import registry
from seclyzer_agent.catalog import ACROSS, BY_MEASUREMENT, COMMANDS, WITHIN, command
from seclyzer_agent.findings import findings, headline
from seclyzer_agent.health import report
from seclyzer_agent.hysteresis import Damped
from seclyzer_agent.kinds import KINDS
from seclyzer_agent.metrics import Exposition
from seclyzer_agent.model import Entry, Status
from seclyzer_agent.page import page
from seclyzer_agent.places import Places
from seclyzer_agent.public import public
from seclyzer_agent.snapshot import CheckState, Shown, Snapshot, View
from tests.helpers.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL
AT = 1_700_000_000.0
REDIS, KEYSTROKE = "redis-server.service", "seclyzer-keystroke.service"
OWN = "seclyzer-redis.service"
BESIDE = Places(OWN, "unix:///run/seclyzer-redis/redis.sock", "https://store1:8086")
"""Of a host whose Redis runs beside another's."""


def bad(measurement: str, component: str, status: Status = FAIL, finding: str = "", since: float = 0.0) -> Entry:
    return Entry(measurement, component, "system", status, f"{component} is bad", finding=finding, since=since)


def seen(name: str, *entries: Entry, since: float = AT) -> View:
    shown = tuple(Shown(e, Damped(e.status, (e.status,)), AT + 99, since) for e in entries)
    return View(CheckState(name, 10.0, 2.0, 1, 1, entries[0], shown, None, 50.0, AT, 0.1), shown, None)


def snapshot(*views: View) -> Snapshot:
    return Snapshot("edge1", AT + 100, views)


def redis_stopped() -> Snapshot:
    """As it was seen on a host: the cause among two dozen rows that say the same."""
    rows = ("heartbeat", "lag", "windows", "losses", "errors", "spool", "store")
    return snapshot(
        seen("units", bad("state", REDIS), Entry("state", KEYSTROKE, "system", PASS, "runs"), since=AT + 9),
        *(seen("redis", *(bad(row, "redis") for row in ("responseTime", "memory", "persistence"))),),
        seen("legacy_clients", bad("enabled", "redis")),
        *(seen(kind, *(bad(row, kind) for row in rows)) for kind in KINDS),
    )


def test_redis_that_was_stopped_is_one_finding_and_names_its_cause() -> None:
    (found,) = findings(redis_stopped())
    assert (found.name, found.subject, found.status, found.follows) == ("unit-down", REDIS, FAIL, 3 + 1 + 3 * 7)
    assert found.command == f"sudo systemctl restart {REDIS}; sudo journalctl -u {REDIS} -n 50 --no-pager"
    assert headline(redis_stopped()) == f"fail: {REDIS} is bad (and 25 that follow)"


def test_redis_that_hangs_is_the_cause_of_what_needs_it() -> None:
    hangs = snapshot(seen("units", Entry("state", REDIS, "system", PASS, "runs")), *redis_stopped().views[1:])
    (found,) = findings(hangs)
    assert (found.name, found.follows) == ("redis-away", 2 + 1 + 3 * 7)


def test_redis_beside_anothers_that_was_stopped_is_one_finding_and_the_other_is_left_alone() -> None:
    stopped = redis_stopped()
    units = seen("units", bad("state", OWN), since=AT + 9)
    (found,) = findings(replace(stopped, places=BESIDE, views=(units, *stopped.views[1:])))
    assert (found.name, found.subject, found.follows) == ("unit-down", OWN, 3 + 1 + 3 * 7)
    assert found.command.startswith(f"sudo systemctl restart {OWN};")


def test_anothers_redis_that_is_down_is_no_cause_of_what_needs_ours() -> None:
    beside = replace(redis_stopped(), places=BESIDE)
    found = findings(beside)
    assert sorted((one.name, one.follows) for one in found) == [("redis-away", 2 + 1 + 3 * 7), ("unit-down", 0)]


def test_commands_name_the_redis_and_the_store_of_this_host() -> None:
    away = command("redis-away", "redis", "edge1", BESIDE)
    assert away == f"sudo systemctl restart {OWN}; sudo journalctl -u {OWN} -n 50 --no-pager"
    log = "redis-cli {} --user admin ACL LOG 10'"
    refuses = [command("redis-refuses", "redis", "edge1", one) for one in (BESIDE, Places(REDIS, "redis://[::1]:7000"))]
    at = ("-s /run/seclyzer-redis/redis.sock", "-h ::1 -p 7000")
    assert [one.endswith(log.format(where)) for one, where in zip(refuses, at, strict=True)] == [True, True]
    assert command("store-token", "app", "edge1", BESIDE) == "ansible-playbook site.yml --limit edge1,store1"
    assert command("store-full", "app", "edge1", BESIDE).endswith("  # on store1, once there is space")


@pytest.mark.parametrize("name", ["unit-memory", "memory-grows", "unit-tasks"])
def test_a_redis_that_still_works_is_looked_at_and_other_units_are_restarted(name: str) -> None:
    assert command(name, OWN, "edge1", BESIDE) == f"systemctl status {OWN} --no-pager"
    assert command(name, KEYSTROKE, "edge1", BESIDE).endswith(f"sudo systemctl restart {KEYSTROKE}")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8086", "https://store1:8086"])
def test_a_store_that_is_this_host_is_named_once(url: str) -> None:
    here = Places(store_url=url)
    assert command("store-token", "app", "store1", here) == "ansible-playbook site.yml --limit store1"
    assert command("store-away", "influxdb", "store1", here).endswith("influxdb-gateway  # on this host")


def test_a_store_whose_name_is_not_known_is_one_of_the_group() -> None:
    expected = "ansible-playbook site.yml --limit edge1,seclyzer_store"
    assert command("store-token", "app", "edge1", Places()) == expected


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("places", [BESIDE, Places()], ids=["beside", "usual"])
def test_a_command_can_be_typed_as_it_stands(name: str, places: Places) -> None:
    typed = command(name, "keystroke", "edge1", places)
    read = subprocess.run(["bash", "-n", "-c", typed], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, ""), typed
    assert re.findall(r"\b[A-Z]{4,}\b|[{}<>]", typed) == []


def test_an_agent_takes_unit_and_socket_of_redis_from_its_settings(
    host: Host, start: Callable[..., Agent], redis_server: RedisServer
) -> None:
    host.config["units"] = {"keystroke": KEYSTROKE, "redis": OWN}
    host.units()
    agent = start()

    def found() -> dict[str, tuple[str, str]]:
        shown = agent.get("/healthz").json["findings"]
        return {one["id"]: (one["componentId"], one["command"]) for one in shown}

    redis_server.kill()
    until(lambda: "redis-away" in found())
    assert found()["redis-away"][1].startswith(f"sudo systemctl restart {OWN};")
    host.units(redis={"active": "inactive", "sub": "dead", "pid": 0})
    until(lambda: "redis-away" not in found())
    assert found()["unit-down"][0] == OWN


def test_a_bus_that_is_away_is_one_finding_and_the_cause_only_of_what_is_asked_there() -> None:
    unknown = [replace(bad("state", unit, FAIL, "systemd-away"), unread=True) for unit in (REDIS, KEYSTROKE)]
    memory = replace(bad("used", REDIS), unread=True)
    found = findings(
        snapshot(seen("units", *unknown), seen("memory", memory), seen("redis", bad("responseTime", "redis")))
    )
    assert [(one.name, one.follows) for one in found] == [("systemd-away", 2), ("redis-away", 0)]


def test_an_agent_that_may_not_look_is_one_finding_and_no_extractor_is_to_blame() -> None:
    unknown = [seen(kind, bad("heartbeat", kind, WARN, "agent-password")) for kind in KINDS]
    (found,) = findings(snapshot(seen("redis", bad("responseTime", "redis", FAIL, "agent-password")), *unknown))
    assert (found.name, found.follows, found.command) == (
        "agent-password",
        3,
        "ansible-playbook site.yml --limit edge1",
    )


def test_a_token_that_was_revoked_is_one_finding_for_all_extractors_since_the_first_saw_it() -> None:
    views = [
        seen(kind, bad("store", kind, FAIL, "store-token", AT - n), bad("spool", kind, WARN))
        for n, kind in enumerate(KINDS)
    ]
    (found,) = findings(snapshot(*views))
    assert (found.name, found.status, found.since, found.follows) == ("store-token", FAIL, AT - 2, 5)


@pytest.mark.parametrize(
    ("folder", "kind_of_fault", "names"),
    [
        ("/var/lib/influxdb", "store-full", ["disk-full"]),
        ("/opt/seclyzer", "store-full", ["store-full", "disk-full"]),
        ("/var/lib/seclyzer", "spool-unwritable", ["disk-full"]),
    ],
)
def test_a_full_disk_is_the_cause_of_what_cannot_be_written_there(
    folder: str, kind_of_fault: str, names: list[str]
) -> None:
    found = findings(snapshot(seen("app", bad("store", "app", FAIL, kind_of_fault)), seen("host", bad("disk", folder))))
    assert [one.name for one in found] == names


def test_an_expired_certificate_is_the_cause_of_a_store_that_cannot_be_trusted() -> None:
    found = findings(
        snapshot(
            seen("app", bad("store", "app", WARN), bad("spool", "app", WARN)),
            seen("influxdb", bad("responseTime", "influxdb", WARN, "store-untrusted")),
            seen("certificate", bad("server", "certificate")),
        )
    )
    assert [(one.name, one.follows) for one in found] == [("certificate-ends", 3)]


def test_a_slow_clock_of_the_host_is_one_finding_though_all_kinds_of_events_show_it() -> None:
    (found,) = findings(snapshot(*(seen(kind, bad("clock", kind, WARN)) for kind in KINDS)))
    assert (found.name, found.status, found.follows) == ("producer-clock", WARN, 2)


def unread(measurement: str, component: str) -> Entry:
    """As a check that had no time leaves it."""
    return replace(bad(measurement, component), unread=True)


def test_units_that_had_no_time_are_one_finding_with_what_is_read_from_them_and_no_unit_is_to_blame() -> None:
    late = snapshot(
        seen("units", unread("state", KEYSTROKE), unread("state", REDIS), since=AT - 9),
        seen("memory", unread("used", KEYSTROKE)),
        seen("limits", unread("cpu", KEYSTROKE), unread("tasks", KEYSTROKE)),
        seen("keystroke", bad("windows", "keystroke", WARN)),
    )
    found = findings(late)
    assert [(one.name, one.status, one.follows) for one in found] == [("agent-late", FAIL, 4), ("no-windows", WARN, 0)]
    assert found[0].since == AT - 9
    assert report(late)["checks"]["limits:cpu"][0]["unread"] is True
    assert "unread" not in report(late)["checks"]["keystroke:windows"][0]


def test_what_is_read_from_units_follows_from_why_these_cannot_be_read() -> None:
    found = findings(snapshot(seen("units", bad("state", "systemd")), seen("memory", unread("used", "memory"))))
    assert [(one.name, one.subject, one.follows) for one in found] == [("unit-down", "systemd", 1)]


def test_redis_that_has_no_answer_in_time_is_still_the_cause() -> None:
    found = findings(snapshot(seen("redis", unread("responseTime", "redis")), seen("app", unread("lag", "app"))))
    assert [(one.name, one.follows) for one in found] == [("redis-away", 1)]


def test_what_has_nothing_to_do_with_it_stands_by_itself_the_worst_first_and_then_the_oldest() -> None:
    found = findings(
        snapshot(
            seen("memory", bad("used", KEYSTROKE, WARN), since=AT - 50),
            seen("mouse", bad("heartbeat", "mouse")),
            seen("units", bad("state", KEYSTROKE), since=AT - 5),
            seen("keystroke", bad("heartbeat", "keystroke")),
        )
    )
    assert [(one.name, one.subject, one.status, one.since, one.follows) for one in found] == [
        ("unit-down", KEYSTROKE, FAIL, AT - 5, 2),
        ("extractor-silent", "mouse", FAIL, AT, 0),
    ]


def test_nothing_that_is_wrong_is_left_out() -> None:
    """Whatever combination: each problem is a finding, or counted in one."""
    everything = [
        seen("app" if check == "extractor" else check, bad(measurement, check)) for check, measurement in BY_MEASUREMENT
    ]
    for skipped in range(len(everything)):
        views = everything[:skipped] + everything[skipped + 1 :]
        found = findings(snapshot(*views))
        assert sum(1 + one.follows for one in found) == len(views)
        assert {one.status for one in found} == {FAIL}


def test_findings_are_in_report_page_and_metrics() -> None:
    stopped = redis_stopped()
    document = report(stopped)
    assert document["findings"] == [
        {
            "id": "unit-down",
            "status": "fail",
            "componentId": REDIS,
            "since": "2023-11-14T22:13:29.000Z",
            "output": f"{REDIS} is bad",
            "command": f"sudo systemctl restart {REDIS}; sudo journalctl -u {REDIS} -n 50 --no-pager",
            "follows": 25,
            "runbook": "docs/runbook.md#unit-down",
        }
    ]
    assert "25 more follow from it" in page(stopped) and "Runbook: unit-down" in page(stopped)
    body = Exposition().write("", stopped, stopped)[0].decode()
    assert 'seclyzer_finding_status{finding="unit-down"} 2.0' in body
    assert 'seclyzer_finding_since_timestamp_seconds{finding="unit-down"} 1.69999998e+09' in body
    assert report(snapshot(seen("redis", Entry("memory", "redis", "datastore", PASS, "fine"))))["findings"] == []


def test_anybody_learns_since_when_to_the_minute_only() -> None:
    (found,) = findings(public(snapshot(seen("app", bad("store", "app", FAIL, "store-token", AT - 7))), None))
    assert found.since == (AT - 7) // 60 * 60


def test_every_measurement_has_a_finding_and_every_finding_a_runbook_entry() -> None:
    stated = {
        ("extractor" if spec.names == KINDS else spec.names[0], measurement)
        for spec in registry.specs()
        for measurement in spec.measurements
    }
    assert stated == set(BY_MEASUREMENT)
    entries = re.findall(r"^### (\S+)$", (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(entries) == len(set(entries)) and set(entries) == set(COMMANDS)


def test_the_catalog_names_only_what_it_has() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "agent" / "seclyzer_agent").rglob("*.py"))
    named = set(re.findall(r'finding = "([a-z-]+)"|finding="([a-z-]+)"', sources))
    assert {one or other for one, other in named} <= set(COMMANDS)
    assert set(BY_MEASUREMENT.values()) <= set(COMMANDS)
    assert {*WITHIN, *ACROSS} <= set(COMMANDS)
    assert {name for names in WITHIN.values() for name in names} <= set(COMMANDS)
    assert {name for pairs in ACROSS.values() for name, _ in pairs} <= set(COMMANDS)
    used = {*BY_MEASUREMENT.values(), *re.findall(r'"((?:store|spool|unit|agent|redis|systemd)-[a-z-]+)"', sources)}
    assert set(COMMANDS) <= used | {"agent-broken"}
