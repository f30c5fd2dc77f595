"""A host under load: Redis, InfluxDB behind its gateway, a proxy before each, the feeder, a listener, extractors."""

import json
import os
import random
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lab.gateway import Gateway
from tests.helpers.influx_server import InfluxServer
from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import PATIENCE_S, until, until_each
from tests.live.expected import SCHEMA, Key, Point, points_of
from tests.live.extractor import PROGRAMS, SETTINGS, Extractor

from .clock import Clock, preloading
from .feeding import Entry, Feeder, order
from .influx_tap import InfluxDoor
from .redis_tap import RedisDoor
from .relay import Relay

KINDS = tuple(PROGRAMS)
WINDOWED = tuple(kind for kind in KINDS if kind != "app")
LAST_FEW = 100  # entries of a stream among which the newest event is
HOST = "stage"
# Time is scaled by settings: windows of 3 s each second, and a tenth to a thirtieth of the waits for InfluxDB.
SCALED = {
    **SETTINGS,
    "SECLYZER_LATENESS_MS": "500",
    "SECLYZER_INFLUX_TIMEOUT_SECONDS": "2",
    "SECLYZER_INFLUX_RETRY_SECONDS": "2",
    "SECLYZER_HOST": HOST,
}
WARM = 2  # outputs of each kind before the first fault


class Stage:
    """Everything that a fault may touch. `notes` are facts for the report."""

    def __init__(
        self,
        name: str,
        implementation: str,
        seed: int,
        shared_influx: str = "",
        gateway: dict[str, Any] | None = None,
        **settings: str,
    ) -> None:
        self.name, self.implementation, self.seed = name, implementation, seed
        self.random = random.Random(seed)
        self.folder = Path(tempfile.mkdtemp(prefix="fault-"))  # a socket's path must be short
        self.settings = {**SCALED, **settings}
        self.clock: Clock | None = None
        self.servers_env: dict[str, str] = {}  # for Redis, the feeder and the extractors
        self.before: tuple[str, ...] = ()
        self.notes: dict[str, Any] = {}
        self.wrongs: list[str] = []  # what a fault has found wrong itself
        self.injected: list[Entry] = []
        self.published: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.running: dict[str, Extractor] = {}
        self.all: list[Extractor] = []
        self.used: dict[str, list[str]] = {kind: [] for kind in KINDS}  # implementations, in order of their starts
        self._closing: list[Any] = []
        self._shared_influx = shared_influx
        self._gateway_options = gateway or {}

    def __enter__(self) -> "Stage":
        return self

    def set_up(self) -> None:
        """Starts all but the extractors."""
        self.redis = RedisServer(self.folder, env=self.servers_env)
        self.redis.start()
        self.listen(self.redis.socket)
        self.influx = InfluxServer(self.folder)
        self.owns_influx = not self._shared_influx
        if self.owns_influx:
            self.influx.start()
            self.influx.set_up()
        else:
            self.influx.join(self._shared_influx)
        self.bucket = f"{self.name}-{self.implementation}-{self.folder.name}".replace(" ", "-")
        self.add_bucket()
        self.backend_id, backend = self.influx.make_token()
        self.gateway = Gateway(
            self.folder, self.influx.port, backend, influxdb_gateway_bucket=self.bucket, **self._gateway_options
        )
        self.token = secrets.token_hex(16)
        self.admit()
        self.gateway.start()
        self.relay = Relay()
        self.doors = {k: RedisDoor(self.relay, self.folder / f"{k}.sock", self.redis.socket) for k in KINDS}
        self.writes = {kind: InfluxDoor(self.relay, self.gateway.port) for kind in KINDS}
        self.relay.start()
        self.feeder = Feeder(self.redis.socket, self.folder, self.seed, self.servers_env)

    def add_bucket(self) -> None:
        """Where the points go."""
        self.influx.add_bucket(self.bucket)

    def admit(self) -> None:
        """The gateway lets the extractors in."""
        self.gateway.edge(HOST, HOST, self.token)

    # --- Redis ---------------------------------------------------------------------------------------

    def client(self, path: Path | None = None) -> Any:
        """A connection of our own; `CLIENT LIST` names it `harness`."""
        where = str(path or self.redis.socket)
        retry = Retry(NoBackoff(), 0)
        return redis.Redis(unix_socket_path=where, decode_responses=True, retry=retry, client_name="harness")

    def listen(self, path: Path) -> None:
        """From now on nothing that is published is missed."""
        client = self.client(path)
        listener = client.pubsub()
        listener.psubscribe("seclyzer:features:*")
        assert listener.get_message(timeout=PATIENCE_S), "no answer to psubscribe"
        self._closing.append((client, listener))  # it would close when no name held it any more
        threading.Thread(target=self._hear, args=(listener,), daemon=True).start()

    def _hear(self, listener: Any) -> None:
        try:
            for reported in listener.listen():
                if reported["type"] == "pmessage":
                    self.published[reported["channel"].rpartition(":")[2]].append(reported["data"])
        except (redis.RedisError, OSError, ValueError, AttributeError):
            pass  # Redis is gone

    def redis_away(self) -> None:
        """As after a power cut."""
        self.redis.kill()

    def redis_back(self, *settings: str) -> None:
        """Started again; we listen before anybody can publish."""
        path = self.redis.start_behind_doors(*settings)
        self.listen(path)
        self.redis.open_doors(path)

    # --- extractors ----------------------------------------------------------------------------------

    def start(self, kind: str, implementation: str = "") -> Extractor:
        """Starts one program; it may not be ready yet."""
        whose = implementation or self.implementation
        state = self.state(kind)
        state.mkdir(exist_ok=True)
        settings = {
            **self.settings,
            **self.servers_env,
            "REDIS_URL": self.doors[kind].url,
            "INFLUX_URL": self.writes[kind].url,
            "INFLUX_BUCKET": self.bucket,
            "INFLUX_TOKEN": self.token,
            "STATE_DIRECTORY": str(state),
        }
        programs = preloading() if self.clock and whose == "rust" else None
        one = Extractor(whose, kind, self.folder, settings, self.before, programs)
        self.running[kind] = one
        self.all.append(one)
        self.used[kind].append(whose)
        return one

    def state(self, kind: str) -> Path:
        """The StateDirectory of a program."""
        return self.folder / f"state-{kind}"

    def stop(self, kind: str) -> None:
        """SIGTERM, and it ends well."""
        one = self.running.pop(kind)
        one.ask_to_stop()
        one.wait_stopped()

    def kill(self, kind: str) -> None:
        """SIGKILL."""
        self.running.pop(kind).kill()

    # --- the load ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """All run under load, and outputs of each kind come."""
        for kind in KINDS:
            self.start(kind)
        for one in self.running.values():
            one.wait_ready()
        self.feeder.go()
        self.wait_outputs(WARM)

    def wait_outputs(self, more: int, kinds: Iterable[str] = KINDS) -> None:
        """So many more outputs of each kind."""
        before = {kind: len(self.published[kind]) for kind in kinds}
        until_each(before, lambda kind: len(self.published[kind]) >= before[kind] + more, f"{more} more outputs")

    def run_for(self, seconds: float) -> None:
        """The load goes on."""
        time.sleep(seconds)

    def wait_read(self) -> None:
        """The feeder pauses, and nothing is unread."""
        last = self.feeder.pause()
        for entry in self.injected:
            last[entry.kind] = max(last.get(entry.kind, "0-0"), f"{entry.at[1]}-{entry.at[2]}", key=order)
        until_each(last, lambda kind: order(self.doors[kind].behind) >= order(last[kind]), f"all is read up to {last}")

    def wait_closed(self) -> None:
        """After `wait_read`: no window is due any more, the last one with an event in its last interval has come."""
        for kind in WINDOWED:
            last = self.client().xrevrange(f"seclyzer:stream:{kind}", count=LAST_FEW)
            newest = max(int(json.loads(fields["e"])["ts"]) for _, fields in last)
            until(lambda kind=kind, newest=newest: self._newest_output(kind) >= newest, f"{kind}: all has closed")  # type: ignore[misc]

    def _newest_output(self, kind: str) -> int:
        published = self.published[kind]
        return int(json.loads(published[-1])["ts"]) if published else 0

    def add(self, kind: str, events: Iterable[dict[str, Any]], in_replay: bool = True) -> None:
        """Events of our own into a stream; those that the extractor is to skip unseen are in no replay."""
        client = self.client()
        for fields in events:
            text = json.dumps({"type": kind, **fields})
            entry = client.xadd(f"seclyzer:stream:{kind}", {"e": text})
            self.injected.append(Entry((0, *order(entry)), kind if in_replay else f"not {kind}", text.encode()))

    # --- what came of it -----------------------------------------------------------------------------

    def stored(self, kind: str) -> dict[Key, Point]:
        """The points of one kind."""
        return points_of(self.influx.points(self.bucket), SCHEMA[kind]["measurement"])

    def stats(self, kind: str) -> dict[str, str]:
        """The stats hash."""
        found: dict[str, str] = self.client().hgetall(f"seclyzer:stats:{kind}")
        return found

    def logs(self) -> str:
        """All that any program has reported, to the log and to systemd."""
        return "\n".join(text for one in self.all for text in (one.log, *one.heard))

    def __exit__(self, *_: object) -> None:
        if keep := os.environ.get("FAULTS_KEEP"):
            Path(keep).mkdir(parents=True, exist_ok=True)
            shutil.copytree(self.folder, Path(keep) / self.folder.name, ignore=shutil.ignore_patterns("*.s", "*.sock"))
        for one in self.all:
            one.close()
        for name in ("feeder", "redis"):
            if (part := getattr(self, name, None)) is not None:
                part.close() if name == "feeder" else part.kill()
        if hasattr(self, "gateway"):
            self.gateway.kill()
        if getattr(self, "owns_influx", False):
            self.influx.kill()
        if hasattr(self, "relay"):
            self.relay.end()
        shutil.rmtree(self.folder, ignore_errors=True)
