"""Extractors and agent have no network: what they reach is one socket, behind which the store is found by its name."""

import time
from typing import Any

import pytest
from hostchecks import flow, moved_store
from hostchecks.features import KINDS
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, hosts, on_every
from hostchecks.moved_store import Moved
from hostchecks.polling import poll
from hostchecks.systemd import AGENT, EXTRACTORS, STORE_PROXY, STORE_SOCKET

testinfra_hosts = ["ansible://seclyzer_edge"]

SOCKET = "/run/seclyzer/influx.sock"
CA = "/etc/seclyzer/influx-ca.crt"
UNITS = [*EXTRACTORS.values(), AGENT]
BY_SOCKET = ["store", SOCKET, "store", CA]
OTHERS = ["nobody", "redis", "seclyzer-keystroke", "seclyzer-agent"]


@pytest.fixture
def targets(host: Host) -> dict[str, list[Any]]:
    """Everything that an attacker in a sandbox would like to talk to, and the one way that is meant."""
    (store,) = hosts("seclyzer_store")
    address = store.check_output("hostname -I").split()[0]
    (neighbour,) = [edge for edge in hosts(EDGES) if name(edge) != name(host)]
    beside = neighbour.check_output("hostname -I").split()[0]
    servers = host.check_output("awk '$1 == \"nameserver\" {print $2}' /etc/resolv.conf").split()
    return {
        "ssh of the store": ["tcp", address, 22],
        "port of the store": ["tcp", address, 8086],
        "ssh of the other edge": ["tcp", beside, 22],
        "DNS of a neighbour": ["udp", beside, 53],
        "own ssh": ["tcp", "127.0.0.1", 22],
        "own agent": ["tcp", "127.0.0.1", 9484],
        **{f"resolver {server}": ["udp", server, 53] for server in servers},
        "D-Bus": ["unix", "/run/dbus/system_bus_socket"],
        "the store by the socket": BY_SOCKET,
    }


def test_all_of_it_is_there_to_be_reached(host: Host, targets: dict[str, list[Any]]) -> None:
    reported = run_on(host, "inside", unit=EXTRACTORS["app"], way="outside", targets=targets)
    assert reported == dict.fromkeys(reported, "reached")
    assert {"shared", "abstract", "asked"} < reported.keys()


@pytest.mark.parametrize("unit", UNITS)
def test_from_a_sandbox_only_the_store_is_reached_and_only_by_the_socket(
    host: Host, targets: dict[str, list[Any]], unit: str
) -> None:
    reported = run_on(host, "inside", unit=unit, way="sandbox", targets=targets)
    meant = {"the store by the socket", *(["D-Bus"] if unit == AGENT else [])}
    assert {target for target, words in reported.items() if words == "reached"} == meant, reported


@pytest.mark.parametrize("unit", UNITS)
def test_a_running_process_has_neither_network_nor_ipc_in_common_with_the_host(
    host: Host, targets: dict[str, list[Any]], unit: str
) -> None:
    """Without its filter of system calls and its view of the files, as one who got past them."""
    reported = run_on(host, "inside", unit=unit, way="namespaces", targets=targets)
    assert {target for target, words in reported.items() if words == "reached"} == {"D-Bus", "asked"}, reported


@pytest.mark.parametrize("user", OTHERS)
def test_who_is_not_of_the_sockets_group_cannot_connect(host: Host, user: str) -> None:
    targets = {"socket": BY_SOCKET, "replaced": ["replace", SOCKET]}
    reported = run_on(host, "inside", unit=AGENT, way=user, targets=targets)
    assert (reported["socket"], reported["replaced"]) == ("EACCES", "EACCES")


@pytest.mark.parametrize("unit", UNITS)
def test_who_may_connect_cannot_put_another_socket_in_its_place(host: Host, unit: str) -> None:
    reported = run_on(host, "inside", unit=unit, way="sandbox", targets={"replaced": ["replace", SOCKET]})
    assert reported["replaced"] in ("EACCES", "EROFS")


def test_the_certificate_has_to_be_for_the_stores_name(host: Host) -> None:
    targets = {"another": ["store", SOCKET, "elsewhere", CA]}
    reported = run_on(host, "inside", unit=AGENT, way="sandbox", targets=targets)
    assert reported["another"] != "reached" and "reached" not in reported.values(), reported


@pytest.mark.parametrize("unit", UNITS)
def test_no_address_stands_in_a_unit(host: Host, unit: str) -> None:
    allowed = host.check_output("systemctl show --value -p IPAddressAllow %s", unit)
    assert allowed == ""
    assert host.run("systemd-analyze security --no-pager --threshold=10 %s", unit).rc == 0


@pytest.mark.parametrize("unit", UNITS)
def test_no_resolver_and_no_name_is_asked(host: Host, unit: str) -> None:
    families = host.check_output("systemctl show --value -p RestrictAddressFamilies %s", unit)
    assert families == "AF_UNIX"


@pytest.fixture(scope="session")
def mended() -> dict[str, list[str]]:
    """What was seen while the proxy could not start, and when it could again, on all edges at the same time."""
    return on_every(EDGES, _break_and_mend)


def test_a_proxy_that_does_not_start_comes_back_by_itself(host: Host, mended: dict[str, list[str]]) -> None:
    """Systemd takes a socket away whose service is started too often in vain; here that is not for ever."""
    assert mended[name(host)] == ["not reached", "reached", "active", "active"]


def _break_and_mend(edge: Host) -> list[str]:
    place = f"/run/systemd/system/{STORE_PROXY}.d"
    broken = "[Service]\\nExecStart=\\nExecStart=/bin/false\\n"
    edge.check_output(f"mkdir -p {place}; printf '{broken}' > {place}/broken.conf; systemctl daemon-reload")
    try:
        edge.check_output("systemctl kill -s KILL %s", STORE_PROXY)
        until = time.monotonic() + 8  # more starts than systemd allows in 10 s
        while time.monotonic() < until:
            meanwhile = _reached(edge)
    finally:
        edge.check_output(f"rm -r {place}; systemctl daemon-reload")
    afterwards = poll(lambda: _reached(edge), lambda words: words == "reached", 15)
    shown = edge.check_output(f"systemctl is-active {STORE_PROXY} {STORE_SOCKET} || true").split()
    edge.check_output(f"systemctl reset-failed {STORE_PROXY}; systemctl restart {AGENT}")
    return [meanwhile, afterwards, *shown]


def _reached(edge: Host) -> str:
    reported = run_on(edge, "inside", unit=AGENT, way="outside", targets={"store": BY_SOCKET})["store"]
    return "reached" if reported == "reached" else "not reached"


@pytest.fixture(scope="session")
def ordeals() -> dict[str, Moved]:
    """One for all tests, on all edges at the same time."""
    return on_every(EDGES, moved_store.run)


@pytest.fixture
def moved(host: Host, ordeals: dict[str, Moved]) -> Moved:
    return ordeals[name(host)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_has_moved_is_found_without_a_rollout_and_no_window_is_lost(moved: Moved, kind: str) -> None:
    """While the proxy is killed or restarted every 0.4 s."""
    expected = sorted(window["ts"] for window in moved.fed.published[kind])
    assert len(expected) >= 3
    assert moved.away[kind] == []
    assert sorted(flow.microseconds(point["_time"]) for point in moved.stored[kind]) == expected


def test_health_says_that_the_store_is_not_reached_and_that_nothing_is_lost_while_it_lasts(moved: Moved) -> None:
    """The resolver is another one, which does not answer."""
    assert moved.while_away["status"] == "warn"
    assert "InfluxDB cannot be reached by /run/seclyzer/influx.sock" in moved.while_away["output"]
    assert "journalctl -u seclyzer-store" in moved.while_away["output"]
    assert "no point is lost" in moved.while_away["output"]
    assert moved.when_found["status"] == "pass", moved.when_found


def test_each_way_to_say_where_the_store_is_counts_at_once(moved: Moved) -> None:
    good = "influxdb: good: "
    reported = {"by resolver": moved.by_resolver, "by hosts": moved.by_hosts, "home": moved.home}
    assert {step: words for step, words in reported.items() if not words.startswith(good)} == {}
