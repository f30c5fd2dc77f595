"""The extractors by what they report of themselves in Redis: heartbeat, store, spool, outputs, clock."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from plugins.module_utils.kinds import KINDS
from plugins.module_utils.layout import Refused
from plugins.module_utils.resp import Redis, RedisAway, RedisError
from seclyzer_agent import outages, spool
from seclyzer_agent.history import entry_seconds
from seclyzer_agent.model import Entry, Status
from seclyzer_agent.stats import BY_PRODUCERS, ERRORS, LOSSES, Stats, parse

from ..host import Host
from .redis import AGENT, password
from .seen import Seen

SPOOL = 64 << 20
"""Bytes that a spool may hold where its configuration names no other number."""
LIMIT = re.compile(r"^spool_bytes: ([0-9]+)$", re.MULTILINE)
AHEAD = 150.0
"""Seconds that the ids of a stream may be ahead of the clock; it is made anew at 120, within 10."""
DAY = 86400.0
STATE = Path("/var/lib/seclyzer")


def look(host: Host) -> Iterator[Seen]:
    """Entries of each extractor; none while Redis does not answer, which is another probe's."""
    if not host.is_edge or not host.is_root:
        return
    hashes = _hashes(host)
    words = _status_texts(host)
    for kind in _kinds(host):
        if kind in hashes:
            limit = spool_limit(host, kind)
            yield from of(kind, parse(hashes[kind]), host.manifest, words.get(kind, ""), time.time(), limit)
        yield from _set_aside(kind)


def spools(host: Host) -> list[spool.Spool | None]:
    """The spool of each extractor, None where nothing is known of it. What was lost before is not looked at."""
    hashes = _hashes(host)
    found: list[spool.Spool | None] = []
    for kind in _kinds(host):
        stats = parse(hashes[kind]) if kind in hashes else None
        found.append(_spool(kind, stats, spool_limit(host, kind))[1] if stats is not None else None)
    return found


def spool_limit(host: Host, kind: str) -> int:
    """How many bytes may wait in an extractor's spool, by the configuration that was deployed."""
    try:
        text = (host.layout.current / "config" / f"{kind}.yaml").read_text()
    except OSError:
        return SPOOL
    found = LIMIT.search(text)
    return int(found[1]) if found else SPOOL


def _kinds(host: Host) -> list[str]:
    return [kind for kind in KINDS if f"seclyzer-{kind}.service" in host.units]


def _hashes(host: Host) -> dict[str, dict[str, str]]:
    """What each extractor reports of itself; none while Redis does not answer."""
    try:
        with Redis(host.redis_socket, AGENT, password(AGENT), timeout=2.0) as redis:
            return {kind: redis.pairs("HGETALL", f"seclyzer:stats:{kind}") for kind in KINDS}
    except (RedisAway, RedisError, Refused):
        return {}


def _status_texts(host: Host) -> dict[str, str]:
    """What each extractor tells systemd of itself."""
    try:
        states = host.states("StatusText")
    except Refused:
        return {}
    return {kind: states.get(f"seclyzer-{kind}.service", {}).get("StatusText", "") for kind in KINDS}


def of(
    kind: str, stats: Stats | None, manifest: Mapping[str, object], text: str, now: float, limit: int = SPOOL
) -> Iterator[Seen]:
    """Entries of one extractor, by its hash. `text` is what it tells systemd, `now` Unix s, `limit` its spool's."""
    how = f"HGETALL seclyzer:stats:{kind}"
    yield Seen(kind, judge_heartbeat(kind, stats, manifest, text), f"{how}, systemctl status seclyzer-{kind}")
    if stats is None:
        return
    entries = [*outages.judge_outputs(kind, stats), *outages.judge_store(kind, stats, now)]
    entries += _counted(kind, stats)
    entries.append(_spool(kind, stats, limit)[0])
    for entry in entries:
        yield Seen(kind, entry, how)


def _spool(kind: str, stats: Stats, limit: int) -> tuple[Entry, spool.Spool]:
    return spool.judge(kind, stats["spool_bytes"], limit, False, outages.unwritable(stats))


def judge_heartbeat(kind: str, stats: Stats | None, manifest: Mapping[str, object], text: str) -> Entry:
    """Whether the hash is there, and of what was deployed."""
    if stats is None or text.startswith("waiting for Redis"):
        why = text if text.startswith("waiting") else "no heartbeat for 30 s: it does not run, or does not reach Redis"
        return _entry("heartbeat", kind, Status.FAIL, f"{kind}: {why}")
    table = manifest.get("implementations")
    meant = str(table.get(kind, "")) if isinstance(table, Mapping) else ""
    if meant and stats.implementation != meant:
        words = f"{kind}: the {stats.implementation} implementation runs, not the {meant} one"
        return _entry("heartbeat", kind, Status.FAIL, words)
    return _entry("heartbeat", kind, Status.PASS, f"{kind}: {stats.implementation} {stats.version} runs")


def _counted(kind: str, stats: Stats) -> Iterator[Entry]:
    """What was lost or skipped since the start of the process: one reading knows no more, so it is no failure."""
    total = sum(stats[name] for name in LOSSES)
    lost = [f"{stats[name]} {what.partition(';')[0]}" for name, what in LOSSES.items() if stats[name]]
    if total:
        words = f"{kind}: since its start {', '.join(lost)}"
        yield _entry("losses", kind, Status.WARN, words)
    skipped = {name: what for name, what in ERRORS.items() if name in BY_PRODUCERS or name == "malformed"}
    if found := [f"{stats[name]} {what.partition(';')[0]}" for name, what in skipped.items() if stats[name]]:
        yield _entry("errors", kind, Status.WARN, f"{kind}: since its start {', '.join(found)}")
    came = entry_seconds(stats.last_id or "0-0")
    if came - time.time() > AHEAD:
        words = f"{kind}: the ids of its stream are {came - time.time():.0f} s ahead of the clock"
        yield _entry("stream", kind, Status.FAIL, words)


def _set_aside(kind: str) -> Iterator[Seen]:
    """Points that InfluxDB refused lately; root and the extractor may look."""
    path = STATE / kind / "rejected.lp"
    try:
        found = path.stat()
    except OSError:
        return
    if found.st_size and time.time() - found.st_mtime < DAY:
        words = f"{kind}: InfluxDB refused points within the last day; {found.st_size} bytes of them are in {path}"
        yield Seen(kind, _entry("losses", kind, Status.WARN, words), f"ls -l {path}")


def _entry(measurement: str, kind: str, status: Status, words: str) -> Entry:
    return Entry(measurement, kind, "component", status, words)
