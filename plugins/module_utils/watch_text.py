"""The report of a watch as lines for a screen. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .watch_report import counted, span


def passed(report: Mapping[str, Any]) -> bool:
    """Whether every gate is."""
    return all(gate["passed"] for gate in report["gates"])


def row(words: str, good: bool, why: str = "") -> str:
    """A row of a checklist."""
    return f"[{'x' if good else ' '}] {words}" + (f": {why}" if why else "")


def text(host: str, report: Mapping[str, Any]) -> list[str]:
    """All of it: gates, extractors, what was not seen, what was wrong."""
    plan = report["plan"]
    state = "watched" if report["over"] else f"watched up to now for {span(report['until'] - plan['began'])} of"
    looks = f"{counted(report['samples'], 'look')}, one every {plan['every']} s"
    lines = [f"{host}: {state} {span(plan['seconds'])}, from {_at(plan['began'])} UTC: {looks}"]
    lines += [row(gate["words"], gate["passed"], gate["why"]) for gate in report["gates"]]
    lines += [f"  {name}: {_kind(kind)}" for name, kind in report["kinds"].items()]
    lines += [
        f"  not seen: {_at(gap['since'])} to {_at(gap['until'])} UTC, {span(gap['until'] - gap['since'])}: {gap['why']}"
        for gap in report["gaps"]
    ]
    lines += [
        f"  {counted(one['times'], 'time')}, from {_at(one['first'])} to {_at(one['last'])} UTC: {one['words']}"
        for one in report["faults"]
    ]
    return lines


def _kind(kind: Mapping[str, Any]) -> str:
    cpu = "unknown" if kind["cpu"] is None else f"{kind['cpu']:.2f} %"
    words = [
        " and ".join(kind["by"]) or "unknown",
        counted(kind["restarts"], "restart"),
        *([counted(kind["switches"], "switch", "switches")] if kind["switches"] else []),
        counted(kind["events"], "event"),
        counted(kind["windows"], "window"),
        counted(kind["points_written"], "point"),
        f"memory at most {kind['mib']:.1f} MiB",
        f"CPU {cpu}",
    ]
    return ", ".join(words)


def _at(t: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(t))
