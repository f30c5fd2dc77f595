"""What a run over a fleet came to: totals, the hosts that need an operator, and the rest in one line a group.

Pure: an entry for each host comes in, lines and a JSON document go out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .fleet import count, named
from .fleet_entry import LEFT, NEEDY, Entry, Vars
from .judging import IDLE

SCHEMA = 1
ROLLS_OUT = "site.yml"
"""The playbook that stages; a run of it that comes no further than before that is in no host's history."""
WARNS = re.compile(r"agent (?:warn|fail) \(")


def what_runs(running: Vars) -> str:
    """Release, deployment and mode."""
    if not running:
        return "nothing deployed"
    return f"{running['release']}, deployment {running['deployment']}, {running['mode'] or 'agent only'}"


@dataclass
class Report:
    """A run: its entries, and what holds for all of it.

    `given`: the options that were given by `-e`. `following`: the mode that the next plain run of site.yml brings, by
    host, where that is another.
    """

    run: str
    at: str
    entries: list[Entry]
    check: bool = False
    stopped: str = ""
    general: Sequence[str] = ()
    given: Sequence[str] = ()
    following: Mapping[str, str] = field(default_factory=dict)
    playbook: str = ROLLS_OUT

    @property
    def bad(self) -> list[str]:
        """Hosts that need an operator."""
        return [one.host for one in self.entries if one.needs_operator]

    def document(self) -> dict[str, Any]:
        """For JSON. Each host has the run and the playbook, too: a kept report has hosts of several runs."""
        of = {"run": self.run, "playbook": self.playbook}
        return {
            "schema": SCHEMA,
            "run": self.run,
            "at": self.at,
            "check": self.check,
            "stopped": self.stopped,
            "general": list(self.general),
            "by_e": list(self.given),
            "next": dict(self.following),
            "totals": _totals(self.entries),
            "hosts": {one.host: one.document() | of for one in self.entries},
        }

    def lines(self) -> list[str]:
        """For people."""
        found = [_headline(self.entries, self.run)]
        for state in NEEDY:
            found += _needy([one for one in self.entries if one.state == state])
        if self.stopped:
            found.append(self.stopped)
        found += _groups([one for one in self.entries if not one.needs_operator])
        return [*found, *_noted(self.entries), *self.general]


def _totals(entries: Iterable[Entry]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for one in entries:
        totals[_state_word(one)] = totals.get(_state_word(one), 0) + 1
    return totals


def _state_word(one: Entry) -> str:
    """The state as the totals count it."""
    if one.state == "healthy":
        return "healthy, unchanged" if unchanged(one) else "healthy, changed"
    return {"checked": "looked at, not changed", "partial": "health not checked"}.get(one.state, one.state)


def unchanged(one: Entry) -> bool:
    """Whether the run did nothing to what the host runs."""
    return not [words for words in one.done if words != "nothing to do"]


def _headline(entries: Sequence[Entry], run: str) -> str:
    totals = _totals(entries)
    known = [*NEEDY, "healthy, changed", "healthy, unchanged", "looked at, not changed", "health not checked", LEFT]
    parts = [f"{totals[word]} {word}" for word in known if word in totals]
    return f"{count(len(entries), 'host')}: {'; '.join(parts) or 'nothing to do'}" + (f"  (run {run})" if run else "")


def _needy(entries: Sequence[Entry]) -> list[str]:
    """Those of one state, each by itself; those without a story of their own together."""
    if entries and entries[0].state in ("not started", "not looked at"):
        hosts = named([one.host for one in entries])
        lines = [f"{entries[0].state.upper()}  {hosts}: as before this run"]
        return [*lines, *([f"  do      {entries[0].command}"] if entries[0].command else [])]
    lines = []
    for one in entries:
        lines.append(f"{one.host}  {one.state.upper()} in {one.at}")
        lines.append(f"  runs    {what_runs(one.running)}{_as_before(one)}")
        if one.before.get("deployment") != one.running.get("deployment"):
            lines.append(f"  before  {what_runs(one.before)}")
        lines += [f"  cause   {words}" for words in one.cause]
        lines += [f"  logged  {words}" for words in one.last_words]
        lines += [f"  do      {one.command}"] if one.command else []
    return lines


def _as_before(one: Entry) -> str:
    if one.state == "lost":
        return " when it was last seen" if one.running else " that is known"
    return " (as before)" if one.before.get("deployment") == one.running.get("deployment") else ""


def _groups(entries: Sequence[Entry]) -> list[str]:
    """The hosts that need no operator, those alike in one line."""
    groups: dict[str, list[Entry]] = {}
    for one in entries:
        runs = f"{one.running['release']}  {one.running['mode'] or 'agent only'}" if one.running else "nothing deployed"
        words = [runs, _state_word(one), *([f"({one.differs})"] if one.differs else [])]
        groups.setdefault("  ".join([one.kind, *words]), []).append(one)
    lines = []
    for group, members in sorted(groups.items()):
        kind, _, rest = group.partition("  ")
        lines.append(f"{count(len(members), kind)}  {rest}: {named([one.host for one in members])}")
        lines += _done(members)
    return lines


def _done(members: Sequence[Entry]) -> list[str]:
    """What was done on the hosts of a group, those alike in one line; a rollout does the same to most."""
    by_words: dict[str, list[str]] = {}
    for one in members:
        if not unchanged(one):
            by_words.setdefault("; ".join(one.done), []).append(one.host)
    shown = sorted(by_words.items(), key=lambda pair: -len(pair[1]))[:3]
    lines = [f"  {words}: {named(hosts)}" for words, hosts in shown]
    rest = sum(len(hosts) for hosts in by_words.values()) - sum(len(hosts) for _, hosts in shown)
    return [*lines, *([f"  and other things on {count(rest, 'host')}: report_file has them"] if rest else [])]


def _noted(entries: Sequence[Entry]) -> list[str]:
    """What is worth knowing of hosts that are well."""
    notes: dict[str, list[str]] = {}
    for one in entries:
        if one.state == "healthy" and WARNS.search(one.health):
            notes.setdefault(f"the agent warns: {one.health.partition('agent ')[2]}", []).append(one.host)
        if one.state == "healthy" and IDLE in one.health:
            notes.setdefault("no events flowed in the trial, so windows, points and leaks were not seen", []).append(
                one.host
            )
        for words in one.notes:
            notes.setdefault(words, []).append(one.host)
    return [f"{words}: {named(hosts)}" for words, hosts in notes.items()]
