"""Logins to Redis without a password, and how many connections are left, against a real server."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import ExitStack
from typing import Any

import pytest
from agent_world import RedisServer, with_redis

from seclyzer_agent.checks.legacy_clients import LegacyClients, RedisAway
from seclyzer_agent.checks.redis import RedisCheck, judge_connections
from seclyzer_agent.model import Entry, Reading, Status

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL


def legacy(server: RedisServer, configured: bool) -> Entry:
    return asyncio.run(LegacyClients(f"unix://{server.socket}", configured).read()).entries[0]


def test_a_redis_that_wants_passwords_passes(redis_server: RedisServer) -> None:
    entry = legacy(redis_server, False)
    assert (entry.status, entry.output) == (PASS, "Redis lets no client in without a password")


@pytest.mark.parametrize(("configured", "status"), [(False, FAIL), (True, WARN)])
def test_a_default_user_without_a_password_fails_unless_it_is_configured(
    redis_server: RedisServer, configured: bool, status: Status
) -> None:
    redis_server.admin.acl_setuser("default", enabled=True, nopass=True)
    assert legacy(redis_server, configured).status is status


def test_a_default_user_who_may_not_even_ping_is_let_in_all_the_same(redis_server: RedisServer) -> None:
    redis_server.admin.acl_setuser("default", enabled=True, nopass=True, commands=["-ping"])
    assert legacy(redis_server, False).status is FAIL


@pytest.mark.parametrize("user", ["mouse", "admin"])
def test_a_user_who_needs_no_password_any_more_fails_whatever_is_configured(
    redis_server: RedisServer, user: str
) -> None:
    redis_server.admin.acl_setuser(user, enabled=True, nopass=True, keys=["*"], commands=["+@all"])
    entry = legacy(redis_server, True)
    assert entry.status is FAIL and f"as {user};" in entry.output


def test_the_configuration_alone_lets_no_client_in(redis_server: RedisServer) -> None:
    entry = legacy(redis_server, True)
    assert (entry.status, entry.value) == (WARN, False)


def test_a_redis_that_hangs_is_away_and_not_open(redis_server: RedisServer) -> None:
    redis_server.signal(signal.SIGSTOP)
    try:
        with pytest.raises(RedisAway, match="does not answer") as raised:
            legacy(redis_server, False)
    finally:
        redis_server.signal(signal.SIGCONT)
    assert raised.value.finding == "redis-away"


def connections(server: RedisServer, held: int, looks: int = 1) -> Entry:
    """What is reported of connections after `held` idle ones were opened, each look after them."""

    async def use(client: Any) -> Reading:
        check = RedisCheck(client, slow=0.5, warn=80, fail=95, recent=300)
        reading = await check.read()
        with ExitStack() as stack:
            for _ in range(held):
                one = stack.enter_context(socket.socket(socket.AF_UNIX))
                one.connect(str(server.socket))
            for _ in range(looks):
                await asyncio.sleep(0.1)
                reading = await check.read()
        return reading

    return next(e for e in with_redis(server, use).entries if e.measurement == "connections")


@pytest.mark.parametrize(("held", "status"), [(0, PASS), (16, WARN), (19, FAIL)])
def test_idle_connections_of_strangers_are_judged(redis_server: RedisServer, held: int, status: Status) -> None:
    redis_server.admin.config_set("maxclients", "20")
    assert connections(redis_server, held).status is status


def test_connections_that_were_turned_away_are_reported(redis_server: RedisServer) -> None:
    redis_server.admin.config_set("maxclients", "20")
    entry = connections(redis_server, 30)
    assert entry.status is FAIL and "it turned 11 away since the last look" in entry.output


def test_turned_away_connections_of_before_are_no_warning() -> None:
    info = {"connected_clients": 3, "maxclients": 128, "tcp_port": 0}
    entry = judge_connections(info, 0, 80, 95)
    assert (entry.status, entry.output) == (PASS, "Redis has 3 of 128 connections (2 %)")
    assert judge_connections(info, 2, 80, 95).status is WARN


def test_a_port_is_reported() -> None:
    words = judge_connections({"connected_clients": 3, "maxclients": 128, "tcp_port": 6379}, 0, 80, 95).output
    assert words.endswith("; any user of this host can take them through port 6379")
