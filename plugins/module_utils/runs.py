"""A run on one host, from its beginning to its outcome: its entry in the history, and its lease.

Whoever calls holds the lock of the host. A use without a run (`""`) has neither entry nor lease.

Two runs that begin in the same moment may each come first to some of the hosts that both want. The one whose name is
the earlier goes on: it waits where the other came first, and that one, refused elsewhere, gives its hosts back.
"""

from __future__ import annotations

import time
from typing import Any

from . import deployments, lease
from .history import CONFIRMED, FAILED, NOTHING, REFUSED, RETRY, RETURNED, STAGED, STARTED, History, changed
from .layout import Layout, Refused
from .lease import WENT_ON, Lease
from .run_ids import FORM

YOUNG = 300.0
"""Seconds for which a run waits at most for a later one to give its host back, from when that one came there."""


class WentOn(Refused):
    """Another run of the same moment went on with the host."""


def begin(layout: Layout, run: str, by: str, process: str = "", take_over: bool = False, undoes: str = "") -> None:
    """Takes or renews the lease of this host and enters the run. Raises Refused while another run has the host."""
    if not run:
        return
    former = lease.take(layout, run, by, process, take_over=take_over)
    history = History.load(layout)
    if former is None and history.run(run) is not None:
        return
    running = deployments.current(layout)
    history.began(run, by, running, undoes)
    if former is not None:
        history.note("lease taken over", running or 0, by, f"from {former.by}, run {former.run}")
    history.save(layout)


def contested(layout: Layout, run: str, waited_for: str = "") -> Lease | None:
    """The lease of a later run that came first to this host and may yet give it back; None when nothing is waited for.

    `waited_for` is the run for which this one has waited here. Raises WentOn once that has gone on here.
    """
    history, other = History.load(layout), lease.held(layout, run)
    undecided = other is not None and _outcome(history, other.run) in (STARTED, STAGED, NOTHING)
    former = history.run(waited_for)
    if former and former["outcome"] != REFUSED and not (undecided and other and other.run == waited_for):
        raise WentOn(
            f"{former['by']} began the run {waited_for} {WENT_ON}, so the host is left alone: "
            "wait for the report of that run"
        )
    if other is None or not undecided or time.time() - other.since > YOUNG:
        return None
    return other if all(map(FORM.fullmatch, (run, other.run))) and run < other.run else None


def _outcome(history: History, run: str) -> str:
    return str((history.run(run) or {}).get("outcome", STARTED))


def unmoved(layout: Layout, run: str, n: int) -> None:
    """Raises Refused when another run has changed what runs here since this one staged deployment `n`, or when the host
    has left that again: a run tries a deployment once.
    """
    history, running = History.load(layout), deployments.current(layout)
    entry = history.run(run)
    if entry is not None and running != n and entry.get("to") == n and entry.get("outcome") in (RETURNED, FAILED):
        why = f": {entry['why']}" if entry.get("why") else ""
        raise Refused(f"the host has tried deployment {n} in this run, and left it again{why}; {RETRY} tries it anew")
    if entry is None or running in (entry.get("from"), n):
        return
    other = history.rollout(running)
    raise Refused(
        f"deployment {running} came to run here{f' by the run {other}' if other else ''} after deployment {n} was "
        "staged, so it stays; run the playbook again"
    )


def staged(layout: Layout, run: str, n: int | None) -> None:
    """Writes down what the run has staged; nothing to do when that runs already. The lease goes on."""
    history = History.load(layout)
    if history.run(run) is not None:
        history.ended(run, NOTHING if n == deployments.current(layout) else STAGED, n)
        history.save(layout)


def refused(layout: Layout, run: str, why: str) -> None:
    """Ends a run that was refused here."""
    history = History.load(layout)
    if history.run(run) is not None:
        history.ended(run, REFUSED, why=why)
        history.save(layout)
    lease.release(layout, run)


def broke_off(layout: Layout, run: str, by: str, why: str) -> None:
    """Ends a run whose step was refused: it failed when its deployment runs already, and else it was refused."""
    entry, running = History.load(layout).run(run), deployments.current(layout)
    if entry is not None and running is not None and changed(entry) and entry["to"] == running:
        concluded(layout, running, FAILED, run, by, why)
    else:
        refused(layout, run, why)


def undone(layout: Layout, former: str, run: str, by: str) -> None:
    """Writes down that what a former run brought was left again; its outcome stays, for one may come back to it."""
    history = History.load(layout)
    if entry := history.run(former):
        entry["undone_by"] = run or by
        history.save(layout)


def followed(layout: Layout) -> None:
    """Writes down that a controller saw what became of the run that brought what runs."""
    history = History.load(layout)
    entry = _brought(layout, history)
    if entry is not None and not entry.get("followed"):
        entry["followed"] = True
        history.save(layout)


def unseen(layout: Layout, run: str) -> list[str]:
    """What the host decided about the run that brought what runs, when no controller saw that; `run` is the one that
    asks.
    """
    entry = _brought(layout, History.load(layout))
    if entry is None or entry.get("followed") or entry["outcome"] != CONFIRMED or entry["run"] == run:
        return []
    why = f" after {entry['why']}" if entry.get("why") else ""
    return [f"deployment {entry['to']} came with the run {entry['run']}, which was cut off; the host confirmed it{why}"]


def _brought(layout: Layout, history: History) -> dict[str, Any] | None:
    """The newest run that brought what runs."""
    running = deployments.current(layout)
    return next((run for run in reversed(history.runs) if changed(run) and run["to"] == running), None)


def concluded(layout: Layout, n: int, state: str, run: str, by: str, why: str = "") -> None:
    """Ends a run with what became of its deployment: confirmed, failed or returned.

    A deployment that was confirmed before does not fail by what it meets later; only the run does.
    """
    history = History.load(layout)
    known = state
    if n in history.records:
        record = history.records[n]
        stays = state == FAILED and record.get("confirmed")
        known = CONFIRMED if stays else state
        if history.state(n) != known:
            history.note(known, n, by, why)
            history.mark(n, known, by, run, "" if stays else why)
        record["confirmed"] = known == CONFIRMED
    entry = history.run(run)
    if entry is not None and (state, entry.get("outcome")) != (CONFIRMED, NOTHING):
        history.ended(run, state, why=why)
    history.save(layout)
    lease.release(layout, run)
