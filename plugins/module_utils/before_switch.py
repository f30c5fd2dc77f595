"""One look at a host that is about to switch, so that only what happens after it may fail the switch."""

from __future__ import annotations

import time
from contextlib import suppress

from . import agent_report, systemd
from . import before as earlier
from .before import Before
from .health import STATE, Target, stats
from .layout import Layout, Refused
from .resp import RedisAway, RedisError


def look_before(layout: Layout) -> Before:
    """What a host that is about to switch has of trouble and losses already; nothing of what does not answer."""
    try:
        target = Target.of(layout)
    except Refused:
        return Before()
    fails: set[str] = set()
    with suppress(Refused):
        if "agent" in target.probes:
            report = agent_report.read(target.probes["agent"])
            fails = agent_report.fails(report) - agent_report.unread(report)
    extractors: dict[str, dict[str, str]] = {}
    with suppress(RedisError, RedisAway):
        if "redis_socket" in target.probes:
            extractors = stats(target)
    now = time.time()
    return Before(
        frozenset(fails),
        {kind: earlier.process_of(seen) for kind, seen in extractors.items()},
        {kind: earlier.counters(seen) for kind, seen in extractors.items()},
        {kind: earlier.figures(seen) for kind, seen in extractors.items()},
        frozenset(kind for kind, seen in extractors.items() if earlier.is_busy(seen, now)),
        _restarts(target),
    )


def _restarts(target: Target) -> dict[str, dict[str, int]]:
    """Each unit's main process, and how often systemd restarted it."""
    states = systemd.show(sorted(target.units), STATE)
    return {
        unit: {"pid": int(state.get("MainPID") or 0), "restarts": int(state.get("NRestarts") or 0)}
        for unit, state in states.items()
    }
