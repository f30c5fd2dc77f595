"""The process of a run on its controller: named so that a later run there can tell that it is gone."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


def name(pid: int) -> str:
    """Names a process beyond its number: machine's boot, namespace, number and start; empty when it is gone."""
    try:
        # After the name of the program, which may hold anything but ends in the last parenthesis: the 22nd field.
        started = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
        return f"{_place()}:{pid}:{started}"
    except (OSError, IndexError):
        return ""


def is_gone(process: str) -> bool:
    """Whether a process that was named is certainly gone. What ran elsewhere is never certain."""
    place, _, rest = process.rpartition(":")[0].rpartition(":")
    return bool(place) and place == _place() and rest.isdecimal() and name(int(rest)) != process


def _place() -> str:
    boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{os.readlink(PROC / 'self/ns/pid')}".replace(":", "")
