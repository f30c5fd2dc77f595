"""The running extractor: one loop that reads, computes and publishes, and the store's thread.

The loop never waits long, whatever is away: it reads while Redis is there, tries again with backoff while it
is not, and keeps systemd informed. SIGTERM ends it within five seconds.
"""

import gc
import os
import select
import signal
import time

from . import logs, output, plausible, schema
from .config import Settings
from .core import Row, make_core
from .cursor import Cursor, look, order_of
from .guard import SWAMPED_BYTES, Guard
from .notify import Notify
from .publish import Publisher
from .resp import Command, Connection, RedisAway
from .source import START, Reading, Source
from .store import make_store

SECOND = 1_000_000
IDLE = SECOND  # the longest wait of the loop
STATS_EVERY, STATS_EXPIRE_S = 5 * SECOND, 30
TRIM_EVERY, KEEP_MS = 10 * SECOND, 120_000
STORED_EVERY = SECOND  # the cursor `stored`, while it moves
COMPLAIN_EVERY = 10 * SECOND
STOP_S = 4.0  # from the signal until the last attempt ends
HURRY_S = 0.3  # how long an answer of Redis is waited for then
COLLECT_AFTER = 10_000  # new containers: one answer of Redis has more than the 700 after which Python looks for cycles


def run(kind: str, settings: Settings) -> int:
    """Runs until SIGTERM or SIGINT; returns the exit status, 1 after a crash."""
    from .tracker import AppExtractor

    logs.setup(settings.log_level, settings.log_format)
    gc.set_threshold(COLLECT_AFTER)
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
        self.redis = logs.Dependency("Reading from Redis")
        self.source = Source(kind, settings.redis, self.redis, self.resume, wake)
        self.publisher = Publisher(kind, settings.redis)
        self.guard = Guard(kind)
        self.store = make_store(settings)
        self.notify = Notify(os.environ)
        self.line = output.LineProtocol(kind, settings.user_id, settings.device_id, settings.host).line
        self._wake = wake
        self._stop_by: float | None = None  # time.monotonic(); set when the program is to end
        self._cursor: Cursor | None = None  # in force for what is read again after a start
        self._caught_up = False
        self._ahead = False  # the stream's ids are ahead of the clock, and it is to be made anew
        self._gaps = 0  # times that entries may have been trimmed before they were read
        self._read_at: int | None = None  # when the stream was read last
        self._stats_taken_at: int | None = None
        self._unsure: str | None = None  # an entry read so long ago that what followed it may be gone
        self._started_at = host_time()
        self._stored_ts: int | None = None  # as Redis has it
        self._stats_at = self._trim_at = self._stored_at = self._complain_at = 0
        self._complained = 0, 0, 0  # of so many messages that were malformed, from the future, and ancient

    def stop(self) -> None:
        """Ends `run` in time; for a signal handler."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + STOP_S

    def run(self) -> None:
        logs.info("started", program=self.kind.name, version=schema.version())
        self.store.start()
        self.notify.ready()
        while self._stop_by is None:
            now = now_us()
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
                self._write(now_us())
        self._finish(self._stop_by)
        logs.info("stopped", events=self.core.counters.events, windows=self.core.counters.windows)

    # --- in ----------------------------------------------------------------------------------------

    def resume(self, connection: Connection) -> None:
        """Where to go on: the stream is read again whole, and what went out before does not go again."""
        self._cursor = Cursor(look(connection, "HGETALL", self.kind.cursor_key) or {}, host_time())

    def _read(self, connection: Connection) -> None:
        due, due_by_event, now = self.core.next_due(), self.core.due_by_event(), now_us()
        at = self.source.clock.at(now)
        block = IDLE if due is None else min(IDLE, due - at)
        quiet = None if due_by_event is None else due_by_event - at
        before = self.source.last_id
        try:
            reading = self._made_anew(now) or self.source.read(connection, block, self.notify.patience(now), quiet)
        except RedisAway as error:
            self.source.lost(error)
            self.publisher.link.close()  # it is lost as well, though it may not know yet
            self.guard.forget()
            return
        at, counters = host_time(), self.core.counters
        sessions = counters.sessions
        for rows in self.core.messages(reading.messages, reading.arrived, at):
            self.emit(rows)
            if counters.sessions > sessions:
                sessions = counters.sessions
                logs.info("the clock was set back: a new session begins")
                if self._caught_up:
                    self._cursor = None  # what comes now was never read before
        if reading.counted is not None:
            self.emit(self.core.advance(reading.counted))
            self._caught_up = True
            self.source.link.worked()
        if reading.counted is not None or self.source.last_id != before:
            self._progress(before, now_us())
        self._complain(now)

    def _made_anew(self, now: int) -> Reading | None:
        """Makes the stream anew when that is due and no read is under way; what was unread in it."""
        if not self._ahead or self.source.waits:
            return None
        self._ahead = False
        if self.publisher.write([("MULTI",)], now) is None:  # alone: were it refused, the rest would run one by one
            return None
        answers = self.publisher.write(self.guard.take_out(self.source.last_id), now)
        return None if answers is None else self.source.anew(self.guard.made_anew(answers[-1]))

    def _bound(self, now: int, limit: int) -> bool:
        """Trims the stream when it is larger than `limit` bytes. Whether there is one."""
        answers = self.publisher.write(self.guard.size_questions(), now)
        if answers is None or answers[1] is None:
            return False
        command = self.guard.too_large(answers, limit)
        trimmed = self.publisher.write([command], now) if command else None
        if trimmed:
            self.guard.trimmed(trimmed[0], now)
        return True

    def _look_at_ids(self, now: int) -> None:
        """Sees whether the stream's ids are ahead of the clock, and whether others took entries away unread."""
        answers = self.publisher.write([self.guard.ids_question()], now)
        if answers is None:
            return
        self._ahead = self.guard.is_ahead(answers[0], host_time() // 1000)
        if self.guard.has_gap(answers[0], self.source.last_id, self.source.entries):
            self._gap()

    def _gap(self) -> None:
        self._gaps += 1
        self.guard.forget()  # it is counted once
        logs.warning("the stream was trimmed before it was read")

    def _progress(self, before: str, now: int) -> None:
        """The stream was read on from the entry `before`."""
        if self._read_at is not None and now - self._read_at > KEEP_MS * 1000 and before != START:
            self._unsure = before
        self._read_at = now

    def _look_for_gap(self, now: int) -> None:
        """Counts a gap when the stream begins after the entry that was read last before a long break."""
        if self._unsure is None:
            return
        connection = self.publisher.link.up(now)
        if connection is None:
            return
        try:
            first = connection.call("XRANGE", self.kind.stream_key, "-", "+", "COUNT", 1)
        except RedisAway as error:
            self.publisher.link.lost(error, now)
            return
        if first and order_of(first[0][0].decode()) > order_of(self._unsure):
            self._gap()
        self._unsure = None

    def emit(self, rows: list[Row]) -> None:
        """Sends each row its two ways; neither waits for the other."""
        for row in rows:
            stored = self._cursor is None or row.ts > self._cursor.stored
            published = self._cursor is None or row.ts > self._cursor.published
            if stored or published:
                self.core.counters.came_out(row.ts)
            if stored:
                self.to_store(row)
            if published:
                self.publisher.put(output.feature_json(self.kind, row))
                self.published(row)

    def to_store(self, row: Row) -> None:
        self.store.put(self.line(row), row.ts)

    def published(self, row: Row) -> None:
        """The row waits to be published."""
        self.publisher.move_cursor(row.ts)

    def _complain(self, now: int) -> None:
        """Of messages that were skipped, without what is in them."""
        counters = self.core.counters
        skipped = counters.malformed, counters.future, counters.ancient
        if now < self._complain_at or skipped == self._complained:
            return
        malformed, future, ancient = (count - said for count, said in zip(skipped, self._complained, strict=True))
        self._complained, self._complain_at = skipped, now + COMPLAIN_EVERY
        if malformed:
            logs.warning("messages that break the contract were skipped", count=malformed)
        if future:
            advice = "is the clock of their producer right?"
            logs.warning("events from the future were skipped", count=future, advice=advice)
        if ancient:
            advice = plausible.advice(self.core.ancient_ts, host_time())
            logs.warning("events from more than 400 days ago were skipped", count=ancient, advice=advice)

    def _sleep(self, wait: int) -> None:
        patience = self.notify.patience(now_us())
        wait = max(0, min(wait, IDLE if patience is None else patience))
        select.select([self._wake], [], [], wait / SECOND)

    # --- out ---------------------------------------------------------------------------------------

    def _write(self, now: int) -> None:
        """What is due to be written to Redis."""
        self.flush(now)
        self._look_for_gap(now)
        if now >= self._stats_at:
            self._stats_at = now + STATS_EVERY
            self._write_stats(now)
        commands: list[Command] = []
        if now >= self._trim_at and self._caught_up:  # after a start, old entries are read before they go
            self._trim_at = now + TRIM_EVERY
            oldest_ms = host_time() // 1000 - KEEP_MS
            commands.append(("XTRIM", self.kind.stream_key, "MINID", oldest_ms))
            if self._bound(now, self.settings.stream_bytes):
                self._look_at_ids(now)
        elif self.source.swamped:
            self._bound(now, min(SWAMPED_BYTES, self.settings.stream_bytes))
        stored_ts = self.store.stored_ts
        if stored_ts != self._stored_ts and stored_ts is not None and now >= self._stored_at:
            self._stored_at = now + STORED_EVERY
            commands.append(("HSET", self.kind.cursor_key, "stored", stored_ts))
        if commands and self.publisher.write(commands, now) is not None:
            self._stored_ts = stored_ts

    def _write_stats(self, now: int) -> None:
        """The stats; and the cursor with them, as somebody may have deleted it."""
        fields = self._stats()
        commands: list[Command] = [_hset(self.kind.stats_key, fields), ("EXPIRE", self.kind.stats_key, STATS_EXPIRE_S)]
        halves = {"published": self.publisher.published, "stored": self._stored_ts}
        known: dict[str, str | int] = {name: ts for name, ts in halves.items() if ts is not None}
        if known:
            commands.append(_hset(self.kind.cursor_key, known))
        answers = self.publisher.write(commands, now)
        if answers is None:
            return
        taken_at, self._stats_taken_at = self._stats_taken_at, now
        if answers[0] == len(fields) and taken_at is not None and now - taken_at < STATS_EXPIRE_S * SECOND:
            self.forgotten(now)

    def forgotten(self, now: int) -> None:
        """Redis has lost keys that had been written, by a restart or by somebody."""

    def flush(self, now: int) -> None:
        """The outputs that wait, all in one transaction."""
        self.publisher.flush(now)

    def _stats(self) -> dict[str, str | int]:
        counters = self.core.counters
        return {
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
            "gaps": self._gaps,
            "streams_reset": self.guard.streams_reset,
            "entries_trimmed": self.guard.entries_trimmed,
            "outputs_dropped": self.publisher.outputs_dropped,
            "output_errors": self.publisher.output_errors,
            **self._refusal(),
        }

    def _refusal(self) -> dict[str, str | int]:
        last = self.store.refusal
        return {"rejected_reason": last.reason, "rejected_year": last.year or 0} if last else {}

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
        self.flush(now_us())
        self.store.stop(max(0.2, stop_by - time.monotonic() - 2 * HURRY_S))
        self.save(now_us())
        self._stats_at = self._stored_at = 0
        self._write(now_us())
        if self.publisher.waiting:
            logs.warning("Redis did not take the last outputs; the next start makes them again")
        if self.store.done < self.store.numbered:
            points = self.store.numbered - self.store.done
            logs.warning("InfluxDB did not answer for the last points", points=points)
        self.publisher.link.close()

    def save(self, now: int) -> None:
        """Saves what must outlive the program, beside the cursor."""


def _hset(key: str, fields: dict[str, str | int]) -> Command:
    command: Command = ("HSET", key)
    for name, value in fields.items():
        command += (name, value)
    return command


def now_us() -> int:
    """Monotonic µs."""
    return time.monotonic_ns() // 1000


def host_time() -> int:
    """µs since the Unix epoch."""
    return time.time_ns() // 1000
