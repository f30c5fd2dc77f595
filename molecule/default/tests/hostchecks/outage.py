"""An outage of the store: fed while it is away, looked at, switched to other implementations, and waited for."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hostchecks import deployment, flow
from hostchecks.features import KINDS, Window
from hostchecks.flow import WAYS, Fed
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, INVENTORY, ROOT, hosts, on_every, unplugged
from hostchecks.polling import poll

T = TypeVar("T")

# InfluxDB is given 10 s to answer, statistics come every 5 s, the agent reads them every 5 s and believes the third
# reading; it asks InfluxDB every 10 s, waits 4 s for the answer, and believes the second.
SEEN = 90
# What is spooled is tried again every 3 s here, heartbeats and the agent as above.
MENDED = 90
# What is waited for is written every 5 s.
PAUSE = 2


@dataclass(frozen=True)
class Look:
    """An edge at one moment: the agent's answer, the extractors' statistics, what lies in their spools."""

    status: int
    health: dict[str, Any]
    stats: dict[str, dict[str, str]]
    spools: dict[str, dict[str, Any]]

    def entry(self, check: str) -> dict[str, Any]:
        """The first entry of a check of the agent, such as `influxdb:responseTime`."""
        found: dict[str, Any] = self.health.get("checks", {}).get(check, [{"status": "not there", "output": ""}])[0]
        return found

    @property
    def files(self) -> int:
        """How many files lie in all spools."""
        return sum(len(spool["files"]) for spool in self.spools.values())


@dataclass(frozen=True)
class Outage:
    """What was fed before and after the switch, seen on each edge while the store was away and when it was back."""

    before: dict[str, str]
    switched: subprocess.CompletedProcess[str]
    after: dict[str, str]
    fed: dict[str, list[Fed]]
    away: dict[str, Look]
    back: dict[str, Look]
    stored: dict[str, dict[str, list[Window]]]


def run() -> Outage:
    """The whole of it, on all edges at the same time."""
    (store,) = hosts("seclyzer_store")
    edges = hosts(EDGES)
    before = deployment.manifest(edges[0])["implementations"]
    with unplugged(name(store)):
        first = on_every(EDGES, _feed)
        away = on_every(EDGES, lambda edge: _wait_for(edge, _is_spooled, SEEN))
        switched = _go_back()
        second = on_every(EDGES, _feed)
    back = on_every(EDGES, lambda edge: _wait_for(edge, _is_sent, MENDED))
    fed = {edge: [first[edge], second[edge]] for edge in first}
    stored = on_every(EDGES, lambda edge: flow.gather(edge, store, first[name(edge)].start, published(fed[name(edge)])))
    after = deployment.manifest(edges[0])["implementations"]
    return Outage(before, switched, after, fed, away, back, stored)


def published(fed: list[Fed]) -> dict[str, list[Window]]:
    """What came out of an edge, by kind, of all that was fed."""
    return {kind: [window for one in fed for window in one.published[kind]] for kind in KINDS}


def look(edge: Host) -> Look:
    """At this moment."""
    answer = run_on(edge, "ask", paths=["/healthz?verbose"], reader=True)["/healthz?verbose"]
    health = json.loads(answer["body"]) if answer["status"] else {}
    return Look(answer["status"], health, run_on(edge, "stats", "resp"), run_on(edge, "spool"))


def _feed(edge: Host) -> Fed:
    number = hosts(EDGES).index(edge)
    return flow.feed(edge, WAYS[number % len(WAYS)], seed=number)


def _is_spooled(seen: Look) -> bool:
    """Every extractor has put points aside, and the agent has seen it."""
    reported = re.search("points are in the spool", seen.entry("influxdb:responseTime").get("output", ""))
    warned = [seen.entry(f"{kind}:spool")["status"] for kind in KINDS]
    return bool(reported) and warned == ["warn"] * len(KINDS)


def _is_sent(seen: Look) -> bool:
    waits = [int(stats.get("spool_bytes", 1)) for stats in seen.stats.values()]
    return not seen.files and waits == [0] * len(KINDS) and seen.entry("influxdb:responseTime")["status"] == "pass"


def _wait_for(edge: Host, good: Callable[[Look], bool], seconds: float) -> Look:
    """The first look that is good, or the last one within that time."""
    return poll(lambda: look(edge), good, seconds, PAUSE)


def _go_back() -> subprocess.CompletedProcess[str]:
    """To the implementations of the deployment before, as typed; the store is not there to be asked."""
    return subprocess.run(
        ["ansible-playbook", "-i", INVENTORY, "rollback.yml", "--limit", EDGES],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        timeout=300,
    )
