"""The gateway's credentials: whose token may do what, kept as hashes.

The file has a line for each, `kind TAB name TAB sha256 TAB host…`. An edge may write points of its hosts: the name its
host has now, and the names it had before, which its spool may still hold points of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .layout import Refused

EDGE = "edge"
READER = "reader"
FORMER_HOSTS = 3


@dataclass(frozen=True)
class Credential:
    """`name`: an edge as the inventory calls it, or what a reader is called. `hosts`: of an edge, the newest first."""

    kind: str
    name: str
    sha256: str
    hosts: tuple[str, ...] = ()


def sha256(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def host_tag(hostname: str) -> str:
    """The host as extractors report it: a tag's value holds no control character and no backslash."""
    return re.sub("[\x00-\x1f\x7f]", "_", hostname).replace("\\", "/") or "localhost"


def parse(text: str) -> list[Credential]:
    """The credentials in a file's text. Lines that hold none are left out."""
    found = []
    for line in text.splitlines():
        kind, *rest = line.split("\t")
        if kind in (EDGE, READER) and len(rest) >= 2:
            found.append(Credential(kind, rest[0], rest[1], tuple(rest[2:])))
    return found


def render(credentials: Iterable[Credential]) -> str:
    """The file's text, the same for the same credentials."""
    lines = sorted("\t".join((one.kind, one.name, one.sha256, *one.hosts)) for one in credentials)
    return "".join(f"{line}\n" for line in lines)


def with_edge(
    credentials: list[Credential], name: str, host: str, token: str, overlap: bool = False
) -> list[Credential]:
    """The credentials with a new one for this edge, in the place of its older ones; with `overlap`, beside them.

    Raises Refused when another edge has the host's name: it could write in the other's place.
    """
    host = host_tag(host)
    others = [one for one in credentials if (one.kind, one.name) != (EDGE, name)]
    owner = next((one.name for one in others if host in one.hosts), None)
    if owner is not None:
        raise Refused(
            f"{name} calls itself {host}, and {owner} has the credential for points of that host. Give one of "
            f"them another host name; or, when {owner} is gone for good, take its credential away by "
            "influxdb_gateway_revoked"
        )
    mine = [one for one in credentials if (one.kind, one.name) == (EDGE, name)]
    former = list(dict.fromkeys(old for one in mine for old in one.hosts if old != host))
    new = Credential(EDGE, name, sha256(token), (host, *former[:FORMER_HOSTS]))
    return [*others, *([one for one in mine if one.sha256 != new.sha256] if overlap else []), new]
