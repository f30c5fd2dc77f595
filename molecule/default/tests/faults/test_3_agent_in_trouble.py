"""When Redis is away or hangs, the agent says so soon, answers at once all the while, and sees when it is back."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, on_every
from hostchecks.polling import poll
from hostchecks.systemd import EDGE_SERVICES, REDIS, show, wait_until_active

testinfra_hosts = ["ansible://seclyzer_edge"]

# Redis is looked at every 5 s with a deadline of 2 s, and fails at the second bad reading.
SEEN = 5 + 2 + 5 + 2 + 4
# Two good readings of Redis; and heartbeats, which are written every 5 s and read every 5 s.
MENDED = 45
TROUBLE = {
    "away": ("systemctl stop redis-server", "systemctl start redis-server"),
    "hanging": ("kill -STOP {pid}", "kill -CONT {pid}"),
}


@dataclass(frozen=True)
class Seen:
    """What the agent answered: in trouble, and when the trouble was over; and the slowest of all answers."""

    trouble: dict[str, Any]
    others: dict[str, dict[str, Any]]
    mended: dict[str, Any]
    slowest: float


@pytest.fixture(scope="session", params=TROUBLE)
def seen(request: pytest.FixtureRequest) -> dict[str, Seen]:
    """What every edge's agent answered while its Redis was in trouble."""
    begin, end = TROUBLE[request.param]

    def look(edge: Host) -> Seen:
        pid = show(edge, [REDIS])[REDIS]["MainPID"]
        slow: list[float] = []
        edge.check_output(begin.format(pid=pid))
        try:
            trouble = _wait_for(edge, _redis_fails, SEEN, slow)
            others: dict[str, dict[str, Any]] = run_on(edge, "ask", paths=["/livez", "/readyz", "/metrics", "/"])
        finally:
            edge.check_output(end.format(pid=pid))
            wait_until_active(edge, EDGE_SERVICES)
        mended = _wait_for(edge, lambda answer: bool(answer["status"] == 200), MENDED, slow)
        return Seen(trouble, others, mended, max(slow))

    return on_every(EDGES, look)


def test_health_fails_and_names_redis(host: Host, seen: dict[str, Seen]) -> None:
    answer = seen[name(host)].trouble
    assert answer["status"] == 503, answer["body"]
    assert json.loads(answer["body"])["status"] == "fail"
    assert _redis_fails(answer), answer["body"]


def test_no_answer_hangs_meanwhile(host: Host, seen: dict[str, Seen]) -> None:
    found = seen[name(host)]
    assert found.slowest < 0.5
    assert {path: row["seconds"] < 0.5 for path, row in found.others.items()} == dict.fromkeys(found.others, True)


def test_the_agent_itself_stays_alive(host: Host, seen: dict[str, Seen]) -> None:
    others = seen[name(host)].others
    assert {path: others[path]["status"] for path in ("/livez", "/metrics")} == {"/livez": 200, "/metrics": 200}


def test_health_passes_again_by_itself(host: Host, seen: dict[str, Seen]) -> None:
    assert seen[name(host)].mended["status"] == 200, seen[name(host)].mended["body"]


def _wait_for(host: Host, good: Callable[[dict[str, Any]], bool], seconds: float, slow: list[float]) -> dict[str, Any]:
    """The first answer that is good, or the last one within that time."""

    def ask() -> dict[str, Any]:
        answer: dict[str, Any] = run_on(host, "ask", paths=["/healthz"])["/healthz"]
        slow.append(answer["seconds"])
        return answer

    return poll(ask, good, seconds, 1)


def _redis_fails(answer: dict[str, Any]) -> bool:
    checks = json.loads(answer["body"])["checks"] if answer["status"] else {}
    rows = [row for check, rows in checks.items() for row in rows if check.partition(":")[0] == "redis"]
    return any(row["status"] == "fail" for row in rows)
