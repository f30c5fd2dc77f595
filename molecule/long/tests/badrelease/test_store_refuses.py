"""A good release whose store goes away, or refuses the host, in the middle of its trial: it is not to blame."""

import time
from dataclasses import dataclass

import pytest
from hostchecks import bad_release, deployment, rollouts, trial
from hostchecks.at_work import NO_FAULTS, Account, at_work
from hostchecks.features import KINDS
from hostchecks.host import name, run_on
from hostchecks.lab import EDGES, hosts
from hostchecks.rollout import EDGES_ONLY, Run, roll_out, started

testinfra_hosts = ["ansible://localhost?connection=local"]

GATEWAY = "/etc/seclyzer/gateway/credentials"
CASES = {
    "stopped": ("systemctl stop influxdb", "systemctl start influxdb"),
    "refuses": (f"cp -p {GATEWAY} {GATEWAY}.kept; sed -i /^edge/d {GATEWAY}", f"mv {GATEWAY}.kept {GATEWAY}"),
}
"""What is done to the store, and how it is undone."""
TITLES = {
    "stopped": "a good release while its store stops",
    "refuses": "a good release while its store refuses the host",
}
EACH = pytest.mark.parametrize("case", CASES)


@dataclass
class Tried:
    """The run, its trial, whether the edge ran what it brought in the end, the files in the edge's spools then, and
    what came of what was typed meanwhile.
    """

    run: Run
    trial: trial.Trial
    brought: bool
    spooled: int
    accounts: dict[str, Account]


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tried]:
    """One edge after the other, while a person works there."""
    assert roll_out(*EDGES_ONLY, "-e", "mode=hybrid", "-e", "seclyzer_release_soak_seconds=10").status == 0
    (store,), found = hosts("seclyzer_store"), {}
    for edge, (case, (break_it, mend)) in zip(hosts(EDGES), CASES.items(), strict=True):
        bundle = bad_release.make("another", tmp_path_factory.mktemp(case) / "bundle")
        with at_work(edge) as work:
            work.goes_on()
            before, last, start = deployment.manifest(edge), trial.of(edge), time.time()
            with started("site.yml", *EDGES_ONLY, "--limit", name(edge), "-e", f"seclyzer_bundle={bundle}") as run:
                trial.began(edge, last, run)
                store.check_output(break_it)
                try:
                    decided = trial.decided(edge)
                    spool = run_on(edge, "spool")
                finally:
                    store.check_output(mend)
                ended = run.ended()
            accounts = work.account()
        brought = deployment.manifest(edge)["release"] != before["release"]
        spooled = sum(len(one["files"]) for one in spool.values())
        rollouts.record(
            TITLES[case],
            ended,
            f"{rollouts.decision(name(edge), decided)}; its points wait on disk",
            windows=rollouts.counted([accounts], start, time.time()),
        )
        found[case] = Tried(ended, decided, brought, spooled, accounts)
    return found


@EACH
def test_it_is_confirmed_though_its_points_only_wait_on_disk(seen: dict[str, Tried], case: str) -> None:
    tried = seen[case]
    assert (tried.trial["state"], tried.brought) == ("confirmed", True), tried.trial
    assert tried.spooled > 0


@EACH
def test_no_output_is_lost_doubled_or_another(seen: dict[str, Tried], case: str) -> None:
    assert {kind: account.faults for kind, account in seen[case].accounts.items()} == dict.fromkeys(KINDS, NO_FAULTS)


@EACH
def test_the_run_reports_no_failure(seen: dict[str, Tried], case: str) -> None:
    assert seen[case].run.status == 0, seen[case].run.text
