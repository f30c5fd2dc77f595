"""Every service stands in a sandbox: systemd's own measure of its exposure is 1.5 of 10 at most."""

from hostchecks.host import Host
from hostchecks.systemd import TOGETHER, Properties

testinfra_hosts = ["ansible://seclyzer_edge", "ansible://seclyzer_store"]

THRESHOLD = 15  # times 10


def test_exposure_is_low(host: Host, units: dict[str, Properties]) -> None:
    services = [unit for unit in units if unit != TOGETHER]
    ask = f"systemd-analyze security --no-pager --threshold={THRESHOLD} %s"
    asked = {unit: host.run(ask, unit) for unit in services}
    assert services
    assert {unit: done.stdout[-300:] for unit, done in asked.items() if done.rc != 0} == {}


def test_memory_does_not_go_to_swap_or_into_a_core_dump(units: dict[str, Properties]) -> None:
    services = [unit for unit in units if unit != TOGETHER]
    found = {unit: (units[unit]["MemorySwapMax"], units[unit]["LimitCORE"]) for unit in services}
    assert found == dict.fromkeys(services, ("0", "0"))


def test_no_service_may_gain_privileges(units: dict[str, Properties]) -> None:
    services = [unit for unit in units if unit != TOGETHER]
    assert {unit: units[unit]["NoNewPrivileges"] for unit in services} == dict.fromkeys(services, "yes")
