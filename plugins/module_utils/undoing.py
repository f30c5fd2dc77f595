"""Which run is undone, and where a host goes by that: decided by the histories of hosts, there or on the controller.

A run is undone on the hosts that run what it brought. Undoing is a run, too, so that undoing it goes forward again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import run_ids
from .history import CONFIRMED, FAILED, NOTHING, RETURNED, SWITCHED, UNPROVEN, changed, idle
from .layout import Refused

Run = Mapping[str, Any]
BEFORE = "before"
"""Where `-e to=` goes for an older SecLyzer that a rollout has stopped."""
SHOWN = 5
"""Hosts that are named one by one in a sentence."""


WIDTH = 160
"""Characters of a reason that are repeated in a sentence about another run."""


@dataclass(frozen=True)
class Seen:
    """What a host knows: the deployment that runs, what became of each, and its runs, newest last. Of the runs one may
    be known to the controller only: `reported`, for the host was not reached by it, or refused it at once.
    """

    running: int | None = None
    records: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    runs: Sequence[Run] = ()

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Seen:
        """From JSON, which has texts for keys."""
        records = {int(n): record for n, record in (content.get("records") or {}).items()}
        return cls(content.get("deployment"), records, content.get("runs") or ())

    def with_report(self, entry: Run | None) -> Seen:
        """With a run that the controller has reported, which the host may not know."""
        if entry is None or self.run(entry["run"]):
            return self
        return replace(self, runs=[*self.runs, {**entry, "reported": True}])

    def run(self, name: str) -> Run | None:
        """The entry of a run."""
        return next((entry for entry in reversed(self.runs) if entry["run"] == name), None)


@dataclass(frozen=True)
class Going:
    """Where a host goes: to this deployment, or it stays when there is none; why; the run that is undone."""

    to: int | None
    words: str = ""
    undone: str = ""


def named(entry: Run) -> str:
    """A run for people: its name, by whom, when."""
    return f"{entry['run']} by {entry['by']} at {run_ids.shown(entry['run'], str(entry.get('at', '')))}"


def step(seen: Seen, run: str) -> Going:
    """Where undoing a run leads on a host. With no name it is the newest that brought what runs; when the history has
    none, it is what the deployment's own record says.

    Raises Refused when what ran before is gone from the host.
    """
    if seen.running is None:
        return Going(None, "nothing is deployed here")
    entry = seen.run(run) if run else _brought(seen)
    n = seen.running
    if entry is None and run:
        return Going(None, f"stays: the run {run} was not here")
    entry = entry or _recorded(seen)
    if not changed(entry):
        return Going(None, f"stays: {_outcome(entry)}")
    if entry["to"] != n:
        return Going(None, f"stays: deployment {n} runs, and the run brought deployment {entry['to']}")
    if entry.get("from") is None:
        return Going(None, f"stays: nothing ran before deployment {n}")
    before = seen.records.get(entry["from"])
    if before is None:
        raise Refused(f"deployment {entry['from']}, which ran before the run {entry['run']}, is not on this host")
    if before.get("state") == FAILED:
        why = f" ({before['why']})" if before.get("why") else ""
        raise Refused(
            f"deployment {entry['from']}, which ran before, failed here{why}; "
            f"-e to={entry['from']} goes there all the same, -e to=list shows where else"
        )
    return Going(entry["from"], "", entry["run"])


def goal(seen: Seen, to: str) -> Going:
    """Where a host goes that is sent to a deployment, to the newest one with a release, or to what a run brought.

    Raises Refused when it has no such thing.
    """
    if seen.running is None:
        return Going(None, "nothing is deployed here")
    n: int | None = None
    if to.isdecimal():
        n = int(to) if int(to) in seen.records else None
    elif entry := seen.run(to):
        n = entry.get("to") if entry.get("to") in seen.records else None
    else:
        having = [number for number, record in seen.records.items() if record.get("release") == to]
        good = [number for number in having if number == seen.running or _may_go(seen.records[number])]
        n = max(good or having, default=None)
    if n is None:
        known = ", ".join(f"{number} ({record.get('release')})" for number, record in sorted(seen.records.items()))
        raise Refused(f"there is no deployment, release or run {to} on this host; it has {known or 'none'}")
    if n == seen.running:
        return Going(None, f"stays: deployment {n} runs already")
    if seen.records[n].get("state") == UNPROVEN:
        raise Refused(f"deployment {n} was refused by its proof: {seen.records[n].get('why') or 'see its history'}")
    brought = _brought(seen)
    return Going(n, "", brought["run"] if brought else "")


def _may_go(record: Mapping[str, Any]) -> bool:
    return record.get("state") in (CONFIRMED, SWITCHED)


def _brought(seen: Seen) -> Run | None:
    """The newest run that brought what runs."""
    return next((entry for entry in reversed(seen.runs) if changed(entry) and entry["to"] == seen.running), None)


def _recorded(seen: Seen) -> Run:
    """The run that brought what runs, by the deployment's own record: the history has none of a use without a run."""
    record = seen.records.get(seen.running or 0, {})
    before = record.get("previous") if record.get("previous") in seen.records else None
    return {"run": str(record.get("rollout") or ""), "outcome": SWITCHED, "from": before, "to": seen.running}


def _outcome(entry: Run) -> str:
    """What a run that changed nothing, or nothing that is left, did on a host."""
    why = f": {_short(str(entry['why']))}" if entry.get("why") else ""
    if entry["outcome"] == RETURNED:
        return f"it has returned from the run already{why}"
    if entry["outcome"] == NOTHING or entry["outcome"] == CONFIRMED:
        return "the run found nothing to change here"
    return f"the run changed nothing here, {entry['outcome']}{why}"


@dataclass(frozen=True)
class Choice:
    """The run that is undone over all hosts, what to report of it, and the run that began to undo it and goes on."""

    run: str
    words: str
    goes_on: str = ""


def choose(hosts: Mapping[str, Seen], away: Sequence[str], run: str, despite: bool) -> Choice:
    """The run to undo: the one that is named, or the last one, passing over those that found nothing to do anywhere.

    Raises Refused when the last one changed nothing that is left, when no host knows the one that is named, or when
    hosts are away that may know a later one.
    """
    of_runs: dict[str, dict[str, Run]] = {}
    for host, seen in hosts.items():
        for entry in seen.runs:
            of_runs.setdefault(entry["run"], {})[host] = entry
    order = sorted(of_runs, key=lambda name: (_moment(of_runs[name]), name))
    active = [name for name in order if not all(idle(entry) for entry in of_runs[name].values())]
    left = next((n for n in reversed(active) if any(_is_left(e, hosts[h]) for h, e in of_runs[n].items())), "")
    hint = f" What runs came by {_named(of_runs[left])}; -e undo={left} undoes that one." if left else ""
    if run:
        if run not in of_runs:
            raise Refused(f"no host of this play knows the run {run}; -e to=list shows what each knows")
        if all(entry.get("reported") for entry in of_runs[run].values()):
            raise Refused(_nothing(f"The run {_named(of_runs[run])}", of_runs[run], hosts) + hint)
        return Choice(run, _chosen(of_runs[run], hosts, away))
    last = active[-1] if active else ""
    if away and not despite:
        known = f" The last that the others know is {_named(of_runs[last])}." if last else ""
        raise Refused(
            f"{_some(away)} cannot be asked, so the last run is not known for certain and nothing was changed.{known} "
            f"-e undo={left or 'RUN'} undoes {'that one' if left == last else 'the one before'}, "
            "-e seclyzer_release_without_unreachable=true the last known; --limit leaves hosts out"
        )
    if not last:
        raise Refused(_none(hosts))
    if unfinished := _unfinished(last, of_runs, hosts):
        return unfinished
    if not any(_is_left(entry, hosts[host]) for host, entry in of_runs[last].items()):
        raise Refused(_nothing(f"The last run, {_named(of_runs[last])},", of_runs[last], hosts) + hint)
    return Choice(last, _chosen(of_runs[last], hosts, away))


def _unfinished(last: str, of_runs: Mapping[str, Mapping[str, Run]], hosts: Mapping[str, Seen]) -> Choice | None:
    """What the last run began to undo and did not finish: a host still runs it, or no controller saw how it ended.

    Undoing the last run instead would go forward, to what is being left.
    """
    entries = of_runs[last]
    undone = next((str(entry["undoes"]) for entry in entries.values() if entry.get("undoes")), "")
    left = [host for host, entry in of_runs.get(undone, {}).items() if _is_left(entry, hosts[host])]
    unseen = [
        host for host, entry in entries.items() if _is_left(entry, hosts[host]) and not entry.get("followed", False)
    ]
    if not undone or not (left or unseen):
        return None
    words = (
        f"goes on with the run {_named(entries)}, which began to undo the run {undone} and did not come to its end on "
        f"{_some(sorted({*left, *unseen}))}; -e undo={last} goes forward instead"
    )
    return Choice(undone, words, last)


def _none(hosts: Mapping[str, Seen]) -> str:
    """Why there is no last run."""
    if all(_recorded(seen)["from"] is None for seen in hosts.values()):
        return "No run has changed these hosts, so there is nothing to undo."
    return (
        "No host knows the run that brought what it runs, so nothing was changed; "
        "-e seclyzer_release_return=each_host goes on each to what ran before, -e to=list shows where else"
    )


def _nothing(run: str, entries: Mapping[str, Run], hosts: Mapping[str, Seen]) -> str:
    """Why a run cannot be undone, host by host."""
    reasons = [f"{host}: {_why_not(hosts[host], entry['run'])}" for host, entry in entries.items()]
    more = f"; and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
    return f"{run} left nothing that could be undone, so nothing was changed ({'; '.join(reasons[:SHOWN])}{more})."


def _why_not(seen: Seen, run: str) -> str:
    try:
        return step(seen, run).words.removeprefix("stays: ")
    except Refused as fault:
        return str(fault)


def _chosen(entries: Mapping[str, Run], hosts: Mapping[str, Seen], away: Sequence[str]) -> str:
    going = [host for host, entry in entries.items() if _is_left(entry, hosts[host])]
    words = f"undoes the run {_named(entries)}, on {_some(going) if going else 'no host'}"
    return words + (f"; not reached: {_some(away)}" if away else "")


def _is_left(entry: Run, seen: Seen) -> bool:
    """Whether a host still runs what the run brought in the place of something else."""
    return changed(entry) and entry["to"] == seen.running and entry.get("from") is not None


def _moment(entries: Mapping[str, Run]) -> str:
    return max(run_ids.moment(entry["run"], str(entry.get("at", ""))) for entry in entries.values())


def _named(entries: Mapping[str, Run]) -> str:
    return named(next(iter(entries.values())))


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _some(hosts: Sequence[str]) -> str:
    more = f" and {len(hosts) - SHOWN} more" if len(hosts) > SHOWN else ""
    return ", ".join(hosts[:SHOWN]) + more


def everywhere(hosts: Mapping[str, Seen], to: str) -> str:
    """Where all hosts go that are sent to one deployment, release or run. Raises Refused when one has no such thing."""
    if to == BEFORE:
        return f"leaves what was rolled out for the older SecLyzer that was stopped: {_some(list(hosts))}"
    going: list[str] = []
    faults: list[str] = []
    for host, seen in hosts.items():
        try:
            step_there = goal(seen, to)
        except Refused as fault:
            faults.append(f"{host}: {fault}")
        else:
            going += [f"{host} to deployment {step_there.to}"] if step_there.to is not None else []
    if faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise Refused(f"{'; '.join(faults[:SHOWN])}{more}. Nothing was changed; --limit leaves hosts out")
    if not going:
        raise Refused(f"All hosts run {to} already, so nothing was changed.")
    return f"goes to {to}: {_some(going)}"
