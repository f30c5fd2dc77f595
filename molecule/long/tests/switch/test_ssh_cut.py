"""ssh is cut after the trial of another mode has begun, and the controller goes with it: the next run goes on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hostchecks import deployment, rollouts, trial
from hostchecks.at_work import NO_FAULTS, Account, at_work
from hostchecks.features import KINDS
from hostchecks.host import name
from hostchecks.lab import EDGES, hosts
from hostchecks.lost import LONGEST, SEEN, cut_ssh, soak
from hostchecks.polling import poll
from hostchecks.rollout import EDGES_ONLY, Run, roll_out, started
from hostchecks.trial import Trial

testinfra_hosts = ["ansible://localhost?connection=local"]

TYPED = (*EDGES_ONLY[2:], *soak(120), "-e", "seclyzer_release_trial_seconds=400", "-e", "mode=rust")
"""Of one edge; the trial is still going when the next run comes to it, on a slow machine too."""


@dataclass(frozen=True)
class Seen:
    """What the run printed whose ssh was cut, the same typed again, the trial before, between and after, what came of
    the work.
    """

    first: str
    again: Run
    trials: list[Trial]
    runs: dict[str, str]
    cut: str
    accounts: dict[str, Account]


@pytest.fixture(scope="session")
def seen() -> Iterator[Seen]:
    """One edge goes from hybrid to Rust."""
    edge = hosts(EDGES)[0]
    limit = ("--limit", name(edge))
    assert roll_out(*limit, *TYPED[:-1], "mode=hybrid").status == 0
    with at_work(edge) as work:
        work.goes_on()
        trials = [trial.of(edge)]
        cut_ssh(edge, "trial")
        with started("site.yml", *limit, *TYPED) as run:
            lost = f"{name(edge)} waits for an answer"
            assert poll(lambda: lost in run.text() or run.process.poll() is not None, bool, LONGEST, 0.2)
            run.kill()
            first = run.text()
        trials.append(trial.of(edge))
        again = roll_out(*limit, *TYPED)
        trials.append(trial.of(edge))
        runs = deployment.manifest(edge)
        cut = edge.check_output("cat %s", SEEN)
        work.goes_on()
        account = work.account()
    windows = rollouts.counted([account], trials[1].get("began", 0.0), time.time())
    now = rollouts.decision(name(edge), trials[2], trials[0])
    rollouts.record("ssh cut in a change of the mode", again, now, windows=windows)
    yield Seen(first, again, trials, runs, cut, account)


def test_ssh_was_cut_while_the_host_was_on_trial(seen: Seen) -> None:
    before, between, _ = seen.trials
    assert '"ended": 0' not in seen.cut
    assert between["began"] > before.get("began", 0.0)
    assert between["state"] == "going", seen.first


def test_the_next_run_takes_the_trial_up_and_begins_no_other(seen: Seen) -> None:
    _, between, after = seen.trials
    assert f"waits for the trial of deployment {between['to']} of run {between['run']}" in seen.again.text
    assert (after["began"], after["state"]) == (between["began"], "confirmed")
    assert seen.again.status == 0, seen.again.text
    assert f"came with the run {between['run']}, which was cut off; the host confirmed it" in seen.again.text


def test_the_host_runs_the_deployment_that_it_confirmed(seen: Seen) -> None:
    assert (seen.runs["mode"], seen.runs["deployment"]) == ("rust", seen.trials[1]["to"])


@pytest.mark.parametrize("kind", KINDS)
def test_no_output_is_lost_doubled_or_another_through_the_cut(seen: Seen, kind: str) -> None:
    account = seen.accounts[kind]
    assert len(account.expected) >= 6
    assert account.faults == NO_FAULTS, account
