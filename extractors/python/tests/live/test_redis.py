"""Redis is away, hangs, refuses or forgets while programs run."""

import json
import signal
import time
from typing import Any

import pytest
from running import comes_to, expected, focuses, heard_by, listed, listening, running, stats, type_keys
from support import key

from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until


def test_redis_may_come_later_and_go_and_an_outage_is_logged_once(redis_server: RedisServer) -> None:
    with running("keystroke", redis_server) as program:
        until(lambda: "Reading from Redis does not work" in program.log())
        client = redis_server.start()
        until(lambda: stats(client, "keystroke"))
        first = type_keys(client, 1.2, lambda i: "stream")
        comes_to(client, first)
        redis_server.kill()
        until(lambda: program.log().count("Reading from Redis does not work") > 1)
        client = redis_server.start()
        until(lambda: stats(client, "keystroke"))
        second = type_keys(client, 1.2, lambda i: "stream")
        windows = expected(first + second)[len(expected(first)) :]
        until(lambda: listed(client, "keystroke") == windows)
        until(lambda: stats(client, "keystroke")["events"] == str(len(first + second)))
        reported = stats(client, "keystroke")
        assert (reported["late"], reported["redis_reconnects"]) == ("0", "2")
        status, log, _ = program.stop()
    assert (status, log.count("Reading from Redis works again")) == (0, 2)
    assert 2 <= log.count("Reading from Redis does not work") <= 4


def test_while_redis_hangs_nothing_gets_late(redis_server: RedisServer) -> None:
    client = redis_server.start()
    with running("keystroke", redis_server) as program:
        until(lambda: stats(client, "keystroke"))
        sent = type_keys(client, 1.0, lambda i: "stream")
        redis_server.signal(signal.SIGSTOP)
        time.sleep(4.5)
        redis_server.signal(signal.SIGCONT)
        sent += [key(json.loads(sent[-1])["ts"] + i * 20_000, "KeyZ", "press") for i in range(1, 30)]
        for line in sent[-29:]:
            client.xadd("seclyzer:stream:keystroke", {"e": line.strip()})
        comes_to(client, sent)
        status, log, _ = program.stop()
    assert (status, "no answer in time" in log) == (0, True)


def test_a_wrong_password_is_logged_and_waited_out(redis_server: RedisServer) -> None:
    redis_server.start("--requirepass", "right")
    with running("keystroke", redis_server, REDIS_PASSWORD="hidden") as program:
        until(lambda: "WRONGPASS" in program.log())
        time.sleep(1.0)
        status, log, seconds = program.stop()
    assert (status, seconds < 5) == (0, True)
    assert log.count("WRONGPASS") == 1 and "hidden" not in log  # reading says it, and writing waits for that


def test_what_cannot_be_written_for_lack_of_memory_is_written_later(redis_server: RedisServer) -> None:
    client = redis_server.start()
    with running("keystroke", redis_server) as program:
        until(lambda: stats(client, "keystroke"))
        sent = type_keys(client, 0.5, lambda i: "stream")
        client.config_set("maxmemory", 1)
        time.sleep(5.0)  # the idle timeout and lateness are over by then
        assert listed(client, "keystroke") == []
        client.config_set("maxmemory", 0)
        windows = comes_to(client, sent)
        until(lambda: stats(client, "keystroke")["windows"] == str(len(windows)))
        _, log, _ = program.stop()
    assert log.count(": refused PUBLISH: OOM") == log.count('command=HSET reason="OOM') == 1 and log.count("OOM") == 2
    assert log.count("Writing to Redis works again") == 1


def test_a_key_of_the_wrong_type_is_counted_and_logged_and_does_not_stop_the_rest(
    redis_server: RedisServer,
) -> None:
    client = redis_server.start()
    client.set("seclyzer:features:keystroke", "no list")
    heard = listening(client)
    with running("keystroke", redis_server) as program:
        until(lambda: stats(client, "keystroke"))
        sent = type_keys(client, 0.5, lambda i: "stream")
        windows = expected(sent)
        came: list[dict[str, Any]] = []
        until(lambda: came.extend(heard_by(heard)) or len(came) >= len(windows))  # type: ignore[func-returns-value]
        assert came == windows
        until(lambda: int(stats(client, "keystroke")["output_errors"]) >= 1)
        _, log, _ = program.stop()
    assert "WRONGTYPE" in log


def test_a_password_that_comes_into_force_is_logged_and_waited_out(redis_server: RedisServer) -> None:
    client = redis_server.start()
    with running("keystroke", redis_server) as program:
        until(lambda: stats(client, "keystroke"))
        sent = type_keys(client, 0.5, lambda i: "stream")
        client.config_set("requirepass", "right")
        client.client_kill_filter(_type="normal", skipme=True)
        client.client_kill_filter(_type="pubsub", skipme=True)
        until(lambda: "NOAUTH" in program.log())
        client.config_set("requirepass", "")
        until(lambda: "Reading from Redis works again" in program.log())
        comes_to(client, sent + type_keys(client, 0.5, lambda i: "stream"))
        log = program.stop()[1]
    assert 1 <= log.count("NOAUTH") <= 2 and log.count("Reading from Redis works again") == 1


@pytest.mark.parametrize("kind", ["keystroke", "app"])
def test_keys_of_a_wrong_type_keep_no_extractor_from_its_work(redis_server: RedisServer, kind: str) -> None:
    client = redis_server.start()
    for name in (f"seclyzer:cursor:{kind}", f"seclyzer:stats:{kind}", "seclyzer:app:state"):
        client.lpush(name, "no hash, no text")
    with running(kind, redis_server) as program:
        until(lambda: "of the wrong type was ignored" in program.log())
        sent = type_keys(client, 0.5, lambda i: "stream") if kind == "keystroke" else focuses(client, "abc")
        comes_to(client, sent, kind)
        time.sleep(2.0)
        log = program.stop()[1]
    assert log.count("a key of the wrong type was ignored") == (1 if kind == "keystroke" else 2)
    assert log.count('msg="Redis refused a command" command=HSET reason="WRONGTYPE') == 1
    assert "to Redis does not work" not in log and "from Redis does not work" not in log


def test_deleted_keys_come_again_and_nothing_comes_twice(redis_server: RedisServer) -> None:
    client = redis_server.start()
    heard = listening(client)
    with running("keystroke", redis_server) as program:
        sent = type_keys(client, 0.5, lambda i: "stream")
        windows = comes_to(client, sent)
        client.delete("seclyzer:cursor:keystroke")
        until(lambda: client.hget("seclyzer:cursor:keystroke", "published"))
        program.stop(signal.SIGKILL)
    with running("keystroke", redis_server):
        comes_to(client, sent)
    assert heard_by(heard) == windows
    with running("app", redis_server):
        until(lambda: stats(client, "app"))
        focuses(client, "abc")
        until(lambda: len(listed(client, "app")) == 2)
        until(lambda: client.hget("seclyzer:stats:app", "windows") == b"2")
        client.flushall()
        until(lambda: client.get("seclyzer:app:state"))
        assert b'"c"' in (client.get("seclyzer:app:patterns") or b"")
        focuses(client, "d")
        until(lambda: len(listed(client, "app")) == 1)


@pytest.mark.parametrize(
    ("state", "logged"),
    [
        ("junk", "the saved state cannot be used"),
        ('{"schema": 0}', "the saved state cannot be used"),
        ('{"schema": 9}', "a saved state of a later version is left alone"),
        (None, ""),
    ],
)
def test_without_a_usable_state_the_cursor_tells_what_went_out(
    redis_server: RedisServer, state: str | None, logged: str
) -> None:
    client = redis_server.start()
    with running("app", redis_server) as program:
        sent = focuses(client, "abcde")
        transitions = comes_to(client, sent, "app")
        program.stop()
    if state is None:
        client.delete("seclyzer:app:state")
    else:
        client.set("seclyzer:app:state", state)
    with running("app", redis_server) as program:
        sent += focuses(client, "fg")
        until(lambda: len(listed(client, "app")) >= 6)
        time.sleep(0.5)
        log = program.stop()[1]
    assert [one["to_app"] for one in listed(client, "app")] == list("bcdefg")
    assert listed(client, "app")[:4] == transitions
    errors = [line for line in log.splitlines() if "level=error" in line]
    assert [logged in line for line in errors] == ([True] if logged else []), log
