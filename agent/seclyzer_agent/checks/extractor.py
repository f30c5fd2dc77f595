"""Does an extractor live, is it the right one, does it keep up, do windows come out, is anything lost?

Everything is known from its stats hash, which Redis forgets 30 s after it was written, and from the length of
its stream; the stream itself is never read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from redis.asyncio import Redis

from ..model import Entry, Facts, Reading, Status
from ..redis_client import in_words
from ..stats import Stats, parse
from ..trackers import Growth, Lag, Stall, entry_seconds, follow, grow, watch
from .deployment import Deployment
from .spool import Spool
from .spool import judge as judge_spool
from .units import Unit

AHEAD = 150.0  # s; an extractor makes a stream anew that is 120 s ahead of the clock, and looks every 10 s
FIRST_HEARTBEAT = 10.0  # s; a heartbeat is due every 5 s

# Growth of these is a loss of data, of those a fault that loses nothing by itself.
LOSSES = {
    "points_dropped": "points",
    "points_rejected": "refused points",
    "dropped": "events",
    "gaps": "gaps in the stream",
}
ERRORS = {
    "malformed": "malformed messages",
    "future": "events from the future",
    "ancient": "events from more than 400 days ago",
    "late": "events too late for all their windows",
    "behind": "events too late for some of their windows",
    "influx_errors": "failed requests to InfluxDB",
    "streams_reset": "streams made anew",
    "entries_trimmed": "entries trimmed from a stream that was too large",
    "redis_reconnects": "lost connections to Redis",
}


@dataclass(frozen=True, slots=True)
class ExtractorFacts:
    """The last heartbeat (None when absent), the lengths of stream and feature list, lag in s, and the spool."""

    stats: Stats | None
    stream_length: int
    list_length: int
    lag: float | None
    spool: Spool | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the heartbeat must agree with; None where nothing is known to compare with."""

    implementation: str | None = None
    version: str | None = None
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """When lag and missing windows matter, how long losses and errors count as recent (all in s); the spool's bytes."""

    lag_warn: float
    lag_fail: float
    stall: float
    recent: float
    spool: int


def judge_heartbeat(kind: str, stats: Stats | None, wanted: Wanted, now: float) -> Entry:
    """Whether the hash is there, and from the program that is meant to run; `now` in monotonic s."""

    def entry(status: Status, words: str) -> Entry:
        value = f"{stats.implementation} {stats.version}" if stats else None
        return Entry("heartbeat", kind, "component", status, f"{kind}: {words}", value, figures=False)

    if stats is None:
        return entry(Status.FAIL, "no heartbeat for 30 s: the extractor does not run, or does not reach Redis")
    wrong = []
    if wanted.implementation and stats.implementation != wanted.implementation:
        wrong.append(f"the {stats.implementation} implementation runs, not the {wanted.implementation} one")
    if wanted.version and stats.version != wanted.version:
        wrong.append(f"version {stats.version} runs, not {wanted.version}")
    if wanted.unit is not None and _is_of_another(stats, wanted.unit, now):
        wrong.append(
            f"the heartbeat is of process {stats['pid']}, the main process of {wanted.unit.unit} "
            f"is {wanted.unit.main_pid or 'none'}"
        )
    if wrong:
        return entry(Status.FAIL, "; ".join(wrong))
    if stats.faults:
        more = f" and {len(stats.faults) - 3} more" if len(stats.faults) > 3 else ""
        return entry(Status.WARN, f"the heartbeat lacks {', '.join(stats.faults[:3])}{more}")
    return entry(Status.PASS, f"{stats.implementation} {stats.version} runs as process {stats['pid']}")


def _is_of_another(stats: Stats, unit: Unit, now: float) -> bool:
    """Whether the heartbeat is surely of another process than the unit's main one; `now` in monotonic s.

    It is not sure when the heartbeat's process began after systemd was asked, nor when the main process has
    only just begun and the heartbeat may be that of the one before.
    """
    if unit.main_pid == stats["pid"] or stats["started_at"] / 1e6 >= unit.read_at:
        return False
    return not unit.main_pid or now - unit.main_started >= FIRST_HEARTBEAT


def judge_lag(kind: str, lag: Lag, stream_length: int, warn: float, fail: float) -> Entry:
    """How far behind the stream; `warn` and `fail` in s."""
    status = Status.FAIL if lag.seconds >= fail else Status.WARN if lag.seconds >= warn else Status.PASS
    words = plain = f"{kind}: keeps up with its stream"
    if status is not Status.PASS:
        words, plain = f"{kind}: is {lag.seconds:.0f} s behind its stream", f"{kind}: is behind its stream"
        if lag.unread:
            words += f", at least {lag.unread} entries unread and none read meanwhile"
    words = f"{words} ({stream_length} kept)"
    return Entry("lag", kind, "component", status, words, round(lag.seconds, 3), "s", plain=plain)


def judge_ids(kind: str, last_id: str, wall: float) -> tuple[Entry, ...]:
    """An entry when the id read last is so far ahead of the clock (`wall`, Unix s) that the stream may take no more."""
    ahead = entry_seconds(last_id) - wall
    if ahead <= AHEAD:
        return ()
    words = f"{kind}: the ids of its stream are {ahead:.0f} s ahead of the clock: it may take no more events"
    return (Entry("stream", kind, "component", Status.FAIL, words, round(ahead), "s"),)


def judge_windows(kind: str, stall: Stall, now: float, bound: float) -> Entry:
    """Whether windows close while events come in; `bound` in s."""
    waiting = 0.0 if stall.since is None else now - stall.since
    if waiting > bound:
        words = f"{kind}: events come in, but no window has closed for {waiting:.0f} s"
        plain = f"{kind}: events come in, but no window closes"
        return Entry("windows", kind, "component", Status.WARN, words, stall.windows, plain=plain)
    words = f"{kind}: windows closed since it started: {stall.windows}"
    return Entry("windows", kind, "component", Status.PASS, words, stall.windows)


def judge_growth(
    kind: str, name: str, names: dict[str, str], stats: Stats, growth: Growth, bad: Status, recent: float
) -> Entry:
    """One entry for a group of counters: `bad` when one of them grew within the last `recent` s."""
    total = sum(stats[n] for n in names)
    why = {"points_rejected": f" ({stats.refusal})"} if stats.refusal else {}
    grew = [f"{growth.grown[n][0]} {words}{why.get(n, '')}" for n, words in names.items() if n in growth.grown]
    if grew:
        words = f"{kind}: {', '.join(grew)} in the last {recent:g} s"
        return Entry(name, kind, "component", bad, words, total)
    return Entry(name, kind, "component", Status.PASS, f"{kind}: no {name} in the last {recent:g} s", total)


class Extractor:
    """The check `keystroke`, `mouse` or `app`. Its facts: ExtractorFacts."""

    after = ("units", "deployment")

    def __init__(self, kind: str, unit: str, client: Redis, facts: Facts, bounds: Bounds) -> None:
        self.name = kind
        self.primary = Entry("heartbeat", kind, "component", Status.FAIL, "")
        self._unit, self._client, self._facts, self._bounds = unit, client, facts, bounds
        self._lag: Lag | None = None
        self._growth: Growth | None = None
        self._stall: Stall | None = None

    async def read(self) -> Reading:
        """Read hash and lengths in one round trip and judge them."""
        kind = self.name
        with in_words():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.hgetall(f"seclyzer:stats:{kind}")
                pipe.xlen(f"seclyzer:stream:{kind}")
                pipe.llen(f"seclyzer:features:{kind}")
                answers = await pipe.execute(raise_on_error=False)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        raw, stream_length, list_length = answers
        stats = parse(raw)
        heartbeat = judge_heartbeat(kind, stats, self._wanted(), time.monotonic())
        if stats is None:
            self._lag = self._stall = None
            return Reading((heartbeat,), ExtractorFacts(None, stream_length, list_length, None))
        entries, lag, spool = self._compare(stats, stream_length)
        return Reading((heartbeat, *entries), ExtractorFacts(stats, stream_length, list_length, lag.seconds, spool))

    def _wanted(self) -> Wanted:
        deployment: Deployment | None = self._facts("deployment")
        units: dict[str, Unit] = self._facts("units") or {}
        unit = units.get(self._unit)
        if deployment is None:
            return Wanted(unit=unit)
        return Wanted(deployment.implementations.get(self.name), deployment.version, unit)

    def _compare(self, stats: Stats, stream_length: int) -> tuple[tuple[Entry, ...], Lag, Spool]:
        kind, bounds, now = self.name, self._bounds, time.monotonic()
        lag = follow(self._lag, stats.last_id or "0-0", stream_length, now, time.time())
        counters = {name: stats[name] for name in (*LOSSES, *ERRORS)}
        growth = grow(self._growth, stats.life, counters, now, hold=bounds.recent)
        self._lag, self._growth = lag, growth
        entries = [judge_lag(kind, lag, stream_length, bounds.lag_warn, bounds.lag_fail)]
        entries += judge_ids(kind, stats.last_id or "0-0", time.time())
        if kind != "app":  # an application may keep the focus for hours
            closed = stats["windows"] + stats["windows_short"]
            self._stall = watch(self._stall, stats.life, stats["events"], closed, now)
            entries.append(judge_windows(kind, self._stall, now, bounds.stall))
        entries.append(judge_growth(kind, "losses", LOSSES, stats, growth, Status.FAIL, bounds.recent))
        entries.append(judge_growth(kind, "errors", ERRORS, stats, growth, Status.WARN, bounds.recent))
        entry, spool = judge_spool(kind, stats["spool_bytes"], bounds.spool, "points_dropped" in growth.grown)
        return (*entries, entry), lag, spool
