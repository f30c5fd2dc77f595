"""The report of a watch says what the samples say, and what they do not."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

import pytest

from plugins.module_utils import watch_text
from plugins.module_utils.watch_picture import svg
from plugins.module_utils.watch_plan import Plan
from plugins.module_utils.watch_report import Baseline, report, span

BEGAN = 1_764_000_000.0
PLAN = Plan("job", BEGAN, 600, 10)
BASE = {"rust": Baseline(5.0, 2.0), "python": Baseline(30.0, 20.0)}
Lines = list[dict[str, Any]]


def look(at: float, n: int, *, life: str = "1 a", boot: str = "b1", deployment: int = 1, **more: Any) -> dict[str, Any]:
    """A line `at` seconds after the begin: `n` windows so far of this process."""
    kind = {"life": life, "by": "rust", "events": 10 * n, "windows": n, "points_written": n, "lost": {}}
    kind |= {"cpu_s": round(0.01 * n, 3), "mib": 4.0} | more.pop("kind", {})
    line = {"t": BEGAN + at, "boot": boot, "deployment": deployment, "state": "pass", "faults": []}
    return line | {"kinds": {"keystroke": kind}} | more


def started(at: float, boot: str = "b1") -> dict[str, Any]:
    return {"t": BEGAN + at, "boot": boot, "started": 1}


def day() -> Lines:
    """A watch without an incident."""
    return [
        started(0),
        *(look(at, 100 + at // 10) for at in range(0, 600, 10)),
        {"t": BEGAN + 600, "boot": "b1", "ended": True},
    ]


def made(lines: Sequence[dict[str, Any]], after: float = 605, base: dict[str, Baseline] = BASE) -> dict[str, Any]:
    return report(PLAN, lines, BEGAN + after, base)


def open_gates(found: dict[str, Any]) -> list[str]:
    return [f"{gate['words']}: {gate['why']}" for gate in found["gates"] if not gate["passed"]]


def test_a_watch_without_an_incident_passes_every_gate() -> None:
    found = made(day())
    assert open_gates(found) == [] and watch_text.passed(found)
    assert found["over"] and found["samples"] == 60 and found["gaps"] == []
    kind = found["kinds"]["keystroke"]
    # What was there before the watch is none of it.
    assert (kind["windows"], kind["points_written"], kind["events"], kind["restarts"]) == (59, 59, 590, 0)
    assert kind["cpu"] == pytest.approx(0.1) and kind["mib"] == 4.0 and kind["by"] == ["rust"]


def test_while_it_is_going_only_the_time_is_open() -> None:
    found = made([line for line in day() if line["t"] <= BEGAN + 300], after=305)
    assert open_gates(found) == ["the whole time was watched: 5 min left"]
    assert not found["over"] and found["gaps"] == []


@pytest.mark.parametrize(
    ("between", "boot", "why"),
    [
        ([], "b1", "the sampler took no sample"),
        ([started(250)], "b1", "the sampler was started again"),
        ([started(250, "b2")], "b2", "the machine was restarted"),
    ],
)
def test_what_was_not_seen_is_a_gap_with_its_reason(between: Lines, boot: str, why: str) -> None:
    before = [line for line in day() if line["t"] <= BEGAN + 100]
    after = [{**line, "boot": boot} for line in day() if line["t"] >= BEGAN + 260]
    found = made([*before, *between, *after])
    assert found["gaps"] == [{"since": BEGAN + 100, "until": BEGAN + 260, "why": why}]
    assert open_gates(found) == ["the whole time was watched: 3 min not seen, in 1 gap"]
    assert f"160 s: {why}".replace("160 s", "3 min") in "\n".join(watch_text.text("edge1", found))


def test_a_sampler_that_was_killed_for_good_leaves_the_rest_unseen() -> None:
    found = made([line for line in day() if line["t"] <= BEGAN + 100])
    assert found["gaps"] == [{"since": BEGAN + 100, "until": BEGAN + 600, "why": "the sampler does not run"}]


def test_one_that_never_began_saw_nothing() -> None:
    found = made([])
    assert [gap["why"] for gap in found["gaps"]] == ["no sample was taken"]
    assert len(open_gates(found)) == 8


def test_a_sample_that_is_one_interval_late_is_no_gap() -> None:
    assert made([line for line in day() if line["t"] != BEGAN + 100])["gaps"] == []


def test_a_restart_counts_and_its_counters_go_on() -> None:
    again = [look(at, 1 + (at - 300) // 10, life="2 b") for at in range(300, 600, 10)]
    found = made([*(line for line in day() if line["t"] < BEGAN + 300), *again])
    kind = found["kinds"]["keystroke"]
    assert (kind["restarts"], kind["switches"], kind["windows"]) == (1, 0, 29 + 30)
    assert open_gates(found) == ["every extractor was seen and none was restarted: keystroke 1 time"]


def test_a_switch_to_another_deployment_is_no_restart() -> None:
    python = {"by": "python", "mib": 28.0}
    again = [look(at, (at - 300) // 10, life="2 b", deployment=2, kind=python) for at in range(300, 600, 10)]
    found = made([*(line for line in day() if line["t"] < BEGAN + 300), *again])
    kind = found["kinds"]["keystroke"]
    assert (kind["restarts"], kind["switches"], kind["by"]) == (0, 1, ["rust", "python"])
    assert open_gates(found) == []


def test_processes_that_start_a_little_after_the_switch_are_of_it() -> None:
    """`current` moves first; until all is started, health fails."""
    before = [line for line in day() if line["t"] < BEGAN + 300]
    moved = look(300, 130, deployment=2) | {"state": "fail", "faults": ["app: python runs where rust should"]}
    again = [look(at, (at - 310) // 10, life="2 b", deployment=2) for at in range(310, 600, 10)]
    found = made([*before, moved, *again])
    assert (found["kinds"]["keystroke"]["restarts"], found["kinds"]["keystroke"]["switches"]) == (0, 1)
    assert found["health"] == {"pass": 59, "warn": 0, "fail": 0, "blind": 0, "switching": 1}
    assert open_gates(found) == [] and [one["words"] for one in found["faults"]] == moved["faults"]


def test_a_crash_long_after_a_switch_is_a_restart() -> None:
    lines = [line for line in day() if line["t"] < BEGAN + 300]
    lines += [look(at, 100 + at // 10, deployment=2) for at in range(300, 400, 10)]
    lines += [look(at, (at - 400) // 10, life="2 b", deployment=2) for at in range(400, 600, 10)]
    kind = made(lines)["kinds"]["keystroke"]
    assert (kind["restarts"], kind["switches"]) == (1, 0)


def test_losses_of_the_watch_count_and_older_ones_do_not() -> None:
    old = [look(at, at // 10, kind={"lost": {"gaps": 3}}) for at in range(0, 300, 10)]
    new = [look(at, at // 10, kind={"lost": {"gaps": 3, "points_dropped": 7}}) for at in range(300, 600, 10)]
    assert open_gates(made([*old, *new])) == ["nothing was lost: keystroke: 7 points dropped"]
    assert open_gates(made([*old, *(look(at, at // 10) for at in range(300, 600, 10))])) == []


def test_what_was_wrong_is_reported_once_with_its_times() -> None:
    lines = day()
    for line in lines[10:13]:
        line |= {"state": "fail", "faults": ["Redis does not answer"]}
    lines[20] = {"t": lines[20]["t"], "boot": "b1", "blind": "systemctl did not end within 60 s"}
    found = made(lines)
    assert [(one["words"], one["times"]) for one in found["faults"]] == [
        ("Redis does not answer", 3),
        ("systemctl did not end within 60 s", 1),
    ]
    assert found["health"] == {"pass": 56, "warn": 0, "fail": 3, "blind": 1, "switching": 0}
    assert open_gates(found) == ["health never failed: 4 of 60 looks"]


def test_a_watch_without_events_proves_nothing() -> None:
    found = made([look(at, 100) for at in range(0, 600, 10)])
    assert open_gates(found) == [
        "windows came out: none: no event came",
        "InfluxDB confirmed points: 0 points",
    ]


def test_memory_and_cpu_are_held_against_the_baseline_of_what_runs() -> None:
    heavy = [look(at, at, kind={"mib": 4.0 + at / 100}) for at in range(0, 600, 10)]
    found = made(heavy)
    assert [gate.partition(":")[2] for gate in open_gates(found)] == [" keystroke 9.9 of 6.0 MiB"]
    busy = [look(at, at, kind={"cpu_s": at * 0.05}) for at in range(0, 600, 10)]
    assert open_gates(made(busy)) == ["CPU time is at most the baseline's of 1000 events/s: 5.00 of 2.00 %"]
    bare = open_gates(made(day(), base={"python": BASE["python"]}))
    assert len(bare) == 2 and all(
        words.endswith("there is no baseline of rust: -e gate=before makes one") for words in bare
    )


def test_the_plot_shows_lines_gaps_and_baseline_and_stays_small() -> None:
    plan = Plan("job", BEGAN, 86400, 60)
    lines = [look(at, at) for at in range(0, 86400, 60) if not 40000 < at < 50000]
    found = report(plan, lines, BEGAN + 90000, BASE)
    assert len(found["kinds"]["keystroke"]["series"]) <= 300
    picture = svg("edge<1>", found)
    root = ET.fromstring(picture)
    titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["edge<1>: memory and CPU time of the extractors", *["the sampler took no sample"] * 2]
    assert "baseline, rust: 5" in picture and "baseline, python" not in picture
    paths = [path.get("d") or "" for path in root.iter("{http://www.w3.org/2000/svg}path") if path.get("stroke-width")]
    assert [path.count("M") for path in paths] == [2, 2]  # broken where nothing was seen
    assert len(picture) < 40_000 and "http" not in picture.replace("http://www.w3.org/2000/svg", "")


def test_a_peak_is_not_thinned_away() -> None:
    plan = Plan("job", BEGAN, 86400, 60)
    lines = [look(at, at, kind={"mib": 50.0 if at == 43260 else 4.0}) for at in range(0, 86400, 60)]
    series = report(plan, lines, BEGAN + 90000, BASE)["kinds"]["keystroke"]["series"]
    assert max(mib for _, mib, _ in series) == 50.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (3600, "1 h"), (7500, "2 h 5 min"), (86400, "24 h")],
)
def test_times_read_as_people_say_them(seconds: float, words: str) -> None:
    assert span(seconds) == words
