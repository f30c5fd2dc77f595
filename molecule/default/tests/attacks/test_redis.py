"""What a producer or another user of an edge can do to Redis: each was done, and once worked."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pytest
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, on_every
from hostchecks.polling import poll

testinfra_hosts = ["ansible://seclyzer_edge"]

NOBODY = 65534
FOLDERS = ["/etc/seclyzer/redis", "/etc/seclyzer/credentials", "/etc/seclyzer", "/etc/systemd/system", "/run/redis"]
SOCKET = "/run/redis/redis-server.sock"
# The extractor looks at its stream's ids every 10 s, and reads for at most 2.5 s more; on a busy machine it takes
# longer.
LOOK = 60
# The agent looks every 5 s for connections and fails at the second bad reading, every 60 s for who is let in.
SEEN = 75


def attack(host: Host, what: str, **arguments: Any) -> Any:
    return run_on(host, "redis_attacks", "resp", attack=what, **arguments)


KINDS = ("keystroke", "app")


@cache
def _everywhere(what: str, arguments: tuple[tuple[str, Any], ...]) -> dict[str, dict[str, Any]]:
    def of_each_kind(edge: Host) -> dict[str, Any]:
        with ThreadPoolExecutor() as pool:
            found = pool.map(lambda kind: attack(edge, what, kind=kind, **dict(arguments)), KINDS)
            return dict(zip(KINDS, found, strict=True))

    return on_every(EDGES, of_each_kind)


def slow_attack(host: Host, what: str, kind: str, **arguments: Any) -> Any:
    """One that waits for what an extractor does by the clock: on all edges and streams at once, for all their tests."""
    return _everywhere(what, tuple(arguments.items()))[name(host)][kind]


def gid(host: Host, group: str) -> int:
    return int(host.check_output("getent group %s", group).split(":")[2])


def status(host: Host, check: str) -> list[tuple[str, str]]:
    """What the agent says of a check: statuses and words."""
    answer = run_on(host, "ask", paths=["/healthz"])["/healthz"]
    rows = json.loads(answer["body"])["checks"].get(check, [])
    return [(row["status"], row.get("output", "")) for row in rows]


def await_status(host: Host, check: str, expected: str, seconds: float) -> str:
    """The agent's words once it says so."""
    rows = poll(lambda: status(host, check), lambda rows: expected in dict(rows), seconds, 1)
    assert expected in dict(rows), rows
    return dict(rows)[expected]


@pytest.mark.parametrize("groups", [["redis"], ["seclyzer-redis"], ["seclyzer-collector", "seclyzer-redis"]])
def test_no_group_can_put_a_link_where_root_writes(host: Host, groups: list[str]) -> None:
    assert attack(host, "writes", user=NOBODY, groups=[gid(host, one) for one in groups], places=FOLDERS) == []


def test_nothing_of_ours_is_left_in_the_packages_folder(host: Host) -> None:
    assert host.check_output("find /etc/redis -name 'seclyzer*'") == ""


@pytest.mark.parametrize(
    ("groups", "hears"),
    [
        ([], "PermissionError"),
        (["redis"], "PermissionError"),
        (["seclyzer-collector"], "PermissionError"),
        (["seclyzer-redis"], "NOAUTH Authentication required."),
    ],
)
def test_only_the_sockets_own_group_reaches_it(host: Host, groups: list[str], hears: str) -> None:
    assert attack(host, "connects", user=NOBODY, groups=[gid(host, one) for one in groups]) == hears


@cache
def _health_with_a_user_without_password(user: str) -> dict[str, str]:
    """The agent's words on every edge while Redis lets anyone in as that user; afterwards it passes again."""
    admin = "REDISCLI_AUTH=$(cat /etc/seclyzer/credentials/redis-admin) redis-cli -s %s --user admin ACL"

    def let_in(edge: Host) -> str:
        edge.check_output(f"{admin} SETUSER %s on nopass", SOCKET, user)
        try:
            words = await_status(edge, "legacy_clients:enabled", "fail", SEEN)
        finally:
            edge.check_output(f"{admin} LOAD", SOCKET)
        await_status(edge, "legacy_clients:enabled", "pass", SEEN)
        return words

    return on_every(EDGES, let_in)


@pytest.mark.parametrize("user", ["default", "mouse"])
def test_health_fails_when_a_login_needs_no_password(host: Host, user: str) -> None:
    assert f"without a password, as {user};" in _health_with_a_user_without_password(user)[name(host)]


@cache
def _crowded() -> dict[str, tuple[dict[str, Any], list[tuple[str, str]]]]:
    """What idle connections come to and what the agent says then, on every edge; afterwards it passes again."""

    def crowd(edge: Host) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        found = attack(edge, "idle", connections=130, kind="keystroke", seconds=14)
        reported = status(edge, "redis:connections")
        await_status(edge, "redis:connections", "pass", SEEN)
        return found, reported

    return on_every(EDGES, crowd)


def test_idle_connections_are_seen_and_stop_no_connected_client(host: Host) -> None:
    found, reported = _crowded()[name(host)]
    assert "max number of clients" in found["hears"] or "closed" in found["hears"]
    assert found["events"] == 1
    assert any(one in ("warn", "fail") for one, _ in reported), "it was seen meanwhile"


@pytest.mark.parametrize("ahead", ["greatest", "hour"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_id_ahead_of_the_clock_ends_no_stream(host: Host, kind: str, ahead: str) -> None:
    found = slow_attack(host, "id_ahead", kind, seconds=LOOK, ahead=ahead)
    assert (found["mended"], found["resets"]) == (True, 1), found
    assert found["events"] >= 2, "what was in the old stream, and what came into the new one"


@pytest.mark.parametrize("kind", KINDS)
def test_events_that_a_producer_takes_away_at_once_are_a_gap(host: Host, kind: str) -> None:
    assert slow_attack(host, "emptied", kind, seconds=LOOK)["gaps"] == 1


@pytest.mark.parametrize(("kind", "other"), [("mouse", "keystroke"), ("app", "keystroke")])
def test_a_flood_of_one_kind_leaves_room_for_the_others(host: Host, kind: str, other: str) -> None:
    found = attack(host, "flood", kind=kind, other=other, size=900_000, seconds=8)
    assert found[kind]["redis_reconnects"] <= 1 and found[other]["redis_reconnects"] == 0, found
    assert found["refused"] <= found["sent"] // 5, found
    assert found[other]["events"] >= found["sent"] - found["refused"], found
    assert found["free_after"] < 2, found
