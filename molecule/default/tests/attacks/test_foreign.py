"""A host that has lost the marks by which Redis and InfluxDB are ours: refused as another's, and nothing is touched."""

import pytest
from hostchecks import rollout, rollouts
from hostchecks.host import Host, name
from hostchecks.lab import hosts
from hostchecks.rollout import Run

testinfra_hosts = ["ansible://seclyzer_edge", "ansible://seclyzer_store"]

DROPIN = "/etc/systemd/system/redis-server.service.d/seclyzer.conf"
UNIT = "/etc/systemd/system/influxdb.service"
AWAY = "/root/attack-foreign"
PIDS = "systemctl show --property=MainPID redis-server influxdb"
REFUSED = {
    "seclyzer_edge": "a Redis that SecLyzer did not install is here (redis-server.service, active, pid ",
    "seclyzer_store": "an InfluxDB that SecLyzer did not install is here (influxdb.service, active, pid ",
}


@pytest.fixture(scope="module")
def run() -> Run:
    """One run for all tests; systemd does not reload what stands there meanwhile."""
    edges, stores = hosts("seclyzer_edge"), hosts("seclyzer_store")
    before = {name(host): host.check_output(PIDS) for host in (*edges, *stores)}
    try:
        for host in edges:
            host.check_output(f"mv {DROPIN} {AWAY}")
        for host in stores:
            host.check_output(f"cp -p {UNIT} {AWAY} && sed -i s/SecLyzer/Another/ {UNIT}")
        done = rollout.roll_out("-e", "influxdb_retention_days=31")
    finally:
        for host in edges:
            host.check_output(f"mv {AWAY} {DROPIN}")
        for host in stores:
            host.check_output(f"mv {AWAY} {UNIT}")
    after = {name(host): host.check_output(PIDS) for host in (*edges, *stores)}
    for title, host in (("a Redis of another's", edges[0]), ("an InfluxDB of another's", stores[0])):
        kept = "the same processes on every host" if after == before else "changed"
        rollouts.record(title, done, rollouts.cause(done, name(host)), others=kept)
    assert after == before
    return done


def test_the_run_is_refused_and_nothing_has_changed(run: Run) -> None:
    assert run.status == 2, run.text
    assert "Nothing was changed." in run.text
    assert run.changed == []


@pytest.mark.parametrize("group", REFUSED)
def test_each_host_is_reported_with_what_is_there_and_the_variable_that_decides(
    run: Run, host: Host, group: str
) -> None:
    mine = name(host) in [name(one) for one in hosts(group)]
    assert (f"{name(host)}: {REFUSED[group]}" in run.text) is mine, run.text
    assert "redis_existing decides: " in run.text and "influxdb_existing decides: " in run.text
