"""InfluxDB refuses points, because others stored the same fields as integers: counted, reported, not sent again."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until_each

from .events import Events, add, by_kind, recent
from .expected import SCHEMA, assert_silent, replay
from .world import KINDS, World

SECONDS = 8.0
FIELD = {"keystroke": "dwell_mean", "mouse": "move_0", "app": "duration_ms"}


def wait_settled(world: World, implementation: str, events: Events) -> None:
    """InfluxDB has answered for the last point, so that it is not sent again."""
    client = world.redis.client()
    last = {kind: replay(implementation, kind, events[kind]).counters["last_window_ts"] for kind in KINDS}
    until_each(
        KINDS, lambda kind: client.hget(f"seclyzer:cursor:{kind}", "stored") == str(last[kind]), f"{last} is noted"
    )


@pytest.fixture(scope="module")
def runs(influx: InfluxServer, seed: int) -> Iterator[dict[str, tuple[World, Events]]]:
    """Both implementations, at the same time."""
    with ExitStack() as stack:
        made = {}
        for implementation in ("python", "rust"):
            world = World(influx, f"refused-{implementation}")
            stack.callback(world.close)
            lines = [f"{SCHEMA[kind]['measurement']} {FIELD[kind]}=1i {time.time_ns()}" for kind in KINDS]
            influx.write(world.name, lines)
            messages = recent(seed, SECONDS, dev_mode=False)
            add(world.redis.client(), messages)
            world.start(implementation)
            made[implementation] = world, by_kind(messages)
        for implementation, (world, events) in made.items():
            world.wait_published(implementation, events)
            wait_settled(world, implementation, events)
            world.stop()
        yield made


def test_refused_points_are_counted(runs: dict[str, tuple[World, Events]], implementation: str, kind: str) -> None:
    world, events = runs[implementation]
    stats, texts = world.stats(kind), replay(implementation, kind, events[kind]).texts
    assert len(texts) >= 3 and world.published[kind] == texts
    assert (stats["points_rejected"], stats["points_written"], stats["points_dropped"]) == (str(len(texts)), "0", "0")
    assert (stats["rejected_reason"], stats["rejected_year"]) == ("field_type", str(time.gmtime().tm_year))


def test_the_log_says_why(runs: dict[str, tuple[World, Events]], implementation: str) -> None:
    world, _ = runs[implementation]
    why = f'reason="a field has another type in the bucket" oldest={time.gmtime().tm_year}'
    reported = [line for line in world.logs().splitlines() if 'msg="InfluxDB rejected points"' in line]
    assert len(reported) >= len(KINDS) and all("status=422 " in line and why in line for line in reported)


def test_no_log_holds_what_was_typed(runs: dict[str, tuple[World, Events]], implementation: str) -> None:
    world, _ = runs[implementation]
    assert_silent(world.logs())
