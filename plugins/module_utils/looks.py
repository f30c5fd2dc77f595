"""A look at a host as the judge of its trial takes it: health, units' states and extractors' counters as values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .before import FIGURES
from .health import Health
from .judging import Look, Process

CGROUPS = Path("/sys/fs/cgroup")
CACHED = ("file", "total_cache")
"""What a cgroup's memory holds that the kernel gives back when it is needed, by version 2 and 1."""
BUSY = {"408", "429", "503"}
"""Answers to a write by which the store wants it later."""


def seen(found: Health, wide: Health, at: float) -> Look:
    """A look as the judge takes it. `wide` is the last one that asked the agent and InfluxDB too: their word stands."""
    faults = found.faults if found is wide else [*found.faults, *wide.outer]
    counters = {
        kind: {name: int(stats[name]) for name in FIGURES if stats.get(name, "").isdecimal()}
        for kind, stats in found.stats.items()
        if stats
    }
    return Look(
        at,
        faults,
        found.away,
        wide.unknown,
        wide.takes,
        {kind for kind, stats in found.stats.items() if stats.get("influxdb_fault") in BUSY},
        {kind for kind, stats in found.stats.items() if is_refused(stats)},
        {unit: process(state) for unit, state in found.states.items()},
        counters,
    )


def process(state: Mapping[str, str]) -> Process:
    """A unit as the judge takes it."""
    limit = number(state.get("MemoryMax"))
    return Process(
        state.get("ActiveState", ""),
        state.get("SubState", ""),
        state.get("Result", ""),
        int(state.get("MainPID") or 0),
        int(state.get("NRestarts") or 0),
        memory_of(state.get("ControlGroup", ""), number(state.get("MemoryCurrent"))),
        limit,
    )


def memory_of(cgroup: str, otherwise: int | None, root: Path = CGROUPS) -> int | None:
    """What a unit uses and the kernel cannot give back; `otherwise` when its cgroup cannot be read."""
    if not cgroup or otherwise is None:
        return otherwise
    for place in (root / cgroup.lstrip("/"), root / "memory" / cgroup.lstrip("/")):
        try:
            lines = (place / "memory.stat").read_text().splitlines()
        except OSError:
            continue
        cached = [int(line.split()[1]) for line in lines if line.split()[0] in CACHED]
        return max(otherwise - max(cached, default=0), 0)
    return otherwise


def number(text: str | None) -> int | None:
    """A number of systemd's; None for none and for no limit."""
    value = int(text) if text is not None and text.isdecimal() else None
    return None if value is None or value >= 2**62 else value


def is_refused(stats: Mapping[str, str]) -> bool:
    """Whether an extractor reports that the store answers its points with a fault of the store's own.

    InfluxDB with a full disk does, by 500, and takes writes of nothing all the same.
    """
    fault = stats.get("influxdb_fault", "")
    return fault.isdecimal() and int(fault) >= 500 and fault not in BUSY
