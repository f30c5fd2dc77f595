"""The store is off the network: edges warn, keep every point on disk, also over a switch, and send all of it later."""

import re

import pytest
from hostchecks import flow, outage
from hostchecks.features import KINDS, Window
from hostchecks.host import Host, name
from hostchecks.outage import Look, Outage

testinfra_hosts = ["ansible://seclyzer_edge"]

KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="session")
def seen() -> Outage:
    """One outage for all tests."""
    return outage.run()


@pytest.fixture
def away(host: Host, seen: Outage) -> Look:
    """This edge while the store was away."""
    return seen.away[name(host)]


@pytest.fixture
def back(host: Host, seen: Outage) -> Look:
    """This edge when the store was back."""
    return seen.back[name(host)]


def test_health_warns_and_says_how_much_is_spooled(away: Look) -> None:
    entry = away.entry("influxdb:responseTime")
    assert (away.status, away.health["status"], entry["status"]) == (200, "warn", "warn"), away.health.get("output")
    assert re.fullmatch(r"InfluxDB .+; no point is lost: [\d.]+ [KM]iB of points are in the spool", entry["output"])


@KIND
def test_points_wait_in_a_spool_on_disk_for_its_owner_only(away: Look, kind: str) -> None:
    spool, user = away.spools[kind], f"seclyzer-{kind}"
    assert spool["folder"] == [user, "700"]
    assert spool["files"]
    assert [file for file in spool["files"] if not re.fullmatch(r"\d{20}\.lp", file)] == []
    assert {tuple(rights[:2]) for rights in spool["files"].values()} == {(user, "600")}


@KIND
def test_every_window_published_meanwhile_is_counted_as_spooled(
    host: Host, seen: Outage, away: Look, kind: str
) -> None:
    windows = len(seen.fed[name(host)][0].published[kind])
    assert windows >= 3
    stats = away.stats[kind]
    assert (int(stats["points_spooled"]), stats["points_dropped"]) == (windows, "0")
    assert away.entry(f"{kind}:spool")["status"] == "warn"


def test_a_host_goes_back_to_other_implementations_meanwhile(seen: Outage) -> None:
    assert seen.switched.returncode == 0, seen.switched.stdout[-3000:] + seen.switched.stderr
    assert "InfluxDB is away, points are kept" in seen.switched.stdout
    assert [kind for kind in KINDS if seen.before[kind] != seen.after[kind]] == ["keystroke", "mouse"]


@KIND
def test_nothing_is_left_in_the_spool(back: Look, kind: str) -> None:
    assert back.spools[kind]["files"] == {}
    stats = back.stats[kind]
    assert {name: stats[name] for name in ("spool_bytes", "points_dropped", "points_rejected")} == {
        "spool_bytes": "0", "points_dropped": "0", "points_rejected": "0",
    }  # fmt: skip


def test_the_agent_sees_that_it_is_over(back: Look) -> None:
    assert back.status == 200
    checks = ["influxdb:responseTime", *(f"{kind}:spool" for kind in KINDS)]
    assert {check: back.entry(check)["status"] for check in checks} == dict.fromkeys(checks, "pass")


@KIND
def test_every_window_published_meanwhile_is_in_the_store_once(host: Host, seen: Outage, kind: str) -> None:
    expected = [(window["ts"], window["implementation"]) for window in outage.published(seen.fed[name(host)])[kind]]
    found = [(flow.microseconds(point["_time"]), point["implementation"]) for point in _points(host, seen, kind)]
    assert sorted(found) == sorted(expected)
    assert {implementation for _, implementation in expected} == {seen.before[kind], seen.after[kind]}


def _points(host: Host, seen: Outage, kind: str) -> list[Window]:
    return seen.stored[name(host)][kind]
