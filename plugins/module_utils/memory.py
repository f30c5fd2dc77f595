"""How much memory a host has for programs that are yet to start."""

from __future__ import annotations

from pathlib import Path

MEMINFO = Path("/proc/meminfo")


def available(meminfo: Path = MEMINFO) -> int | None:
    """Bytes that programs may have before the kernel ends some; None where that is not known."""
    try:
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        return None
    return None
