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
}
"""Counters of the stats hash whose growth is a loss that a deployment may have caused."""
OWN = ("deployment", "integrity")
"""Checks that judge the deployment itself: that another one was damaged before excuses nothing."""


@dataclass(frozen=True)
class Before:
    """One look just before a switch: the agent's checks that failed, and each extractor's life and counters."""

    fails: frozenset[str] = frozenset()
    processes: Mapping[str, str] = field(default_factory=dict)
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"fails": sorted(self.fails), "lives": dict(self.processes), "counters": dict(self.counters)}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Before:
        """From JSON."""
        return cls(frozenset(content["fails"]), content["lives"], content["counters"])

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


def process_of(stats: Mapping[str, str]) -> str:
    """Names one life of an extractor's process."""
    return f"{stats.get('pid')}@{stats.get('started_at')}"


def counters(stats: Mapping[str, str]) -> dict[str, int]:
    """The losses that a stats hash counts."""
    return {name: int(stats[name]) for name in LOSSES if stats.get(name, "").isdecimal()}


def sentence(kind: str, lost: Mapping[str, int], stats: Mapping[str, str]) -> str:
    """What an extractor lost since the switch."""
    words = ", ".join(f"{more} {LOSSES[name]}" for name, more in lost.items())
    reason = stats.get("rejected_reason", "").replace("_", " ")
    year = stats.get("rejected_year", "0")
    why = [reason, f"the oldest of {year}" if year != "0" else ""] if reason and "points_rejected" in lost else []
    return f"{kind}: since the switch {words}" + (f" ({', '.join(filter(None, why))})" if why else "")
