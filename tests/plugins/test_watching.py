"""A host on trial decides by itself, whatever was cut off at whichever step."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import (
    deployments,
    files,
    health,
    judge_unit,
    older,
    on_trial,
    pruning,
    systemd,
    trials,
)
from plugins.module_utils.before import Before
from plugins.module_utils.files import locked
from plugins.module_utils.health import Health
from plugins.module_utils.history import CONFIRMED, FAILED, History
from plugins.module_utils.layout import Refused
from plugins.module_utils.on_trial import Terms
from plugins.module_utils.watching import MACHINE, intervals
from tests.plugins.trial_world import KEYSTROKE, TERMS, World


def test_before_the_switch_the_trial_is_written_and_its_judge_is_installed_of_the_release_that_is_left(
    world: World,
) -> None:
    left = deployments.load(world.host, 1).release
    world.switch()
    trial = json.loads(world.host.trial.read_text())
    assert (trial["schema"], trial["run"], trial["from"], trial["to"], trial["state"]) == (1, "run-2", 1, 2, "going")
    assert trial["deadline"] - trial["began"] == 240
    assert (world.host.trial.stat().st_mode & 0o777) == 0o600
    unit = (world.host.units / trials.UNIT).read_text()
    assert f"ExecStart=/usr/bin/python3 -I -B {world.host.releases / left / 'judge'}\n" in unit
    assert (world.host.wants / trials.UNIT).is_symlink()
    starts = [words for words in world.fake.commands if trials.UNIT in words and "restart" in words]
    restarts = [words for words in world.fake.commands if KEYSTROKE in words and "restart" in words]
    assert world.fake.commands.index(starts[-1]) < world.fake.commands.index(restarts[-1])


def test_a_good_verdict_that_a_full_disk_does_not_take_is_written_when_there_is_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.switch()
    rename, began, full_until = files._rename, world.now, world.now + TERMS.seconds + 60

    def on_a_full_disk(*paths: Any) -> None:
        if began + 5 <= world.now < full_until:
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(*paths)

    monkeypatch.setattr(files, "_rename", on_a_full_disk)
    world.judge()
    assert world.now >= full_until
    assert (world.trial().state, world.runs()) == (CONFIRMED, 2)


def test_what_anybody_may_read_of_a_trial_says_what_became_of_it_without_a_programs_last_words(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def summary() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(world.host.trial_summary.read_text())
        return found

    world.switch()
    trial = world.trial()
    assert (world.host.trial_summary.stat().st_mode & 0o777) == 0o644
    assert summary() == {
        **{"state": "going", "from": 1, "to": 2, "since": trial.began, "why": ""},
        "until": trial.deadline + trials.MARGIN,
    }
    world.bad = "keystroke: writes no heartbeat"
    monkeypatch.setattr(systemd, "own_words", lambda unit, since: ["a line of the journal; of more parts"])
    world.judge()
    assert "a line of the journal" in world.trial().why
    assert (summary()["state"], summary()["why"]) == ("returned", world.bad)


def test_a_trial_goes_on_where_its_summary_cannot_be_written(world: World) -> None:
    world.host.trial_summary.unlink(missing_ok=True)
    world.host.trial_summary.mkdir()
    world.switch()
    world.judge()
    assert (world.runs(), world.trial().state) == (2, "confirmed")


def test_a_good_one_is_confirmed_and_the_judge_leaves_nothing(world: World) -> None:
    world.switch()
    world.judge()
    assert (world.runs(), world.trial().state, world.state(2)) == (2, "confirmed", "confirmed")
    world.judge()  # again: nothing is going
    assert world.trial().state == "confirmed"


def test_a_bad_one_is_returned_from_and_the_history_says_by_whom_and_why(world: World) -> None:
    world.switch()
    world.bad = "keystroke: writes no heartbeat"
    began = world.now
    world.judge()
    assert (world.runs(), world.trial().state, world.trial().why) == (1, "returned", world.bad)
    assert (world.state(1), world.state(2)) == ("confirmed", "returned")
    assert world.now - began == TERMS.patience
    history = History.load(world.host)
    back = next(event for event in history.events if event["what"] == "returned")
    assert (back["deployment"], back["came_from"], back["by"], back["why"]) == (1, 2, MACHINE, world.bad)
    assert (history.records[2]["why"], history.records[2]["by_run"]) == (world.bad, "run-2")
    assert deployments.load(world.host, 2).content in history.bad
    run = history.run("run-2")
    assert run is not None and (run["from"], run["to"], run["outcome"]) == (1, 2, "returned")


@pytest.mark.parametrize(
    ("proof", "state"),
    [
        pytest.param(Health(unknown=["the agent could not read memory:used"]), "returned", id="unread"),
        pytest.param(Health(away=["Redis does not answer"]), "failed", id="Redis away"),
        pytest.param(Health(faults=["keystroke: writes no heartbeat"]), "failed", id="a fault"),
    ],
)
def test_what_cannot_be_read_of_a_returned_host_is_not_held_against_it(
    world: World, monkeypatch: pytest.MonkeyPatch, proof: Health, state: str
) -> None:
    targets: list[health.Target] = []

    def wait(target: health.Target, seconds: float, pause: float) -> Health:
        targets.append(target)
        return proof

    monkeypatch.setattr(health, "wait", wait)
    world.switch()
    world.bad = "the agent says fail: x"
    world.judge()
    assert (world.runs(), world.trial().state) == (1, state)
    assert [(target.trial, target.going_back) for target in targets] == [(True, True)]


def test_units_that_do_not_start_return_the_host_at_once(world: World) -> None:
    world.fake.fails["restart seclyzer-agent.service"] = "Job failed."
    world.switch()
    world.fake.fails.clear()
    world.judge()
    assert (world.runs(), world.trial().state, world.now) == (1, "returned", 1000.0)
    assert "agent did not start" in world.trial().why


def test_a_bad_one_on_a_host_with_an_older_seclyzer_leaves_it_to_that(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older, "was_stopped", lambda layout: True)
    monkeypatch.setattr(older, "leave", lambda layout: layout.current.unlink() or ["seclyzer-extractors@app.service"])
    world.host.current.unlink()
    world.bad = "it is bad"
    world.switch()
    world.judge()
    assert (world.trial().state, world.state(2)) == (FAILED, FAILED)
    assert world.trial().why.endswith("; the older SecLyzer runs again: seclyzer-extractors@app.service")
    assert deployments.current(world.host) is None


def test_a_release_that_was_damaged_meanwhile_is_not_returned_to(world: World) -> None:
    world.switch()
    world.bad = "x"
    program = world.host.releases / deployments.load(world.host, 1).release / "bin" / "keystroke"
    program.chmod(0o755)
    program.write_text("something else")
    world.judge()
    assert (deployments.current(world.host), world.trial().state) == (2, "failed")
    assert "deployment 1 could not be returned to" in world.trial().why
    assert "bin/keystroke is not what was packed" in world.trial().why


def test_going_back_never_returns_to_the_bad_one(world: World) -> None:
    world.switch()
    world.judge()
    world.switch("returned", 1)
    original, world.bad = world._look, "x"

    def sick(target: health.Target, narrow: bool = False) -> Health:
        found = original(target, narrow)
        found.faults.append("nothing works")
        return found

    health.look = sick
    world.judge()
    assert (world.runs(), world.trial().state) == (1, "failed")
    assert world.trial().why == "nothing works; it is what the host was returned to, so it stays"


def test_another_switch_during_the_trial_ends_it(world: World) -> None:
    world.switch()
    files.link(world.host.current, "deployments/1")
    trial = world.trial()
    trial.from_ = None
    trials.save(world.host, trial)
    world.judge()
    assert world.trial().state == "failed"


def test_a_release_without_a_judge_takes_the_new_ones_and_neither_has_none(world: World) -> None:
    old, new = (deployments.load(world.host, n).release for n in (1, 2))
    assert judge_unit.judges(world.host, 1, 2) == old
    assert judge_unit.judges(world.host, None, 2) == new
    _take_judge(world.host.releases / old)
    assert judge_unit.judges(world.host, 1, 2) == new
    _take_judge(world.host.releases / new)
    assert not judge_unit.can_judge(world.host, 1, 2)
    with pytest.raises(Refused, match="brings a judge"):
        judge_unit.judges(world.host, 1, 2)
    world.switch()
    assert not world.host.trial.exists()
    assert deployments.current(world.host) == 2


def _take_judge(tree: Path) -> None:
    tree.chmod(0o755)
    (tree / "judge").chmod(0o755)
    (tree / "judge").rename(tree.parent.parent / f"{tree.name}-judge")


def test_a_damaged_release_does_not_judge(world: World) -> None:
    old, new = (deployments.load(world.host, n).release for n in (1, 2))
    judge = world.host.releases / old / "judge" / "__main__.py"
    judge.chmod(0o644)
    judge.write_text("raise SystemExit")
    assert judge_unit.judges(world.host, 1, 2) == new


def test_nothing_that_a_trial_needs_is_pruned(world: World) -> None:
    world.switch()
    history = History.load(world.host)
    history.records[2]["previous"] = None
    for n in range(3, 9):
        history.records[n] = dict(history.records[2])
    pruning.prune(world.host, history, 2)
    assert 1 in history.records
    assert (world.host.releases / history.records[1]["release"] / "judge").is_dir()


def test_the_same_deployment_again_and_no_soak_begin_no_trial(world: World) -> None:
    world.switch(n=1)
    assert not world.host.trial.exists()
    with locked(world.host.lock):
        on_trial.switch(world.host, 2, "me", "switched", "run", Before(), Terms(), 5)
    assert not world.host.trial.exists()


def test_the_interval_of_windows_is_read_from_the_settings() -> None:
    found = intervals({"keystroke.yaml": 'a: 1\nupdate_interval: 7\nb: "x"\n', "mouse.yaml": "", "app.yaml": ""})
    assert found == {"keystroke": 7.0, "mouse": 5.0}
