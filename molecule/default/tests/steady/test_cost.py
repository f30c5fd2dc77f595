"""What an edge that is as it should be costs the controller: a process for each task, an `ssh` for each module."""

import re

import pytest
from hostchecks.host import name
from hostchecks.lab import address, hosts
from hostchecks.rollout import Run, roll_out

MOST_TASKS = 12
"""Those that are skipped have their process too."""
MOST_CONNECTIONS = 6


@pytest.fixture(scope="module")
def unchanged() -> Run:
    """A run that changes no edge; it prints every `ssh` that it starts."""
    run = roll_out("--limit", "seclyzer_edge", "-vvv")
    assert (run.status, run.changed) == (0, []), run.text
    return run


def test_an_unchanged_edge_takes_few_tasks(unchanged: Run) -> None:
    """The last edge: what runs once for all hosts counts for the first."""
    edge = hosts("seclyzer_edge")[-1]
    (counts,) = re.findall(rf"^{name(edge)} +: ok=(\d+) .* skipped=(\d+) ", unchanged.text, re.MULTILINE)
    assert 0 < sum(map(int, counts)) <= MOST_TASKS


@pytest.mark.parametrize("which", [0, -1], ids=["first", "last"])
def test_an_unchanged_edge_takes_few_connections(unchanged: Run, which: int) -> None:
    edge = hosts("seclyzer_edge")[which]
    assert 0 < unchanged.text.count(f"<{address(edge)}> SSH: EXEC ") <= MOST_CONNECTIONS
