"""The whole bench once, with little of everything: every figure of both. Nothing here is about speed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench import IMPLEMENTATIONS, BenchError, expectations, host, load, machine
from bench.dev import cli
from bench.figures import Figures
from bench.phases import Lab, counted
from bench.run import QUICK
from bench.store import Store
from bench.testbed import Testbed

PROGRAMS = [word for name in IMPLEMENTATIONS for word in (f"--{name}", str(cli.BUILT[name]))]
OF_THE_AGENT = {name for name in expectations.load() if name.startswith("agent_")}
NOT_ON_HOSTS = {"rss_hour_mib", "rss_growth_mib", "rss_anon_hour_mib", "catch_up_ms", "catch_up_cpu_ms",
                "catch_up_times_reader", "window_instructions", "event_instructions_keystroke",
                "event_instructions_mouse", *OF_THE_AGENT}  # fmt: skip


def subjects(figure: str) -> set[str]:
    """Whose figures those of a name are."""
    if figure not in OF_THE_AGENT:
        return set(IMPLEMENTATIONS)
    return {"agent"} if figure == "agent_scrape_slow_clients_ms" else {"agent", "node_exporter"}


def assert_figures(written: dict[str, Any], expected: set[str]) -> None:
    """All of them, for both, with numbers that can be, and in the form that is documented."""
    assert set(written) == {"schema", "profile", "about", "passed", "verdicts", "figures"}
    assert written["schema"] == 1
    assert set(written["figures"]) >= expected
    for name, by in written["figures"].items():
        assert set(by) == subjects(name), name
        for summary in by.values():
            assert set(summary) == {"min", "median", "max", "p99", "samples"}
            assert summary["min"] <= summary["median"] <= summary["max"]
            assert summary["samples"]
    judged = {(verdict["figure"], verdict["implementation"]) for verdict in written["verdicts"]}
    assert judged == {(name, whose) for name in expected for whose in subjects(name)}
    assert written["passed"] == (not any(v["gate"] and v["holds"] is False for v in written["verdicts"]))


def test_make_bench_measures_every_figure_of_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["--quick", *PROGRAMS, "--out", str(tmp_path)])
    printed = capsys.readouterr()
    assert status in (0, 1), printed.err
    written = json.loads((tmp_path / "bench.json").read_text())
    assert_figures(written, set(expectations.load()))
    assert status == (0 if written["passed"] else 1)
    assert "not measured" not in printed.out
    assert "influxd" in written["about"]["store"]
    assert "## What each figure is" in (tmp_path / "bench.md").read_text()
    assert (tmp_path / "bench.svg").read_text().startswith("<svg")


def test_a_host_is_measured_without_network_and_keeps_a_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--here", *PROGRAMS, "--state", str(tmp_path / "state")]
    status = host.main(words, QUICK)
    printed = capsys.readouterr()
    assert status in (0, 1), printed.err
    written = json.loads((tmp_path / "state" / "baseline.json").read_text())
    assert_figures(written, set(expectations.load(host=True)) - NOT_ON_HOSTS)
    assert written == json.loads((tmp_path / "state" / "last.json").read_text())
    assert "sink of the bench's own" in printed.out
    assert ("PASS" in printed.out) == (status == 0)


@pytest.mark.parametrize(
    ("valgrind", "found"),
    [
        ('echo "==1== Collected : 123456" >&2; echo row', machine.Counted(123456, b"row\n")),
        ('echo "==1== Collected : 7" >&2; exit 1', None),
        ("echo what it says otherwise >&2", None),
    ],
)
def test_instructions_are_counted_where_valgrind_counts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, valgrind: str, found: machine.Counted | None
) -> None:
    (tmp_path / "valgrind").write_text(f"#!/bin/sh\n{valgrind}\n")
    (tmp_path / "valgrind").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.instructions(["true"]) == found


def test_a_count_is_the_same_each_time_and_grows_with_the_work() -> None:
    words = [str(cli.BUILT["rust"] / "keystroke_extractor"), "--replay", "-"]
    counts = []
    for windows in (3, 3, 6):
        counted = machine.instructions(words, b"".join(text + b"\n" for text in load.typing(windows, 60, 10**15)))
        assert counted
        counts.append(counted.instructions)
    assert abs(counts[0] - counts[1]) < counts[0] / 100
    assert counts[2] > counts[0]


def test_what_cannot_be_counted_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    lab = Lab(cli.BUILT, Store("", "", ""), Figures(), print)
    with pytest.raises(BenchError, match="valgrind, which is missing"):
        counted.measure(lab, {"rust": 1, "python": 1}, 1)


@pytest.mark.parametrize(
    ("stats", "reported"),
    [
        ({"events": 7}, None),
        ({"events": 6}, "rust app: 6 of 7 events were taken"),
        ({"events": 7, "late": 1}, "rust app: 7 of 7 events were taken; {'late': '1'}"),
        ({}, "rust app: 0 of 7 events were taken"),
    ],
)
def test_a_loss_is_no_measurement(stats: dict[str, int], reported: str | None) -> None:
    with Testbed("rust", cli.BUILT["rust"], Store("", "", "")) as testbed:
        client = testbed.redis.client()
        for name, value in stats.items():
            client.call("HSET", "seclyzer:stats:app", name, value)
        client.close()
        if reported is None:
            testbed.assert_lossless({"app": 7})
        else:
            with pytest.raises(BenchError, match=re.escape(reported)):
                testbed.assert_lossless({"app": 7})


def test_a_release_without_programs_is_reported_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert host.main(["--here", "--rust", str(tmp_path)], QUICK) == 2
    assert capsys.readouterr().err == f"seclyzer_bench: {tmp_path}/keystroke_extractor is missing or cannot be run\n"


def test_a_program_that_ends_at_once_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("keystroke_extractor", "mouse_extractor", "app_tracker"):
        (tmp_path / name).write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
        (tmp_path / name).chmod(0o755)
    assert host.main(["--here", *PROGRAMS[2:], "--rust", str(tmp_path)], QUICK) == 2
    reported = capsys.readouterr().err
    assert "ended with 3; its last line: broken" in reported
