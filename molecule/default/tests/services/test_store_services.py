"""The services of the store."""

import pytest
from hostchecks.host import Host
from hostchecks.systemd import AGENT, EXTRACTORS, GATEWAY, INFLUXDB, STORE_SERVICES, Properties, show

testinfra_hosts = ["ansible://seclyzer_store"]


@pytest.mark.parametrize("unit", STORE_SERVICES)
def test_service_is_up_enabled_and_never_restarted_itself(units: dict[str, Properties], unit: str) -> None:
    found = {key: units[unit][key] for key in ("ActiveState", "SubState", "UnitFileState", "Result", "NRestarts")}
    assert found == {
        "ActiveState": "active",
        "SubState": "running",
        "UnitFileState": "enabled",
        "Result": "success",
        "NRestarts": "0",
    }


def test_the_agent_says_itself_that_it_is_ready(units: dict[str, Properties]) -> None:
    assert units[AGENT]["Type"] == "notify"
    assert units[AGENT]["StatusText"]


@pytest.mark.parametrize("unit", STORE_SERVICES)
def test_no_service_runs_as_root(host: Host, units: dict[str, Properties], unit: str) -> None:
    user = host.check_output("stat -c %s /proc/%s", "%U", units[unit]["MainPID"])
    assert user == {AGENT: "seclyzer-agent", GATEWAY: "influxdb-gateway", INFLUXDB: "influxdb"}[unit]


def test_no_extractor_runs_on_the_store(host: Host) -> None:
    shown = show(host, list(EXTRACTORS.values()))
    assert {row["LoadState"] for row in shown.values()} == {"not-found"}
