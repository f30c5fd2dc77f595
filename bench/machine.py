"""On what it was measured."""

import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
        "instructions": f"counted by {_first_line('valgrind', '--version')}"
        if instructions(["true"])
        else "not counted: valgrind is missing or does not run here",
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


@dataclass(frozen=True)
class Counted:
    """How many instructions a program took in user space, and what it wrote."""

    instructions: int
    out: bytes


def instructions(words: Sequence[str], stdin: bytes = b"") -> Counted | None:
    """What a program takes by valgrind's callgrind; None where that is missing or does not run it."""
    if shutil.which("valgrind") is None:
        return None
    counter = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--", *words]
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "PYTHONHASHSEED": "0"}
    done = subprocess.run(counter, input=stdin, capture_output=True, env=environment, check=False)
    collected = re.search(rb"Collected : (\d+)", done.stderr)
    return Counted(int(collected[1]), done.stdout) if done.returncode == 0 and collected else None


def _first_line(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else "unknown"
