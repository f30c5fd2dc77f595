"""On what it was measured."""

import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any


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
        "instructions": _instructions(),
    }


def version(program: Path) -> str:
    """What a program says of itself: `keystroke_extractor 0.1.0 (rust)`."""
    return _first_line(str(program), "--version")


def python_of(folder: Path) -> str:
    """The Python beside the programs of a folder."""
    return _first_line(str(folder / "python"), "-IV")


def _instructions() -> str:
    """Whether this machine counts instructions: most virtual ones do not."""
    if shutil.which("perf") is None:
        return "not counted: there is no perf here"
    words = ["perf", "stat", "-x,", "-e", "instructions:u", "true"]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode or "not supported" in done.stderr:
        return "not counted: this machine's CPU gives perf no counters; CPU time is gated instead"
    return "perf counts them here"


def _first_line(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else "unknown"
