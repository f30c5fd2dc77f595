"""Which programs listen at TCP ports of this host: from /proc, and from systemd for what it listens at itself."""

from __future__ import annotations

import ipaddress
import os
import subprocess
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from .files import read

PROC = Path("/proc")
LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""


def at(ports: Collection[int], proc: Path = PROC) -> list[dict[str, Any]]:
    """Each listener at one of these ports: `port`, `address` and `holders`, each with `pid`, `process` and `unit`.

    What systemd listens at has the name of its socket unit. A program that cannot be seen is no holder.
    """
    found = {inode: (address, port) for inode, address, port in _sockets(proc) if port in ports}
    units = _socket_units(ports) if found else {}
    holders: dict[str, list[dict[str, Any]]] = {inode: [] for inode in found}
    for inode, pid in _holders(proc, set(found)):
        unit = units.get(found[inode][1], "") if pid == 1 else unit_of(proc, pid)
        holders[inode].append({"pid": pid, "process": _process(proc, pid), "unit": unit})
    return [{"port": port, "address": found[inode][0], "holders": holders[inode]} for inode, (_, port) in found.items()]


def collides(mine: str, theirs: str) -> bool:
    """Whether two listeners at one port exclude each other; `0.0.0.0` is every address of IPv4, `::` every one."""
    one, other = (ipaddress.ip_address(address.strip("[]")) for address in (mine, theirs))
    every = any(address.is_unspecified and address.version == 6 for address in (one, other))
    every_old = any(address.is_unspecified for address in (one, other)) and one.version == other.version
    return one == other or every or every_old


def _sockets(proc: Path) -> Iterator[tuple[str, str, int]]:
    """Inode, address and port of each listening socket."""
    for table in ("tcp", "tcp6"):
        for line in (read(proc / "net" / table) or "").splitlines()[1:]:
            words = line.split()
            if len(words) > 9 and words[3] == LISTEN:
                address, _, port = words[1].partition(":")
                yield words[9], _address(address), int(port, 16)


def _address(digits: str) -> str:
    """An address from the kernel's words of 32 bits, each in the byte order of the machine."""
    packed = b"".join(bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8))
    return str(ipaddress.ip_address(packed))


def _holders(proc: Path, inodes: set[str]) -> Iterator[tuple[str, int]]:
    """Which process holds which socket."""
    for pid in sorted(int(path.name) for path in proc.glob("[0-9]*")):
        with suppress(OSError):
            for link in os.scandir(proc / str(pid) / "fd"):
                with suppress(OSError):
                    target = os.readlink(link.path)
                    if target.startswith("socket:[") and target[8:-1] in inodes:
                        yield target[8:-1], pid


def _process(proc: Path, pid: int) -> str:
    with suppress(OSError):
        return (proc / str(pid) / "comm").read_text(errors="replace").strip()
    return ""


def unit_of(proc: Path, pid: int) -> str:
    """The unit that a process is of, by its control group."""
    with suppress(OSError):
        for line in (proc / str(pid) / "cgroup").read_text(errors="replace").splitlines():
            name, path = line.split(":", 2)[1:]
            last = path.rstrip("/").rpartition("/")[2]
            if name in ("", "name=systemd") and last.endswith((".service", ".scope")):
                return last
    return ""


def _socket_units(ports: Collection[int]) -> dict[int, str]:
    """The socket units that listen at these ports."""
    command = ["systemctl", "list-sockets", "--full", "--no-legend", "--no-pager", "--plain"]
    with suppress(OSError):
        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        rows = [line.split() for line in output.splitlines()]
        found = {row[0].rpartition(":")[2]: row[1] for row in rows if len(row) > 1}
        return {port: found[str(port)] for port in ports if str(port) in found}
    return {}
