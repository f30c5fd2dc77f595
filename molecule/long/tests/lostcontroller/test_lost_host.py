"""ssh is cut in the middle of a rollout, or a host falls off the network, while a person works.

The host decides by itself, the run follows it again, nothing is tried twice, and no output is lost.
"""

import pytest
from hostchecks import lost
from hostchecks.at_work import NO_FAULTS
from hostchecks.features import KINDS
from hostchecks.host import Host, name
from hostchecks.lab import unplugged
from hostchecks.lost import LONGEST, Case, Seen, follows, soak
from hostchecks.polling import poll
from hostchecks.rollout import NO_SHADOW, Started

testinfra_hosts = ["ansible://localhost?connection=local"]

BAD = (*NO_SHADOW, *soak(30))
"""The release that crashes does so after 17 s."""
ANSWER = "waits for an answer: what was begun there goes on"


def off_the_network(run: Started, canary: Host) -> None:
    """The canary is off the network from its trial on, until the controller has found that out."""
    follows(run, canary)
    with unplugged(name(canary)):
        assert poll(lambda: f"{name(canary)} {ANSWER}" in run.text(), bool, LONGEST), run.text()


CASES = {
    "ssh cut in the switch, good": Case((*NO_SHADOW, *soak(10), "-e", "mode=rust"), cut="switch"),
    "ssh cut in the switch, bad": Case(BAD, "exits", cut="switch"),
    "off the network in the trial, good": Case((*NO_SHADOW, *soak(40), "-e", "mode=hybrid"), lose=off_the_network),
    "ssh cut in the trial, bad": Case(BAD, "crashes", cut="trial"),
}
EACH = pytest.mark.parametrize("case", CASES)


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """All of them."""
    return lost.all_of(CASES, tmp_path_factory.mktemp)


@EACH
def test_the_run_follows_the_host_again_and_reports_what_it_decided(seen: Seen, case: str) -> None:
    tried, bad = seen.tried[case], CASES[case].bad
    about = tried.first.host(tried.canary)
    assert f"{tried.canary} {ANSWER}" in tried.first.text
    assert tried.first.status == (2 if bad else 0), tried.first.text
    if bad:
        assert (about["state"], about["at"]) == ("failed", "the switch"), about
        assert "the host returned by itself" in " ".join(about["cause"])
        assert tried.first.host(tried.other)["state"] == "not started"
    else:
        assert about["state"] == "healthy" and "confirmed by the host after" in about["health"], about


@pytest.mark.parametrize("case", [case for case, about in CASES.items() if about.cut])
def test_ssh_was_cut_while_the_host_switched_or_its_trial_was_followed(seen: Seen, case: str) -> None:
    assert seen.tried[case].cut_in == CASES[case].cut


@EACH
def test_nothing_is_tried_a_second_time_though_the_same_is_typed_again(seen: Seen, case: str) -> None:
    last, decided, again = seen.tried[case].trials
    assert decided["began"] > last["began"]
    assert decided["state"] == ("returned" if CASES[case].bad else "confirmed"), decided
    assert again == decided


@EACH
def test_the_same_typed_again_changes_nothing_or_is_refused_with_what_the_host_decided(seen: Seen, case: str) -> None:
    tried = seen.tried[case]
    canary, other = (tried.again.host(host) for host in (tried.canary, tried.other))
    assert tried.stood[2] == tried.stood[1]
    if not CASES[case].bad:
        assert (tried.again.status, canary["state"], other["state"]) == (0, "healthy", "healthy"), tried.again.text
        assert tried.again.changed == []
        return
    assert (tried.again.status, canary["state"], other["state"]) == (2, "failed", "not started"), tried.again.text
    assert (canary["at"], "-e retry=true" in canary["command"]) == ("staging", True), canary
    assert "was returned from on this host at" in " ".join(canary["cause"])
    assert tried.stood[1][tried.canary]["runs"] == tried.stood[0][tried.canary]["runs"]
    assert tried.stood[1][tried.other] == tried.stood[0][tried.other]


@pytest.mark.parametrize("edge", ["edge1", "edge2"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_output_is_lost_doubled_or_another_through_all_of_it(seen: Seen, edge: str, kind: str) -> None:
    account = seen.accounts[edge][kind]
    assert len(account.expected) >= 20
    assert account.faults == NO_FAULTS, account
