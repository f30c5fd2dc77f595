"""Redis is killed and comes back empty: the programs go on with what they hold themselves."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until, until_each

from .events import Events, add, by_kind, recent, stream_of
from .expected import assert_silent, replay
from .world import KINDS, World

HELD_MS = 600_000
AWAY_S = 2.0
FIRST_S, SECOND_S = 10.0, 4.5  # less than 5 s ahead is not yet the future


@dataclass
class Run:
    """What went in, where it came out, and how much of it before the restart."""

    implementation: str
    world: World
    events: Events
    before: dict[str, int]
    stats: dict[str, dict[str, str]]


class Reads(threading.Thread):
    """Watches what the programs ask Redis for: whoever reads on behind an entry has taken that entry."""

    def __init__(self, world: World) -> None:
        super().__init__(daemon=True)
        self.asked: list[str] = []
        self._monitor = world.redis.client().monitor().__enter__()

    def run(self) -> None:
        """Until Redis is gone."""
        try:
            for reported in self._monitor.listen():
                self.asked.append(reported["command"])
        except Exception:  # whatever its client says when Redis dies
            return

    def behind(self, kind: str, entry: str) -> bool:
        """The program of this kind has taken the entry."""
        return any(one.startswith("XREAD") and one.endswith(f"{stream_of(kind)} {entry}") for one in self.asked)


def begin(world: World, implementation: str, seed: int) -> list[tuple[str, bytes]]:
    """The first part of the work goes in, and all of it is taken; windows are still open when Redis dies."""
    world.start(implementation)
    reads = Reads(world)
    reads.start()
    first = recent(seed, FIRST_S, dev_mode=False)
    client = world.redis.client()
    last = add(client, first)
    until_each(KINDS, lambda kind: len(world.published[kind]) > 0, "something is published before Redis dies")
    # From now on nothing is written until Redis dies: it might be done without anybody knowing.
    client.client_pause(timeout=HELD_MS, all=False)
    until_each(KINDS, lambda kind: reads.behind(kind, last[kind]), f"{last} is taken")
    return first


@pytest.fixture(scope="module")
def runs(influx: InfluxServer, seed: int) -> Iterator[dict[str, Run]]:
    """Both implementations, at the same time."""
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor())
        futures = {}
        for implementation in ("python", "rust"):
            world = World(influx, f"restart-{implementation}")
            stack.callback(world.close)
            futures[implementation] = pool.submit(restart, world, implementation, seed)
        yield {implementation: future.result() for implementation, future in futures.items()}


def restart(world: World, implementation: str, seed: int) -> Run:
    """Work, a restart of Redis, and more work."""
    first = begin(world, implementation, seed)
    world.redis.kill()
    before = {kind: len(world.published[kind]) for kind in KINDS}
    killed_at = time.monotonic()
    until_each(world.running.values(), lambda one: one.story("redis") == ["away"], "it says that Redis is away")
    until(lambda: time.monotonic() > killed_at + AWAY_S, "the time is over")
    path = world.redis.start_behind_doors()
    world.listen(world.redis.client(path))
    world.redis.open_doors(path)
    until_each(world.running.values(), lambda one: one.story("redis") == ["away", "back"], "it says that Redis is back")
    second = recent(seed + 1, SECOND_S, dev_mode=False, end_us=time.time_ns() // 1000 + round(SECOND_S * 1e6))
    add(world.redis.client(), second)
    events = by_kind(first + second)
    world.wait_published(implementation, events)
    world.wait_written(implementation, events)
    world.stop()
    return Run(implementation, world, events, before, {kind: world.stats(kind) for kind in KINDS})


@pytest.fixture
def run(runs: dict[str, Run], implementation: str) -> Run:
    """One of the runs."""
    return runs[implementation]


def test_each_output_is_published_once_and_is_that_of_a_replay(run: Run, kind: str) -> None:
    texts = replay(run.implementation, kind, run.events[kind]).texts
    assert 0 < run.before[kind] < len(texts)
    assert run.world.published[kind] == texts


def test_the_list_holds_what_was_published_since(run: Run, kind: str) -> None:
    assert run.world.listed(kind) == run.world.published[kind][run.before[kind] :]


def test_influxdb_holds_all(run: Run, kind: str) -> None:
    run.world.assert_stored(kind, replay(run.implementation, kind, run.events[kind]).texts)


def test_the_outage_is_reported_once_and_the_service_stays_ready(run: Run) -> None:
    for one in run.world.all:
        assert one.story("redis") == ["away", "back"], one.log
        assert [line for line in one.heard if line in ("READY=1", "STOPPING=1")] == ["READY=1", "STOPPING=1"]
        away = [line.startswith("STATUS=") and "Redis" in line for line in one.heard]
        assert "WATCHDOG=1" in one.heard[away.index(True) :], "systemd would have killed it meanwhile"
    assert all(int(stats["redis_reconnects"]) >= 1 for stats in run.stats.values())


def test_what_the_tracker_learnt_outlives_redis(run: Run) -> None:
    assert run.world.patterns() == replay(run.implementation, "app", run.events["app"]).patterns


def test_no_log_holds_what_was_typed(run: Run) -> None:
    assert_silent(run.world.logs())
