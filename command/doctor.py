"""`seclyzer doctor`: what is wrong, how it is known, and what to type."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from seclyzer_agent.catalog import COMMANDS
from seclyzer_agent.model import Status

from .diagnosis import Diagnosis, Wrong, diagnose
from .exits import BROKEN, DEGRADED, USAGE, WELL, Stop
from .host import Host
from .screen import Screen

HELP = "what is wrong on this host, how it is known, and what to type"
ABOUT = """Asks the health agent, and looks by itself at units, disks, clock, deployment, files, Redis, the
extractors' heartbeats, the store and its certificate. It works while the agent, Redis or the store is dead;
with sudo it sees more.

`seclyzer doctor NAME` prints the runbook's entry of a finding, such as store-token."""
RUNBOOK = Path(__file__).with_name("runbook.md")
NAMES = tuple(COMMANDS)
"""What the shell completes."""
EXITS = {Status.PASS: WELL, Status.WARN: DEGRADED, Status.FAIL: BROKEN}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a finding: print its entry of the runbook")


def run(options: argparse.Namespace, screen: Screen, host: Host) -> int:
    """The command; its exit status is 0 when nothing is wrong, 1 for warnings, 2 when something is broken."""
    if options.name:
        return _explain(options.name, screen)
    host.require()
    found = diagnose(host)
    screen.document(document(found, host))
    show(found, host, screen)
    return EXITS[found.status]


def document(found: Diagnosis, host: Host) -> dict[str, object]:
    """As JSON."""
    return {
        "host": host.name,
        "status": found.status.word,
        "findings": [one.document() for one in found.wrong],
        "looked": found.looked,
        "agent": found.agent or "reports",
        "notes": list(found.notes),
    }


def show(found: Diagnosis, host: Host, screen: Screen) -> None:
    """For a person: the worst first."""
    count = len(found.wrong)
    words = "nothing is wrong" if not count else "1 thing is wrong" if count == 1 else f"{count} things are wrong"
    sources = "the agent's report and " if not found.agent else ""
    screen.line(screen.paint(f"{host.name}: {words}", "bold") + f" ({sources}{found.looked} things looked at here)")
    for one in found.wrong:
        screen.line()
        _show(one, screen)
    if found.notes:
        screen.line()
    for note in found.notes:
        screen.sentence(f"note: {note}", "")


def _show(one: Wrong, screen: Screen) -> None:
    since = f"  since {one.since}" if one.since else ""
    screen.line(f"{screen.paint(one.status.word.upper().ljust(4), one.status.word)}  {one.name}{since}")
    more = f" (and {one.follows} that follow)" if one.follows else ""
    screen.sentence(one.output + more, "      ")
    for how in one.how:
        screen.sentence(f"known by: {how}", "      ")
    screen.line(f"      type:     {screen.paint(one.command, 'bold')}")
    screen.line(f"      more:     seclyzer doctor {one.name}")


def _explain(name: str, screen: Screen) -> int:
    text = entry(name, lambda: RUNBOOK.read_text(encoding="utf-8"))
    screen.document({"id": name, "command": COMMANDS[name], "text": text})
    screen.line(text)
    return WELL


def entry(name: str, read: Callable[[], str]) -> str:
    """The runbook's entry of a finding. Raises Stop when there is none."""
    if name not in COMMANDS:
        raise Stop(f"there is no finding {name!r}; there are {', '.join(COMMANDS)}", USAGE)
    found = re.search(rf"^### {re.escape(name)}\n.*?(?=^##|\Z)", read(), re.MULTILINE | re.DOTALL)
    return found[0].strip() if found else f"{name}\n\n{COMMANDS[name]}"
