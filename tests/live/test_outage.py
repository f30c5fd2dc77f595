"""Why InfluxDB or Redis does not work stands in the stats, the same in both implementations, though no event comes."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until_each

from .events import add, recent
from .world import KINDS, World

IMPLEMENTATIONS = ("python", "rust")
PARTS = ("fault", "reason", "advice", "since", "until")
PROVEN_WITHIN_S = 120.0  # of 60, then stats once in 5
SECOND = 1_000_000

Outages = dict[tuple[str, str], dict[str, str]]


def outage(world: World, kind: str, name: str) -> dict[str, str]:
    """What the stats say of the last one."""
    stats = world.stats(kind)
    return {part: stats.get(f"{name}_{part}", "absent") for part in PARTS}


def seen(worlds: dict[str, World], name: str, well: Callable[[dict[str, str]], bool], what: str) -> Outages:
    """The outages of all programs, once each is as it has to be."""
    all_of_them = [(one, kind) for one in worlds for kind in KINDS]
    until_each(all_of_them, lambda key: well(outage(worlds[key[0]], key[1], name)), what, PROVEN_WITHIN_S)
    return {key: outage(worlds[key[0]], key[1], name) for key in all_of_them}


def with_fault(fault: str) -> Callable[[dict[str, str]], bool]:
    """Whether it is an outage of this sort."""
    return lambda found: found["fault"] == fault


@pytest.fixture(scope="module")
def influxdb(influx: InfluxServer) -> Iterator[dict[str, Outages]]:
    """No event comes. The token is not known, then there is no bucket, then InfluxDB is away, then all is well."""
    with ExitStack() as stack:
        token_id, token = influx.make_token()
        influx.set_active(token_id, False)
        worlds = {}
        for one in IMPLEMENTATIONS:
            worlds[one] = World(influx, f"outage-{one}", INFLUX_TOKEN=token, SECLYZER_INFLUX_RETRY_SECONDS="2")
            stack.callback(worlds[one].close)
            worlds[one].start(one)
        began = time.time_ns() // 1000
        found = {"revoked": seen(worlds, "influxdb", with_fault("403"), "the token is refused")}
        influx.set_active(token_id, True)
        back = seen(worlds, "influxdb", lambda outage: outage["until"] not in ("0", "absent"), "InfluxDB takes points")
        found["back"] = back
        for one in IMPLEMENTATIONS:
            influx.delete_bucket(f"outage-{one}")
        found["deleted"] = seen(worlds, "influxdb", with_fault("404"), "there is no bucket")
        influx.kill()
        try:
            found["away"] = seen(worlds, "influxdb", with_fault("unreachable"), "InfluxDB is away")
        finally:
            influx.start()
        found["answered"] = {
            (one, kind): {"at": worlds[one].stats(kind)["influxdb_answered_at"], "began": str(began)}
            for one in IMPLEMENTATIONS
            for kind in KINDS
        }
        yield found


@pytest.mark.parametrize(
    ("break_", "reason", "advice"),
    [
        ("revoked", ": status 403", "the token may not write: check influx_token, influx_org and influx_bucket"),
        ("deleted", ": status 404", "there is no such organisation or bucket: check influx_org and influx_bucket"),
        ("away", ": Connection refused", ""),
    ],
)
def test_an_idle_extractor_sees_why_influxdb_takes_no_points(
    influxdb: dict[str, Outages], influx: InfluxServer, break_: str, reason: str, advice: str
) -> None:
    for found in influxdb[break_].values():
        assert (found["reason"], found["advice"], found["until"]) == (f"127.0.0.1:{influx.port}{reason}", advice, "0")
        assert abs(int(found["since"]) - time.time_ns() // 1000) < 600 * SECOND


def test_what_is_over_has_its_times_and_no_words(influxdb: dict[str, Outages]) -> None:
    for key, found in influxdb["back"].items():
        assert (found["fault"], found["reason"], found["advice"]) == ("", "", "")
        assert found["since"] == influxdb["revoked"][key]["since"]
        assert int(found["since"]) < int(found["until"]) < int(influxdb["deleted"][key]["since"])


def test_it_is_known_when_influxdb_took_a_write_last_though_there_was_no_point(influxdb: dict[str, Outages]) -> None:
    for key, found in influxdb["answered"].items():
        assert int(found["began"]) < int(found["at"]) < int(influxdb["deleted"][key]["since"])


@pytest.fixture(scope="module")
def redis(influx: InfluxServer, seed: int) -> Iterator[dict[str, Outages]]:
    """Redis refuses what makes a window public, then is away for a moment."""
    with ExitStack() as stack:
        worlds = {}
        for one in IMPLEMENTATIONS:
            worlds[one] = world = World(influx, f"refusing-{one}")
            stack.callback(world.close)
            world.redis.client().execute_command("ACL", "SETUSER", "default", "-lpush")
            add(world.redis.client(), recent(seed, 8.0, dev_mode=False))
            world.start(one)
        found = {"refused": seen(worlds, "redis_write", with_fault("NOPERM"), "Redis refuses outputs")}
        for world in worlds.values():
            world.redis.client().execute_command("ACL", "SETUSER", "default", "+lpush")
        found["taken"] = seen(
            worlds, "redis_write", lambda outage: outage["until"] not in ("0", "absent"), "Redis takes outputs"
        )
        for world in worlds.values():
            world.redis.kill()
            world.redis.start()
        found["back"] = seen(
            worlds, "redis_read", lambda outage: outage["until"] not in ("0", "absent"), "Redis is read again"
        )
        yield found


def test_why_redis_takes_no_outputs_is_known_in_its_words(redis: dict[str, Outages]) -> None:
    python, rust = (
        {found["reason"].partition(": ")[2] for (one, _), found in redis["refused"].items() if one == name}
        for name in IMPLEMENTATIONS
    )
    assert python == rust and len(rust) == 1
    assert next(iter(rust)).startswith("refused LPUSH: NOPERM ")
    for key, found in redis["taken"].items():
        assert (found["fault"], found["reason"], found["since"]) == ("", "", redis["refused"][key]["since"])


def test_when_redis_was_away_is_known_afterwards(redis: dict[str, Outages]) -> None:
    for found in redis["back"].values():
        assert (found["fault"], found["reason"]) == ("", "")
        assert 0 < int(found["since"]) <= int(found["until"])
