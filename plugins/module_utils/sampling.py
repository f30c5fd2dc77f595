"""The sampler of a watch, on the host itself: looks at what runs, again and again, and writes a line at each look.

It needs no controller. It is a unit that is started again after a crash or a reboot, goes on with the same plan, and
removes itself when the time is over. What it did not see shows as a gap between two lines.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import before, deployments, health, processes, watch_plan, watch_unit
from .health import Health, Target
from .layout import Layout, Refused
from .watch_plan import Plan

BOOT = Path("/proc/sys/kernel/random/boot_id")
FIRST = Path("/proc/1/stat")
FAULTS, WORDS = 5, 200
"""So many sentences of a look are kept, and so many characters of each."""
COUNTED = ("events", "windows", "points_written")


class Sampling:
    """One watch on its host. Tests give another clock."""

    def __init__(
        self,
        layout: Layout,
        plan: Plan,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._layout, self._plan, self._clock, self._sleep = layout, plan, clock, sleep
        self._lines = sum(1 for _ in watch_plan.samples(layout))

    def run(self) -> None:
        """To the end of the plan."""
        with suppress(OSError):  # the write says so
            watch_plan.mend(self._layout)
        self._write({"started": os.getpid()})
        while (now := self._clock()) < self._plan.until and self._lines < watch_plan.LINES:
            self._write(self._sample())
            # By the plan's clock, so that a look that takes long moves no other.
            passed = (self._clock() - self._plan.began) % self._plan.every
            self._sleep(min(self._plan.every - passed, max(self._plan.until - now, 0.1)))
        self._write({"ended": True})

    def _write(self, what: dict[str, Any]) -> None:
        line = {"t": round(self._clock(), 1), "boot": boot()} | what
        self._lines += 1
        try:
            watch_plan.append(self._layout, line)
        except OSError as fault:  # the next one may be written again; until then it is a gap
            print(f"seclyzer-watch: the sample is not kept: {fault.strerror}", file=sys.stderr, flush=True)

    def _sample(self) -> dict[str, Any]:
        try:
            found = health.look(Target.of(self._layout))
            return {"deployment": deployments.current(self._layout)} | described(found)
        except (Refused, OSError, ValueError) as fault:
            return {"blind": str(fault)[:WORDS]}


def described(found: Health) -> dict[str, Any]:
    """What a look saw, as a line keeps it: no journal, no name of an application."""
    faults = [words[:WORDS] for words in found.faults[:FAULTS]]
    kinds = {kind: _kind(stats) for kind, stats in found.stats.items() if stats}
    return {"state": "fail" if faults else "warn" if found.warns else "pass", "faults": faults, "kinds": kinds}


def _kind(stats: dict[str, str]) -> dict[str, Any]:
    pid = int(stats["pid"]) if stats.get("pid", "").isdecimal() else 0
    line: dict[str, Any] = {"life": f"{pid} {stats.get('started_at', '')}", "by": stats.get("implementation", "")}
    line |= {name: int(stats[name]) for name in COUNTED if stats.get(name, "").isdecimal()}
    line["lost"] = {name: n for name, n in before.counters(stats).items() if n}
    with suppress(OSError):  # it ends just now
        line |= {"cpu_s": round(processes.cpu_s(pid), 2), "mib": round(processes.memory_mib(pid), 2)}
    return line


def boot() -> str:
    """What names this start of the machine: the kernel's, and of a container when its first process began."""
    return f"{BOOT.read_text().strip()[:8]}-{FIRST.read_text().rpartition(')')[2].split()[19]}"


def main() -> int:
    """The program of the unit."""
    os.umask(0o077)
    layout = Layout()
    try:
        if plan := watch_plan.load(layout):
            Sampling(layout, plan).run()
        watch_unit.remove(layout)
    except Refused as fault:
        print(f"seclyzer-watch: {fault}", file=sys.stderr, flush=True)
        return 1
    return 0
