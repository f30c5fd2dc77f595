"""What is wrong, in few sentences: one finding for each cause, what follows from it counted, the worst first.

Pure: made from a snapshot, as report, page and metrics are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from . import kinds
from .catalog import ACROSS, BY_MEASUREMENT, COMMANDS, SHARED, WITHIN, command
from .model import Status
from .places import USUAL, Places
from .snapshot import Shown, Snapshot, View

RUNBOOK = "docs/runbook.md"
BY_REDIS = (*kinds.KINDS, "redis", "legacy_clients")
"""Checks that know nothing without Redis."""
BY_UNITS = ("memory", "limits")
"""Checks that know nothing without systemd."""
SILENT = (*BY_REDIS, "influxdb", "certificate")
"""Checks of a server: that there was no time for its answer is its fault. Of all others nothing is known then."""
LATE, AWAY = "agent-late", "systemd-away"
UNITS_OF = {
    **{kind: (unit,) for kind, unit in kinds.UNITS.items()},
    **dict.fromkeys(("redis", "legacy_clients", "integrity"), ()),
    **dict.fromkeys(("influxdb", "points"), ("influxdb.service", "influxdb-gateway.service")),
}
"""The units without which a check cannot be well, beside that of Redis for those of BY_REDIS."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `since` is Unix s, `follows` how many others come of it, `command` what to type."""

    name: str
    check: str
    subject: str
    status: Status
    since: float
    output: str
    command: str
    follows: int = 0

    @property
    def words(self) -> str:
        """The sentence, and how many more there would be."""
        return f"{self.output} (and {self.follows} that follow)" if self.follows else self.output

    @property
    def entry(self) -> str:
        """Where the runbook has it."""
        return f"{RUNBOOK}#{self.name}"


def findings(snapshot: Snapshot) -> tuple[Finding, ...]:
    """What is wrong, worst first, of those that are as bad what began first."""
    problems = [_problem(snapshot, view, shown) for view in snapshot.views for shown in view.shown if shown.status]
    roots: dict[tuple[str, str], list[Finding]] = {}
    for problem in problems:
        root = cause_of(problem, problems, snapshot.places)
        key = root.name, "" if root.name.startswith(SHARED) else root.subject
        roots.setdefault(key, []).append(problem)
    found = [_folded(key[0], group) for key, group in roots.items()]
    return tuple(sorted(found, key=lambda one: (-one.status, one.since)))


def _problem(snapshot: Snapshot, view: View, shown: Shown) -> Finding:
    entry, check = shown.entry, view.name
    measured = "extractor" if check in kinds.KINDS else check, entry.measurement
    late = entry.unread and check not in SILENT and entry.finding != AWAY
    name = (
        LATE if late else entry.finding if entry.finding in COMMANDS else BY_MEASUREMENT.get(measured, "agent-broken")
    )
    subject = check if check in kinds.KINDS else entry.component
    since = entry.since or shown.since or shown.read_at
    typed = command(name, subject, snapshot.host, snapshot.places)
    return Finding(name, check, subject, shown.status, since, entry.output, typed)


def _folded(name: str, group: Sequence[Finding]) -> Finding:
    """The cause stands for all; it is as bad as the worst that comes of it, and as old as itself."""
    own = [one for one in group if one.name == name] or group
    first = min(own, key=lambda one: (-one.status, one.since))
    since = min(one.since for one in own)
    return replace(first, status=max(one.status for one in group), since=since, follows=len(group) - 1)


def cause_of(problem: Finding, problems: Sequence[Finding], places: Places = USUAL) -> Finding:
    """Of all these the one that this follows from in the end; itself when it follows from none."""
    seen = {id(problem)}
    while (cause := _cause(problem, problems, places)) is not None and id(cause) not in seen:
        seen.add(id(cause))
        problem = cause
    return problem


def _cause(effect: Finding, problems: Sequence[Finding], places: Places) -> Finding | None:
    """What the problem follows from; None when from nothing that is known."""
    others = [one for one in problems if one is not effect]
    if effect.name == "agent-password":
        return None
    if effect.name == LATE:
        by_units = effect.check in BY_UNITS
        return next((one for one in others if by_units and one.check == "units" and one.name != LATE), None)
    units = UNITS_OF.get(effect.check, (effect.subject,))
    units = (*units, places.redis_unit) if effect.check in BY_REDIS else units
    down = [one for one in others if one.check == "units" and one.name not in (LATE, AWAY)]
    away = ("redis-away", "agent-password") if effect.check in BY_REDIS and effect.name != "redis-away" else ()
    within, across = WITHIN.get(effect.name, ()), ACROSS.get(effect.name, ())
    causes = (
        *(one for unit in units for one in down if one.subject == unit),
        *(one for one in others if one.check == "redis" and one.name in away),
        *(one for name in within for one in others if one.check == effect.check and one.name == name),
        *(one for name, subject in across for one in others if one.name == name and subject in ("", one.subject)),
    )
    return next(iter(causes), None)


def headline(snapshot: Snapshot) -> str:
    """One line: what is wrong, worst first, or that all is well."""
    found = findings(snapshot)
    if not found:
        return f"pass: all {len(snapshot.views)} checks are well"
    return f"{snapshot.status.word}: " + "; ".join(one.words for one in found)
