"""What the kernel says a running process has used, over all its threads."""

import os
from dataclasses import dataclass
from pathlib import Path

from . import BenchError

PROC = Path("/proc")


@dataclass(frozen=True)
class Memory:
    """Resident memory in MiB; `anon` is the part that is the process's own, not of a file."""

    rss: float
    anon: float


@dataclass(frozen=True)
class Usage:
    """Since the process began: CPU time and time waited for a CPU (ns), and voluntary context switches."""

    cpu_ns: int
    waited_ns: int
    wakeups: int

    def since(self, earlier: "Usage") -> "Usage":
        """What came on top."""
        return Usage(self.cpu_ns - earlier.cpu_ns, self.waited_ns - earlier.waited_ns, self.wakeups - earlier.wakeups)


def memory(pid: int) -> Memory:
    """What it holds now."""
    found = _status(PROC / str(pid))
    return Memory(_mib(found["VmRSS"]), _mib(found["RssAnon"]))


def usage(pid: int) -> Usage:
    """What it has used until now. The scheduler counts in ns; threads that have ended are not in it."""
    cpu_ns = waited_ns = wakeups = 0
    for task in _tasks(pid):
        worked, waited, _ = (task / "schedstat").read_text().split()
        cpu_ns += int(worked)
        waited_ns += int(waited)
        wakeups += int(_status(task)["voluntary_ctxt_switches"])
    return Usage(cpu_ns, waited_ns, wakeups)


def _tasks(pid: int) -> list[Path]:
    folder = PROC / str(pid) / "task"
    try:
        return [folder / name for name in os.listdir(folder)]
    except FileNotFoundError:
        raise BenchError(f"process {pid} has ended while it was measured") from None


def _status(folder: Path) -> dict[str, str]:
    lines = (folder / "status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _mib(text: str) -> float:
    """`1234 kB` in MiB."""
    return int(text.split()[0]) / 1024
