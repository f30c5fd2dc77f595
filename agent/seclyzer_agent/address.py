"""Hosts and ports, read strictly: what is not plainly the loopback is not the loopback.

No name is resolved here. A name other than `localhost` may lead anywhere, today or tomorrow.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Authority:
    """A host, without brackets, and a port if one is given. `bracketed`: it is an IPv6 address."""

    host: str
    port: int | None
    bracketed: bool

    @property
    def loopback(self) -> bool:
        """Whether it is an address of the loopback (127.x.x.x, ::1), or the name `localhost`."""
        if self.host == "::1" or self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.IPv4Address(self.host).is_loopback
        except ValueError:
            return False


def authority(text: str) -> Authority | None:
    """Read `HOST`, `HOST:PORT`, `[V6]` or `[V6]:PORT`; None for anything else."""
    match = AUTHORITY.fullmatch(text)
    if match is None:
        return None
    bracketed = match[1] is not None
    if bracketed:
        try:
            ipaddress.IPv6Address(match[1])
        except ValueError:
            return None
    port = None if match[3] is None else int(match[3])
    if port is not None and not 1 <= port <= 65535:
        return None
    return Authority(match[1] or match[2], port, bracketed)
