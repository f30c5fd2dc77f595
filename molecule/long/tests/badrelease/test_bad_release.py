"""Bad releases, each on both edges while a person works: one host gets it, returns by itself, and nothing is lost."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hostchecks import bad_release, deployment, rollouts, trial
from hostchecks.at_work import NO_FAULTS, Account, at_work
from hostchecks.features import KINDS
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts, on_every
from hostchecks.rollout import EDGES_ONLY, ONE_FIRST, Run, roll_out
from hostchecks.systemd import EXTRACTORS, main_pids, wait_until_active

testinfra_hosts = ["ansible://localhost?connection=local"]

CAUSES = {
    "exits": "the licence of the frobnicator is missing",
    "hangs": "keystroke",
    "mute": "keystroke",
    "crashes": "keystroke ended",
    "freezes": "keystroke",
    "leaks": "keystroke grows steadily",
    "spools": "none of its points arrived there",
    "claims": "none of its points arrived there",
}
"""What the report has of each; in turn on one edge and on the other, which run different releases of Debian."""
TITLES = {
    "exits": "a release that exits at its start",
    "hangs": "a release that hangs at its start",
    "mute": "a release that emits nothing",
    "crashes": "a release that crashes every 17 s",
    "freezes": "a release that freezes",
    "leaks": "a release that leaks",
    "spools": "a release whose points only wait on disk",
    "claims": "a release that claims a fault of the store",
}
SOAK, RETURNS = 45, 150
"""Seconds of soak, and how much later a host is back on a slow machine: 60 s of patience, restarts, the look at it."""
FAULT = pytest.mark.parametrize("fault", CAUSES)


@dataclass
class Tried:
    """A bad release: the run, the edge that got it and what it ran before and after, and the one that was spared.

    `began`: when the run began, in Unix s. `took`: seconds from the switch until the host was back.
    """

    run: Run
    canary: str
    other: str
    trial: trial.Trial
    took: float
    before: dict[str, Any]
    after: dict[str, Any]
    active: dict[str, str]
    history: dict[str, Any]
    spared: tuple[Any, Any]
    began: float


@dataclass
class Seen:
    """All of them, and what came of what was typed meanwhile."""

    tried: dict[str, Tried] = field(default_factory=dict)
    accounts: dict[str, dict[str, Account]] = field(default_factory=dict)


def stands(edge: Host) -> tuple[Any, ...]:
    """What must not change on an edge that is spared."""
    return deployment.manifest(edge), trial.of(edge), main_pids(edge, list(EXTRACTORS.values()))


def attempt(fault: str, canary: Host, other: Host, folder: Path) -> Tried:
    """Rolls a bad release out to both, first to the canary."""
    bundle = bad_release.make(fault, folder / "bundle")
    group = folder / "canary.yml"
    group.write_text(json.dumps({"seclyzer_canary": {"hosts": {name(canary): {}}}}))
    before, spared, began = deployment.manifest(canary), stands(other), time.time()
    run = roll_out("-i", str(group), *EDGES_ONLY, *ONE_FIRST, "-e", f"seclyzer_bundle={bundle}")
    units = wait_until_active(canary, list(EXTRACTORS.values()))
    return Tried(
        run=run,
        canary=name(canary),
        other=name(other),
        trial=(of := trial.decided(canary)),
        took=trial.took(canary, of),
        before=before,
        after=deployment.manifest(canary),
        active={unit: state["ActiveState"] for unit, state in units.items()},
        history=deployment.history(canary),
        spared=(spared, stands(other)),
        began=began,
    )


def leave(found: Seen) -> None:
    """The rows of docs/rollouts.md."""
    moments = [*(tried.began for tried in found.tried.values()), time.time()]
    for (fault, tried), (began, ended) in zip(found.tried.items(), pairwise(moments), strict=True):
        rollouts.record(
            TITLES[fault],
            tried.run,
            rollouts.decision(tried.canary, tried.trial),
            back_s=tried.took,
            windows=rollouts.counted(found.accounts.values(), began, ended),
            others=rollouts.others(tried.run, tried.canary, tried.spared[0] == tried.spared[1]),
        )


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """One after the other, without a pause in the work."""
    assert roll_out(*EDGES_ONLY, "-e", "mode=hybrid", "-e", "seclyzer_release_soak_seconds=10").status == 0
    edges, found = hosts(EDGES), Seen()
    with ExitStack() as stack:
        works = {name(edge): stack.enter_context(at_work(edge)) for edge in edges}
        for number, fault in enumerate(CAUSES):
            on_every(EDGES, lambda edge: works[name(edge)].goes_on())
            canary, other = (edges[number % 2], edges[(number + 1) % 2])
            found.tried[fault] = attempt(fault, canary, other, tmp_path_factory.mktemp(fault))
        on_every(EDGES, lambda edge: works[name(edge)].goes_on())
        found.accounts = on_every(EDGES, lambda edge: works[name(edge)].account())
    leave(found)
    yield found


@FAULT
def test_the_run_stops_and_reports_the_cause_and_what_to_type(seen: Seen, fault: str) -> None:
    tried = seen.tried[fault]
    about = tried.run.host(tried.canary)
    assert (tried.run.status, about["state"], about["at"]) == (2, "failed", "the switch"), tried.run.text
    assert CAUSES[fault] in " ".join(about["cause"])
    assert "the host returned by itself" in " ".join(about["cause"])
    assert "-e only=failed" in about["command"] and "-e retry=true" in about["command"]


@FAULT
def test_the_host_is_back_by_itself_and_healthy_soon_after_the_soak(seen: Seen, fault: str) -> None:
    tried = seen.tried[fault]
    assert tried.trial["state"] == "returned", tried.trial
    assert tried.after == tried.before
    assert set(tried.active.values()) == {"active"}
    assert tried.took <= SOAK + RETURNS


@FAULT
def test_the_other_edge_runs_on_untouched(seen: Seen, fault: str) -> None:
    tried = seen.tried[fault]
    before, after = tried.spared
    assert after == before
    assert tried.run.host(tried.other)["state"] == "not started"


@pytest.mark.parametrize("edge", ["edge1", "edge2"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_output_is_lost_doubled_or_another_through_all_of_it(seen: Seen, edge: str, kind: str) -> None:
    account = seen.accounts[edge][kind]
    assert len(account.expected) >= 20
    assert account.faults == NO_FAULTS, account


def test_what_was_confirmed_is_kept_and_of_the_bad_ones_the_newest(seen: Seen) -> None:
    bad = {tried.trial["run"] for tried in seen.tried.values()}
    for tried in seen.tried.values():
        records = tried.history["deployments"].values()
        assert [record["by_run"] for record in records if record["by_run"] in bad] == [tried.trial["run"]]
        assert "confirmed" in [record["state"] for record in records]
