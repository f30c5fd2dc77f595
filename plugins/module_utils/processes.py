"""What a process has used of its machine, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds since it began. Raises OSError when there is no such process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mib(pid: int) -> float:
    """What is resident of it; 0 of one that ends just now. Raises OSError when there is no such process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int((status.partition("VmRSS:")[2].split() or ["0"])[0]) / 1024
