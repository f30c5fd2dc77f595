"""Redis as the agent's user sees it, against a real server."""

from __future__ import annotations

from typing import Any

import pytest
from agent_world import RedisServer, with_redis

from seclyzer_agent.checks.redis import RedisCheck, judge_memory
from seclyzer_agent.model import Entry, Reading, Status, Unreadable

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL


def redis_reading(server: RedisServer, password: str = "agent-password") -> dict[str, Entry]:
    async def use(client: Any) -> Reading:
        return await RedisCheck(client, slow=0.5, warn=80, fail=95).read()

    return {e.measurement: e for e in with_redis(server, use, password).entries}


def test_a_redis_in_memory_only_passes_with_the_rights_of_the_acl_user(redis_server: RedisServer) -> None:
    entries = redis_reading(redis_server)
    assert {name: e.status for name, e in entries.items()} == {
        "responseTime": PASS, "memory": PASS, "persistence": PASS, "connections": PASS
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


def test_a_wrong_password_a_missing_right_and_no_server_are_reported(redis_server: RedisServer) -> None:
    with pytest.raises(Unreadable, match="Redis refuses the agent's user or password"):
        redis_reading(redis_server, "wrong")
    redis_server.admin.acl_setuser("agent", enabled=True, commands=["-info"])
    with pytest.raises(Unreadable, match="Redis does not permit the agent its commands"):
        redis_reading(redis_server)
    redis_server.kill(unlink=False)
    with pytest.raises(Unreadable, match="Redis cannot be reached: Connection refused"):
        redis_reading(redis_server)
