"""A running program against a real Redis, and what is looked at then.

Windows are of 3 s, every second, so that a test takes seconds; a second of lateness forgives a busy machine.
"""

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
from support import command, environment, focus, key, replayed

from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until

WINDOWS = {"window_seconds": 3, "update_interval": 1, "min_events": 1, "lateness_ms": 1000}
FLAGS = ("--window", "3", "--interval", "1", "--min-events", "1", "--lateness", "1000")


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
    until(lambda: len(listed(client, kind)) >= len(windows))
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


def focuses(client: redis.Redis, names: str, offset: int = 0) -> list[bytes]:
    """A focus every 50 ms in real time; returns the events."""
    sent = []
    for name in names:
        line = focus(now() + offset, name)
        client.xadd("seclyzer:stream:app", {"e": line.strip()})
        sent.append(line)
        time.sleep(0.05)
    return sent


def expected(lines: list[bytes], kind: str = "keystroke") -> list[dict[str, Any]]:
    values = WINDOWS if kind != "app" else {}
    windows, counters = replayed(kind, lines, **values)
    assert counters.late == counters.malformed == counters.sessions == 0
    return windows
