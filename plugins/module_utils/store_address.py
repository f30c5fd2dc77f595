"""The store's address, read by one grammar: one file, to which the packages of extractors and agent link.

Little is taken, so that whoever reads the address again takes the same parts of it for host and path. No name is
resolved: one other than `localhost` may lead anywhere.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

OCTET = "(?:[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
LOOPBACK = re.compile(rf"127\.{OCTET}\.{OCTET}\.{OCTET}|::1|localhost", re.ASCII | re.IGNORECASE)
URL = re.compile(
    r"(?P<scheme>https?)://(?:\[(?P<v6>[0-9A-Fa-f:]+)\]|(?P<name>[A-Za-z0-9._-]{1,253}))(?::0*(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*)/*",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """Where InfluxDB listens; `prefix` stands before `/api/v2/…`. Neither it nor `url`, all of it, ends in a slash."""

    host: str
    port: int
    tls: bool
    prefix: str
    url: str

    @property
    def loopback(self) -> bool:
        """Whether it is this host, whatever a resolver says."""
        return bool(LOOPBACK.fullmatch(self.host))

    @property
    def private(self) -> bool:
        """Whether no one on a network can read along."""
        return self.tls or self.loopback


def parse_influx_url(url: str) -> InfluxAddress:
    """ValueError for what is none."""
    found = URL.fullmatch(url)
    if found is None or int(found["port"] or 1) > 65535:
        raise ValueError("no plain address")
    scheme, path, name = found["scheme"], found["path"], found["name"]
    if name is None:
        try:
            socket.inet_pton(socket.AF_INET6, found["v6"])
        except OSError:
            raise ValueError("no address") from None
        name = f"[{found['v6']}]"
    port = int(found["port"] or (443 if scheme == "https" else 80))
    plain = f"{scheme}://{name}{f':{port}' if found['port'] else ''}{path}"
    return InfluxAddress(found["v6"] or name, port, scheme == "https", path, plain)
