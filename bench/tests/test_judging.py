"""Verdicts on made-up figures: limits, gates, what is missing, and what has changed since a baseline."""

import json
from pathlib import Path

import pytest

from bench import BenchError, expectations
from bench.baseline import changes
from bench.dev import document, plot
from bench.expectations import Expectation, Limit
from bench.figures import Figures, Summary
from bench.report import all_figures, users_table
from bench.result import Result, number, read_figures

ABOUT = {
    "at": "2026-01-02T03:04:05Z", "release": "1.0-abc", "cpu": "made-up", "cores": 2, "memory_mib": 1024, "kernel": "6",
    "system": "Debian", "redis": "Redis 7", "python": "Python 3", "seconds": 1, "load_before": 0.0, "store": "nowhere",
    "instructions": "not counted", "loop_ns_least": 40.1, "loop_ns_most": 81.9,
}  # fmt: skip


def expectation(name: str = "size", gate: bool = True, by: str = "max", **limits: Limit) -> Expectation:
    """A figure in MiB."""
    return Expectation(name, f"the {name}", "MiB", by, gate, limits)


def result(figures: Figures, *expected: Expectation) -> Result:
    """A run that is judged by these."""
    return Result("full", ABOUT, figures, {each.name: each for each in expected})


def figures(**samples: list[float]) -> Figures:
    """Rust's figures."""
    return Figures({name: {"rust": values} for name, values in samples.items()})


def test_a_figure_over_its_limit_fails_and_is_named() -> None:
    judged = result(figures(size=[4.0, 5.1, 4.5]), expectation(rust=Limit(5.0, at_least=False)))
    assert judged.faults() == ["rust: the size is 5.1 MiB, ≤ 5 is expected"]
    assert judged.as_json()["passed"] is False
    assert "FAIL" in all_figures(judged)


def test_a_figure_at_its_limit_passes() -> None:
    judged = result(figures(size=[4.0, 5.0]), expectation(rust=Limit(5.0, at_least=False)))
    assert judged.faults() == []
    assert judged.as_json()["passed"] is True


def test_too_little_fails_where_at_least_is_expected() -> None:
    judged = result(figures(rate=[90.0, 91.0]), expectation("rate", by="min", rust=Limit(91.0, at_least=True)))
    assert [verdict.holds for verdict in judged.verdicts()] == [False]
    assert judged.faults() == ["rust: the rate is 90 MiB, ≥ 91 is expected"]


def test_a_wall_time_over_its_limit_is_shown_as_missed_and_fails_nothing() -> None:
    judged = result(figures(size=[9.0]), expectation(gate=False, rust=Limit(5.0, at_least=False)))
    assert judged.faults() == []
    assert [verdict.holds for verdict in judged.verdicts()] == [False]
    assert "missed" in all_figures(judged)


def test_a_figure_that_is_expected_and_was_not_measured_fails() -> None:
    judged = result(figures(size=[1.0]), expectation(python=Limit(5.0, at_least=False)))
    assert judged.faults() == ["size (python) was not measured"]


def test_a_figure_without_an_expectation_is_only_shown() -> None:
    judged = result(figures(size=[1e9]), expectation())
    assert judged.faults() == []
    assert [verdict.holds for verdict in judged.verdicts()] == [None]


def test_p99_is_by_nearest_rank() -> None:
    assert Summary(tuple(map(float, range(1, 201)))).p99() == 198.0
    assert Summary((3.0, 1.0, 2.0)).p99() == 3.0


def test_the_table_of_expectations_holds_every_target_of_each_implementation() -> None:
    table = expectations.load()
    bounds = {(name, whose): limit.bound for name, each in table.items() for whose, limit in each.limits.items()}
    assert bounds["rss_idle_mib", "rust"] == 5.0
    assert bounds["rss_anon_hour_mib", "rust"] == 2.0
    assert bounds["rss_hour_mib", "python"] == 35.0
    assert (bounds["start_ms", "rust"], bounds["start_ms", "python"]) == (5.0, 200.0)
    assert (bounds["idle_cpu_percent", "rust"], bounds["idle_cpu_percent", "python"]) == (0.02, 0.2)
    assert (bounds["idle_wakeups_per_s", "rust"], bounds["idle_wakeups_per_s", "python"]) == (1.0, 2.0)
    assert (bounds["closed_to_published_ms", "rust"], bounds["closed_to_published_ms", "python"]) == (1.0, 5.0)
    assert (bounds["window_cpu_us", "rust"], bounds["window_cpu_us", "python"]) == (36.0, 900.0)
    assert (bounds["window_instructions", "rust"], bounds["event_instructions_mouse", "rust"]) == (320_000, 3200)
    assert bounds["share_of_reader_mouse", "rust"] == bounds["share_of_reader_keystroke", "rust"] == 0.9
    assert bounds["events_per_cpu_s_mouse", "python"] == bounds["events_per_cpu_s_keystroke", "python"] == 150_000
    assert (bounds["catch_up_ms", "rust"], bounds["catch_up_ms", "python"]) == (150.0, 1000.0)


def test_a_host_has_limits_of_its_own() -> None:
    host = expectations.load(host=True)
    assert host["start_ms"].limits["python"].bound > expectations.load()["start_ms"].limits["python"].bound
    assert not host["catch_up_ms"].limits


@pytest.mark.parametrize("real_host", [False, True])
def test_no_wall_time_and_no_rate_by_it_decides(real_host: bool) -> None:
    gated = {name for name, each in expectations.load(real_host).items() if each.gate}
    assert not gated & {"start_ms", "closed_to_published_ms", "catch_up_ms", "events_per_s_mouse"}
    assert not gated & {"share_of_reader_keystroke", "share_of_reader_mouse"}
    assert {"start_cpu_ms", "rss_idle_mib", "idle_cpu_percent", "idle_wakeups_per_s"} <= gated
    # A host counts no instructions: there the CPU time of a window decides, with a wide limit.
    assert gated & {"window_cpu_us"} == ({"window_cpu_us"} if real_host else set())
    assert {"window_instructions", "event_instructions_keystroke", "event_instructions_mouse"} <= gated


def test_a_limit_that_is_no_limit_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[size]\ntitle = "s"\nunit = ""\nby = "max"\ngate = true\nrust.below = 5\n')
    with pytest.raises(BenchError, match=r"neither one `least` nor one `most`"):
        expectations.load(path=wrong)


def test_figures_come_back_from_a_file_as_they_were(tmp_path: Path) -> None:
    made = result(figures(size=[1.5, 2.5]), expectation())
    made.write(tmp_path / "run.json")
    about, found = read_figures(tmp_path / "run.json")
    assert (about, found.samples) == (ABOUT, {"size": {"rust": [1.5, 2.5]}})


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": 2, "about": {}, "figures": {}}', '{"schema": 1, "about": {}, "figures": {"a": 1}}']
)
def test_a_file_that_holds_no_figures_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(BenchError, match=r"baseline.json cannot be read as figures of an earlier run"):
        read_figures(path)


@pytest.mark.parametrize(
    ("now", "reported"),
    [
        ([2.0, 2.1], ["rust: the size: 1.1 → 2.1 MiB (+91%)"]),
        ([0.5, 0.6], ["rust: the size: 1.1 → 0.6 MiB (-45%)"]),
        ([1.2, 1.3], []),  # less than a fifth
        ([1.05, 2.0], []),  # their samples overlap
    ],
)
def test_only_notable_changes_since_the_baseline_are_reported(now: list[float], reported: list[str]) -> None:
    table = {"size": expectation(rust=Limit(5.0, at_least=False))}
    assert changes(figures(size=now), figures(size=[1.0, 1.1]), table) == reported


def test_what_the_baseline_has_not_is_no_change() -> None:
    table = {"size": expectation(rust=Limit(5.0, at_least=False))}
    assert changes(figures(size=[1.0]), figures(other=[1.0]), table) == []


def test_a_figure_without_an_expectation_is_no_change() -> None:
    assert changes(figures(size=[9.0]), figures(size=[1.0]), {"size": expectation()}) == []


def test_the_documents_show_every_judged_figure() -> None:
    judged = result(figures(size=[9.0]), expectation(rust=Limit(5.0, at_least=False)))
    assert "the size, rust" in plot.svg(judged)
    assert "* rust: the size is 9 MiB, ≤ 5 is expected" in document.markdown(judged)
    assert json.loads(json.dumps(judged.as_json()))["verdicts"][0]["holds"] is False


def test_what_was_not_measured_is_reported_in_the_users_table() -> None:
    assert users_table(result(Figures())).count("not measured") == 16


@pytest.mark.parametrize(
    ("value", "words"), [(0.0123, "0.0123"), (4.0, "4"), (123.4, "123"), (150000.0, "150\u202f000")]
)
def test_numbers_have_three_digits_that_count(value: float, words: str) -> None:
    assert number(value) == words
