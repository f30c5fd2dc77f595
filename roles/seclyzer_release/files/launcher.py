#!/usr/bin/python3 -IB
"""Runs the command `seclyzer` of the release that runs on this host, whatever that is after a switch or a return.

Any user may start it. The manifest of the deployment is for root and the agent; what the units run is for all.
A release of before has no command: then it is that of the newest release that has one.
"""

import os
import re
import sys
from pathlib import Path

BASE, UNITS = Path("/opt/seclyzer"), Path("/etc/systemd/system")
PROGRAM = "command/seclyzer"
RUNS = re.compile(r"^ExecStart=/opt/seclyzer/releases/([^/\s]+)/", re.MULTILINE)


def release(base: Path, units: Path) -> str:
    """The release that the agent's unit runs; empty when there is none."""
    try:
        found = RUNS.search((units / "seclyzer-agent.service").read_text())
    except (OSError, UnicodeDecodeError):
        return ""
    return found[1] if found and (base / "releases" / found[1]).is_dir() else ""


def program(base: Path, units: Path) -> Path | None:
    """The program to run; None when no release has one."""
    running = base / "releases" / (release(base, units) or "none") / PROGRAM
    if running.is_file():
        return running
    there = [path for path in base.glob(f"releases/[!.]*/{PROGRAM}") if path.is_file()]
    return max(there, key=lambda path: path.parents[1].stat().st_ctime, default=None)


def main() -> int:
    """Becomes the program; 3 when there is none."""
    found = program(BASE, UNITS)
    if found is None:
        print(f"seclyzer: no release in {BASE}/releases has the command; site.yml brings one", file=sys.stderr)
        return 3
    os.execv("/usr/bin/python3", ["/usr/bin/python3", "-IB", str(found), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
