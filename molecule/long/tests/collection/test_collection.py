"""The collection, from its built file in an empty folder, rolls out, shows and goes back by qualified names."""

import os
import subprocess
from dataclasses import dataclass

import pytest
from hostchecks import deployment
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, INVENTORY, ROOT, on_every
from hostchecks.rollout import EDGES_ONLY, roll_out

from scripts import collection

testinfra_hosts = ["ansible://seclyzer_edge"]

OWN = ("-e", "mode=rust", "-e", "seclyzer_extractors_log_level=error", "-e", "retry=true")
"""With a setting that no other scenario has: content that a rollback has left is refused on its host."""
TYPED = {
    "site": (*OWN, "-e", f"seclyzer_bundle={ROOT}/build/bundle"),
    "status": (),
    "rollback": (),
}
"""What each playbook is given beside the inventory."""
AT_ONCE = ("--limit", EDGES, "-e", "seclyzer_release_soak_seconds=10", "-e", '{"seclyzer_release_batches": ["100%"]}')


@dataclass(frozen=True)
class Ran:
    """How a playbook ended, what it printed, and the edges' modes after it."""

    status: int
    printed: str
    errors: str
    modes: dict[str, str]


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """Each playbook, typed in that folder."""
    assert roll_out("-e", "mode=hybrid", *EDGES_ONLY).status == 0
    folder = tmp_path_factory.mktemp("empty")
    clean = {key: text for key, text in os.environ.items() if not key.startswith("ANSIBLE_")}
    environment = clean | {"ANSIBLE_COLLECTIONS_PATH": str(folder)}

    def typed(*words: str) -> Ran:
        done = subprocess.run(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        modes = on_every(EDGES, lambda edge: str(deployment.manifest(edge)["mode"]))
        return Ran(done.returncode, done.stdout, done.stderr, modes)

    archive = collection.build(ROOT, tmp_path_factory.mktemp("archive"))
    installed = typed("ansible-galaxy", "collection", "install", "--offline", "-p", str(folder), str(archive))
    assert installed.status == 0, installed.errors
    return {
        playbook: typed("ansible-playbook", "-i", str(INVENTORY), f"seclyzer.edge.{playbook}", *more, *AT_ONCE)
        for playbook, more in TYPED.items()
    }


@pytest.mark.parametrize("playbook", TYPED)
def test_each_playbook_ends_well(ran: dict[str, Ran], playbook: str) -> None:
    assert ran[playbook].status == 0, ran[playbook].printed + ran[playbook].errors
    assert "ERROR" not in ran[playbook].errors


def test_the_edges_run_what_was_rolled_out_and_then_what_ran_before(host: Host, ran: dict[str, Ran]) -> None:
    modes = {playbook: one.modes[name(host)] for playbook, one in ran.items()}
    assert modes == {"site": "rust", "status": "rust", "rollback": "hybrid"}


def test_the_report_and_the_status_are_printed_without_our_configuration(host: Host, ran: dict[str, Ran]) -> None:
    for playbook in ("site", "status"):
        assert name(host) in ran[playbook].printed and "rust" in ran[playbook].printed
