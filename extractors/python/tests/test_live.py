"""The running programs against a real Redis: what goes in comes out, once, whatever happens meanwhile.

Windows are of 3 s, every second, so that a test takes seconds; a second of lateness forgives a busy machine.
"""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from servers import InfluxStub, RedisServer
from support import SECOND, command, environment, focus, key, move, replayed

WINDOWS = {"window_seconds": 3, "update_interval": 1, "min_events": 1, "lateness_ms": 1000}
FLAGS = ("--window", "3", "--interval", "1", "--min-events", "1", "--lateness", "1000")
STATS = """
implementation version pid started_at events malformed future late dropped sessions windows windows_short
last_id last_event_ts last_window_ts points_written points_spooled points_rejected points_dropped spool_bytes
redis_reconnects influx_errors outputs_dropped output_errors
"""


class Program:
    """A running extractor."""

    def __init__(self, kind: str, server: RedisServer, *flags: str, **env: str) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`
        self.process = subprocess.Popen(
            command(kind, "--redis-url", server.url, *(FLAGS if kind != "app" else ()), *flags),
            env=environment(**{"INFLUX_URL": "http://127.0.0.1:1", **env}),
            stderr=self._log,
        )

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, float]:
        """Exit status, log, and how long it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(15)
        return status, self.log(), time.monotonic() - begun

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._log.close()


@contextmanager
def running(kind: str, server: RedisServer, *flags: str, **env: str) -> Iterator[Program]:
    program = Program(kind, server, *flags, **env)
    try:
        yield program
    finally:
        program.close()


def until(holds: Callable[[], Any], seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)
    return value


def now() -> int:
    return time.time_ns() // 1000


def listed(client: redis.Redis, kind: str) -> list[dict[str, Any]]:
    """What the list holds, oldest first."""
    texts: list[bytes] = client.lrange(f"seclyzer:features:{kind}", 0, -1)  # type: ignore[assignment]
    return [json.loads(text) for text in reversed(texts)]


def listening(client: redis.Redis) -> Any:
    """Hears what is published from now on."""
    heard = client.pubsub()  # type: ignore[no-untyped-call]
    heard.subscribe("seclyzer:features:keystroke")
    return heard


def heard_by(heard: Any) -> list[dict[str, Any]]:
    messages = [heard.get_message() for _ in range(50)]
    return [json.loads(one["data"]) for one in messages if one and one["type"] == "message"]


def comes_to(client: redis.Redis, lines: list[bytes], kind: str = "keystroke") -> list[dict[str, Any]]:
    """Waits until the list holds what a replay of these events gives, and sees it stay so; returns it."""
    windows = expected(lines, kind)
    if kind == "app":
        windows.pop()  # the patterns
    until(lambda: len(listed(client, kind)) >= len(windows), 20)
    time.sleep(0.3)
    assert listed(client, kind) == windows
    return windows


def stats(client: redis.Redis, kind: str) -> dict[str, str]:
    fields: dict[bytes, bytes] = client.hgetall(f"seclyzer:stats:{kind}")  # type: ignore[assignment]
    return {name.decode(): value.decode() for name, value in fields.items()}


def type_keys(client: redis.Redis, seconds: float, by: Callable[[int], str]) -> list[bytes]:
    """Types in real time, each event sent by `stream` or `publish` as `by` says; returns the events."""
    sent: list[bytes] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        i = len(sent)
        line = key(now(), f"Key{'ABCDE'[i // 2 % 5]}", "release" if i % 2 else "press")
        if by(i) == "stream":
            client.xadd("seclyzer:stream:keystroke", {"e": line.strip()})
        else:
            client.publish("seclyzer:events", line.strip())
        sent.append(line)
        time.sleep(0.02)
    return sent


def expected(lines: list[bytes], kind: str = "keystroke") -> list[dict[str, Any]]:
    values = WINDOWS if kind != "app" else {}
    windows, counters = replayed(kind, lines, **values)
    assert counters.late == counters.malformed == counters.sessions == 0
    return windows


def test_events_by_stream_and_pubsub_come_out_equal_to_a_replay(redis_server: RedisServer, influx: InfluxStub) -> None:
    client = redis_server.start()
    heard = listening(client)
    with running("keystroke", redis_server, INFLUX_URL=influx.url) as program:
        until(lambda: stats(client, "keystroke"))
        sent = type_keys(client, 3.0, lambda i: "stream" if i % 3 else "publish")
        windows = comes_to(client, sent)
        assert len(windows) >= 3
        assert heard_by(heard) == windows
        status, log, seconds = program.stop()
    assert (status, seconds < 5) == (0, True), log
    assert [int(line.rsplit(" ", 1)[1]) for line in influx.accepted] == [window["ts"] for window in windows]
    series, fields, _ = influx.accepted[0].split(" ")
    assert series == "keystroke_features,user_id=default,device_id=keyboard_0,host=here"
    assert fields.startswith(f"dwell_mean={windows[0]['dwell_mean']!r},dwell_std=")
    told = stats(client, "keystroke")
    assert told["events"] == str(len(sent))
    assert told["windows"] == told["points_written"] == str(len(windows))
    cursor = client.hgetall("seclyzer:cursor:keystroke")
    assert cursor == {name: str(windows[-1]["ts"]).encode() for name in (b"published", b"stored")}


def test_the_stats_hash_holds_every_field_and_expires(redis_server: RedisServer) -> None:
    client = redis_server.start()
    client.xadd("seclyzer:stream:mouse", {"e": move(now()).strip()}, id="5-7")
    client.xadd("seclyzer:stream:mouse", {"wrong": "field"}, id="5-8")
    with running("mouse", redis_server) as program:
        told = until(lambda: stats(client, "mouse"))
        assert set(told) == set(STATS.split())
        assert (told["implementation"], told["pid"]) == ("python", str(program.process.pid))
        assert abs(int(told["started_at"]) - now()) < 20 * SECOND
        assert 20 < client.ttl("seclyzer:stats:mouse") <= 30
        told = until(lambda: (made := stats(client, "mouse"))["malformed"] == "1" and made)
        assert (told["events"], told["last_id"]) == ("1", "5-8")
        assert client.xlen("seclyzer:stream:mouse") == 0  # older than 120 s: trimmed, though nothing came


def test_entries_are_trimmed_by_age_to_the_millisecond(redis_server: RedisServer) -> None:
    client = redis_server.start()
    ms = time.time_ns() // 1_000_000
    for age in (200_000, 130_000, 121_000, 100_000, 0):
        client.xadd("seclyzer:stream:keystroke", {"e": "{}"}, id=f"{ms - age}-0")
    with running("keystroke", redis_server):
        until(lambda: client.xlen("seclyzer:stream:keystroke") == 2)


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


def test_a_cursor_far_in_the_future_is_ignored(redis_server: RedisServer) -> None:
    client = redis_server.start()
    client.hset("seclyzer:cursor:keystroke", mapping={"published": now() + 60 * SECOND, "stored": "x"})
    with running("keystroke", redis_server):
        comes_to(client, type_keys(client, 0.3, lambda i: "stream"))


def test_redis_may_come_later_and_go_and_it_is_said_once(redis_server: RedisServer) -> None:
    with running("keystroke", redis_server) as program:
        until(lambda: "Redis is away" in program.log())
        client = redis_server.start()
        until(lambda: stats(client, "keystroke"))
        first = type_keys(client, 1.2, lambda i: "stream")
        comes_to(client, first)
        redis_server.stop()
        until(lambda: program.log().count("Redis is away") > 1)
        client = redis_server.start()
        until(lambda: stats(client, "keystroke"))
        second = type_keys(client, 1.2, lambda i: "stream")
        windows = expected(first + second)[len(expected(first)) :]
        until(lambda: listed(client, "keystroke") == windows)
        until(lambda: stats(client, "keystroke")["events"] == str(len(first + second)))
        told = stats(client, "keystroke")
        assert (told["late"], told["redis_reconnects"]) == ("0", "2")
        status, log, _ = program.stop()
    assert (status, log.count("Redis is back")) == (0, 2)
    assert 2 <= log.count("Redis is away") <= 6


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
    assert (status, "Redis does not answer" in log) == (0, True)


def test_a_wrong_password_is_said_and_waited_out(redis_server: RedisServer) -> None:
    redis_server.start("--requirepass", "right")
    with running("keystroke", redis_server, REDIS_PASSWORD="hidden") as program:
        until(lambda: "WRONGPASS" in program.log())
        time.sleep(1.0)
        status, log, seconds = program.stop()
    assert (status, seconds < 5) == (0, True)
    assert log.count("WRONGPASS") == 1 and "hidden" not in log


@pytest.mark.parametrize("sick", ["away", "hanging", "influx"])
def test_sigterm_ends_it_in_five_seconds_whatever_is_sick(
    redis_server: RedisServer, influx: InfluxStub, sick: str
) -> None:
    if sick == "influx":
        influx.answer = lambda lines: time.sleep(30)
    with running("keystroke", redis_server, INFLUX_URL=influx.url) as program:
        if sick != "away":
            client = redis_server.start()
            until(lambda: stats(client, "keystroke"))
            type_keys(client, 2.5, lambda i: "stream")
        if sick == "hanging":
            redis_server.signal(signal.SIGSTOP)
        until(lambda: "started" in program.log())
        time.sleep(0.5)
        status, log, seconds = program.stop()
        if sick == "hanging":
            redis_server.signal(signal.SIGCONT)
    assert (status, seconds < 5.0) == (0, True), log


def test_systemd_is_told(redis_server: RedisServer, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        told: list[str] = []

        def hears(message: str) -> None:
            while message not in told:
                told.append(systemd.recv(1000).decode())

        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
        with running("mouse", redis_server, **env) as program:
            hears("READY=1")  # though Redis is away
            hears("WATCHDOG=1")
            while not any(one.startswith("STATUS=Redis is away: ") for one in told):
                told.append(systemd.recv(1000).decode())
            redis_server.start()
            hears("STATUS=reading events")
            told.clear()
            begun = time.monotonic()
            for _ in range(5):
                told.clear()
                hears("WATCHDOG=1")
            assert 1.0 < time.monotonic() - begun < 2.5  # about every 0.3 s
            program.process.send_signal(signal.SIGTERM)
            hears("STOPPING=1")


def test_what_cannot_be_written_for_lack_of_memory_is_written_later(redis_server: RedisServer) -> None:
    client = redis_server.start()
    with running("keystroke", redis_server) as program:
        until(lambda: stats(client, "keystroke"))
        sent = type_keys(client, 0.5, lambda i: "stream")
        client.config_set("maxmemory", 1)
        time.sleep(3.0)
        assert listed(client, "keystroke") == []
        client.config_set("maxmemory", 0)
        windows = comes_to(client, sent)
        until(lambda: stats(client, "keystroke")["windows"] == str(len(windows)))
        _, log, _ = program.stop()
    assert log.count("OOM") == 1 and "Redis takes writes again" in log


def test_a_key_of_the_wrong_type_is_counted_and_said_and_does_not_stop_the_rest(
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


def test_no_log_line_and_no_output_holds_a_key(redis_server: RedisServer) -> None:
    client = redis_server.start()
    with running("keystroke", redis_server, "--log-level", "debug") as program:
        until(lambda: stats(client, "keystroke"))
        for i in range(40):
            client.xadd("seclyzer:stream:keystroke", {"e": key(now(), "KeySecret", "release" if i % 2 else "press")})
            client.xadd("seclyzer:stream:keystroke", {"e": b'{"type":"keystroke","key":"KeySecret"'})
            client.publish("seclyzer:events", b'["KeySecret"]')
        until(lambda: stats(client, "keystroke")["windows"] != "0")
        told = stats(client, "keystroke")
        windows = listed(client, "keystroke")
        _, log, _ = program.stop()
    assert windows and "Secret" not in log + json.dumps(windows) + json.dumps(told)
    assert log.count("malformed messages were skipped") == 1


def focuses(client: redis.Redis, names: str, offset: int = 0) -> list[bytes]:
    """A focus every 50 ms in real time; returns the events."""
    sent = []
    for name in names:
        line = focus(now() + offset, name)
        client.xadd("seclyzer:stream:app", {"e": line.strip()})
        sent.append(line)
        time.sleep(0.05)
    return sent


def without_time(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("timestamp", "ts")}


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
    kept = json.loads(client.get("seclyzer:app:patterns"))  # type: ignore[arg-type]
    assert kept == patterns
    stored = {(int(line.rsplit(" ", 1)[1]), line.split(" ")[0]) for line in influx.accepted}
    assert {ts for ts, _ in stored} == {one["ts"] for one in transitions}
    state = json.loads((tmp_path / "app-state.json").read_text(encoding="utf-8"))
    assert state == json.loads(client.get("seclyzer:app:state"))  # type: ignore[arg-type]
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
        time.sleep(0.7)
        program.stop()
    redis_server.stop()
    client = redis_server.start()
    with running("app", redis_server, "--state-dir", str(tmp_path), INFLUX_URL=influx.url) as program:
        sent += focuses(client, "da")
        until(lambda: len(listed(client, "app")) == 2)
        program.stop()
    *transitions, patterns = expected(sent, "app")
    assert listed(client, "app") == transitions[2:]
    assert json.loads(client.get("seclyzer:app:patterns")) == patterns  # type: ignore[arg-type]
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
        until(lambda: stats(client, "app").get("events") == "1", 15)
        redis_server.stop()
        client = redis_server.start()
        focuses(client, "bc")
        until(lambda: len(listed(client, "app")) == 2)
        program.stop()
    assert [(one["from_app"], one["to_app"]) for one in listed(client, "app")] == [("a", "b"), ("b", "c")]


def test_check_says_what_is_right_and_what_is_wrong(redis_server: RedisServer, influx: InfluxStub) -> None:
    def check(**env: str) -> tuple[int, str]:
        done = subprocess.run(
            command("keystroke", "--check"),
            env=environment(REDIS_URL=redis_server.url, INFLUX_URL=influx.url, **env),
            capture_output=True, timeout=20,
        )  # fmt: skip
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    status, said = check()
    assert (status, "redis" in said, "unreachable" in said, f"influxdb {influx.url}: good" in said) == (
        1,
        True,
        True,
        True,
    )
    redis_server.start("--requirepass", "right")
    status, said = check(REDIS_PASSWORD="right")
    assert (status, said.count("good")) == (0, 3)
    for password in ("wrong", ""):
        status, said = check(REDIS_PASSWORD=password)
        assert (status, "refused" in said, "check redis_username and redis_password" in said) == (
            1,
            True,
            True,
        )
    for answer, hint in (
        (401, "check influx_token"),
        (403, "may not write"),
        (404, "no such organisation"),
        (500, "500"),
    ):
        influx.answer = lambda lines, answer=answer: (answer, {}, b"{}")  # type: ignore[misc]
        status, said = check(REDIS_PASSWORD="right")
        assert (status, hint in said) == (1, True)
    assert all(lines == [] for _, _, lines in influx.requests)


def test_it_starts_quickly_stays_small_and_idles(redis_server: RedisServer) -> None:
    client = redis_server.start()
    begun = time.monotonic()
    with running("keystroke", redis_server) as program:
        until(lambda: stats(client, "keystroke"))
        assert time.monotonic() - begun < 1.5  # a bound for a busy machine; a fifth of that when it is not
        proc = Path(f"/proc/{program.process.pid}")

        def status(name: str) -> int:
            text = (proc / "status").read_text(encoding="ascii")
            return int(next(line for line in text.splitlines() if line.startswith(name)).split()[1])

        time.sleep(1.0)
        switches = status("voluntary_ctxt_switches")
        time.sleep(5.0)
        assert status("voluntary_ctxt_switches") - switches <= 15
        assert status("VmRSS") < 35 * 1024
        assert len(os.listdir(proc / "task")) == 2
