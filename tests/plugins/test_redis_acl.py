"""How Redis' users come onto a host, with a real server running there."""

import grp
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plugins.module_utils.layout import Refused
from plugins.module_utils.redis_server import ordered
from plugins.module_utils.redis_users import Host
from plugins.module_utils.resp import Redis, RedisError
from plugins.modules.redis_acl import apply, chosen
from tests.helpers.redis_server import PROGRAM, RedisServer

RULES = {"reader": "resetkeys -@all +ping %R~a* +get", "admin": "~* &* +@all"}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(
        path=str(tmp_path / "users.acl"),
        credentials=str(tmp_path / "credentials"),
        server=PROGRAM,
        socket=str(tmp_path / "redis.sock"),
        server_group=grp.getgrgid(os.getegid()).gr_name,
        socket_group=grp.getgrgid(os.getegid()).gr_name,
        members=[],
        groups={},
        dry=False,
    )


@pytest.fixture
def running(host: Host) -> Iterator[Host]:
    """A host whose users were made, with Redis running on them."""
    apply(host, RULES, False)
    with RedisServer(Path(host.socket).parent, "--aclfile", host.path):
        yield host


def login(host: Host, user: str) -> Redis:
    return Redis(host.socket, user, host.password_file(user).read_text().strip())


def run_id(host: Host) -> str:
    with login(host, "admin") as redis:
        found = re.search(r"run_id:(\w+)", str(redis.call("INFO", "server")))
    assert found
    return found[1]


def test_the_first_run_makes_a_password_for_each_user_that_only_root_may_read(host: Host) -> None:
    result = apply(host, RULES, False)
    assert (result["changed"], result["users_changed"], result["restart"]) == (True, ["reader", "admin"], [])
    passwords = [host.password_file(user).read_text() for user in RULES]
    assert all(re.fullmatch(r"[0-9a-f]{64}\n", password) for password in passwords)
    assert passwords[0] != passwords[1]
    assert {host.password_file(user).stat().st_mode & 0o777 for user in RULES} == {0o600}
    assert Path(host.credentials).stat().st_mode & 0o777 == 0o711
    assert Path(host.path).stat().st_mode & 0o777 == 0o640


def test_a_named_group_may_read_its_users_password(host: Host) -> None:
    group = grp.getgrgid(os.getegid()).gr_name
    apply(replace(host, groups={"reader": group}), RULES, False)
    assert [host.password_file(user).stat().st_mode & 0o777 for user in RULES] == [0o640, 0o600]


def test_the_second_run_changes_nothing(running: Host) -> None:
    result = apply(running, RULES, False)
    assert (result["changed"], result["loaded"], result["users_changed"]) == (False, False, [])


def test_no_result_and_no_diff_tells_a_password_or_its_hash(running: Host) -> None:
    reported = json.dumps([apply(running, RULES, rotate) for rotate in (False, True)])
    assert not re.search(r"[0-9a-f]{32}", reported)
    assert "# a new password for reader" in reported


def test_looking_only_writes_nothing(host: Host) -> None:
    result = apply(replace(host, dry=True), RULES, False)
    assert result["changed"] is True
    assert not Path(host.path).exists() and not Path(host.credentials).exists()


def test_new_rules_take_effect_without_a_restart(running: Host) -> None:
    before = run_id(running)
    with login(running, "reader") as redis, pytest.raises(RedisError, match="NOPERM"):
        redis.call("STRLEN", "a")
    result = apply(running, {**RULES, "reader": RULES["reader"] + " +strlen"}, False)
    assert (result["loaded"], result["restart"], result["users_changed"]) == (True, [], [])
    with login(running, "reader") as redis:
        assert redis.call("STRLEN", "a") == 0
    assert run_id(running) == before


def test_rules_changed_by_hand_are_mended(running: Host) -> None:
    with login(running, "admin") as redis:
        redis.call("ACL", "SETUSER", "reader", "+set", "~*")
        redis.call("ACL", "SETUSER", "intruder", "on", "nopass", "+@all", "~*")
    assert apply(running, RULES, False)["loaded"] is True
    with login(running, "admin") as redis:
        assert redis.call("ACL", "DRYRUN", "reader", "SET", "a", "1") != "OK"
        assert redis.call("ACL", "GETUSER", "intruder") is None


def test_rules_that_redis_refuses_change_nothing(running: Host) -> None:
    before = Path(running.path).read_text()
    with pytest.raises(Refused, match=r"so nothing was changed: .*\+nosuch"):
        apply(running, {**RULES, "reader": "+nosuch"}, ["admin"])
    assert Path(running.path).read_text() == before
    assert apply(running, RULES, False)["changed"] is False


def test_a_lost_admin_password_asks_for_a_restart(running: Host) -> None:
    running.password_file("admin").unlink()
    result = apply(running, RULES, False)
    assert result["users_changed"] == ["admin"]
    assert [reason for reason in result["restart"] if "refuses the login as admin" in reason]  # type: ignore[attr-defined]


def test_default_is_off_unless_it_is_given_rules(running: Host) -> None:
    with Redis(running.socket) as redis, pytest.raises(RedisError, match="NOAUTH"):
        redis.call("PING")
    apply(running, {**RULES, "default": "on nopass -@all +ping"}, False)
    with Redis(running.socket) as redis:
        assert redis.call("PING") == "PONG"


@pytest.mark.parametrize(
    ("wish", "users"),
    [(True, ["a", "b"]), ("yes", ["a", "b"]), (False, []), ("", []), (None, []), (["b"], ["b"])],
)
def test_what_may_be_rotated(wish: object, users: list[str]) -> None:
    assert chosen("rotate", wish, ["a", "b"]) == users


@pytest.mark.parametrize("wish", [["c"], "a", 3])
def test_a_wish_to_rotate_that_makes_no_sense_is_refused_with_what_is_allowed(wish: object) -> None:
    with pytest.raises(Refused, match=r"there are a, b|is true, false or a list"):
        chosen("rotate", wish, ["a", "b"])


def test_the_same_rules_listed_in_another_order_are_the_same() -> None:
    reported = "user u on #1 ~a -@all +get +set (%R~b resetchannels -@all +xread +xrange)"
    again = "user u on #1 ~a -@all +set +get (%R~b resetchannels -@all +xrange +xread)"
    other = "user u on #1 ~a -@all +set +get (%R~b resetchannels -@all +xrange)"
    assert ordered(reported) == ordered(again) != ordered(other)


def host_password(host: Host, user: str) -> str:
    return host.password_file(user).read_text().strip()
