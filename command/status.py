"""`seclyzer status`: what runs, since when, by whom; whether data flows; what is wrong, in a line each."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

from plugins.module_utils import deploying, telling
from plugins.module_utils.history import History
from plugins.module_utils.kinds import KINDS
from plugins.module_utils.layout import Refused, is_socket
from plugins.module_utils.resp import Redis, RedisAway, RedisError
from seclyzer_agent.history import entry_seconds
from seclyzer_agent.sizes import amount, mebibytes
from seclyzer_agent.stats import Stats, parse

from .diagnosis import Diagnosis, diagnose
from .doctor import EXITS, document
from .exits import UNKNOWN
from .host import Host
from .probes.redis import AGENT, password
from .screen import Screen

HELP = "what runs on this host, since when, whether data flows, and what is wrong"
ABOUT = """One screen: the deployment, each unit with its memory, each extractor with its last event and window,
and what is wrong, in a line each. `seclyzer doctor` says more of what is wrong."""
STATES = ("ActiveState", "SubState", "MemoryCurrent", "MemoryMax", "NRestarts", "ActiveEnterTimestampMonotonic")
MARKS = {"active": "pass", "activating": "warn", "deactivating": "warn", "reloading": "warn"}
FRESH = 60.0
"""Seconds after which an extractor without events is idle."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def run(options: argparse.Namespace, screen: Screen, host: Host) -> int:
    """The command; its exit status is that of `doctor`, 3 when systemd does not answer."""
    host.require()
    try:
        states = host.states(*STATES)
    except Refused as fault:
        screen.line(f"{host.name}: systemd does not answer: {fault}")
        screen.document({"host": host.name, "error": str(fault)})
        return UNKNOWN
    found = diagnose(host)
    stats, words = extractors(host)
    about, notes = deployed(host)
    screen.document(
        document(found, host)
        | {"deployment": about, "units": {unit: _unit(states.get(unit, {})) for unit in sorted(host.units)}}
        | {"extractors": {kind: flow(one, time.time()) for kind, one in stats.items()}}
    )
    screen.line(f"{screen.paint(host.name, 'bold')}  {about}")
    for note in notes:
        screen.line(f"  note: {note}")
    screen.line()
    screen.rows([_row(screen, unit, states.get(unit, {})) for unit in sorted(host.units)])
    if host.is_edge:
        screen.line()
        rows = [flow_words(kind, stats[kind]) for kind in KINDS if kind in stats]
        if rows:
            screen.rows(rows)
        if words:
            screen.line(f"  {words}")
    screen.line()
    _wrong(found, screen)
    return EXITS[found.status]


def _wrong(found: Diagnosis, screen: Screen) -> None:
    if not found.wrong:
        screen.line(f"  {screen.paint('well', 'pass')}: nothing is wrong")
    for one in found.wrong:
        more = f" (and {one.follows} that follow)" if one.follows else ""
        screen.line(f"  {screen.paint(one.status.word, one.status.word)}  {one.output}{more}")
        screen.line(f"        {one.command}")
    for note in found.notes:
        screen.sentence(f"note: {note}", "  ")


def deployed(host: Host) -> tuple[str, list[str]]:
    """The deployment in a line, and what of it needs an operator. Any user knows the release, root the rest."""
    if not host.is_root:
        return f"release {host.release or 'unknown'}, deployment {host.number}", []
    try:
        known = deploying.known(host.layout, History.load(host.layout)) | {"running": deploying.running(host.layout)}
        return telling.status(known)
    except (Refused, OSError) as fault:
        return f"release {host.release or 'unknown'}", [str(fault)]


def extractors(host: Host) -> tuple[dict[str, Stats], str]:
    """What each extractor reports of itself; or in words why that is not known."""
    if not host.is_edge:
        return {}, ""
    if not host.is_root:
        return {}, "whether data flows is for root: sudo seclyzer status"
    try:
        with Redis(host.redis_socket, AGENT, password(AGENT), timeout=2.0) as redis:
            hashes = {kind: redis.pairs("HGETALL", f"seclyzer:stats:{kind}") for kind in KINDS}
    except (RedisAway, RedisError, Refused) as fault:
        return {}, f"whether data flows is not known: {fault}"
    found = {kind: stats for kind in KINDS if (stats := parse(hashes[kind])) is not None}
    absent = [kind for kind in KINDS if kind not in found]
    return found, f"no heartbeat: {', '.join(absent)}" if absent else ""


def flow(stats: Stats, now: float) -> dict[str, Any]:
    """Of one extractor, for JSON; times are Unix s, 0 for none yet."""
    numbers = {
        name: stats[name] for name in ("events", "windows", "points_written", "spool_bytes", "malformed", "late")
    }
    times = {"last_event": stats["last_event_ts"] / 1e6, "last_window": stats["last_window_ts"] / 1e6}
    read = entry_seconds(stats.last_id or "0-0")
    about = {"implementation": stats.implementation, "version": stats.version, "last_read": read}
    return about | times | numbers | {"flows": now - times["last_event"] < FRESH}


def flow_words(kind: str, stats: Stats) -> tuple[str, ...]:
    """Of one extractor, for a table."""
    now = time.time()
    of = flow(stats, now)
    state = "events flow" if of["flows"] else "idle"
    window = "last transition" if kind == "app" else "last window"
    return (
        kind,
        str(stats.implementation),
        state,
        f"last event {ago(of['last_event'], now)}",
        f"{window} {ago(of['last_window'], now)}",
        f"{of['points_written']} points stored" + (f", {amount(of['spool_bytes'])} wait" if of["spool_bytes"] else ""),
    )


def ago(then: float, now: float) -> str:
    """A moment as a person reads it."""
    if not then:
        return "never"
    seconds = max(0, int(now - then))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _unit(state: Mapping[str, str]) -> dict[str, Any]:
    memory = {"memory_bytes": _number(state.get("MemoryCurrent")), "memory_max_bytes": _number(state.get("MemoryMax"))}
    up = _number(state.get("ActiveEnterTimestampMonotonic")) or 0
    since = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + up / 1e6 if up else 0.0
    about = {"state": state.get("ActiveState", "unknown"), "sub": state.get("SubState", "")}
    return about | memory | {"restarts": _number(state.get("NRestarts")) or 0, "since": since}


def _row(screen: Screen, unit: str, state: Mapping[str, str]) -> tuple[str, ...]:
    of = _unit(state)
    active = str(of["state"])
    word = f"{active} ({of['sub']})"
    memory = ""
    if of["memory_bytes"] is not None and not is_socket(unit):
        memory = mebibytes(of["memory_bytes"])
        memory += f" of {mebibytes(of['memory_max_bytes'])}" if of["memory_max_bytes"] else ""
    since = f"since {ago(of['since'], time.time())}" if of["since"] and active == "active" else ""
    restarts = f"{of['restarts']} restarts" if of["restarts"] else ""
    mark = screen.paint("●", MARKS.get(active, "fail"))
    return mark, unit, word, memory, since, restarts


def _number(text: str | None) -> int | None:
    value = int(text) if text is not None and text.isdecimal() else None
    return None if value == 2**64 - 1 else value
