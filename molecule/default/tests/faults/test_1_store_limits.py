"""The limits of every service of the store bite: a greedy process in its group is stopped, the service lives on."""

import pytest
from hostchecks import limits
from hostchecks.host import Host
from hostchecks.systemd import AGENT, GATEWAY, STORE_SERVICES

testinfra_hosts = ["ansible://seclyzer_store"]

SERVICES = pytest.mark.parametrize("unit", STORE_SERVICES)


@SERVICES
def test_a_process_that_takes_too_much_memory_is_killed(host: Host, unit: str) -> None:
    limits.memory_is_bounded(host, unit)


@SERVICES
def test_a_process_that_forks_too_often_is_refused(host: Host, unit: str) -> None:
    limits.tasks_are_bounded(host, unit)


@pytest.mark.parametrize("unit", [AGENT, GATEWAY])
def test_a_process_that_spins_beside_it_is_slowed_down(host: Host, unit: str) -> None:
    limits.cpu_is_bounded(host, unit)
