"""Another program has a port that a host's parts are configured for: refused before any change, and it is named."""

import re

import pytest
from hostchecks import rollout
from hostchecks.host import Host, name
from hostchecks.lab import hosts
from hostchecks.rollout import Run

testinfra_hosts = ["ansible://seclyzer_edge", "ansible://seclyzer_store"]

UNIT = "seclyzer-test-squatter"
PORTS = {"influxdb_port": 18086, "influxdb_backend_port": 18087, "seclyzer_agent_listen": 19484, "redis_port": 16379}
OF_STORE = {"influxdb_port", "influxdb_backend_port"}
LISTEN = (
    "import socket, sys, time; s = [socket.create_server(('127.0.0.1', int(p))) for p in sys.argv[1:]]; time.sleep(600)"
)


@pytest.fixture(scope="module")
def run() -> Run:
    """One run for all tests, while the ports are taken on every host."""
    everywhere = [*hosts("seclyzer_edge"), *hosts("seclyzer_store")]
    numbers = " ".join(map(str, PORTS.values()))
    typed = {option: str(port) for option, port in PORTS.items()} | {"redis_legacy_clients": "true"}
    typed["seclyzer_agent_listen"] = f"127.0.0.1:{PORTS['seclyzer_agent_listen']}"
    try:
        for host in everywhere:
            host.check_output(f"systemd-run --quiet --collect --unit={UNIT} python3 -c %s {numbers}", LISTEN)
        return rollout.roll_out(*(word for option, value in typed.items() for word in ("-e", f"{option}={value}")))
    finally:
        for host in everywhere:
            host.run("systemctl stop %s", UNIT)


def test_the_run_is_refused_and_nothing_has_changed(run: Run) -> None:
    assert run.status == 2
    assert "Nothing was changed." in run.text
    assert run.changed == []


@pytest.mark.parametrize("option", PORTS)
def test_each_port_is_reported_with_its_program_and_the_variable_that_names_another(
    run: Run, host: Host, option: str
) -> None:
    mine = (option in OF_STORE) if name(host) == "store" else (option not in OF_STORE)
    reported = set(re.findall(rf"\b{name(host)}: port {PORTS[option]} .*", run.text))
    assert len(reported) == (mine or option == "seclyzer_agent_listen"), run.text
    for line in reported:
        assert "is in use by python3 (pid " in line
        assert line.endswith(f", {UNIT}.service); {option} names another")
