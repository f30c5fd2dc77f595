"""Doctor: each cause once, with how each source knows it, whether the agent reports or not."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command import asking, diagnosis, doctor, exits
from command.diagnosis import Wrong
from command.host import Host
from command.probes.redis import TRIED, judge_refusals
from command.probes.seen import Seen
from command.screen import Screen
from plugins.module_utils.layout import Layout
from seclyzer_agent.model import Entry, Status

AGENTS = {
    "findings": [
        {
            "id": "redis-away",
            "status": "fail",
            "componentId": "redis",
            "since": "2026-11-29T03:00:00.000Z",
            "output": "Redis cannot be reached: No such file or directory",
            "command": "sudo systemctl restart redis-server",
            "follows": 17,
            "runbook": "docs/runbook.md#redis-away",
        }
    ],
    "checks": {"redis:responseTime": [{"output": "Redis cannot be reached: No such file or directory"}]},
}


def down(unit: str, words: str = "is inactive") -> Seen:
    entry = Entry("state", unit, "system", Status.FAIL, f"{unit} {words}")
    return Seen("units", entry, f"systemctl status {unit}")


def away() -> Seen:
    entry = Entry("responseTime", "redis", "datastore", Status.FAIL, "Redis cannot be reached")
    return Seen("redis", entry, "PING")


def silent(kind: str) -> Seen:
    return Seen(kind, Entry("heartbeat", kind, "component", Status.FAIL, f"{kind}: no heartbeat"), "HGETALL")


def names(wrong: list[Wrong] | tuple[Wrong, ...]) -> list[tuple[str, str, int]]:
    return [(one.name, one.subject, one.follows) for one in wrong]


def test_what_follows_from_a_cause_is_counted_below_it_as_the_agent_does() -> None:
    seen = [down("redis-server.service"), away(), silent("keystroke"), silent("mouse")]
    (cause,) = diagnosis.found(seen, "edge1")
    assert (cause.name, cause.subject, cause.follows) == ("unit-down", "redis-server.service", 3)
    assert cause.command.startswith("sudo systemctl restart redis-server.service")
    assert cause.how == ("systemctl status redis-server.service",)


def test_a_cause_that_both_see_is_one_entry_with_how_each_knows() -> None:
    (one,) = diagnosis.merged(diagnosis.reported(AGENTS), diagnosis.found([away()], "edge1"))
    assert (one.name, one.follows, one.since) == ("redis-away", 17, "2026-11-29T03:00:00.000Z")
    assert one.how == ("the agent's check redis:responseTime", "Redis cannot be reached: PING")


def test_a_cause_has_the_words_of_who_sees_it_worse() -> None:
    """The agent looks at the certificate every five minutes; it has expired meanwhile."""
    about = {"id": "certificate-ends", "status": "warn", "componentId": "server", "output": "it is good for 1 day more"}
    report = {"findings": [about | {"since": "2026-11-29T03:00:00.000Z"}]}
    expired = Entry("server", "server", "component", Status.FAIL, "it expired")
    (one,) = diagnosis.merged(
        diagnosis.reported(report), diagnosis.found([Seen("certificate", expired, "a handshake")], "edge1")
    )
    assert (one.status, one.output, one.since) == (Status.FAIL, "it expired", "2026-11-29T03:00:00.000Z")
    assert one.how == ("a handshake", "it is good for 1 day more: the agent")


def test_a_store_that_is_away_is_no_worse_than_for_the_agent_while_points_are_kept() -> None:
    words = "InfluxDB does not answer; no point is lost: nothing had to be spooled yet"
    about = {"id": "store-away", "status": "warn", "componentId": "influxdb", "output": words, "follows": 3}
    entry = Entry("responseTime", "influxdb", "datastore", Status.WARN, "it cannot be reached", finding="store-away")
    own = diagnosis.found([Seen("influxdb", entry, "GET /health")], "edge1")
    found = diagnosis.Diagnosis(diagnosis.merged(diagnosis.reported({"findings": [about]}), own), 1, "")
    assert [(one.output, one.follows) for one in found.wrong] == [(words, 3)]
    assert doctor.EXITS[found.status] == exits.DEGRADED


def test_what_only_one_of_them_sees_is_an_entry_too_and_the_worst_is_first() -> None:
    warning = Seen("host", Entry("disk", "/opt/seclyzer", "system", Status.WARN, "the disk is almost full"), "df")
    found = diagnosis.merged(diagnosis.reported(AGENTS), diagnosis.found([warning], "edge1"))
    assert names(found) == [("redis-away", "redis", 17), ("disk-full", "/opt/seclyzer", 0)]


def test_what_the_agent_has_follows_from_a_cause_that_only_the_command_sees() -> None:
    """The agent asks Redis more often than systemd: for some seconds it has no more than that Redis is away."""
    seen = [down("redis-server.service"), silent("keystroke")]
    (one,) = diagnosis.merged(diagnosis.reported(AGENTS), diagnosis.found(seen, "edge1"))
    assert (one.name, one.subject, one.follows) == ("unit-down", "redis-server.service", 18)
    assert one.since == "2026-11-29T03:00:00.000Z"
    assert one.how == (
        "systemctl status redis-server.service",
        "Redis cannot be reached: No such file or directory: the agent's check redis:responseTime",
    )


def test_what_the_command_sees_follows_from_a_cause_that_only_the_agent_has() -> None:
    (one,) = diagnosis.merged(diagnosis.reported(AGENTS), diagnosis.found([silent("keystroke")], "edge1"))
    assert (one.name, one.follows) == ("redis-away", 17)
    assert one.how[-1] == "keystroke: no heartbeat: HGETALL"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr(diagnosis, "PROBES", ())
    yield Host(name="edge1")


def test_an_agent_that_is_dead_is_named_and_the_rest_is_looked_at(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_: Host) -> Any:
        raise asking.Silent("seclyzer-agent.service is inactive (dead)")

    monkeypatch.setattr(asking, "ask", ask)
    monkeypatch.setattr(diagnosis, "PROBES", (lambda _: iter([down("seclyzer-agent.service"), away()]),))
    found = diagnosis.diagnose(host)
    assert names(found.wrong) == [("unit-down", "seclyzer-agent.service", 1), ("redis-away", "redis", 0)]
    assert found.agent == "seclyzer-agent.service is inactive (dead)"


def test_a_redis_beside_anothers_is_the_cause_and_is_named_without_the_agent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "seclyzer-redis.service").write_text("# SecLyzer's Redis, beside another's\n")
    host = Host(Layout(base=tmp_path / "opt", units=tmp_path), "edge1")
    seen = [away(), silent("keystroke")]
    monkeypatch.setattr(asking, "ask", lambda _: {"findings": []})
    monkeypatch.setattr(diagnosis, "PROBES", (lambda _: iter(seen),))
    (one,) = diagnosis.diagnose(host).wrong
    assert (one.name, one.follows) == ("redis-away", 1)
    assert one.command.startswith("sudo systemctl restart seclyzer-redis.service;")
    seen.append(down("seclyzer-redis.service"))
    (one,) = diagnosis.diagnose(host).wrong
    assert (one.name, one.subject, one.follows) == ("unit-down", "seclyzer-redis.service", 2)


def test_a_redis_beside_anothers_that_the_command_sees_down_is_the_cause_of_what_the_agent_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "seclyzer-redis.service").write_text("# SecLyzer's Redis, beside another's\n")
    host = Host(Layout(base=tmp_path / "opt", units=tmp_path), "edge1")
    monkeypatch.setattr(asking, "ask", lambda _: AGENTS)
    monkeypatch.setattr(diagnosis, "PROBES", (lambda _: iter([down("seclyzer-redis.service")]),))
    assert names(diagnosis.diagnose(host).wrong) == [("unit-down", "seclyzer-redis.service", 18)]


def test_a_probe_that_breaks_leaves_the_others(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Host) -> Iterator[Seen]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(asking, "ask", lambda _: {"findings": []})
    monkeypatch.setattr(diagnosis, "PROBES", (broken, lambda _: iter([away()])))
    found = diagnosis.diagnose(host)
    assert names(found.wrong) == [("redis-away", "redis", 0)]
    assert any("Input/output error" in note for note in found.notes)


def test_with_an_agent_what_is_over_is_not_reported_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    past = Seen("mouse", Entry("losses", "mouse", "component", Status.WARN, "mouse: since its start 3 late"), "HGETALL")
    monkeypatch.setattr(asking, "ask", lambda _: {"findings": []})
    monkeypatch.setattr(diagnosis, "PROBES", (lambda _: iter([past]),))
    assert diagnosis.diagnose(host).wrong == ()

    def ask(_: Host) -> Any:
        raise asking.Silent("it does not answer")

    monkeypatch.setattr(asking, "ask", ask)
    assert ("data-lost", "mouse", 0) in names(diagnosis.diagnose(host).wrong)


def test_the_screen_has_what_is_wrong_how_it_is_known_and_what_to_type() -> None:
    out = io.StringIO()
    wrong = diagnosis.merged(diagnosis.reported(AGENTS), [])
    doctor.show(diagnosis.Diagnosis(wrong, 3, ""), Host(name="edge1"), Screen(out=out))
    text = out.getvalue()
    assert "edge1: 1 thing is wrong (the agent's report and 3 things looked at here)" in text
    assert "FAIL  redis-away  since 2026-11-29T03:00:00.000Z" in text
    assert "known by: the agent's check redis:responseTime" in text
    assert "type:     sudo systemctl restart redis-server\n" in text
    assert "more:     seclyzer doctor redis-away" in text


def row(user: str, count: int, reason: str = "auth", age: str = "3.5", of: str = "AUTH") -> dict[str, str]:
    return {"username": user, "count": str(count), "reason": reason, "age-seconds": age, "object": of}


def test_who_is_refused_is_named_and_the_agents_own_tries_are_not() -> None:
    tries = [row(user, 40) for user in TRIED]
    assert judge_refusals(tries).status is Status.PASS
    tries[0] = row(TRIED[0], 70)
    assert judge_refusals(tries).output == f"Redis refused the user {TRIED[0]} 30 times (password)"
    assert judge_refusals([row("collector", 9)]).output == "Redis refused the user collector 9 times (password)"
    assert judge_refusals([row("collector", 9, age="70")]).status is Status.PASS
    assert (
        judge_refusals([row("mouse", 1, "command", of="keys")]).output == "Redis refused the user mouse 1 times (keys)"
    )
