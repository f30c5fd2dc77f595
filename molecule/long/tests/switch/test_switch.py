"""Each mode becomes each other one while a person works on every edge: no output is lost, doubled or another."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from hostchecks import deployment, flow
from hostchecks.at_work import NO_FAULTS, Account, at_work
from hostchecks.features import KINDS
from hostchecks.host import Host, name
from hostchecks.implementations import MEANS
from hostchecks.lab import EDGES, hosts, on_every
from hostchecks.rollout import EDGES_ONLY, Run, roll_out

testinfra_hosts = ["ansible://seclyzer_edge"]

START = "hybrid"
CHANGES = ["python", "rust", "hybrid", "rust", "python", "hybrid"]
"""One after the other: from each mode to each."""
AT_ONCE = (*EDGES_ONLY, "-e", '{"seclyzer_release_batches": ["100%"]}', "-e", "seclyzer_release_soak_seconds=10")
KIND = pytest.mark.parametrize("kind", KINDS)


@dataclass
class Seen:
    """The runs, what each edge ran after each, and what came of what was typed there meanwhile."""

    runs: list[Run] = field(default_factory=list)
    ran: dict[str, list[str]] = field(default_factory=dict)
    accounts: dict[str, dict[str, Account]] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)


@pytest.fixture(scope="session")
def seen() -> Iterator[Seen]:
    """All changes, on all edges at the same time."""
    assert roll_out("-e", f"mode={START}", *AT_ONCE).status == 0
    found = Seen()
    edges = hosts(EDGES)
    with ExitStack() as stack:
        works = {name(edge): stack.enter_context(at_work(edge)) for edge in edges}
        on_every(EDGES, lambda edge: works[name(edge)].goes_on())
        for mode in CHANGES:
            found.runs.append(roll_out("-e", f"mode={mode}", *AT_ONCE))
            for edge in edges:
                found.ran.setdefault(name(edge), []).append(deployment.manifest(edge)["mode"])
            on_every(EDGES, lambda edge: works[name(edge)].goes_on())
        found.accounts = on_every(EDGES, lambda edge: works[name(edge)].account())
    yield found


def test_every_change_ends_well(host: Host, seen: Seen) -> None:
    assert [run.status for run in seen.runs] == [0] * len(CHANGES), seen.runs[-1].text
    assert seen.ran[name(host)] == CHANGES
    assert [run.host(name(host))["state"] for run in seen.runs] == ["healthy"] * len(CHANGES)


@KIND
def test_no_output_is_lost_doubled_or_another(host: Host, seen: Seen, kind: str) -> None:
    account = seen.accounts[name(host)][kind]
    assert len(account.expected) >= 20
    assert account.faults == NO_FAULTS, account


@KIND
def test_both_implementations_took_part(host: Host, seen: Seen, kind: str) -> None:
    """Otherwise nothing was switched."""
    assert seen.accounts[name(host)][kind].by == {MEANS[mode][kind] for mode in CHANGES}


@KIND
def test_the_store_holds_every_output_once(host: Host, seen: Seen, kind: str) -> None:
    account = seen.accounts[name(host)][kind]
    (store,) = hosts("seclyzer_store")
    times = sorted(key[0] for key in account.expected)
    points = flow.stored(store, name(host), kind, times[0] - 1, len(times))
    assert sorted(flow.microseconds(point["_time"]) for point in points) == times
