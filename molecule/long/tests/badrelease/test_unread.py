"""A good release whose agent gets no answer from systemd, as on a busy host: the trial waits for a reading."""

import json
from dataclasses import dataclass

import pytest
from hostchecks import bad_release, trial
from hostchecks.at_work import at_work
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts
from hostchecks.polling import poll
from hostchecks.rollout import EDGES_ONLY, roll_out, started

testinfra_hosts = ["ansible://localhost?connection=local"]

BUS = "systemctl kill --kill-whom=main --signal=%s dbus.service"
"""systemctl of whoever is not root asks by the bus; that of root, as the judge is, does not need it."""


@dataclass
class Seen:
    """The agent's checks of units while the bus hung, what the judge waited for then, and what the host decided."""

    unread: dict[str, bool]
    waited_for: str
    meanwhile: str
    trial: trial.Trial
    status: int


def waited_for(edge: Host) -> str:
    """What the judge waits for."""
    return edge.check_output("systemctl show --property=StatusText --value %s", trial.JUDGE)


def unread(edge: Host) -> dict[str, bool]:
    """The agent's checks that fail, and whether nothing was read of them."""
    report = json.loads(edge.check_output("curl --silent --max-time 20 http://127.0.0.1:9484/healthz"))
    rows = [(check, row) for check, entries in report["checks"].items() for row in entries]
    return {check: row.get("unread", False) for check, row in rows if row["status"] == "fail"}


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The bus hangs from the beginning of the trial until the judge waits for nothing else."""
    assert roll_out(*EDGES_ONLY, "-e", "mode=hybrid", "-e", "seclyzer_release_soak_seconds=10").status == 0
    edge, bundle = hosts(EDGES)[0], bad_release.make("another", tmp_path_factory.mktemp("another") / "bundle")
    with at_work(edge) as work:
        work.goes_on()
        last = trial.of(edge)
        with started("site.yml", *EDGES_ONLY, "--limit", name(edge), "-e", f"seclyzer_bundle={bundle}") as run:
            trial.began(edge, last, run)
            edge.check_output(BUS, "STOP")
            try:
                words = poll(
                    lambda: waited_for(edge) if trial.of(edge)["state"] == "going" else "decided",
                    lambda found: found == "decided" or found.startswith("a reading: "),
                    trial.LONGEST,
                )
                found, meanwhile = unread(edge), trial.of(edge)["state"]
            finally:
                edge.check_output(BUS, "CONT")
            decided, ended = trial.decided(edge), run.ended()
    return Seen(found, words, meanwhile, decided, ended.status)


def test_what_is_read_from_systemd_is_unread_and_no_other_check_fails(seen: Seen) -> None:
    assert {"units:state", "memory:used", "limits:cpu"} <= {*seen.unread}
    assert {*seen.unread.values()} == {True}, seen.unread


def test_the_trial_waits_for_a_reading_and_confirms_what_is_good(seen: Seen) -> None:
    assert seen.meanwhile == "going"
    assert seen.waited_for.startswith("a reading: the agent could not read units:state: ")
    assert (seen.trial["state"], seen.status) == ("confirmed", 0), seen.trial
