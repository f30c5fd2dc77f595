"""`seclyzer bench`: the performance test of the release that runs, apart from what runs."""

from __future__ import annotations

import argparse
import json
import select
import subprocess
import sys
from pathlib import Path

from .exits import BROKEN, UNKNOWN, UNREAD, WELL, Stop
from .host import Host
from .screen import Screen

HELP = "the performance test of the release that runs, on made-up load, apart from what runs"
ABOUT = """Both implementations, about two minutes, as a unit of its own without network: services and data are
not touched. The first run's figures stay as a baseline; later ones say what has changed since."""
STATUSES = {0: WELL, 1: BROKEN}
STATE = Path("/var/lib/seclyzer/bench")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--new-baseline", action="store_true", help="this run becomes the baseline")


def run(options: argparse.Namespace, screen: Screen, host: Host) -> int:
    """The command; 2 when a figure is not as expected, 3 when it could not be measured."""
    host.require()
    host.require_root("bench")
    program = host.tree / "bench" / "seclyzer_bench"
    if not program.is_file():
        raise Stop(f"the release of this host has no performance test: {program}", UNKNOWN)
    words = [str(program), *(["--new-baseline"] if options.new_baseline else [])]
    done = subprocess.run(words, stdout=sys.stderr if screen.as_json else None, check=False)
    if screen.as_json:
        try:
            screen.document(json.loads((STATE / "last.json").read_text()))
        except (OSError, ValueError) as fault:
            raise Stop(f"{STATE}/last.json cannot be read: {fault}", UNKNOWN) from None
    elif done.returncode not in STATUSES and not _is_read():
        return UNREAD
    return STATUSES.get(done.returncode, UNKNOWN)


def _is_read() -> bool:
    """Whether what reads the output is still there; the program's status does not say that it ended for that."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return not any(events & select.POLLERR for _, events in poll.poll(0))
