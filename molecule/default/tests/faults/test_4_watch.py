"""A watch of hosts outlives its controller and its sampler, and reports what it did not see."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts
from hostchecks.polling import poll
from hostchecks.rollout import Run, Started

testinfra_hosts = ["ansible://seclyzer_edge"]

UNIT = "seclyzer-watch.service"
SECONDS = 120
FOLDER = "/var/lib/seclyzer/watch"


def checklist(folder: Path, *typed: str) -> Run:
    folder.mkdir()
    return Started("playbooks/checklist.yml", typed, folder).ended()


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The reports of a watch, by host, and of a look in between.

    Its controller is killed, so is the sampler of the first edge, and that of the last is stopped for good.
    """
    folder = tmp_path_factory.mktemp("watch")
    edges = hosts(EDGES)
    (folder / "begun").mkdir()
    begun = Started("playbooks/checklist.yml", ("-e", f"watch={SECONDS}s"), folder / "begun")
    waits = [f"{name(edge)} waits for the watch of" for edge in edges]
    poll(begun.text, lambda text: all(words in text for words in waits), 120, 0.5)
    # The first line of a sampler is its start; its first look follows.
    looked = f"grep -q '\"state\"' {FOLDER}/samples.jsonl"
    poll(lambda: edges[-1].run(looked).rc, lambda rc: rc == 0, SECONDS / 4, 0.5)
    at = time.monotonic()
    begun.kill()
    edges[0].check_output("systemctl kill --signal=KILL %s", UNIT)
    edges[-1].check_output("systemctl stop %s", UNIT)
    between = checklist(folder / "between", "-e", "watch=report", "-e", f"out={folder}/first")
    poll(lambda: edges[0].run("test -e /etc/systemd/system/%s", UNIT).rc, lambda rc: rc != 0, SECONDS + 60, 2)
    assert time.monotonic() - at < SECONDS + 60
    poll(time.monotonic, lambda now: now - at > SECONDS + 1, SECONDS + 60, 1)
    after = checklist(folder / "after", "-e", "watch=report", "-e", f"out={folder}/last")
    reports = {name(edge): json.loads((folder / "last" / name(edge) / "watch.json").read_text()) for edge in edges}
    pictures = {name(edge): (folder / "last" / name(edge) / "watch.svg").read_text() for edge in edges}
    yield {"between": between, "after": after, "reports": reports, "pictures": pictures, "edges": edges}
    checklist(folder / "stop", "-e", "watch=stop")


def gate(report: dict[str, Any], words: str) -> bool:
    (found,) = (one["passed"] for one in report["gates"] if one["words"] == words)
    return bool(found)


def test_a_look_in_between_fails_nothing_and_names_the_time_that_is_left(watched: dict[str, Any]) -> None:
    between = watched["between"]
    assert between.status == 0, between.text
    assert "[ ] the whole time was watched:" in between.text and "s left" in between.text


def test_a_sampler_that_was_killed_goes_on_to_the_end_without_its_controller(watched: dict[str, Any]) -> None:
    report = watched["reports"][name(watched["edges"][0])]
    # A machine that is busy may be late with a look, but looks to the end.
    assert report["over"] and "the sampler does not run" not in [gap["why"] for gap in report["gaps"]]
    assert report["until"] == report["plan"]["began"] + SECONDS and report["samples"] >= 3
    assert set(report["kinds"]) == {"keystroke", "mouse", "app"}
    assert gate(report, "every extractor was seen and none was restarted") and gate(report, "nothing was lost")


def test_one_that_was_stopped_leaves_a_gap_that_is_reported(watched: dict[str, Any]) -> None:
    edge = name(watched["edges"][-1])
    report, after = watched["reports"][edge], watched["after"]
    (gap,) = report["gaps"]
    assert gap["why"] == "the sampler does not run" and gap["until"] - gap["since"] > SECONDS / 2
    assert not gate(report, "the whole time was watched")
    assert after.status != 0 and ": the sampler does not run" in " ".join(after.text.split())  # a long line is wrapped
    assert "the sampler does not run</title>" in watched["pictures"][edge]


def test_what_is_kept_is_for_root_and_small(host: Host, watched: dict[str, Any]) -> None:
    assert host.check_output(f"stat -c '%U %a' {FOLDER} {FOLDER}/samples.jsonl").split("\n") == ["root 700", "root 600"]
    assert int(host.check_output(f"stat -c %s {FOLDER}/samples.jsonl")) < 100_000


def test_the_sampler_took_its_unit_away(watched: dict[str, Any]) -> None:
    first = watched["edges"][0]
    assert first.run("systemctl is-active %s", UNIT).stdout.strip() == "inactive"
    assert first.run("ls /etc/systemd/system/%s /etc/systemd/system/multi-user.target.wants/%s", UNIT, UNIT).rc != 0
