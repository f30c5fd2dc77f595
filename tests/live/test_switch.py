"""The mode changes while a person works: Rust, then Python, then Rust again, on the same Redis.

Stopped, or killed just when an output went out, which InfluxDB cannot have yet.
"""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until_each

from .events import Events, Worker
from .expected import assert_silent, key_of, replay
from .world import KINDS, World

LEGS = ("rust", "python", "rust")
LEAST = 3  # outputs of each kind before the next switch


@dataclass
class Run:
    """What went in, where it came out, and how much had come out of each kind at each switch."""

    world: World
    events: Events
    switched_at: list[dict[str, int]]


def work(world: World, number: signal.Signals, seed: int) -> Run:
    """A person works without a break while the programs change."""
    worker = Worker(world.redis.client(), seed)
    world.start(LEGS[0])
    worker.start()
    switched_at: list[dict[str, int]] = []
    for leg in LEGS[1:]:
        before = switched_at[-1] if switched_at else dict.fromkeys(KINDS, 0)
        wait_outputs(world, before, LEAST)
        end(world, number)
        switched_at.append({kind: count(world, kind) for kind in KINDS})
        world.start(leg)
    wait_outputs(world, switched_at[-1], LEAST)
    events = worker.go_home()
    world.wait_published("rust", events)
    world.wait_written("rust", events)
    world.stop()
    return Run(world, events, switched_at)


def end(world: World, number: signal.Signals) -> None:
    """All at once and in the middle of windows, as they overlap; to be killed, each waits for its next output."""
    if number == signal.SIGTERM:
        world.stop()
        return
    for kind in KINDS:
        wait_outputs(world, {kind: count(world, kind)}, 1)
        world.running.pop(kind).kill()


def wait_outputs(world: World, before: dict[str, int], more: int) -> None:
    """So many more outputs than before."""
    until_each(before, lambda kind: count(world, kind) >= before[kind] + more, f"{more} more outputs")


def count(world: World, kind: str) -> int:
    """How many outputs have been published."""
    return len(world.published[kind])


@pytest.fixture(scope="module")
def runs(influx: InfluxServer, seed: int) -> Iterator[dict[str, Run]]:
    """Both ways to end a program, at the same time."""
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor())
        futures = {}
        for number in (signal.SIGTERM, signal.SIGKILL):
            world = World(influx, f"switch-{number.name}")
            stack.callback(world.close)
            futures[number.name] = pool.submit(work, world, number, seed)
        yield {name: future.result() for name, future in futures.items()}


@pytest.fixture(params=["SIGTERM", "SIGKILL"])
def run(runs: dict[str, Run], request: pytest.FixtureRequest) -> Run:
    """One of the runs."""
    return runs[request.param]


def outputs_of(run: Run, kind: str) -> list[str]:
    """What the replay writes, each output by the implementation that published it."""
    texts = {one: replay(one, kind, run.events[kind]).texts for one in set(LEGS)}
    by_key = {one: {key_of(json.loads(text)): text for text in texts[one]} for one in texts}
    assert len(by_key["rust"]) == len(texts["rust"])
    published = {key_of(row): row["implementation"] for row in map(json.loads, run.world.published[kind])}
    return [by_key[published.get(key, "rust")][key] for key in by_key["rust"]]


def test_each_output_is_published_once_and_is_that_of_a_replay(run: Run, kind: str) -> None:
    assert run.world.published[kind] == outputs_of(run, kind)


def test_each_leg_was_published_by_its_program(run: Run, kind: str) -> None:
    """Otherwise nothing was switched."""
    rows = [json.loads(text)["implementation"] for text in run.world.published[kind]]
    first, second = (at[kind] for at in run.switched_at)
    assert first >= LEAST and second >= first + LEAST and len(rows) >= second + LEAST
    assert rows == ["rust"] * first + ["python"] * (second - first) + ["rust"] * (len(rows) - second)


def test_the_list_holds_what_was_published(run: Run, kind: str) -> None:
    assert run.world.listed(kind) == run.world.published[kind]


def test_influxdb_holds_every_output_once(run: Run, kind: str) -> None:
    """What was published and not stored before a switch is stored after it, by another implementation perhaps."""
    stored = run.world.stored(kind)
    replays = {one: replay(one, kind, run.events[kind]).texts for one in set(LEGS)}
    by_whom = {key: str(point.fields["implementation"]) for key, point in stored.items()}
    keys = [key_of(json.loads(text)) for text in replays["rust"]]
    assert sorted(stored) == sorted(keys)
    run.world.assert_stored(kind, [replays[by_whom[key]][place] for place, key in enumerate(keys)])


def test_patterns_go_on_over_the_switches(run: Run) -> None:
    last = replay("rust", "app", run.events["app"]).patterns
    assert run.world.patterns() == last


def test_no_log_holds_what_was_typed(run: Run) -> None:
    assert_silent(run.world.logs())
