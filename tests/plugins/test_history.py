"""A run is written into each host's history whatever becomes of it; what an older version wrote is read."""

import json
from typing import Any

import pytest

from plugins.module_utils import lease, runs, switching
from plugins.module_utils.files import make_folder
from plugins.module_utils.history import CONFIRMED, FAILED, NOTHING, RETURNED, RUNS, History
from plugins.module_utils.layout import Layout, Refused
from tests.plugins.hosts import Systemd

RUN = "20300101T120000Z-anna-0a1b2c"


@pytest.fixture
def blank(host: Layout) -> Layout:
    make_folder(host.base)
    return host


def write(host: Layout, value: dict[str, Any]) -> None:
    host.history.write_text(json.dumps(value))


def old(**states: str) -> dict[str, Any]:
    """A history as versions before runs wrote it."""
    deployments: dict[str, dict[str, Any]] = {}
    events: list[dict[str, Any]] = []
    for name, state in states.items():
        n = int(name[1:])
        before = n - 1 or None
        rollout = f"2026-11-0{n}T10:00:00.000+00:00"
        about = {"release": "r", "mode": "rust", "state": state}
        deployments[str(n)] = about | {"previous": before, "rollout": rollout}
        at = f"2026-11-0{n}T10:01:00Z"
        events.append({"at": at, "what": "switched", "deployment": n, "by": "me", "came_from": before})
    return {"schema": 1, "deployments": deployments, "events": events}


def test_a_run_is_entered_once_with_its_outcome(blank: Layout) -> None:
    runs.begin(blank, RUN, "anna@c")
    runs.begin(blank, RUN, "anna@c")
    (entry,) = History.load(blank).runs
    assert (entry["run"], entry["by"], entry["outcome"], entry["from"]) == (RUN, "anna@c", "started", None)
    runs.refused(blank, RUN, "the store is away")
    (entry,) = History.load(blank).runs
    assert (entry["outcome"], entry["why"]) == ("refused", "the store is away")
    assert lease.load(blank) is None


def test_a_use_without_a_run_has_neither_entry_nor_lease(blank: Layout) -> None:
    runs.begin(blank, "", "me")
    runs.staged(blank, "", 1)
    runs.refused(blank, "", "no")
    assert History.load(blank).runs == []
    assert not blank.lease.exists()


def test_what_runs_already_is_nothing_to_do_and_stays_so_when_it_is_healthy(blank: Layout) -> None:
    write(blank, old(n1="healthy"))
    blank.current.symlink_to("deployments/1")
    runs.begin(blank, RUN, "me")
    runs.staged(blank, RUN, 1)
    runs.concluded(blank, 1, CONFIRMED, RUN, "me")
    entry = History.load(blank).run(RUN) or {}
    assert (entry["outcome"], entry["from"], entry["to"]) == (NOTHING, 1, 1)
    runs.concluded(blank, 1, FAILED, RUN, "me", "InfluxDB does not answer")
    past = History.load(blank)
    assert (past.run(RUN) or {})["outcome"] == FAILED
    assert past.state(1) == CONFIRMED, "what was confirmed is not bad because its store is away"
    assert past.bad == {}


def test_what_fails_on_trial_is_remembered_by_its_content_until_it_is_confirmed(blank: Layout) -> None:
    value = old(n1="healthy", n2="switched")
    value["deployments"]["2"]["content"] = "c2"
    write(blank, value)
    runs.concluded(blank, 2, FAILED, "", "me", "it hangs")
    past = History.load(blank)
    assert past.bad["c2"]["why"] == "it hangs"
    del past.records[2]
    past.save(blank)
    assert "c2" in History.load(blank).bad, "also when the deployment itself was pruned"
    write(blank, value | {"bad": past.bad})
    runs.concluded(blank, 2, CONFIRMED, "", "me")
    assert History.load(blank).bad == {}


def test_an_old_history_is_read_with_its_states_and_its_runs(blank: Layout) -> None:
    write(blank, old(n1="healthy", n2="failed"))
    past = History.load(blank)
    assert (past.state(1), past.state(2), past.previous(2)) == ("confirmed", "failed", 1)
    assert [(run["run"], run["from"], run["to"], run["outcome"]) for run in past.runs] == [
        ("2026-11-01T10:00:00.000+00:00", None, 1, "confirmed"),
        ("2026-11-02T10:00:00.000+00:00", 1, 2, "failed"),
    ]


def test_a_return_by_an_old_version_ends_the_run_it_undid(blank: Layout) -> None:
    value = old(n1="healthy", n2="healthy")
    back = {"at": "2026-11-03T10:00:00Z", "what": "returned", "deployment": 1, "by": "me", "came_from": 2}
    write(blank, value | {"events": [*value["events"], back]})
    outcomes = [(run["from"], run["to"], run["outcome"]) for run in History.load(blank).runs]
    assert outcomes == [(None, 1, "confirmed"), (1, 2, RETURNED), (2, 1, "confirmed")]


def test_an_old_version_finds_what_it_needs_to_go_back(blank: Layout, fake: Systemd) -> None:
    write(blank, old(n1="healthy"))
    past = History.load(blank)
    past.save(blank)
    value = json.loads(blank.history.read_text())
    assert value["schema"] == 1
    assert {"release", "mode", "state", "previous", "rollout"} <= value["deployments"]["1"].keys()
    assert {"at", "what", "deployment", "by"} <= value["events"][0].keys()


def test_so_many_runs_are_kept_and_the_oldest_go(blank: Layout) -> None:
    past = History()
    for number in range(RUNS + 5):
        past.began(f"{number}", "me", 1)
    past.save(blank)
    assert [run["run"] for run in History.load(blank).runs] == [str(n) for n in range(5, RUNS + 5)]


def test_runs_of_one_kind_push_none_of_another_out(blank: Layout) -> None:
    past = History()
    for number in range(3 * RUNS):
        for name, outcome, to in (("changed", CONFIRMED, number), ("idle", NOTHING, None), ("bad", RETURNED, number)):
            past.began(f"{name}{number}", "me", None)
            past.ended(f"{name}{number}", outcome, to)
    for number in range(3 * RUNS):
        past.began(f"nightly{number}", "me", 1)
        past.ended(f"nightly{number}", NOTHING, 1)
        past.save(blank)
        past = History.load(blank)
    names = [run["run"] for run in past.runs]
    assert names[-RUNS:] == [f"nightly{number}" for number in range(2 * RUNS, 3 * RUNS)]
    assert names[:-RUNS] == [f"{name}{number}" for number in range(2 * RUNS, 3 * RUNS) for name in ("changed", "bad")]


def test_a_run_does_not_switch_over_what_another_brought_since(blank: Layout) -> None:
    write(blank, old(n1="healthy", n2="healthy", n3="staged"))
    blank.current.symlink_to("deployments/1")
    runs.begin(blank, RUN, "me")
    runs.staged(blank, RUN, 3)
    runs.unmoved(blank, RUN, 3)
    blank.current.unlink()
    blank.current.symlink_to("deployments/2")
    with pytest.raises(Refused, match=r"deployment 2 came to run here by the run 2026-.* after deployment 3"):
        runs.unmoved(blank, RUN, 3)


def test_a_switch_marks_what_is_left_for_an_older_one_and_not_for_a_newer_one(blank: Layout, fake: Systemd) -> None:
    value = old(n1="healthy", n2="healthy")
    for n in "12":
        folder = blank.deployments / n
        for part in ("units", "config"):
            make_folder(folder / part)
        about = {
            "content": f"c{n}",
            "release": "r",
            "version": "1",
            "mode": "rust",
            "implementations": {},
            "probes": {},
        }
        (folder / "manifest.json").write_text(json.dumps(about))
        value["deployments"][n]["content"] = f"c{n}"
    write(blank, value)
    blank.current.symlink_to("deployments/2")
    switching.switch(blank, 1, "bob", "returned", "r1")
    past = History.load(blank)
    assert (past.state(2), past.records[2]["by_run"], past.records[2]["why"]) == (
        RETURNED,
        "r1",
        "bob went back to deployment 1",
    )
    assert list(past.bad) == ["c2"]
    switching.switch(blank, 2, "bob", "returned", "r2")
    assert History.load(blank).state(1) == "switched"
    assert list(History.load(blank).bad) == ["c2"], "until it is confirmed"
