"""The report and the metrics, both made from one snapshot that is written down here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

import seclyzer_agent
from seclyzer_agent.checks.extractor import ExtractorFacts
from seclyzer_agent.checks.memory import Memory
from seclyzer_agent.checks.redis import RedisFacts
from seclyzer_agent.health import report
from seclyzer_agent.hysteresis import Damped
from seclyzer_agent.manifest import Deployment
from seclyzer_agent.metrics import Exposition
from seclyzer_agent.model import Entry, Status
from seclyzer_agent.snapshot import CheckState, Shown, Snapshot, View
from seclyzer_agent.stats import parse
from seclyzer_agent.unit import Unit

GOLDEN = Path(__file__).parent / "golden"
PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL
AT = 1_700_000_000.25


def seen(name: str, facts: object, *entries: Entry, damped: Status | None = None) -> View:
    shown = tuple(Shown(e, Damped(e.status if damped is None else damped, (e.status,)), AT) for e in entries)
    state = CheckState(name, 10.0, 2.0, 2, 3, entries[0], shown, facts, 50.0, AT, 0.0125)
    return View(state, shown, facts)


@pytest.fixture
def snapshot(stats: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """An edge with one failed unit, a warning about memory, one damped failure and a hostile name."""
    for module in ("health", "checks.deployment", "overview"):
        monkeypatch.setattr(f"seclyzer_agent.{module}.__version__", "9.9.9")
    stats |= {"implementation": "rust", "version": "9.9.9", "last_id": "1700000000500-3"}
    unit = "seclyzer-app.service"
    units = {
        "seclyzer-app.service": Unit(
            unit, "loaded", "failed", "failed", "oom-kill", 3, 0, 0.0, None, None, "", "", 1.0
        ),
        "redis-server.service": Unit(
            "redis-server.service", "loaded", "active", "running", "success", 0, 7, 9.0, 5, 9, "", "", 1.0
        ),
    }
    failed = Entry("state", unit, "system", FAIL, f"{unit} is failed (Result=oom-kill)", "failed")
    up = Entry("state", "redis-server.service", "system", PASS, "redis-server.service is active (running)", "active")
    memory = Entry("used", "redis-server.service", "system", WARN, "uses <b>85 %</b> & more", 85, "bytes")
    blip = Entry("responseTime", "redis", "datastore", FAIL, "redis: no answer within 2 s", None)
    beat = Entry("heartbeat", "keystroke", "component", PASS, "keystroke: rust 9.9.9 runs", "rust 9.9.9")
    lag = Entry("lag", "keystroke", "component", PASS, "keystroke: keeps up", 0.5, "s")
    deployed = Entry("release", "deployment", "component", PASS, "deployment 3", "9.9.9-abc")
    views = (
        seen("units", units, failed, up),
        seen("memory", {"redis-server.service": Memory(85, 100), "x.service": Memory(3, None)}, memory),
        seen("deployment", Deployment("3", "9.9.9-abc", "9.9.9", "hybrid", {"keystroke": "rust"}), deployed),
        seen("redis", RedisFacts(0.0005, 2000, 8000), blip, damped=PASS),
        seen("keystroke", ExtractorFacts(parse(stats), 12, 7, 0.5), beat, lag),
        seen("mouse", None, Entry("heartbeat", "mouse", "component", FAIL, "mouse: no heartbeat for 30 s")),
        seen(
            "influxdb",
            None,
            Entry("responseTime", "influxdb", "datastore", FAIL, "influxdb: does not answer"),
        ),
    )
    return Snapshot("edge<1>", AT, views)


@pytest.mark.parametrize(("name", "verbose"), [("report", False), ("report-verbose", True)])
def test_report_equals_the_golden_document(snapshot: Snapshot, name: str, verbose: bool) -> None:
    assert report(snapshot, verbose=verbose) == json.loads((GOLDEN / f"{name}.json").read_text())


def test_excluded_checks_and_measurements_are_neither_shown_nor_counted(snapshot: Snapshot) -> None:
    document = report(snapshot, excluded=["units", "mouse", "influxdb:responseTime"])
    assert document["status"] == "warn"
    assert set(document["checks"]) == {
        "memory:used", "deployment:release", "redis:responseTime", "keystroke:heartbeat", "keystroke:lag"
    }  # fmt: skip
    assert "notes" not in document
    assert report(snapshot, excluded=["units", "mouse", "influxdb", "memory"])["status"] == "pass"


def test_an_unknown_exclusion_is_reported(snapshot: Snapshot) -> None:
    notes = report(snapshot, excluded=["rediss", "redis"])["notes"]
    assert notes == ["exclude: there is no check or measurement 'rediss' here"]


def test_report_has_the_members_and_types_of_the_draft(snapshot: Snapshot) -> None:
    document = report(snapshot, verbose=True)
    assert document["status"] in ("pass", "warn", "fail")
    assert all(isinstance(document[k], str) for k in ("version", "releaseId", "serviceId", "description", "output"))
    for key, entries in document["checks"].items():
        assert key.count(":") == 1 and isinstance(entries, list) and entries
        for entry in entries:
            assert entry["componentType"] in ("component", "datastore", "system")
            assert entry["status"] in ("pass", "warn", "fail")
            assert entry["time"] == "2023-11-14T22:13:20.250Z"


def samples(snapshot: Snapshot) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    body, content_type = Exposition().write("", snapshot, snapshot)
    assert content_type.startswith("text/plain; version=0.0.4")
    families = list(parse_text(body.decode()))
    assert len({f.name for f in families}) == len(families)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}


def test_metrics_hold_what_was_read(snapshot: Snapshot) -> None:
    found = samples(snapshot)

    def value(name: str, /, **labels: str) -> float:
        return found[(name, tuple(sorted(labels.items())))]

    assert value("seclyzer_unit_state", name="seclyzer-app.service", state="failed") == 1
    assert value("seclyzer_unit_state", name="seclyzer-app.service", state="active") == 0
    assert value("seclyzer_unit_state", name="redis-server.service", state="active") == 1
    assert value("seclyzer_unit_restarts_total", name="seclyzer-app.service") == 3
    assert value("seclyzer_redis_up") == 1
    assert value("seclyzer_influxdb_up") == 0
    assert value("seclyzer_build_info", version="9.9.9", release="9.9.9-abc", mode="hybrid") == 1
    assert value("seclyzer_extractor_up", extractor="keystroke") == 1
    assert value("seclyzer_extractor_up", extractor="mouse") == 0
    assert value("seclyzer_extractor_events_total", extractor="keystroke") == 100
    assert value("seclyzer_extractor_windows_short_total", extractor="keystroke") == 1
    assert value("seclyzer_extractor_stream_entries", extractor="keystroke") == 12
    assert value("seclyzer_extractor_features_kept", extractor="keystroke") == 7
    assert value("seclyzer_extractor_lag_seconds", extractor="keystroke") == 0.5
    assert value("seclyzer_extractor_last_event_timestamp_seconds", extractor="keystroke") == 1700000001.5
    assert value("seclyzer_extractor_last_window_timestamp_seconds", extractor="keystroke") == 1700000005
    assert value("seclyzer_extractor_last_entry_timestamp_seconds", extractor="keystroke") == 1700000000.5
    assert value("seclyzer_extractor_info", extractor="keystroke", implementation="rust", version="9.9.9") == 1
    assert value("seclyzer_unit_memory_bytes", name="redis-server.service") == 85
    assert value("seclyzer_unit_memory_limit_bytes", name="redis-server.service") == 100
    assert ("seclyzer_unit_memory_limit_bytes", (("name", "x.service"),)) not in found
    assert value("seclyzer_check_status", check="units") == 2
    assert value("seclyzer_check_status", check="memory") == 1
    assert value("seclyzer_check_status", check="redis") == 0
    assert value("seclyzer_check_duration_seconds", check="units") == 0.0125
    assert value("seclyzer_check_last_run_timestamp_seconds", check="units") == AT
    assert value("process_resident_memory_bytes") > 1e6
    assert not [key for key in found if key[1] and ("extractor", "mouse") in key[1] and key[0].endswith("_total")]


def test_openmetrics_on_request_tells_the_same(snapshot: Snapshot) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    body, content_type = Exposition().write(accept, snapshot, snapshot)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    open_samples = {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for f in parse_openmetrics(body.decode())  # type: ignore[no-untyped-call]
        for s in f.samples
        if not f.name.startswith("process_")
    }
    assert open_samples == {k: v for k, v in samples(snapshot).items() if not k[0].startswith("process_")}


def test_labels_are_bounded_to_what_the_configuration_names(snapshot: Snapshot) -> None:
    labels = {label for _, found in samples(snapshot) for label, _ in found}
    known = {"check", "finding", "name", "state", "version", "release", "mode", "extractor", "implementation"}
    assert labels == known | {"le"}  # the bounds of histograms


def test_version_is_the_one_of_the_project() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", seclyzer_agent.__version__)
