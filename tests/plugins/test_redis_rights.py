"""What each of Redis' users may do and may not do, asked of the installed Redis under the role's own rules."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from plugins.module_utils import kinds
from plugins.module_utils.redis_rules import text_of
from plugins.module_utils.redis_server import trial
from plugins.module_utils.resp import Redis, RedisError

SERVER = "/usr/bin/redis-server"
ROOT = Path(__file__).parents[2]
VARIABLES = ROOT / "roles/redis/vars/main.yml"
KINDS = kinds.KINDS
EVERYONE = ("collector", *KINDS, "agent", "consumer", "default")
READS_EVENTS = (
    "XREAD STREAMS {stream} 0",
    "XRANGE {stream} - +",
    "XREVRANGE {stream} + -",
    "XINFO STREAM {stream}",
    "XREADGROUP GROUP g c STREAMS {stream} >",
    "DUMP {stream}",
)
ADMIN_ONLY = (
    "CONFIG GET *",
    "CONFIG SET appendonly yes",
    "ACL LIST",
    "ACL WHOAMI",
    "SLOWLOG GET",
    "MONITOR",
    "CLIENT LIST",
    "CLIENT KILL ID 3",
    "CLIENT TRACKING ON BCAST",
    "SHUTDOWN",
    "FLUSHALL",
    "KEYS *",
    "SCAN 0",
    "EVAL return 0",
    "SAVE",
    "BGSAVE",
    "BGREWRITEAOF",
    "REPLICAOF a 1",
    "DEBUG SLEEP 0",
    "MODULE LIST",
    "FUNCTION LIST",
    "DEL other",
    "PUBLISH other x",
    "SUBSCRIBE other",
    "PSUBSCRIBE *",
    "GET other",
    "SET other 1",
)


def variables() -> dict[str, str]:
    """The role's rules by user, templates filled in by Ansible, the legacy default user among them."""
    users = "{{ {'default': __redis_legacy} | combine(__redis_users) | to_json }}"
    words = ["-e", f"@{VARIABLES}", "-e", f"role_path={VARIABLES.parents[1]}", "-m", "ansible.builtin.debug", "-a"]
    program = Path(sys.executable).with_name("ansible")
    ended = subprocess.run(
        [program, "localhost", *words, f'msg="{users}"'], capture_output=True, text=True, check=True, cwd=ROOT
    )
    shown: dict[str, str] = json.loads(yaml.safe_load(ended.stdout.partition("=>")[2])["msg"])
    return shown


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    users = variables()
    rules = text_of(users, dict.fromkeys(users, "secret"), {})
    with trial(SERVER, acl=rules) as socket, Redis(socket, "admin", "secret") as connection:
        yield connection


def may(redis: Redis, user: str, command: str) -> bool:
    return redis.call("ACL", "DRYRUN", user, *command.split()) == "OK"


@pytest.mark.parametrize("kind", KINDS)
def test_an_extractor_reads_and_trims_its_stream_and_writes_its_results(redis: Redis, kind: str) -> None:
    for command in (
        "PING",
        "MULTI",
        "EXEC",
        "DISCARD",
        "SUBSCRIBE seclyzer:events",
        "UNSUBSCRIBE seclyzer:events",
        f"XREAD COUNT 512 BLOCK 1000 STREAMS seclyzer:stream:{kind} 0-0",
        f"XRANGE seclyzer:stream:{kind} - +",
        f"XTRIM seclyzer:stream:{kind} MINID ~ 5",
        f"XLEN seclyzer:stream:{kind}",
        f"MEMORY USAGE seclyzer:stream:{kind} SAMPLES 0",
        f"XINFO STREAM seclyzer:stream:{kind}",
        f"DEL seclyzer:stream:{kind}",
        f"PUBLISH seclyzer:features:{kind} x",
        f"LPUSH seclyzer:features:{kind} x",
        f"LTRIM seclyzer:features:{kind} 0 999",
        f"HSET seclyzer:cursor:{kind} published 1",
        f"HGETALL seclyzer:cursor:{kind}",
        f"HSET seclyzer:stats:{kind} events 1",
        f"EXPIRE seclyzer:stats:{kind} 30",
    ):
        assert may(redis, kind, command), command


@pytest.mark.parametrize("kind", KINDS)
def test_an_extractor_may_not_forge_events_nor_destroy_anything_else(redis: Redis, kind: str) -> None:
    own = f"seclyzer:stream:{kind}"
    for command in (
        "PUBLISH seclyzer:events x",
        f"XADD {own} * e x",
        f"DEL seclyzer:features:{kind}",
        f"DEL seclyzer:cursor:{kind}",
        f"DEL seclyzer:stats:{kind}",
        f"XINFO GROUPS {own}",
        "MEMORY DOCTOR",
        f"EXPIRE {own} 1",
        f"LPUSH {own} x",
        f"HSET {own} a b",
        f"LTRIM seclyzer:stats:{kind} 0 1",
        f"HSET seclyzer:features:{kind} a b",
        f"EXPIRE seclyzer:cursor:{kind} 1",
    ):
        assert not may(redis, kind, command), command


@pytest.mark.parametrize("kind", KINDS)
def test_an_extractor_touches_nothing_of_another(redis: Redis, kind: str) -> None:
    for other in KINDS:
        if other == kind:
            continue
        for command in (
            *(read.format(stream=f"seclyzer:stream:{other}") for read in READS_EVENTS),
            f"XTRIM seclyzer:stream:{other} MINID 5",
            f"DEL seclyzer:stream:{other}",
            f"MEMORY USAGE seclyzer:stream:{other}",
            f"PUBLISH seclyzer:features:{other} x",
            f"LPUSH seclyzer:features:{other} x",
            f"HSET seclyzer:cursor:{other} published 1",
            f"HGETALL seclyzer:cursor:{other}",
            f"HSET seclyzer:stats:{other} events 1",
        ):
            assert not may(redis, kind, command), command


def test_only_the_app_tracker_keeps_patterns_and_state(redis: Redis) -> None:
    for key in ("seclyzer:app:patterns", "seclyzer:app:state"):
        for command in (f"GET {key}", f"SET {key} x"):
            allowed = [user for user in EVERYONE if may(redis, user, command)]
            assert allowed == ["app"], command


def test_a_collector_adds_and_publishes_events_and_reads_nothing_back(redis: Redis) -> None:
    for kind in KINDS:
        stream = f"seclyzer:stream:{kind}"
        assert may(redis, "collector", f"XADD {stream} MINID ~ 5 * e x")
        for command in (
            *(read.format(stream=stream) for read in READS_EVENTS),
            f"XLEN {stream}",
            f"XTRIM {stream} MINID 5",
        ):
            assert not may(redis, "collector", command), command
    assert may(redis, "collector", "PUBLISH seclyzer:events x")
    for command in ("SUBSCRIBE seclyzer:events", "PUBLISH seclyzer:features:app x", "XADD seclyzer:stream:other * e x"):
        assert not may(redis, "collector", command), command


def test_the_agent_sees_figures_and_lengths_and_never_an_event(redis: Redis) -> None:
    for kind in KINDS:
        stream = f"seclyzer:stream:{kind}"
        for command in (
            f"XLEN {stream}",
            f"LLEN seclyzer:features:{kind}",
            f"HGETALL seclyzer:stats:{kind}",
            "INFO",
            "PING",
        ):
            assert may(redis, "agent", command), command
        for command in (
            *(read.format(stream=stream) for read in READS_EVENTS),
            f"LRANGE seclyzer:features:{kind} 0 -1",
            f"HSET seclyzer:stats:{kind} a b",
            f"XADD {stream} * e x",
            "SUBSCRIBE seclyzer:events",
            f"SUBSCRIBE seclyzer:features:{kind}",
        ):
            assert not may(redis, "agent", command), command


def test_a_consumer_hears_features_reads_their_lists_and_nothing_else(redis: Redis) -> None:
    for command in (
        "SUBSCRIBE seclyzer:features:app",
        "PSUBSCRIBE seclyzer:features:*",
        "LLEN seclyzer:features:app",
        "LRANGE seclyzer:features:app 0 -1",
    ):
        assert may(redis, "consumer", command), command
    for command in (
        "SUBSCRIBE seclyzer:events",
        "PSUBSCRIBE seclyzer:*",
        "PUBLISH seclyzer:features:app x",
        "LPUSH seclyzer:features:app x",
        "LTRIM seclyzer:features:app 0 0",
        "DEL seclyzer:features:app",
        "LRANGE seclyzer:stream:app 0 -1",
        "HGETALL seclyzer:stats:app",
        *(read.format(stream="seclyzer:stream:keystroke") for read in READS_EVENTS),
    ):
        assert not may(redis, "consumer", command), command


def test_a_legacy_client_publishes_events_hears_features_and_counts_them(redis: Redis) -> None:
    for command in (
        "PING",
        "PUBLISH seclyzer:events x",
        "SUBSCRIBE seclyzer:features:mouse",
        "PSUBSCRIBE seclyzer:features:*",
        "LLEN seclyzer:features:mouse",
    ):
        assert may(redis, "default", command), command
    for command in (
        "SUBSCRIBE seclyzer:events",
        "PUBLISH seclyzer:features:app x",
        "XADD seclyzer:stream:app * e x",
        "LRANGE seclyzer:features:app 0 -1",
        *(read.format(stream="seclyzer:stream:keystroke") for read in READS_EVENTS),
    ):
        assert not may(redis, "default", command), command


@pytest.mark.parametrize("user", EVERYONE)
@pytest.mark.parametrize("command", ADMIN_ONLY)
def test_what_only_an_admin_may_do(redis: Redis, user: str, command: str) -> None:
    assert not may(redis, user, command)


@pytest.mark.parametrize(
    "command", ["SAVE", "BGSAVE", "BGREWRITEAOF", "REPLICAOF a 1", "SYNC", "PSYNC a 1", "DEBUG SLEEP 0"]
)
def test_not_even_an_admin_may_write_memory_to_disk_or_send_it_away(redis: Redis, command: str) -> None:
    assert not may(redis, "admin", command)


@pytest.mark.parametrize("command", ["CONFIG SET maxmemory 1", "ACL LOAD", "XRANGE seclyzer:stream:app - +", "INFO"])
def test_an_admin_may_look_after_the_server(redis: Redis, command: str) -> None:
    assert may(redis, "admin", command)


def test_without_legacy_clients_no_client_gets_in_without_a_password() -> None:
    users = variables()
    del users["default"]
    with trial(SERVER, acl=text_of(users, dict.fromkeys(users, "secret"), {})) as socket, Redis(socket) as redis:
        with pytest.raises(RedisError, match=r"^NOAUTH"):
            redis.call("PING")
        with pytest.raises(RedisError, match=r"^WRONGPASS"):
            redis.call("AUTH", "collector", "guess")
        assert redis.call("AUTH", "collector", "secret") == "OK"
