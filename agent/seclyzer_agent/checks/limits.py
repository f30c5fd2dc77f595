"""Do the units get the processor time and the tasks they need? Read from their cgroups, version 1 or 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..model import Entry, Facts, Pace, Reading, Status, Unread
from ..small_file import number_after, read
from ..spec import Metric, Sample, Spec
from ..unit import Unit
from .memory import CGROUPS

THROTTLED_WARN = 50.0  # percent of the periods since the last look in which a unit had used up its share


@dataclass(frozen=True, slots=True)
class Limits:
    """Periods in which a unit ran, and of them those in which it was held up; its tasks, and their limit or None."""

    periods: int
    throttled: int
    tasks: int
    tasks_max: int | None


def read_cgroup(root: Path, cgroup: str) -> Limits | None:
    """Of a cgroup (`/system.slice/x.service`) below the mount point; None if there is nothing to be read."""
    path = cgroup.lstrip("/")
    if not path or ".." in path.split("/"):
        return None
    cpu = _first(f"{root}/{controller}/{path}/cpu.stat" for controller in ("cpu", "cpu,cpuacct", "."))
    pids = [f"{root}/{controller}/{path}" for controller in ("pids", ".")]
    maximum, current = (_first(f"{place}/{file}" for place in pids) for file in ("pids.max", "pids.current"))
    if cpu is None and maximum is None:
        return None
    try:
        periods, throttled = (number_after(name, cpu or b"") or 0 for name in (b"nr_periods", b"nr_throttled"))
        limit = None if maximum is None or maximum.strip() == b"max" else int(maximum)
        return Limits(periods, throttled, int(current or 0), limit)
    except ValueError:
        return None


def _first(paths: Iterable[str]) -> bytes | None:
    """What is in the first of these files that can be read."""
    for path in paths:
        try:
            return read(path)
        except OSError:
            continue
    return None


def judge_cpu(unit: str, before: Limits | None, now: Limits) -> Entry:
    """How often a unit was held up since the last look."""
    periods = now.periods - before.periods if before else 0
    throttled = now.throttled - before.throttled if before else 0
    percent = 100 * throttled / periods if periods > 0 else 0.0
    status = Status.WARN if percent >= THROTTLED_WARN else Status.PASS
    words = f"{unit} gets the processor time it needs"
    if status:
        words = f"{unit} is held up by its CPUQuota in {percent:.0f} % of the time that it works"
    plain = f"{unit} is held up by its CPUQuota" if status else words
    return Entry("cpu", unit, "system", status, words, round(percent, 1), "percent", plain=plain)


def judge_tasks(unit: str, now: Limits, warn: float, fail: float) -> Entry:
    """A unit's tasks against TasksMax; `warn` and `fail` in percent."""
    if not now.tasks_max:
        return Entry("tasks", unit, "system", Status.PASS, f"{unit} has {now.tasks} tasks, no limit is set", now.tasks)
    percent = 100 * now.tasks / now.tasks_max
    status = Status.rising(percent, warn, fail)
    words = f"{unit} has {now.tasks} of {now.tasks_max} tasks"
    return Entry("tasks", unit, "system", status, words, now.tasks)


class LimitsCheck:
    """The check `limits`, of the units that run. Its facts: `dict[unit name, Limits]`."""

    name = "limits"
    after = ("units",)
    primary = Entry("cpu", "limits", "system", Status.FAIL, "")

    def __init__(self, facts: Facts, warn: float, fail: float, root: Path = CGROUPS) -> None:
        self._facts, self._warn, self._fail, self._root = facts, warn, fail, root
        self._before: dict[str, Limits] = {}

    async def read(self) -> Reading:
        """Read the cgroups of the units that the check `units` found running. Raises Unread."""
        units: dict[str, Unit] | None = self._facts("units")
        if units is None:
            raise Unread("it is not known which units run, see units")
        read = {u.unit: read_cgroup(self._root, u.cgroup) for u in units.values() if u.main_pid}
        found = {unit: limits for unit, limits in read.items() if limits is not None}
        entries: list[Entry] = []
        for unit, limits in found.items():
            entries.append(judge_cpu(unit, self._before.get(unit), limits))
            entries.append(judge_tasks(unit, limits, self._warn, self._fail))
        self._before = found
        return Reading(tuple(entries), found)


def _throttled(_: str, found: dict[str, Limits]) -> Iterator[Sample]:
    for unit, limits in found.items():
        yield (unit,), limits.throttled


def _tasks(_: str, found: dict[str, Limits]) -> Iterator[Sample]:
    for unit, limits in found.items():
        yield (unit,), limits.tasks


SPEC = Spec(
    names=("limits",),
    order=22,
    help="processor time and tasks of the units",
    pace=Pace(30, 2, rise=2, fall=2),
    measurements={
        "cpu": "of each running unit, from its cgroup (v1 or v2): held up by `CPUQuota` in half of the time that "
        "it works: `warn`",
        "tasks": "against `TasksMax`, by `memory_warn_percent` and `memory_fail_percent`",
    },
    uses=("memory_warn_percent", "memory_fail_percent"),
    metrics=(
        Metric(
            "seclyzer_unit_cpu_throttled_periods_total",
            "counter",
            "Periods in which a unit had used up its share of a processor",
            _throttled,
            labels=("name",),
        ),
        Metric("seclyzer_unit_tasks", "gauge", "Tasks of a unit", _tasks, labels=("name",)),
    ),
    make=lambda context: [
        LimitsCheck(context.facts, context.settings.memory_warn_percent, context.settings.memory_fail_percent)
    ],
)
