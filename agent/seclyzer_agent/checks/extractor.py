"""Does an extractor run, is it the right one, does it keep up, do windows come out, is anything lost?

Everything is known from its stats hash, which Redis forgets 30 s after it was written, and from the length of
its stream; the stream itself is never read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..extractor_metrics import METRICS, coarse
from ..facts import ExtractorFacts as ExtractorFacts
from ..heartbeats import Heartbeats
from ..history import Growth, Lag, Stall, entry_seconds, follow, grow, watch
from ..kinds import KINDS
from ..manifest import Deployment
from ..model import Entry, Facts, Pace, Reading, Refused, Status
from ..outages import LastEvent, judge_clock, judge_outputs, judge_store, last_event, over, unwritable
from ..parse import number
from ..spec import Context, Setting, Spec, Trial
from ..spool import Spool
from ..spool import judge as judge_spool
from ..stats import BY_PRODUCERS, ERRORS, LOSSES, Stats, parse
from ..unit import Unit

AHEAD = 150.0  # s; an extractor makes a stream anew that is 120 s ahead of the clock, and looks every 10 s
FIRST_HEARTBEAT = 10.0  # s; a heartbeat is due every 5 s
BY_MESSAGES = BY_PRODUCERS | {"malformed"}
"""Counters of what producers send."""
WAITS = "waiting for Redis"
"""So begins what an extractor reports to systemd while it cannot read from Redis."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the heartbeat must agree with; None where nothing is known to compare with."""

    implementation: str | None = None
    version: str | None = None
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """When lag and missing windows matter, for how long losses and errors are shown (all in s); the spool's bytes."""

    lag_warn: float
    lag_fail: float
    stall: float
    recent: float
    spool: int


def judge_heartbeat(kind: str, stats: Stats | None, expected: Expected, now: float) -> Entry:
    """Whether the hash is there, and from the program that is configured to run; `now` in monotonic s."""

    def entry(status: Status, words: str) -> Entry:
        value = f"{stats.implementation} {stats.version}" if stats else None
        return Entry("heartbeat", kind, "component", status, f"{kind}: {words}", value, figures=False)

    waits = expected.unit.status_text if expected.unit is not None else ""
    if waits.startswith(WAITS):
        return entry(Status.FAIL, waits)
    if stats is None:
        return entry(Status.FAIL, "no heartbeat for 30 s: the extractor does not run, or does not reach Redis")
    wrong = []
    if expected.implementation and stats.implementation != expected.implementation:
        wrong.append(f"the {stats.implementation} implementation runs, not the {expected.implementation} one")
    if expected.version and stats.version != expected.version:
        wrong.append(f"version {stats.version} runs, not {expected.version}")
    if expected.unit is not None and _is_of_another(stats, expected.unit, now):
        wrong.append(
            f"the heartbeat is of process {stats['pid']}, the main process of {expected.unit.unit} "
            f"is {expected.unit.main_pid or 'none'}"
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
    kind: str, name: str, counters: Mapping[str, str], stats: Stats, growth: Growth, bad: Status, bounds: Bounds
) -> Entry:
    """One entry for a group of counters, each with what it counts: `bad` while one grows, for all that is known.

    What is past is named only while nothing is wrong, as such.
    """
    total = sum(stats[n] for n in counters)
    why = {"points_rejected": f" ({stats.refusal})"} if stats.refusal else {}
    grown = {n for n in growth.grown if n in counters}
    wrong = {n for n in grown & growth.present() if not over(n, stats)}
    grew = [
        f"{growth.grown[n].total} {what.partition(';')[0]}{why.get(n, '')}"
        for n, what in counters.items()
        if n in (wrong or grown)
    ]
    words = f"{', '.join(grew) or f'no {name}'} in the last {bounds.recent:g} s"
    if wrong:
        finding = "points-wait" if wrong == {"influx_errors"} else "events-skipped" if wrong & BY_MESSAGES else ""
        return Entry(name, kind, "component", bad, f"{kind}: {words}", total, finding=finding)
    return Entry(name, kind, "component", Status.PASS, f"{kind}: {'past: ' if grew else ''}{words}", total)


class Extractor:
    """The check `keystroke`, `mouse` or `app`. Its facts: ExtractorFacts."""

    after = ("units", "deployment")

    def __init__(self, kind: str, unit: str, heartbeats: Heartbeats, facts: Facts, bounds: Bounds) -> None:
        self.name = kind
        self.primary = Entry("heartbeat", kind, "component", Status.FAIL, "")
        self._unit, self._heartbeats, self._facts, self._bounds = unit, heartbeats, facts, bounds
        self._answered: tuple[list[str], Stats | None] = ([], None)
        self._lag: Lag | None = None
        self._growth: Growth | None = None
        self._stall: Stall | None = None
        self._last: LastEvent | None = None

    async def read(self) -> Reading:
        """Read hash and lengths and judge them."""
        try:
            return await self._read()
        except Refused as error:
            return Reading((self._unknown(str(error)),))

    def _unknown(self, why: str) -> Entry:
        """The agent may not look: what systemd knows of the extractor is all that there is."""
        unit = self._expected().unit
        reported = f" (systemd has of it: {unit.active}, {unit.status_text or 'no words'})" if unit is not None else ""
        words = f"{self.name}: not known: {why}{reported}"
        return replace(self.primary, status=Status.WARN, output=words, figures=False, finding="agent-password")

    async def _read(self) -> Reading:
        kind = self.name
        found = await self._heartbeats.read(kind)
        stats = self._parsed(found.fields)
        heartbeat = judge_heartbeat(kind, stats, self._expected(), time.monotonic())
        if stats is None:
            self._lag = self._stall = None
            return Reading((heartbeat,), ExtractorFacts(None, found.stream_length, found.list_length, None))
        entries, lag, spool = self._compare(stats, found.stream_length)
        facts = ExtractorFacts(stats, found.stream_length, found.list_length, lag.seconds, spool)
        return Reading((heartbeat, *entries), facts)

    def _parsed(self, fields: list[str]) -> Stats | None:
        """The hash; an idle extractor's is the same again and again."""
        if self._answered[0] != fields:
            self._answered = (fields, parse(dict(zip(fields[::2], fields[1::2], strict=True))))
        return self._answered[1]

    def _expected(self) -> Expected:
        deployment: Deployment | None = self._facts("deployment")
        units: dict[str, Unit] = self._facts("units") or {}
        unit = units.get(self._unit)
        if deployment is None:
            return Expected(unit=unit)
        return Expected(deployment.implementations.get(self.name), deployment.version, unit)

    def _compare(self, stats: Stats, stream_length: int) -> tuple[tuple[Entry, ...], Lag, Spool]:
        kind, bounds, now = self.name, self._bounds, time.monotonic()
        lag = follow(self._lag, stats.last_id or "0-0", stream_length, now, time.time())
        counters = {name: stats[name] for name in (*LOSSES, *ERRORS)}
        growth = grow(self._growth, stats.process, counters, now, recent=bounds.recent)
        self._lag, self._growth = lag, growth
        entries = [judge_lag(kind, lag, stream_length, bounds.lag_warn, bounds.lag_fail)]
        entries += judge_ids(kind, stats.last_id or "0-0", time.time())
        self._last = last_event(self._last, stats)
        wall = time.time()
        entries += (*judge_outputs(kind, stats), *judge_store(kind, stats, wall), *judge_clock(kind, self._last, wall))
        if kind != "app":  # an application may keep the focus for hours
            closed = stats["windows"] + stats["windows_short"]
            self._stall = watch(self._stall, stats.process, stats["events"], closed, now)
            entries.append(judge_windows(kind, self._stall, now, bounds.stall))
        entries.append(judge_growth(kind, "losses", LOSSES, stats, growth, Status.FAIL, bounds))
        entries.append(judge_growth(kind, "errors", ERRORS, stats, growth, Status.WARN, bounds))
        dropped = "points_dropped" in growth.grown
        entry, spool = judge_spool(kind, stats["spool_bytes"], bounds.spool, dropped, unwritable(stats))
        return (*entries, entry), lag, spool


def _make(context: Context) -> Iterator[Extractor]:
    assert context.redis is not None
    settings = context.settings
    bounds = Bounds(
        lag_warn=settings.own["lag_warn_seconds"],
        lag_fail=settings.own["lag_fail_seconds"],
        stall=settings.own["stall_seconds"],
        recent=settings.recent_seconds,
        spool=int(settings.own["spool_bytes"]),
    )
    heartbeats = Heartbeats(context.redis, settings.extractors)
    for kind in settings.extractors:
        yield Extractor(kind, settings.units.get(kind, ""), heartbeats, context.facts, bounds)


SPEC = Spec(
    names=KINDS,
    order=70,
    help="an extractor",
    pace=Pace(5, 2, rise=1, fall=3),
    measurements={
        "heartbeat": "there, of the configured implementation and version, from the unit's main process",
        "lag": "behind the stream",
        "stream": "only when its ids are so far ahead of the clock that it may take no more: `fail`",
        "outputs": "only when Redis does not take its features: `fail`, with Redis' reason",
        "store": "whether InfluxDB takes points, by the last write, of points or (once a minute) of nothing: why "
        "not, and since when. What has to be mended (token, bucket): `fail`; away or failing: `warn`",
        "clock": "only when the last event of the last minute came more than 5 s after the time that it has: `warn`",
        "windows": "events in, windows out",
        "losses": "data that is being lost on this host: `fail`",
        "errors": "faults, and what producers lose by what they send, and when: `warn`; "
        "failed requests and lost connections are over once the next one works",
        "spool": "points that wait on disk for InfluxDB: `warn`; no room for more, or it cannot be written: `fail`",
    },
    roles=("edge",),
    settings=(
        Setting(
            "spool_bytes",
            number(0, 2**40, whole=True),
            64 * 2**20,
            "as it is configured for the extractors: at most so much waits on disk for InfluxDB in each; 0: they have "
            "no spool",
        ),
        Setting(
            "lag_warn_seconds",
            number(1, 3600),
            30,
            "an extractor this far behind its stream, which keeps 120 s, is `warn`",
            at_most="lag_fail_seconds",
        ),
        Setting("lag_fail_seconds", number(1, 3600), 90, "and this far is `fail`"),
        Setting("stall_seconds", number(10, 3600), 45, "events but no window for this long is `warn`"),
    ),
    uses=("units", "extractors", "recent_seconds", "redis_url"),
    metrics=METRICS,
    redis=(
        ("HGETALL", "seclyzer:stats:*"),
        ("XLEN", "seclyzer:stream:*"),
        ("LLEN", "seclyzer:features:*"),
    ),
    trial=Trial(
        judged=False,
        label="redis rights ({name})",
        passed="stats, stream and list may be read",
        requires="redis",
    ),
    coarse=coarse,
    make=_make,
)
