"""Names of runs over many hosts: made once on the controller, `<UTC time>-<user>-<random>`, written on every host.

    20261129T022300Z-anna-4f2c91

Hosts compare runs by the controller's time in the name, since their own clocks may differ.
"""

from __future__ import annotations

import re
import secrets
import time

FORM = re.compile(r"(\d{8}T\d{6}Z)-(.+)-([0-9a-f]{6})")
DIGITS = 14
"""Of year, month, day, hour, minute and second."""


def new(user: str) -> str:
    """The name of a run that begins now."""
    who = re.sub(r"[^A-Za-z0-9_.-]", "_", user) or "unknown"
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{who}-{secrets.token_hex(3)}"


def moment(run: str, at: str = "") -> str:
    """When a run began, in digits that compare as times do. `at` is the host's own time for a name without one."""
    for text in (run, at):
        digits = re.sub(r"\D", "", text.partition("Z")[0])[:DIGITS]
        if len(digits) == DIGITS:
            return digits
    return "0" * DIGITS


def shown(run: str, at: str = "") -> str:
    """When a run began, for people: `2026-11-29 02:23:00Z`."""
    when = moment(run, at)
    if not int(when):
        return "at an unknown time"
    return f"{when[:4]}-{when[4:6]}-{when[6:8]} {when[8:10]}:{when[10:12]}:{when[12:14]}Z"
