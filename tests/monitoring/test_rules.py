"""Alerts fire when they should, with links that lead somewhere, on metrics that the agent has."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from seclyzer_agent import metrics, registry
from seclyzer_agent.catalog import COMMANDS
from tests.helpers import ROOT

MONITORING = ROOT / "monitoring"
RULES = MONITORING / "rules"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
HEADINGS = set(re.findall(r"^#{2,4} (\S+)$", RUNBOOK, re.MULTILINE))
TESTS = ("test.yml", "test_trends.yml")
NAME = re.compile(r"seclyzer_[a-z0-9_]+")


def read(name: str) -> Any:
    return yaml.safe_load((RULES / name).read_text(encoding="utf-8"))


def rules(name: str) -> list[dict[str, Any]]:
    return [rule for group in read(name)["groups"] for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    """The unit tests of the rules."""
    return [case for name in TESTS for case in read(name)["tests"]]


def exported() -> set[str]:
    """The names of all metrics that an agent answers."""
    named = {name for name, _ in (*metrics.RUNS, *metrics.FINDINGS)}
    return named | {name for spec in registry.specs() for metric in spec.metrics for name in metric.series}


def unit_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["promtool", "test", "rules", *(str(folder / name) for name in TESTS)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_alert_and_every_recording_does_what_its_unit_test_states() -> None:
    done = unit_tests(RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "text", "instead"),
    [
        ("alerts.yml", '{finding!="data-lost"} == 2', '{finding!="data-lost"} == 3'),
        ("alerts.yml", '{finding="data-lost"}[10m]', '{finding="data-lost"}[1m]'),
        ("alerts.yml", "for: 15m", "for: 1m"),
        ("alerts.yml", "[30m], 4 * 3600)", "[30m], 3600)"),
        (
            "alerts.yml",
            "instance_name:seclyzer_unit_memory:ratio > 0.5",
            "instance_name:seclyzer_unit_memory:ratio > 0",
        ),
        ("alerts.yml", "runbook.md#{{ $labels.finding }}", "runbook.md"),
        ("alerts.yml", "> 0.5 * count", "> 0.1 * count"),
        (
            "recording.yml",
            "histogram_quantile(0.99, sum by (job, instance, role, extractor, le) (rate(seclyzer_w",
            "histogram_quantile(0.5, sum by (job, instance, role, extractor, le) (rate(seclyzer_w",
        ),
        (
            "recording.yml",
            "seclyzer_window_publish_delay_seconds_bucket[5m]",
            "seclyzer_window_publish_delay_seconds_bucket[30m]",
        ),
        ("recording.yml", "seclyzer_extractor_points_written_total[5m]", "seclyzer_extractor_points_spooled_total[5m]"),
    ],
)
def test_the_unit_tests_detect_a_rule_that_is_wrong(tmp_path: Path, file: str, text: str, instead: str) -> None:
    shutil.copytree(RULES, tmp_path / "rules")
    before = (tmp_path / "rules" / file).read_text()
    assert text in before
    (tmp_path / "rules" / file).write_text(before.replace(text, instead))
    assert unit_tests(tmp_path / "rules").returncode != 0


def test_every_alert_is_seen_to_fire_and_to_stay_silent() -> None:
    fires: set[str] = set()
    silent: set[str] = set()
    for case in cases():
        for one in case.get("alert_rule_test", []):
            (fires if one["exp_alerts"] else silent).add(one["alertname"])
            labels = [{k: v for k, v in alert["exp_labels"].items() if k != "severity"} for alert in one["exp_alerts"]]
            if len({str(series.get("series")) for series in case.get("input_series", [])}) > len(labels) > 0:
                silent.add(one["alertname"])  # of the hosts of this case, not all
    alerts = {rule["alert"] for rule in rules("alerts.yml")}
    assert fires == alerts
    assert silent >= alerts - {"SeclyzerWatchdog"}


def test_every_recording_is_read_by_an_alert_or_by_a_unit_test() -> None:
    readers = " ".join(rule["expr"] for rule in (*rules("alerts.yml"), *rules("recording.yml")))
    readers += "".join((RULES / name).read_text() for name in TESTS)
    assert [rule["record"] for rule in rules("recording.yml") if rule["record"] not in readers] == []


def test_rules_name_only_metrics_that_the_agent_has() -> None:
    records = {rule["record"] for rule in rules("recording.yml")}
    for rule in (*rules("recording.yml"), *rules("alerts.yml")):
        text = rule["expr"]
        for record in sorted(records, key=len, reverse=True):
            text = text.replace(record, "")
        assert set(NAME.findall(text)) <= exported(), rule["expr"]


def test_the_runbook_of_every_alert_has_an_entry() -> None:
    for rule in rules("alerts.yml"):
        docs, _, anchor = rule["annotations"]["runbook_url"].partition("/runbook.md#")
        assert docs == "{{ $externalLabels.seclyzer_docs }}"
        assert anchor == "{{ $labels.finding }}" or anchor in HEADINGS, rule["alert"]
    assert set(COMMANDS) <= HEADINGS


def test_every_alert_has_words_and_a_known_severity() -> None:
    for rule in rules("alerts.yml"):
        assert rule["labels"]["severity"] in {"critical", "warning", "info", "none"}
        assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
        assert not rule["annotations"]["summary"].endswith(".")


@pytest.mark.parametrize("role", ["job", "instance", "role"])
def test_trends_keep_the_labels_that_an_operator_routes_by(role: str) -> None:
    """What sums hosts away is an alert of the fleet; every other one names its host."""
    fleet = {
        rule["alert"]
        for group in read("alerts.yml")["groups"]
        if group["name"] == "seclyzer-fleet"
        for rule in group["rules"]
    }
    for case in cases():
        for one in case.get("alert_rule_test", []):
            if one["alertname"] in fleet | {"SeclyzerNoTargets", "SeclyzerTextfileGone"}:
                continue
            for alert in one["exp_alerts"]:
                assert role in alert["exp_labels"], one["alertname"]
