"""The heartbeats of all extractors by one round trip: each by itself, and never older than the round."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from agent_world import RedisServer, with_redis

from seclyzer_agent.heartbeats import ROUND, Heartbeats
from seclyzer_agent.model import Refused, Unreadable

KINDS = ("keystroke", "mouse", "app")
RIGHTS = ("+hgetall", "+xlen", "+llen")


def reads(admin: Any) -> int:
    """How often Redis has read from a client; this question is one of them."""
    return int(admin.info("stats")["total_reads_processed"])


def windows(server: RedisServer, *steps: str | Callable[[], object]) -> list[str]:
    """The windows that a new reader has of the kinds named, as the steps between leave them."""

    async def use(client: Any) -> list[str]:
        heartbeats, found = Heartbeats(client, KINDS), []
        for step in steps:
            if isinstance(step, str):
                fields = (await heartbeats.read(step)).fields
                found.append(dict(zip(fields[::2], fields[1::2], strict=True))["windows"])
            else:
                step()
        return found

    return with_redis(server, use)


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    """With a heartbeat of each kind, of 1, 2 and 3 windows."""
    for number, kind in enumerate(KINDS, 1):
        redis_server.write_stats(kind, {"windows": number})
    return redis_server


def test_a_round_of_all_extractors_is_one_round_trip(server: RedisServer) -> None:
    admin, counted = server.admin, list[int]()

    def count() -> None:
        counted.append(reads(admin))

    assert windows(server, *KINDS, count, *KINDS, count) == ["1", "2", "3"] * 2
    assert counted[1] - counted[0] == 2  # the round, and the question itself


def test_who_asks_again_gets_what_is_so_now(server: RedisServer) -> None:
    def goes_on() -> None:
        for kind in KINDS:
            server.write_stats(kind, {"windows": 9})

    assert windows(server, "keystroke", goes_on, "keystroke") == ["1", "9"]


def test_an_answer_that_was_not_asked_for_in_its_round_is_not_given_later(server: RedisServer) -> None:
    assert windows(
        server,
        "keystroke",
        lambda: server.write_stats("mouse", {"windows": 9}),
        lambda: time.sleep(ROUND + 0.05),
        "mouse",
    ) == ["1", "9"]


@pytest.mark.parametrize(
    ("spoil", "fault", "words"),
    [
        (
            lambda admin: admin.execute_command(
                "ACL", "SETUSER", "agent", "clearselectors", "~seclyzer:*:keystroke", "~seclyzer:*:app", *RIGHTS
            ),
            Refused,
            "does not permit the agent its commands",
        ),
        (
            lambda admin: (admin.delete("seclyzer:stats:mouse"), admin.set("seclyzer:stats:mouse", "x")),
            Unreadable,
            r"answers with an error \(WRONGTYPE\)",
        ),
        (
            lambda admin: admin.set("seclyzer:features:mouse", "x"),
            Unreadable,
            r"answers with an error \(WRONGTYPE\)",
        ),
    ],
    ids=["no right", "no hash", "no list"],
)
def test_what_cannot_be_read_of_one_extractor_is_read_of_the_others(
    server: RedisServer, spoil: Callable[[Any], object], fault: type[Unreadable], words: str
) -> None:
    spoil(server.admin)

    async def use(client: Any) -> list[list[str]]:
        heartbeats = Heartbeats(client, KINDS)
        first = await heartbeats.read("keystroke")
        with pytest.raises(fault, match=words):
            await heartbeats.read("mouse")
        return [first.fields, (await heartbeats.read("app")).fields]

    assert with_redis(server, use) == [["windows", "1"], ["windows", "3"]]


def test_a_redis_that_is_away_is_away_for_each_and_back_for_each(server: RedisServer) -> None:
    async def use(client: Any) -> None:
        heartbeats = Heartbeats(client, KINDS)
        await heartbeats.read("keystroke")
        server.kill(unlink=False)
        time.sleep(ROUND + 0.05)
        for kind in KINDS:
            with pytest.raises(Unreadable, match="Redis cannot be reached"):
                await heartbeats.read(kind)
        server.start()
        assert [(await heartbeats.read(kind)).fields for kind in KINDS] == [[], [], []]

    with_redis(server, use)
