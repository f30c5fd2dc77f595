"""Debian testing is refused as untested, and does what others do once that is accepted; Ubuntu is as much data."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hostchecks import deployment
from hostchecks.features import KINDS
from hostchecks.flow import WAYS, Flow, counts, microseconds
from hostchecks.flow import run as flow_of
from hostchecks.host import Host
from hostchecks.lab import hosts
from hostchecks.rollout import Run, roll_out

testinfra_hosts = ["ansible://seclyzer_edge"]

EDGE = "edge3"
MODE = ("-e", "mode=hybrid")
ALLOWED = ("-e", "seclyzer_release_allow_untested=true")
MADE = "find /etc /opt /usr /var/lib -xdev -printf '%p %T@ %s\\n' | sort | sha256sum"
SAYS = 'ID=ubuntu\\nVERSION_ID="%s"\\nVERSION_CODENAME=%s\\n'


@dataclass
class Seen:
    """Every run in its order, the host's files around the one that was refused, and what came of events on the host."""

    refused: Run
    files: list[str]
    first: Run
    flow: Flow
    compared: list[str]
    second: Run
    ubuntu: dict[str, Run] = field(default_factory=dict)


@contextmanager
def calls_itself_ubuntu(host: Host, version: str, codename: str) -> Iterator[None]:
    """The host's /etc/os-release is that of an Ubuntu meanwhile."""
    host.check_output("rm /etc/os-release && printf %s > /etc/os-release", SAYS % (version, codename))
    try:
        yield
    finally:
        host.check_output("ln -sf ../usr/lib/os-release /etc/os-release")


@pytest.fixture(scope="session")
def seen() -> Seen:
    """The system changes daily: its lists of packages are those of today."""
    (host,) = hosts("seclyzer_edge")
    host.check_output("apt-get update")
    files = [host.check_output(MADE)]
    refused = _run(*MODE)
    files.append(host.check_output(MADE))
    first = _run(*MODE, *ALLOWED)
    flow = flow_of(host, host, WAYS[0])
    compared = [_compared(host), _compared(host)]
    found = Seen(refused, files, first, flow, compared, _run(*ALLOWED))
    with calls_itself_ubuntu(host, "24.04", "noble"):
        found.ubuntu = {"refused": _run(), "accepted": _run("-e", "mode=rust", *ALLOWED)}
    with calls_itself_ubuntu(host, "22.04", "jammy"):
        found.ubuntu["22.04"] = _run(*ALLOWED)
    return found


def _run(*typed: str) -> Run:
    """A run of site.yml, which may take its time where much else runs."""
    return roll_out(*typed, timeout=900)


def _compared(host: Host) -> str:
    """What the agent's program, which root runs, finds in the deployment's files."""
    program = f"{deployment.release(host)}/venv/bin/seclyzer_agent"
    done = host.run(f"{program} --config {deployment.HOME}/current/config/agent.yaml --compare")
    return f"{done.rc} {done.stdout}"


def test_it_is_refused_with_the_option_that_accepts_it(seen: Seen) -> None:
    about = seen.refused.host(EDGE)
    assert seen.refused.status != 0 and about["state"] == "refused", seen.refused.text
    assert about["cause"] == [
        "it runs debian forky, on which SecLyzer is untested; seclyzer_release_allow_untested: true accepts that"
    ]
    assert about["notes"] == []


def test_a_refused_host_is_as_it_was(seen: Seen) -> None:
    assert seen.files[0] == seen.files[1]


def test_once_accepted_it_becomes_healthy_and_the_report_says_that_it_is_untested(seen: Seen) -> None:
    about = seen.first.host(EDGE)
    assert seen.first.status == 0 and about["state"] == "healthy", seen.first.text
    assert "untested system, debian forky, which seclyzer_release_allow_untested accepts" in about["notes"]


@pytest.mark.parametrize("kind", KINDS)
def test_events_become_windows_once_each_here_and_in_the_store(seen: Seen, kind: str) -> None:
    expected = counts(seen.flow.expected[kind])
    assert expected and set(expected.values()) == {1}
    assert counts(seen.flow.published[kind]) == expected
    assert Counter(microseconds(point["_time"]) for point in seen.flow.stored[kind]) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_a_replay_on_this_machine(seen: Seen, kind: str) -> None:
    plain = [
        {key: value for key, value in window.items() if key != "implementation"} for window in seen.flow.expected[kind]
    ]
    found = [{key: window[key] for key in of} for window, of in zip(seen.flow.published[kind], plain, strict=True)]
    assert found == plain


@pytest.mark.parametrize("fault", ["malformed", "future", "late", "dropped"])
def test_no_event_is_lost(seen: Seen, fault: str) -> None:
    assert {kind: seen.flow.stats[kind][fault] for kind in KINDS} == dict.fromkeys(KINDS, "0")


def test_programs_that_root_runs_leave_no_bytecode_in_the_release(host: Host, seen: Seen) -> None:
    assert [found.partition(" ")[0] for found in seen.compared] == ["0", "0"], seen.compared
    assert host.check_output("find /opt/seclyzer/releases -name '*.pyc'") == ""


def test_a_second_run_changes_nothing(seen: Seen) -> None:
    assert (seen.second.status, seen.second.changed) == (0, []), seen.second.text


def test_ubuntu_is_refused_with_the_option_that_accepts_it(seen: Seen) -> None:
    assert seen.ubuntu["refused"].host(EDGE)["cause"] == [
        "it runs ubuntu 24.04, on which SecLyzer is untested; seclyzer_release_allow_untested: true accepts that"
    ]


def test_ubuntu_once_accepted_becomes_healthy(seen: Seen) -> None:
    about = seen.ubuntu["accepted"].host(EDGE)
    assert about["state"] == "healthy" and about["running"]["mode"] == "rust", seen.ubuntu["accepted"].text
    assert "untested system, ubuntu 24.04, which seclyzer_release_allow_untested accepts" in about["notes"]


def test_a_release_that_no_file_names_is_refused_whatever_is_accepted(seen: Seen) -> None:
    (cause,) = seen.ubuntu["22.04"].host(EDGE)["cause"]
    assert cause == (
        "it runs ubuntu 22.04; Debian 12 and 13 are served, and what roles/seclyzer_release/vars/ubuntu.yml names "
        "once the bundle is built anew"
    )
