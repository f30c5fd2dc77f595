"""To another release and back, and to a changed setting and back, while a person works: nothing is lost or doubled."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from hostchecks import bad_release, deployment
from hostchecks.at_work import NO_FAULTS, Account, at_work
from hostchecks.features import KINDS
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts, on_every
from hostchecks.rollout import EDGES_ONLY, Run, go_back, roll_out
from hostchecks.systemd import AGENT, EXTRACTORS, main_pids

testinfra_hosts = ["ansible://seclyzer_edge"]

SHORT = ("-e", "seclyzer_release_soak_seconds=10")
AT_ONCE = (*EDGES_ONLY, *SHORT, "-e", '{"seclyzer_release_batches": ["100%"]}')
STEPS = ["another release", "back", "a setting", "back again"]
WATCHED = [AGENT, *EXTRACTORS.values()]


@dataclass
class Seen:
    """After each step: the run, and of each edge what it runs and its processes; and what came of the work."""

    runs: list[Run] = field(default_factory=list)
    ran: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pids: dict[str, list[dict[str, int]]] = field(default_factory=dict)
    accounts: dict[str, dict[str, Account]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """All steps, on all edges at the same time."""
    assert roll_out("-e", "mode=hybrid", *AT_ONCE).status == 0
    another = bad_release.make("another", tmp_path_factory.mktemp("another") / "bundle")
    found = Seen()
    with ExitStack() as stack:
        works = {name(edge): stack.enter_context(at_work(edge)) for edge in hosts(EDGES)}

        def look(run: Run | None) -> None:
            found.runs += [run] if run else []
            for edge in hosts(EDGES):
                found.ran.setdefault(name(edge), []).append(deployment.manifest(edge))
                found.pids.setdefault(name(edge), []).append(main_pids(edge, WATCHED))
            on_every(EDGES, lambda edge: works[name(edge)].goes_on())

        look(None)
        look(roll_out("-e", f"seclyzer_bundle={another}", *AT_ONCE))
        look(go_back("--limit", "seclyzer_edge", *SHORT))
        look(roll_out("-e", "seclyzer_extractors_log_level=debug", *AT_ONCE))
        look(go_back("--limit", "seclyzer_edge", *SHORT))
        found.accounts = on_every(EDGES, lambda edge: works[name(edge)].account())
    yield found


def test_each_step_ends_well(seen: Seen, host: Host) -> None:
    assert {step: run.status for step, run in zip(STEPS, seen.runs, strict=True)} == dict.fromkeys(STEPS, 0)


def test_another_release_runs_and_the_one_before_afterwards(seen: Seen, host: Host) -> None:
    ran = seen.ran[name(host)]
    assert ran[1]["release"] != ran[0]["release"]
    assert [ran[2], ran[4]] == [ran[0], ran[0]]


def test_a_changed_setting_restarts_the_extractors_alone(seen: Seen, host: Host) -> None:
    ran, pids = seen.ran[name(host)], seen.pids[name(host)]
    assert ran[3]["release"] == ran[2]["release"] and ran[3]["deployment"] != ran[2]["deployment"]
    assert [unit for unit in WATCHED if pids[3][unit] == pids[2][unit]] == [AGENT]


@pytest.mark.parametrize("kind", KINDS)
def test_no_output_is_lost_doubled_or_another(seen: Seen, host: Host, kind: str) -> None:
    account = seen.accounts[name(host)][kind]
    assert len(account.expected) >= 20
    assert account.faults == NO_FAULTS, account
