"""InfluxDB is away when the programs start, is frozen for a while, is killed and comes back: nothing is lost."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until, until_each

from .events import Events, Worker
from .expected import assert_silent, replay
from .extractor import Extractor
from .world import KINDS, World

IMPLEMENTATIONS = ("python", "rust")
FROZEN_S = 15.0
OUTAGE = ("away", "back")


@dataclass
class Run:
    """What went in, where it came out, and the stats at the end."""

    implementation: str
    world: World
    events: Events
    stats: dict[str, dict[str, str]]


def wait_reported(extractors: list[Extractor], *story: str) -> None:
    """All have reported that InfluxDB was away, back, and so on."""
    until_each(extractors, lambda one: one.story("influx") == list(story), f"it tells {story}", 60)


@pytest.fixture(scope="module")
def runs(influx: InfluxServer, seed: int) -> Iterator[dict[str, Run]]:
    """Both implementations, at the same time."""
    with ExitStack() as stack:
        worlds = {one: World(influx, f"away-{one}") for one in IMPLEMENTATIONS}
        for world in worlds.values():
            stack.callback(world.close)
        stack.callback(influx.thaw)
        influx.kill()
        workers = {one: Worker(world.redis.client(), seed) for one, world in worlds.items()}
        for one in IMPLEMENTATIONS:
            worlds[one].start(one)
            workers[one].start()
        extractors = [extractor for world in worlds.values() for extractor in world.running.values()]
        wait_reported(extractors, "away")
        influx.start()
        wait_reported(extractors, *OUTAGE)
        influx.freeze()
        frozen_at = time.monotonic()
        wait_reported(extractors, *OUTAGE, "away")
        until(lambda: time.monotonic() >= frozen_at + FROZEN_S, "the time is over")
        influx.thaw()
        wait_reported(extractors, *OUTAGE * 2)
        influx.kill()
        wait_reported(extractors, *OUTAGE * 2, "away")
        influx.start()
        events = {one: worker.go_home() for one, worker in workers.items()}
        wait_reported(extractors, *OUTAGE * 3)
        yield {one: finish(one, worlds[one], events[one]) for one in IMPLEMENTATIONS}


def finish(implementation: str, world: World, events: Events) -> Run:
    """All comes out before the programs are stopped."""
    world.wait_published(implementation, events)
    world.wait_written(implementation, events)
    world.stop()
    return Run(implementation, world, events, {kind: world.stats(kind) for kind in KINDS})


@pytest.fixture
def run(runs: dict[str, Run], implementation: str) -> Run:
    """One of the runs."""
    return runs[implementation]


def test_redis_got_all_meanwhile(run: Run, kind: str) -> None:
    texts = replay(run.implementation, kind, run.events[kind]).texts
    assert run.world.published[kind] == texts
    assert run.world.listed(kind) == texts


def test_influxdb_has_all_in_the_end(run: Run, kind: str) -> None:
    run.world.assert_stored(kind, replay(run.implementation, kind, run.events[kind]).texts)


def test_each_outage_is_reported_once(run: Run) -> None:
    for one in run.world.all:
        assert one.story("influx") == [*OUTAGE * 3], one.log
        assert one.heard.count("READY=1") == 1


def test_failed_writes_are_counted_and_no_point_is(run: Run, kind: str) -> None:
    stats = run.stats[kind]
    assert int(stats["influx_errors"]) >= 3
    assert int(stats["points_written"]) == len(run.world.published[kind])
    assert (stats["points_dropped"], stats["points_rejected"]) == ("0", "0")


def test_no_log_holds_what_was_typed(run: Run) -> None:
    assert_silent(run.world.logs())
