"""A unit that stops is in the agent's answer because systemd signals it: the next reading would be an hour away."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hostchecks import deployment
from hostchecks.host import Host
from hostchecks.polling import poll

testinfra_hosts = ["ansible://seclyzer_edge"]

PORT = 9599
UNIT, OTHER_AGENT = "seclyzer-probe.service", "seclyzer-probe-agent.service"
SETTINGS = {
    "LISTEN": f"127.0.0.1:{PORT}",
    "ROLES": "[store]",
    "UNITS": f"{{probe: {UNIT}}}",
    "CHECKS": "{units: {interval_seconds: 3600}}",
    "INFLUX_URL": "http://127.0.0.1:9",
}


@pytest.fixture
def agent(host: Host) -> Iterator[None]:
    """Another agent, as the user of the host's own, that looks after one unit, which runs."""
    host.check_output(f"systemd-run --unit={UNIT} -p Restart=no sleep 3600")
    settings = " ".join(f"-E 'SECLYZER_AGENT_{key}={value}'" for key, value in SETTINGS.items())
    program = f"{deployment.release(host)}/venv/bin/seclyzer_agent"
    host.check_output(f"systemd-run --unit={OTHER_AGENT} -p User=seclyzer-agent {settings} {program}")
    yield
    host.run(f"systemctl stop {OTHER_AGENT} {UNIT}; systemctl reset-failed {OTHER_AGENT} {UNIT}")


def test_a_unit_that_stops_and_one_that_fails_are_shown_by_systemds_signal(host: Host, agent: None) -> None:
    assert poll(lambda: _shown(host), lambda row: row["status"] == "pass", 30) == {
        "status": "pass",
        "output": f"{UNIT} is active (running)",
    }
    host.check_output(f"systemctl kill --signal=SIGKILL {UNIT}")
    assert poll(lambda: _shown(host), lambda row: row["status"] == "fail", 30) == {
        "status": "fail",
        "output": f"{UNIT} is failed (Result=signal)",
    }
    host.check_output(f"systemctl reset-failed {UNIT}; systemd-run --unit={UNIT} -p Restart=no sleep 3600")
    assert poll(lambda: _shown(host), lambda row: row["status"] == "pass", 30)["status"] == "pass"


def _shown(host: Host) -> dict[str, Any]:
    """The unit's row in the other agent's report."""
    answer = host.run(f"curl -s 'http://127.0.0.1:{PORT}/healthz?verbose'").stdout
    rows = json.loads(answer or "{}").get("checks", {}).get("units:state", [{}])
    return {key: rows[0].get(key) for key in ("status", "output")}
