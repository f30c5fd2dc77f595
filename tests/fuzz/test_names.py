"""Names of applications, of users and hosts on their way into a real InfluxDB: each is the value of one tag.

A name that could end its point, or begin another field, tag or point, must not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until
from tests.live.events import add
from tests.live.expected import points_of
from tests.live.world import World

NAMES = [
    "plain",
    "a b",
    " a",
    "a ",
    "a,b",
    "a=b",
    ",",
    "=",
    ",from_app=x",
    "x,to_app=y duration_ms=1 1",
    "a\nb",
    "a\r\nb",
    "\n",
    "x\napp_transitions,host=h duration_ms=666 1",
    'x duration_ms=666,dev_mode="',
    "a\\",
    "\\",
    "a\\,b",
    "a\\ b",
    "a\\\\",
    "a\\nb",
    '"',
    'a"b',
    '\\"',
    "a\tb",
    "nul\0nul",
    "\x7f",
    "\x1b[31m",
    "\x01\x1f",
    "# no comment",
    "a#b",
    "\u0085next line",
    "\u2028line separator",
    "\ufeffmark",
    "\u00a0",
    "ünï",
    "日本語",
    "\U0001f600",
    "\U0001f600" * 256,
    "\U0010ffff",
    "e\u0301",
    "true",
    "1i",
    "null",
    "_field",
    "(other)",
    "{}[]':;",
    "%s%n${HOME}`id`",
    "end",
]
USER = 'me, my=self\\ and "I"\nuser_id=you'
HOST = "a host\\"
STEP_US = 1_000_000


def as_tag(name: str) -> str:
    """What the readings say of a name in a tag."""
    return "".join("_" if ord(one) < 32 or ord(one) == 127 else "/" if one == "\\" else one for one in name)


def focuses(start: int) -> list[tuple[str, bytes]]:
    """The names one after the other, every second way with all that can be an escape as one."""
    made = []
    for place, name in enumerate(NAMES):
        message = {"type": "app", "ts": start + place * STEP_US, "app_name": name}
        made.append(("app", json.dumps(message, ensure_ascii=bool(place % 2)).encode()))
    return made


@pytest.fixture(scope="module")
def stored(influx: InfluxServer) -> Iterator[dict[str, tuple[int, list[dict[str, object]], dict[str, str]]]]:
    """Per implementation: when it began, every row of the bucket, and the stats."""
    done = {}
    with ExitStack() as stack:
        worlds = {}
        for implementation in ("python", "rust"):
            world = World(influx, f"names-{implementation}", SECLYZER_USER_ID=USER, SECLYZER_HOST=HOST)
            stack.callback(world.close)
            start = time.time_ns() // 1000 - (len(NAMES) + 30) * STEP_US
            add(world.redis.client(), focuses(start))
            world.start(implementation, ["app"])
            worlds[implementation] = world, start
        for implementation, (world, start) in worlds.items():
            count = len(NAMES) - 1
            until(lambda w=world, n=count: settled(w) >= n, f"{count} points of {implementation} are answered")  # type: ignore[misc]
            world.stop()
            done[implementation] = start, influx.points(world.name), world.stats("app")
        yield done


def settled(world: World) -> int:
    stats = world.stats("app")
    return sum(int(stats.get(name, 0)) for name in ("points_written", "points_rejected", "points_dropped"))


Stored = dict[str, tuple[int, list[dict[str, object]], dict[str, str]]]


def test_influxdb_took_every_point(stored: Stored, implementation: str) -> None:
    _, _, stats = stored[implementation]
    count = str(len(NAMES) - 1)
    assert (stats["windows"], stats["points_written"], stats["points_rejected"]) == (count, count, "0")
    assert stats["malformed"] == "0"


def test_there_is_exactly_one_point_for_each_transition(stored: Stored, implementation: str) -> None:
    start, rows, _ = stored[implementation]
    points = points_of(rows, "app_transitions")
    expected = {
        (start + place * STEP_US, as_tag(NAMES[place - 1]), as_tag(NAMES[place])) for place in range(1, len(NAMES))
    }
    assert set(points) == expected
    assert {row["_measurement"] for row in rows} == {"app_transitions"}


def test_every_point_has_its_own_four_fields_and_tags_only(stored: Stored, implementation: str) -> None:
    _, rows, _ = stored[implementation]
    for (_, source, target), point in points_of(rows, "app_transitions").items():
        assert point.fields == {"duration_ms": 1000.0, "dev_mode": 0.0, "implementation": implementation, "schema": 2}
        expected = {"user_id": as_tag(USER), "host": as_tag(HOST), "from_app": source, "to_app": target}
        assert point.tags == expected
    known = {"user_id", "host", "from_app", "to_app"}
    assert {name for row in rows for name in row if not name.startswith("_")} <= known | {"result", "table"}


def test_the_two_implementations_store_the_same(stored: Stored) -> None:
    """Apart from when they began, which differs by less than a step."""
    sets = [
        {(source, target) for _, source, target in points_of(rows, "app_transitions")} for _, rows, _ in stored.values()
    ]
    assert sets[0] == sets[1] and len(sets[0]) >= len(NAMES) - 5
