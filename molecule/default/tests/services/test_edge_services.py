"""The services of an edge: up, enabled, ready, and each the program its deployment means, as a user of its own."""

import pytest
from hostchecks import deployment
from hostchecks.features import PROGRAMS
from hostchecks.host import Host, run_on
from hostchecks.polling import poll
from hostchecks.systemd import AGENT, EDGE_SERVICES, EXTRACTORS, REDIS, TOGETHER, Properties

testinfra_hosts = ["ansible://seclyzer_edge"]

OURS = [*EXTRACTORS.values(), AGENT]


@pytest.mark.parametrize("unit", EDGE_SERVICES)
def test_service_is_up_enabled_and_never_restarted_itself(units: dict[str, Properties], unit: str) -> None:
    found = {key: units[unit][key] for key in ("ActiveState", "SubState", "UnitFileState", "Result", "NRestarts")}
    assert found == {
        "ActiveState": "active",
        "SubState": "running",
        "UnitFileState": "enabled",
        "Result": "success",
        "NRestarts": "0",
    }


@pytest.mark.parametrize("unit", EDGE_SERVICES)
def test_service_says_itself_that_it_is_ready(units: dict[str, Properties], unit: str) -> None:
    assert units[unit]["Type"] == "notify"
    assert units[unit]["StatusText"]


@pytest.mark.parametrize("unit", OURS)
def test_service_is_watched(units: dict[str, Properties], unit: str) -> None:
    assert units[unit]["WatchdogUSec"] not in ("0", "infinity")
    assert units[unit]["Restart"] in ("always", "on-failure")


def test_the_extractors_can_be_named_together(units: dict[str, Properties]) -> None:
    together = units[TOGETHER]
    assert (together["ActiveState"], together["SubState"], together["UnitFileState"]) == ("active", "exited", "enabled")
    assert set(EXTRACTORS.values()) <= set(together["ConsistsOf"].split())


@pytest.mark.parametrize("kind", EXTRACTORS)
def test_process_is_the_program_of_the_deployed_release(host: Host, units: dict[str, Properties], kind: str) -> None:
    implementation = deployment.manifest(host)["implementations"][kind]
    folder = {"rust": "bin", "python": "venv/bin"}[implementation]
    program = f"{deployment.release(host)}/{folder}/{PROGRAMS[kind]}"
    pid = units[EXTRACTORS[kind]]["MainPID"]
    words = host.check_output("tr '\\0' '\\n' < /proc/%s/cmdline", pid).splitlines()
    assert program in words[:3]  # an interpreter and its option may stand before it
    if implementation == "rust":
        assert host.check_output("readlink /proc/%s/exe", pid) == program


@pytest.mark.parametrize("unit", OURS)
def test_process_runs_as_the_user_of_its_unit(host: Host, units: dict[str, Properties], unit: str) -> None:
    user = host.check_output("stat -c %s /proc/%s", "%U", units[unit]["MainPID"])
    assert user == unit.removesuffix(".service")


def test_redis_runs_as_redis(host: Host, units: dict[str, Properties]) -> None:
    assert host.check_output("stat -c %s /proc/%s", "%U", units[REDIS]["MainPID"]) == "redis"


@pytest.mark.parametrize("kind", EXTRACTORS)
def test_heartbeat_is_fresh_and_from_the_main_process(host: Host, units: dict[str, Properties], kind: str) -> None:
    pid, expected = units[EXTRACTORS[kind]]["MainPID"], deployment.manifest(host)

    def heartbeat() -> dict[str, str | None]:
        stats: dict[str, str] = run_on(host, "stats", "resp")[kind]
        return {key: stats.get(key) for key in ("pid", "implementation", "version")}

    found = poll(heartbeat, lambda found: found["pid"] == pid, 10, 1)  # it is written every 5 s
    assert found == {
        "pid": pid,
        "implementation": expected["implementations"][kind],
        "version": expected["version"],
    }


def test_every_unit_file_is_loaded_as_it_stands(units: dict[str, Properties]) -> None:
    assert {unit: row["NeedDaemonReload"] for unit, row in units.items()} == dict.fromkeys(units, "no")
