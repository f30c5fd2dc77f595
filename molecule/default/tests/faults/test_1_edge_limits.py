"""The limits of every service of an edge bite: a greedy process in its group is stopped, the service lives on."""

import pytest
from hostchecks import limits
from hostchecks.host import Host
from hostchecks.systemd import EDGE_SERVICES, STORE_PROXY

testinfra_hosts = ["ansible://seclyzer_edge"]

pytestmark = pytest.mark.parametrize("unit", [*EDGE_SERVICES, STORE_PROXY])


def test_a_process_that_takes_too_much_memory_is_killed(host: Host, unit: str) -> None:
    limits.memory_is_bounded(host, unit)


def test_a_process_that_forks_too_often_is_refused(host: Host, unit: str) -> None:
    limits.tasks_are_bounded(host, unit)


def test_a_process_that_spins_is_slowed_down(host: Host, unit: str) -> None:
    limits.cpu_is_bounded(host, unit)
