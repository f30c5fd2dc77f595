"""One flow on every edge, run once for all tests of this folder, on all edges at the same time."""

import pytest
from witness.flow import Flow, run
from witness.lab import hosts, on_every

# Between them the edges take every kind of event by either way.
BY = [
    {"keystroke": "stream", "mouse": "pubsub", "app": "stream"},
    {"keystroke": "pubsub", "mouse": "stream", "app": "pubsub"},
]


@pytest.fixture(scope="session")
def flows() -> dict[str, Flow]:
    """What came of the flow, by edge."""
    (store,) = hosts("seclyzer_store")
    edges = hosts("seclyzer_edge")
    return on_every("seclyzer_edge", lambda edge: run(edge, store, BY[edges.index(edge) % 2], seed=edges.index(edge)))
