"""What became of one host in a run over a fleet: its state, the cause, what it ran and runs.

Pure: what earlier tasks registered of the host comes in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import modes

NEEDY = ("refused", "lost", "failed", "not started", "not looked at")
"""The states in which a host needs an operator, in the order of the report."""
LEFT = "left for the older SecLyzer"
"""The state of a host that runs again what it ran before this project came."""
ON_TRIAL = ("the switch", "the look at its health")
"""The parts of a run in which a host that is lost decides by itself."""
GOES_ON = "a switch that began there is on trial, and the host decides it by itself; the next run reports how"
INTERNAL = re.compile(r"^(?:Task failed: )?(?:Module failed: |Action failed: )?")
SILENT = re.compile(r"^Timeout \((\d+)s\) waiting for privilege escalation prompt:.*", re.DOTALL)
"""What Ansible makes of a host that takes a connection, or has one, and answers nothing by it."""
TRACE = "Traceback (most recent call last)"
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
    if about.state == LEFT:
        about.running = {}
    if about.state == "failed":
        about.last_words = list(seen.last_words)[-LAST_WORDS:]
    return about


def _state(seen: Seen, check: bool, partial: bool) -> tuple[str, str, list[str]]:
    """The state, the part of the run in which it came about, and the cause."""
    if seen.refused:
        return "refused", "preflight", list(seen.refused)
    if at := lost_at(seen):
        return "lost", at, [_why_lost(seen), *([GOES_ON] if at in ON_TRIAL else [])]
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
    if seen.switched.get("returned") and not seen.switched.get("running"):
        return LEFT, "", []
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
    words = SILENT.sub(r"the host answered nothing by ssh for \1 s", words)
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
