"""history.json: every deployment of a host with what became of it, and every run that came to this host.

A version before runs were written down reads what stands here, and drops the runs when it writes: they are then derived
from its events.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .files import read, write
from .layout import Layout, Refused
from .state_versions import HOST, verify_host_file

EVENTS = 200
"""Lines of history that are kept."""
RUNS = 50
"""Runs of each kind that are kept (`newest`)."""
BAD = 50
"""Contents that are remembered as bad."""

UNPROVEN, STAGED, SWITCHED = "unproven", "staged", "switched"
CONFIRMED, RETURNED, FAILED = "confirmed", "returned", "failed"
"""States of a deployment. `switched` is on trial; `failed` was not healthy; `returned` was left for an older one."""
STARTED, REFUSED, NOTHING = "started", "refused", "nothing to do"
"""Outcomes of a run on a host, beside the states of the deployment it brought."""
OUTCOMES = (STARTED, REFUSED, STAGED, SWITCHED, CONFIRMED, RETURNED, FAILED, NOTHING)
RETRY = "-e retry=true"
"""What an operator types to roll out content that failed here or was returned from."""
FORMER = {"healthy": CONFIRMED}
"""States as versions before called them."""
STANDS = (SWITCHED, CONFIRMED, FAILED)
"""Outcomes of a run whose deployment was switched to, and not left again by it."""


@dataclass
class History:
    """What history.json says: an entry for each deployment, for each thing that happened, and for each run."""

    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By number: release, mode, content, state, why, by_run, previous, rollout, and whether it was `confirmed` once."""
    events: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    """Newest last: run, by, at, outcome, from, to, why; and where they apply the run that it was undone by
    (`undone_by`), that it undoes (`undoes`), and whether its controller saw what became of it (`followed`).
    """
    bad: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By content of a deployment that failed here or was left: deployment, release, mode, state, by_run, at, why."""

    @classmethod
    def load(cls, layout: Layout) -> History:
        """Reads it; none is an empty one. One that cannot be read is refused: guessing would go back wrongly."""
        text = read(layout.history)
        if text is None:
            return cls()
        try:
            value = json.loads(text)
            verify_host_file(layout.history, value)
            records = {int(n): _renamed(record) for n, record in value["deployments"].items()}
            events = [dict(event) for event in value["events"]]
            runs = value.get("runs")
            known = [dict(run) for run in runs] if runs is not None else derived(records, events)
            return cls(records, events, known, {str(c): dict(why) for c, why in value.get("bad", {}).items()})
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise Refused(f"{layout.history} cannot be read ({fault}); mend it or move it away") from None

    def save(self, layout: Layout) -> None:
        """Writes it, atomically."""
        records = {str(n): record for n, record in self.records.items()}
        value = {
            "schema": HOST,
            "deployments": records,
            "events": self.events[-EVENTS:],
            "runs": newest(self.runs, RUNS),
            "bad": dict(list(self.bad.items())[-BAD:]),
        }
        write(layout.history, json.dumps(value, indent=2) + "\n", 0o600)

    def note(self, what: str, n: int, by: str, why: str = "", **more: object) -> None:
        """Adds an event."""
        event = {"at": now(), "what": what, "deployment": n, "by": by, **more}
        self.events.append(event | ({"why": why} if why else {}))

    def previous(self, n: int | None) -> int | None:
        """What ran before deployment `n` was switched to."""
        if n is None or n not in self.records:
            return None
        previous = self.records[n].get("previous")
        return previous if isinstance(previous, int) and previous in self.records else None

    def rollout(self, n: int | None) -> str:
        """The run over many hosts by which a deployment came to run; empty when it is not known."""
        return str(self.records.get(n, {}).get("rollout", "")) if n is not None else ""

    def state(self, n: int | None) -> str:
        """How far a deployment came; empty when it is not known."""
        return str(self.records.get(n, {}).get("state", "")) if n is not None else ""

    def mark(self, n: int, state: str, by: str, run: str = "", why: str = "") -> None:
        """Writes down what became of a deployment, and whether its content may be rolled out again without a word."""
        record = self.records[n]
        record |= {"state": state, "why": why, "by_run": run or record.get("by_run", "")}
        content = str(record.get("content", ""))
        if state == CONFIRMED:
            self.bad.pop(content, None)
        if content and state in (RETURNED, FAILED):
            about = {name: record.get(name) for name in ("release", "mode", "state", "by_run", "why")}
            self.bad[content] = {"deployment": n, "by": by, "at": now(), **about}

    def began(self, run: str, by: str, running: int | None, undoes: str = "") -> None:
        """Enters a run that came to this host; once, however often it is named. A use without a run has no name."""
        if run and self.run(run) is None:
            entry = {"run": run, "by": by, "at": now(), "outcome": STARTED, "from": running, "to": None, "why": ""}
            self.runs.append(entry | ({"undoes": undoes} if undoes else {}))

    def ended(self, run: str, outcome: str, to: int | None = None, why: str = "") -> None:
        """Writes down how far a run came here, and which deployment it brought when that is known by now."""
        entry = self.run(run)
        if entry is not None:
            entry |= {"outcome": outcome, "why": why, **({} if to is None else {"to": to})}

    def run(self, run: str) -> dict[str, Any] | None:
        """The entry of a run; None when it was not here, or is forgotten."""
        return next((entry for entry in reversed(self.runs) if run and entry.get("run") == run), None)


def changed(entry: Mapping[str, Any]) -> bool:
    """Whether by this run the host runs another deployment than before."""
    return entry.get("outcome") in STANDS and entry.get("to") is not None and entry.get("to") != entry.get("from")


def idle(entry: Mapping[str, Any]) -> bool:
    """Whether a run went well on a host without another deployment."""
    return entry.get("outcome") == NOTHING or (entry.get("outcome") == CONFIRMED and not changed(entry))


def newest(runs: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Of the runs that changed the host, of the idle ones, and of all others each the newest, in their order.

    So no run pushes one of another kind out: what undoing leads to is known however often nothing was to do since.
    """
    seen: Counter[tuple[bool, bool]] = Counter()
    kept: list[dict[str, Any]] = []
    for run in reversed(runs):
        kind = (changed(run), idle(run))
        seen[kind] += 1
        kept += [run] if seen[kind] <= most else []
    return kept[::-1]


def derived(records: Mapping[int, Mapping[str, Any]], events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs that a version before them left behind, from its events: each move of the link is one."""
    runs: list[dict[str, Any]] = []
    for event in events:
        if "came_from" not in event or event.get("what") not in ("switched", "returned"):
            continue
        n, at, by = event.get("deployment"), str(event.get("at", "")), str(event.get("by", ""))
        record = records.get(n, {}) if isinstance(n, int) else {}
        went_back = event["what"] == "returned"
        name = "" if went_back else str(record.get("rollout", ""))
        state = str(record.get("state", ""))
        outcome = state if state in STANDS else SWITCHED
        runs.append(
            {"run": name or f"{at}-{by}", "by": by, "at": at, "outcome": outcome, "why": ""}
            | {"from": event["came_from"], "to": n}
        )
        if went_back and len(runs) > 1 and runs[-2]["to"] == event["came_from"]:
            runs[-2]["outcome"] = RETURNED
    return runs


def _renamed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its state as it is called now."""
    found = dict(record)
    if found.get("state") in FORMER:
        found["state"] = FORMER[found["state"]]
    if found.get("state") == CONFIRMED:
        found["confirmed"] = True
    return found


def now() -> str:
    """The time as history writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
