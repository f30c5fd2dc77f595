"""One flow on every edge, run once for all tests of this folder, on all edges at the same time."""

import pytest
from hostchecks.flow import WAYS, Flow, run
from hostchecks.lab import EDGES, hosts, on_every


@pytest.fixture(scope="session")
def flows() -> dict[str, Flow]:
    """What came of the flow, by edge."""
    (store,) = hosts("seclyzer_store")
    edges = hosts(EDGES)
    return on_every(EDGES, lambda edge: run(edge, store, WAYS[edges.index(edge) % 2], seed=edges.index(edge)))
