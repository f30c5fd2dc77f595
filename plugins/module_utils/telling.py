"""What hosts know of their deployments and runs, in lines for a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from . import run_ids
from .history import CONFIRMED, idle
from .undoing import Seen

RUNS_SHOWN = 3
Found = Mapping[str, Any]


def targets(host: str, found: Found) -> list[str]:
    """Where a host could go: its deployments, the running one marked, and its last runs.

    Of runs that found nothing to do only the very last is shown: they hide none that could be undone.
    """
    seen = Seen.of(found)
    lines = [f"{host}: {'deployments, the running one with a star' if seen.records else 'nothing is deployed here'}"]
    for n, record in sorted(seen.records.items(), reverse=True):
        why = f": {record['why']}" if record.get("why") else ""
        mark = "*" if n == seen.running else " "
        lines.append(
            f"  {mark} {n}  {record.get('release')}  {record.get('mode') or 'agent only'}  {record.get('state')}{why}"
        )
    shown = [entry for entry in seen.runs if not idle(entry) or entry is seen.runs[-1]]
    return lines + [f"    {_run(entry)}" for entry in reversed(shown[-RUNS_SHOWN:])]


def _run(entry: Found) -> str:
    where = f"  deployment {entry['to']} after {entry['from'] or 'none'}" if entry.get("to") else ""
    why = f": {entry['why']}" if entry.get("why") else ""
    undone = f", undone by {entry['undone_by']}" if entry.get("undone_by") else ""
    return f"run {entry['run']} by {entry['by']}  {entry['outcome']}{where}{why}{undone}"


def status(found: Found) -> tuple[str, list[str]]:
    """A host in a line, and what of it needs an operator."""
    running = found.get("running") or {}
    if not running:
        return "nothing deployed", _at_work(found)
    record = (found.get("records") or {}).get(str(running["deployment"]), {})
    by_run = str(record.get("rollout") or "")
    since = run_ids.shown(by_run) if by_run else str(running.get("at", ""))
    words = (
        f"{running['release']}  deployment {running['deployment']}  {running['mode'] or 'agent only'}  since {since}"
    )
    words += f" by {f'run {by_run}' if by_run else running.get('by', 'unknown')}"
    notes = [str(fault) for fault in found.get("faults") or []]
    state = record.get("state")
    if state and state != CONFIRMED:
        notes.insert(0, f"{state}, not confirmed" + (f": {record['why']}" if record.get("why") else ""))
    return words, notes + _at_work(found)


def _at_work(found: Found) -> list[str]:
    """Whether a trial or a run is going."""
    notes: list[str] = []
    trial, lease = found.get("trial") or {}, found.get("lease") or {}
    if trial.get("state") == "going":
        until = _clock(float(trial.get("deadline") or 0))
        notes.append(f"a trial of deployment {trial.get('to')} is going until {until} (run {trial.get('run')})")
    if lease and not lease.get("stale"):
        notes.append(f"{lease['by']} has a run going since {_clock(float(lease['since']))} ({lease['run']})")
    return notes


def _clock(moment: float) -> str:
    return time.strftime("%H:%M:%SZ", time.gmtime(moment))
