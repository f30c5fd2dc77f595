"""What a step of a run does on its host: stages, switches, goes back, or reports. One run has the host meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import (
    agent_report,
    bundles,
    deployments,
    lease,
    machine,
    older,
    on_trial,
    pruning,
    returning,
    runs,
    shadows,
    signatures,
    staging,
    switching,
    trials,
)
from .before_switch import look_before
from .deployments import Desired
from .existing import REPLACE
from .history import RETURNED, History, newest
from .layout import Layout, Refused
from .lease import Lease
from .on_trial import Terms
from .trials import Trial
from .undoing import BEFORE, Seen, goal, step

Result = dict[str, Any]
RUNS_SHOWN = 20
"""Of the runs that a host knows, the newest of each kind are reported (`history.newest`)."""


def running(layout: Layout) -> Result:
    """What the running deployment says of itself; empty when none runs."""
    found = deployments.manifest(layout, deployments.current(layout)) or {}
    names = ("deployment", "release", "version", "mode", "implementations", "content", "by", "at")
    return {name: found[name] for name in names if name in found}


def overview(layout: Layout) -> Result:
    """What the host's agent shows on its page, or in `overview_fault` why there is none."""
    address = deployments.probe(layout, "agent")
    if not address:
        return {"overview": {}, "overview_fault": "no agent is deployed here"}
    try:
        return {"overview": agent_report.read(address, "/overview"), "overview_fault": ""}
    except Refused as fault:
        return {"overview": {}, "overview_fault": str(fault)}


def status(layout: Layout, names: list[str], ports: list[int], redis_units: list[str], scope: str = "host") -> Result:
    """What the host is and runs."""
    history = History.load(layout)
    return {
        "changed": False,
        "running": running(layout),
        "store": deployments.probe(layout, "influx_url"),
        "deployment": deployments.current(layout),
        "rollout": history.rollout(deployments.current(layout)),
        "previous": history.previous(deployments.current(layout)),
        **(known(layout, history) if scope != "host" else {}),
        "faults": returning.faults(layout, deployments.current(layout)) if scope == "files" else [],
        "releases": sorted(p.name for p in layout.releases.glob("[!.]*")) if layout.releases.is_dir() else [],
        "trial": last.public() if (last := trials.load(layout)) else {},
        "host": machine.describe(layout, names, ports, redis_units),
        "said": [],
    }


def known(layout: Layout, history: History) -> Result:
    """What a host knows of its deployments and runs, and who is at work on it."""
    has = lease.load(layout)
    return {
        "records": {str(n): record for n, record in history.records.items()},
        "runs": newest(history.runs, RUNS_SHOWN),
        "lease": has.as_dict() | {"stale": has.is_stale} if has else None,
        "trial": returning.trial(layout),
    }


def stage(layout: Layout, parameters: Result, check: bool, diff: bool) -> Result:
    """Stages what is desired, or reports what the host lacks."""
    if not parameters["manifest"] or not parameters["sums"]:
        raise Refused("state=staged needs the bundle's manifest, and its SHA256SUMS")
    signers = parameters.get("signers") or []
    signatures.signer(parameters["sums"], parameters["signature"], signers, parameters["allow_unsigned"])
    manifest = bundles.verified(parameters["manifest"], parameters["sums"])
    desired = Desired(
        release=bundles.release_of(manifest),
        version=manifest["version"],
        **{name: parameters[name] for name in ("mode", "implementations", "units", "config", "probes")},
    )
    shown = staging.differences(layout, desired) if diff else []
    archives = Path(parameters["archives"]) if parameters["archives"] else None
    retry, away, loss = (parameters[name] for name in ("retry", "store_away", "accept_state_loss"))
    done = staging.stage(layout, desired, manifest, archives, parameters["by"], check, retry, away, loss)
    if not check and not done.needs:
        runs.staged(layout, parameters["rollout"], done.deployment)
    result: Result = {"changed": done.changed, "deployment": done.deployment, "needs": done.needs, "said": done.changes}
    result["notes"] = done.notes + runs.unseen(layout, parameters["rollout"])
    result["switches"] = done.deployment is None or switching.plan(layout, done.deployment).changed
    if not result["switches"]:
        result["before"] = look_before(layout).as_dict()
    elif not check and done.deployment is not None:
        terms = shadows.Terms(parameters["shadow_seconds"], parameters["values_change"])
        result["shadow"] = shadows.before_switch(layout, done.deployment, terms)
    return result | ({"diff": shown} if shown else {})


def switch(layout: Layout, n: int, parameters: Result, check: bool, what: str = "switched") -> Result:
    """Makes a deployment the running one."""
    if check:
        planned = switching.plan(layout, n)
        words = [f"would be: {planned.sentence()}"] if planned.changed else [planned.sentence()]
        return {"changed": planned.changed, "deployment": n, "said": words, "running": running(layout)}
    before = look_before(layout)
    terms = Terms(parameters["soak"], parameters["trial_seconds"], parameters["patience"])
    by, run, keep = (parameters[name] for name in ("by", "rollout", "keep"))
    stopped = older.stop(layout) if parameters["existing"] == REPLACE else []
    try:
        done, trial = on_trial.switch(layout, n, by, what, run, before, terms, keep)
    except Refused:
        if stopped and deployments.current(layout) != n:
            older.start_again(layout)
        raise
    removed = []
    if done.changed and trial is None:
        history = History.load(layout)
        removed = pruning.prune(layout, history, parameters["keep"])
        history.save(layout)
    words = [done.sentence(), *([f"stopped and disabled {', '.join(stopped)}"] if stopped else [])]
    words += [*([f"removed {', '.join(removed)}"] if removed else [])]
    about = {"deployment": n, "said": words, "running": running(layout), "before": before.as_dict()}
    about["trial"] = trial.identity() if trial else {}
    return {"changed": done.changed, **about}


def back(layout: Layout, parameters: Result, check: bool) -> Result:
    """Returns to what ran before; a host that has nothing to return to stays as it is, and that is reported."""
    if parameters["to"] == BEFORE:
        return _before(layout, parameters, check)
    history = History.load(layout)
    seen = Seen(deployments.current(layout), history.records, history.runs)
    going = goal(seen, parameters["to"]) if parameters["to"] else step(seen, parameters["undo"])
    if going.to is None:
        about = {"said": [going.words], "running": running(layout), "before": look_before(layout).as_dict()}
        return {"changed": False, "deployment": seen.running, "returned": False} | about
    # Before the run counts as one: typed again with the flag, it undoes the same.
    notes = returning.verify_readable(layout, going.to, parameters["accept_state_loss"])
    name, by = parameters["rollout"], parameters["by"]
    if not check:
        runs.begin(layout, name, by, parameters["process"], parameters["take_over"], parameters["undo"])
    notes += returning.prove(layout, going.to)
    done = switch(layout, going.to, parameters, check, "returned")
    if going.undone and not check:
        runs.undone(layout, going.undone, name, by)
    return done | {"returned": True, "said": [*done["said"], *notes]}


def _before(layout: Layout, parameters: Result, check: bool) -> Result:
    """Leaves what was rolled out for the older SecLyzer that a switch has stopped here."""
    if not older.was_stopped(layout):
        raise Refused("no older SecLyzer was stopped on this host; playbooks/remove.yml takes SecLyzer away")
    n, name, by = deployments.current(layout), parameters["rollout"], parameters["by"]
    words = "the older SecLyzer in the place of " + (f"deployment {n}" if n is not None else "nothing")
    about: Result = {"changed": True, "deployment": None, "returned": True, "running": {}, "before": {}, "trial": {}}
    if check:
        return about | {"said": [f"would be: {words}"]}
    runs.begin(layout, name, by, parameters["process"], parameters["take_over"])
    units = older.leave(layout)
    if n is not None:
        runs.concluded(layout, n, RETURNED, name, by, f"{by} went back to the older SecLyzer")
    lease.release(layout, name)
    return about | {"said": [f"{words}: started {', '.join(units)}"]}


def would(layout: Layout, parameters: Result, diff: bool) -> Result:
    """What check mode tells; a host that another run has is refused as it would be."""
    if parameters["state"] == "given_back":
        return {"changed": False, "deployment": deployments.current(layout), "said": []}
    other = lease.held(layout, parameters["rollout"]) if parameters["rollout"] else None
    if other and not parameters["take_over"]:
        raise Refused(other.sentence())
    return act(layout, parameters, True, diff)


def run(layout: Layout, parameters: Result, diff: bool) -> Result:
    """A step of a run, which has the host meanwhile; one that is refused ends here, and gives the host back."""
    name, by = parameters["rollout"], parameters["by"]
    if parameters["state"] == "given_back":
        runs.refused(layout, name, parameters["why"])
        return {"changed": False, "deployment": deployments.current(layout), "said": []}
    asks = parameters["state"] == "staged" and not parameters["take_over"]
    if asks and (other := runs.contested(layout, name, parameters["waited_for"])):
        return {"changed": False, "waiting": _turn(other), "lease": other.as_dict(), "deployment": None, "said": []}
    waiting = on_trial.waits_for(layout)
    if parameters["state"] != "staged" and (trial := on_trial.begun_by(layout, parameters["rollout"], _to(parameters))):
        return _taken_up(layout, trial)
    if waiting:
        return {"changed": False, "waiting": waiting, "deployment": None, "said": []}
    if parameters["state"] != "previous":
        runs.begin(layout, name, by, parameters["process"], parameters["take_over"])
    try:
        return act(layout, parameters, False, diff)
    except Refused as fault:
        runs.broke_off(layout, name, by, str(fault))
        if parameters["state"] == "staged":
            history = History.load(layout)
            pruning.prune(layout, history, parameters["keep"])
            history.save(layout)
        raise


def _turn(other: Lease) -> str:
    """What a run waits for whose host another came to first that began in the same moment, but later."""
    return f"the run {other.run} of {other.by}, which began in the same moment, to go on or to give the host back"


def _to(parameters: Result) -> int | None:
    """Where a switch goes; for a return that follows from the history."""
    return parameters["deployment"] if parameters["state"] == "current" else None


def _taken_up(layout: Layout, trial: Trial) -> Result:
    """What the switch of this run reported, or would have when ssh was not cut: the trial goes on, or is decided."""
    words = f"deployment {trial.to} after {trial.from_ or 'none'}, on trial when the host was reached again"
    about = {"deployment": trial.to, "said": [words], "running": running(layout), "before": dict(trial.before)}
    back = {"returned": True} if trial.back else {}
    return {"changed": True, "trial": trial.identity(), **about, **back}


def act(layout: Layout, parameters: Result, check: bool, diff: bool) -> Result:
    """Everything that may change the host."""
    if parameters["state"] == "staged":
        return stage(layout, parameters, check, diff)
    if parameters["state"] == "previous":
        return back(layout, parameters, check)
    n = parameters["deployment"]
    if n is None:
        if not check:
            raise Refused("state=current needs the number of a staged deployment")
        words = ["would be: a new deployment"]
        return {"changed": True, "deployment": None, "said": words, "running": running(layout)}
    if not check:
        runs.unmoved(layout, parameters["rollout"], n)
    return switch(layout, n, parameters, check)
