"""The way of the data, stage by stage: what flows, what is idle, what is broken, and what a broken one cuts off."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from agent_world import STATS, Agent, Host, RedisServer

from seclyzer_agent import hour, manifest
from seclyzer_agent.checks.extractor import ExtractorFacts
from seclyzer_agent.checks.memory import Memory
from seclyzer_agent.flow import FRESH, STAGES, ways
from seclyzer_agent.hour import POINTS, Hour
from seclyzer_agent.hysteresis import Damped
from seclyzer_agent.model import Entry, Status
from seclyzer_agent.overview import overview
from seclyzer_agent.public import Public
from seclyzer_agent.snapshot import CheckState, Shown, Snapshot, View
from seclyzer_agent.stats import parse
from tests.helpers.waiting import until

Start = Callable[..., Agent]
PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL
NOW = 1_700_000_000.0
UNIT = "seclyzer-keystroke.service"


def view(name: str, facts: object, *entries: Entry) -> View:
    shown = tuple(Shown(entry, Damped(entry.status, (entry.status,)), NOW) for entry in entries)
    return View(CheckState(name, 5.0, 2.0, 1, 1, entries[0], shown, facts, 1.0, NOW), shown, facts)


def entry(measurement: str, status: Status = PASS, component: str = "keystroke", finding: str = "") -> Entry:
    return Entry(measurement, component, "component", status, f"{measurement} is {status.word}", finding=finding)


def facts(**changes: object) -> ExtractorFacts:
    """A heartbeat that is of `NOW`, and 12 entries in the stream."""
    at = int((NOW - 1) * 1e6)
    stats = {"last_event_ts": at, "last_window_ts": at, "influxdb_answered_at": at, "last_id": f"{at // 1000}-0"}
    found = parse(STATS | {name: str(value) for name, value in (stats | changes).items()})
    return ExtractorFacts(found, 12, 7, 0.5)


def snapshot(known: ExtractorFacts | None, *own: Entry, redis: Entry | None = None, wall: float = NOW) -> Snapshot:
    """A keystroke extractor with these facts and entries, and the Redis beside it."""
    entries = own or (entry("heartbeat"),)
    server = redis or entry("responseTime", component="redis")
    memory = view("memory", {UNIT: Memory(8 * 2**20, 64 * 2**20)}, entry("used", component=UNIT))
    return Snapshot("edge1", wall, (memory, view("redis", object(), server), view("keystroke", known, *entries)))


def states(seen: Snapshot) -> list[str]:
    (way,) = ways(seen, ())
    assert [stage.name for stage in way.stages] == list(STAGES)
    return [stage.state for stage in way.stages]


def test_what_came_lately_flows_and_what_did_not_is_idle() -> None:
    assert states(snapshot(facts())) == ["flows"] * 6
    assert states(snapshot(facts(), wall=NOW + FRESH)) == ["idle"] * 6
    resting = facts(last_window_ts=int((NOW - 600) * 1e6))
    assert states(snapshot(resting)) == ["flows", "flows", "flows", "idle", "idle", "idle"]


def test_a_store_that_only_proves_that_it_takes_points_is_idle() -> None:
    """An idle extractor writes nothing of value once a minute: the answer is new, and still no point came."""
    old = int((NOW - 600) * 1e6)
    seen = snapshot(facts(last_event_ts=old, last_window_ts=old, last_id=f"{old // 1000}-0"))
    (way,) = ways(seen, ())
    assert {stage.state for stage in way.stages} == {"idle"}
    assert way.stages[-1].at == NOW - 1


@pytest.mark.parametrize(
    ("own", "redis", "expected"),
    [
        (entry("heartbeat", FAIL), None, ["flows", "flows", "broken", "cut off", "cut off", "cut off"]),
        (entry("lag", WARN), None, ["flows", "flows", "trouble", "flows", "flows", "flows"]),
        (entry("stream", FAIL), None, ["flows", "broken", *["cut off"] * 4]),
        (entry("windows", WARN), None, ["flows", "flows", "flows", "trouble", "flows", "flows"]),
        (entry("outputs", FAIL), None, ["flows", "flows", "flows", "flows", "broken", "cut off"]),
        (entry("store", FAIL), None, ["flows", "flows", "flows", "flows", "flows", "broken"]),
        (entry("spool", FAIL), None, ["flows", "flows", "flows", "flows", "flows", "broken"]),
        (entry("losses", FAIL), None, ["flows", "flows", "flows", "flows", "flows", "broken"]),
        (entry("clock", WARN), None, ["trouble", "flows", "flows", "flows", "flows", "flows"]),
        (
            entry("errors", WARN, finding="events-skipped"),
            None,
            ["trouble", "flows", "flows", "flows", "flows", "flows"],
        ),
        (None, entry("responseTime", FAIL, "redis"), ["flows", "broken", *["cut off"] * 4]),
        (None, entry("memory", FAIL, "redis"), ["flows", "broken", *["cut off"] * 4]),
        (None, entry("refusals", WARN, "redis"), ["trouble", "flows", "flows", "flows", "flows", "flows"]),
    ],
)
def test_what_is_wrong_stands_at_its_stage_and_cuts_off_what_comes_after(
    own: Entry | None, redis: Entry | None, expected: list[str]
) -> None:
    seen = snapshot(facts(), *filter(None, (own,)), redis=redis)
    assert states(seen) == expected
    (way,) = ways(seen, ())
    bad = next(stage for stage in way.stages if stage.state in ("broken", "trouble"))
    assert bad.words == (own or redis or entry("none")).output


def test_an_error_that_is_no_producers_is_no_trouble_of_the_producer() -> None:
    assert states(snapshot(facts(), entry("errors", WARN, finding="points-wait"))) == ["flows"] * 6
    assert states(snapshot(facts(), entry("errors", WARN))) == ["flows"] * 6


@pytest.mark.parametrize("counter", ["malformed", "late", "future"])
def test_a_producer_none_of_whose_messages_can_be_used_is_in_trouble_and_not_idle(
    counter: str, host: Host, start: Callable[..., Agent], redis_server: RedisServer
) -> None:
    agent = start()

    def producer() -> str:
        (way,) = agent.get("/overview").json["ways"]
        return next(str(stage["state"]) for stage in way["stages"] if stage["name"] == "producer")

    until(lambda: producer() == "idle")
    redis_server.write_stats("keystroke", {counter: 5})
    until(lambda: producer() == "trouble")


def test_redis_away_breaks_the_stream_and_the_producer_is_not_known() -> None:
    seen = snapshot(None, entry("heartbeat", FAIL), redis=entry("responseTime", FAIL, "redis"))
    assert states(seen) == ["not known", "broken", *["cut off"] * 4]


def test_an_extractor_that_has_gone_breaks_the_reading() -> None:
    gone = ExtractorFacts(None, 12, 7, None)
    assert states(snapshot(gone, entry("heartbeat", FAIL))) == ["not known", "not known", "broken", *["cut off"] * 3]


def test_of_what_the_agent_may_not_read_nothing_is_known() -> None:
    refused = entry("responseTime", FAIL, "redis", finding="agent-password")
    seen = snapshot(None, entry("heartbeat", WARN, finding="agent-password"), redis=refused)
    assert states(seen) == ["not known"] * 6


def test_a_store_is_a_way_of_its_own() -> None:
    units = view(
        "units",
        {},
        entry("state", PASS, "influxdb-gateway.service"),
        entry("state", FAIL, "influxdb.service"),
    )
    influxdb = view("influxdb", None, entry("responseTime", WARN, "influxdb"))
    points = view("points", None, entry("missing", WARN, "influxdb"))
    (way,) = ways(Snapshot("store", NOW, (units, influxdb, points)), ())
    shown = [(stage.name, stage.state, stage.words) for stage in way.stages]
    assert (way.name, shown) == (
        "store",
        [
            ("gateway", "runs", "state is pass"),
            ("influxdb", "broken", "state is fail"),
            ("counted again", "trouble", "missing is warn"),
        ],
    )


def later(minutes: float, **changes: object) -> Snapshot:
    return snapshot(facts(**changes), wall=NOW + 60 * minutes)


def test_the_hour_holds_rates_and_memory_of_each_minute() -> None:
    kept = Hour()
    for minute, events in enumerate((100, 160, 160, 400)):
        kept.add(later(minute, events=events, windows=10 + minute, windows_short=1, points_written=2 * minute))
    points = kept.points
    assert hour.rates(points, "keystroke", lambda seen: seen.events) == [None, 60.0, 0.0, 240.0]
    assert hour.rates(points, "keystroke", lambda seen: seen.windows) == [None, 1.0, 1.0, 1.0]
    assert hour.rates(points, "keystroke", lambda seen: seen.stored) == [None, 2.0, 2.0, 2.0]
    assert hour.memory(points, "keystroke") == [8 * 2**20] * 4
    (way,) = ways(later(3), points)
    assert [stage.rate for stage in way.stages] == [240.0, 240.0, 240.0, 1.0, 1.0, 2.0]
    assert hour.rates(points, "mouse", lambda seen: seen.events) == [None] * 4


def test_a_restart_counts_from_zero_and_a_gap_is_not_known() -> None:
    kept = Hour()
    kept.add(later(0, events=1000))
    kept.add(later(1, events=30, pid=4712))
    kept.add(snapshot(None, wall=NOW + 120))
    kept.add(later(3, events=90, pid=4712))
    kept.add(later(2.5, events=95, pid=4712))  # the clock was set back
    assert hour.rates(kept.points, "keystroke", lambda seen: seen.events) == [None, 30.0, None, None, None]


def test_the_hour_is_bounded() -> None:
    kept = Hour()
    for minute in range(10 * POINTS):
        kept.add(later(minute))
    assert len(kept.points) == POINTS
    assert kept.points[-1].at - kept.points[0].at == 3600.0
    document = json.dumps(overview(later(0), kept.points))
    assert len(document) < 16_000


def test_the_hour_keeps_what_anybody_may_read_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    kept = Public()
    for second in range(130):
        clock[0] = 1000.0 + second
        kept.take(later(second / 60, events=second))
    assert [point.at - NOW for point in kept.points] == pytest.approx([0.0, 60.0, 120.0])
    assert [point.extractors["keystroke"].events for point in kept.points] == [0, 60, 120]


def test_the_overview_has_what_runs_and_what_is_kept_beside_it(
    host: Host, start: Start, redis_server: RedisServer, tmp_path: Path
) -> None:
    for number, mode in (("1", "python"), ("2", "hybrid"), ("12", "rust")):
        folder = tmp_path / "deployments" / number
        folder.mkdir()
        manifest = {"release": f"0.0.{number}-ab", "mode": mode, "at": f"2026-01-0{number[-1]}T10:00:00Z"}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "deployments" / "13").mkdir()
    (tmp_path / "deployments" / "13" / "manifest.json").write_text("no JSON")
    (tmp_path / "deployments" / ".14.part").mkdir()
    agent = start()
    answer = agent.get("/overview")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    document = answer.json
    assert (document["schema"], document["host"]) == (1, "edge1")
    found = [(one["number"], one["mode"], one["time"], one["runs"]) for one in document["deployments"]]
    assert found == [
        ("12", "rust", "2026-01-02T10:00:00Z", False),
        ("3", "rust", None, True),
        ("2", "hybrid", "2026-01-02T10:00:00Z", False),
        ("1", "python", "2026-01-01T10:00:00Z", False),
    ]
    (tmp_path / "deployments" / "2" / "manifest.json").unlink()
    until(lambda: "2" not in [one["number"] for one in agent.get("/overview").json["deployments"]])


TRIAL = {"state": "returned", "from": 3, "to": 4, "since": 1770000000.0, "until": 1770000400.0, "why": "no heartbeat"}


def test_the_overview_has_the_last_trial_by_what_its_judge_lets_anybody_read(
    host: Host, start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "trial-summary.json"
    agent = start()

    def shown(document: Mapping[str, object]) -> object:
        file.with_suffix(".new").write_text(json.dumps(document))
        file.with_suffix(".new").rename(file)
        before = agent.get("/overview").json["trial"]
        until(lambda: agent.get("/overview").json["trial"] != before)
        return agent.get("/overview").json["trial"]

    assert agent.get("/overview").json["trial"] is None
    of = {"from": "3", "to": "4", "since": "2026-02-02T02:40:00.000Z"}
    assert shown(TRIAL) == {"state": "returned", "output": "no heartbeat", **of}
    assert shown(TRIAL | {"from": None, "state": "confirmed"}) == {
        **{"state": "confirmed", "output": "no heartbeat"},
        **(of | {"from": None}),
    }
    left = shown(TRIAL | {"state": "going", "why": ""})
    assert left == {
        "state": "not known",
        "output": "it should be over, and nothing has ended it: seclyzer doctor",
        **of,
    }
    going = shown(TRIAL | {"state": "going", "why": "", "until": time.time() + 100})
    assert going == {"state": "going", "output": "", **of}
    (row,) = agent.get("/overview").json["deployments"]
    assert (row["number"], row["state"]) == ("3", None)
    shown(TRIAL | {"to": 3, "from": 2})
    (row,) = agent.get("/overview").json["deployments"]
    assert (row["number"], row["state"]) == ("3", "returned")
    assert shown({"state": "going"}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        *({name: value} for name in ("from", "to", "since", "until") for value in ("4", True, [4], 1e300)),
        *({"state": "good"}, {"state": ["going"]}, {"why": 3}, {"since": -1.0}, {"until": 0.0}),
    ],
    ids=str,
)
def test_a_trial_that_is_no_such_is_none(tmp_path: Path, wrong: dict[str, object]) -> None:
    (tmp_path / "trial-summary.json").write_text(json.dumps(TRIAL | wrong))
    assert manifest.trial(tmp_path / "current") is None
    (tmp_path / "trial-summary.json").write_text(json.dumps(TRIAL))
    assert manifest.trial(tmp_path / "current") is not None


def test_the_overview_follows_an_extractor_that_stops(host: Host, start: Start, redis_server: RedisServer) -> None:
    agent = start()

    def stages() -> Mapping[str, str]:
        (way,) = agent.get("/overview").json["ways"]
        return {stage["name"]: stage["state"] for stage in way["stages"]}

    until(lambda: stages()["read"] == "idle")
    redis_server.admin.delete("seclyzer:stats:keystroke")
    until(lambda: stages()["read"] == "broken")
    assert [stages()[name] for name in ("window", "published", "stored")] == ["cut off"] * 3
    assert "no heartbeat for 30 s" in agent.get("/overview").json["findings"][0]["output"]
