"""Rotating a password of Redis: both are valid until it is finished, none is disconnected, any end is made good."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import credentials, former_passwords, redis_logins
from plugins.module_utils.redis_users import Host
from plugins.module_utils.resp import Redis, RedisAway, RedisError
from plugins.modules.redis_acl import apply
from tests.helpers.redis_server import RedisServer
from tests.plugins.test_redis_acl import RULES, host, host_password, login, running

__all__ = ["host", "running"]


class Died(Exception):
    """The run ends here, as by a power cut."""


def get_in(host: Host, user: str, password: str) -> bool:
    try:
        with Redis(host.socket, user, password) as redis:
            return redis.call("PING") == "PONG"
    except RedisError:
        return False


def ids(host: Host, user: str) -> set[str]:
    with login(host, "admin") as redis:
        found = [dict(redis_logins.CLIENT.findall(line)) for line in str(redis.call("CLIENT", "LIST")).splitlines()]
    return {one["id"] for one in found if one["user"] == user}


def overlapping(result: dict[str, Any]) -> list[str]:
    return sorted(result["overlapping"])


def about(host: Host) -> Any:
    """What a run that rotates nothing reports of the reader's former password."""
    found: Any = apply(host, RULES, False)["overlapping"]
    return found["reader"]


def test_the_former_password_stays_valid_beside_the_new_one_and_no_connection_is_closed(running: Host) -> None:
    old = {user: host_password(running, user) for user in RULES}
    with login(running, "reader") as connected:
        result = apply(running, RULES, ["reader"])
        assert connected.call("PING") == "PONG"
    assert (result["users_changed"], result["loaded"], overlapping(result)) == (["reader"], False, ["reader"])
    new = host_password(running, "reader")
    assert new != old["reader"] and host_password(running, "admin") == old["admin"]
    assert [get_in(running, "reader", word) for word in (old["reader"], new, "x" * 64)] == [True, True, False]


def test_finishing_ends_the_former_password_and_the_connections_by_it(
    running: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = host_password(running, "reader")
    with login(running, "reader") as before:
        by_old = ids(running, "reader")
        apply(running, RULES, ["reader"])
        with login(running, "reader") as after:
            # Redis counts ages in whole seconds: both connections are of this second, and only one counts as older.
            monkeypatch.setattr(redis_logins, "older", lambda redis, user, former: sorted(by_old))
            result = apply(running, RULES, False, True)
            assert (result["finished"], result["closed"], overlapping(result)) == (["reader"], 1, [])
            assert result["loaded"] is False
            with pytest.raises(RedisAway):
                before.call("PING")
            assert after.call("PING") == "PONG"
    assert [get_in(running, "reader", word) for word in (old, host_password(running, "reader"))] == [False, True]
    assert apply(running, RULES, False, True)["changed"] is False


def test_connections_that_have_not_logged_in_since_are_counted(running: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with login(running, "reader"):
        apply(running, RULES, ["reader"])
        later = time.time() + 100
        record = Path(running.path).with_name("former")
        since = former_passwords.parse(record.read_text())["reader"].since
        # A connection of this moment, and a password that is as old as it by the clock, or 100 s older.
        monkeypatch.setattr(time, "time", lambda: since - 5.0)
        assert about(running) == {"since": since, "older": 1}
        monkeypatch.setattr(time, "time", lambda: later)
        assert about(running) == {"since": since, "older": 0}


def test_rotating_again_before_the_end_changes_nothing_so_that_the_first_password_is_not_locked_out(
    running: Host,
) -> None:
    old = host_password(running, "reader")
    apply(running, RULES, ["reader"])
    new = host_password(running, "reader")
    again = apply(running, RULES, True)
    assert (again["users_changed"], overlapping(again)) == (["admin"], ["admin", "reader"])
    assert host_password(running, "reader") == new
    assert [get_in(running, "reader", word) for word in (old, new)] == [True, True]


def test_a_run_that_rotates_nothing_keeps_what_is_open_and_a_restart_keeps_it_too(host: Host) -> None:
    apply(host, RULES, False)
    with RedisServer(Path(host.socket).parent, "--aclfile", host.path):
        old = host_password(host, "reader")
        apply(host, RULES, ["reader"])
        result = apply(host, RULES, False)
        assert (result["changed"], overlapping(result)) == (False, ["reader"])
    with RedisServer(Path(host.socket).parent, "--aclfile", host.path):
        assert get_in(host, "reader", old) and get_in(host, "reader", host_password(host, "reader"))


def test_new_rules_while_a_rotation_is_open_keep_both_passwords(running: Host) -> None:
    old = host_password(running, "reader")
    apply(running, RULES, ["reader"])
    result = apply(running, {**RULES, "reader": RULES["reader"] + " +strlen"}, False)
    assert result["loaded"] is True
    assert get_in(running, "reader", old) and get_in(running, "reader", host_password(running, "reader"))


def test_a_password_that_no_rotation_left_is_taken_away(running: Host) -> None:
    with login(running, "admin") as redis:
        redis.call("ACL", "SETUSER", "reader", ">stranger")
    assert apply(running, RULES, ["admin"])["loaded"] is True
    assert get_in(running, "reader", "stranger") is False


STEPS = {
    "once the former is recorded": (Host, "keep_rules"),
    "once the rules are written": (redis_logins, "exchange"),
    "once Redis has both": (Host, "keep_passwords"),
    "in the middle of the files": (credentials, "keep_secret"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("then", ["rotated", "plain"])
def test_a_run_that_dies_half_way_locks_none_out_and_the_next_finishes(
    running: Host, monkeypatch: pytest.MonkeyPatch, step: str, then: str
) -> None:
    """Whoever reads the file gets in, and whoever has the first password does."""
    old = {user: host_password(running, user) for user in RULES}
    where, name = STEPS[step]
    real, calls = getattr(where, name), []

    def dies(*arguments: Any, **named: Any) -> Any:
        calls.append(name)
        if name == "keep_secret" and len(calls) == 1:
            return real(*arguments, **named)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(where, name, dies)
        with pytest.raises(Died):
            apply(running, RULES, True)

    def all_get_in() -> bool:
        words = [(user, word) for user in RULES for word in (old[user], host_password(running, user))]
        return all(get_in(running, user, word) for user, word in words)

    assert all_get_in()
    result = apply(running, RULES, then == "rotated")
    assert result["restart"] == [] and all_get_in()
    if then == "rotated":
        assert overlapping(result) == ["admin", "reader"]
        assert all(host_password(running, user) != old[user] for user in RULES)
    apply(running, RULES, False, True)
    assert [get_in(running, user, host_password(running, user)) for user in RULES] == [True, True]
    rotated = [user for user in RULES if host_password(running, user) != old[user]]
    assert not any(get_in(running, user, old[user]) for user in rotated)


@pytest.mark.parametrize("step", ["keep_rules", "exchange", "close"])
def test_a_finish_that_dies_half_way_is_finished_by_the_next(
    running: Host, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    old = host_password(running, "reader")
    apply(running, RULES, ["reader"])

    def dies(*_: Any, **__: Any) -> Any:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(Host if step == "keep_rules" else redis_logins, step, dies)
        with pytest.raises(Died):
            apply(running, RULES, False, True)
    assert get_in(running, "reader", host_password(running, "reader"))
    assert apply(running, RULES, False, True)["finished"] == ["reader"]
    assert get_in(running, "reader", old) is False
    assert not Path(running.path).with_name("former").exists()


def test_check_mode_reports_and_changes_nothing(running: Host) -> None:
    before = Path(running.path).read_text()
    result = apply(replace(running, dry=True), RULES, ["reader"])
    assert (result["changed"], result["users_changed"]) == (True, ["reader"])
    assert Path(running.path).read_text() == before
    assert not Path(running.path).with_name("former").exists()
    apply(running, RULES, ["reader"])
    result = apply(replace(running, dry=True), RULES, False, True)
    assert (result["changed"], result["finished"]) == (True, ["reader"])
    assert overlapping(apply(running, RULES, False)) == ["reader"]


def test_the_record_is_for_root_only_and_holds_no_password(running: Host) -> None:
    words = [host_password(running, user) for user in RULES]
    result = apply(running, RULES, True)
    words += [host_password(running, user) for user in RULES]
    record = Path(running.path).with_name("former")
    assert record.stat().st_mode & 0o777 == 0o600
    assert not any(word in text for word in words for text in (record.read_text(), json.dumps(result)))
    assert not re.search(r"[0-9a-f]{32}", json.dumps(result))


def test_a_record_that_is_damaged_ends_the_former_passwords_of_its_lines(running: Host) -> None:
    old = host_password(running, "reader")
    apply(running, RULES, True)
    record = Path(running.path).with_name("former")
    record.write_text(record.read_text().replace("reader\t", "reader "))
    assert overlapping(apply(running, RULES, False)) == ["admin"]
    assert get_in(running, "reader", old) is False
