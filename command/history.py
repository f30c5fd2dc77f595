"""`seclyzer history`: the deployments of this host and the runs that came to it, with what became of each."""

from __future__ import annotations

import argparse
from typing import Any

from plugins.module_utils import deploying, telling
from plugins.module_utils.history import History
from plugins.module_utils.layout import Refused

from .exits import UNKNOWN, WELL, Stop
from .host import Host
from .screen import Screen

HELP = "the deployments of this host and the runs that came to it, with what became of each"
ABOUT = """Deployments, the newest first and the running one with a star; then what happened, the newest last:
who staged, switched, confirmed or went back, when, and why. `seclyzer rollback` says where this host could go."""
EVENTS = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "-n", "--lines", type=int, default=EVENTS, metavar="N", help="how many events (default %(default)s)"
    )


def run(options: argparse.Namespace, screen: Screen, host: Host) -> int:
    """The command; 3 when nothing was ever deployed."""
    host.require()
    host.require_root("history")
    try:
        history = History.load(host.layout)
        found = deploying.known(host.layout, history) | {"deployment": host.number}
    except (Refused, OSError) as fault:
        raise Stop(str(fault), UNKNOWN) from None
    events = history.events[-options.lines :] if options.lines > 0 else []
    screen.document({"host": host.name, **found, "events": events})
    for line in telling.targets(host.name, found):
        screen.line(line)
    screen.line()
    for event in events:
        screen.line(f"  {words(event)}")
    return WELL if history.records else UNKNOWN


def words(event: dict[str, Any]) -> str:
    """An event in a line."""
    why = f": {event['why']}" if event.get("why") else ""
    n = event.get("deployment")
    what = f"deployment {n} {event.get('what')}" if n is not None else str(event.get("what"))
    return f"{event.get('at')}  {what} by {event.get('by')}{why}"
