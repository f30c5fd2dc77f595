"""The report as `application/health+json` (draft-inadarei-api-health-check-06), made from a snapshot."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from . import __version__
from .findings import Finding, findings, headline
from .model import Status
from .snapshot import Shown, Snapshot, View

CONTENT_TYPE = "application/health+json"


def report(snapshot: Snapshot, *, verbose: bool = False, excluded: Collection[str] = ()) -> dict[str, Any]:
    """The document.

    `excluded` names checks (`redis`) or measurements (`redis:memory`); they do not count either. `verbose`
    adds the words of what passes and, beside the draft's members, how each status came about. `findings` is a member
    of our own: what is wrong, one for each cause; so is `unread` of an entry of which nothing was learnt, good or bad.
    """
    seen = snapshot.without(excluded)
    deployment = snapshot.deployment
    document: dict[str, Any] = {
        "status": seen.status.word,
        "version": __version__,
        "releaseId": deployment.release if deployment is not None and deployment.release else "unknown",
        "serviceId": f"seclyzer-agent@{snapshot.host}",
        "description": f"SecLyzer Edge on {snapshot.host}",
    }
    if unknown := sorted(set(excluded) - _names(snapshot)):
        document["notes"] = [f"exclude: there is no check or measurement {name!r} here" for name in unknown]
    if seen.status is not Status.PASS or verbose:
        document["output"] = headline(seen)
    checks: dict[str, list[dict[str, Any]]] = {}
    for view in seen.views:
        for shown in view.shown:
            key = f"{view.name}:{shown.entry.measurement}"
            checks.setdefault(key, []).append(_entry(view, shown, verbose))
    document["checks"] = checks
    document["findings"] = [finding(one) for one in findings(seen)]
    return document


def _names(snapshot: Snapshot) -> set[str]:
    names = {v.name for v in snapshot.views}
    return names | {f"{v.name}:{s.entry.measurement}" for v in snapshot.views for s in v.shown}


def finding(one: Finding) -> dict[str, Any]:
    """One thing that is wrong."""
    return {
        "id": one.name,
        "status": one.status.word,
        "componentId": one.subject,
        "since": instant(one.since),
        "output": one.output,
        "command": one.command,
        "follows": one.follows,
        "runbook": one.entry,
    }


def _entry(view: View, shown: Shown, verbose: bool) -> dict[str, Any]:
    entry = shown.entry
    document: dict[str, Any] = {"componentId": entry.component, "componentType": entry.kind}
    if entry.value is not None:
        document["observedValue"] = entry.value
    if entry.unit is not None:
        document["observedUnit"] = entry.unit
    document["status"] = shown.status.word
    document["time"] = instant(shown.read_at)
    if shown.status is not Status.PASS or verbose:
        document["output"] = entry.output
    if shown.status is not Status.PASS and entry.unread:
        document["unread"] = True
    if verbose:
        state = view.state
        document["lastResult"] = entry.status.word
        document["rise"], document["fall"] = state.rise, state.fall
        document["intervalSeconds"], document["deadlineSeconds"] = state.interval, state.deadline
        document["durationSeconds"] = round(state.duration, 6)
    return document


def instant(unix: float) -> str:
    """A Unix time in s as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
