"""The running extractor: one loop that reads, computes and publishes, and the store's thread.

The loop never waits long, whatever is away: it reads while Redis is there, tries again with backoff while it
is not, and keeps systemd informed. SIGTERM ends it within five seconds.
"""

import gc
import os
import select
import time
from collections.abc import Mapping

from .. import logs, schema, waits
from ..apps import TransitionOperator
from ..checkpoint import Checkpoint, unstored_rows
from ..clocks import host_time, now_us
from ..config import Settings
from ..config.address import influx_where
from ..cursor import Cursor, verify_version
from ..emit import Emitter
from ..notify import Notify
from ..operators import make_operator
from ..publish import Publisher
from ..redis import Connection, stored_value
from ..store import make_store
from ..versions import Later, Skipped
from .housekeeping import Housekeeping
from .reading import Reader
from .signals import stop_by_signals, wake_by_signals

IDLE = waits.us("idle")
STOP_S = waits.seconds("stop")
HURRY_S = 0.3  # how long an answer of Redis is waited for at the end
COLLECT_AFTER = 10_000  # new containers: one answer of Redis has more than the 700 after which Python looks for cycles


def run(kind: str, settings: Settings) -> int:
    """Runs until SIGTERM or SIGINT; returns the exit status, 1 after a crash."""
    logs.setup(settings.log_level, settings.log_format)
    gc.set_threshold(COLLECT_AFTER)
    service = Service(schema.kind(kind), settings, wake_by_signals())
    stop_by_signals(service.stop)
    try:
        service.run()
    except Exception as problem:  # its text could hold what a person typed
        logs.crash(problem)
        return 1
    return 0


class Service:
    """One extractor. All times are µs; `wake` is a file descriptor that ends any wait."""

    def __init__(self, kind: schema.Kind, settings: Settings, wake: int) -> None:
        self.kind = kind
        self.settings = settings
        self.operator = make_operator(kind.name, settings)
        self.publisher = Publisher(kind, settings.redis)
        self.store = make_store(settings)
        self.notify = Notify(os.environ)
        self.reader = Reader(kind, settings, self.operator, self.publisher, self.notify, self._resume, wake)
        unstored = unstored_rows() if isinstance(self.operator, TransitionOperator) else None
        self.emitter = Emitter(kind, settings, self.operator.counters, self.store, self.publisher, unstored)
        self.skipped = Skipped()
        self.checkpoint: Checkpoint | None = None
        if isinstance(self.operator, TransitionOperator) and unstored is not None:
            self.checkpoint = Checkpoint(
                settings.state_dir,
                self.operator,
                self.reader.source,
                self.emitter,
                self.publisher,
                self.store,
                unstored,
                self.skipped,
            )
        self.housekeeping = Housekeeping(
            kind, settings, self.operator, self.reader, self.publisher, self.store, self.checkpoint, self.skipped
        )
        self._wake = wake
        self._stop_by: float | None = None  # time.monotonic(); set when the program is to end

    def stop(self) -> None:
        """Ends `run` in time; for a signal handler."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + STOP_S

    def run(self) -> None:
        logs.log(
            "started",
            program=self.kind.program,
            version=schema.version(),
            redis=self.settings.redis,
            influxdb=influx_where(self.settings.influx_url, self.settings.influx_socket),
        )
        self.store.start()
        self.notify.ready()
        while self._stop_by is None:
            self.turn()
        self._finish(self._stop_by)

    def turn(self) -> None:
        """Reads once, and writes what is due."""
        now = now_us()
        self.notify.alive(now)
        source = self.reader.source
        connection = source.link.up(now)
        self.notify.status(self.housekeeping.status())
        if connection is None:
            self._sleep(source.link.retry_at - now)
        else:
            for made in self.reader.turn(connection, min(IDLE, self.housekeeping.next_at - now)):
                self.emitter.emit(made.rows, made.closed_at)
                if made.begins_session and self.reader.caught_up:
                    self.emitter.cursor = None  # what comes now was never read before
            self.housekeeping.log_skipped(now)
        if self.store.crashed is not None:
            raise self.store.crashed
        # While Redis cannot be read from it is not written to either: one outage is one.
        if self._stop_by is None and source.link.connection is not None:
            self._write(now_us())

    def _resume(self, connection: Connection) -> None:
        """Where to go on: the stream is read again whole, and what went out before does not go again.

        The app tracker goes on from its state. Where Redis has none, that on disk is older than the cursor.
        """
        self.emitter.cursor = Cursor(self._saved_cursor(connection), host_time())
        if self.checkpoint is None:
            return
        if self.checkpoint.restore_from_redis(connection):
            self.emitter.cursor = None  # what is read now was never read before
        else:
            self.checkpoint.restore_from_disk()

    def _saved_cursor(self, connection: Connection) -> Mapping[bytes, bytes]:
        """The cursor's hash; nothing when there is none, or one of a later version."""
        fields: Mapping[bytes, bytes] = stored_value(connection, "HGETALL", self.kind.cursor_key) or {}
        try:
            verify_version(fields)
        except Later as later:
            self.skipped.skip(later)
            return {}
        return fields

    def _write(self, now: int) -> None:
        """What is due to be written to Redis."""
        self._flush(now)
        self.housekeeping.run(now)

    def _flush(self, now: int) -> None:
        """The outputs that wait, all in one transaction."""
        if self.checkpoint is not None:
            self.checkpoint.before_flush(now)
        self.publisher.flush(now)

    def _sleep(self, wait: int) -> None:
        patience = self.notify.patience(now_us())
        wait = max(0, min(wait, IDLE if patience is None else patience))
        select.select([self._wake], [], [], wait / 1_000_000)

    def _finish(self, stop_by: float) -> None:
        """Leaves nothing behind that could have gone out; open windows are for the next start."""
        logs.log("stopping")
        self.notify.stopping()
        redis_was_there = self.reader.source.link.connection is not None
        self.reader.source.link.close()
        self.publisher.hurry(HURRY_S)
        if redis_was_there:
            self._flush(now_us())
        self.store.stop(max(0.2, stop_by - time.monotonic() - 2 * HURRY_S))
        if self.checkpoint is not None:
            self.checkpoint.save(now_us())
        self.housekeeping.hurry()
        self.housekeeping.log_skipped(now_us())
        if redis_was_there:
            self._write(now_us())
        points = self.store.numbered - self.store.done
        if self.publisher.outputs:
            logs.log("outputs_left", count=self.publisher.outputs)
        if points:
            logs.log("points_left", points=points)
        self.publisher.link.close()
        counters = self.operator.counters
        logs.log(
            "stopped",
            events=counters.events,
            windows=counters.windows,
            outputs_left=self.publisher.outputs,
            points_left=points,
        )
