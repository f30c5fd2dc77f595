"""What a later version of the programs has saved is left alone, counted and logged; the programs go on without it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until, until_each

from .world import World

SKIPPED = {"keystroke": "2", "mouse": "1", "app": "2"}
"""Two segments, a cursor, the state in Redis and the one on disk."""
SEGMENTS = {"00000000000000000001.lp2": "points of a later form", "00000000000000000002.lp3": "and more"}
OTHERS = {"00000000000000000003.lp1": "none", "00000000000000000004.lp02": "none", "4.lp2": "none", "1.lp": "none"}
"""Names that no version gives."""
APP = json.dumps({"schema": 3, "apps": "in a later form"})


@pytest.fixture
def world(influx: InfluxServer, implementation: str) -> Iterator[World]:
    """A host on which a later version ran."""
    made = World(influx, f"later-{implementation}")
    spool = made.folder / "state-keystroke" / "spool"
    spool.mkdir(parents=True)
    for name, text in {**SEGMENTS, **OTHERS}.items():
        (spool / name).write_text(text)
    (made.folder / "state-app").mkdir()
    (made.folder / "state-app" / "app-state.json").write_text(APP)
    client = made.redis.client()
    client.set("seclyzer:app:state", json.dumps({"schema": 2}))
    now = time.time_ns() // 1000
    client.hset("seclyzer:cursor:mouse", mapping={"version": 2, "published": now, "stored": now})
    yield made
    made.close()


def moves(world: World) -> None:
    """A window of the mouse that the cursor, were it believed, would hide."""
    start = time.time_ns() // 1000 - 20_000_000
    for number in range(120):
        event = {"type": "mouse", "event": "move", "ts": start + number * 20_000, "x": number, "y": number % 7}
        world.redis.client().xadd("seclyzer:stream:mouse", {"e": json.dumps(event)})


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}


def test_what_a_later_version_has_saved_is_left_alone_counted_and_logged(world: World, implementation: str) -> None:
    moves(world)
    world.start(implementation)
    until_each(
        SKIPPED, lambda kind: world.stats(kind).get("state_skipped") == SKIPPED[kind], "skipped states are counted"
    )
    until(lambda: world.published["mouse"], "windows come out that a cursor of version 2 cannot hide")
    until(lambda: world.redis.client().hget("seclyzer:cursor:mouse", "version") == "1", "the cursor is of version 1")
    world.stop()
    assert content(world.folder / "state-keystroke" / "spool") == {**SEGMENTS, **OTHERS}
    assert content(world.folder / "state-app")["app-state.v3.json"] == APP
    message = 'level=error msg="a saved state of a later version is left alone"'
    logged = sorted(line.partition(f"{message} ")[2] for line in world.logs().splitlines() if message in line)
    assert logged == [
        "what=app version=2 count=1",
        "what=app version=3 count=1",
        "what=cursor version=2 count=1",
        "what=spool version=3 count=2",
    ]


def test_what_this_version_has_saved_is_of_version_one_and_is_counted_as_nothing(
    influx: InfluxServer, implementation: str
) -> None:
    world = World(influx, f"own-{implementation}")
    try:
        moves(world)
        world.start(implementation)
        until(lambda: world.published["mouse"], "windows come out")
        until(lambda: world.redis.client().hget("seclyzer:cursor:mouse", "stored"), "they are stored")
        world.stop()
        saved = world.redis.client().hgetall("seclyzer:cursor:mouse")
        world.start(implementation, ["mouse"])
        until(lambda: world.stats("mouse").get("pid") == str(world.running["mouse"].pid), "it writes its stats")
        assert (saved["version"], world.stats("mouse")["state_skipped"]) == ("1", "0")
    finally:
        world.close()
