"""Whatever a producer adds, a stream stays within its bounds and its events go on: as either implementation sees it."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import PATIENCE_S, until

from .extractor import Extractor

STREAM = "seclyzer:stream:mouse"
STATS = "seclyzer:stats:mouse"
GREATEST = f"{2**64 - 1}-{2**64 - 1}"
HOUR_MS = 3_600_000
# As the role `redis` has it, where a reader who leaves more than 32 MiB unread is hung up on.
LIMITS = ("--maxmemory", "128mb", "--client-output-buffer-limit", "normal", "32mb", "16mb", "30")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="bounds-"))
    with RedisServer(folder, *LIMITS) as made:
        yield made
    shutil.rmtree(folder)


@pytest.fixture
def extractor(server: RedisServer, implementation: str) -> Iterator[Extractor]:
    """It runs, and its first stats are there."""
    made = started(server, implementation)
    yield made
    made.close()


def started(server: RedisServer, implementation: str) -> Extractor:
    folder = server.socket.parent
    env = {"REDIS_URL": server.url, "INFLUX_URL": "http://127.0.0.1:9", "STATE_DIRECTORY": str(folder)}
    made = Extractor(implementation, "mouse", folder, env)
    made.wait_ready()
    until(lambda: server.client().hgetall(STATS), "stats")
    return made


def scroll() -> str:
    return f'{{"type":"mouse","ts":{time.time_ns() // 1000},"event":"scroll"}}'


def wait_looked(client: Any) -> None:
    """The extractor has looked at its stream's ids since now, which it does every 10 s."""
    looks = looks_of(client)
    until(lambda: looks_of(client) > looks, "it looks at its stream's ids")


def wait_reported(client: Any) -> None:
    """And what it saw is in its stats: they expire 30 s after they were written, every 5 s."""
    wait_looked(client)
    until(lambda: client.pttl(STATS) < 27_500, "its stats grow old")
    until(lambda: client.pttl(STATS) >= 27_500, "it writes its stats")


def looks_of(client: Any) -> int:
    return int(client.info("commandstats").get("cmdstat_xinfo|stream", {"calls": 0})["calls"])


def stats_of(client: Any, name: str) -> int:
    return int(client.hget(STATS, name) or 0)


@pytest.mark.parametrize("ahead", ["greatest", "hour"])
def test_ids_ahead_of_the_clock_make_the_stream_anew_and_lose_nothing(
    server: RedisServer, extractor: Extractor, ahead: str
) -> None:
    client = server.client()
    client.xadd(STREAM, {"e": scroll()})
    client.xadd(STREAM, {"e": scroll()}, id=GREATEST if ahead == "greatest" else time.time_ns() // 10**6 + HOUR_MS)
    until(lambda: stats_of(client, "streams_reset") == 1, f"the stream is made anew; {extractor.log}")
    added = client.xadd(STREAM, {"e": scroll()})
    assert abs(int(added.partition("-")[0]) - time.time() * 1000) < 2000
    until(lambda: stats_of(client, "events") == 3, "all three are read")
    assert extractor.log.count("the stream's ids were ahead of the clock: it was made anew") == 1
    assert (stats_of(client, "gaps"), stats_of(client, "redis_reconnects")) == (0, 0)


def test_ids_a_little_ahead_of_the_clock_are_left_alone(server: RedisServer, extractor: Extractor) -> None:
    client = server.client()
    client.xadd(STREAM, {"e": scroll()}, id=time.time_ns() // 10**6 + 60_000)
    wait_reported(client)
    assert (client.xlen(STREAM), stats_of(client, "streams_reset")) == (1, 0)


def test_events_that_come_while_the_stream_is_made_anew_are_read(server: RedisServer, extractor: Extractor) -> None:
    client = server.client()
    client.xadd(STREAM, {"e": scroll()}, id=time.time_ns() // 10**6 + HOUR_MS)
    sent = 1
    end = time.monotonic() + PATIENCE_S
    while not stats_of(client, "streams_reset") and time.monotonic() < end:
        for _ in range(100):
            client.xadd(STREAM, {"e": scroll()})
            sent += 1
            time.sleep(0.002)
    until(lambda: stats_of(client, "events") == sent, f"all {sent} are read")
    assert (stats_of(client, "streams_reset"), stats_of(client, "gaps")) == (1, 0)


def test_events_that_were_taken_away_unread_are_one_gap(server: RedisServer, extractor: Extractor) -> None:
    client = server.client()
    client.xadd(STREAM, {"e": scroll()})
    until(lambda: stats_of(client, "events") == 1, "the event is read")
    wait_looked(client)
    for _ in range(3):
        client.xadd(STREAM, {"e": scroll()}, maxlen=0, approximate=False)
    until(lambda: stats_of(client, "gaps") == 1, "the gap is counted")
    wait_reported(client)
    assert (stats_of(client, "gaps"), stats_of(client, "events")) == (1, 1)


def test_entries_too_long_for_an_event_end_no_connection(server: RedisServer, extractor: Extractor) -> None:
    client = server.client()
    body, refused = b"x" * 900_000, 0
    for _ in range(300):
        try:
            client.xadd(STREAM, {"e": body})
        except redis.OutOfMemoryError:
            refused += 1
    client.xadd(STREAM, {"e": scroll()})
    until(lambda: stats_of(client, "events") == 1, "the event behind them is read")
    assert (stats_of(client, "redis_reconnects"), refused) == (0, 0)
    assert stats_of(client, "malformed") + stats_of(client, "entries_trimmed") >= 300
    assert int(client.memory_usage(STREAM)) <= 24 << 20


def test_a_backlog_of_such_entries_is_trimmed_and_not_read(server: RedisServer, implementation: str) -> None:
    client = server.client()
    client.xadd(STREAM, {"e": scroll()})
    for _ in range(120):
        client.xadd(STREAM, {"e": b"x" * 900_000})
    client.xadd(STREAM, {"e": scroll()})
    extractor = started(server, implementation)
    try:
        until(lambda: stats_of(client, "events") == 2, "the events before and behind them are read")
        assert stats_of(client, "redis_reconnects") <= 1
        assert int(client.memory_usage(STREAM)) <= 2 << 20
        assert "the stream was larger than stream_bytes and was trimmed" in extractor.log
    finally:
        extractor.close()


def test_a_stream_of_short_entries_is_trimmed_by_its_size(server: RedisServer, extractor: Extractor) -> None:
    client = server.client()
    for _ in range(30):
        with client.pipeline(transaction=False) as pipe:
            for _ in range(1000):
                pipe.xadd(STREAM, {"e": "x" * 1000})
            pipe.execute()
    until(lambda: stats_of(client, "entries_trimmed") > 0, "it is trimmed")
    assert int(client.memory_usage(STREAM, samples=0)) <= 24 << 20
    assert stats_of(client, "malformed") == 30_000, "all had been read"
