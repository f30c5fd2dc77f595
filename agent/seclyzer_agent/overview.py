"""What the page shows, as JSON: what is wrong, the way of the data, each extractor, deployments, and all checks.

Made from a snapshot and the points of the last hour, bounded as these are, without names of keys or applications.
"""

from __future__ import annotations

from typing import Any

from . import __version__, hour
from .facts import ExtractorFacts, Memory
from .findings import findings, headline
from .flow import Stage, ways
from .health import finding, instant
from .hour import Point
from .kinds import KINDS, UNITS
from .manifest import Deployment, Other
from .snapshot import Snapshot

SCHEMA = 1
CONTENT_TYPE = "application/json; charset=utf-8"


def overview(snapshot: Snapshot, points: tuple[Point, ...]) -> dict[str, Any]:
    """The document."""
    return {
        "schema": SCHEMA,
        "host": snapshot.host,
        "status": snapshot.status.word,
        "time": instant(snapshot.wall),
        "version": __version__,
        "output": headline(snapshot),
        "findings": [finding(one) for one in findings(snapshot)],
        "ways": [{"name": w.name, "stages": [_stage(s) for s in w.stages]} for w in ways(snapshot, points)],
        "extractors": [_extractor(snapshot, kind, points) for kind in KINDS if _has(snapshot, kind)],
        "deployments": _deployments(snapshot.deployment),
        "trial": _trial(snapshot.deployment, snapshot.wall),
        "checks": [
            {
                "name": f"{view.name}:{shown.entry.measurement}",
                "component": shown.entry.component,
                "status": shown.status.word,
                "time": instant(shown.read_at),
                "output": shown.entry.output,
            }
            for view in snapshot.views
            for shown in view.shown
        ],
    }


def _has(snapshot: Snapshot, kind: str) -> bool:
    return any(view.name == kind for view in snapshot.views)


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "name": stage.name,
        "state": stage.state,
        "time": _moment(stage.at),
        "perMinute": stage.rate,
        "output": stage.words,
    }


def _moment(unix: float) -> str | None:
    return instant(unix) if unix else None


def _extractor(snapshot: Snapshot, kind: str, points: tuple[Point, ...]) -> dict[str, Any]:
    facts = snapshot.facts(kind)
    stats = facts.stats if isinstance(facts, ExtractorFacts) else None
    memory: Memory | None = (snapshot.facts("memory") or {}).get(UNITS[kind])
    deployment = snapshot.deployment
    return {
        "name": kind,
        "unit": UNITS[kind],
        "configured": deployment.implementations.get(kind) if deployment is not None else None,
        "implementation": stats.implementation if stats is not None else None,
        "version": stats.version if stats is not None else None,
        "started": _moment(stats["started_at"] / 1e6) if stats is not None else None,
        "memoryBytes": memory.used if memory is not None else None,
        "memoryLimitBytes": memory.limit if memory is not None else None,
        "hour": {
            "time": [instant(at.at) for at in points],
            "memoryBytes": hour.memory(points, kind),
            "eventsPerMinute": hour.rates(points, kind, lambda seen: seen.events),
            "windowsPerMinute": hour.rates(points, kind, lambda seen: seen.windows),
            "storedPerMinute": hour.rates(points, kind, lambda seen: seen.stored),
        },
    }


def _deployments(running: Deployment | None) -> list[dict[str, Any]]:
    """The one that runs and those before it that are kept, the newest first."""
    if running is None:
        return []
    every = (Other(running.number or "", running.release, running.mode, running.at), *running.others)
    trial = running.trial
    newest = sorted(every, key=lambda one: int(one.number) if one.number.isdecimal() else 0, reverse=True)
    return [
        {
            "number": one.number,
            "release": one.release,
            "mode": one.mode,
            "time": one.at,
            "runs": one.number == running.number,
            "state": trial.state if trial is not None and one.number == trial.to else None,
        }
        for one in newest
    ]


def _trial(running: Deployment | None, now: float) -> dict[str, Any] | None:
    """The last one; of one that should have ended by `now` (Unix s) nothing is known but that."""
    if running is None or (trial := running.trial) is None:
        return None
    left = trial.state == "going" and now > trial.until
    why = "it should be over, and nothing has ended it: seclyzer doctor" if left else trial.why
    return {
        "state": "not known" if left else trial.state,
        "from": trial.before or None,
        "to": trial.to,
        "since": instant(trial.since),
        "output": why,
    }
