"""Raw events stay in Redis' memory on the edge: not on its disk, not in swap or a core dump, not on the network."""

import socket
from functools import cache

import pytest
from hostchecks.host import Host, run_on
from hostchecks.systemd import REDIS, Properties

testinfra_hosts = ["ansible://seclyzer_edge"]

IN_FORCE = {
    "save": "",
    "appendonly": "no",
    "slowlog-log-slower-than": "-1",
    "crash-log-enabled": "no",
    "maxmemory-policy": "noeviction",
    "protected-mode": "yes",
    "logfile": "",
}


@cache
def _settings(host: Host) -> dict[str, str]:
    found: dict[str, str] = run_on(host, "config", "resp", names=[*IN_FORCE, "maxmemory", "port"])
    return found


@pytest.mark.parametrize("setting", IN_FORCE)
def test_setting_is_in_force(host: Host, setting: str) -> None:
    assert _settings(host)[setting] == IN_FORCE[setting]


def test_memory_is_bounded(host: Host, units: dict[str, Properties]) -> None:
    bound = int(_settings(host)["maxmemory"])
    assert 0 < bound < int(units[REDIS]["MemoryMax"])


def test_there_is_no_port(host: Host, units: dict[str, Properties]) -> None:
    assert _settings(host)["port"] == "0"
    assert host.check_output("ss -Hltn 'sport = :6379'") == ""
    interfaces = host.check_output("cat /proc/%s/net/dev", units[REDIS]["MainPID"]).splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"], "it has no network to listen on"


def test_the_network_finds_no_redis(host: Host) -> None:
    address = host.check_output("hostname -I").split()[0]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, 6379), timeout=3)


def test_the_socket_is_for_its_group_only(host: Host) -> None:
    assert host.check_output("stat -c %s /run/redis/redis-server.sock", "%U:%G %a") == "redis:seclyzer-redis 770"


def test_no_dump_lies_on_disk(host: Host) -> None:
    names = ("*.rdb", "*.aof", "*.aof.manifest", "core", "core.[0-9]*")
    expected = " -o ".join(f"-name '{pattern}'" for pattern in names)
    assert host.check_output(f"find / -xdev -type f -not -path '/usr/*' '(' {expected} ')'") == ""


@pytest.mark.parametrize("folder", ["/var/lib/redis", "/var/log/redis", "/etc/redis", "/etc/seclyzer/redis", "/"])
def test_redis_can_write_nowhere_on_disk(host: Host, units: dict[str, Properties], folder: str) -> None:
    file = f"{folder.rstrip('/')}/hostchecks"
    done = host.run("touch /proc/%s/root%s", units[REDIS]["MainPID"], file)
    host.run("rm -f %s", file)
    assert "Read-only file system" in done.stderr, f"{file}: {done.stderr or 'was written'}"


def test_nothing_goes_to_swap_or_into_a_core_dump(host: Host, units: dict[str, Properties]) -> None:
    assert units[REDIS]["MemorySwapMax"] == "0"
    limits = host.check_output("cat /proc/%s/limits", units[REDIS]["MainPID"])
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
