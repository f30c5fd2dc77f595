"""Whether the limits of a service bite, tried by a greedy process in its control group."""

import re

import pytest

from hostchecks.host import Host, run_on
from hostchecks.systemd import Properties, wait_until_active

UNLIMITED = ("infinity", str(2**64 - 1), "")


def memory_is_bounded(host: Host, unit: str) -> None:
    """A process beside the service touches page after page: SIGKILL before it has as much as the unit may have."""
    properties = _running(host, unit)
    limit = properties["MemoryMax"]
    assert limit not in UNLIMITED
    found = run_on(host, "limits", "cgroup", kind="memory", pid=int(properties["MainPID"]), limit=int(limit))
    assert found["signal"] == 9, found
    assert found["took"] < int(limit)
    assert found["bites"] is None or found["bites"] > 0  # None: a new group, made by systemd at the unit's next start
    _running(host, unit)


def tasks_are_bounded(host: Host, unit: str) -> None:
    """A process beside the service forks until it may not."""
    properties = _running(host, unit)
    limit = properties["TasksMax"]
    assert limit not in UNLIMITED
    found = run_on(host, "limits", "cgroup", kind="pids", pid=int(properties["MainPID"]), limit=int(limit))
    assert found["refused"], found
    assert found["forked"] < int(limit)
    assert found["bites"] > 0
    _running(host, unit)


def cpu_is_bounded(host: Host, unit: str) -> None:
    """Processes beside the service spin, more of them than it may have cores: together they get its quota."""
    properties = _running(host, unit)
    quota = properties["CPUQuotaPerSecUSec"]
    assert quota not in UNLIMITED
    limit = cores(quota)
    found = run_on(host, "limits", "cgroup", kind="cpu", pid=int(properties["MainPID"]), limit=limit)
    assert found["cores"] == pytest.approx(limit, rel=0.01)
    assert found["bites"] > 0, found
    assert found["share"] < limit * 1.25 + 0.05
    _running(host, unit)


def cores(quota: str) -> float:
    """systemd's time span a second as a number of cores: `1s 500ms` is 1.5."""
    parts = re.findall(r"([\d.]+)(min|s|ms|us)", quota)
    return sum(float(number) * {"min": 60, "s": 1, "ms": 1e-3, "us": 1e-6}[unit] for number, unit in parts)


def _running(host: Host, unit: str) -> Properties:
    """The unit, once it is up."""
    properties = wait_until_active(host, [unit])[unit]
    assert (properties["ActiveState"], properties["SubState"]) == ("active", "running")
    return properties
