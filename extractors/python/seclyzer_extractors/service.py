"""The running extractor: one loop that reads, computes and publishes, and the store's thread.

The loop never waits long, whatever is away: it reads while Redis is there, tries again with backoff while it
is not, and keeps systemd informed. SIGTERM ends it within five seconds.
"""

import os
import select
import signal
import time
from collections import deque

from . import logs, output, schema
from .config import Settings
from .core import AppCore, Row, make_core
from .cursor import (
    PATTERNS_KEY,
    STATE_KEY,
    Cursor,
    dump_state,
    load_state,
    read_state_file,
    write_state_file,
)
from .notify import Notify
from .publish import Publisher
from .resp import Command, Connection, RedisAway
from .source import Source
from .store import make_store

SECOND = 1_000_000
IDLE = SECOND  # the longest wait of the loop
STATS_EVERY, STATS_EXPIRE_S = 5 * SECOND, 30
TRIM_EVERY, KEEP_MS = 10 * SECOND, 120_000
PATTERNS_EVERY = 60 * SECOND
MALFORMED_EVERY = 10 * SECOND
UNSTORED = 1000  # transitions that the saved state holds until InfluxDB has answered
STOP_S = 4.0  # from the signal until the last attempt ends
HURRY_S = 0.3  # how long an answer of Redis is waited for then


def run(kind: str, settings: Settings) -> int:
    """Runs until SIGTERM or SIGINT; returns the exit status, 1 after a crash."""
    logs.setup(settings.log_level, settings.log_format)
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    make = AppExtractor if kind == "app" else Extractor
    extractor = make(schema.kind(kind), settings, wake)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: extractor.stop())
    try:
        extractor.run()
    except Exception as problem:  # its text could hold what a person typed
        logs.crash(problem)
        return 1
    return 0


class Extractor:
    """One extractor of windows. All times are µs; `wake` is a file descriptor that ends any wait."""

    def __init__(self, kind: schema.Kind, settings: Settings, wake: int) -> None:
        self.kind = kind
        self.settings = settings
        self.core = make_core(kind.name, settings)
        self.redis = logs.Dependency("Redis is away", "Redis is back")
        self.source = Source(kind, settings.redis, self.redis, self.resume, wake)
        self.publisher = Publisher(kind, settings.redis, self.redis)
        self.store = make_store(settings)
        self.notify = Notify(os.environ)
        self.line = output.LineProtocol(kind, settings.user_id, settings.device_id, settings.host).line
        self._wake = wake
        self._stop_by: float | None = None  # time.monotonic(); set when the program is to end
        self._cursor: Cursor | None = None  # in force for what is read again after a start
        self._caught_up = False
        self._started_at = _host_time()
        self._stored_ts: int | None = None  # as Redis has it
        self._stats_at = self._trim_at = self._malformed_at = 0
        self._malformed_said = 0

    def stop(self) -> None:
        """Ends `run` in time; for a signal handler."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + STOP_S

    def run(self) -> None:
        logs.info("started", program=self.kind.name, version=schema.version())
        self.store.start()
        self.notify.ready()
        while self._stop_by is None:
            now = _now()
            self.notify.alive(now)
            self.notify.status(self._words())
            connection = self.source.link.up(now)
            if connection is None:
                self._sleep(self.source.link.retry_at - now)
            else:
                self._read(connection)
            if self.store.crashed is not None:
                raise self.store.crashed
            if self._stop_by is None:
                self._write(_now())
        self._finish(self._stop_by)
        logs.info("stopped", events=self.core.counters.events, windows=self.core.counters.windows)

    # --- in ----------------------------------------------------------------------------------------

    def resume(self, connection: Connection) -> None:
        """Where to go on: the stream is read again whole, and what went out before does not go again."""
        self._cursor = Cursor(connection.call("HGETALL", self.kind.cursor_key), _host_time())

    def _read(self, connection: Connection) -> None:
        due, now = self.core.next_due(), _now()
        block = IDLE if due is None else min(IDLE, due - self.source.clock.at(now))
        try:
            reading = self.source.read(connection, block, self.notify.patience(now))
        except RedisAway as error:
            self.source.lost(error)
            self.publisher.link.close()  # it is lost as well, though it may not know yet
            return
        host_time = _host_time()
        for message in reading.messages:
            sessions = self.core.counters.sessions
            self.emit(self.core.message(message, reading.arrived, host_time))
            if self.core.counters.sessions > sessions:
                logs.info("the clock was set back: a new session begins")
                if self._caught_up:
                    self._cursor = None  # what comes now was never read before
        if reading.counted is not None:
            self.emit(self.core.advance(reading.counted))
            self._caught_up = True
            self.source.link.worked()
        self._say_malformed(now)

    def emit(self, rows: list[Row]) -> None:
        """Sends each row its two ways; neither waits for the other."""
        for row in rows:
            if self._cursor is None or row.ts > self._cursor.stored:
                self.store.put(self.line(row), row.ts)
            if self._cursor is None or row.ts > self._cursor.published:
                self.publisher.put(output.feature_json(self.kind, row))
                self.publisher.move_cursor(row.ts)

    def _say_malformed(self, now: int) -> None:
        malformed = self.core.counters.malformed
        if malformed > self._malformed_said and now >= self._malformed_at:
            logs.warning("malformed messages were skipped", messages=malformed - self._malformed_said)
            self._malformed_said, self._malformed_at = malformed, now + MALFORMED_EVERY

    def _sleep(self, wait: int) -> None:
        patience = self.notify.patience(_now())
        wait = max(0, min(wait, IDLE if patience is None else patience))
        select.select([self._wake], [], [], wait / SECOND)

    # --- out ---------------------------------------------------------------------------------------

    def _write(self, now: int) -> None:
        """What is due to be written to Redis."""
        self.flush(now)
        commands: list[Command] = []
        if now >= self._stats_at:
            self._stats_at = now + STATS_EVERY
            commands += self._stats()
        if now >= self._trim_at and self._caught_up:  # after a start, old entries are read before they go
            self._trim_at = now + TRIM_EVERY
            oldest_ms = _host_time() // 1000 - KEEP_MS
            commands.append(("XTRIM", self.kind.stream_key, "MINID", oldest_ms))
        stored_ts = self.store.stored_ts
        if stored_ts != self._stored_ts and stored_ts is not None:
            commands.append(("HSET", self.kind.cursor_key, "stored", stored_ts))
        if commands and self.publisher.write(commands, now):
            self._stored_ts = stored_ts

    def flush(self, now: int) -> None:
        """The outputs that wait, all in one transaction."""
        self.publisher.flush(now)

    def _stats(self) -> list[Command]:
        counters = self.core.counters
        fields: dict[str, str | int] = {
            "implementation": schema.IMPLEMENTATION,
            "version": schema.version(),
            "pid": os.getpid(),
            "started_at": self._started_at,
            **counters.as_dict(),
            "last_id": self.source.last_id,
            "points_written": self.store.written,
            "points_spooled": self.store.spooled,
            "points_rejected": self.store.rejected,
            "points_dropped": self.store.dropped,
            "spool_bytes": self.store.spool_bytes,
            "redis_reconnects": self._reconnects(),
            "influx_errors": self.store.errors,
            "outputs_dropped": self.publisher.outputs_dropped,
            "output_errors": self.publisher.output_errors,
        }
        hset: Command = ("HSET", self.kind.stats_key)
        for name, value in fields.items():
            hset += (name, value)
        return [hset, ("EXPIRE", self.kind.stats_key, STATS_EXPIRE_S)]

    def _reconnects(self) -> int:
        return max(0, self.source.link.connects - 1) + max(0, self.publisher.link.connects - 1)

    def _words(self) -> str:
        reading = f"Redis is away: {self.redis.trouble}" if self.redis.trouble else "reading events"
        influx = self.store.dependency.trouble
        return f"{reading}, InfluxDB takes no points: {influx}" if influx else reading

    # --- the end -----------------------------------------------------------------------------------

    def _finish(self, stop_by: float) -> None:
        """Leaves nothing behind that could have gone out; open windows are for the next start."""
        self.notify.stopping()
        self.source.link.close()
        self.publisher.hurry(HURRY_S)
        self.flush(_now())
        self.store.stop(max(0.2, stop_by - time.monotonic() - 2 * HURRY_S))
        self.save(_now())
        self._stats_at = 0
        self._write(_now())
        if self.publisher.waiting:
            logs.warning("Redis did not take the last outputs; the next start makes them again")
        if self.store.done < self.store.numbered:
            points = self.store.numbered - self.store.done
            logs.warning("InfluxDB did not answer for the last points", points=points)
        self.publisher.link.close()

    def save(self, now: int) -> None:
        """Saves what must outlive the program, beside the cursor."""


class AppExtractor(Extractor):
    """The app tracker: its state goes with every transition, its patterns follow once a minute."""

    core: AppCore

    def __init__(self, kind: schema.Kind, settings: Settings, wake: int) -> None:
        super().__init__(kind, settings, wake)
        self._unstored: deque[tuple[int, Row]] = deque(maxlen=UNSTORED)  # (number of the point, transition)
        self._saved_at = _now()
        self._saved_as = self._version()

    def resume(self, connection: Connection) -> None:
        """Goes on from the state in Redis; where Redis has forgotten it, from the one on disk."""
        saved = connection.call("GET", STATE_KEY)
        text = read_state_file(self.settings.state_dir) if saved is None else saved.decode("utf-8", "replace")
        loaded = None if text is None else load_state(text, self.core, _host_time())
        if loaded is not None:
            self.source.last_id, unstored = loaded
            self._put_to_store(unstored)

    def emit(self, rows: list[Row]) -> None:
        self._put_to_store(rows)
        for row in rows:
            self.publisher.put(output.feature_json(self.kind, row))

    def _put_to_store(self, rows: list[Row]) -> None:
        for row in rows:
            self._unstored.append((self.store.put(self.line(row), row.ts), row))

    def flush(self, now: int) -> None:
        if now >= self._saved_at + PATTERNS_EVERY:
            self.save(now)
        elif self.publisher.has_outputs:
            self._keep_state()
        super().flush(now)

    def _keep_state(self) -> str:
        """The state as of now goes into the transaction of the transitions that wait."""
        while self._unstored and self._unstored[0][0] <= self.store.done:
            self._unstored.popleft()
        text = dump_state(self.core, self.source.last_id, [row for _, row in self._unstored])
        self.publisher.keep(STATE_KEY, text)
        if self.core.tracker.last_taken is not None:
            self.publisher.move_cursor(self.core.tracker.last_taken)
        return text

    def save(self, now: int) -> None:
        """Patterns and state, when something has changed since the last time."""
        self._saved_at = now
        if self._saved_as == self._version():
            return
        self._saved_as = self._version()
        tracker = self.core.tracker
        self.publisher.keep(PATTERNS_KEY, output.patterns_json(tracker.document(), tracker.last_taken))
        text = self._keep_state()
        if self.settings.state_dir:
            try:
                write_state_file(self.settings.state_dir, text)
            except OSError as error:
                logs.error("the state file cannot be written", error=error)

    def _version(self) -> tuple[int, int, int]:
        """Changes when there is something new to save, or Redis may have forgotten it."""
        return self.core.counters.events, self.store.done, self.publisher.link.connects


def _now() -> int:
    return time.monotonic_ns() // 1000


def _host_time() -> int:
    return time.time_ns() // 1000
