"""Spool and store against a model: points are put, InfluxDB answers or not, the disk fails and the power goes.

Every point is distinct. At the end each one that was put was delivered, refused, or counted as dropped.
"""

import errno
from collections.abc import Iterator
from typing import Any

import pytest
from fake_disk import Folder
from hypothesis import given, settings
from hypothesis import strategies as st
from spool_world import LARGE_CAP, World

from seclyzer_extractors import logs, spool
from seclyzer_extractors.dependency import Backoff

SEGMENT_BYTES = 60  # six lines of ten bytes
CAP = 300


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "SEGMENT_BYTES", SEGMENT_BYTES)
        patch.setattr(Backoff, "next_s", lambda self: 1.0)
        patch.setattr(logs, "_threshold", len(logs.LEVELS))
        yield


def outage(world: World) -> None:
    """Points in memory, then on disk in several segments, a restart amid, and all is sent."""
    world.put(3)
    world.work(3.0)
    world.influx.mode = "silent"
    world.put(8)
    world.work(12.0)
    world.put(1, bad=True)
    world.work(2.0)
    world.restart()
    world.put(2)
    world.work(15.0)
    world.influx.mode = "good"
    world.put(1)
    world.work(10.0)
    world.finish()


def calls_of(script: Any) -> int:
    world = World()
    script(world)
    return world.disk.calls


def test_nothing_is_written_while_influxdb_answers() -> None:
    world = World()
    for _ in range(20):
        world.put(7)
        world.work(5.0)
    assert world.influx.delivered == world.lines
    assert (world.disk.calls, world.disk.root.entries, world.store.spooled) == (1, {}, 0)  # one look for a folder


def test_an_outage_without_faults_loses_and_doubles_nothing() -> None:
    world = World()
    outage(world)
    assert world.influx.delivered == [line for line in world.lines if line.startswith(b"pnt")]
    assert (world.influx.refused, world.dropped, world.crashes) == ([b"bad000011"], 0, 0)


@pytest.mark.parametrize("seed", range(4))
def test_a_crash_at_any_call_of_the_system_loses_nothing(seed: int) -> None:
    crashes = 0
    for number in range(1, calls_of(outage) + 1):
        world = World(seed)
        world.disk.crash_at = number
        outage(world)
        assert world.dropped == 0
        crashes += world.crashes
    assert crashes >= 50


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_failure_of_any_call_of_the_system_loses_nothing(number: int) -> None:
    names = set()
    for call in range(1, calls_of(outage) + 1):
        world = World()
        world.disk.fail = {call: number}
        outage(world)
        assert world.dropped == 0
        names |= set(world.disk.failed)
    expected = {"mkdir", "open", "create", "close", "read", "write", "fsync", "fdatasync", "unlink", "files", "lock"}
    assert expected <= names


def test_a_crash_while_an_append_is_taken_back_loses_nothing() -> None:
    for call in range(1, calls_of(outage) + 1):
        for after in (1, 2, 3):
            world = World()
            world.disk.fail = {call: errno.ENOSPC}
            world.disk.crash_at = call + after
            outage(world)
            assert world.dropped == 0


def test_a_folder_whose_entry_one_process_could_not_sync_is_synced_by_the_next() -> None:
    world = World()
    world.put(20)
    world.disk.fail = {world.disk.calls + call: errno.EIO for call in range(2, 20)}  # all but the first: mkdir
    world.restart()
    assert world.disk.failed and isinstance(world.disk.root.entries["spool"], Folder)
    world.disk.fail = {}
    world.restart()
    assert world.stored == 20
    world.disk.crash_at = world.disk.calls + 1
    world.restart()
    assert world.crashes == 1
    world.finish()


def test_a_disk_that_stays_full_degrades_to_memory_and_recovers() -> None:
    world = World(queue=30)
    world.influx.mode = "silent"
    world.disk.fail = dict.fromkeys(range(3, 10_000), errno.ENOSPC)
    for _ in range(10):
        world.put(4)
        world.work(10.0)
    assert (world.store.dropped, world.store.spooled, world.disk.spool()) == (10, 0, {})
    world.disk.fail = {}
    world.work(11.0)
    assert (world.store.dropped, world.store.spooled) == (10, 30)
    world.finish()
    assert world.influx.delivered == world.lines[10:]


def test_past_the_cap_the_oldest_points_go_counted() -> None:
    world = World(cap=CAP)
    world.influx.mode = "silent"
    for _ in range(20):
        world.put(4)
        world.work(15.0)
        assert world.store.spool_bytes == sum(map(len, world.disk.spool().values())) <= CAP
    assert world.store.spooled == 80 and world.store.dropped >= 50
    world.finish()
    assert world.influx.delivered == world.lines[world.dropped :]


OPERATIONS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 15)),
    st.tuples(st.just("bad"), st.integers(1, 2)),
    st.tuples(st.just("work"), st.sampled_from([0.0, 0.5, 1.0, 3.0, 11.0, 61.0])),
    st.tuples(st.just("influx"), st.sampled_from(["good", "good", "silent", "silent", "busy", "small"])),
    st.tuples(st.just("crash"), st.integers(1, 30)),
    st.tuples(st.just("fail"), st.tuples(st.integers(1, 30), st.integers(1, 6), st.sampled_from([5, 28, 30]))),
    st.tuples(st.just("restart"), st.none()),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(OPERATIONS, max_size=25), st.integers(0, 1000), st.sampled_from([LARGE_CAP, CAP]))
def test_random_operations_lose_nothing_that_is_not_counted(operations: list[Any], seed: int, cap: int) -> None:
    world = World(seed, cap)
    for name, value in operations:
        if name in ("put", "bad"):
            world.put(value, bad=name == "bad")
        elif name == "work":
            world.work(value)
        elif name == "influx":
            world.influx.mode = value
        elif name == "crash":
            world.disk.crash_at = world.disk.calls + value
        elif name == "fail":
            first, count, number = value
            world.disk.fail |= {world.disk.calls + first + i: number for i in range(count)}
        else:
            world.restart()
    world.finish()
