"""The report of a run: totals, the hosts that need an operator with what to type, the rest in one line a group."""

import os
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import fleet_entry, last_report, modes
from plugins.module_utils.extra_vars import next_modes, next_run, without_effect
from plugins.module_utils.fleet_entry import Entry, Seen
from plugins.module_utils.fleet_report import Report

RUNNING: dict[str, Any] = {"release": "0.1.0-abcdefabcdef", "deployment": 3, "mode": "rust"}
NEWER = RUNNING | {"deployment": 4}
HEALTH = {"running": RUNNING, "summary": "app=rust, agent pass"}
LOOKED = {"running": RUNNING, "mode": "rust", "mode_from": "it runs"}


def entry(check: bool = False, partial: bool = False, **seen: Any) -> Entry:
    return fleet_entry.entry(Seen("edge1", **({"preflight": LOOKED} | seen)), check, partial)


@pytest.mark.parametrize(
    ("seen", "state", "at", "cause"),
    [
        ({"health": HEALTH}, "healthy", "", []),
        ({"failed": "the switch: no"}, "failed", "the switch", ["no"]),
        ({"refused": ["a full disk"]}, "refused", "preflight", ["a full disk"]),
        ({"preflight": {"unreachable": True, "msg": "no route"}}, "lost", "preflight", ["no route"]),
        ({"staged": {"unreachable": True}}, "lost", "staging", ["no answer by ssh"]),
        ({"switched": {"unreachable": True, "msg": "x"}}, "lost", "the switch", ["x", fleet_entry.GOES_ON]),
        ({"preflight": {}, "active": False}, "lost", "preflight", ["no answer by ssh"]),
        ({"active": False}, "lost", "Redis, the token for InfluxDB, or staging", ["no answer by ssh"]),
        ({"switched": {"returned": True, "running": {}}}, "left for the older SecLyzer", "", []),
        ({"planned": True, "staged": {"deployment": 4}}, "not started", "the switch", []),
        ({}, "not looked at", "", []),
        (
            {"staged": {"deployment": 4}, "health": {"summary": "pass", "running": {"deployment": 5}}},
            "failed",
            "the switch",
            ["it runs deployment 5, and this run staged deployment 4: another run, or a person, has changed it"],
        ),
    ],
)
def test_what_became_of_a_host_is_one_state(seen: dict[str, Any], state: str, at: str, cause: list[str]) -> None:
    found = entry(**seen)
    assert (found.state, found.at, found.cause) == (state, at, cause)
    assert found.needs_operator is (state not in ("healthy", "left for the older SecLyzer"))


def test_no_host_is_blamed_in_check_mode_nor_by_a_part_of_a_run() -> None:
    assert entry(check=True).state == "checked"
    assert entry(partial=True).state == "partial"
    assert not entry(check=True).needs_operator and not entry(partial=True).needs_operator


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("Task failed: Module failed: no room", "no room"),
        (
            "Traceback (most recent call last):\n  File x\nOSError: [Errno 28] No space left on device\n",
            "OSError: [Errno 28] No space left on device",
        ),
        (
            "Failed to connect to the host via ssh: Warning: Permanently added 'x' to the list.\n"
            "ssh: connect to host x port 22: No route to host",
            "ssh: connect to host x port 22: No route to host",
        ),
        ("Timeout (22s) waiting for privilege escalation prompt: ", "the host answered nothing by ssh for 22 s"),
        ("plain words", "plain words"),
    ],
)
def test_a_cause_has_neither_traceback_nor_internals(message: str, cause: str) -> None:
    assert fleet_entry.plain(message) == cause


def test_only_hosts_that_need_an_operator_are_listed_one_by_one() -> None:
    well = [Entry(f"edge{n}", "edge", "healthy", running=RUNNING, done=["nothing to do"]) for n in range(1, 13)]
    changed = Entry("edge20", "edge", "healthy", running=NEWER, before=RUNNING, done=["deployment 4 after 3"])
    bad = Entry("edge21", "edge", "failed", "the switch", NEWER, RUNNING, ["it did not start"], ["panic: no key"])
    bad.command = "ansible-playbook rollback.yml --limit edge21"
    late = [
        Entry(f"edge{n}", "edge", "not started", "the switch", RUNNING, command="ansible-playbook x") for n in (22, 23)
    ]
    report = Report(
        "r1", "now", [*well, changed, bad, *late], stopped="edge21 failed: the other 2 hosts were not started"
    )
    assert report.lines() == [
        "16 hosts: 1 failed; 2 not started; 1 healthy, changed; 12 healthy, unchanged  (run r1)",
        "edge21  FAILED in the switch",
        "  runs    0.1.0-abcdefabcdef, deployment 4, rust",
        "  before  0.1.0-abcdefabcdef, deployment 3, rust",
        "  cause   it did not start",
        "  logged  panic: no key",
        "  do      ansible-playbook rollback.yml --limit edge21",
        "NOT STARTED  edge22, edge23: as before this run",
        "  do      ansible-playbook x",
        "edge21 failed: the other 2 hosts were not started",
        "1 edge  0.1.0-abcdefabcdef  rust  healthy, changed: edge20",
        "  deployment 4 after 3: edge20",
        "12 edges  0.1.0-abcdefabcdef  rust  healthy, unchanged: "
        "edge1, edge2, edge3, edge4, edge5, edge6, edge7, edge8 and 4 more",
    ]
    assert report.bad == ["edge21", "edge22", "edge23"]


def test_what_was_typed_is_reported_with_what_the_next_plain_run_does() -> None:
    typed = {"mode": "rust", "mode_from": "-e mode="}
    preflights = [typed, typed, typed | {"inventory_mode": "hybrid"}, typed | {"inventory_mode": "rust"}]
    assert next_run(["mode", "redis_port"], preflights) == [
        "by -e and not by the inventory: mode=rust; in a run without it 1 edge would run hybrid, 3 edges would keep it",
        "by -e and not by the inventory: redis_port; a run without it goes back to the inventory's value",
    ]
    assert next_run(["mode"], [LOOKED]) == []


def test_the_last_report_names_who_needs_operator_and_keeps_those_of_another_run(tmp_path: Path) -> None:
    path = tmp_path / "seclyzer" / "fleet.json"
    assert last_report.load(path) == {}
    first = Report(
        "r1", "then", [Entry("a", "edge", "failed"), Entry("b", "edge", "lost"), Entry("gone", "edge", "lost")]
    )
    last_report.write(path, first.document())
    assert path.stat().st_mode & 0o777 == 0o600
    assert last_report.needy(last_report.load(path)) == ["a", "b", "gone"]
    second = Report("r2", "now", [Entry("a", "edge", "healthy")])
    last_report.write(path, last_report.merged(last_report.load(path), second.document(), ["a", "b"]))
    assert last_report.needy(last_report.load(path)) == ["b"]
    path.write_text("{")
    assert last_report.load(path) == {}


def test_a_report_replaces_no_device_and_no_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = [f"the report could not be written to {pipe}: no file stands there, but a folder, a device or a pipe"]
    assert last_report.written(pipe, {"hosts": {}}) == last_report.written(pipe, "a page") == words
    assert pipe.is_fifo() and [*tmp_path.iterdir()] == [pipe]


def test_inventories_are_distinguished_by_their_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, other = (last_report.path_of([str(tmp_path / name / "fleet")]) for name in ("a", "b"))
    assert one != other and one.parent == tmp_path / "seclyzer" and one.name.startswith("fleet-")


MOUSE_IN_PYTHON = {**modes.MODES["hybrid"], "mouse": "python"}


@pytest.mark.parametrize(
    ("preflight_result", "running", "words"),
    [
        ({"inventory_mode": "rust"}, {"mode": "rust", "implementations": modes.MODES["rust"]}, ""),
        ({}, {"mode": "rust", "implementations": modes.MODES["rust"]}, ""),
        ({"inventory_mode": "rust"}, {"mode": None}, ""),
        (
            {"inventory_mode": "rust"},
            {"mode": "hybrid", "implementations": modes.MODES["hybrid"]},
            "the inventory says rust",
        ),
        (
            {"inventory_mode": "hybrid", "overrides": {"mouse": "python"}},
            {"mode": "hybrid", "implementations": MOUSE_IN_PYTHON},
            "",
        ),
        (
            {"overrides": {"mouse": "python"}},
            {"mode": "hybrid", "implementations": modes.MODES["hybrid"]},
            "the inventory says mouse=python",
        ),
    ],
)
def test_the_report_says_where_a_host_differs_from_the_inventory(
    preflight_result: Any, running: Any, words: str
) -> None:
    assert fleet_entry.against_inventory(preflight_result, running) == words


def test_hosts_that_were_idle_in_their_trial_are_named_with_what_was_not_seen() -> None:
    summary = f"{HEALTH['summary']}, confirmed by the host after 10 s idle: no events flowed"
    idle = entry(health=HEALTH | {"summary": summary}, switched={"said": ["deployment 3 after 2"]})
    words = "no events flowed in the trial, so windows, points and leaks were not seen: edge1"
    assert words in Report("r", "", [idle]).lines()
    assert words not in Report("r", "", [entry(health=HEALTH)]).lines()


def test_what_a_comparison_found_stands_in_the_document_and_its_job_does_not() -> None:
    compared = {"job": "j", "report": {"agree": True}, "verdicts": {"mouse": {"verdict": "equal"}}, "notes": ["equal"]}
    found = entry(shadow=compared)
    assert found.document()["shadow"] == {"report": {"agree": True}, "verdicts": {"mouse": {"verdict": "equal"}}}


def test_a_plain_run_that_brings_another_mode_is_announced_by_host() -> None:
    hosts: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "a": ({"inventory_mode": "rust"}, {"mode": "hybrid"}),
        "b": ({"inventory_mode": "rust"}, {"mode": "hybrid"}),
        "c": ({"inventory_mode": "python"}, {"mode": "rust"}),
        "as the inventory has it": ({"inventory_mode": "rust"}, {"mode": "rust"}),
        "without a mode in the inventory": ({"inventory_mode": None}, {"mode": "rust"}),
        "a store": ({"inventory_mode": None}, {"mode": ""}),
        "blank": ({"inventory_mode": "rust"}, {}),
        "lost": ({}, {}),
    }
    brings, words = next_modes(hosts)
    assert brings == {"a": "rust", "b": "rust", "c": "python"}
    assert words == [
        "in the next run of site.yml without -e mode= 1 edge would run python in the place of rust, "
        "2 edges would run rust in the place of hybrid, by the inventory"
    ]
    assert next_modes({"a": ({"inventory_mode": "rust"}, {"mode": "rust"})}) == ({}, [])


def test_what_a_rollback_does_not_use_is_named() -> None:
    assert without_effect({"seclyzer_release_soak_seconds"}) == []
    (words,) = without_effect({"redis_port", "mode", "seclyzer_release_keep"})
    assert words.startswith("by -e and without effect: mode, redis_port; rollback.yml brings mode and settings back")


def test_json_has_what_was_given_by_e_and_what_the_next_run_brings() -> None:
    report = Report("run", "now", [], given=["mode", "redis_port"], following={"edge1": "rust"})
    assert (report.document()["by_e"], report.document()["next"]) == (["mode", "redis_port"], {"edge1": "rust"})


def test_a_host_that_is_removed_leaves_the_last_report(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "report.json"
    last_report.forget(path, ["edge1"])
    assert not path.exists()
    last_report.write(path, {"hosts": {"edge1": {"state": "failed"}, "edge2": {"state": "failed"}}})
    last_report.forget(path, ["edge1", "edge9"])
    assert last_report.needy(last_report.load(path)) == ["edge2"]
