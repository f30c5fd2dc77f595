"""The same messages by way of a real Redis, where they may hold line feeds: each is counted where it belongs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until
from tests.live.events import CHANNEL, stream_of
from tests.live.world import KINDS, World

from .messages import batch
from .oddities import ODDITIES, OVER_REDIS
from .verdict import verdict

COUNT = 4000
AHEAD_US = 5_000_000
ANCIENT_US = 400 * 86_400_000_000
HOUR_US = 3_600_000_000
Way = str  # the name of a world: implementation and transport


@dataclass
class Counted:
    """What was counted of each kind, and how many were to be."""

    found: dict[str, dict[str, int]]
    expected: dict[str, dict[str, int]]
    logs: str


def all_messages(seed: str) -> list[bytes]:
    """Random ones of an hour ago and of any time, the oddities, and line feeds in all places."""
    odd = [message for message, _ in [*ODDITIES.values(), *OVER_REDIS.values()]]
    return [
        *batch(seed, 0, COUNT),
        *batch(seed, 1, COUNT, time.time_ns() // 1000 - HOUR_US),
        *odd,
        *(message + b"\n" for message in odd),
        *(message + b"\r\n" for message in odd),
    ]


def expected(messages: list[bytes]) -> dict[str, dict[str, int]]:
    """The counters of each program."""
    now = time.time_ns() // 1000
    reported = [verdict(message) for message in messages]
    malformed = sum(one.name == "malformed" for one in reported)
    counts = {}
    for kind in KINDS:
        times = [one.event.ts for one in reported if one.name == kind and one.event is not None]
        future, ancient = sum(ts > now + AHEAD_US for ts in times), sum(ts < now - ANCIENT_US for ts in times)
        limits = (now + AHEAD_US, now - ANCIENT_US)
        assert not any(abs(ts - limit) < 600_000_000 for ts in times for limit in limits), "the clock decides"
        events = len(times) - future - ancient
        counts[kind] = {"events": events, "future": future, "ancient": ancient, "malformed": malformed}
    return counts


def counted(world: World, kind: str) -> dict[str, int]:
    stats = world.stats(kind)
    return {name: int(stats.get(name, -1)) for name in ("events", "future", "ancient", "malformed")}


def send(world: World, way: str, messages: list[bytes]) -> None:
    """All of them to every program."""
    client = world.redis.client()
    pipeline = client.pipeline(transaction=False)
    for message in messages:
        if way == "channel":
            pipeline.publish(CHANNEL, message)
        else:
            for kind in KINDS:
                pipeline.xadd(stream_of(kind), {"e": message})
    pipeline.execute()


@pytest.fixture(scope="module")
def worlds(influx: InfluxServer, seed: str) -> Iterator[dict[tuple[str, str], Counted]]:
    """Both implementations, both ways in, at the same time."""
    messages = all_messages(seed)
    done = {}
    with ExitStack() as stack:
        made = {}
        for implementation in ("python", "rust"):
            for way in ("stream", "channel"):
                world = made[implementation, way] = World(influx, f"fuzz-{way}-{implementation}")
                stack.callback(world.close)
                world.start(implementation)
                world.wait_listening()
                send(world, way, messages)
        for key, world in made.items():
            meant = expected(messages)
            for kind in KINDS:
                total = sum(meant[kind].values())
                until(lambda w=world, k=kind, n=total: sum(counted(w, k).values()) >= n, f"{key} {kind}: {total}")  # type: ignore[misc]
            world.stop()
            done[key] = Counted({kind: counted(world, kind) for kind in KINDS}, meant, world.logs())
        yield done


@pytest.mark.parametrize("way", ["stream", "channel"])
def test_each_message_is_counted_where_it_belongs(
    worlds: dict[tuple[str, str], Counted], implementation: str, way: str, kind: str
) -> None:
    one = worlds[implementation, way]
    assert one.found[kind] == one.expected[kind]
    assert one.expected[kind]["events"] > COUNT // 20 and one.expected[kind]["malformed"] > COUNT // 4


@pytest.mark.parametrize("way", ["stream", "channel"])
def test_nothing_of_a_malformed_message_is_logged(
    worlds: dict[tuple[str, str], Counted], implementation: str, way: str
) -> None:
    logs = worlds[implementation, way].logs
    assert "KeyA" not in logs and "Traceback" not in logs and "panicked" not in logs and "app_name" not in logs
