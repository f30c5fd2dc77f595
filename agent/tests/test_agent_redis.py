"""Redis as the agent's user sees it, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import redis
from agent_world import RedisServer, with_redis

from seclyzer_agent.checks.legacy_clients import LegacyClients
from seclyzer_agent.checks.redis import RedisCheck, judge_memory
from seclyzer_agent.model import Entry, Reading, Status, Unreadable
from seclyzer_agent.redis_client import ANSWERED, TRIES

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL


def redis_reading(server: RedisServer, password: str = "agent-password") -> dict[str, Entry]:
    async def use(client: Any) -> Reading:
        return await RedisCheck(client, slow=0.5, warn=80, fail=95, recent=300).read()

    return {e.measurement: e for e in with_redis(server, use, password).entries}


def test_a_redis_in_memory_only_passes_with_the_rights_of_the_acl_user(redis_server: RedisServer) -> None:
    entries = redis_reading(redis_server)
    assert {name: e.status for name, e in entries.items()} == {
        "responseTime": PASS, "memory": PASS, "persistence": PASS, "connections": PASS, "refusals": PASS
    }  # fmt: skip
    assert 0 < float(entries["responseTime"].value or 0) < 500
    assert entries["persistence"].output == "Redis keeps everything in memory only"


def test_a_redis_that_appends_or_saves_fails(redis_server: RedisServer) -> None:
    redis_server.admin.config_set("appendonly", "yes")
    entry = redis_reading(redis_server)["persistence"]
    assert entry.status is FAIL and "appends every write to a file (appendonly)" in entry.output
    redis_server.admin.config_set("appendonly", "no")
    redis_server.admin.save()
    entry = redis_reading(redis_server)["persistence"]
    assert entry.status is FAIL and "has written snapshots to disk" in entry.output


def test_redis_memory_is_judged_against_maxmemory(redis_server: RedisServer) -> None:
    redis_server.admin.config_set("maxmemory", "0")
    assert redis_reading(redis_server)["memory"].status is WARN
    redis_server.admin.config_set("maxmemory", "32mb")
    redis_server.admin.config_set("maxmemory-policy", "allkeys-lru")
    entry = redis_reading(redis_server)["memory"]
    assert entry.status is WARN and "maxmemory-policy is allkeys-lru" in entry.output
    assert [judge_memory(n, 100, "noeviction", 80, 95).status for n in (79, 80, 95)] == [PASS, WARN, FAIL]
    words = [judge_memory(n, 100, "noeviction", 80, 95).output for n in (79, 80)]
    assert ["takes no events and no features" in one for one in words] == [False, True]


def test_a_wrong_password_a_missing_right_and_no_server_are_reported(redis_server: RedisServer) -> None:
    with pytest.raises(Unreadable, match="Redis refuses the agent's user or password"):
        redis_reading(redis_server, "wrong")
    redis_server.admin.acl_setuser("agent", enabled=True, commands=["-info"])
    with pytest.raises(Unreadable, match="Redis does not permit the agent its commands"):
        redis_reading(redis_server)
    redis_server.kill(unlink=False)
    with pytest.raises(Unreadable, match="Redis cannot be reached: Connection refused"):
        redis_reading(redis_server)


def refusals(server: RedisServer, *between: Callable[[], object]) -> list[Entry]:
    """The entry at first, and after each step."""

    async def use(client: Any) -> list[Entry]:
        check = RedisCheck(client, slow=0.5, warn=80, fail=95, recent=300)
        found = [await check.read()]
        for step in between:
            await asyncio.to_thread(step)
            found.append(await check.read())
        return [next(e for e in reading.entries if e.measurement == "refusals") for reading in found]

    return with_redis(server, use)


def login(server: RedisServer, username: str, password: str | None, *command: str) -> None:
    """A program tries a command and is refused."""
    once: dict[str, Any] = {"retry": None}
    other: Any = redis.Redis(unix_socket_path=str(server.socket), username=username, password=password, **once)
    with pytest.raises(redis.RedisError):
        other.execute_command(*command)
    other.close()


def test_a_producer_with_a_wrong_password_is_seen_and_one_without_a_right(redis_server: RedisServer) -> None:
    def wrong_three_times() -> None:
        for _ in range(3):
            login(redis_server, "admin", "wrong", "PING")

    login(redis_server, "admin", "old", "PING")  # before the agent looked
    first, wrong, right = refusals(
        redis_server,
        wrong_three_times,
        lambda: login(redis_server, "agent", "agent-password", "FLUSHALL"),
    )
    assert (first.status, first.output) == (PASS, "Redis refused no one in the last 300 s")
    assert (wrong.status, wrong.finding) == (WARN, "")
    assert wrong.output == "Redis refused 3 logins with a wrong user or password in the last 300 s"
    assert right.status is WARN and "1 commands that their user has no right to" in right.output


def test_what_the_agent_itself_tries_without_a_password_is_no_ones_refusal(redis_server: RedisServer) -> None:
    url = f"unix://{redis_server.socket}"

    def look() -> None:
        asyncio.run(LegacyClients(url, False).read())

    found = refusals(redis_server, look, look, lambda: login(redis_server, "admin", "wrong", "PING"))
    assert [entry.status for entry in found] == [PASS, PASS, PASS, WARN]
    assert found[-1].value == 1


def test_tries_of_the_agent_that_are_under_way_at_the_first_look_are_no_ones_refusal(redis_server: RedisServer) -> None:
    def arrive() -> None:
        for _ in range(3):
            login(redis_server, "admin", "tried on purpose", "PING")
        ANSWERED["WRONGPASS"] += 3

    TRIES["WRONGPASS"] += 3
    found = refusals(redis_server, arrive, lambda: login(redis_server, "admin", "wrong", "PING"))
    assert [entry.status for entry in found] == [PASS, PASS, WARN]


def test_writes_that_a_full_redis_refuses_are_a_failure(redis_server: RedisServer) -> None:
    def fill() -> None:
        redis_server.admin.config_set("maxmemory", "1mb")
        login(redis_server, "admin", "admin-password", "SET", "x", "y" * 2**20)

    full = refusals(redis_server, fill)[1]
    assert (full.status, full.finding) == (FAIL, "redis-full")
    assert full.output == "Redis refused 1 writes of events and features because its memory is full in the last 300 s"


def test_a_redis_that_was_started_anew_has_refused_no_one(redis_server: RedisServer) -> None:
    def again() -> None:
        redis_server.kill()
        redis_server.start()

    def look() -> None:
        asyncio.run(LegacyClients(f"unix://{redis_server.socket}", False).read())

    login(redis_server, "admin", "wrong", "PING")
    found = refusals(redis_server, look, again, lambda: login(redis_server, "admin", "wrong", "PING"))
    assert [entry.status for entry in found] == [PASS, PASS, PASS, WARN]
