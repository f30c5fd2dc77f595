"""The clock that counts real time only while all there was has been read, and reading from Redis itself."""

import os
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from seclyzer_extractors import config, schema, source
from seclyzer_extractors.dependency import Dependency
from seclyzer_extractors.redis import Connection, RedisAway
from seclyzer_extractors.source import Clock, Source
from tests.helpers.redis_server import RedisServer

SECOND = 1_000_000


def test_the_clock_stands_still_until_the_first_time_all_was_read() -> None:
    clock = Clock()
    assert clock.at(500) == 0
    assert clock.caught_up(until=400, now=500) == 0  # goes on from now
    assert clock.at(700) == 200


def test_the_clock_counts_to_where_all_was_read() -> None:
    clock = Clock()
    clock.caught_up(0, now=100)
    assert clock.caught_up(until=150, now=400) == 50
    assert clock.at(400) == 300  # an event that arrives now is later than what was counted
    assert clock.caught_up(until=120, now=500) == 50  # never goes back


def test_a_stopped_clock_leaves_out_the_outage() -> None:
    clock = Clock()
    clock.caught_up(0, now=100)
    clock.caught_up(200, now=200)
    clock.stop()
    assert clock.at(90_000) == 100
    assert clock.caught_up(until=90_000, now=95_000) == 100
    assert clock.at(95_010) == 110


def test_the_clock_knows_when_it_showed_something() -> None:
    clock = Clock()
    clock.caught_up(0, now=100)
    clock.caught_up(until=400, now=450)
    assert clock.at(500) == 400
    assert (clock.moment(400, now=500), clock.moment(250, now=500)) == (500, 350)


@pytest.fixture
def reader(redis_server: RedisServer) -> Iterator[tuple[Redis, Source, Connection]]:
    client = redis_server.start()
    wake, waker = os.pipe()
    address = config.settings("app", redis_url=redis_server.url).redis
    made = Source(schema.kind("app"), address, Dependency("redis_read"), lambda _: None, wake)
    connection = made.link.up(now())
    assert connection is not None
    assert connection.receive()[0][0] == b"subscribe"
    yield client, made, connection
    made.link.close()
    os.close(wake)
    os.close(waker)


def now() -> int:
    return time.monotonic_ns() // 1000


def test_entries_and_published_messages_are_read(reader: tuple[Redis, Source, Connection]) -> None:
    client, made, connection = reader
    client.xadd("seclyzer:stream:app", {"other": "x", "e": "one"})
    client.xadd("seclyzer:stream:app", {"other": "no event"}, id="*")
    reading = made.read(connection, SECOND, None)
    assert (reading.messages, reading.counted) == ([b"one", b""], 0)
    client.publish("seclyzer:events", "two")
    reading = made.read(connection, SECOND, None)
    assert (reading.messages, reading.counted) == ([b"two"], None)  # the stream was not answered yet
    begun = now()
    reading = made.read(connection, SECOND, None)
    assert reading.messages == [] and reading.counted is not None
    assert reading.counted >= 1_000_000 * 0.9
    assert now() - begun < 10 * SECOND


def test_a_full_answer_stops_the_clock(
    reader: tuple[Redis, Source, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, made, connection = reader
    monkeypatch.setattr(source, "COUNT", 3)
    made._count = 3
    for i in range(5):
        client.xadd("seclyzer:stream:app", {"e": str(i)})
    first = made.read(connection, SECOND, None)
    assert (first.messages, first.counted) == ([b"0", b"1", b"2"], None)
    second = made.read(connection, SECOND, None)
    assert (second.messages, second.counted) == ([b"3", b"4"], 0)


def test_events_that_come_one_by_one_are_gathered_but_not_past_what_is_due(
    reader: tuple[Redis, Source, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, made, connection = reader
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        client.xadd("seclyzer:stream:app", {"e": "meanwhile"})

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(source, "GATHER_US", 3 * SECOND)
    client.xadd("seclyzer:stream:app", {"e": "first"})
    assert made.read(connection, SECOND, None).messages == [b"first"]
    client.xadd("seclyzer:stream:app", {"e": "second"})
    assert made.read(connection, 700_000, None).messages == [b"second", b"meanwhile"]
    assert slept == [0.65]  # then each is read as it comes
    monkeypatch.setattr(source, "COUNT", 1)
    made._count = 1
    client.xadd("seclyzer:stream:app", {"e": "of many"})
    made.read(connection, 0, None)
    made.read(connection, SECOND, None)
    assert slept == [0.65]  # nothing is due later, or there is more to read already


def test_events_are_not_gathered_when_the_next_one_may_make_something_due(
    reader: tuple[Redis, Source, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real time alone would do that later: a window of a busy stream is closed by an event."""
    client, made, connection = reader
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(source, "GATHER_US", 3 * SECOND)
    for text, quiet in (("first", None), ("second", 250_000), ("third", 40_000), ("fourth", -SECOND)):
        client.xadd("seclyzer:stream:app", {"e": text})
        assert made.read(connection, 700_000, None, quiet).messages == [text.encode()]
    assert slept == [0.2]


@pytest.mark.parametrize(
    ("there", "last_id", "goes_on_from"),
    [
        ([], "5-0", "0-0"),  # whatever comes was never read
        (["3-0"], "5-0", "0-0"),  # the clock was set back
        (["3-0", "5-0"], "5-0", "5-0"),
        (["6-0"], "5-0", "5-0"),
    ],
)
def test_a_new_connection_goes_on_where_the_last_one_was_unless_the_stream_began_anew(
    reader: tuple[Redis, Source, Connection], there: list[str], last_id: str, goes_on_from: str
) -> None:
    client, made, _ = reader
    for entry_id in there:
        client.xadd("seclyzer:stream:app", {"e": "x"}, id=entry_id)
    made.last_id = last_id
    made.link.close()
    assert made.link.up(now()) is not None
    assert made.last_id == goes_on_from


def test_no_waiting_when_something_is_due_already(reader: tuple[Redis, Source, Connection]) -> None:
    _, made, connection = reader
    begun = now()
    reading = made.read(connection, 0, None)
    assert reading.counted == 0
    assert now() - begun < SECOND / 2


def test_patience_ends_a_wait_but_not_the_question(reader: tuple[Redis, Source, Connection]) -> None:
    client, made, connection = reader
    assert made.read(connection, SECOND, 50_000).messages == []
    client.xadd("seclyzer:stream:app", {"e": "late"})
    assert made.read(connection, SECOND, SECOND).messages == [b"late"]


def test_an_overdue_answer_is_an_error(
    reader: tuple[Redis, Source, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, made, connection = reader
    monkeypatch.setattr(source, "CATCHING_UP_US", 100_000)
    monkeypatch.setattr(source, "OVERDUE_US", -100_000)
    with pytest.raises(RedisAway, match="no answer in time"):
        made.read(connection, 100_000, None)


@pytest.mark.parametrize("entries", [["x"], []])
def test_an_answer_that_is_not_prompt_counts_no_time_and_stops_the_clock(
    reader: tuple[Redis, Source, Connection], monkeypatch: pytest.MonkeyPatch, entries: list[str]
) -> None:
    client, made, connection = reader
    monkeypatch.setattr(source, "PROMPT_US", 60 * SECOND)  # whatever this machine does
    assert made.read(connection, 10_000, None).counted == 0
    assert made.clock.runs
    monkeypatch.setattr(source, "PROMPT_US", 50_000)
    assert made.read(connection, 50_000, patience=0).counted is None  # asked; what comes is read too late
    for entry in entries:
        client.xadd("seclyzer:stream:app", {"e": entry})
    time.sleep(0.2)
    reading = made.read(connection, 50_000, None)
    assert (reading.messages, reading.counted) == ([entry.encode() for entry in entries], None)
    assert not made.clock.runs
    shown = made.clock.at(now())
    monkeypatch.setattr(source, "PROMPT_US", 60 * SECOND)
    assert made.read(connection, SECOND, None).counted == shown  # goes on from here


def test_as_long_as_it_may_be_behind_it_waits_but_little(reader: tuple[Redis, Source, Connection]) -> None:
    _, made, connection = reader
    assert made.read(connection, SECOND, SECOND // 2).counted == 0
    assert made.read(connection, SECOND, SECOND // 2).counted is None  # now it waits for new ones


def test_an_error_is_an_error(reader: tuple[Redis, Source, Connection]) -> None:
    client, made, connection = reader
    client.set("seclyzer:stream:app", "no stream")
    with pytest.raises(RedisAway, match="WRONGTYPE"):
        made.read(connection, SECOND, None)
