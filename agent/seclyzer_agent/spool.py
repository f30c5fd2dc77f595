"""Do the extractors' spools on disk stand in for InfluxDB while it is away, and how much do they hold?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .model import Entry, Status
from .sizes import amount

SEGMENT = 256 * 1024  # bytes; a spool with less room than this gives up its oldest points


@dataclass(frozen=True, slots=True)
class Spool:
    """An extractor's spool: bytes in it, whether no point was lost lately and there is room for more, and its limit."""

    size: int
    keeps: bool
    limit: int = 0


def judge(kind: str, size: int, limit: int, dropped: bool, unwritable: str = "") -> tuple[Entry, Spool]:
    """One extractor's spool; `size` and `limit` in bytes (limit 0: it has none), `dropped`: points were, lately.

    `unwritable` is why points that should be in it are in memory only.
    """
    full = size > 0 and size + SEGMENT > limit
    words = f"{kind}: {amount(size)} of points wait on disk for InfluxDB, at most {amount(limit)} may"
    status = Status.FAIL if full else Status.WARN
    if full:
        words = f"{kind}: the spool is full, its oldest points go: {amount(size)} of {amount(limit)}"
    elif not size:
        status, words = Status.PASS, f"{kind}: no point waits on disk for InfluxDB"
    finding = ""
    if unwritable:
        status, finding = Status.FAIL, "spool-unwritable"
        words = f"{kind}: the spool cannot be written ({unwritable}): points are in memory only, a restart loses them"
    entry = Entry("spool", kind, "component", status, words, size, "bytes", finding=finding)
    return entry, Spool(size, limit > 0 and not full and not dropped and not unwritable, limit)


def kept(spools: Iterable[Spool | None]) -> tuple[bool, str]:
    """Whether the spools keep every point while InfluxDB is away, and in words what they hold; none when unknown."""
    known = list(spools)
    found = [spool for spool in known if spool is not None]
    if not found or len(found) < len(known):
        return False, ""
    size = sum(spool.size for spool in found)
    holds = f"{amount(size)} of points are in the spool" if size else "nothing had to be spooled yet"
    if not all(spool.keeps for spool in found):
        return False, f"points are lost; {holds}"
    return True, f"no point is lost: {holds}"
