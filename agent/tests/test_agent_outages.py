"""Why an extractor's points and features are not taken, while that is so and when it is over."""

from __future__ import annotations

import time

import pytest
from agent_world import RedisServer
from extractor_edge import Edge, outage

from seclyzer_agent.model import Status

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL


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
