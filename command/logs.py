"""`seclyzer logs`: the journal of SecLyzer's units, all or some."""

from __future__ import annotations

import argparse
import grp
import os
import sys

from plugins.module_utils.kinds import KINDS, SERVICES

from .exits import UNKNOWN, USAGE, Stop
from .host import Host
from .screen import Screen

HELP = "the journal of SecLyzer's units: all, or those that are named"
ABOUT = """Runs journalctl for them, so -f, -n, --since and a pager work as usual. Names: extractors (all
three), keystroke, mouse, app, agent, store (the way there), redis, influxdb, gateway, watch (influxdb-watch,
which notices that points are gone), trial, checklist (a watch of checklist.yml). Without a name: all.

`journalctl -u seclyzer-extractors` has only the starts and stops of the group: systemd files a line under the
unit that wrote it, which is seclyzer-keystroke, -mouse or -app. This command, or `journalctl -u 'seclyzer-*'`,
shows those."""
UNITS = {
    **dict(zip(KINDS, ((unit,) for unit in SERVICES), strict=True)),
    "extractors": ("seclyzer-extractors.service", *SERVICES),
    "agent": ("seclyzer-agent.service", "seclyzer-agent.socket"),
    "store": ("seclyzer-store.service", "seclyzer-store.socket"),
    "redis": ("redis-server.service", "seclyzer-redis.service"),
    "influxdb": ("influxdb.service", "influxdb-wal.service"),
    "gateway": ("influxdb-gateway.service",),
    "watch": ("influxdb-watch.service", "influxdb-watch.timer"),
    "trial": ("seclyzer-trial.service", "seclyzer-compare.service"),
    "checklist": ("seclyzer-watch.service",),
}
PASSING = ("trial", "checklist")
"""Of units that are there only while they are at work."""
NAMES = tuple(UNITS)
"""What the shell completes."""
READERS = ("systemd-journal", "adm")
"""Groups whose members read the whole journal."""
LINES = 100
ENDS = f"""exit status:
  journalctl's: 0 when it has shown what there is, 1 when it could not, and when a signal such as Ctrl-C ended it that
  signal. Before it begins:
  {UNKNOWN:<3} SecLyzer is not on this host
  {USAGE:<3} the command line is wrong
"""
AS_JSON = "print each line of the journal as a JSON object, as journalctl --output=json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(UNITS)}")
    parser.add_argument("-f", "--follow", action="store_true", help="show new lines as they come")
    parser.add_argument("-n", "--lines", type=int, metavar="N", help=f"the last N lines (default {LINES})")
    parser.add_argument("--since", metavar="TIME", help="from then on, as journalctl reads it: -10min, 'today', a date")
    parser.add_argument("--until", metavar="TIME", help="until then")
    parser.add_argument("-p", "--priority", metavar="LEVEL", help="as journalctl: warning, err, …")


def run(options: argparse.Namespace, screen: Screen, host: Host) -> int:
    """Becomes journalctl, with its exit status: so a pager and Ctrl-C work as there."""
    host.require()
    if not host.is_root and not _reads_journal():
        print("note: without sudo only your own lines are shown: sudo seclyzer logs", file=sys.stderr)
    words = command(options)
    os.execvp(words[0], words)


def command(options: argparse.Namespace) -> list[str]:
    """What is run. Raises Stop for a name that is none."""
    if unknown := [name for name in options.names if name not in UNITS]:
        raise Stop(f"there is no {unknown[0]!r}; there are {', '.join(UNITS)}", USAGE)
    names = options.names or list(UNITS)
    units = dict.fromkeys(unit for name in names for unit in UNITS[name])
    words = ["journalctl", *(f"--unit={unit}" for unit in units)]
    if options.lines is not None or not options.since:
        words.append(f"--lines={LINES if options.lines is None else options.lines}")
    for option in ("since", "until", "priority"):
        if value := getattr(options, option):
            words.append(f"--{option}={value}")
    words += ["--follow"] if options.follow else []
    return words + (["--output=json", "--no-pager"] if options.json else [])


def _reads_journal() -> bool:
    found = set()
    for name in READERS:
        try:
            found.add(grp.getgrnam(name).gr_gid)
        except KeyError:
            continue
    return bool(found & {*os.getgroups()})
