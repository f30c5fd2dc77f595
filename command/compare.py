"""`seclyzer compare`: two implementations or releases side by side on this host's live events."""

from __future__ import annotations

import argparse

from plugins.module_utils import compare_job, comparison_report, lease, shadows
from plugins.module_utils.files import locked
from plugins.module_utils.layout import Refused

from .exits import BROKEN, UNKNOWN, WELL, Stop
from .host import Host
from .screen import Screen

HELP = "two implementations or releases side by side on live events, by value"
ABOUT = """A side is `running`, `staged`, `python` or `rust` of the release that runs, a release that the host
has, or one of its implementations (0.1.0-bf1896f20ff8:rust). Nothing on the host changes. Events have to flow,
and windows count 35 s after the start: 60 s give about five of each kind. Ctrl-C leaves it running; `sudo
systemctl stop seclyzer-compare` ends it."""
MEMORY = {"rust": "64M", "python": "96M"}
"""What a side's program may take that its unit, being another implementation's, does not say."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("right", help="the other side")
    parser.add_argument("left", nargs="?", default="running", help="one side (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=60, metavar="S", help="for how long (default %(default)s)")


def run(options: argparse.Namespace, screen: Screen, host: Host) -> int:
    """The command; 0 when something was compared and all is equal, 2 when not, 3 when nothing was compared."""
    host.require()
    host.require_root("compare")
    if not 1 <= options.seconds <= compare_job.LONGEST_S:
        raise Stop(f"--seconds is {options.seconds}; it has to be from 1 to {compare_job.LONGEST_S}", UNKNOWN)
    try:
        with locked(host.layout.lock):
            if has := lease.held(host.layout, ""):
                raise Refused(has.sentence())
            job = shadows.by_name(host.layout, (options.left, options.right), options.seconds, MEMORY)
        shown = ""
        while True:
            found, waiting = compare_job.follow(job, 5.0)
            if not waiting:
                break
            if waiting.partition(":")[0] != shown:
                screen.line(waiting)
            shown = waiting.partition(":")[0]
    except (Refused, OSError) as fault:
        raise Stop(str(fault), UNKNOWN) from None
    report = found["report"]
    one, costs = comparison_report.parsed(report)
    screen.document(dict(found))
    screen.line(comparison_report.text(report["sides"], one, costs, report["seconds"], _reasons(found["verdicts"])))
    if comparison_report.agree(one):
        return WELL
    return BROKEN if any(each.compared for each in one) else UNKNOWN


def _reasons(verdicts: dict[str, dict[str, str]]) -> list[str]:
    return [f"{kind}: {of['verdict']}: {of['why']}" for kind, of in verdicts.items() if of["verdict"] != "equal"]
