"""What is wrong on this host: what the agent reports, and what was looked at here, one entry for each cause.

Causes, their names and their commands are the agent's own (`seclyzer_agent.catalog`, `findings`), so that the agent,
this command and docs/runbook.md say the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seclyzer_agent import findings
from seclyzer_agent.catalog import SHARED
from seclyzer_agent.hysteresis import Damped
from seclyzer_agent.model import Entry, Status
from seclyzer_agent.places import USUAL, Places
from seclyzer_agent.snapshot import CheckState, Shown, Snapshot, View

from . import asking
from .asking import Silent
from .host import Host
from .probes import deployment, extractors, machine, redis, store, units
from .probes.seen import Seen

PROBES: tuple[Callable[[Host], Iterator[Seen]], ...] = (
    *(units.look, machine.look, deployment.look, redis.look, extractors.look, store.look),
)
SINCE_START = ("losses", "errors")
"""What one look cannot tell from what is over: the agent's word counts while there is one."""
REFUSES = "redis-refuses"
"""The agent knows whether others were refused, Redis' log who: without the agent's word it says nothing."""
STATUS = {one.word: one for one in Status}


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong. `since` is RFC 3339, empty when not known; `how` says how each source knows."""

    name: str
    status: Status
    subject: str
    output: str
    command: str
    runbook: str
    since: str = ""
    follows: int = 0
    how: tuple[str, ...] = ()
    check: str = ""
    """The check that found it; empty when it is not known."""

    def document(self) -> dict[str, Any]:
        """For JSON: as the agent's findings, and `how`."""
        named = {"id": self.name, "status": self.status.word, "componentId": self.subject, "output": self.output}
        return named | {
            **({"since": self.since} if self.since else {}),
            **{"command": self.command, "runbook": self.runbook, "follows": self.follows, "how": list(self.how)},
        }


@dataclass(frozen=True)
class Diagnosis:
    """All that is wrong, the worst first; how many things were looked at here; what could not be looked at."""

    wrong: tuple[Wrong, ...]
    looked: int
    agent: str
    """Empty when the agent gave a report, else why not."""
    notes: tuple[str, ...] = field(default=())

    @property
    def status(self) -> Status:
        """The worst."""
        return max((one.status for one in self.wrong), default=Status.PASS)


def diagnose(host: Host) -> Diagnosis:
    """Asks the agent, and looks."""
    try:
        report: Mapping[str, Any] = asking.ask(host)
        silent = ""
    except Silent as fault:
        report, silent = {}, str(fault)
    seen: list[Seen] = []
    notes: list[str] = []
    for probe in PROBES:
        try:
            seen += probe(host)
        except OSError as fault:  # a file that vanished meanwhile: the others still say what they see
            notes.append(f"{probe.__module__.rpartition('.')[2]} could not be looked at: {fault}")
    if not host.is_root:
        notes.append("Redis, the store and the deployment are for root: sudo seclyzer doctor looks at them, too")
    agents, places = reported(report), places_of(host)
    if silent:
        seen.append(_agent(silent))
    else:
        left = (*SINCE_START, *(() if any(one.name == REFUSES for one in agents) else ("refusals",)))
        seen = [one for one in seen if one.entry.measurement not in left]
    return Diagnosis(merged(agents, found(seen, host.name, places), places), len(seen), silent, tuple(notes))


def places_of(host: Host) -> Places:
    """Where the agent has Redis and the store, as far as this user may know."""
    return Places(host.redis_unit, f"unix://{host.redis_socket}", str(host.probes.get("influx_url") or ""))


def _agent(silent: str) -> Seen:
    """That the agent gives no report. When its unit is down, that is the cause, and this is folded under it."""
    words = f"the health agent gives no report: {silent}"
    entry = Entry("state", "seclyzer-agent.service", "system", Status.FAIL, words, finding="unit-down")
    return Seen("units", entry, "GET /healthz")


def reported(report: Mapping[str, Any]) -> list[Wrong]:
    """What the agent reports."""
    checks = {
        str(row.get("output")): name
        for name, rows in (report.get("checks") or {}).items()
        for row in rows
        if row.get("output")
    }
    return [_of_report(one, checks.get(str(one.get("output")), "")) for one in report.get("findings") or []]


def _of_report(one: Mapping[str, Any], check: str) -> Wrong:
    status = STATUS.get(str(one.get("status")), Status.FAIL)
    texts = {name: str(one.get(name) or "") for name in ("id", "componentId", "output", "command", "runbook", "since")}
    how = (f"the agent's check {check}" if check else "the agent",)
    about = texts["output"], texts["command"], texts["runbook"], texts["since"]
    name = check.partition(":")[0]
    return Wrong(texts["id"], status, texts["componentId"], *about, int(one.get("follows") or 0), how, name)


def found(seen: Iterable[Seen], host: str, places: Places = USUAL) -> list[Wrong]:
    """What was looked at here, folded as the agent folds: one entry for each cause."""
    seen = list(seen)
    views: dict[str, list[Shown]] = {}
    now = time.time()
    for one in seen:
        status = one.entry.status
        views.setdefault(one.check, []).append(Shown(one.entry, Damped(status, (status,)), now))
    snapshot = Snapshot(host, now, tuple(_view(name, shown) for name, shown in views.items()), places)
    hows = {one.entry.output: one.how for one in seen}
    return [_of_finding(one, hows.get(one.output, "")) for one in findings.findings(snapshot)]


def _view(name: str, shown: list[Shown]) -> View:
    state = CheckState(name, 0.0, 0.0, 1, 1, shown[0].entry, tuple(shown))
    return View(state, tuple(shown), None)


def _of_finding(one: findings.Finding, how: str) -> Wrong:
    about = one.name, one.status, one.subject, one.output, one.command, one.entry
    return Wrong(*about, "", one.follows, (how,) if how else (), one.check)


def merged(agents: list[Wrong], own: list[Wrong], places: Places = USUAL) -> tuple[Wrong, ...]:
    """Each cause once, with how each source knows it: the agent knows since when, this command what it saw just now.

    What one of them has follows from what the other has seen, too: the agent may have seen the cause later, or not yet.
    """
    by_cause = {_key(one): one for one in agents}
    for one in own:
        other = by_cause.get(_key(one))
        if other is None:
            by_cause[_key(one)] = one
        else:
            by_cause[_key(one)] = _both(other, one)
    return tuple(sorted(_folded([*by_cause.values()], places), key=lambda one: -one.status))


def _both(agents: Wrong, own: Wrong) -> Wrong:
    """One cause that both see, in the words of who sees it worse: the agent looks at some things every five minutes."""
    first, second = (own, agents) if own.status > agents.status else (agents, own)
    words = "" if first.output == second.output else f"{second.output}: "
    how = *first.how, f"{words}{', '.join(second.how) or 'looked at here'}"
    return replace(first, since=agents.since, follows=max(own.follows, agents.follows), how=how, check=agents.check)


def _folded(wrong: list[Wrong], places: Places) -> list[Wrong]:
    """With what follows from another counted below it."""
    problems = [
        findings.Finding(one.name, one.check, one.subject, one.status, 0.0, one.output, one.command) for one in wrong
    ]
    roots = {id(problem): one for problem, one in zip(problems, wrong, strict=True)}
    for problem, one in zip(problems, wrong, strict=True):
        cause = findings.cause_of(problem, problems, places)
        if cause is not problem and id(cause) in roots:
            root = roots[id(cause)]
            how = *root.how, *(f"{one.output}: {each}" for each in one.how)
            follows, status = max(root.follows, one.follows + 1), max(root.status, one.status)
            roots[id(cause)] = replace(root, status=status, since=root.since or one.since, follows=follows, how=how)
            del roots[id(problem)]
    return [*roots.values()]


def _key(one: Wrong) -> tuple[str, str]:
    return one.name, "" if one.name.startswith(SHARED) else one.subject
