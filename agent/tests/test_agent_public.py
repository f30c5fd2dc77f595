"""Whoever has no credential learns from the agent nothing finer than a minute about what a person does."""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from agent_world import PATHS, STATS, Agent, Host, RedisServer, figures

from seclyzer_agent.checks import extractor, influxdb, memory, redis
from seclyzer_agent.checks.extractor import Bounds, Expected, ExtractorFacts
from seclyzer_agent.checks.influxdb import InfluxFacts
from seclyzer_agent.checks.memory import Memory
from seclyzer_agent.checks.redis import RedisFacts
from seclyzer_agent.findings import headline
from seclyzer_agent.health import report
from seclyzer_agent.history import Growth, Lag, Stall
from seclyzer_agent.hour import point
from seclyzer_agent.hysteresis import Damped
from seclyzer_agent.metrics import Exposition
from seclyzer_agent.model import Entry, Status
from seclyzer_agent.page import page
from seclyzer_agent.public import MINUTE, Public, coarse, public
from seclyzer_agent.snapshot import CheckState, Shown, Snapshot, View
from seclyzer_agent.spool import judge as judge_spool
from seclyzer_agent.stats import COUNTERS, ERRORS, LOSSES, parse
from tests.helpers.waiting import until

Start = Callable[..., Agent]
NOON = 1_700_000_040  # s of Unix time, a full minute
BOUNDS = Bounds(lag_warn=30, lag_fail=90, stall=45, recent=300, spool=2**26)


def view(name: str, facts: object, entries: tuple[Entry, ...], rng: random.Random) -> View:
    shown = tuple(Shown(entry, Damped(entry.status, (entry.status,)), float(NOON)) for entry in entries)
    state = CheckState(name, 5.0, 2.0, 2, 3, entries[0], shown, facts, 50.0, float(NOON), rng.uniform(0, 0.01))
    return View(state, shown, facts)


def host_at_work(rng: random.Random, minute: int = NOON) -> Snapshot:
    """A host that is well, at one moment within a minute; what a person does, and what follows, is left to chance."""
    at = minute + rng.uniform(0, 59)
    heartbeat = STATS | {name: str(rng.randrange(10**6)) for name in (c.name for c in COUNTERS)}
    for name in (*LOSSES, *ERRORS):
        heartbeat[name] = "0"
    last = int(at * 1e6)
    heartbeat |= {
        "last_event_ts": str(last),
        "last_window_ts": str(last - rng.randrange(int(at * 1e6) % 60_000_000 + 1)),
    }
    heartbeat |= {"last_id": f"{last // 1000}-{rng.randrange(9)}"}
    stats = parse(heartbeat)
    assert stats is not None
    lag, growth = Lag(stats.last_id or "", 5, seconds=rng.uniform(0, 20)), Growth(stats.process, {})
    length, kept = rng.randrange(500), rng.randrange(1000)
    entries = (
        extractor.judge_heartbeat("keystroke", stats, Expected(), 0.0),
        extractor.judge_lag("keystroke", lag, length, 30, 90),
        extractor.judge_windows("keystroke", Stall(stats.process, stats["events"], stats["windows"]), 0.0, 45),
        extractor.judge_growth("keystroke", "losses", LOSSES, stats, growth, Status.FAIL, BOUNDS),
        extractor.judge_growth("keystroke", "errors", ERRORS, stats, growth, Status.WARN, BOUNDS),
        judge_spool("keystroke", 0, 2**26, False)[0],
    )
    used = rng.randrange(2**20, 2**24)
    unit = Memory(used, 2**26)
    server = RedisFacts(rng.uniform(0, 0.01), used, 2**26)
    served = (
        redis.judge_latency(server.latency, 0.5),
        redis.judge_memory(used, 2**26, "noeviction", 80, 95),
        redis.judge_persistence({}),
    )
    store = InfluxFacts(rng.uniform(0, 0.1))
    views = (
        view("memory", {"k.service": unit}, (memory.judge("k.service", unit, 80, 95),), rng),
        view("redis", server, served, rng),
        view("keystroke", ExtractorFacts(stats, length, kept, lag.seconds), entries, rng),
        view("influxdb", store, (influxdb.judge(store.latency, 0.5),), rng),
    )
    return Snapshot("edge1", float(NOON), views)


def public_answers(now: Snapshot, kept: Snapshot | None) -> str:
    """Everything that the agent answers to whoever has no credential, and what systemd shows."""
    seen = public(now, kept)
    body, _ = Exposition().write("", now, seen, ())
    points = (point(kept),) if kept is not None else ()
    return "\n".join((body.decode(), str(report(seen, verbose=True)), page(seen, points), headline(seen)))


def test_what_happens_within_a_minute_changes_no_answer() -> None:
    rng = random.Random("within")
    for _ in range(200):
        kept = coarse(host_at_work(rng))
        one, other = host_at_work(rng), host_at_work(rng)
        full, _ = Exposition().write("", one, one, ())
        assert full != Exposition().write("", other, other, ())[0]
        assert public_answers(one, kept) == public_answers(other, kept)
        assert public_answers(one, None) == public_answers(other, None)


def test_when_in_a_minute_an_event_came_is_in_no_answer() -> None:
    rng = random.Random("when")
    for _ in range(200):
        before, now = host_at_work(rng), host_at_work(rng)
        later = {v.name: v for v in before.views}["keystroke"]
        facts: ExtractorFacts = later.facts
        assert facts.stats is not None
        moved = dict(facts.stats.numbers)
        at = NOON + rng.uniform(0, 59)
        moved |= {"last_event_ts": int(at * 1e6), "last_window_ts": NOON * 1_000_000 + rng.randrange(59_000_000)}
        stats = replace(facts.stats, numbers=moved, last_id=f"{int(at * 1000)}-0")
        lag = Lag(stats.last_id or "", 5, seconds=rng.uniform(0, 20))
        judged = extractor.judge_lag("keystroke", lag, facts.stream_length, 30, 90)
        shown = tuple(replace(s, entry=judged) if s.entry.measurement == "lag" else s for s in later.shown)
        moved_view = replace(later, shown=shown, facts=replace(facts, stats=stats, lag=lag.seconds))
        after = replace(before, views=tuple(moved_view if v.name == "keystroke" else v for v in before.views))
        assert public_answers(now, coarse(before)) == public_answers(now, coarse(after))


def test_figures_stand_for_a_minute_and_then_move_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, rng = [1000.0], random.Random("minute")
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    kept, seen = Public(), []
    for second in range(130):
        clock[0] = 1000.0 + second
        kept.take(host_at_work(rng))
        seen.append(report(kept.of(host_at_work(rng)), verbose=True)["checks"]["redis:memory"][0]["observedValue"])
    assert [second for second in range(1, 130) if seen[second] != seen[second - 1]] == [MINUTE, 2 * MINUTE]


def test_a_state_is_reported_at_once_and_without_figures() -> None:
    rng = random.Random("state")
    kept = coarse(host_at_work(rng))
    now = host_at_work(rng)
    full = redis.judge_memory(2**26, 2**26, "noeviction", 80, 95)
    shown = Shown(full, Damped(Status.FAIL, (Status.FAIL,)), NOON + 7.0)
    views = tuple(replace(v, shown=(shown,)) if v.name == "redis" else v for v in now.views)
    document = report(public(replace(now, views=views), kept))
    (entry,) = document["checks"]["redis:memory"]
    assert (document["status"], entry["status"]) == ("fail", "fail")
    assert entry["output"] == "redis: memory: fail; its figures are shown once a minute"
    assert "observedValue" not in entry


def test_events_change_what_readers_see_at_once_and_what_others_see_once_a_minute(
    host: Host, start: Start, redis_server: RedisServer
) -> None:
    agent = start()
    until(lambda: "seclyzer_extractor_events_total" in agent.get("/metrics").body)
    before = {path: agent.get(path).body for path in PATHS}
    now = time.time()
    moved = {"events": 107, "windows": 8, "last_event_ts": int(now * 1e6), "last_window_ts": int(now * 1e6)}
    redis_server.write_stats("keystroke", STATS | moved | {"last_id": f"{int(now * 1000)}-0"})
    redis_server.admin.lpush("seclyzer:features:keystroke", *("x" * 10_000 for _ in range(300)))
    until(lambda: 'seclyzer_extractor_events_total{extractor="keystroke"} 107.0' in agent.inside("/metrics").body)
    until(lambda: 'features_kept{extractor="keystroke"} 300.0' in agent.inside("/metrics").body)
    inside = agent.inside("/metrics").body
    (last,) = re.findall(r'last_event_timestamp_seconds\{extractor="keystroke"\} (\S+)', inside)
    assert float(last) == pytest.approx(now, abs=1e-3)
    assert figures(agent.get("/metrics").body) == figures(before["/metrics"])
    for path in PATHS[1:]:
        moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|\d\d:\d\d(:\d\d)?(?=</t)"
        after = agent.get(path).body
        assert re.sub(moment, "T", after) == re.sub(moment, "T", before[path])


def test_times_of_events_are_full_minutes_for_others(host: Host, start: Start, redis_server: RedisServer) -> None:
    at = int(time.time()) - 100
    heartbeat = {"last_event_ts": f"{at}123456", "last_window_ts": f"{at}000000", "last_id": f"{at}123-0"}
    redis_server.write_stats("keystroke", STATS | heartbeat)
    agent = start()
    until(lambda: "last_event_timestamp" in agent.get("/metrics").body)
    body = agent.get("/metrics").body
    times = re.findall(r"seclyzer_extractor_last_\w+_timestamp_seconds\{extractor=\"keystroke\"\} (\S+)", body)
    assert [float(seen) for seen in times] == [at // 60 * 60.0] * 3
    assert str(at)[4:] not in "".join(agent.get(path).body for path in PATHS)


def test_a_state_that_changes_is_reported_to_everybody_at_once(
    host: Host, start: Start, redis_server: RedisServer
) -> None:
    agent = start()
    redis_server.admin.delete("seclyzer:stats:keystroke")
    until(lambda: agent.status("keystroke") == "fail")
    document = agent.get("/healthz").json
    (beat,) = document["checks"]["keystroke:heartbeat"]
    assert (document["status"], beat["status"]) == ("fail", "fail")
    assert beat["output"].startswith("keystroke: no heartbeat for 30 s")
    body = agent.get("/metrics").body
    assert 'seclyzer_check_status{check="keystroke"} 2.0' in body
    assert 'seclyzer_extractor_up{extractor="keystroke"} 0.0' in body
    assert "seclyzer_redis_up 1.0" in body


def test_systemd_receives_no_figures_which_any_user_may_read(
    host: Host, start: Start, redis_server: RedisServer, tmp_path: Path
) -> None:
    """`systemctl status` shows them to every user."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        address = str(redis_server.folder / "notify")
        systemd.bind(address)
        systemd.settimeout(5)
        redis_server.write_stats("keystroke", STATS | {"spool_bytes": 5120})
        agent = start(NOTIFY_SOCKET=address)
        until(lambda: "5.0 KiB of points" in agent.output("influxdb"))
        words = ""
        while "InfluxDB" not in words:
            words = systemd.recv(4096).decode()
        redis_server.write_stats("keystroke", STATS | {"spool_bytes": 9216})
        until(lambda: "9.0 KiB of points" in agent.output("influxdb"))
        time.sleep(0.3)
        systemd.setblocking(False)
        while True:
            try:
                words += systemd.recv(4096).decode()
            except BlockingIOError:
                break
        assert "InfluxDB cannot be reached: Connection refused; no point is lost" in words
        assert "9.0 KiB" not in words
