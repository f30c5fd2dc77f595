"""The labs as values, read from labs.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from lab.say import LabError

TABLE = Path(__file__).with_name("labs.toml")
RELEASES = {"bookworm": "Debian 12", "trixie": "Debian 13", "forky": "Debian testing", "noble": "Ubuntu 24.04"}
UNIFIED_ONLY = {"forky"}
"""Those whose systemd knows cgroups of version 2 only."""


@dataclass(frozen=True)
class Host:
    """One host of a lab."""

    name: str
    network: str
    address: IPv4Address
    release: str
    certificate: bool = False

    @property
    def container(self) -> str:
        """The name podman knows it by."""
        return f"{self.network}-{self.name}"

    @property
    def mac(self) -> str:
        """A locally administered MAC address made from the address, the same every time."""
        return "02:53:" + ":".join(f"{byte:02x}" for byte in self.address.packed)


@dataclass(frozen=True)
class Lab:
    """One lab: a network of its own and the hosts in it."""

    name: str
    network: str
    subnet: IPv4Network
    inventory: str
    hosts: tuple[Host, ...]

    def host(self, name: str) -> Host:
        """The host of that name."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"lab {self.name} has no host {name}; it has {', '.join(h.name for h in self.hosts)}")


@cache
def labs() -> dict[str, Lab]:
    """Every lab by name, in the order of labs.toml."""
    return {name: _lab(name, table) for name, table in tomllib.loads(TABLE.read_text()).items()}


def _lab(name: str, table: dict[str, object]) -> Lab:
    network = str(table["network"])
    hosts = table["hosts"]
    assert isinstance(hosts, dict)
    return Lab(
        name=name,
        network=network,
        subnet=IPv4Network(str(table["subnet"])),
        inventory=str(table["inventory"]),
        hosts=tuple(
            Host(key, network, IPv4Address(host["address"]), host["release"], host.get("certificate", False))
            for key, host in hosts.items()
        ),
    )
