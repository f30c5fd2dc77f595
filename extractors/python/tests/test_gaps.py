"""A long break in reading: what was trimmed meanwhile cannot be read any more, and that is counted."""

import os
from collections.abc import Iterator

import pytest
import redis
from support import key

from seclyzer_extractors import config, logs, schema
from seclyzer_extractors.clocks import host_time
from seclyzer_extractors.redis import RedisAway
from seclyzer_extractors.service import Service
from seclyzer_extractors.service.reading import KEEP
from tests.helpers.redis_server import RedisServer

STREAM = "seclyzer:stream:keystroke"
LONG = KEEP + 1_000_000


@pytest.fixture
def client(redis_server: RedisServer) -> redis.Redis:
    started: redis.Redis = redis_server.start()
    return started


@pytest.fixture
def made(client: redis.Redis, redis_server: RedisServer) -> Iterator[Service]:
    logs.setup("info", "logfmt")
    wake, waker = os.pipe()
    settings = config.settings("keystroke", redis_url=redis_server.url)
    made = Service(schema.kind("keystroke"), settings, wake)
    yield made
    made.reader.source.link.close()
    made.publisher.link.close()
    os.close(wake)
    os.close(waker)


def read(made: Service) -> None:
    """All there is."""
    made.reader.caught_up = False
    while not made.reader.caught_up:
        made.turn()


def add(client: redis.Redis, count: int) -> None:
    for i in range(count):
        client.xadd(STREAM, {"e": key(host_time() + i).strip()})


def gaps(client: redis.Redis) -> object:
    return client.hget("seclyzer:stats:keystroke", "gaps")


@pytest.mark.parametrize(("break_us", "trimmed", "counted"), [(LONG, 5, b"1"), (LONG, 0, b"0"), (1_000_000, 5, b"0")])
def test_a_gap_is_a_long_break_after_which_the_stream_begins_later(
    made: Service, client: redis.Redis, break_us: int, trimmed: int, counted: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    add(client, 3)
    read(made)
    assert made.reader.source.last_id != "0-0" and gaps(client) == b"0"
    add(client, 9)
    client.xtrim(STREAM, maxlen=12 - trimmed, approximate=False)
    assert made.reader.read_at is not None
    made.reader.read_at -= break_us
    made.reader.source.lost(RedisAway("made up"))
    made.reader.source.link.retry_at = 0
    made.housekeeping.hurry()
    read(made)
    assert gaps(client) == counted
    reported = capsys.readouterr().err
    assert reported.count('level=warning msg="the stream was trimmed before it was read"') == int(counted)
    made.housekeeping.hurry()
    read(made)
    assert gaps(client) == counted


def test_a_start_and_an_empty_stream_are_none(made: Service, client: redis.Redis) -> None:
    read(made)  # nothing was ever read
    assert made.reader.read_at is not None
    made.reader.read_at -= LONG
    add(client, 3)
    read(made)
    made.reader.read_at -= LONG
    client.delete(STREAM)
    made.housekeeping.hurry()
    read(made)
    assert gaps(client) == b"0"
