"""What one implementation has put into the spool the other one sends: the mode changes while InfluxDB is away.

The mouse's program is killed, the others are stopped. InfluxDB is there again when the second ones run.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until, until_each

from .events import Events, Worker
from .expected import assert_silent, key_of, replay
from .world import KINDS, World

WAYS = {"python to rust": ("python", "rust"), "rust to python": ("rust", "python")}
SETTINGS = {"SECLYZER_INFLUX_TIMEOUT_SECONDS": "2", "SECLYZER_INFLUX_RETRY_SECONDS": "1"}
LEAST = 3  # points of each kind that each program puts into the spool
KILLED = "mouse"


@dataclass
class Run:
    """What went in, where it came out, and by whom was what stood on disk at the switch, and before the end."""

    legs: tuple[str, str]
    world: World
    events: Events
    first: dict[str, list[str]]
    second: dict[str, list[str]]
    stats: dict[str, dict[str, str]]


def segments(world: World, kind: str) -> list[Path]:
    """What is in the spool, oldest first; no other names."""
    return sorted((world.folder / f"state-{kind}" / "spool").glob("*"))


def lines(world: World, kind: str) -> list[str]:
    """The points that are on disk whole, in order."""
    texts = [path.read_text() for path in segments(world, kind)]
    return [line for text in texts for line in text.split("\n")[:-1]]


def implementations(world: World, kind: str) -> list[str]:
    """Who made the points on disk."""
    return [line.split('implementation="')[1].split('"')[0] for line in lines(world, kind)]


def wait_spooled(world: World, implementation: str) -> None:
    """Its program has put some points of each kind on disk."""
    until_each(
        KINDS,
        lambda kind: implementations(world, kind).count(implementation) >= LEAST,
        f"{LEAST} points on disk by {implementation}",
        60,
    )


def wait_noted(world: World) -> None:
    """Who is killed has written to Redis what is in the spool: else the next one would store it again, which it may."""
    client = world.redis.client()

    def spooled() -> bool:
        stored = client.hget(f"seclyzer:cursor:{KILLED}", "stored")
        return stored is not None and int(stored) >= int(lines(world, KILLED)[-1].rsplit(" ", 1)[1])

    until(spooled, "what is in the spool is noted")


def end(world: World) -> None:
    """The mouse's program without notice; the others in time."""
    wait_noted(world)
    world.running.pop(KILLED).kill()
    world.stop()


@pytest.fixture(scope="module")
def runs(influx: InfluxServer, seed: int) -> Iterator[dict[str, Run]]:
    """Both ways, at the same time."""
    with ExitStack() as stack:
        worlds = {way: World(influx, way, **SETTINGS) for way in WAYS}
        for world in worlds.values():
            stack.callback(world.close)
        stack.callback(restart, influx)
        influx.kill()
        workers = {way: Worker(world.redis.client(), seed) for way, world in worlds.items()}
        first: dict[str, dict[str, list[str]]] = {}
        second: dict[str, dict[str, list[str]]] = {}
        for way, (one, _) in WAYS.items():
            worlds[way].start(one)
            workers[way].start()
        for way, (one, _) in WAYS.items():
            wait_spooled(worlds[way], one)
        for way, (_, other) in WAYS.items():
            end(worlds[way])
            first[way] = {kind: implementations(worlds[way], kind) for kind in KINDS}
            worlds[way].start(other)
        for way, (_, other) in WAYS.items():
            wait_spooled(worlds[way], other)
            second[way] = {kind: implementations(worlds[way], kind) for kind in KINDS}
        influx.start()
        events = {way: worker.go_home() for way, worker in workers.items()}
        yield {way: finish(way, worlds[way], events[way], first[way], second[way]) for way in WAYS}


def restart(influx: InfluxServer) -> None:
    """For the tests that follow."""
    influx.kill()
    influx.start()


def finish(way: str, world: World, events: Events, first: dict[str, list[str]], second: dict[str, list[str]]) -> Run:
    """All is in InfluxDB before the programs are stopped."""
    implementation = WAYS[way][1]
    world.wait_published(implementation, events)
    world.wait_written(implementation, events)
    world.stop()
    return Run(WAYS[way], world, events, first, second, {kind: world.stats(kind) for kind in KINDS})


@pytest.fixture(params=WAYS)
def run(runs: dict[str, Run], request: pytest.FixtureRequest) -> Run:
    """One of the ways."""
    return runs[request.param]


def test_both_put_points_into_the_same_spool(run: Run, kind: str) -> None:
    one, other = run.legs
    assert set(run.first[kind]) == {one} and len(run.first[kind]) >= LEAST
    count = run.second[kind].count(other)
    assert run.second[kind] == [*run.first[kind], *[other] * count] and count >= LEAST


def test_influxdb_has_every_point_once_and_the_second_program_sent_them_all(run: Run, kind: str) -> None:
    one, other = run.legs
    texts = {who: replayed(run, who, kind) for who in run.legs}
    stored = run.world.stored(kind)
    assert sorted(stored) == sorted(texts[one])
    by_whom = {key: str(point.fields["implementation"]) for key, point in stored.items()}
    assert list(by_whom.values()).count(one) >= len(run.first[kind]) - 1
    run.world.assert_stored(kind, [texts[by_whom[key]][key] for key in texts[other]])
    assert int(run.stats[kind]["points_written"]) >= len(stored)


def replayed(run: Run, implementation: str, kind: str) -> dict[tuple[int, str, str], str]:
    """What a replay writes, by what tells points apart."""
    return {key_of(json.loads(text)): text for text in replay(implementation, kind, run.events[kind]).texts}


def test_the_spool_is_empty_afterwards(run: Run, kind: str) -> None:
    assert segments(run.world, kind) == []
    stats = run.stats[kind]
    assert (stats["spool_bytes"], stats["points_dropped"], stats["points_rejected"]) == ("0", "0", "0")
    assert int(stats["points_spooled"]) >= LEAST


def test_it_is_reported_when_points_go_to_the_spool_and_when_it_is_sent(run: Run) -> None:
    for extractor in run.world.all:
        assert extractor.log.count("InfluxDB is away: points go to the ") == 1, extractor.log
        sent = sum(extractor.log.count(f"the {words} sent") for words in ("spool is", "disk buffer was"))
        assert sent == (extractor.implementation == run.legs[1]), extractor.log


def test_no_log_holds_what_was_typed(run: Run) -> None:
    assert_silent(run.world.logs())
