"""A run of site.yml that came to no host's history is known by the last report, and no older one is undone for it."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from plugins.action import seclyzer_runs
from plugins.module_utils import last_report
from plugins.module_utils.fleet_entry import Entry
from plugins.module_utils.fleet_report import Report
from plugins.module_utils.history import CONFIRMED, NOTHING
from plugins.plugin_utils.command_line import inventories
from tests.helpers import ROOT

FIRST, LAST, LATER = "20300101T000000Z-ann-000001", "20300102T000000Z-bob-000002", "20300103T000000Z-ann-000003"
ASKED = {"registered": "known", "to": "", "each_host": False, "without_unreachable": False, "take_over": False}
UPDATED = {"run": FIRST, "by": "ann@c", "at": "", "outcome": CONFIRMED, "from": 1, "to": 2, "why": ""}
IDLE = {"run": LAST, "by": "bob@c", "at": "", "outcome": NOTHING, "from": 2, "to": 2, "why": ""}
REFUSED = Entry("a", "edge", "refused", at="preflight", cause=["a full disk"])
LEFT_NOTHING = (
    f"The last run, {LAST} by bob@c at 2030-01-02 00:00:00Z, left nothing that could be undone, so nothing was changed "
    "(a: the run changed nothing here, refused: preflight: a full disk). What runs came by "
    f"{FIRST} by ann@c at 2030-01-01 00:00:00Z; -e undo={FIRST} undoes that one."
)


def known(*runs: Mapping[str, Any], running: int = 2) -> dict[str, Any]:
    """What a host with two deployments sends."""
    records = {n: {"release": "r", "state": CONFIRMED} for n in ("1", "2")}
    return {
        "running": {"deployment": running},
        "deployment": running,
        "records": records,
        "runs": list(runs),
        "by": "bob@c",
    }


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller has no report yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def reported(*entries: Entry, run: str = LAST, playbook: str = "site.yml") -> None:
    """A run has ended with this report."""
    path = last_report.path_of(inventories())
    document = Report(run, "", list(entries), playbook=playbook).document()
    last_report.write(path, last_report.merged(last_report.load(path), document, ["a", "b"]))


def choose(hosts: Mapping[str, Mapping[str, Any]], undo: str = "", away: str = "", **asked: Any) -> dict[str, Any]:
    facts = {
        "ansible_play_hosts": [*hosts],
        "ansible_play_hosts_all": [*hosts, *away],
        "hostvars": {host: {"known": found} for host, found in hosts.items()},
    }
    return seclyzer_runs._choose(facts, ASKED | {"undo": undo} | asked)


@pytest.mark.parametrize("at", ["preflight", "Redis, or the token for InfluxDB"])
@pytest.mark.parametrize("became", ["refused", "failed", "lost"])
def test_after_a_run_that_ended_before_staging_no_older_one_is_undone_unless_it_is_named(became: str, at: str) -> None:
    reported(Entry("a", "edge", became, at=at, cause=["a full disk"]))
    refused = choose({"a": known(UPDATED)})
    assert refused["failed"]
    assert refused["msg"] == LEFT_NOTHING.replace("refused: preflight", f"{became}: {at}")
    assert choose({"a": known(UPDATED)}, undo=FIRST)["undo"] == FIRST


def test_a_run_that_the_report_only_has_is_known_by_name_and_changed_nothing() -> None:
    reported(REFUSED)
    refused = choose({"a": known(UPDATED)}, undo=LAST)
    assert refused["msg"] == LEFT_NOTHING.replace("The last run,", "The run").replace("00Z, left", "00Z left")
    assert "no host of this play knows" in choose({"b": known(UPDATED)}, undo=LAST)["msg"]


def test_a_run_that_found_nothing_to_do_on_others_is_not_passed_over_when_it_was_refused_on_one() -> None:
    reported(REFUSED, Entry("b", "edge", "healthy"))
    hosts = {"a": known(UPDATED), "b": known(UPDATED, IDLE)}
    refused = choose(hosts)
    assert "a: the run changed nothing here, refused" in refused["msg"]
    assert "b: the run found nothing to change here" in refused["msg"]


def test_a_run_that_changed_others_is_undone_there() -> None:
    reported(REFUSED, Entry("b", "edge", "healthy"))
    chosen = choose({"a": known(UPDATED), "b": known({**IDLE, "from": 1, "outcome": CONFIRMED})})
    assert chosen["undo"] == LAST
    assert chosen["msg"].endswith("on b")


def test_hosts_that_the_run_did_not_come_to_are_undone_as_ever() -> None:
    reported(REFUSED)
    assert choose({"b": known(UPDATED)})["undo"] == FIRST


@pytest.mark.parametrize("came", ["healthy", "partial"])
def test_a_run_that_went_well_without_a_deployment_is_passed_over(came: str) -> None:
    reported(Entry("a", "edge", came))
    assert choose({"a": known(UPDATED)})["undo"] == FIRST


def test_what_the_host_wrote_down_itself_counts() -> None:
    reported(Entry("a", "edge", "failed", at="the switch", cause=["it hangs"]))
    assert choose({"a": known({**IDLE, "from": 1, "outcome": CONFIRMED})})["undo"] == LAST


def test_a_later_run_of_another_controller_is_undone() -> None:
    reported(REFUSED)
    assert choose({"a": known({**UPDATED, "run": LATER})})["undo"] == LATER


def test_after_the_run_before_was_undone_by_its_name_the_next_goes_forward() -> None:
    reported(REFUSED)
    back = {**UPDATED, "run": LATER, "from": 2, "to": 1, "undoes": FIRST, "followed": True}
    reported(Entry("a", "edge", "healthy"), run=LATER, playbook="rollback.yml")
    assert choose({"a": known(UPDATED, back, running=1)})["undo"] == LATER


def test_a_rollback_that_a_host_refused_undoes_the_same_when_it_is_typed_again() -> None:
    reported(Entry("a", "edge", "failed", at="going back", cause=["x would be lost"]), playbook="rollback.yml")
    assert choose({"a": known(UPDATED)})["undo"] == FIRST


def test_with_hosts_away_the_run_that_can_be_undone_is_named() -> None:
    reported(REFUSED)
    words = choose({"a": known(UPDATED)}, away="b")["msg"]
    assert f"The last that the others know is {LAST}" in words
    assert f"-e undo={FIRST} undoes the one before" in words


def test_each_host_undoes_what_brought_what_it_runs_whatever_the_report_has() -> None:
    reported(REFUSED)
    chosen = choose({"a": known(UPDATED)}, each_host=True)
    assert (chosen["undo"], chosen.get("failed")) == ("", None)


def test_a_report_of_a_version_before_is_none() -> None:
    path = last_report.path_of(inventories())
    last_report.write(path, {"run": LAST, "hosts": {"a": REFUSED.document()}})
    assert choose({"a": known(UPDATED)})["undo"] == FIRST


def play(folder: Path, name: str, facts: Mapping[str, Any], task: Mapping[str, Any], *words: str) -> str:
    """A play of one task on the host `a`, which is not reached, with these facts; what it prints."""
    steps = [{"ansible.builtin.set_fact": dict(facts)}, dict(task)]
    hosts = {"hosts": "seclyzer_edge", "gather_facts": False, "tasks": steps}
    (folder / f"{name}.yml").write_text(json.dumps([hosts]))
    (folder / "fleet").write_text("[seclyzer_edge]\na ansible_connection=local\n")
    command = ["ansible-playbook", "-i", str(folder / "fleet"), str(folder / f"{name}.yml"), *words]
    known = os.environ | {"ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    ended = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, timeout=240, check=False)
    return ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("playbook", "words"), [("site.yml", LEFT_NOTHING), ("rollback.yml", f"undoes the run {FIRST}")]
)
def test_what_a_playbook_reports_as_refused_is_read_by_the_next_rollback(
    tmp_path: Path, playbook: str, words: str
) -> None:
    facts = {
        "__seclyzer_run": {"rollout": LAST, "chosen": ["a"]},
        "__seclyzer_fleet": {"chosen": ["a"], "refused": {"a": ["a full disk"]}},
        "__seclyzer_host": {"running": {"deployment": 2, "release": "r", "mode": "rust"}},
    }
    report = play(tmp_path, "ended", facts, {"seclyzer.edge.seclyzer_report": {"playbook": playbook}})
    assert f"1 host: 1 refused  (run {LAST})" in report, report
    for check in ([], ["--check"]):
        task = {"seclyzer.edge.seclyzer_runs": {"step": "choose"}, "run_once": True}
        shown = play(tmp_path, "rollback", {"__seclyzer_host": known(UPDATED)}, task, *check)
        assert words in shown, shown
