"""Only what happens after a switch may fail it, and going back does not fail over trouble older than it."""

import pytest

from plugins.module_utils import before as earlier
from plugins.module_utils import health, systemd
from plugins.module_utils.before import Before
from plugins.module_utils.health import Target
from tests.plugins.hosts import Systemd
from tests.plugins.test_health import GOOD, UNIT, Agent, Redis, agent, redis

__all__ = ["agent", "redis"]
LOSSES = "keystroke:losses"
REFUSED = {"status": "fail", "output": "keystroke: 1 refused points in the last 300 s"}
SWITCHED = GOOD | {"started_at": "7", "points_rejected": "1", "points_dropped": "0"}
BEFORE = Before(frozenset({LOSSES}), {"keystroke": "42@7"}, {"keystroke": {"points_rejected": 1, "points_dropped": 0}})


@pytest.fixture(autouse=True)
def journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "journal", lambda unit: ["its journal"])


@pytest.fixture
def host(redis: Redis, agent: str, fake: Systemd) -> dict[str, str]:
    """The probes of a host whose agent still holds one refused point against the keystroke extractor."""
    fake.active[UNIT] = 0
    redis.stats = dict(SWITCHED)
    Agent.report = {"status": "fail", "checks": {LOSSES: [REFUSED]}}
    return {"redis_socket": str(redis.server_address), "agent": agent, "influx_url": f"http://{agent}/"}


def look(probes: dict[str, str], before: Before | None, going_back: bool = False) -> health.Health:
    """Without InfluxDB, whose answer is the agent's here."""
    probes = {name: value for name, value in probes.items() if name != "influx_url"}
    return health.look(Target("0.1.0", {"keystroke": "rust"}, {UNIT: ""}, probes, going_back, before))


def test_a_loss_from_before_the_switch_does_not_fail_it(host: dict[str, str]) -> None:
    found = look(host, BEFORE)
    assert found.faults == []
    assert "which is older than the switch" in found.summary()
    assert look(host, None).faults == [f"the agent says fail: {LOSSES}: {REFUSED['output']}"]


def test_a_loss_of_a_process_that_the_switch_ended_does_not_fail_it(host: dict[str, str], redis: Redis) -> None:
    redis.stats |= {"started_at": "9", "points_rejected": "0"}
    assert look(host, BEFORE).faults == []


@pytest.mark.parametrize(("started_at", "rejected", "more"), [("7", "3", 2), ("9", "1", 1)])
def test_a_loss_after_the_switch_fails_it_and_says_why(
    host: dict[str, str], redis: Redis, started_at: str, rejected: str, more: int
) -> None:
    redis.stats |= {"started_at": started_at, "points_rejected": rejected}
    redis.stats |= {"rejected_reason": "beyond_retention", "rejected_year": "1970"}
    Agent.report = {"status": "pass", "checks": {}}
    found = look(host, BEFORE)
    why = "(beyond retention, the oldest of 1970)"
    assert found.faults == [f"keystroke: since the switch {more} points that InfluxDB refused {why}"]
    assert found.journals[UNIT] == ["its journal"]


def test_going_back_does_not_fail_over_a_loss_that_went_on_before(host: dict[str, str], redis: Redis) -> None:
    redis.stats |= {"started_at": "9", "points_rejected": "4"}
    found = look(host, BEFORE, going_back=True)
    assert found.faults == []
    assert "keystroke: since the switch 4 points that InfluxDB refused, and before it too" in found.running
    assert look(host, Before(), going_back=True).faults  # that is news


@pytest.mark.parametrize(
    ("check", "before", "faults"),
    [
        ("redis:persistence", {"redis:persistence"}, 0),
        ("keystroke:spool", {"keystroke:spool"}, 0),
        ("redis:persistence", {"keystroke:spool"}, 1),
        ("integrity:files", {"integrity:files"}, 1),
        ("deployment:release", {"deployment:release"}, 1),
    ],
)
def test_a_check_that_failed_before_is_no_news_unless_it_judges_the_deployment(
    host: dict[str, str], check: str, before: set[str], faults: int
) -> None:
    Agent.report = {"status": "fail", "checks": {LOSSES: [REFUSED], check: [{"status": "fail", "output": "so"}]}}
    found = look(host, Before(frozenset({LOSSES, *before}), BEFORE.processes, BEFORE.counters))
    assert found.faults == [f"the agent says fail: {check}: so"] * faults


@pytest.mark.parametrize(("going_back", "failed", "faults"), [(True, True, 0), (True, False, 1), (False, True, 1)])
def test_only_going_back_does_without_an_influxdb_that_was_away_before(
    fake: Systemd, going_back: bool, failed: bool, faults: int
) -> None:
    fake.active[UNIT] = 0
    before = Before(frozenset({"influxdb:responseTime"} if failed else ()))
    found = health.look(Target("0.1.0", {}, {UNIT: ""}, {"influx_url": "http://127.0.0.1:9"}, going_back, before))
    assert len(found.faults) == faults


def test_what_was_found_before_survives_as_json() -> None:
    assert Before.of(BEFORE.as_dict()) == BEFORE


def test_a_counter_that_is_no_number_counts_nothing() -> None:
    assert earlier.counters({"gaps": "many", "dropped": "", "points_rejected": "2"}) == {"points_rejected": 2}
