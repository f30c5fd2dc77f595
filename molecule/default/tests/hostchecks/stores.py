"""Several stores: what is fed on each edge, what each store then holds, and whose credentials its gateway takes."""

from collections import Counter
from dataclasses import dataclass

from hostchecks import flow
from hostchecks.features import KINDS
from hostchecks.flow import WAYS, Fed, microseconds
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts, on_every
from hostchecks.rollout import NO_SHADOW, Run, started

STORES = "seclyzer_store"
OWN = {"edge1": "store1", "edge2": "store2"}
QUICK = ("-e", "seclyzer_release_soak_seconds=0", "-e", '{"seclyzer_release_batches": ["100%"]}', *NO_SHADOW)
CREDENTIALS = "/etc/seclyzer/gateway/credentials"
Times = Counter[int]
NOTHING: dict[str, Times] = {kind: Counter() for kind in KINDS}


@dataclass(frozen=True)
class Fill:
    """What was fed on each edge, and what each store then holds of it: times of points by store, edge and kind."""

    fed: dict[str, Fed]
    stored: dict[str, dict[str, dict[str, Times]]]

    def expected(self, edge: str) -> dict[str, Times]:
        """The times of what came out of an edge."""
        return {kind: Counter(int(window["ts"]) for window in self.fed[edge].published[kind]) for kind in KINDS}


def feed(edge: Host) -> Fed:
    """Events on this edge, others than on the other one."""
    number = hosts(EDGES).index(edge)
    return flow.feed(edge, WAYS[number % len(WAYS)], seed=number)


def times(store: Host, edge: str, fed: Fed, complete: bool) -> dict[str, Times]:
    """When the points are that a store holds of what was fed on an edge; waits when it has to become complete."""
    required = {kind: len(fed.published[kind]) if complete else 0 for kind in KINDS}
    found = {kind: flow.stored(store, edge, kind, fed.start, required[kind]) for kind in KINDS}
    return {kind: Counter(microseconds(point["_time"]) for point in found[kind]) for kind in KINDS}


def fill(own: dict[str, str]) -> Fill:
    """Feeds both edges at once and looks into both stores. `own`: the store of each edge."""
    fed = on_every(EDGES, feed)
    return Fill(fed, {name(store): looked_up(store, fed, own) for store in hosts(STORES)})


def looked_up(store: Host, fed: dict[str, Fed], own: dict[str, str]) -> dict[str, dict[str, Times]]:
    """What one store holds of each edge."""
    return {edge: times(store, edge, one, own[edge] == name(store)) for edge, one in fed.items()}


def credentials() -> dict[str, dict[str, str]]:
    """Of each store whose credentials its gateway takes: hashes by name."""

    def read(store: Host) -> dict[str, str]:
        lines = store.check_output("cut -f 2,3 %s", CREDENTIALS).splitlines()
        return {who: digest for who, digest in (line.split("\t") for line in lines)}

    return on_every(STORES, read)


def play(playbook: str, *typed: str) -> Run:
    """Runs a playbook on the lab's inventory."""
    with started(f"playbooks/{playbook}.yml", *typed) as run:
        return run.ended()
