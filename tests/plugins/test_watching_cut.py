"""A trial that is cut off at any step, by whatever, ends as one that was not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plugins.module_utils import (
    deployments,
    mends,
    trials,
)
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.watching import Watching
from tests.plugins.hosts import Systemd, layout
from tests.plugins.trial_world import Killed, World


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


@contextmanager
def going_down(world: World, system: str, command: str, words: str) -> Iterator[None]:
    """The host goes down while this runs, which fails with these words at a command; it is up again afterwards."""
    world.fake.fails[command], world.fake.system = "Failed to connect to system scope bus", system
    with pytest.raises(Refused, match=words):
        yield
    world.fake.fails.clear()
    world.fake.system = "running"


ENDING = pytest.mark.parametrize("system", ["stopping", ""], ids=["reboots", "gone"])


@ENDING
def test_a_switch_that_fails_because_the_host_goes_down_is_completed_when_it_is_up(world: World, system: str) -> None:
    with going_down(world, system, "restart seclyzer-agent.service", "agent did not start"):
        world.switch()
    world.judge()
    assert (world.runs(), world.trial().state) == (2, "confirmed")


@ENDING
def test_a_return_that_fails_because_the_host_goes_down_is_completed_when_it_is_up(world: World, system: str) -> None:
    world.bad = "keystroke: writes no heartbeat"
    world.switch()
    with going_down(world, system, "daemon-reload", "system scope bus"):
        world.judge()
    world.judge()
    assert (world.runs(), world.trial().state) == (1, "returned")
    assert "keystroke: writes no heartbeat" in world.trial().why
