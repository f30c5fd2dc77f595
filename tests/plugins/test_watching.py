"""A host on trial decides by itself, whatever was cut off at whichever step."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import (
    deployments,
    files,
    health,
    judge_unit,
    mends,
    older,
    on_trial,
    pruning,
    releases,
    runs,
    systemd,
    trials,
)
from plugins.module_utils.before import Before
from plugins.module_utils.files import locked
from plugins.module_utils.health import Health
from plugins.module_utils.history import FAILED, History
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.on_trial import Terms
from plugins.module_utils.trials import Trial
from plugins.module_utils.watching import MACHINE, Watching, intervals
from tests.plugins.hosts import Systemd, bundle, desired, layout

KEYSTROKE = "seclyzer-keystroke.service"
TERMS = Terms(soak=45, seconds=240, patience=60)
CHANGES = ("start", "stop", "restart", "daemon-reload")


class Killed(BaseException):
    """The process or the machine ends here."""


class World:
    """One host with two deployments, the first of which runs; the second is bad as long as `bad` says so."""

    def __init__(self, host: Layout, fake: Systemd, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.host, self.fake = host, fake
        self.bad: str = ""
        self.now = 1000.0
        self._left: int | None = None
        for number, text in ((1, "window: 30"), (2, "window: 10")):
            manifest = bundle(folder, says=text)
            releases.install(host, manifest, folder)
            n = deployments.create(host, History.load(host), desired(host, manifest, settings=text), "me", None)
            assert n == number
        on_trial.switch(host, 1, "me", "switched", "first", Before(), Terms(), 5)
        monkeypatch.setattr(health, "look", self._look)
        monkeypatch.setattr(health, "wait", lambda target, seconds, pause: self._look(target))
        monkeypatch.setattr(files, "_rename", self._step(files._rename))
        run = systemd.run
        step = self._step(run)
        monkeypatch.setattr(systemd, "run", lambda argv, *more: (step if {*CHANGES} & {*argv} else run)(argv, *more))

    def _step(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def done(*arguments: Any, **more: Any) -> Any:
            if self._left is not None:
                if self._left == 0:
                    raise Killed
                self._left -= 1
            return work(*arguments, **more)

        return done

    def _look(self, target: health.Target, narrow: bool = False) -> Health:
        found = Health(states=systemd.show([KEYSTROKE], health.STATE))
        if self.bad and "window: 10" in target.units[KEYSTROKE]:
            found.faults.append(self.bad)
        return found

    @contextmanager
    def killed_after(self, steps: int) -> Iterator[list[bool]]:
        """Ends what runs inside after so many changes to the host; what it yields gets True when it came to that."""
        self._left = steps
        reached = [False]
        try:
            yield reached
        except Killed:
            reached[0] = True
        finally:
            self._left = None

    def switch(self, what: str = "switched", n: int = 2) -> None:
        """As the module does it, with the lock held."""
        with locked(self.host.lock):
            runs.begin(self.host, "run-2", "me")
            runs.staged(self.host, "run-2", n)
            on_trial.switch(self.host, n, "me", what, "run-2", Before(), TERMS, 5)

    def judge(self) -> None:
        """As the unit does it."""
        Watching(self.host, lambda: self.now, self._sleep).run()

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def trial(self) -> Trial:
        """What the host says of its trial."""
        found = trials.load(self.host)
        assert found is not None
        return found

    def runs(self) -> int:
        """The deployment that runs, all of whose unit files are installed and enabled, with no judge left."""
        n = deployments.current(self.host)
        assert n is not None
        units = deployments.load(self.host, n).units
        assert {path.name: path.read_text() for path in self.host.units.glob("*.service")} == units
        assert {os.readlink(path) for path in self.host.wants.glob("[!.]*")} == {
            str(self.host.units / u) for u in units
        }
        return n

    def state(self, n: int) -> str:
        """The state of a deployment in the history."""
        return History.load(self.host).state(n)


@pytest.fixture
def world(host: Layout, fake: Systemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    monkeypatch.setattr(mends, "boot", lambda: "this boot")
    return World(host, fake, monkeypatch, tmp_path)


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
    monkeypatch.setattr(systemd, "last_words", lambda unit, since: ["a line of the journal; of more parts"])
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


@pytest.mark.parametrize("bad", ["", "keystroke: writes no heartbeat"])
def test_a_switch_that_is_cut_off_at_any_step_ends_as_one_that_was_not(
    host: Layout, fake: Systemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bad: str
) -> None:
    monkeypatch.setattr(mends, "boot", lambda: "this boot")
    ends: list[tuple[int, str]] = []
    for steps in range(100):
        with monkeypatch.context() as patch:
            place = tmp_path / str(steps)
            place.mkdir()
            world = World(layout(place / "host"), fake, patch, place)
            with world.killed_after(steps) as reached:
                world.switch()
            world.bad = bad
            world.judge()
            ends.append((world.runs(), world.trial().state if world.host.trial.exists() else "none"))
        if not reached[0]:
            break
    assert not reached[0] and len(ends) > 10
    after = (1, "returned") if bad else (2, "confirmed")
    # Until the link moves there is nothing to judge: the host stays, and is proven.
    first = next(index for index, end in enumerate(ends) if end == after) if not bad else len(ends)
    assert {*ends[:first]} <= {(1, "none"), (1, "returned")}
    assert {*ends[first:]} <= {after}
    assert ends[-1] == after


@pytest.mark.parametrize("bad", ["", "keystroke: writes no heartbeat"])
def test_a_judge_that_is_killed_at_any_step_is_continued_by_the_next(
    fake: Systemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bad: str
) -> None:
    monkeypatch.setattr(mends, "boot", lambda: "this boot")
    for steps in range(100):
        with monkeypatch.context() as patch:
            place = tmp_path / str(steps)
            place.mkdir()
            world = World(layout(place / "host"), fake, patch, place)
            world.switch()
            world.bad = bad
            with world.killed_after(steps) as reached:
                world.judge()
            world.judge()
            assert (world.runs(), world.trial().state) == ((1, "returned") if bad else (2, "confirmed"))
            assert world.state(2) == ("returned" if bad else "confirmed")
        if not reached[0]:
            break
    assert not reached[0] and steps > 3


def test_a_switch_that_never_began_leaves_its_deployment_as_good_as_it_was(world: World) -> None:
    with world.killed_after(9) as reached:
        world.switch()
    assert reached[0] and deployments.current(world.host) == 1
    world.judge()
    assert world.trial().why == "the switch was cut off before it began"
    assert world.state(2) in ("staged", "unproven")


def test_a_reboot_gives_a_new_deadline_and_the_third_one_returns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.switch()
    for number in (1, 2, 3):
        monkeypatch.setattr(mends, "boot", lambda number=number: f"boot {number}")
        trial = world.trial()
        trial.deadline = 1.0
        trials.save(world.host, trial)
        if number < 3:
            with pytest.raises(Killed):
                Watching(world.host, lambda: world.now, _cut).run()
            assert world.trial().deadline > 1.0
        else:
            world.judge()
    assert (world.runs(), world.trial().state) == (1, "returned")
    assert world.trial().why == "the machine came up 3 times during the trial"


def _cut(_: float) -> None:
    raise Killed


def test_the_deadline_passes_while_nothing_judges(world: World) -> None:
    world.switch()
    trial = world.trial()
    trial.deadline = trial.began
    trials.save(world.host, trial)
    world.judge()
    assert (world.runs(), world.trial().state) == (1, "returned")
    assert world.trial().why.startswith("no verdict within")


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
