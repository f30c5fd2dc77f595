"""What was wrong before a switch, so that only what happens after it may fail it.

The agent holds a loss against a host for minutes, longer than a rollout waits: what it reports after a switch may be
older. So the losses are read from the extractors' own counters, and the rest is compared with what the agent reported
just before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LOSSES = {
    "points_dropped": "points dropped",
    "points_rejected": "points that InfluxDB refused",
    "dropped": "events dropped",
    "gaps": "gaps in the stream",
    "outputs_dropped": "outputs dropped",
    "output_errors": "outputs that Redis refused",
}
"""Counters of the stats hash whose growth is a loss that a deployment may have caused."""
FIGURES = (
    "events",
    "late",
    "malformed",
    "windows",
    "windows_short",
    "points_written",
    "points_spooled",
    "points_dropped",
)
"""Counters of the stats hash by which a trial sees what flows."""
EVENTS_ENOUGH = 50
"""Events from which on what came of them tells something."""
RECENT = 20.0
"""Seconds since the last event within which events flow."""
OWN = ("deployment", "integrity")
"""Checks that judge the deployment itself: that another one was damaged before excuses nothing."""


@dataclass(frozen=True)
class Before:
    """One look just before a switch: the agent's checks that failed, and each extractor's process and counters.

    `figures`: FIGURES of each extractor. `busy`: the extractors that events flowed to. `units`: of each unit the main
    process and how often systemd had restarted it.
    """

    fails: frozenset[str] = frozenset()
    processes: Mapping[str, str] = field(default_factory=dict)
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    busy: frozenset[str] = frozenset()
    units: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        tables = {"lives": self.processes, "counters": self.counters, "figures": self.figures, "units": self.units}
        return {"fails": sorted(self.fails), "busy": sorted(self.busy)} | {n: dict(t) for n, t in tables.items()}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Before:
        """From JSON, also of a version that wrote less."""
        tables = (content.get(name) or {} for name in ("lives", "counters", "figures", "units"))
        processes, counters, figures, units = tables
        busy = frozenset(content.get("busy") or ())
        return cls(frozenset(content.get("fails") or ()), processes, counters, figures, busy, units)

    def lost(self, kind: str, stats: Mapping[str, str]) -> dict[str, int]:
        """By how much each loss of an extractor grew since; a new process counts from 0."""
        same = self.processes.get(kind) == process_of(stats)
        base = self.counters.get(kind, {}) if same else {}
        grown = {name: number - base.get(name, 0) for name, number in counters(stats).items()}
        return {name: more for name, more in grown.items() if more > 0}

    def excuses(self, check: str) -> bool:
        """Whether a failing check of the agent failed before the switch, and is none that judges the deployment."""
        return check in self.fails and check.partition(":")[0] not in OWN

    def had_losses(self, kind: str) -> bool:
        """Whether this extractor was losing data before the switch already."""
        return bool({f"{kind}:losses", f"{kind}:spool"} & self.fails)

    def flowed(self) -> bool:
        """Whether events flowed to any extractor."""
        return bool(self.busy)

    def restarts_of(self, unit: str, pid: int) -> int:
        """How often systemd had restarted a unit whose process still is this one; 0 for one that began since."""
        known = self.units.get(unit, {})
        return known.get("restarts", 0) if pid and known.get("pid") == pid else 0

    def made_nothing(self, kind: str) -> bool:
        """Whether this extractor took events and made nothing of them, so that it is nothing new."""
        seen = self.figures.get(kind, {})
        return seen.get("events", 0) >= EVENTS_ENOUGH and not seen.get("windows") and not seen.get("windows_short")

    def stored(self, kind: str) -> bool:
        """Whether points of this extractor got into the store, and nothing was known to keep them from it."""
        stuck = {f"{kind}:store", f"{kind}:spool"} & self.fails
        return not stuck and self.figures.get(kind, {}).get("points_written", 0) > 0

    def rate(self, kind: str, *made: str) -> float:
        """How many outputs (or what these counters count) came of one event; 0 when too few events were seen."""
        seen = self.figures.get(kind, {})
        taken = seen.get("events", 0) - seen.get("late", 0)
        outputs = sum(seen.get(name, 0) for name in made or ("windows",))
        return outputs / taken if taken >= EVENTS_ENOUGH else 0.0

    def malformed_share(self, kind: str) -> float:
        """Which share of all messages was malformed."""
        seen = self.figures.get(kind, {})
        wrong = seen.get("malformed", 0)
        return wrong / max(wrong + seen.get("events", 0), 1)


def process_of(stats: Mapping[str, str]) -> str:
    """Names one life of an extractor's process."""
    return f"{stats.get('pid')}@{stats.get('started_at')}"


def counters(stats: Mapping[str, str]) -> dict[str, int]:
    """The losses that a stats hash counts."""
    return {name: int(stats[name]) for name in LOSSES if stats.get(name, "").isdecimal()}


def figures(stats: Mapping[str, str]) -> dict[str, int]:
    """FIGURES of a stats hash."""
    return {name: int(stats[name]) for name in FIGURES if stats.get(name, "").isdecimal()}


def is_busy(stats: Mapping[str, str], now: float) -> bool:
    """Whether an extractor's last event is of the last seconds; `now` in Unix s."""
    last = stats.get("last_event_ts", "")
    return last.isdecimal() and abs(now - int(last) / 1e6) <= RECENT


def sentence(kind: str, lost: Mapping[str, int], stats: Mapping[str, str]) -> str:
    """What an extractor lost since the switch."""
    words = ", ".join(f"{more} {LOSSES[name]}" for name, more in lost.items())
    reason = stats.get("rejected_reason", "").replace("_", " ")
    year = stats.get("rejected_year", "0")
    why = [reason, f"the oldest of {year}" if year != "0" else ""] if reason and "points_rejected" in lost else []
    return f"{kind}: since the switch {words}" + (f" ({', '.join(filter(None, why))})" if why else "")
