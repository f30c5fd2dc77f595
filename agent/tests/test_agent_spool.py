"""Points that wait on disk for InfluxDB."""

from __future__ import annotations

import pytest
from agent_world import RedisServer
from extractor_edge import MIB, Edge, outage

from seclyzer_agent.model import Status
from seclyzer_agent.spool import Spool, kept
from seclyzer_agent.spool import judge as judge_spool

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL


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


def test_points_that_are_in_memory_only_are_a_failure(redis_server: RedisServer, stats: dict[str, str]) -> None:
    edge = Edge(redis_server)
    full = outage("spool", "unwritable", "No space left on device")
    edge.write_stats(stats, **full, **outage("influxdb", "500", "status 500"))
    entry = edge.readings()[0]["spool"]
    assert (entry.status, entry.finding) == (FAIL, "spool-unwritable")
    assert "cannot be written (No space left on device): points are in memory only" in entry.output
    edge.write_stats(stats, **full, **outage("influxdb", "", "", until=6_000_000))
    assert edge.readings()[0]["spool"].status is PASS
