"""The agent's own process, in the metrics that every Prometheus client library has of its own."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

from .exposition import Family

PROC = Path("/proc/self")


def families() -> list[Family]:
    """`process_*`; none of what /proc does not show."""
    try:
        fields = (PROC / "stat").read_bytes().rpartition(b")")[2].split()
        descriptors = len(os.listdir(PROC / "fd"))
    except OSError:
        return []
    tick = os.sysconf("SC_CLK_TCK")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return [
        _gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", int(fields[20])),
        _gauge(
            "process_resident_memory_bytes", "Resident memory size in bytes.", int(fields[21]) * resource.getpagesize()
        ),
        _gauge(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            _booted() + int(fields[19]) / tick,
        ),
        Family(
            "process_cpu_seconds_total",
            "counter",
            "Total user and system CPU time spent in seconds.",
            samples=[((), (int(fields[11]) + int(fields[12])) / tick)],
        ),
        _gauge("process_open_fds", "Number of open file descriptors.", descriptors),
        _gauge("process_max_fds", "Maximum number of open file descriptors.", soft),
    ]


def _gauge(name: str, words: str, value: float) -> Family:
    return Family(name, "gauge", words, samples=[((), float(value))])


def _booted() -> float:
    """When the machine began, in Unix s, by which a process' start is counted."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
