"""What a Prometheus gets from a real agent: names of its own, that promtool finds nothing to say about."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest
from agent_world import STATS, Agent, Host, RedisServer

from seclyzer_agent import registry
from seclyzer_agent.metrics import Exposition
from seclyzer_agent.model import Entry, Pace, Status
from seclyzer_agent.snapshot import CheckState, Snapshot, View
from seclyzer_agent.spec import Metric, Spec

FAMILY = re.compile(r"^# TYPE (\S+) ", re.MULTILINE)


def linted(text: str) -> subprocess.CompletedProcess[str]:
    """What promtool finds in the text of a scrape."""
    return subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)


def test_promtool_finds_nothing_in_what_the_agent_of_an_edge_that_is_its_store_answers(
    host: Host, start: Callable[..., Agent]
) -> None:
    host.config["roles"] = ["edge", "store"]
    agent = start()
    for text in (agent.get("/metrics").body, agent.inside("/metrics").body):
        done = linted(text)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
        assert "seclyzer_extractor_windows_total" in text


def test_every_metric_is_of_the_agent_or_of_its_process(host: Host, start: Callable[..., Agent]) -> None:
    host.config["roles"] = ["edge", "store"]
    families = FAMILY.findall(start().inside("/metrics").body)
    assert len(families) > 40
    assert [name for name in families if not name.startswith(("seclyzer_", "process_"))] == []


@pytest.mark.parametrize("name", ["redis_up", "systemd_unit_state", "influxdb_up", "seclyzer_", "seclyzer_Up"])
def test_a_check_cannot_take_a_name_that_may_be_another_exporters(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a gauge"):
        Metric(name, "gauge", "Words", lambda _, __: ())


def test_how_long_windows_and_writes_took_is_a_histogram_of_each_extractor(
    host: Host, start: Callable[..., Agent], redis_server: RedisServer
) -> None:
    redis_server.write_stats("keystroke", STATS | {"window_publish_delay": "3 0 1 0 0 0 0 0 0 0 0 0 0 0 2 21500000"})
    text = start().inside("/metrics").body
    assert "# TYPE seclyzer_window_publish_delay_seconds histogram" in text
    for line in (
        'seclyzer_window_publish_delay_seconds_bucket{extractor="keystroke",le="0.0005"} 3.0',
        'seclyzer_window_publish_delay_seconds_bucket{extractor="keystroke",le="0.0025"} 4.0',
        'seclyzer_window_publish_delay_seconds_bucket{extractor="keystroke",le="10.0"} 4.0',
        'seclyzer_window_publish_delay_seconds_bucket{extractor="keystroke",le="+Inf"} 6.0',
        'seclyzer_window_publish_delay_seconds_count{extractor="keystroke"} 6.0',
        'seclyzer_window_publish_delay_seconds_sum{extractor="keystroke"} 21.5',
        'seclyzer_store_write_seconds_count{extractor="keystroke"} 0.0',
    ):
        assert f"\n{line}\n" in text
    assert (linted(text).returncode, linted(text).stdout) == (0, "")


def test_a_histogram_keeps_le_for_its_buckets() -> None:
    with pytest.raises(ValueError, match="label le"):
        Metric("seclyzer_x_seconds", "histogram", "Words", lambda _, __: (), labels=("le",))


def test_promtool_sees_a_metric_whose_unit_is_no_base_unit() -> None:
    done = linted(
        "# HELP seclyzer_wait_milliseconds Words\n# TYPE seclyzer_wait_milliseconds gauge\n"
        "seclyzer_wait_milliseconds 1\n"
    )
    assert done.returncode == 3 and "seconds" in done.stdout + done.stderr


def test_no_label_takes_what_a_person_types_or_uses() -> None:
    known = {"extractor", "implementation", "version", "name", "state", "folder", "certificate", "release", "mode"}
    assert {label for spec in registry.specs() for metric in spec.metrics for label in metric.labels} == known


def test_what_a_check_has_brought_is_written_once_and_other_facts_anew() -> None:
    asked: list[object] = []

    def samples(_: str, facts: dict[str, int]) -> list[tuple[tuple[str, ...], float]]:
        asked.append(facts)
        return [((), facts["value"])]

    spec = Spec(
        names=("thing",),
        order=1,
        help="a check",
        pace=Pace(1, 1, 1, 1),
        measurements={"thing": "a thing"},
        make=lambda _: [],
        metrics=(Metric("seclyzer_thing", "gauge", "a thing", samples, state=True),),
    )
    entry = Entry("thing", "thing", "component", Status.PASS, "")
    exposition = Exposition([spec])

    def written(facts: object, ended_at: float) -> str:
        state = CheckState("thing", 1, 1, 1, 1, entry, ended=1.0, ended_at=ended_at)
        seen = Snapshot("edge1", 0.0, (View(state, (), facts),))
        return exposition.write("", seen, seen, ())[0].decode()

    one, other = {"value": 1}, {"value": 2}
    for ended_at in (5.0, 6.0):
        text = written(one, ended_at)
        assert "seclyzer_thing 1.0\n" in text
        assert f'seclyzer_check_last_run_timestamp_seconds{{check="thing"}} {ended_at}\n' in text
    assert asked == [one]
    assert "seclyzer_thing 2.0\n" in written(other, 7.0)
    assert "seclyzer_thing" not in written(None, 8.0)
    assert asked == [one, other]
