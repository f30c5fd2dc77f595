"""What an extractor reports of its way to Redis and InfluxDB: what does not work now, and what is over."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .history import CALM, entry_seconds
from .model import Entry, Status
from .stats import Outage, Stats

AWAY = frozenset({"unreachable", "408", "429"})
"""Faults that mend themselves, besides those from 500 on: points wait meanwhile."""
FULL = "InfluxDB cannot write, is its disk full? Where it was, InfluxDB has to be restarted once there is space again"
SKEW = 5.0
"""So much later than its event says (s) may an entry come before its producer's clock is in doubt."""
PAST = 86400.0
"""For so long (s) what is over is shown."""


def judge_store(kind: str, stats: Stats, wall: float) -> tuple[Entry, ...]:
    """Whether InfluxDB takes points, by the last attempt; nothing of an older program. `wall` in Unix s."""
    if "influxdb_since" not in stats.numbers:
        return ()
    outage = stats.outage("influxdb")
    if not outage.fault:
        words = f"{kind}: InfluxDB takes points" if stats["influxdb_answered_at"] else f"{kind}: nothing was sent yet"
        words += _past(outage, wall)
        return (Entry("store", kind, "component", Status.PASS, words, plain=f"{kind}: nothing is wrong"),)
    broken = outage.fault.isdecimal() and int(outage.fault) >= 500
    status = Status.WARN if broken or outage.fault in AWAY else Status.FAIL
    words = f"{kind}: InfluxDB takes no points: {outage.reason}"
    advice = FULL if outage.fault == "500" else outage.advice
    words += f"; {advice}" if advice else ""
    finding = {"401": "store-token", "403": "store-token", "404": "store-bucket", "500": "store-full"}
    named = finding.get(outage.fault, "store-away" if status is Status.WARN else "store-wrong")
    return (
        Entry("store", kind, "component", status, words, outage.fault, plain=words, finding=named, since=outage.since),
    )


def judge_outputs(kind: str, stats: Stats) -> tuple[Entry, ...]:
    """An entry when Redis refuses what the extractor writes."""
    outage = stats.outage("redis_write")
    if not outage.fault:
        return ()
    words = f"{kind}: Redis does not take its features: {outage.reason}"
    entry = Entry("outputs", kind, "component", Status.FAIL, words, outage.fault, plain=words, since=outage.since)
    return (entry,)


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The ts of an extractor's last event (µs), and the stream id that was read last when that ts was first seen.

    The id is that event's, or of an entry of another kind that came between two looks. What was there before the first
    look has none: any number of others may have come since.
    """

    ts: int
    entry_id: str = ""


def last_event(before: LastEvent | None, stats: Stats) -> LastEvent:
    """The last event, from the look before this one and this one."""
    ts = stats["last_event_ts"]
    if before is None:
        return LastEvent(ts)
    return before if before.ts == ts else LastEvent(ts, stats.last_id or "")


def judge_clock(kind: str, last: LastEvent, wall: float) -> tuple[Entry, ...]:
    """An entry when the last event is of long before it came: its producer's clock is slow, or it stalled.

    What came longer ago than CALM (`wall` is Unix s) says nothing of the clock now.
    """
    came, happened = entry_seconds(last.entry_id or "0-0"), last.ts / 1e6
    if not happened or came - happened <= SKEW or wall - came > CALM:
        return ()
    words = f"{kind}: the last event came {came - happened:.0f} s after the time it has: is its producer's clock slow?"
    plain = f"{kind}: events come later than the time they have: is their producer's clock slow?"
    return (Entry("clock", kind, "component", Status.WARN, words, round(came - happened), "s", plain=plain),)


def unwritable(stats: Stats) -> str:
    """Why points are in memory only; empty while they are not, whatever the spool was last."""
    return stats.outage("spool").reason if stats.outage("influxdb").fault else ""


def over(name: str, stats: Stats) -> bool:
    """Whether what a counter counts is over: what it depends on works again."""
    direction = {"influx_errors": "influxdb", "redis_reconnects": "redis_read"}.get(name)
    return direction is not None and f"{direction}_since" in stats.numbers and not stats.outage(direction).fault


def _past(outage: Outage, wall: float) -> str:
    if not outage.until or wall - outage.until > PAST:
        return ""
    return f"; it took none from {_clock(outage.since)} to {_clock(outage.until)} UTC"


def _clock(unix: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(unix))
