"""Units, memory and deployment: what systemd, cgroups and the manifest say, judged."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from seclyzer_agent.checks.limits import Limits, judge_cpu, judge_tasks
from seclyzer_agent.checks.limits import read_cgroup as read_limits
from seclyzer_agent.checks.memory import Memory, UnitMemory, judge, read_cgroup
from seclyzer_agent.history import Restarts
from seclyzer_agent.model import Status, Unreadable
from seclyzer_agent.unit import Unit, parse_show
from seclyzer_agent.unit import judge as judge_unit

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL
UNIT = "seclyzer-app.service"


def unit(**changes: Any) -> Unit:
    values: dict[str, Any] = {
        "unit": UNIT, "load": "loaded", "active": "active", "sub": "running", "result": "success",
        "restarts": 0, "main_pid": 7, "main_started": 1.0, "memory": 100, "memory_max": 1000, "read_at": 1.0,
        "cgroup": f"/system.slice/{UNIT}", "status_text": "",
    }  # fmt: skip
    return Unit(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, PASS, "is active (running)"),
        ({"status_text": "reading, InfluxDB away"}, PASS, "is active (running): reading, InfluxDB away"),
        ({"sub": "exited", "main_pid": 0}, PASS, "is active (exited)"),
        ({"active": "inactive", "sub": "dead"}, FAIL, "is inactive"),
        ({"active": "failed", "sub": "failed", "result": "oom-kill"}, FAIL, "is failed (Result=oom-kill)"),
        ({"active": "activating", "sub": "start"}, WARN, "is activating (start)"),
        (
            {"active": "activating", "sub": "auto-restart", "result": "watchdog"},
            FAIL,
            "has stopped (Result=watchdog) and waits for its restart",
        ),
        ({"load": "not-found", "active": "inactive"}, FAIL, "is not installed"),
        ({"load": "masked", "active": "inactive"}, FAIL, "is masked"),
    ],
)
def test_a_units_state_is_judged_and_reported(changes: dict[str, Any], status: Status, words: str) -> None:
    entry = judge_unit(unit(**changes), Restarts(0), 300, 1000.0)
    assert (entry.status, entry.output) == (status, f"{UNIT} {words}")


@pytest.mark.parametrize(
    ("ago", "status", "words"),
    [
        ((70, 59), WARN, "runs, but was restarted 2 times in the last 300 s"),
        ((70, 61), PASS, "is active (running); it was restarted 2 times in the last 300 s"),
        ((200, 61, 59), FAIL, "does not stay up: it was restarted 3 times in the last 300 s"),
        ((100, 80, 61), PASS, "is active (running); it was restarted 3 times in the last 300 s"),
        ((280, 190, 100), FAIL, "does not stay up: it was restarted 3 times in the last 300 s"),
        ((250, 200, 121), PASS, "is active (running); it was restarted 3 times in the last 300 s"),
    ],
)
def test_restarts_are_a_warning_a_failure_when_they_repeat_and_over_when_it_stays_up(
    ago: tuple[int, ...], status: Status, words: str
) -> None:
    entry = judge_unit(unit(), Restarts(len(ago), tuple(1000.0 - s for s in ago)), 300, 1000.0)
    assert (entry.status, entry.output, entry.finding) == (status, f"{UNIT} {words}", "unit-restarts")


LOOP = Restarts(9, (940.0, 957.0, 974.0))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"active": "activating", "sub": "auto-restart"},
        {"active": "activating", "sub": "auto-restart-queued"},
        {"active": "failed", "sub": "failed-before-auto-restart"},
    ],
)
def test_a_crash_loop_is_a_failure_between_two_crashes_and_while_it_waits(changes: dict[str, Any]) -> None:
    entry = judge_unit(unit(**changes), LOOP, 300, 990.0)
    assert (entry.status, entry.finding) == (FAIL, "unit-restarts") and "does not stay up" in entry.output


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_a_unit_that_nothing_starts_any_more_is_down_whatever_it_did_before(state: str) -> None:
    entry = judge_unit(unit(active=state, sub=state), LOOP, 300, 990.0)
    words = f"{UNIT} is {state}; it was restarted 3 times in the last 300 s"
    assert (entry.status, entry.output, entry.finding) == (FAIL, words, "")


def test_show_is_read_by_order_of_units_with_unset_and_infinite_values() -> None:
    text = (
        "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=4\nMainPID=12\n"
        "MemoryCurrent=[not set]\nMemoryMax=infinity\nStatusText=a=b\n\n"
        "LoadState=not-found\nActiveState=inactive\nMainPID=0\n"
        "MemoryCurrent=18446744073709551615\n"
    )
    units = parse_show(text, ("a.service", "b.service"))
    a, b = units["a.service"], units["b.service"]
    assert (a.restarts, a.main_pid, a.memory, a.memory_max, a.status_text) == (4, 12, None, None, "a=b")
    assert (b.load, b.active, b.main_pid, b.memory) == ("not-found", "inactive", 0, None)


def test_when_a_main_process_began_is_read_as_seconds() -> None:
    units = parse_show("MainPID=5\nExecMainStartTimestampMonotonic=12500000\n", ("a.service",), 99.0)
    assert (units["a.service"].main_started, units["a.service"].read_at) == (12.5, 99.0)


def test_show_that_tells_of_another_number_of_units_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="reported 1 units of 2"):
        parse_show("LoadState=loaded\n", ("a.service", "b.service"))


def cgroup(root: Path, version: int, used: int, limit: str, cache: int) -> None:
    place = root / "memory" / "system.slice" / UNIT if version == 1 else root / "system.slice" / UNIT
    place.mkdir(parents=True)
    names = ("memory.usage_in_bytes", "memory.limit_in_bytes") if version == 1 else ("memory.current", "memory.max")
    (place / names[0]).write_text(f"{used}\n")
    (place / names[1]).write_text(f"{limit}\n")
    key = "total_inactive_file" if version == 1 else "inactive_file"
    (place / "memory.stat").write_text(f"cache 1\n{key} {cache}\n")


@pytest.mark.parametrize(
    ("version", "limit", "expected"),
    [(1, "1000", 1000), (1, "9223372036854771712", None), (2, "1000", 1000), (2, "max", None)],
)
def test_memory_is_usage_less_inactive_cache_of_either_cgroup_version(
    tmp_path: Path, version: int, limit: str, expected: int | None
) -> None:
    cgroup(tmp_path, version, 900, limit, 300)
    assert read_cgroup(tmp_path, f"/system.slice/{UNIT}") == Memory(600, expected)


def test_no_cgroup_and_one_outside_the_tree_are_not_read(tmp_path: Path) -> None:
    assert read_cgroup(tmp_path, f"/system.slice/{UNIT}") is None
    assert read_cgroup(tmp_path / "x", "/../system.slice") is None


@pytest.mark.parametrize(
    ("used", "status"), [(0, PASS), (799, PASS), (800, WARN), (949, WARN), (950, FAIL), (2000, FAIL)]
)
def test_memory_is_judged_against_its_limit(used: int, status: Status) -> None:
    assert judge(UNIT, Memory(used, 1000), 80, 95).status is status


def test_memory_without_a_limit_is_reported_and_passes() -> None:
    entry = judge(UNIT, Memory(3 * 2**20, None), 80, 95)
    assert (entry.status, entry.output) == (PASS, f"{UNIT} uses 3.0 MiB, no limit is set")


def test_memory_of_running_units_comes_from_cgroups_else_from_systemd(tmp_path: Path) -> None:
    cgroup(tmp_path, 2, 900, "1000", 300)
    stopped = unit(unit="c.service", main_pid=0)
    other = unit(unit="b.service", cgroup="/system.slice/b.service", memory=5, memory_max=None)
    facts = {UNIT: unit(), "b.service": other, "c.service": stopped}
    reading = asyncio.run(UnitMemory(lambda _: facts, 80, 95, tmp_path).read())
    assert reading.facts == {UNIT: Memory(600, 1000), "b.service": Memory(5, None)}


def test_memory_is_unknown_while_units_are_unknown() -> None:
    with pytest.raises(Unreadable, match="it is not known which units run"):
        asyncio.run(UnitMemory(lambda _: None, 80, 95).read())


@pytest.mark.parametrize("version", [1, 2])
def test_processor_time_and_tasks_are_read_of_either_cgroup_version(tmp_path: Path, version: int) -> None:
    cpu, pids = (tmp_path / one if version == 1 else tmp_path for one in ("cpu,cpuacct", "pids"))
    for place in {cpu / "system.slice" / UNIT, pids / "system.slice" / UNIT}:
        place.mkdir(parents=True)
    (cpu / "system.slice" / UNIT / "cpu.stat").write_text("nr_periods 40\nnr_throttled 30\nthrottled_usec 5\n")
    (pids / "system.slice" / UNIT / "pids.max").write_text("16\n")
    (pids / "system.slice" / UNIT / "pids.current").write_text("15\n")
    assert read_limits(tmp_path, f"/system.slice/{UNIT}") == Limits(40, 30, 15, 16)
    (pids / "system.slice" / UNIT / "pids.max").write_text("max\n")
    assert read_limits(tmp_path, f"/system.slice/{UNIT}") == Limits(40, 30, 15, None)
    assert read_limits(tmp_path / "x", f"/system.slice/{UNIT}") is None
    assert read_limits(tmp_path, "/../system.slice") is None


@pytest.mark.parametrize(("throttled", "status"), [(0, PASS), (49, PASS), (50, WARN), (100, WARN)])
def test_a_unit_that_its_quota_holds_up_half_of_the_time_is_a_warning(throttled: int, status: Status) -> None:
    entry = judge_cpu(UNIT, Limits(1000, 700, 1, None), Limits(1100, 700 + throttled, 1, None))
    assert (entry.status, entry.value) == (status, float(throttled))
    assert judge_cpu(UNIT, None, Limits(100, 100, 1, None)).status is PASS  # nothing is known of lately


@pytest.mark.parametrize(("tasks", "status"), [(0, PASS), (79, PASS), (80, WARN), (94, WARN), (95, FAIL)])
def test_tasks_are_judged_against_their_limit(tasks: int, status: Status) -> None:
    assert judge_tasks(UNIT, Limits(0, 0, tasks, 100), 80, 95).status is status
    assert judge_tasks(UNIT, Limits(0, 0, tasks, None), 80, 95).status is PASS
