"""The extractors' heartbeats, against a real Redis: of which program they are, and what may stand in them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from agent_world import RedisServer, with_redis
from extractor_edge import MIB, Edge, main_process

from seclyzer_agent.checks.extractor import Bounds, Extractor
from seclyzer_agent.heartbeats import Heartbeats
from seclyzer_agent.manifest import Deployment
from seclyzer_agent.model import Status, Unreadable
from seclyzer_agent.stats import parse

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL


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


def test_stats_of_the_wrong_type_are_an_error_in_words(redis_server: RedisServer) -> None:
    redis_server.admin.set("seclyzer:stats:keystroke", "x")
    with pytest.raises(Unreadable, match=r"Redis answers with an error \(WRONGTYPE\)"):
        Edge(redis_server).readings()


def test_stats_are_parsed_within_bounds() -> None:
    assert parse({}) is None
    stats = parse({"events": "9" * 30, "implementation": "go", "version": "a" * 80, "last_id": "1-1-1", "x": "y"})
    assert stats is not None
    assert (stats.implementation, stats.version, stats.last_id, dict(stats.numbers)) == (None, None, None, {})


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
        heartbeats = Heartbeats(client, ("keystroke",))
        return await Extractor("keystroke", unit.unit, heartbeats, lambda check: facts.get(check), bounds).read()

    (entry,) = with_redis(redis_server, use, password="another").entries
    assert (entry.status, entry.finding) == (WARN, "agent-password")
    assert entry.output == (
        "keystroke: not known: Redis refuses the agent's user or password (systemd has of it: active, reading events)"
    )
