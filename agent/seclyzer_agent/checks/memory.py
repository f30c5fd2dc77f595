"""How near is each unit to its memory limit? Read from its cgroup, version 1 or 2, whichever is mounted.

What counts is what the kernel cannot simply give back: usage less inactive file cache, since usage alone sits
at the limit of any unit that reads or writes files. Where no cgroup can be read, systemd's figures stand in.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..facts import Memory as Memory
from ..model import Entry, Facts, Pace, Reading, Status, Unread
from ..sizes import mebibytes
from ..small_file import Kept, Read, number_after, read
from ..spec import Metric, Sample, Spec
from ..trend import Floors, follow, reaches
from ..unit import Unit

CGROUPS = Path("/sys/fs/cgroup")
NO_LIMIT = 2**62  # version 1 shows "none" as the largest multiple of a page below 2^63


def read_cgroup(root: Path, cgroup: str, read: Read = read) -> Memory | None:
    """The memory of a cgroup (`/system.slice/x.service`) below the mount point, None if unreadable."""
    path = cgroup.lstrip("/")
    if ".." in path.split("/"):
        return None
    for place, used, limit, cache in (
        (f"{root}/memory/{path}", "memory.usage_in_bytes", "memory.limit_in_bytes", b"total_inactive_file"),
        (f"{root}/{path}", "memory.current", "memory.max", b"inactive_file"),
    ):
        try:
            inactive = number_after(cache, read(f"{place}/memory.stat")) or 0
            usage = int(read(f"{place}/{used}"))
            maximum = read(f"{place}/{limit}").strip()
            bound = None if maximum == b"max" or int(maximum) >= NO_LIMIT else int(maximum)
            return Memory(max(0, usage - inactive), bound)
        except (OSError, ValueError):
            continue
    return None


def of_unit(root: Path, unit: Unit, read: Read = read) -> Memory | None:
    """The memory of a running unit, or None when it cannot be read."""
    found = read_cgroup(root, unit.cgroup, read) if unit.cgroup else None
    if found is None and unit.memory is not None:
        found = Memory(unit.memory, unit.memory_max)
    return found


def judge(unit: str, memory: Memory, warn: float, fail: float) -> Entry:
    """One unit's entry; `warn` and `fail` in percent of the limit."""
    used = mebibytes(memory.used)
    if not memory.limit:
        return Entry("used", unit, "system", Status.PASS, f"{unit} uses {used}, no limit is set", memory.used, "bytes")
    percent = 100 * memory.used / memory.limit
    status = Status.rising(percent, warn, fail)
    words = f"{unit} uses {used} of {mebibytes(memory.limit)} ({percent:.0f} %)"
    return Entry("used", unit, "system", status, words, memory.used, "bytes")


def judge_trend(unit: str, seconds: float, limit: int) -> Entry:
    """The entry of a unit that is at its limit in so many seconds, when it goes on as it did."""
    plain = f"{unit} uses more and more memory and goes to its limit"
    words = f"{unit} uses more and more memory; going on so it is at its limit of {mebibytes(limit)} in "
    words += f"{seconds / 3600:.0f} h" if seconds >= 3600 else "less than an hour"
    return Entry("trend", unit, "system", Status.WARN, words, round(seconds), "s", plain=plain)


class UnitMemory:
    """The check `memory`, of the units that run. Its facts: `dict[unit name, Memory]`."""

    name = "memory"
    after = ("units",)
    primary = Entry("used", "memory", "system", Status.FAIL, "")

    def __init__(self, facts: Facts, warn: float, fail: float, root: Path = CGROUPS) -> None:
        self._facts, self._warn, self._fail, self._root = facts, warn, fail, root
        self._floors: dict[str, Floors] = {}
        self._files = Kept()

    async def read(self) -> Reading:
        """Read the cgroups of the units that the check `units` found running."""
        units: dict[str, Unit] | None = self._facts("units")
        if units is None:
            raise Unread("it is not known which units run, see units")
        found = dict(_known(self._root, units.values(), self._files.read))
        entries = [judge(name, seen, self._warn, self._fail) for name, seen in found.items()]
        return Reading((*entries, *self._trends(found, units)), found)

    def _trends(self, found: Mapping[str, Memory], units: Mapping[str, Unit]) -> Iterator[Entry]:
        """An entry for each unit that is on its way to its limit."""
        now = time.monotonic()
        pids = {unit.unit: unit.main_pid for unit in units.values()}
        self._floors = {u: follow(self._floors.get(u), pids[u], seen.used, now) for u, seen in found.items()}
        for name, seen in found.items():
            if seen.limit and (seconds := reaches(self._floors[name], seen.limit)) is not None:
                yield judge_trend(name, seconds, seen.limit)


def _known(root: Path, units: Iterable[Unit], read: Read) -> Iterable[tuple[str, Memory]]:
    for unit in units:
        if unit.main_pid and (memory := of_unit(root, unit, read)) is not None:
            yield unit.unit, memory


def _used(_: str, memory: dict[str, Memory]) -> Iterator[Sample]:
    for unit, seen in memory.items():
        yield (unit,), seen.used


def _limit(_: str, memory: dict[str, Memory]) -> Iterator[Sample]:
    for unit, seen in memory.items():
        if seen.limit is not None:
            yield (unit,), seen.limit


SPEC = Spec(
    names=("memory",),
    order=20,
    help="the memory of the units",
    pace=Pace(10, 2, rise=2, fall=2),
    measurements={
        "used": "of each running unit against its limit, from its cgroup (v1 or v2), without cache that can be given "
        "back",
        "trend": "only when it has grown for two hours, by its lowest use in each ten minutes, and going on so is at "
        "the limit within a day: `warn`",
    },
    uses=("memory_warn_percent", "memory_fail_percent"),
    metrics=(
        Metric(
            "seclyzer_unit_memory_bytes",
            "gauge",
            "Memory of a unit, without cache that can be given back",
            _used,
            labels=("name",),
        ),
        Metric("seclyzer_unit_memory_limit_bytes", "gauge", "A unit's memory limit", _limit, labels=("name",)),
    ),
    make=lambda context: [
        UnitMemory(context.facts, context.settings.memory_warn_percent, context.settings.memory_fail_percent)
    ],
)
