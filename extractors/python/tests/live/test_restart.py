"""Programs that are ended or killed and started again: nothing is lost, nothing comes twice."""

import json
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from running import comes_to, expected, focuses, heard_by, listed, listening, now, running, stats, type_keys
from servers import InfluxStub
from support import SECOND, focus, typed

from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_neither_doubles_nor_loses_a_window(
    redis_server: RedisServer, influx: InfluxStub, number: int
) -> None:
    client = redis_server.start()
    heard = listening(client)
    sent: list[bytes] = []
    for seconds in (1.3, 2.0, 0.7):
        with running("keystroke", redis_server, INFLUX_URL=influx.url) as program:
            sent += type_keys(client, seconds, lambda i: "stream")
            program.stop(number)
        sent += type_keys(client, 0.4, lambda i: "stream")  # while it is down
    with running("keystroke", redis_server, INFLUX_URL=influx.url) as program:
        windows = comes_to(client, sent)
        program.stop()
    assert len(windows) >= 5
    assert heard_by(heard) == windows
    stored = {int(line.rsplit(" ", 1)[1]) for line in influx.accepted}
    assert stored == {window["ts"] for window in windows}


def test_windows_that_came_out_before_a_restart_do_not_count_after_it(
    redis_server: RedisServer, influx: InfluxStub
) -> None:
    client = redis_server.start()
    lines = typed(now() - 3600 * SECOND, 200)
    published: list[int] = []

    def has_come(last: bytes) -> bool:
        windows = listed(client, "keystroke")
        return bool(windows) and windows[-1]["ts"] > json.loads(last)["ts"]

    for part in (lines[:100], lines[100:]):
        for line in part:
            client.xadd("seclyzer:stream:keystroke", {"e": line.strip()})
        with running("keystroke", redis_server, INFLUX_URL=influx.url) as program:
            until(partial(has_come, part[-1]))
            program.stop()
        published.append(len(listed(client, "keystroke")))
        assert int(stats(client, "keystroke")["windows"]) == published[-1] - sum(published[:-1])
    assert published[1] > published[0] > 5


def test_a_cursor_far_in_the_future_is_ignored(redis_server: RedisServer) -> None:
    client = redis_server.start()
    client.hset("seclyzer:cursor:keystroke", mapping={"published": now() + 60 * SECOND, "stored": "x"})
    with running("keystroke", redis_server):
        comes_to(client, type_keys(client, 0.3, lambda i: "stream"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_app_tracker_goes_on_after_a_restart(
    redis_server: RedisServer, influx: InfluxStub, tmp_path: Path, number: int
) -> None:
    client = redis_server.start()
    state_dir = ("--state-dir", str(tmp_path))
    sent: list[bytes] = []
    for names in ("abacabad", "aabbccdd", "efef"):
        with running("app", redis_server, *state_dir, INFLUX_URL=influx.url) as program:
            sent += focuses(client, names)
            program.stop(number)
        sent += focuses(client, "xyz")  # while it is down
    with running("app", redis_server, *state_dir, INFLUX_URL=influx.url) as program:
        sent += focuses(client, "q")
        comes_to(client, sent, "app")
        assert program.stop()[0] == 0
    *transitions, patterns = expected(sent, "app")
    assert listed(client, "app") == transitions
    kept = json.loads(client.get("seclyzer:app:patterns"))
    assert kept == patterns
    stored = {(int(line.rsplit(" ", 1)[1]), line.split(" ")[0]) for line in influx.accepted}
    assert {ts for ts, _ in stored} == {one["ts"] for one in transitions}
    state = json.loads((tmp_path / "app-state.json").read_text(encoding="utf-8"))
    assert state == json.loads(client.get("seclyzer:app:state"))
    assert (state["unstored"], state["current"]["app"], state["total_transitions"]) == (
        [],
        "q",
        len(transitions),
    )
    assert client.hget("seclyzer:cursor:app", "published") == str(patterns["ts"]).encode()


def test_where_redis_has_forgotten_the_state_it_is_taken_from_disk(
    redis_server: RedisServer, influx: InfluxStub, tmp_path: Path
) -> None:
    client = redis_server.start()
    with running("app", redis_server, "--state-dir", str(tmp_path)) as program:
        until(lambda: stats(client, "app"))
        sent = focuses(client, "abc")
        until(lambda: len(listed(client, "app")) == 2)
        program.stop()
    redis_server.kill()
    client = redis_server.start()
    with running("app", redis_server, "--state-dir", str(tmp_path), INFLUX_URL=influx.url) as program:
        sent += focuses(client, "da")
        until(lambda: len(listed(client, "app")) == 2)
        program.stop()
    *transitions, patterns = expected(sent, "app")
    assert listed(client, "app") == transitions[2:]
    assert json.loads(client.get("seclyzer:app:patterns")) == patterns
    # What InfluxDB had not answered when the first one stopped was in the state as well.
    assert [int(line.rsplit(" ", 1)[1]) for line in influx.accepted] == [one["ts"] for one in transitions]


def test_a_transition_that_influxdb_did_not_answer_is_stored_by_the_next_start(
    redis_server: RedisServer, influx: InfluxStub
) -> None:
    client = redis_server.start()
    with running("app", redis_server) as program:
        until(lambda: stats(client, "app"))
        focuses(client, "abc")
        until(lambda: len(listed(client, "app")) == 2)
        program.stop(signal.SIGKILL)
    with running("app", redis_server, INFLUX_URL=influx.url):
        until(lambda: len(influx.accepted) == 2)
    assert len(listed(client, "app")) == 2


def test_a_stream_made_anew_after_the_clock_was_set_back_is_read(redis_server: RedisServer) -> None:
    client = redis_server.start()
    ahead = time.time_ns() // 1_000_000 + 3_600_000
    client.xadd("seclyzer:stream:app", {"e": focus(now(), "a").strip()}, id=f"{ahead}-0")
    with running("app", redis_server) as program:
        until(lambda: stats(client, "app").get("events") == "1")
        redis_server.kill()
        client = redis_server.start()
        focuses(client, "bc")
        until(lambda: len(listed(client, "app")) == 2)
        program.stop()
    assert [(one["from_app"], one["to_app"]) for one in listed(client, "app")] == [("a", "b"), ("b", "c")]
