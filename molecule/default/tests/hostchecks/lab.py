"""The lab the tests run in: the project's root, its inventory, its hosts by group."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

import testinfra  # type: ignore[import-untyped]

from hostchecks.host import Host, name
from lab import hosts as machines
from lab import paths
from lab.labs import Lab, labs

EDGES = "seclyzer_edge"
T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[4]
INVENTORY = (ROOT / os.environ.get("SECLYZER_INVENTORY", "inventories/molecule")).resolve()
VERSION = (ROOT / "VERSION").read_text().strip()


@cache
def hosts(group: str) -> list[Host]:
    """The hosts of an inventory group, sorted by name."""
    found = testinfra.get_hosts([f"ansible://{group}"], ansible_inventory=str(INVENTORY))
    return cast(list[Host], sorted(found, key=lambda host: host.backend.get_pytest_id()))


def on_every(group: str, work: Callable[[Host], T]) -> dict[str, T]:
    """What `work` gives on each host of a group, by name; all at the same time."""
    these = hosts(group)
    with ThreadPoolExecutor() as pool:
        return dict(zip([name(host) for host in these], pool.map(work, these), strict=True))


@contextmanager
def unplugged(host: str) -> Iterator[None]:
    """The host is off the network meanwhile."""
    machines.unplug(_lab().host(host))
    try:
        yield
    finally:
        machines.plug(_lab().host(host))


def power_cut(host: Host) -> None:
    """The host is without power for a moment: what was in its memory is gone. It has booted again afterwards."""
    lab = _lab()
    machines.cut(lab.host(name(host)))
    machines.start(lab.host(name(host)))
    machines.wait(lab, lab.host(name(host)))


def address(host: Host) -> str:
    """Where the controller reaches the host."""
    return str(_lab().host(name(host)).address)


def renew() -> None:
    """All hosts are made anew, as they were before anything was rolled out."""
    lab = _lab()
    machines.remove([host.container for host in lab.hosts])
    with ThreadPoolExecutor() as pool:
        for work in (machines.create, lambda _, host: machines.start(host), machines.wait):
            list(pool.map(lambda host, work=work: work(lab, host), lab.hosts))


def login_configuration() -> Path:
    """The configuration by which `ssh` finds the hosts by their names."""
    return paths.state(_lab().name) / "ssh_config"


def _lab() -> Lab:
    (lab,) = [lab for lab in labs().values() if ROOT / lab.inventory == INVENTORY]
    return lab
