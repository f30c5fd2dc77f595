"""A long break in reading: what was trimmed meanwhile cannot be read any more, and that is counted."""

import os
from collections.abc import Iterator

import pytest
import redis
from servers import RedisServer
from support import key

from seclyzer_extractors import config, logs, schema
from seclyzer_extractors.resp import RedisAway
from seclyzer_extractors.service import KEEP_MS, Extractor, host_time, now_us

STREAM = "seclyzer:stream:keystroke"
LONG = KEEP_MS * 1000 + 1_000_000


@pytest.fixture
def client(redis_server: RedisServer) -> redis.Redis:
    return redis_server.start()


@pytest.fixture
def made(client: redis.Redis, redis_server: RedisServer) -> Iterator[Extractor]:
    logs.setup("info", "logfmt")
    wake, waker = os.pipe()
    settings = config.settings("keystroke", redis_url=redis_server.url)
    made = Extractor(schema.kind("keystroke"), settings, wake)
    yield made
    made.source.link.close()
    made.publisher.link.close()
    os.close(wake)
    os.close(waker)


def read(made: Extractor) -> None:
    """All there is."""
    connection = made.source.link.up(now_us())
    assert connection is not None
    made._caught_up = False
    while not made._caught_up:
        made._read(connection)
    made._write(now_us())


def add(client: redis.Redis, count: int) -> None:
    for i in range(count):
        client.xadd(STREAM, {"e": key(host_time() + i).strip()})


def gaps(client: redis.Redis) -> object:
    return client.hget("seclyzer:stats:keystroke", "gaps")


@pytest.mark.parametrize(("break_us", "trimmed", "counted"), [(LONG, 5, b"1"), (LONG, 0, b"0"), (1_000_000, 5, b"0")])
def test_a_gap_is_a_long_break_after_which_the_stream_begins_later(
    made: Extractor, client: redis.Redis, break_us: int, trimmed: int, counted: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    add(client, 3)
    read(made)
    assert made.source.last_id != "0-0" and gaps(client) == b"0"
    add(client, 9)
    client.xtrim(STREAM, maxlen=12 - trimmed, approximate=False)
    assert made._read_at is not None
    made._read_at -= break_us
    made.source.lost(RedisAway("made up"))
    made.source.link.retry_at = made._stats_at = 0
    read(made)
    assert gaps(client) == counted
    said = capsys.readouterr().err
    assert said.count('level=warning msg="the stream was trimmed before it was read"') == int(counted)
    made._stats_at = 0
    read(made)
    assert gaps(client) == counted


def test_a_start_and_an_empty_stream_are_none(made: Extractor, client: redis.Redis) -> None:
    read(made)  # nothing was ever read
    assert made._read_at is not None
    made._read_at -= LONG
    add(client, 3)
    read(made)
    made._read_at -= LONG
    client.delete(STREAM)
    made._stats_at = 0
    read(made)
    assert gaps(client) == b"0"
