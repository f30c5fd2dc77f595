"""Events in by streams or by pub/sub, features out three ways: all of them what a replay makes of the same events."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import pytest

from tests.helpers.influx_server import InfluxServer
from tests.helpers.waiting import until

from .events import SECRET, Events, add, by_kind, publish, recent
from .expected import assert_silent, replay
from .extractor import environment, program
from .world import KINDS, World

SECONDS = 14.0
# Fields of the stats hash: what a replay counts, too; what is always 0 here; the others.
COUNTED = ["events", "malformed", "late", "behind", "dropped", "sessions", "windows", "windows_short"]
COUNTED += ["last_event_ts", "last_window_ts"]
ZERO = ["points_spooled", "points_rejected", "points_dropped", "spool_bytes"]
ZERO += ["spool_oldest_ts", "redis_reconnects", "influx_errors"]
ZERO += ["gaps", "streams_reset", "entries_trimmed", "outputs_dropped", "output_errors", "state_skipped"]
OTHERS = ["implementation", "version", "pid", "started_at", "future", "ancient", "last_id", "points_written"]
OTHERS += ["influxdb_answered_at", "window_publish_delay", "store_write"]
NO_OUTAGE = {
    f"{way}_{field}": well
    for way in ("redis_read", "redis_write", "influxdb", "spool")
    for field, well in (("fault", ""), ("reason", ""), ("advice", ""), ("since", "0"), ("until", "0"))
}
FUTURE, ANCIENT = 3, 2


@dataclass
class Run:
    """What went in, and where all that came out is to be found."""

    implementation: str
    world: World
    events: Events
    last_ids: dict[str, str]
    stats: dict[str, dict[str, str]]
    expires: dict[str, int]


def disturbed(kind: str, text: bytes) -> list[bytes]:
    """What is counted and skipped: a late event, which is `text` 30 s before, and broken ones."""
    event = json.loads(text)
    late = json.dumps({**event, "ts": event["ts"] - 30_000_000}).encode()
    broken = f'{{"type": "{kind}", "ts": 1.5, "key": "{SECRET}", "app_name": "{SECRET}"}}'
    return [late, broken.encode(), f'{{"{SECRET}": '.encode(), SECRET.encode()]


def future(kind: str) -> bytes:
    """An event of tomorrow."""
    return event_at(kind, time.time_ns() // 1000 + 86_400_000_000)


def ancient(kind: str) -> bytes:
    """One of now, by a producer that takes `ts` for milliseconds."""
    return event_at(kind, time.time_ns() // 1_000_000)


def event_at(kind: str, ts: int) -> bytes:
    """Any event of this time."""
    event = "focus" if kind == "app" else "press"
    return json.dumps({"type": kind, "ts": ts, "key": "a", "event": event, "app_name": "a", "button": "a"}).encode()


def run_one(world: World, implementation: str, seed: int, transport: str) -> Run:
    """Feeds three programs and waits until all has come out and the stats say so."""
    world.start(implementation)
    world.wait_listening()
    messages = recent(seed, SECONDS, dev_mode=transport == "pubsub")
    if transport == "pubsub":
        publish(world.redis.client(), messages)
        events, last_ids = by_kind(messages), dict.fromkeys(KINDS, "0-0")
    else:
        for kind in KINDS:
            last = next(text for one, text in reversed(messages) if one == kind)
            messages += [(kind, text) for text in disturbed(kind, last)]
        events = by_kind(messages)
        unbelieved = [(kind, future(kind)) for kind in KINDS] * FUTURE + [
            (kind, ancient(kind)) for kind in KINDS
        ] * ANCIENT
        last_ids = add(world.redis.client(), messages + unbelieved)
    return Run(implementation, world, events, last_ids, {}, {})


def finish(run: Run) -> None:
    """Waits for what is to come, and stops the programs."""
    run.world.wait_published(run.implementation, run.events)
    run.world.wait_written(run.implementation, run.events)
    for kind in KINDS:
        expected = replay(run.implementation, kind, run.events[kind]).counters
        done = {name: str(expected[name]) for name in ("windows", "windows_short", "events")}
        done |= {"points_written": done["windows"]}
        until(partial(tells, run.world, kind, done), f"the stats of {kind} tell {done}")
        run.stats[kind] = run.world.stats(kind)
        run.expires[kind] = run.world.redis.client().ttl(f"seclyzer:stats:{kind}")
    run.world.stop()


def tells(world: World, kind: str, expected: dict[str, str]) -> bool:
    """The stats hash has these values among others."""
    return expected.items() <= world.stats(kind).items()


@pytest.fixture(scope="module")
def runs(influx: InfluxServer, seed: int) -> Iterator[dict[tuple[str, str], Run]]:
    """Both implementations, both ways in, all at the same time: most of it is waiting."""
    with ExitStack() as stack:
        made = {}
        for transport in ("stream", "pubsub"):
            for implementation in ("python", "rust"):
                settings = {"SECLYZER_HOST": "odd, so=and not"} if transport == "pubsub" else {}
                world = World(influx, f"{transport}-{implementation}", **settings)
                stack.callback(world.close)
                made[transport, implementation] = run_one(world, implementation, seed, transport)
        for run in made.values():
            finish(run)
        yield made


@pytest.fixture(params=["stream", "pubsub"])
def transport(request: pytest.FixtureRequest) -> str:
    """The way in."""
    return str(request.param)


@pytest.fixture
def run(runs: dict[tuple[str, str], Run], transport: str, implementation: str) -> Run:
    """One of the runs."""
    return runs[transport, implementation]


def test_what_is_published_is_what_a_replay_writes(run: Run, kind: str) -> None:
    expected = replay(run.implementation, kind, run.events[kind])
    assert len(expected.texts) >= 5
    assert run.world.published[kind] == expected.texts


def test_the_list_holds_what_was_published(run: Run, kind: str) -> None:
    assert run.world.listed(kind) == replay(run.implementation, kind, run.events[kind]).texts


def test_influxdb_holds_what_was_published(run: Run, kind: str) -> None:
    """Tags, types, values and times; the host is this one's name, or the one that was given."""
    run.world.assert_stored(kind, replay(run.implementation, kind, run.events[kind]).texts)


def test_patterns_are_those_of_a_replay(run: Run) -> None:
    expected = replay(run.implementation, "app", run.events["app"]).patterns
    assert expected["usage_stats"]["total_transitions"] >= 5
    assert run.world.patterns() == expected


def test_stats_are_the_contracts_and_right(run: Run, kind: str) -> None:
    stats, expected = run.stats[kind], replay(run.implementation, kind, run.events[kind]).counters
    assert sorted(stats) == sorted([*COUNTED, *ZERO, *OTHERS, *NO_OUTAGE])
    assert {name: stats[name] for name in NO_OUTAGE} == NO_OUTAGE
    assert {name: stats[name] for name in COUNTED} == {name: str(expected[name]) for name in COUNTED}
    by_stream = run.last_ids[kind] != "0-0"
    assert (expected["late"], expected["malformed"]) == ((1, 3) if by_stream else (0, 0))
    assert stats["future"] == str(FUTURE if by_stream else 0)
    assert stats["ancient"] == str(ANCIENT if by_stream else 0)
    assert stats["last_id"] == run.last_ids[kind]
    extractor = next(one for one in run.world.all if one.kind == kind)
    assert (stats["implementation"], stats["pid"]) == (run.implementation, str(extractor.pid))
    assert abs(int(stats["started_at"]) - extractor.started_at) < 5_000_000
    assert {name: stats[name] for name in ZERO} == dict.fromkeys(ZERO, "0")
    assert stats["points_written"] == str(len(run.world.published[kind]))
    *delays, _ = map(int, stats["window_publish_delay"].split(" "))
    assert sum(delays) == len(run.world.published[kind])
    assert int(stats["influxdb_answered_at"]) >= int(stats["started_at"])
    assert 0 < run.expires[kind] <= 30


def test_no_log_holds_what_was_typed(run: Run) -> None:
    assert_silent(run.world.logs())
    for one in run.world.all:
        assert one.reports_of("malformed") == (1 if run.last_ids[one.kind] != "0-0" else 0), one.log
        assert one.heard.count("READY=1") == 1


def test_of_times_in_milliseconds_the_unit_is_reported(run: Run) -> None:
    for one in run.world.all:
        reported = [line for line in one.log.splitlines() if "more than 400 days ago" in line]
        if run.last_ids[one.kind] == "0-0":
            assert reported == []
            continue
        assert len(reported) == 1 and "events from more than 400 days ago were skipped" in reported[0], one.log
        assert (
            f"count={ANCIENT} " in reported[0]
            and "their ts looks like milliseconds: it has to be in microseconds" in reported[0]
        )


def test_the_host_has_its_name_where_proc_sys_is_hidden(implementation: str, kind: str) -> None:
    """As in the unit's sandbox. A name space of its own gives the host a name of its own."""
    hide = 'mount -t tmpfs none /proc/sys && hostname edge-in-a-box && exec "$0" --print-config'
    words = ["unshare", "--map-root-user", "--mount", "--uts", "sh", "-c", hide, program(implementation, kind)]
    reported = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=20)
    assert 'host: "edge-in-a-box"' in reported.stdout.splitlines(), reported
