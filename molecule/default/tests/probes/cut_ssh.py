"""Ends every ssh session of the host once, as a cut connection does, at a moment of the next trial.

`switch`: as soon as the trial is written down, so that the module which switches is still at work. `trial`: once
another module follows the trial.
"""

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PROC = Path("/proc")
TRIAL = Path("/opt/seclyzer/trial.json")
SESSIONS = ("sshd", "sshd-session")
MODULE = "/usr/bin/python3\0"
"""The command line of a module that Ansible pipes."""
TICK_S = 0.003
LONGEST_S = 400.0


def main(last: float, moment: str, seen: str) -> None:
    """Waits for the trial after the one that began at `last`; what was cut, and when, stands in `seen` afterwards."""
    end = time.monotonic() + LONGEST_S

    def until(come: Any) -> None:
        while not come() and time.monotonic() < end:
            time.sleep(TICK_S)

    until(lambda: trial().get("began", last) != last)
    if moment == "trial":
        until(lambda: bool(trial().get("switched")))
        until(lambda: not asked())
        until(asked)
    ended = sum(end_session(process) for process in PROC.glob("[0-9]*"))
    Path(seen).write_text(json.dumps({"ended": ended, "switched": trial().get("switched")}))


def trial() -> dict[str, Any]:
    """The last trial; empty without one."""
    with suppress(OSError, ValueError):
        found: dict[str, Any] = json.loads(TRIAL.read_text())
        return found
    return {}


def asked() -> bool:
    """Whether a module of Ansible runs."""
    for file in PROC.glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if file.read_text() == MODULE:
                return True
    return False


def end_session(process: Path) -> bool:
    """Ends a process that serves one ssh session; whether it was one. The one that listens is systemd's child."""
    with suppress(OSError):
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        if (process / "comm").read_text().strip() in SESSIONS and parent != "1":
            os.kill(int(process.name), signal.SIGKILL)
            return True
    return False
