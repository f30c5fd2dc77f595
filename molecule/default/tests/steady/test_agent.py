"""The agent answers on every host, at once, and says of each part how it is."""

import json
import re
from functools import cache
from typing import Any

import pytest
from hostchecks.host import Host, name, run_on

testinfra_hosts = ["ansible://seclyzer_edge", "ansible://seclyzer_store"]

CHECKS = {
    "seclyzer_edge": {"units", "memory", "deployment", "redis", "keystroke", "mouse", "app", "influxdb"},
    "seclyzer_store": {"units", "memory", "deployment", "influxdb"},
}
PATHS = ["/livez", "/readyz", "/healthz?verbose", "/metrics", "/overview", "/"]


def _group(host: Host) -> str:
    return "seclyzer_store" if name(host) == "store" else "seclyzer_edge"


@cache
def _answers(host: Host) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = run_on(host, "ask", paths=PATHS)
    return found


@pytest.mark.parametrize("path", PATHS)
def test_path_is_answered_well_and_at_once(host: Host, path: str) -> None:
    answer = _answers(host)[path]
    assert (answer["status"], answer["seconds"] < 0.5) == (200, True), answer


def test_health_is_a_health_document_that_passes(host: Host) -> None:
    answer = _answers(host)["/healthz?verbose"]
    assert answer["type"].startswith("application/health+json")
    assert json.loads(answer["body"])["status"] == "pass", answer["body"]


def test_health_names_each_part_of_the_host(host: Host) -> None:
    checks = json.loads(_answers(host)["/healthz?verbose"]["body"])["checks"]
    assert {check.partition(":")[0] for check in checks} >= CHECKS[_group(host)]
    assert all(entry["status"] in ("pass", "warn") for entries in checks.values() for entry in entries)


def test_metrics_are_prometheus_text(host: Host) -> None:
    answer = _answers(host)["/metrics"]
    assert answer["type"].startswith("text/plain; version=0.0.4")
    wrong = [
        line
        for line in answer["body"].splitlines()
        if line and not re.fullmatch(r"#.*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? \S+", line)
    ]
    assert wrong == []
    assert "seclyzer_unit_state{" in answer["body"]


def test_only_this_host_is_listened_to(host: Host) -> None:
    listening = host.check_output("ss -Hltn 'sport = :9484'").splitlines()
    assert [line.split()[3] for line in listening] == ["127.0.0.1:9484"]


def test_an_answer_is_refused_to_a_page_that_pretends(host: Host) -> None:
    found = run_on(host, "ask", paths=["/healthz"], name="evil.example")["/healthz"]
    assert found["status"] >= 400
