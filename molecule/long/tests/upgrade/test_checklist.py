"""The checklist's gates before a switch and right after it, on an edge where a person works."""

from collections.abc import Iterator

import pytest
from hostchecks.at_work import at_work
from hostchecks.host import name
from hostchecks.lab import EDGES, hosts
from hostchecks.rollout import EDGES_ONLY, Run, go_back, roll_out, started

testinfra_hosts = ["ansible://localhost?connection=local"]

SWITCH = ("--tags", "extractors", "-e", "seclyzer_extractors_log_level=warning", "-e", "retry=true")
"""With a setting that no other scenario has: content that a rollback has left is refused on its host."""
GATES = {
    "before": [
        "the host is healthy",
        "the performance test passes",
        "the baseline is kept",
        "the outputs are equal",
        "its files are as they were staged",
        "there is something to go back to",
    ],
    "during": [
        "the host is healthy",
        "its files are as they were staged",
        "the host has decided for it",
        "there is a way back",
    ],
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """Each gate's run, the one of an edge that works, with a switch between them; what else ran is there again."""
    edge = hosts(EDGES)[0]
    out = tmp_path_factory.mktemp("checklist")

    def passes(gate: str, *typed: str) -> Run:
        with started("playbooks/checklist.yml", "-e", f"gate={gate}", "-e", f"out={out}", *typed) as run:
            return run.ended()

    assert roll_out("-e", "mode=hybrid", *EDGES_ONLY).status == 0
    with at_work(edge):
        before = passes("before", "--limit", name(edge))
        assert roll_out("-e", "mode=hybrid", *SWITCH, "--limit", name(edge)).status == 0
        during = passes("during", "--limit", name(edge))
    yield {"before": before, "during": during, "idle": passes("during")}
    assert go_back("--limit", name(edge)).status == 0


@pytest.mark.parametrize("gate", GATES)
def test_an_edge_that_is_well_passes_every_gate(ran: dict[str, Run], gate: str) -> None:
    run = ran[gate]
    assert run.status == 0, run.text
    assert "[ ]" not in run.text
    for words in GATES[gate]:
        assert f"[x] {words}" in run.text, words


def test_every_host_is_shown_though_one_has_not_passed(ran: dict[str, Run]) -> None:
    for edge in hosts(EDGES):
        assert f"{name(edge)}, during the switch" in ran["idle"].text, ran["idle"].text
