"""One program through everything that can go wrong around it, and what it reports: its journal and its STATUS.

The story waits at each step for what the program reports, so that the order of the lines is the same each time.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.helpers.ports import free_port
from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until
from tests.live.extractor import Extractor

SECOND = 1_000_000
HOUR = 3600 * SECOND
STREAM = "seclyzer:stream:keystroke"
SETTINGS = {
    "WINDOW_SECONDS": "1",
    "UPDATE_INTERVAL": "1",
    "SECLYZER_MIN_EVENTS": "1",
    "SECLYZER_IDLE_TIMEOUT_MS": "0",
    "SECLYZER_INFLUX_TIMEOUT_SECONDS": "1",
    "SECLYZER_INFLUX_RETRY_SECONDS": "0.5",
    "SECLYZER_HOST": "here",
}
# Numbers of messages come in one line or more, as the reads happen to fall.
SKIPPED = re.compile(r"msg\"?[:=]\"([a-z0-9 ]+) were skipped\"?,? ?\"?count\"?[:=]([0-9]+)")
RETENTION = "partial write: points beyond retention policy dropped=1"


@dataclass
class Story:
    """What a program reported, without what differs from run to run: lines, sums of skipped messages, STATUS."""

    lines: list[str]
    skipped: dict[str, int]
    status: list[str]
    raw: str


class Store:
    """A stand-in for InfluxDB at a port of its own, which may be away."""

    def __init__(self) -> None:
        self.port = free_port()
        self.answer: tuple[int, str] = (204, "")
        self.agents: set[str] = set()
        self._server: ThreadingHTTPServer | None = None

    def open(self) -> None:
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                store.agents.add(self.headers["User-Agent"])
                status, message = store.answer
                body = json.dumps({"code": "invalid", "message": message}).encode() if message else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class Teller:
    """Runs one program, and does to it what the story says."""

    def __init__(self, implementation: str, kind: str, log_format: str, spools: bool = False, **env: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="journal-"))
        self.redis, self.store = RedisServer(self.folder), Store()
        self.client: Any = None
        self.program = Extractor(
            implementation,
            kind,
            self.folder,
            {
                **SETTINGS,
                "REDIS_URL": self.redis.url,
                "INFLUX_URL": f"http://127.0.0.1:{self.store.port}",
                "SECLYZER_LOG_FORMAT": log_format,
                **({"STATE_DIRECTORY": str(self.folder)} if spools else {}),
                **env,
            },
        )

    def logs(self, text: str, times: int = 1) -> None:
        """Waits until it has logged this so often."""
        until(lambda: self.program.log.count(text) >= times, f"{text!r} {times} times in {self.program.log}", 30)

    def reports(self, words: str) -> None:
        """Waits until this is the STATUS."""
        until(lambda: (self._status() or [""])[-1] == self._masked(words), f"{words!r} in {self._status()}", 30)

    def does(self, holds: Callable[[], Any], words: str) -> None:
        until(lambda: bool(holds()), f"{words}; logged: {self.program.log}", 30)

    def add(self, *messages: str) -> None:
        """Into the stream at once."""
        transaction = self.client.pipeline(transaction=True)
        for message in messages:
            transaction.xadd(STREAM, {"e": message})
        transaction.execute()

    def type_window(self, back: int = 0, count: int = 4) -> None:
        """Events in one window: in one second of the host's clock, which has just begun; or `back` µs before it."""
        until(lambda: time.time() % 1 < 0.2, "a second begins")
        second = int(time.time()) * SECOND - back
        self.add(*(key(second + 100_000 + i * 10_000) for i in range(count)))

    def focus(self, *apps: str) -> None:
        """On the channel, all at once."""
        pipeline = self.client.pipeline(transaction=False)
        for app in apps:
            ts = time.time_ns() // 1000
            pipeline.publish("seclyzer:events", json.dumps({"type": "app", "ts": ts, "app_name": app}))
        pipeline.execute()

    def came(self, windows: int) -> None:
        """Waits until so many windows were published, and until InfluxDB has answered for the last one."""
        self.does(lambda: self.client.hget("seclyzer:stats:keystroke", "windows") == str(windows), f"{windows} windows")

    def story(self) -> Story:
        raw = self.program.log
        lines: list[str] = []
        skipped: dict[str, int] = {}
        for line in raw.splitlines():
            found = SKIPPED.search(line)
            if found:
                skipped[found[1]] = skipped.get(found[1], 0) + int(found[2])
            else:
                lines.append(self._masked(line))
        return Story(lines, skipped, self._status(), raw)

    def _status(self) -> list[str]:
        """Every STATUS, in order."""
        return [self._masked(one.removeprefix("STATUS=")) for one in self.program.heard if one.startswith("STATUS=")]

    def _masked(self, text: str) -> str:
        text = text.replace(str(self.folder), "DIR").replace(f"127.0.0.1:{self.store.port}", "STORE")
        text = re.sub(r'(ts"?[:=]"?)[0-9T:.-]+Z', r"\1TS", text)
        return re.sub(r'(after_s"?[:=])[0-9]+', r"\g<1>0", text)

    def close(self) -> None:
        self.program.close()
        self.redis.kill()
        self.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def key(ts: int) -> str:
    return json.dumps({"type": "keystroke", "ts": ts, "key": "KeyA", "event": "press"})


def tell(implementation: str, log_format: str, story: Callable[[Teller], None]) -> Story:
    """A whole story of one program."""
    if story is outages:
        teller = Teller(implementation, "keystroke", log_format, spools=True)
    else:
        teller = Teller(implementation, "app", log_format, SECLYZER_LATENESS_MS="0")
    try:
        story(teller)
        return teller.story()
    finally:
        teller.close()


def outages(teller: Teller) -> None:
    """Start, outages and recoveries, refused points, floods, a clock set back, stop."""
    redis, store, program = teller.redis, teller.store, teller.program
    # Nothing is there.
    program.wait_ready()
    teller.logs("Reading from Redis does not work")
    teller.reports("waiting for Redis: unix://DIR/redis.sock: No such file or directory")
    redis.start()
    teller.client = redis.client()
    teller.logs("Reading from Redis works again")
    teller.reports("reading events")
    teller.does(lambda: teller.client.pubsub_numsub("seclyzer:events")[0][1] == 1, "it listens")
    names = {one["name"] for one in teller.client.client_list() if one["name"]}
    assert names == {"seclyzer-keystroke"}
    # InfluxDB is away for so long that points go to disk, and comes.
    teller.type_window()
    teller.logs("Writing to InfluxDB does not work")
    teller.logs("points go to the disk buffer")
    teller.reports("reading events; waiting for InfluxDB: STORE: Connection refused")
    store.open()
    teller.logs("the disk buffer was sent")
    teller.reports("reading events")
    # It answers, but takes nothing: for a while, and for want of a token.
    store.answer = (503, "starting")
    teller.type_window()
    teller.logs("status 503")
    teller.logs("points go to the disk buffer", 2)
    teller.reports("reading events; waiting for InfluxDB: STORE: status 503")
    store.answer = (401, "unauthorized")
    teller.reports("reading events; waiting for InfluxDB: STORE: status 401")
    store.answer = (204, "")
    teller.logs("Writing to InfluxDB works again", 2)
    teller.logs("the disk buffer was sent", 2)
    teller.reports("reading events")
    teller.came(2)
    # It rejects points.
    for at, answer in enumerate(((422, RETENTION), (400, "unable to parse 'x'"), (413, "")), 1):
        store.answer = answer
        teller.type_window()
        teller.logs("InfluxDB rejected points", at)
    store.answer = (204, "")
    # Messages that are no events, or of another time; the clock is set back.
    teller.add(*["{"] * 300, key(time.time_ns() // 1000 + HOUR), key(time.time_ns() // 1_000_000))
    teller.logs("messages that break the contract were skipped")
    teller.type_window(back=HOUR, count=30)
    teller.logs("the clock was set back")
    # Keys of another type.
    teller.came(6)
    teller.client.set("seclyzer:stats:keystroke", "text")
    teller.logs("Redis refused a command")
    teller.client.delete("seclyzer:stats:keystroke")
    # Redis goes, and comes again.
    redis.socket.unlink()
    redis.kill()
    teller.logs("No such file or directory", 2)
    teller.reports("waiting for Redis: unix://DIR/redis.sock: No such file or directory")
    redis.start()
    teller.client = redis.client()
    teller.logs("Reading from Redis works again", 2)
    teller.reports("reading events")
    teller.does(lambda: teller.client.pubsub_numsub("seclyzer:events")[0][1] == 1, "it listens again")
    teller.does(lambda: teller.client.hget("seclyzer:stats:keystroke", "spool_bytes") == "0", "all is sent")
    program.ask_to_stop()
    program.wait_stopped()
    until(lambda: "STATUS=stopping" in program.heard, "the last STATUS")
    assert all(re.fullmatch(r"seclyzer-extractors/[0-9.]+", agent) for agent in store.agents), store.agents


def bad_start_and_stop(teller: Teller) -> None:
    """The app tracker: no password, keys that hold nonsense; at the end neither Redis nor InfluxDB takes anything."""
    redis, program = teller.redis, teller.program
    program.wait_ready()
    redis.start("--requirepass", "right")
    teller.logs("refused HELLO: NOAUTH ")
    teller.client = redis.client(password="right")
    teller.client.set("seclyzer:app:state", "nonsense")
    teller.client.lpush("seclyzer:cursor:app", "no hash")
    teller.client.config_set("requirepass", "")
    teller.logs("Reading from Redis works again")
    teller.logs("a key of the wrong type was ignored")
    teller.client.delete("seclyzer:cursor:app")
    teller.reports("reading events")
    teller.focus("a")
    teller.does(lambda: teller.client.hget("seclyzer:stats:app", "events") == "1", "stats of the first event")
    teller.client.config_set("maxmemory", 1)
    teller.focus("b", "c")
    teller.logs("Writing to Redis does not work")
    teller.logs("Writing to InfluxDB does not work")
    teller.logs("Redis refused a command")
    oom = "unix://DIR/redis.sock: refused PUBLISH: OOM command not allowed when used memory > 'maxmemory'."
    away = "; waiting for InfluxDB: STORE: Connection refused"
    teller.reports(f"reading events, waiting to write to Redis: {oom}{away}")
    program.ask_to_stop()
    program.wait_stopped()
    until(lambda: "STATUS=stopping" in program.heard, "the last STATUS")
