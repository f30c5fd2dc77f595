"""A port that a foreign program holds is refused before any change, with who has it and what names another."""

import os
import socket
from collections.abc import Iterator

import pytest

from plugins.module_utils import listening, ports

OPTIONS = {
    "seclyzer_agent_listen": "127.0.0.1:9484",
    "seclyzer_agent_web_listen": "",
    "redis_port": 0,
    "influxdb_port": 8086,
    "influxdb_backend_port": "8087",
}
OWN = {"pid": 7, "process": "nginx", "unit": "influxdb-gateway.service"}
OTHER = {"pid": 812, "process": "python3", "unit": "metrics.service"}


def row(port: int, address: str, *holders: dict[str, object]) -> dict[str, object]:
    return {"port": port, "address": address, "holders": list(holders)}


@pytest.mark.parametrize(
    ("number", "variable"),
    [
        (9484, "seclyzer_agent_listen"),
        (9485, "seclyzer_agent_web_listen"),
        (6379, "redis_port"),
        (8086, "influxdb_port"),
        (8087, "influxdb_backend_port"),
    ],
)
def test_who_has_the_port_and_which_variable_names_another_is_a_sentence(number: int, variable: str) -> None:
    expected = ports.of_host(
        OPTIONS | {"redis_port": "6379", "seclyzer_agent_web_listen": "0.0.0.0:9485"}, edge=True, store=True, tls=True
    )
    assert ports.faults(expected, [row(number, "0.0.0.0", OTHER), row(number, "::", OTHER)]) == [
        f"port {number} is in use by python3 (pid 812, metrics.service); {variable} names another"
    ]


def test_ports_of_our_own_units_are_no_fault_nor_are_those_of_parts_that_a_host_has_not() -> None:
    store = ports.of_host(OPTIONS, edge=False, store=True, tls=True)
    systemd = {"pid": 1, "process": "systemd", "unit": "seclyzer-agent.socket"}
    assert ports.faults(store, [row(8086, "0.0.0.0", OWN), row(9484, "127.0.0.1", systemd)]) == []
    edge = ports.of_host(OPTIONS, edge=True, store=False, tls=True)
    assert [port.number for port in edge] == [9484]
    assert ports.faults(edge, [row(8086, "0.0.0.0", OTHER), row(6379, "127.0.0.1", OTHER)]) == []


def test_the_port_of_an_influxdb_that_is_another_s_is_its_own_and_the_gateway_gets_none_of_it() -> None:
    theirs = {"pid": 9, "process": "influxd", "unit": "influxdb.service"}
    store = ports.of_host(OPTIONS, edge=False, store=True, tls=True, used=True)
    assert [port.number for port in store] == [9484, 8086]
    assert ports.faults(store, [row(8087, "127.0.0.1", theirs)]) == []
    assert ports.faults(store, [row(8086, "::", theirs)]) == [
        "port 8086 is in use by influxd (pid 9, influxdb.service); influxdb_port names another"
    ]


def test_who_cannot_be_seen_and_who_is_of_no_unit_are_reported_too() -> None:
    edge = ports.of_host(OPTIONS, edge=True, store=False, tls=True)
    (unseen,) = ports.faults(edge, [row(9484, "127.0.0.1")])
    assert unseen.startswith("port 9484 is in use by a program that root cannot see; ")
    (known,) = ports.faults(edge, [row(9484, "127.0.0.1", OTHER | {"unit": ""})])
    assert known.startswith("port 9484 is in use by python3 (pid 812); ")


@pytest.mark.parametrize(
    ("mine", "theirs", "excluded"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "::", True),
        ("127.0.0.1", "10.0.0.7", False),
        ("[::1]", "0.0.0.0", False),
        ("::", "10.0.0.7", True),
    ],
)
def test_only_an_address_that_excludes_ours_counts(mine: str, theirs: str, excluded: bool) -> None:
    assert listening.collides(mine, theirs) is excluded


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"])
def taken(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    family, address = request.param
    with socket.create_server((address, 0), family=family) as server:
        yield address, int(server.getsockname()[1])


def test_a_listener_is_found_with_its_address_and_process(taken: tuple[str, int]) -> None:
    address, port = taken
    (found,) = listening.at([port])
    assert (found["port"], found["address"]) == (port, address)
    (holder,) = [holder for holder in found["holders"] if holder["pid"] == os.getpid()]
    assert holder["process"].startswith(("python", "pytest"))
    assert listening.at([1]) == []
