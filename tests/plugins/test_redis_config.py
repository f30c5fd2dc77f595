"""How Redis' configuration comes into force: tried first, live where Redis can, a restart named otherwise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.module_utils.layout import Refused
from plugins.module_utils.redis_server import trial
from plugins.module_utils.resp import Redis
from plugins.modules.redis_config import apply, directives, fingerprint, tried
from tests.helpers.redis_server import PROGRAM, RedisServer


def config(folder: Path, **more: str) -> str:
    lines = {
        "unixsocket": str(folder / "redis.sock"),
        "port": "0",
        "dir": str(folder),
        "save": '""',
        "set-proc-title": "no",
    }
    return "".join(f"{name} {value}\n" for name, value in (lines | more).items())


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    """The folder of a running Redis that has an admin."""
    (tmp_path / "admin").write_text("secret\n")
    (tmp_path / "users.acl").write_text("user admin on >secret ~* &* +@all\n")
    with RedisServer(tmp_path, "--aclfile", str(tmp_path / "users.acl"), "--set-proc-title", "no"):
        yield tmp_path


def options(folder: Path, **more: str) -> dict[str, str]:
    return tried(PROGRAM, config(folder, aclfile=str(folder / "users.acl"), **more))


def test_an_unchanged_configuration_sets_nothing(running: Path) -> None:
    assert apply(options(running), running / "admin", dry=False) == ([], [])


def test_what_redis_can_take_while_it_runs_is_set_live(running: Path) -> None:
    new = options(running, maxmemory="64mb", **{"slowlog-log-slower-than": "-1"})
    assert apply(new, running / "admin", dry=False) == (["maxmemory", "slowlog-log-slower-than"], [])
    with Redis(str(running / "redis.sock"), "admin", "secret") as redis:
        assert redis.call("CONFIG", "GET", "maxmemory") == ["maxmemory", str(64 << 20)]
    assert apply(new, running / "admin", dry=False) == ([], [])


def test_what_was_set_by_hand_is_set_back(running: Path) -> None:
    with Redis(str(running / "redis.sock"), "admin", "secret") as redis:
        redis.call("CONFIG", "SET", "crash-log-enabled", "no")
    assert apply(options(running), running / "admin", dry=False) == (["crash-log-enabled"], [])


def test_looking_only_sets_nothing(running: Path) -> None:
    new = options(running, maxmemory="64mb")
    assert apply(new, running / "admin", dry=True) == (["maxmemory"], [])
    with Redis(str(running / "redis.sock"), "admin", "secret") as redis:
        assert redis.call("CONFIG", "GET", "maxmemory") == ["maxmemory", "0"]


def test_what_redis_cannot_take_while_it_runs_asks_for_a_restart(running: Path) -> None:
    live, restart = apply(options(running, databases="1"), running / "admin", dry=False)
    assert (live, restart) == ([], ["Redis cannot take databases while it runs"])


def test_a_redis_that_refuses_the_login_asks_for_a_restart(running: Path) -> None:
    (running / "admin").write_text("other\n")
    live, restart = apply(options(running), running / "admin", dry=False)
    assert (live, len(restart)) == ([], 1)
    assert "WRONGPASS" in restart[0]


@pytest.mark.parametrize("line", ["maxmemory 12x", "no-such-setting 1"])
def test_a_configuration_that_redis_refuses_is_refused_in_its_own_words(line: str) -> None:
    with pytest.raises(Refused, match=line.split()[0]), trial(PROGRAM, config=line):
        pass


def test_a_refusal_tells_no_hash_of_a_password() -> None:
    rules = f"user a on #{'ab' * 32}x\n"
    with (
        pytest.raises(Refused, match="Aborting Redis startup because of ACL errors") as refusal,
        trial(PROGRAM, acl=rules),
    ):
        pass
    assert "abab" not in str(refusal.value)


def test_only_what_a_drop_in_says_names_it() -> None:
    drop_in = "[Service]\nMemoryMax=1G\n"
    assert fingerprint(drop_in) == fingerprint("# why\n[Service]\n\n  MemoryMax=1G")
    assert fingerprint(drop_in) != fingerprint("[Service]\nMemoryMax=2G\n")


def test_the_last_directive_of_a_name_counts() -> None:
    assert directives('# port 1\nport 1\nPort 2\nsave ""\n') == {"port": "2", "save": ""}
