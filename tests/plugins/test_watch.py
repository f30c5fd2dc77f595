"""A watch of a host samples whatever happens to controller, sampler and machine, within bounds, and removes itself."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.module_utils import (
    deployments,
    existing,
    health,
    on_trial,
    releases,
    removal_files,
    sampling,
    systemd,
    watch_plan,
    watch_report,
    watch_unit,
)
from plugins.module_utils.before import Before
from plugins.module_utils.health import Health
from plugins.module_utils.history import History
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.on_trial import Terms
from plugins.module_utils.sampling import Sampling, described
from plugins.module_utils.watch_plan import LINE_BYTES, LINES, UNIT, Plan
from plugins.modules import seclyzer_watch
from tests.helpers import ROOT
from tests.plugins.hosts import Systemd, bundle, desired, layout

STATS = {
    "pid": "0",
    "started_at": "17",
    "implementation": "rust",
    "events": "30",
    "windows": "3",
    "points_written": "2",
    "gaps": "1",
    "points_dropped": "0",
    "influxdb_reason": "a secret place",
}


class Clock:
    """A clock that only sleep moves; `at` is called at each sleep, with how often there was one."""

    def __init__(self, now: float) -> None:
        self.now, self.sleeps = now, 0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps += 1


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Systemd:
    made = Systemd()
    monkeypatch.setattr(systemd, "run", made.run)
    return made


@pytest.fixture
def host(tmp_path: Path, fake: Systemd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Layout]:
    """A host that runs a release which can watch."""
    made = layout(tmp_path / "host")
    (tmp_path / "bundle").mkdir()
    manifest = bundle(tmp_path / "bundle")
    releases.install(made, manifest, tmp_path / "bundle")
    deployments.create(made, History.load(made), desired(made, manifest), "me", None)
    on_trial.switch(made, 1, "me", "switched", "first", Before(), Terms(), 5)
    program = made.releases / manifest["release"] / "watch"
    program.parent.chmod(0o755)
    program.mkdir()
    (program / "__main__.py").write_text("print()\n")
    monkeypatch.setattr(health, "look", lambda target: Health(stats={"keystroke": dict(STATS)}))
    yield made


def planned(host: Layout, seconds: int = 600, every: int = 60, began: float = 1000.0) -> Plan:
    plan = Plan("job", began, seconds, every)
    watch_plan.folder_of(host).mkdir(parents=True, exist_ok=True)
    watch_plan.save(host, plan)
    return plan


def lines(host: Layout) -> list[Mapping[str, Any]]:
    return list(watch_plan.samples(host))


def asked(host: Layout, watch: str, job: str = "", dry: bool = False) -> dict[str, Any]:
    return seclyzer_watch.done(host, {"watch": watch, "job": job}, dry)


def test_a_watch_is_a_unit_that_comes_back_with_the_host_and_has_its_own_program(host: Layout, fake: Systemd) -> None:
    result = asked(host, "10m")
    assert result["changed"] and result["waiting"] == "the watch of 10 min"
    text = (host.units / UNIT).read_text()
    assert host.wants_link(UNIT).readlink() == host.units / UNIT
    assert f"ExecStart=/usr/bin/python3 -I -B {host.state}/watch/program\n" in text
    assert {"Restart=on-failure", "MemoryMax=96M", "CPUQuota=20%", "ProtectSystem=strict"} <= {*text.splitlines()}
    assert f"ReadWritePaths={host.state}/watch {host.units}" in text
    # A release that is pruned meanwhile takes nothing away from it.
    shutil.rmtree(host.releases)
    assert (host.state / "watch/program/__main__.py").read_text() == "print()\n"
    assert fake.verbs("restart")[-1] == UNIT
    assert (host.state / "watch").stat().st_mode & 0o777 == 0o700


def test_typed_again_it_follows_the_one_that_is_going(host: Layout, fake: Systemd) -> None:
    job = asked(host, "10m")["job"]
    again = asked(host, "10m")
    assert (again["job"], again["changed"]) == (job, False)
    with pytest.raises(Refused, match=r"a watch of 10 min is going, with .* left: -e watch=report shows what it saw"):
        asked(host, "24h")


def test_one_that_was_ended_or_replaced_is_not_followed(host: Layout) -> None:
    job = asked(host, "10m")["job"]
    assert asked(host, "stop") == {"changed": True, "job": ""}
    assert not (host.units / UNIT).exists() and not host.wants_link(UNIT).is_symlink()
    assert not (host.state / "watch").exists()
    with pytest.raises(Refused, match="the watch was ended, or replaced by another one"):
        asked(host, "10m", job)
    assert asked(host, "stop") == {"changed": False, "job": ""}


def test_check_mode_starts_and_ends_nothing(host: Layout) -> None:
    assert asked(host, "10m", dry=True) == {"changed": True, "job": ""}
    assert not (host.units / UNIT).exists() and not (host.state / "watch").exists()
    asked(host, "10m")
    assert asked(host, "stop", dry=True)["changed"] and (host.units / UNIT).exists()


def test_a_sampler_that_does_not_run_is_named_with_what_starts_it(host: Layout, fake: Systemd) -> None:
    job = asked(host, "10m")["job"]
    fake.active.pop(UNIT)
    assert asked(host, "10m", job)["waiting"].endswith(
        "whose sampler does not run: systemctl start seclyzer-watch.service"
    )


@pytest.mark.parametrize(
    "words", ["", "24", "1 h", "-1h", "h", "24h0", "1w", "\u0661h", "report ", "29s", "8d", "99999999s"]
)
def test_what_is_no_time_is_refused(host: Layout, words: str) -> None:
    with pytest.raises(Refused, match=f"^watch is .*{words}"):
        asked(host, words)


def test_a_report_of_a_host_that_was_not_watched_names_what_begins(host: Layout) -> None:
    with pytest.raises(Refused, match="this host was not watched; -e watch=24h begins"):
        asked(host, "report")


def test_a_release_that_cannot_watch_is_refused_before_anything_is_written(host: Layout) -> None:
    for path in host.releases.glob("*/watch"):
        shutil.rmtree(path)
    with pytest.raises(Refused, match=r"cannot watch, for it is older than this; site\.yml brings one that can"):
        asked(host, "10m")
    assert not (host.units / UNIT).exists()


@pytest.mark.parametrize(
    ("words", "seconds", "every"), [("30s", 30, 5), ("10m", 600, 5), ("24h", 86400, 60), ("7d", 604800, 300)]
)
def test_a_day_has_a_look_a_minute_and_no_watch_many_more(words: str, seconds: int, every: int) -> None:
    assert watch_plan.seconds_of(words) == seconds and watch_plan.every_of(seconds) == every
    assert seconds / every < LINES / 2


def test_the_sampler_looks_as_often_as_planned_and_marks_its_end(host: Layout) -> None:
    clock = Clock(1000.0)
    Sampling(host, planned(host), clock.time, clock.sleep).run()
    assert [line["t"] for line in lines(host) if "state" in line] == [1000.0 + 60 * n for n in range(10)]
    assert "started" in lines(host)[0] and lines(host)[-1]["ended"]
    found = watch_report.report(Plan("job", 1000.0, 600, 60), lines(host), 1601.0, {})
    assert found["gaps"] == [] and found["samples"] == 10


def test_a_line_has_what_the_report_needs_and_no_text_of_a_fault_of_the_store(host: Layout) -> None:
    clock = Clock(1000.0)
    Sampling(host, planned(host, 60), clock.time, clock.sleep).run()
    (line,) = (line for line in lines(host) if "state" in line)
    assert line["deployment"] == 1 and line["state"] == "pass"
    assert line["kinds"]["keystroke"] | {"cpu_s": 0, "mib": 0} == {
        "life": "0 17",
        "by": "rust",
        "events": 30,
        "windows": 3,
        "points_written": 2,
        "lost": {"gaps": 1},
        "cpu_s": 0,
        "mib": 0,
    }
    assert "secret" not in json.dumps(lines(host))


def test_a_sampler_that_is_killed_anywhere_goes_on_with_the_same_plan(host: Layout) -> None:
    plan = planned(host)

    class Killed(BaseException):
        pass

    clock = Clock(1000.0)

    def killed(seconds: float) -> None:
        if clock.sleeps == 3:
            raise Killed
        clock.sleep(seconds)

    with pytest.raises(Killed):
        Sampling(host, plan, clock.time, killed).run()
    with (watch_plan.folder_of(host) / "samples.jsonl").open("a") as stream:
        stream.write('{"t": 1181.0, "boot": "torn by a power c')
    clock.now += 240
    Sampling(host, plan, clock.time, clock.sleep).run()
    found = watch_report.report(plan, lines(host), 1601.0, {})
    assert [(gap["since"], gap["until"], gap["why"]) for gap in found["gaps"]] == [
        (1180.0, 1420.0, "the sampler was started again")
    ]


def test_a_container_that_was_started_again_is_another_start_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its kernel is the same."""
    here = sampling.boot()
    assert sampling.boot() == here
    stat = sampling.FIRST.read_text()
    head, end, tail = stat.rpartition(")")
    fields = tail.split()
    fields[19] = str(int(fields[19]) + 7)
    (tmp_path / "stat").write_text(f"{head}{end} {' '.join(fields)}\n")
    monkeypatch.setattr(sampling, "FIRST", tmp_path / "stat")
    assert sampling.boot() != here and sampling.boot()[:8] == here[:8]


def test_started_after_its_time_it_looks_at_nothing_and_ends(host: Layout) -> None:
    clock = Clock(5000.0)
    Sampling(host, planned(host), clock.time, clock.sleep).run()
    assert clock.sleeps == 0 and [line for line in lines(host) if "state" in line] == []


def test_a_host_that_cannot_be_looked_at_is_a_line_with_the_reason(
    host: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(target: object) -> Health:
        raise Refused("systemctl show … did not end within 60 s")

    monkeypatch.setattr(health, "look", hangs)
    clock = Clock(1000.0)
    Sampling(host, planned(host, 60), clock.time, clock.sleep).run()
    assert [line["blind"] for line in lines(host) if "blind" in line] == ["systemctl show … did not end within 60 s"]


def test_a_full_disk_leaves_a_gap_and_ends_nothing(host: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    append = watch_plan.append
    clock = Clock(1000.0)

    def full(on: Layout, sample: Mapping[str, Any]) -> None:
        if 1100 < sample["t"] < 1400:
            raise OSError(28, "No space left on device")
        append(on, sample)

    monkeypatch.setattr(watch_plan, "append", full)
    plan = planned(host)
    Sampling(host, plan, clock.time, clock.sleep).run()
    (gap,) = watch_report.report(plan, lines(host), 1601.0, {})["gaps"]
    assert (gap["since"], gap["until"]) == (1060.0, 1420.0)


def test_what_is_kept_is_bounded_whatever_happens(host: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(host, 7 * 86400, 300)
    line = json.dumps({"t": 1.0, "boot": "b", "started": 1})
    (watch_plan.folder_of(host) / "samples.jsonl").write_text(f"{line}\n" * LINES)
    clock = Clock(1000.0)
    Sampling(host, plan, clock.time, clock.sleep).run()
    assert clock.sleeps == 0 and len(lines(host)) <= LINES + 2
    noisy = described(Health(faults=["x" * 10_000] * 1000))
    assert len(json.dumps(noisy)) < LINE_BYTES / 2
    watch_plan.append(host, {"t": 2.0, "boot": "b", "faults": ["y" * LINE_BYTES]})
    assert lines(host)[-1] == {"t": 2.0, "boot": "b", "blind": "the sample is too long"}


def test_the_baseline_is_that_of_the_performance_test(host: Layout) -> None:
    figures = {
        "rss_load_mib": {"rust": {"max": 4.5}, "python": {"max": 31.0}},
        "load_cpu_percent": {"rust": {"median": 1.5}},
    }
    path = host.state / "bench" / "baseline.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"figures": figures}))
    assert seclyzer_watch.baselines(host) == {"rust": watch_report.Baseline(4.5, 1.5)}
    # It was left by a user that existed only for the test.
    for left in (path.parent, path):
        os.chown(left, 63688, 63688)
    assert seclyzer_watch.baselines(host) == {"rust": watch_report.Baseline(4.5, 1.5)}
    asked(host, "10m")
    assert asked(host, "report")["report"]["baseline"] == {"rust": {"mib": 4.5, "cpu": 1.5}}


def test_what_another_user_put_in_the_place_of_the_baseline_is_no_baseline(host: Layout) -> None:
    path = host.state / "bench" / "baseline.json"
    path.parent.mkdir(parents=True)
    odd = {"figures": {"rss_load_mib": {"rust": {"max": "<script>"}}, "load_cpu_percent": {"rust": {"median": 1}}}}
    for text in ("{", "[]", '{"figures": null}', json.dumps(odd)):
        path.write_text(text)
        assert seclyzer_watch.baselines(host) == {}
    path.unlink()
    path.symlink_to("/etc/shadow")
    assert seclyzer_watch.baselines(host) == {}
    path.unlink()
    os.mkfifo(path)
    assert seclyzer_watch.baselines(host) == {}


def test_a_removal_takes_the_unit_and_keeps_what_was_seen_as_data() -> None:
    assert existing.MARKS[UNIT] in watch_unit.TEXT
    assert "watch" in removal_files.OF_STATE


def test_the_checklist_is_asked_for_one_thing(tmp_path: Path) -> None:
    plays = yaml.safe_load((ROOT / "playbooks/checklist.yml").read_text())
    (check,) = plays[1]["tasks"]
    assert check["when"] == (
        "(gate is defined) == (watch is defined) or gate | default('before') not in ['before', 'during']"
    )
    files = {f"gates_{gate}.yml" for gate in ("before", "during")}
    assert files <= {path.name for path in (ROOT / "playbooks/tasks").iterdir()}
