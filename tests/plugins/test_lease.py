"""One run at a time has a host, from staging to outcome; the second is refused, and a stale lease is taken over."""

import json
import os
import subprocess
import sys
import time

import pytest
from ansible.module_utils.testing import patch_module_args

from plugins.module_utils import controller, lease, runs
from plugins.module_utils.files import make_folder
from plugins.module_utils.history import CONFIRMED, FAILED, NOTHING, RETURNED, SWITCHED, History
from plugins.module_utils.layout import Layout, Refused
from plugins.modules import seclyzer_deployment


@pytest.fixture
def blank(host: Layout) -> Layout:
    make_folder(host.base)
    return host


def test_a_second_run_reads_who_has_the_host_and_since_when(blank: Layout) -> None:
    runs.begin(blank, "a", "anna@one")
    with pytest.raises(Refused, match=r"anna@one has a run going on this host since \d\d:\d\d:\d\dZ \(a\)"):
        runs.begin(blank, "b", "bob@two")
    assert [run["run"] for run in History.load(blank).runs] == ["a"]
    runs.begin(blank, "a", "anna@one")


def test_the_lease_ends_with_the_outcome(blank: Layout) -> None:
    runs.begin(blank, "a", "anna@one")
    runs.concluded(blank, 1, CONFIRMED, "a", "anna@one")
    runs.begin(blank, "b", "bob@two")
    assert lease.held(blank, "a") == lease.load(blank)


def test_the_end_of_one_run_leaves_the_lease_of_another(blank: Layout) -> None:
    runs.begin(blank, "b", "bob@two")
    runs.concluded(blank, 1, CONFIRMED, "a", "anna@one")
    runs.refused(blank, "a", "no")
    assert lease.held(blank, "a")


@pytest.mark.parametrize("how", ["deadline", "clock set back", "torn file", "take over"])
def test_a_stale_lease_is_taken_over(blank: Layout, how: str) -> None:
    runs.begin(blank, "a", "anna@one")
    found = json.loads(blank.lease.read_text())
    if how == "deadline":
        found["deadline"] = time.time() - 1
    elif how == "clock set back":
        found |= {"since": time.time() + 2 * lease.SECONDS, "deadline": time.time() + 3 * lease.SECONDS}
    blank.lease.write_text('{"run": "a' if how == "torn file" else json.dumps(found))
    runs.begin(blank, "b", "bob@two", take_over=how == "take over")
    assert (lease.load(blank) or pytest.fail()).run == "b"
    taken = [event for event in History.load(blank).events if event["what"] == "lease taken over"]
    assert [event["why"] for event in taken] == ([] if how == "torn file" else ["from anna@one, run a"])


def test_each_step_renews_the_lease_and_keeps_its_beginning(blank: Layout) -> None:
    lease.take(blank, "a", "anna", "p", 10)
    first = lease.load(blank)
    lease.take(blank, "a", "anna", "", 100)
    second = lease.load(blank)
    assert first and second
    assert (second.since, second.process) == (first.since, "p")
    assert second.deadline > first.deadline + 80


def test_a_process_of_this_machine_is_known_to_be_gone_and_another_is_not() -> None:
    own = controller.name(os.getpid())
    assert own and not controller.is_gone(own)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        named = controller.name(child.pid)
        assert not controller.is_gone(named)
        child.kill()
    assert controller.is_gone(named)
    assert controller.is_gone(f"{own}1"), "the number may have been given away anew"
    assert not controller.is_gone(f"x{own}"), "what ran on another machine is not known"
    assert not controller.is_gone("")


EARLIER, LATER = "20300101T000000Z-ann-0a0000", "20300101T000000Z-bob-0b0000"
"""Two runs that began in the same second."""


def test_of_two_runs_that_began_at_once_the_later_is_refused_and_the_earlier_waits(blank: Layout) -> None:
    runs.begin(blank, LATER, "bob@two")
    assert runs.contested(blank, EARLIER) == lease.load(blank)
    runs.refused(blank, LATER, "ann@one has a run going on another host")
    assert runs.contested(blank, EARLIER, LATER) is None
    runs.begin(blank, EARLIER, "ann@one")
    assert runs.contested(blank, LATER) is None
    with pytest.raises(Refused, match="ann@one has a run going"):
        runs.begin(blank, LATER, "bob@two")


@pytest.mark.parametrize("outcome", [NOTHING, SWITCHED, CONFIRMED, RETURNED, FAILED])
def test_who_has_waited_for_a_run_that_went_on_is_refused_also_when_that_has_ended(blank: Layout, outcome: str) -> None:
    runs.begin(blank, LATER, "bob@two")
    history = History.load(blank)
    history.ended(LATER, outcome)
    history.save(blank)
    lease.release(blank, LATER)
    with pytest.raises(runs.WentOn, match=rf"bob@two began the run {LATER} in the same moment, and it went on here"):
        runs.contested(blank, EARLIER, LATER)
    assert runs.contested(blank, EARLIER) is None, "who comes after the end of a run finds a host without a lease"


def test_the_module_returns_that_another_run_went_on(
    blank: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lease of a run that has ended is gone, so that it tells nothing."""

    def went_on(*_: object) -> None:
        raise runs.WentOn("it went on here")

    monkeypatch.setattr(seclyzer_deployment, "run", went_on)
    given = {"state": "staged", "base": str(blank.base), "rollout": EARLIER}
    with patch_module_args(given), pytest.raises(SystemExit):
        seclyzer_deployment.main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["failed"], found["went_on"], found.get("lease")) == (True, True, None)


@pytest.mark.parametrize("how", ["switched", "old", "an unknown name"])
def test_nothing_is_waited_for_that_will_not_be_given_back(blank: Layout, how: str) -> None:
    name = "b" if how == "an unknown name" else LATER
    runs.begin(blank, name, "bob@two")
    if how == "switched":
        history = History.load(blank)
        history.ended(name, SWITCHED)
        history.save(blank)
    if how == "old":
        found = json.loads(blank.lease.read_text())
        blank.lease.write_text(json.dumps(found | {"since": time.time() - runs.YOUNG - 1}))
    assert runs.contested(blank, EARLIER) is None
    with pytest.raises(Refused, match="bob@two has a run going"):
        runs.begin(blank, EARLIER, "ann@one")
