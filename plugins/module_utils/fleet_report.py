"""What a run over a fleet came to: totals, the hosts that need an operator, and the rest in one line a group.

Pure: what earlier tasks registered of each host comes in, lines and a JSON document go out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import modes
from .fleet import count, named

SCHEMA = 1
NEEDY = ("refused", "lost", "failed", "not started", "not looked at")
"""The states in which a host needs an operator, in the order of the report."""
INTERNAL = re.compile(r"^(?:Task failed: )?(?:Module failed: |Action failed: )?")
TRACE = "Traceback (most recent call last)"
WARNS = re.compile(r"agent (?:warn|fail) \(")
LAST_WORDS = 4

Vars = Mapping[str, Any]


@dataclass
class Seen:
    """What was registered of one host; empty or None where a task did not run.

    `active` is False for a host that Ansible dropped because it was not reached. `planned`: it was to be switched.
    `settled`: it runs already what was staged.
    """

    host: str
    stores: bool = False
    active: bool = True
    preflight: Vars = field(default_factory=dict)
    staged: Vars = field(default_factory=dict)
    switched: Vars = field(default_factory=dict)
    health: Vars = field(default_factory=dict)
    now: Vars = field(default_factory=dict)
    shadow: Vars = field(default_factory=dict)
    failed: str = ""
    last_words: Sequence[str] = ()
    refused: Sequence[str] = ()
    notes: Sequence[str] = ()
    planned: bool = False
    settled: bool = False


@dataclass
class Entry:
    """One host in the report."""

    host: str
    kind: str
    state: str
    at: str = ""
    running: Vars = field(default_factory=dict)
    before: Vars = field(default_factory=dict)
    cause: list[str] = field(default_factory=list)
    last_words: list[str] = field(default_factory=list)
    command: str = ""
    done: list[str] = field(default_factory=list)
    health: str = ""
    notes: list[str] = field(default_factory=list)
    differs: str = ""
    shadow: Vars = field(default_factory=dict)

    @property
    def needs_operator(self) -> bool:
        """Whether it is not where it should be."""
        return self.state in NEEDY

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return dict(self.__dict__)


def entry(seen: Seen, check: bool, partial: bool) -> Entry:
    """What became of a host. A `partial` run asks no host for its health."""
    about = Entry(seen.host, "store" if seen.stores else "edge", "")
    before = dict(seen.preflight.get("running") or {})
    after = seen.now if seen.failed and seen.now.get("running") else seen.health
    about.running = dict(after.get("running") or seen.switched.get("running") or before)
    about.before = before
    about.health = str(seen.health.get("summary") or "")
    about.notes = list(seen.notes)
    about.shadow = {name: seen.shadow[name] for name in ("report", "verdicts") if name in seen.shadow}
    done = list(seen.switched.get("said") or (["nothing to do"] if seen.settled else []))
    if check and (would := seen.staged.get("said")):
        done = [*would, *(words for words in done if words != "nothing to do")]
    about.done = done
    about.differs = against_inventory(seen.preflight, about.running)
    about.state, about.at, about.cause = _state(seen, check, partial)
    if about.state == "failed":
        about.last_words = list(seen.last_words)[-LAST_WORDS:]
    return about


def _state(seen: Seen, check: bool, partial: bool) -> tuple[str, str, list[str]]:
    """The state, the part of the run in which it came about, and the cause."""
    if seen.refused:
        return "refused", "preflight", list(seen.refused)
    if at := lost_at(seen):
        return "lost", at, [_why_lost(seen)]
    if seen.failed:
        at, _, words = seen.failed.partition(": ")
        return "failed", at, [plain(words or at)]
    if seen.planned and not seen.switched and not seen.health:
        return "not started", "the switch", []
    if check:
        return "checked", "", []
    if another := _another_run(seen):
        return "failed", "the switch", [another]
    if seen.health.get("summary"):
        return "healthy", "", []
    if partial and seen.preflight:
        return "partial", "", []
    return "not looked at", "", []


def _another_run(seen: Seen) -> str:
    """Why a healthy host is not what this run made of it; empty when it runs what this run staged."""
    meant, runs = seen.staged.get("deployment"), (seen.health.get("running") or {}).get("deployment")
    if not meant or not runs or runs == meant:
        return ""
    return (
        f"it runs deployment {runs}, and this run staged deployment {meant}: another run, or a person, has changed it"
    )


def lost_at(seen: Seen) -> str:
    """The part of the run in which a host was not reached; empty when it always was."""
    parts = (("preflight", seen.preflight), ("staging", seen.staged), ("the switch", seen.switched))
    for name, result in (*parts, ("the look at its health", seen.health)):
        if result.get("unreachable"):
            return name
    if seen.active:
        return ""
    if not seen.preflight:
        return "preflight"
    if not seen.staged:
        return "Redis, the token for InfluxDB, or staging"
    return "the look at its health" if seen.switched else "the switch"


def _why_lost(seen: Seen) -> str:
    for result in (seen.preflight, seen.staged, seen.switched, seen.health):
        if result.get("unreachable"):
            return plain(str(result.get("msg") or "")) or "no answer by ssh"
    return "no answer by ssh"


def plain(text: str) -> str:
    """A cause without Ansible's own words and without a traceback, of which the last line says what broke."""
    words = text.strip()
    if TRACE in words:
        words = [line for line in words.splitlines() if line.strip()][-1].strip()
    words = INTERNAL.sub("", words.removeprefix("Failed to connect to the host via ssh: "))
    lines = [line.strip() for line in words.splitlines() if not line.startswith("Warning: Permanently added")]
    return " ".join(line for line in lines if line)


def against_inventory(preflight: Vars, running: Vars) -> str:
    """Where a host differs from what its inventory says; empty when it does not."""
    runs, says = running.get("mode"), preflight.get("inventory_mode")
    if not runs:
        return ""
    if says and says != runs:
        return f"the inventory says {says}"
    meant = modes.implementations(runs, preflight.get("overrides"))
    found = running.get("implementations") or meant
    parts = [f"{kind}={meant[kind]}" for kind in meant if found.get(kind) != meant[kind]]
    return f"the inventory says {', '.join(parts)}" if parts else ""


def what_runs(running: Vars) -> str:
    """Release, deployment and mode."""
    if not running:
        return "nothing deployed"
    return f"{running['release']}, deployment {running['deployment']}, {running['mode'] or 'agent only'}"


@dataclass
class Report:
    """A run: its entries, and what holds for all of it."""

    run: str
    at: str
    entries: list[Entry]
    check: bool = False
    stopped: str = ""
    general: Sequence[str] = ()

    @property
    def bad(self) -> list[str]:
        """Hosts that need an operator."""
        return [one.host for one in self.entries if one.needs_operator]

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "schema": SCHEMA,
            "run": self.run,
            "at": self.at,
            "check": self.check,
            "stopped": self.stopped,
            "general": list(self.general),
            "totals": _totals(self.entries),
            "hosts": {one.host: one.document() for one in self.entries},
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
    known = [*NEEDY, "healthy, changed", "healthy, unchanged", "looked at, not changed", "health not checked"]
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
        for words in one.notes:
            notes.setdefault(words, []).append(one.host)
    return [f"{words}: {named(hosts)}" for words, hosts in notes.items()]


def next_run(typed: Sequence[str], preflights: Iterable[Vars]) -> list[str]:
    """What was given by `-e` and not by the inventory, and what a run without it does."""
    lines: list[str] = []
    others = [name for name in typed if name != "mode"]
    by_words: dict[str, int] = {}
    typed_mode = ""
    for found in preflights:
        if found.get("mode_from") == "-e mode=":
            typed_mode, inventory = str(found["mode"]), found.get("inventory_mode")
            words = f"would run {inventory}" if inventory and inventory != typed_mode else "would keep it"
            by_words[words] = by_words.get(words, 0) + 1
    if by_words:
        outcome = ", ".join(f"{count(by_words[words], 'edge')} {words}" for words in sorted(by_words, reverse=True))
        lines.append(f"by -e and not by the inventory: mode={typed_mode}; in a run without it {outcome}")
    if others:
        lines.append(
            f"by -e and not by the inventory: {', '.join(others)}; a run without it goes back to the inventory's value"
        )
    return lines
