"""On what it was measured."""

import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TURNS = 1_000_000


def about() -> dict[str, Any]:
    """The machine, and what ran on it, in words."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "redis": _first_line("redis-server", "--version"),
        "load_before": round(os.getloadavg()[0], 2),
        "instructions": "counted"
        if instructions(["true"])
        else "not counted: perf has no counters here; CPU time is gated",
    }


def loop_ns() -> float:
    """The CPU time of one turn of a plain loop: how fast this machine is just now, whatever is measured on it."""
    begun = time.process_time_ns()
    total = 0
    for i in range(TURNS):
        total += i * i
    return (time.process_time_ns() - begun) / TURNS


def version(program: Path) -> str:
    """What a program says of itself: `keystroke_extractor 0.1.0 (rust)`."""
    return _first_line(str(program), "--version")


def python_of(folder: Path) -> str:
    """The Python beside the programs of a folder."""
    return _first_line(str(folder / "python"), "-IV")


def instructions(words: Sequence[str], given: bytes = b"") -> int | None:
    """How many instructions a program takes in user space; None where nobody counts, as on most virtual CPUs."""
    if shutil.which("perf") is None:
        return None
    with tempfile.NamedTemporaryFile("r") as counted:
        perf = ["perf", "stat", "-x,", "-o", counted.name, "-e", "instructions:u", "--", *words]
        done = subprocess.run(perf, input=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        rows = [line.split(",") for line in counted if "instructions" in line]
    return int(rows[0][0]) if done.returncode == 0 and rows and rows[0][0].isdigit() else None


def _first_line(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else "unknown"
