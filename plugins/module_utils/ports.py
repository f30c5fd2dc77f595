"""The ports that a host's parts listen at: whose each is, and which variable names another when a program has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .listening import collides

LOOPBACK, EVERYWHERE = "127.0.0.1", "::"


@dataclass(frozen=True)
class Port:
    """A port, where we listen at it, the variable that names it, and our units that may have it already."""

    number: int
    address: str
    variable: str
    units: tuple[str, ...]


def of_host(
    options: Mapping[str, Any],
    edge: bool,
    store: bool,
    tls: bool,
    redis_units: tuple[str, ...] = (),
    used: bool = False,
) -> list[Port]:
    """The ports of a host, by the options of its roles; Redis' package names its unit.

    `used`: InfluxDB is another's, and so is its port.
    """
    ports = []
    for variable in ("seclyzer_agent_listen", "seclyzer_agent_web_listen"):
        address, _, number = str(options[variable]).rpartition(":")
        units = ("seclyzer-agent.socket", "seclyzer-agent.service")
        ports.append(Port(_number(number), address or LOOPBACK, variable, units))
    if edge:
        ports.append(Port(_number(options["redis_port"]), LOOPBACK, "redis_port", redis_units))
    if store:
        reached = EVERYWHERE if tls else LOOPBACK
        # influxdb.service had it on hosts from before there was a gateway.
        gateway = ("influxdb-gateway.service", *(() if used else ("influxdb.service",)))
        ports.append(Port(_number(options["influxdb_port"]), reached, "influxdb_port", gateway))
        if not used:
            backend = ("influxdb.service",)
            ports.append(Port(_number(options["influxdb_backend_port"]), LOOPBACK, "influxdb_backend_port", backend))
    return [port for port in ports if port.number]


def faults(desired: Iterable[Port], listening: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each port that a foreign program holds."""
    rows = list(listening)
    sentences = [
        f"port {port.number} is in use by {_holder(row['holders'])}; {port.variable} names another"
        for port in desired
        for row in rows
        if row["port"] == port.number and collides(port.address, row["address"]) and not _is_ours(port, row["holders"])
    ]
    return list(dict.fromkeys(sentences))


def _is_ours(port: Port, holders: Iterable[Mapping[str, Any]]) -> bool:
    return any(holder["unit"] in port.units for holder in holders)


def _holder(holders: Iterable[Mapping[str, Any]]) -> str:
    """Who has it, in words: the first that is not systemd, which may only have handed the socket on."""
    known = sorted(holders, key=lambda holder: (holder["pid"] == 1, holder["pid"]))
    if not known:
        return "a program that root cannot see"
    first = known[0]
    return f"{first['process']} (pid {first['pid']}{', ' + first['unit'] if first['unit'] else ''})"


def _number(value: Any) -> int:
    return int(value) if str(value).isdecimal() else 0
