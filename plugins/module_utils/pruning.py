"""Which deployments and releases a host still needs, and the removal of the others."""

from __future__ import annotations

import shutil

from . import deployments, releases, trials
from .history import CONFIRMED, FAILED, RETURNED, STAGED, UNPROVEN, History, changed
from .layout import Layout

KEEP = 3
"""Confirmed deployments that are kept."""
LEAST = 2


def needed(history: History, running: int | None, keep: int = KEEP) -> set[int]:
    """The deployments that stay.

    The one that runs, what undoing its run leads to, the last `keep` that were confirmed, one that was staged last
    and waits for its switch, and of those that failed or were left the newest, for people to look at.
    """
    numbers = sorted(history.records)
    confirmed = [n for n in numbers if history.state(n) == CONFIRMED]
    bad = [n for n in numbers if n != running and history.state(n) in (FAILED, RETURNED, UNPROVEN)]
    waiting = [n for n in numbers[-1:] if history.state(n) == STAGED]
    stay = {running, history.previous(running), *confirmed[-max(keep, LEAST) :], *bad[-1:], *waiting}
    undone = next((run for run in reversed(history.runs) if run.get("to") == running and changed(run)), None)
    stay.add(undone.get("from") if undone else None)
    return {n for n in stay if n in history.records}


def prune(layout: Layout, history: History, keep: int = KEEP) -> list[str]:
    """Removes deployments that are not needed any more, and releases none of the rest uses.

    Returns the names of what was removed. The history is the caller's to save.
    """
    stay = needed(history, deployments.current(layout), keep) | trials.needed(layout)
    removed: list[str] = []
    for n in [n for n in history.records if n not in stay]:
        shutil.rmtree(layout.deployments / str(n), ignore_errors=True)
        del history.records[n]
        removed.append(f"deployment {n}")
    for record in history.records.values():
        if record.get("previous") not in history.records:
            record["previous"] = None
    used = {record["release"] for record in history.records.values()}
    for path in sorted(layout.releases.iterdir()) if layout.releases.is_dir() else []:
        if not path.name.startswith(".") and path.name not in used:
            releases.remove(layout, path.name)
            removed.append(f"release {path.name}")
    return removed
