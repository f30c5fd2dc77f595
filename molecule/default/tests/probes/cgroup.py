"""Where a process stands in the control groups, on cgroup v1 and v2, and how another one joins it."""

import os
from dataclasses import dataclass
from math import inf
from pathlib import Path

# controller → file that counts how often its limit bit, and the word in it (empty: the file is the number).
BITES = {
    1: {"memory": ("memory.failcnt", ""), "pids": ("pids.events", "max"), "cpu": ("cpu.stat", "nr_throttled")},
    2: {"memory": ("memory.events", "max"), "pids": ("pids.events", "max"), "cpu": ("cpu.stat", "nr_throttled")},
}


@dataclass(frozen=True)
class Group:
    """A service's control group for one controller."""

    version: int
    controller: str
    folder: Path

    def join(self) -> None:
        """Move the calling process into it."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def bites(self) -> int:
        """How often the limit has been hit."""
        file, word = BITES[self.version][self.controller]
        text = (self.folder / file).read_text()
        if not word:
            return int(text)
        return next(int(line.split()[1]) for line in text.splitlines() if line.split()[0] == word)

    def cores(self) -> float:
        """How many cores the kernel lets it use; infinite when it is not limited."""
        quota, period = self._bandwidth()
        return inf if quota in ("max", "-1") else int(quota) / period

    def period(self) -> float:
        """The seconds over which the kernel counts what it uses."""
        return self._bandwidth()[1] / 1e6

    def _bandwidth(self) -> tuple[str, int]:
        if self.version == 2:
            quota, period = (self.folder / "cpu.max").read_text().split()
        else:
            quota, period = ((self.folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        return quota, int(period)

    def allow(self, cores: float) -> None:
        """Another limit, until systemd writes its own again."""
        _, period = self._bandwidth()
        if self.version == 2:
            (self.folder / "cpu.max").write_text(f"{int(cores * period)} {period}")
        else:
            (self.folder / "cpu.cfs_quota_us").write_text(str(int(cores * period)))


def group_of(pid: int, controller: str) -> Group:
    """The group of that process for `memory`, `pids` or `cpu`."""
    unified = None
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return Group(1, controller, _mounted("cgroup", controller) / path.lstrip("/"))
        if not controllers:
            unified = path
    if unified is None:
        raise LookupError(f"process {pid} is in no control group for {controller}")
    return Group(2, controller, _mounted("cgroup2", "") / unified.lstrip("/"))


def _mounted(kind: str, controller: str) -> Path:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        found, _, options = after.split(" ", 2)
        if found == kind and (not controller or controller in options.split(",")):
            return Path(before.split(" ")[4])
    raise LookupError(f"no {kind} hierarchy is mounted for {controller or 'all'}")
