"""What an extractor loses, how far it is behind its stream, and what its events show of the clock."""

from __future__ import annotations

import time

import pytest
from agent_world import RedisServer, with_redis
from extractor_edge import Edge

from seclyzer_agent.checks.extractor import judge_ids
from seclyzer_agent.model import Refused, Status
from seclyzer_agent.outages import LastEvent, judge_clock

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL


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


@pytest.mark.parametrize(("ahead", "statuses"), [(-5, ()), (149, ()), (151, (FAIL,)), (10**10, (FAIL,))])
def test_ids_far_ahead_of_the_clock_fail(ahead: int, statuses: tuple[Status, ...]) -> None:
    wall = 1_790_000_000.0
    entries = judge_ids("mouse", f"{(1_790_000_000 + ahead) * 1000}-0", wall)
    assert tuple(entry.status for entry in entries) == statuses
    assert all("it may take no more events" in entry.output for entry in entries)


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
