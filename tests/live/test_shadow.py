"""The shadow prints, byte for byte, what the running program publishes; it may only read, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until, until_each

from .events import Worker, add, by_kind, recent
from .expected import assert_silent, replay
from .extractor import environment, program
from .world import KINDS, World

SEED = int(os.environ.get("LIVE_SEED", "1"))
USER = "reader"
# No right to write anything, to publish, or to ask for more than a stream's entries.
RIGHTS = ("+@connection", "-@dangerous", "+subscribe", "&seclyzer:events", "(%R~seclyzer:stream:* +xread +xrange)")
MAY_SEND = {"hello", "auth", "client", "select", "subscribe", "xread", "xrange"}
OUTPUTS = 5


class Shadow:
    """A program with `--shadow`, as a user of Redis that may only read events."""

    def __init__(
        self,
        implementation: str,
        kind: str,
        folder: Path,
        redis_url: str,
        seconds: int = 0,
        env: dict[str, str] | None = None,
    ) -> None:
        self.out, self.err = folder / f"{kind}.shadow", folder / f"{kind}.shadow.log"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self._process = subprocess.Popen(
                [program(implementation, kind), "--shadow", str(seconds), "--stats"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment(REDIS_URL=redis_url, REDIS_USERNAME=USER, **(env or {})),
            )

    @property
    def lines(self) -> list[str]:
        """What it has printed."""
        return self.out.read_text().splitlines()

    def wait_lines(self, count: int) -> None:
        """It has printed so many."""
        until(lambda: len(self.lines) >= count, f"{count} lines in {self.out}")

    def wait_stopped(self, within_s: float = 20) -> dict[str, Any]:
        """It ends well; its counters."""
        assert self._process.wait(within_s) == 0, self.err.read_text()
        counters: dict[str, Any] = json.loads(self.err.read_text().splitlines()[-1])
        return counters

    def stop(self) -> dict[str, Any]:
        """SIGTERM; its counters."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait_stopped()

    def close(self) -> None:
        """However a test ends."""
        self._process.kill()
        self._process.wait()


def allow_reading(client: Any) -> None:
    """The user of the shadow."""
    client.execute_command("ACL", "SETUSER", USER, "reset", "on", "nopass", *RIGHTS)
    client.execute_command("ACL", "LOG", "RESET")


def subscribers(client: Any) -> int:
    """How many listen to events."""
    return int(client.pubsub_numsub("seclyzer:events")[0][1])


@pytest.fixture
def world(influx: InfluxServer, implementation: str) -> Iterator[World]:
    """A host whose shadows may only read."""
    made = World(influx, f"shadow-{implementation}-{time.time_ns()}")
    allow_reading(made.redis.client())
    yield made
    made.close()


@pytest.fixture
def shadows(implementation: str, world: World) -> Iterator[dict[str, Shadow]]:
    """One for each kind, which listens."""
    made = {kind: Shadow(implementation, kind, world.folder, world.redis.url) for kind in KINDS}
    until(lambda: subscribers(world.redis.client()) == len(KINDS), "shadows listen")
    yield made
    for shadow in made.values():
        shadow.close()


def test_it_prints_what_the_running_program_publishes(
    implementation: str, world: World, shadows: dict[str, Shadow]
) -> None:
    world.start(implementation)
    until(lambda: subscribers(world.redis.client()) == 2 * len(KINDS), "programs listen")
    worker = Worker(world.redis.client(), SEED)
    worker.start()
    until_each(KINDS, lambda kind: len(world.published[kind]) >= OUTPUTS, f"{OUTPUTS} outputs")
    events = worker.go_home()
    world.wait_published(implementation, events)  # the last ones by time, for no event comes any more
    until_each(
        KINDS, lambda kind: len(shadows[kind].lines) >= len(world.published[kind]), "shadows print as many outputs"
    )
    stats = {kind: world.stats(kind) for kind in KINDS}
    for kind, shadow in shadows.items():
        counters = shadow.stop()
        assert shadow.lines == world.published[kind]
        assert counters["events"] == len(events[kind]) and counters["windows"] == len(shadow.lines)
        assert counters["implementation"] == implementation == stats[kind]["implementation"]
        assert 0 < counters["listening_since"] < json.loads(shadow.lines[0])["ts"] + 10_000_000
    assert world.redis.client().execute_command("ACL", "LOG") == []
    assert_silent("".join(shadow.err.read_text() for shadow in shadows.values()))


def test_it_joins_late_and_makes_the_windows_of_what_the_stream_holds(implementation: str, world: World) -> None:
    world.start(implementation)
    world.wait_listening()
    sent = recent(SEED, 20, dev_mode=False)
    add(world.redis.client(), sent)
    events = by_kind(sent)
    world.wait_published(implementation, events)
    for kind, expected in world.published.items():
        shadow = Shadow(implementation, kind, world.folder, world.redis.url)
        shadow.wait_lines(len(expected))
        shadow.stop()
        assert shadow.lines == expected


def contents(client: Any) -> dict[bytes, bytes]:
    """Every key, as it is."""
    return {key: client.dump(key) for key in client.keys("*")}


def test_it_only_reads(implementation: str, tmp_path: Path) -> None:
    """By everything that is at stake: Redis' keys and commands, who listens, InfluxDB, and the folder of the state."""
    redis = RedisServer(tmp_path, decoded=False)
    client = redis.start()
    store = socket.create_server(("127.0.0.1", 0))
    store.setblocking(False)
    state = tmp_path / "state"
    state.mkdir()
    (state / "spool.lp").write_text("kept\n")
    shadows: dict[str, Shadow] = {}
    try:
        allow_reading(client)
        sent = recent(SEED, 20, dev_mode=False)
        add(client, sent)
        for kind in KINDS:
            client.hset(f"seclyzer:cursor:{kind}", mapping={"published": 1, "stored": 1})
        client.set("seclyzer:app:state", "{}")
        heard = client.pubsub()
        heard.psubscribe("seclyzer:features:*")
        before = contents(client)
        client.config_resetstat()
        env = {"INFLUX_URL": f"http://127.0.0.1:{store.getsockname()[1]}", "STATE_DIRECTORY": str(state)}
        for kind in KINDS:
            shadows[kind] = Shadow(implementation, kind, tmp_path, redis.url, env=env)
        until_each(KINDS, lambda kind: len(shadows[kind].lines) >= OUTPUTS, "outputs")
        time.sleep(6)  # a running program writes its stats each 5 s
        commands = {name.removeprefix("cmdstat_").partition("|")[0] for name in client.info("commandstats")}
        events = {kind: shadow.stop()["events"] for kind, shadow in shadows.items()}
        assert commands - {"config", "info"} <= MAY_SEND
        assert client.execute_command("ACL", "LOG") == []
        assert contents(client) == before
        assert events == {kind: len(texts) for kind, texts in by_kind(sent).items()}
        assert [got for got in iter(lambda: heard.get_message(timeout=0.2), None) if got["type"] == "pmessage"] == []
        with pytest.raises(BlockingIOError):
            store.accept()
        assert {path.name: path.read_text() for path in state.iterdir()} == {"spool.lp": "kept\n"}
    finally:
        for shadow in shadows.values():
            shadow.close()
        store.close()
        redis.kill()


def test_what_is_open_at_its_end_is_left(implementation: str, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    allow_reading(redis.start())
    messages = by_kind(recent(SEED, 20, dev_mode=False))["mouse"]
    last = max(json.loads(text)["ts"] for text in messages)
    whole = replay(implementation, "mouse", messages).texts
    closed = [text for text in whole if json.loads(text)["ts"] + 250_000 < last]
    assert OUTPUTS < len(closed) < len(whole)
    # Only events close windows.
    shadow = Shadow(implementation, "mouse", tmp_path, redis.url, env={"SECLYZER_IDLE_TIMEOUT_MS": "600000"})
    try:
        add(redis.client(), [("mouse", text) for text in messages])
        shadow.wait_lines(len(closed))
        assert shadow.stop()["events"] == len(messages)
        assert shadow.lines == closed
    finally:
        shadow.close()
        redis.kill()


def test_it_ends_after_its_seconds(implementation: str, tmp_path: Path) -> None:
    shadow = Shadow(implementation, "mouse", tmp_path, f"unix://{tmp_path}/missing", seconds=1)
    try:
        assert shadow.wait_stopped()["listening_since"] == 0
        assert "does not work" in shadow.err.read_text()
    finally:
        shadow.close()


def test_it_goes_on_when_redis_was_away(implementation: str, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    shadow = Shadow(implementation, "mouse", tmp_path, redis.url)
    try:
        allow_reading(redis.start())
        until(lambda: subscribers(redis.client()) == 1, "it listens")
        redis.kill()
        back_at = time.time_ns() // 1000
        allow_reading(redis.start())
        until(lambda: subscribers(redis.client()) == 1, "it listens again")
        add(redis.client(), [pair for pair in recent(SEED, 20, dev_mode=False) if pair[0] == "mouse"])
        until(lambda: len(shadow.lines) >= OUTPUTS, "outputs")
        assert shadow.stop()["listening_since"] >= back_at
    finally:
        shadow.close()
        redis.kill()


def test_a_reader_that_is_gone_ends_it(implementation: str, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    client = redis.start()
    try:
        allow_reading(client)
        process = subprocess.Popen(
            [program(implementation, "mouse"), "--shadow", "60"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(REDIS_URL=redis.url, REDIS_USERNAME=USER),
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        until(lambda: subscribers(client) == 1, "it listens")
        add(client, [pair for pair in recent(SEED, 20, dev_mode=False) if pair[0] == "mouse"])
        assert process.wait(20) == 1
        assert process.stderr.read() == b""
    finally:
        process.kill()
        redis.kill()
