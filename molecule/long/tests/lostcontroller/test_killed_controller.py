"""The controller dies by SIGKILL in staging, in the comparison or in the trial, while a person works.

A host on trial decides by itself, any other is as it was; and the same typed again ends what is good and refuses what a
host has returned from. No output is lost.
"""

import pytest
from hostchecks import deployment, lost, rollouts
from hostchecks.at_work import NO_FAULTS
from hostchecks.features import KINDS
from hostchecks.host import Host
from hostchecks.lost import LONGEST, Case, Seen, comparing, follows, soak
from hostchecks.polling import poll
from hostchecks.rollout import NO_SHADOW, Started

testinfra_hosts = ["ansible://localhost?connection=local"]

GOOD, BAD = (*NO_SHADOW, *soak(10)), (*NO_SHADOW, *soak(30))
SHADOW = ("-e", "seclyzer_release_shadow_seconds=50", *soak(10))
"""A window of 30 s counts 35 s after the start."""


def in_staging(run: Started, canary: Host) -> None:
    """SIGKILL to the controller once the release begins to be unpacked."""
    listed = f"ls -A {deployment.HOME}/releases"
    known = canary.check_output(listed)
    assert poll(lambda: canary.check_output(listed) != known, bool, LONGEST, 0.1), run.text()
    run.kill()


def in_shadow(run: Started, canary: Host) -> None:
    """SIGKILL to the controller once the staged programs run beside the others."""
    assert poll(lambda: "seclyzer-shadow-" in comparing(canary), bool, LONGEST, 0.2), run.text()
    run.kill()


def in_trial(run: Started, canary: Host) -> None:
    """SIGKILL to the controller while the canary is on trial."""
    follows(run, canary)
    run.kill()


CASES = {
    "staging, good": Case(GOOD, "another", in_staging),
    "staging, bad": Case(BAD, "exits", in_staging),
    "shadow, good": Case((*SHADOW, "-e", "mode=rust"), lose=in_shadow),
    "shadow, bad": Case(SHADOW, "wrong", in_shadow),
    "trial, good": Case((*NO_SHADOW, *soak(40), "-e", "mode=hybrid"), lose=in_trial),
    "trial, bad": Case(BAD, "crashes", in_trial),
}
EACH = pytest.mark.parametrize("case", CASES)
TRIALS, UNTRIED = [case for case in CASES if case.startswith("trial")], [case for case in CASES if case[:5] != "trial"]


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """All of them."""
    found = lost.all_of(CASES, tmp_path_factory.mktemp, "the controller killed in ")
    tried = found.tried["trial, bad"]
    rollouts.record("a release that was returned from, again", tried.again, rollouts.cause(tried.again, tried.canary))
    return found


@pytest.mark.parametrize("case", UNTRIED)
def test_before_the_switch_no_service_was_touched(seen: Seen, case: str) -> None:
    tried = seen.tried[case]
    assert tried.stood[1] == tried.stood[0]
    assert tried.trials[1] == tried.trials[0]


@EACH
def test_a_comparison_that_no_controller_follows_any_more_ends_by_itself(seen: Seen, case: str) -> None:
    assert seen.tried[case].compares == ""


@pytest.mark.parametrize("case", TRIALS)
def test_a_host_on_trial_decides_by_itself_and_is_tried_once(seen: Seen, case: str) -> None:
    tried, bad = seen.tried[case], CASES[case].bad
    (before, between, after), (last, decided, again) = tried.stood, tried.trials
    assert decided["began"] > last["began"]
    assert (decided["state"], again) == ("returned" if bad else "confirmed", decided)
    assert between[tried.other] == before[tried.other]
    assert after[tried.canary] == between[tried.canary]
    assert (between[tried.canary]["runs"] == before[tried.canary]["runs"]) is bad


@EACH
def test_the_same_typed_again_ends_what_is_good(seen: Seen, case: str) -> None:
    tried = seen.tried[case]
    states = [tried.again.host(host)["state"] for host in (tried.canary, tried.other)]
    if CASES[case].bad:
        # Both have compared what was staged; it is tried on one.
        assert states == ["failed", "failed" if case.startswith("shadow") else "not started"], tried.again.text
        assert tried.again.status == 2
        assert tried.stood[2][tried.other] == tried.stood[0][tried.other]
        assert tried.stood[2][tried.canary]["runs"] == tried.stood[0][tried.canary]["runs"]
        return
    assert (tried.again.status, states) == (0, ["healthy", "healthy"]), tried.again.text
    canary, other = (tried.stood[2][host]["runs"] for host in (tried.canary, tried.other))
    assert (canary["mode"], canary["release"]) == (other["mode"], other["release"])
    assert other != tried.stood[0][tried.other]["runs"]


def test_what_the_host_returned_from_alone_is_refused_with_what_to_type(seen: Seen) -> None:
    tried = seen.tried["trial, bad"]
    canary = tried.again.host(tried.canary)
    assert (canary["at"], "-e retry=true" in canary["command"]) == ("staging", True), canary
    assert "was returned from on this host at" in " ".join(canary["cause"])
    assert tried.trials[1]["run"] in " ".join(canary["cause"])


def test_what_the_host_confirmed_alone_is_reported_by_the_next_run(seen: Seen) -> None:
    tried = seen.tried["trial, good"]
    words = f"came with the run {tried.trials[1]['run']}, which was cut off; the host confirmed it after "
    assert words in tried.again.text


@pytest.mark.parametrize("edge", ["edge1", "edge2"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_output_is_lost_doubled_or_another_through_all_of_it(seen: Seen, edge: str, kind: str) -> None:
    account = seen.accounts[edge][kind]
    assert len(account.expected) >= 20
    assert account.faults == NO_FAULTS, account
