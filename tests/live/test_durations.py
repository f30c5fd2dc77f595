"""How long windows wait for Redis and writes for InfluxDB: the stats count each window once, by what it took."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import pytest

from tests.helpers import ROOT
from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until, until_each

from .events import Worker, by_kind, publish, recent
from .expected import replay
from .extractor import Extractor
from .slow_store import HELD_S, slow_store
from .world import KINDS, World

IMPLEMENTATIONS = ("python", "rust")
WORK_S = 6.0
BOUNDS_US = json.loads((ROOT / "extractors" / "schema" / "stats.json").read_text())["bounds_us"]


@dataclass(frozen=True)
class Durations:
    """A histogram of the stats hash: counts by bound, the last of those beyond all, and the sum in µs."""

    counts: list[int]
    total: int

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.counts)

    def at_most(self, seconds: float) -> int:
        """How many took no longer than one of the bounds."""
        return sum(self.counts[: BOUNDS_US.index(round(seconds * 1e6)) + 1])


def durations(world: World, kind: str, name: str) -> Durations:
    """As the stats have it."""
    *counts, total = map(int, world.stats(kind)[name].split(" "))
    assert len(counts) == len(BOUNDS_US) + 1
    return Durations(counts, total)


def is_stored(world: World, kind: str, windows: int) -> bool:
    """The stats tell that so many windows were published, and stored."""
    stats = world.stats(kind)
    return (stats.get("windows"), stats.get("points_written")) == (str(windows), str(windows))


@pytest.fixture(scope="module")
def worlds(influx: InfluxServer, seed: int) -> Iterator[dict[str, World]]:
    """A person has worked, with a store that takes its time; the programs still run."""
    with ExitStack() as stack:
        url = stack.enter_context(slow_store(influx.port))
        made = {one: World(influx, f"durations-{one}", INFLUX_URL=url) for one in IMPLEMENTATIONS}
        for one, world in made.items():
            stack.callback(world.close)
            world.start(one)
        workers = {one: Worker(world.redis.client(), seed) for one, world in made.items()}
        for worker in workers.values():
            worker.start()
        time.sleep(WORK_S)
        for one, worker in workers.items():
            events = worker.go_home()
            made[one].wait_published(one, events)
            expected = {kind: len(replay(one, kind, events[kind]).texts) for kind in KINDS}
            assert all(expected.values()), expected
            until_each(KINDS, lambda kind, one=one, n=expected: is_stored(made[one], kind, n[kind]), "stats")  # type: ignore[misc]
        yield made


@pytest.fixture
def world(worlds: dict[str, World], implementation: str) -> World:
    """One of them."""
    return worlds[implementation]


def test_every_window_that_was_published_counts_once(world: World, kind: str) -> None:
    found = durations(world, kind, "window_publish_delay")
    assert found.count == len(world.published[kind]) > 0
    assert found.total > 0


def test_a_store_that_answers_late_is_seen_in_the_slow_buckets(world: World, kind: str) -> None:
    found = durations(world, kind, "store_write")
    assert found.count >= 1
    assert found.at_most(0.25) == 0
    assert found.total >= found.count * HELD_S * 1e6


def test_windows_that_redis_does_not_take_count_with_what_they_waited(
    influx: InfluxServer, implementation: str, seed: int
) -> None:
    """Published events need no room in Redis; what comes of them does, and there is none for more than a second."""
    world = World(influx, f"full-{implementation}")
    try:
        world.start(implementation)
        world.wait_listening()
        until_each(KINDS, lambda kind: world.stats(kind), "stats")
        client = world.redis.client()
        client.config_set("maxmemory", "1")
        events = recent(seed, WORK_S, dev_mode=False)
        publish(client, events)
        for one in world.running.values():
            until(partial(_is_refused, one), f"{one} is refused: {one.log}")
        time.sleep(1.1)
        client.config_set("maxmemory", "0")
        world.wait_published(implementation, by_kind(events))
        for kind in KINDS:
            windows = len(world.published[kind])
            until(lambda kind=kind, windows=windows: is_stored(world, kind, windows), "stats")  # type: ignore[misc]
            found = durations(world, kind, "window_publish_delay")
            assert found.count == windows
            assert found.count - found.at_most(1.0) >= 1, found
    finally:
        world.close()


def _is_refused(one: Extractor) -> bool:
    return "Writing to Redis does not work" in one.log
