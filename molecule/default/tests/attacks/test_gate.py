"""A host with trouble of its own and a proxy in its environment: the gate fails over neither of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, hosts, on_every
from hostchecks.modules import module
from hostchecks.systemd import AGENT, EXTRACTORS

testinfra_hosts = ["ansible://seclyzer_edge"]

PROXIES = "".join(f"{name}=http://127.0.0.1:9\n" for name in ("http_proxy", "https_proxy", "all_proxy"))
VARIABLES, SUDO = "/etc/seclyzer-test-environment", "/etc/sudoers.d/seclyzer-test"


@dataclass(frozen=True)
class Seen:
    """What the agent and the extractor made of a refused point; what the gate did, by proxy or not."""

    agent: str
    log: list[str]
    proxies: list[str]
    stays: dict[str, Any]
    gate: dict[str, Any]


@pytest.fixture(scope="module")
def all_seen() -> Iterator[dict[str, Seen]]:
    """One look for all tests, on all edges at the same time; the hosts are left as they were."""
    try:
        yield on_every(EDGES, _look)
    finally:
        for edge in hosts(EDGES):
            edge.check_output(f"rm -f {SUDO} {VARIABLES}")
            edge.check_output(f"systemctl restart {EXTRACTORS['app']} {AGENT}")


def _look(edge: Host) -> Seen:
    agent, *log = run_on(edge, "refused")
    edge.check_output(f"printf %s > {VARIABLES}; printf %s > {SUDO}", PROXIES, f"Defaults env_file={VARIABLES}\n")
    proxies = edge.check_output("printenv http_proxy https_proxy all_proxy").split()
    stays = module(edge, "seclyzer.edge.seclyzer_deployment", state="previous", undo="of no run")
    gate = module(edge, "seclyzer.edge.seclyzer_health", seconds=5, grace=0, before=stays["before"], by="a test")
    return Seen(agent, log, proxies, stays, gate)


@pytest.fixture
def seen(host: Host, all_seen: dict[str, Seen]) -> Seen:
    return all_seen[name(host)]


def test_a_refused_point_fails_the_agent_and_the_log_says_why(seen: Seen) -> None:
    assert seen.agent == "fail"
    (line,) = seen.log
    assert 'status=422 points=1 reason="beyond the retention of the bucket" oldest=2' in line


def test_it_is_known_to_be_older_than_the_switch(seen: Seen) -> None:
    assert seen.stays["returned"] is False
    assert "app:losses" in seen.stays["before"]["fails"]


def test_the_gate_lets_it_pass_and_says_so_in_spite_of_a_proxy(seen: Seen) -> None:
    assert seen.proxies == ["http://127.0.0.1:9"] * 3
    assert seen.gate["faults"] == []
    assert "which is older than the switch" in seen.gate["summary"]
    assert seen.gate["summary"].endswith("InfluxDB answers")
