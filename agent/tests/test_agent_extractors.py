"""The extractors' heartbeats, against a real Redis, and their spools."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from agent_world import RedisServer, with_redis

from seclyzer_agent.checks.extractor import Bounds, Extractor, judge_ids
from seclyzer_agent.manifest import Deployment
from seclyzer_agent.model import Entry, Refused, Status, Unreadable
from seclyzer_agent.outages import LastEvent, judge_clock
from seclyzer_agent.spool import Spool, kept
from seclyzer_agent.spool import judge as judge_spool
from seclyzer_agent.stats import parse
from seclyzer_agent.unit import Unit

MIB = 2**20
PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL


class Edge:
    """An extractor's check over a real Redis, with what the other checks know."""

    def __init__(self, server: RedisServer, kind: str = "keystroke") -> None:
        self.server, self.kind = server, kind
        self.facts: dict[str, Any] = {}

    def readings(self, *between: Callable[[], object], recent: float = 300.0) -> list[dict[str, Entry]]:
        """Read once, and once more after each step."""

        async def use(client: Any) -> list[dict[str, Entry]]:
            bounds = Bounds(lag_warn=30, lag_fail=90, stall=45, recent=recent, spool=64 * MIB)
            check = Extractor(self.kind, "seclyzer-x.service", client, lambda check: self.facts.get(check), bounds)
            found = [await check.read()]
            for step in between:
                step()
                found.append(await check.read())
            return [{e.measurement: e for e in reading.entries} for reading in found]

        return with_redis(self.server, use)

    def write_stats(self, stats: dict[str, str], **changes: object) -> None:
        """Write the heartbeat."""
        self.server.write_stats(self.kind, {**stats, **changes})


def main_process(pid: int, began: float = 60.0, asked: float = 1.0) -> dict[str, Unit]:
    """A unit with this main process, that began so many s ago, as systemd showed so many s ago."""
    unit = Unit(
        unit="seclyzer-x.service", load="loaded", active="active", sub="running", result="success",
        restarts=0, main_pid=pid, main_started=time.monotonic() - began, memory=None, memory_max=None,
        cgroup="", status_text="", read_at=time.time() - asked,
    )  # fmt: skip
    return {"seclyzer-x.service": unit}


def test_a_heartbeat_that_agrees_with_unit_and_deployment_passes(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats)
    edge.facts = {
        "units": main_process(4711),
        "deployment": Deployment("3", "r", stats["version"], "rust", {"keystroke": "rust"}),
    }
    entries = edge.readings()[0]
    assert {name: e.status for name, e in entries.items()} == dict.fromkeys(
        ("heartbeat", "lag", "windows", "losses", "errors", "spool", "store"), PASS
    )
    assert entries["heartbeat"].output == f"keystroke: rust {stats['version']} runs as process 4711"


@pytest.mark.parametrize(
    ("implementation", "version", "pid", "words"),
    [
        ("python", None, 4711, "the rust implementation runs, not the python one"),
        ("rust", "77.0.0", 4711, "runs, not 77.0.0"),
        ("rust", None, 5, "the heartbeat is of process 4711, the main process of seclyzer-x.service is 5"),
        ("rust", None, 0, "the heartbeat is of process 4711, the main process of seclyzer-x.service is none"),
    ],
)
def test_a_heartbeat_of_another_program_fails(
    redis_server: RedisServer,
    stats: dict[str, str],
    implementation: str,
    version: str | None,
    pid: int,
    words: str,
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats)
    edge.facts = {
        "units": main_process(pid),
        "deployment": Deployment("3", "r", version or stats["version"], "rust", {"keystroke": implementation}),
    }
    entry = edge.readings()[0]["heartbeat"]
    assert entry.status is FAIL and words in entry.output


def test_a_heartbeat_is_not_held_against_a_unit_read_before_its_process_began(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats, started_at=int((time.time() - 3) * 1e6))
    edge.facts = {"units": main_process(5, asked=9)}
    assert edge.readings()[0]["heartbeat"].status is PASS
    edge.facts = {"units": main_process(5, asked=1)}
    assert edge.readings()[0]["heartbeat"].status is FAIL


def test_a_process_that_has_just_begun_has_time_for_its_first_heartbeat(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats)
    edge.facts = {"units": main_process(5, began=8)}
    assert edge.readings()[0]["heartbeat"].status is PASS
    edge.facts = {"units": main_process(5, began=11)}
    assert edge.readings()[0]["heartbeat"].status is FAIL


def test_an_expired_heartbeat_fails_and_lag_is_not_made_up(redis_server: RedisServer, stats: dict[str, str]) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats)
    before, after = edge.readings(lambda: redis_server.admin.pexpire("seclyzer:stats:keystroke", 0))
    assert before["heartbeat"].status is PASS
    assert list(after) == ["heartbeat"]
    assert after["heartbeat"].status is FAIL and "no heartbeat for 30 s" in after["heartbeat"].output


def test_a_heartbeat_with_junk_in_it_is_a_warning_and_the_junk_is_not_repeated(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats, events="KeyA KeyB", last_id="<script>", late="-1")
    entry = edge.readings()[0]["heartbeat"]
    assert (entry.status, entry.output) == (WARN, "keystroke: the heartbeat lacks events, late, last_id")


@pytest.mark.parametrize("name", ["gaps", "ancient", "behind"])
def test_a_heartbeat_need_not_tell_of_what_older_programs_did_not_count(
    redis_server: RedisServer, stats: dict[str, str], name: str
) -> None:
    edge = Edge(redis_server)
    edge.write_stats({one: value for one, value in stats.items() if one != name})
    assert edge.readings()[0]["heartbeat"].status is PASS
    edge.write_stats(stats, **{name: "x"})
    assert edge.readings()[0]["heartbeat"].output == f"keystroke: the heartbeat lacks {name}"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("future", "events more than 5 s ahead of the host's clock, skipped"),
        ("ancient", "events more than 400 days before the host's clock, skipped"),
        ("late", "events that fit closed windows only"),
        ("behind", "events that missed at least one closed window and were used for an open one"),
    ],
)
def test_events_that_are_skipped_or_used_in_part_are_reported(
    redis_server: RedisServer, stats: dict[str, str], name: str, words: str
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats)
    first, second = edge.readings(lambda: edge.write_stats(stats, **{name: 3}), recent=60)
    assert (first["errors"].status, second["errors"].status) == (PASS, WARN)
    assert second["errors"].output == f"keystroke: 3 {words} in the last 60 s"


def test_losses_fail_and_errors_warn_while_they_are_recent(redis_server: RedisServer, stats: dict[str, str]) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats, points_dropped=5, malformed=5)
    first, second, third = edge.readings(
        lambda: edge.write_stats(stats, points_dropped=8, malformed=6, gaps=1),
        lambda: time.sleep(0.3),
        recent=0.2,
    )
    assert (first["losses"].status, first["errors"].status) == (PASS, PASS)
    assert (second["losses"].status, second["errors"].status) == (FAIL, WARN)
    dropped = "3 points dropped over the disk buffer's limit or a full queue"
    trimmed = "1 times that the stream was trimmed before it was read"
    assert second["losses"].output == f"keystroke: {dropped}, {trimmed} in the last 0.2 s"
    malformed = "1 messages that break the contract and were skipped"
    assert second["errors"].output == f"keystroke: {malformed} in the last 0.2 s"
    assert (third["losses"].status, third["errors"].status) == (PASS, PASS)


@pytest.mark.parametrize(
    ("reason", "year", "why"),
    [
        ("beyond_retention", "1970", " (beyond the retention of the bucket, the oldest of 1970)"),
        ("beyond_retention", "0", " (beyond the retention of the bucket)"),
        ("Mozilla Firefox", "1970", ""),
        ("", "", ""),
    ],
)
def test_refused_points_are_explained_in_known_words_only(
    redis_server: RedisServer, stats: dict[str, str], reason: str, year: str, why: str
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats)
    more = {"rejected_reason": reason, "rejected_year": year}
    _, second = edge.readings(lambda: edge.write_stats(stats, points_rejected=2, **more), recent=60)
    assert second["losses"].output == f"keystroke: 2 points that InfluxDB rejected{why} in the last 60 s"


@pytest.mark.parametrize(
    ("size", "status", "words"),
    [
        (0, PASS, "keystroke: no point waits on disk for InfluxDB"),
        (700, WARN, "keystroke: 0.7 KiB of points wait on disk for InfluxDB, at most 64.0 MiB may"),
        (64 * MIB - 256 * 1024, WARN, "keystroke: 63.8 MiB of points wait on disk for InfluxDB, at most 64.0 MiB may"),
        (
            64 * MIB - 256 * 1024 + 1,
            FAIL,
            "keystroke: the spool is full, its oldest points go: 63.8 MiB of 64.0 MiB",
        ),
    ],
)
def test_what_waits_on_disk_is_a_warning_until_no_segment_fits(
    redis_server: RedisServer, stats: dict[str, str], size: int, status: Status, words: str
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats, spool_bytes=size)
    entry = edge.readings()[0]["spool"]
    assert (entry.status, entry.output, entry.value, entry.unit) == (status, words, size, "bytes")


@pytest.mark.parametrize(
    ("size", "limit", "dropped", "keeps"),
    [
        (0, MIB, False, True),
        (9, MIB, False, True),
        (9, MIB, True, False),
        (MIB, MIB, False, False),
        (0, 0, False, False),
    ],
)
def test_a_spool_keeps_points_while_it_is_there_has_room_and_lost_none(
    size: int, limit: int, dropped: bool, keeps: bool
) -> None:
    assert judge_spool("app", size, limit, dropped)[1] == Spool(size, keeps, limit)


def test_the_spools_of_a_host_keep_points_when_each_does() -> None:
    safe, unsafe = Spool(1024, True), Spool(3 * MIB, False)
    assert kept([safe, safe]) == (True, "no point is lost: 2.0 KiB of points are in the spool")
    assert kept([safe, unsafe]) == (False, "points are lost; 3.0 MiB of points are in the spool")
    assert kept([safe, None]) == (False, "")
    assert kept([]) == (False, "")


def test_entries_without_a_reader_are_seen_without_reading_the_stream(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats)

    def add() -> None:
        for _ in range(7):
            redis_server.admin.xadd("seclyzer:stream:keystroke", {"e": "{}"})

    entry = edge.readings(add, lambda: time.sleep(0.2))[2]["lag"]
    assert 0.15 < float(entry.value or 0) < 5
    with pytest.raises(Refused, match="does not permit the agent its commands"):
        with_redis(redis_server, lambda client: client.call("XRANGE", "seclyzer:stream:keystroke", "-", "+"))


def test_a_reader_far_behind_warns_and_then_fails(redis_server: RedisServer, stats: dict[str, str]) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats, last_id=f"{int((time.time() - 200) * 1000)}-0")
    _, late, later = edge.readings(
        lambda: edge.write_stats(stats, last_id=f"{int((time.time() - 40) * 1000)}-0"),
        lambda: edge.write_stats(stats, last_id=f"{int((time.time() - 100) * 1000)}-0"),
    )
    assert late["lag"].status is WARN and "is 40 s behind its stream" in late["lag"].output
    assert later["lag"].status is FAIL


def test_app_focus_may_last_so_its_windows_are_not_watched(redis_server: RedisServer, stats: dict[str, str]) -> None:
    edge = Edge(redis_server, "app")
    edge.write_stats(stats)
    assert "windows" not in edge.readings()[0]


def test_stats_of_the_wrong_type_are_an_error_in_words(redis_server: RedisServer) -> None:
    redis_server.admin.set("seclyzer:stats:keystroke", "x")
    with pytest.raises(Unreadable, match=r"Redis answers with an error \(WRONGTYPE\)"):
        Edge(redis_server).readings()


def test_stats_are_parsed_within_bounds() -> None:
    assert parse({}) is None
    stats = parse({"events": "9" * 30, "implementation": "go", "version": "a" * 80, "last_id": "1-1-1", "x": "y"})
    assert stats is not None
    assert (stats.implementation, stats.version, stats.last_id, dict(stats.numbers)) == (None, None, None, {})


@pytest.mark.parametrize(("ahead", "statuses"), [(-5, ()), (149, ()), (151, (FAIL,)), (10**10, (FAIL,))])
def test_ids_far_ahead_of_the_clock_fail(ahead: int, statuses: tuple[Status, ...]) -> None:
    wall = 1_790_000_000.0
    entries = judge_ids("mouse", f"{(1_790_000_000 + ahead) * 1000}-0", wall)
    assert tuple(entry.status for entry in entries) == statuses
    assert all("it may take no more events" in entry.output for entry in entries)


def outage(
    direction: str, fault: str, reason: str, advice: str = "", since: int = 5_000_000, until: int = 0
) -> dict[str, str]:
    """The fields of an outage."""
    parts = {"fault": fault, "reason": reason, "advice": advice, "since": str(since), "until": str(until)}
    return {f"{direction}_{part}": value for part, value in parts.items()}


@pytest.mark.parametrize(
    ("fault", "status", "finding"),
    [
        ("401", FAIL, "store-token"),
        ("403", FAIL, "store-token"),
        ("404", FAIL, "store-bucket"),
        ("302", FAIL, "store-wrong"),
        ("500", WARN, "store-full"),
        ("503", WARN, "store-away"),
        ("429", WARN, "store-away"),
        ("unreachable", WARN, "store-away"),
    ],
)
def test_why_influxdb_takes_no_points_is_reported_with_its_cause_though_no_event_comes(
    redis_server: RedisServer, stats: dict[str, str], fault: str, status: Status, finding: str
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats, **outage("influxdb", fault, f"store:8086: status {fault}", "check it"))
    entry = edge.readings()[0]["store"]
    assert (entry.status, entry.finding, entry.since) == (status, finding, 5.0)
    advice = "is its disk full? Where it was, InfluxDB has to be restarted" if fault == "500" else "; check it"
    assert entry.output.startswith(f"keystroke: InfluxDB takes no points: store:8086: status {fault}; ")
    assert advice in entry.output


def test_an_outage_that_is_over_is_shown_as_past_and_warns_no_more(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats)
    now = int(time.time()) * 1_000_000
    past = outage("influxdb", "", "", since=now - 600_000_000, until=now - 1_000_000)
    failing = outage("influxdb", "401", "status 401", since=now)
    first, during, after = edge.readings(
        lambda: edge.write_stats(stats, influx_errors=3, **failing),
        lambda: edge.write_stats(stats, influx_errors=3, redis_reconnects=1, **past),
        recent=300,
    )
    assert [one["errors"].status for one in (first, during, after)] == [PASS, WARN, PASS]
    assert "3 requests to InfluxDB without success" in after["errors"].output
    assert after["store"].status is PASS and "; it took none from " in after["store"].output
    older = {name: value for name, value in stats.items() if not name.startswith("influxdb_")}
    redis_server.admin.delete("seclyzer:stats:keystroke")
    edge.write_stats(older)
    unknown = edge.readings(lambda: edge.write_stats(older, influx_errors=9), recent=300)[1]
    assert (unknown["errors"].status, "store" in unknown) == (WARN, False)


def test_what_is_over_does_not_hide_that_what_goes_on_follows_from_the_store(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    """Redis was away a moment ago; now InfluxDB is, which is the one cause."""
    edge = Edge(redis_server)
    edge.write_stats(stats)
    failing = outage("influxdb", "500", "status 500") | outage("redis_read", "", "")
    _, during = edge.readings(
        lambda: edge.write_stats(stats, influx_errors=3, redis_reconnects=1, **failing), recent=300
    )
    assert (during["errors"].status, during["errors"].finding) == (WARN, "points-wait")
    assert during["errors"].output == "keystroke: 3 requests to InfluxDB without success in the last 300 s"


def test_points_that_are_in_memory_only_are_a_failure(redis_server: RedisServer, stats: dict[str, str]) -> None:
    edge = Edge(redis_server)
    full = outage("spool", "unwritable", "No space left on device")
    edge.write_stats(stats, **full, **outage("influxdb", "500", "status 500"))
    entry = edge.readings()[0]["spool"]
    assert (entry.status, entry.finding) == (FAIL, "spool-unwritable")
    assert "cannot be written (No space left on device): points are in memory only" in entry.output
    edge.write_stats(stats, **full, **outage("influxdb", "", "", until=6_000_000))
    assert edge.readings()[0]["spool"].status is PASS


def test_features_that_redis_refuses_are_a_failure_with_its_words(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats)
    assert "outputs" not in edge.readings()[0]
    edge.write_stats(stats, **outage("redis_write", "NOPERM", "redis: refused PUBLISH: NOPERM no rights"))
    entry = edge.readings()[0]["outputs"]
    assert (entry.status, entry.since) == (FAIL, 5.0)
    assert entry.output == "keystroke: Redis does not take its features: redis: refused PUBLISH: NOPERM no rights"


@pytest.mark.parametrize(("behind", "found"), [(4.9, False), (5.1, True), (3600.0, True), (-60.0, False)])
def test_events_that_come_long_after_their_time_show_a_slow_clock(
    redis_server: RedisServer, stats: dict[str, str], behind: float, found: bool
) -> None:
    edge = Edge(redis_server)
    came = time.time()
    edge.write_stats(stats)
    event = {"last_id": f"{int(came * 1000)}-0", "last_event_ts": int((came - behind) * 1e6)}
    entries = edge.readings(lambda: edge.write_stats(stats, **event))[1]
    assert ("clock" in entries) is found
    if found:
        assert entries["clock"].status is WARN and f"came {behind:.0f} s after" in entries["clock"].output


def test_an_event_that_came_late_says_nothing_of_the_clock_a_minute_later() -> None:
    """Redis hung, the events that waited came late, and no person has worked since."""
    came = 1_790_000_000.0
    late = LastEvent(int((came - 20) * 1e6), f"{int(came * 1000)}-0")
    assert [one.measurement for one in judge_clock("mouse", late, came + 59)] == ["clock"]
    assert judge_clock("mouse", late, came + 61) == ()


def test_an_entry_of_another_kind_long_after_the_last_event_shows_no_slow_clock(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    edge = Edge(redis_server)
    event, other = (
        {"last_id": f"{seconds}000-0", "last_event_ts": 1_790_000_000_000_000}
        for seconds in (1_790_000_000, 1_790_000_600)
    )
    edge.write_stats(stats)
    seen = edge.readings(lambda: edge.write_stats(stats, **event), lambda: edge.write_stats(stats, **other))
    # Before the agent's first look, too.
    seen += edge.readings()
    assert ["clock" in entries for entries in seen] == [False] * 4


def test_an_extractor_that_reports_that_it_waits_for_redis_fails_before_its_heartbeat_expires(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    edge = Edge(redis_server)
    edge.write_stats(stats)
    words = "waiting for Redis: unix:///run/redis: refused HELLO: WRONGPASS invalid username-password pair"
    (unit,) = main_process(4711).values()
    edge.facts = {"units": {unit.unit: replace(unit, status_text=words)}}
    entry = edge.readings()[0]["heartbeat"]
    assert (entry.status, entry.output) == (FAIL, f"keystroke: {words}")


def test_an_agent_that_redis_refuses_knows_nothing_of_an_extractor_and_blames_it_for_nothing(
    redis_server: RedisServer, stats: dict[str, str]
) -> None:
    redis_server.write_stats("keystroke", stats)
    (unit,) = main_process(4711).values()
    facts = {"units": {unit.unit: replace(unit, status_text="reading events")}}

    async def use(client: Any) -> Any:
        bounds = Bounds(lag_warn=30, lag_fail=90, stall=45, recent=300, spool=64 * MIB)
        return await Extractor("keystroke", unit.unit, client, lambda check: facts.get(check), bounds).read()

    (entry,) = with_redis(redis_server, use, password="another").entries
    assert (entry.status, entry.finding) == (WARN, "agent-password")
    assert entry.output == (
        "keystroke: not known: Redis refuses the agent's user or password (systemd has of it: active, reading events)"
    )
