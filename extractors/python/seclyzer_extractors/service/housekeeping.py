"""What the loop does every few seconds, whether events come or not: stats, trimming, the cursor, skipped messages."""

from typing import Any

from .. import cursor, logs, plausible, schema, stats_hash, waits
from ..checkpoint import Checkpoint
from ..clocks import host_time
from ..config import Settings
from ..core import Operator
from ..dependency import Outage
from ..publish import Publisher
from ..redis import Command
from ..store import Store
from ..store.refusal import Refusal
from ..versions import Skipped
from .reading import Reader

STATS_EVERY, STATS_EXPIRE = waits.us("stats_every"), waits.us("stats_expire")
TRIM_EVERY = waits.us("trim_every")
KEEP_MS = waits.ms("stream_age")
STORED_EVERY = waits.us("stored_every")
LOG_EVERY = waits.us("log_repeat")
STATUS: dict[str, str] = schema.document("log")["status"]


class Housekeeping:
    """Times are monotonic µs."""

    def __init__(
        self,
        kind: schema.Kind,
        settings: Settings,
        operator: Operator[Any],
        reader: Reader,
        publisher: Publisher,
        store: Store,
        checkpoint: Checkpoint | None,
        skipped: Skipped,
    ) -> None:
        self._kind = kind
        self._settings = settings
        self._operator = operator
        self._reader = reader
        self._publisher = publisher
        self._store = store
        self._checkpoint = checkpoint
        self._skipped = skipped
        self._started_at = host_time()
        self._stored_ts: int | None = None  # as Redis has it
        self._stats_taken_at: int | None = None
        self._stats_at = self._trim_at = self._stored_at = self._log_at = 0
        self._logged = 0, 0, 0  # so many messages that were malformed, from the future, and ancient

    @property
    def next_at(self) -> int:
        """When there is something to do next, if no event comes."""
        return self._stats_at

    def hurry(self) -> None:
        """The program ends: everything is due."""
        self._stats_at = self._stored_at = self._log_at = 0

    def status(self) -> str:
        """What the program does, in words, for `systemctl status`."""
        read, write = self._reader.dependency.reason, self._publisher.dependency.reason
        if read is not None:
            words = STATUS["redis_away"].format(reason=read)
        elif write is not None:
            words = STATUS["write_away"].format(reason=write)
        else:
            words = STATUS["reading"]
        influxdb = self._store.dependency.reason
        return words if influxdb is None else words + STATUS["influxdb_away"].format(reason=influxdb)

    def run(self, now: int) -> None:
        """Writes to Redis what is due."""
        self._reader.look_for_gap(now)
        if now >= self._stats_at:
            self._stats_at = now + STATS_EVERY
            self._write_stats(now)
        commands: list[Command] = []
        if now >= self._trim_at and self._reader.caught_up:  # after a start, old entries are read before they go
            self._trim_at = now + TRIM_EVERY
            commands.append(("XTRIM", self._kind.stream_key, "MINID", host_time() // 1000 - KEEP_MS))
            self._reader.check_stream(now)
        else:
            self._reader.bound_swamped(now)
        stored_ts = self._store.stored_ts
        if stored_ts != self._stored_ts and stored_ts is not None and now >= self._stored_at:
            self._stored_at = now + STORED_EVERY
            commands.append(cursor.moved(self._kind.cursor_key, {"stored": stored_ts}))
        if commands and self._publisher.write(commands, now) is not None:
            self._stored_ts = stored_ts

    def _write_stats(self, now: int) -> None:
        """The stats; and the cursor with them, as another program may have deleted it."""
        fields = stats_hash.fields(self._values(), _after_rejection(self._store.refusal))
        key = self._kind.stats_key
        commands: list[Command] = [_hset(key, fields), ("EXPIRE", key, STATS_EXPIRE // 1_000_000)]
        halves = {"published": self._publisher.published, "stored": self._stored_ts}
        known = {name: ts for name, ts in halves.items() if ts is not None}
        if known:
            commands.append(cursor.moved(self._kind.cursor_key, known))
        answers = self._publisher.write(commands, now)
        if answers is None:
            return
        taken_at, self._stats_taken_at = self._stats_taken_at, now
        redis_lost_them = answers[0] == len(fields) and taken_at is not None and now - taken_at < STATS_EXPIRE
        if redis_lost_them and self._checkpoint is not None:
            self._checkpoint.save_again(now)

    def _values(self) -> dict[str, str | int]:
        reader, publisher, store = self._reader, self._publisher, self._store
        links = reader.source.link, publisher.link
        return {
            **self._operator.counters.as_dict(),
            "started_at": self._started_at,
            "last_id": reader.source.last_id,
            "points_written": store.written,
            "points_spooled": store.spooled,
            "points_rejected": store.rejected,
            "points_dropped": store.dropped,
            "spool_bytes": store.spool_bytes,
            "spool_oldest_ts": store.spool_oldest_ts,
            "redis_reconnects": sum(max(0, link.connects - 1) for link in links),
            "influx_errors": store.errors,
            "gaps": reader.gaps,
            "streams_reset": reader.bounds.streams_reset,
            "entries_trimmed": reader.bounds.entries_trimmed,
            "outputs_dropped": publisher.outputs_dropped,
            "output_errors": publisher.output_errors,
            "state_skipped": self._skipped.count + store.skipped,
            **_outage("redis_read", reader.dependency.outage),
            **_outage("redis_write", publisher.dependency.outage),
            **_outage("influxdb", store.dependency.outage),
            **_outage("spool", store.spool_outage),
            "influxdb_answered_at": store.answered_host_us,
            "window_publish_delay": str(publisher.delays),
            "store_write": str(store.took),
        }

    def log_skipped(self, now: int) -> None:
        """Logs how many messages were skipped, at most once in a while and without what is in them."""
        counters = self._operator.counters
        skipped = counters.malformed, counters.future, counters.ancient
        if now < self._log_at or skipped == self._logged:
            return
        malformed, future, ancient = (count - before for count, before in zip(skipped, self._logged, strict=True))
        self._logged, self._log_at = skipped, now + LOG_EVERY
        if malformed:
            logs.log("malformed_skipped", count=malformed)
        if future:
            logs.log("future_skipped", count=future, advice=plausible.CLOCK_ADVICE)
        if ancient:
            advice = plausible.advice(self._operator.ancient_ts, host_time())
            logs.log("ancient_skipped", count=ancient, advice=advice)


def _outage(name: str, outage: Outage) -> dict[str, str | int]:
    return {f"{name}_{part}": value for part, value in outage._asdict().items()}


def _after_rejection(last: Refusal | None) -> dict[str, str | int]:
    return {} if last is None else {"rejected_reason": last.reason, "rejected_year": last.year or 0}


def _hset(key: str, fields: dict[str, str | int]) -> Command:
    command: Command = ("HSET", key)
    for name, value in fields.items():
        command += (name, value)
    return command
