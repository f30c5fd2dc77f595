"""ssh is cut while a host switches, or the controller dies: the run follows its own trial, and tries nothing twice."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from plugins.action.seclyzer_deployment import ActionModule
from plugins.module_utils import before_switch, deploying, mends, runs, switching
from plugins.module_utils.before import Before
from plugins.module_utils.deploying import run
from plugins.module_utils.following import follow
from plugins.module_utils.history import FAILED, RETURNED, History
from plugins.module_utils.layout import Layout, Refused
from plugins.modules.seclyzer_deployment import ARGUMENTS
from plugins.plugin_utils import actions
from tests.plugins.hosts import Systemd
from tests.plugins.trial_world import Killed, World

RUN = "20300102T000000Z-ann-000002"
OTHER = "20300103T000000Z-bob-000003"
Asked = list[dict[str, Any]]


@pytest.fixture
def world(host: Layout, fake: Systemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """A host that runs deployment 1; 2 is staged by RUN."""
    monkeypatch.setattr(mends, "boot", lambda: "this boot")
    monkeypatch.setattr(deploying, "look_before", lambda _: Before())
    monkeypatch.setattr(before_switch, "look_before", lambda _: Before())
    made = World(host, fake, monkeypatch, tmp_path)
    runs.begin(host, RUN, "ann")
    runs.staged(host, RUN, 2)
    return made


def switch(world: World, name: str = RUN, **more: Any) -> dict[str, Any]:
    """The switch of a run, as its module does it."""
    defaults = {option: about.get("default") for option, about in ARGUMENTS.items()}
    asked = {"state": "current", "deployment": 2, "rollout": name, "by": "ann", "soak": 45.0} | more
    return run(world.host, defaults | asked, False)


def outcome(world: World) -> tuple[str, list[Any]]:
    """What the history has of RUN, and the moves of the link."""
    history = History.load(world.host)
    moves = [event["deployment"] for event in history.events if "came_from" in event]
    return str((history.run(RUN) or {})["outcome"]), moves


def test_asked_again_a_switch_goes_on_with_the_trial_that_it_began(world: World) -> None:
    first, again = switch(world), switch(world)
    assert again["trial"] == first["trial"] == world.trial().identity()
    assert (again["changed"], again["before"]) == (True, first["before"])
    assert again["said"] == ["deployment 2 after 1, on trial when the host was reached again"]
    assert outcome(world)[1] == [1, 2]


def test_asked_again_after_the_host_has_confirmed_it_tells_of_that_trial(world: World) -> None:
    first = switch(world)
    world.judge()
    assert switch(world)["trial"] == first["trial"]
    assert world.runs() == 2


def test_asked_again_after_the_host_has_returned_it_begins_no_second_trial(world: World) -> None:
    first = switch(world)
    world.bad = "keystroke is not healthy"
    world.judge()
    assert switch(world)["trial"] == first["trial"]
    assert (world.runs(), outcome(world)) == (1, (RETURNED, [1, 2, 1]))


@pytest.mark.parametrize("soak", [0.0, 45.0])
def test_nor_when_another_run_had_its_trial_since(world: World, soak: float) -> None:
    switch(world)
    world.bad = "keystroke is not healthy"
    world.judge()
    (world.host.base / "trial.json").unlink()
    with pytest.raises(Refused, match=r"has tried deployment 2 in this run, and left it again.*-e retry=true"):
        switch(world, soak=soak)
    assert world.runs() == 1


def test_a_switch_that_never_began_is_begun_when_it_is_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(switching, "link", killed)
        switch(world)
    assert world.trial().going
    world.judge()
    assert world.runs() == 1
    again = switch(world)
    assert again["trial"] == world.trial().identity() and world.trial().going


def test_another_run_waits_for_the_trial_and_takes_nothing_of_it_up(world: World) -> None:
    switch(world)
    assert f"the trial of deployment 2 of run {RUN}" in switch(world, OTHER)["waiting"]


def test_without_a_soak_a_switch_is_gone_on_with(world: World) -> None:
    """Nothing judges it, and what was asked for again finishes it."""
    with world.killed_after(4) as reached:
        switch(world, soak=0.0)
    assert reached[0]
    assert switch(world, soak=0.0)["trial"] == {}
    assert world.runs() == 2


def test_what_the_host_confirmed_while_its_controller_was_gone_is_reported_once(world: World) -> None:
    switch(world)
    assert runs.unseen(world.host, OTHER) == []
    world.judge()
    (words,) = runs.unseen(world.host, OTHER)
    assert words.startswith(f"deployment 2 came with the run {RUN}, which was cut off; the host confirmed it after ")
    assert runs.unseen(world.host, RUN) == []
    runs.followed(world.host)
    assert runs.unseen(world.host, OTHER) == []


class Lost:
    """A host that is not reached so many times, and answers then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.asked: Asked = []
        self.shown: list[str] = []
        self.now, self._times = 0.0, times
        monkeypatch.setattr(actions, "follow", partial(follow, clock=lambda: self.now, sleep=self._sleep))
        monkeypatch.setattr(ActionModule, "_execute_module", self._answer)
        monkeypatch.setattr(actions.display, "display", self.shown.append)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _answer(self, name: str, arguments: dict[str, Any], task_vars: object) -> dict[str, Any]:
        self.asked.append(arguments)
        if len(self.asked) <= self._times:
            raise AnsibleConnectionFailure("Connection to edge1 closed by remote host")
        return {"changed": True}

    def ask(self, state: str, check: bool = False) -> dict[str, Any]:
        """As the action asks the module."""
        module = object.__new__(ActionModule)
        module._task = type("Task", (), {"check_mode": check})
        return module._decided({"state": state}, {"inventory_hostname": "edge1"})


@pytest.mark.parametrize("state", ["current", "previous"])
def test_a_host_that_is_lost_while_it_switches_is_asked_again_until_it_answers(
    monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    host = Lost(monkeypatch, 4)
    assert host.ask(state) == {"changed": True}
    assert len(host.asked) == 5
    (shown,) = host.shown
    assert shown.startswith("edge1 waits for an answer: what was begun there goes on (Connection to edge1 closed")


def test_a_host_that_stays_away_is_given_up_after_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Lost(monkeypatch, 1000)
    with pytest.raises(AnsibleConnectionFailure):
        host.ask("current")
    assert 300 <= host.now <= 310


@pytest.mark.parametrize(("state", "check"), [("staged", False), ("status", False), ("current", True)])
def test_where_nothing_was_begun_a_host_is_lost_at_once(
    monkeypatch: pytest.MonkeyPatch, state: str, check: bool
) -> None:
    host = Lost(monkeypatch, 1)
    with pytest.raises(AnsibleConnectionFailure):
        host.ask(state, check)
    assert len(host.asked) == 1


def test_a_trial_that_failed_where_the_host_could_not_return_is_not_begun_again(world: World) -> None:
    switch(world)
    history = History.load(world.host)
    history.ended(RUN, FAILED, 2, "it did not start")
    history.save(world.host)
    assert switch(world)["trial"] == world.trial().identity()
    assert outcome(world)[1] == [1, 2]
