"""Facts of checks that others than metrics are made from as well: values only."""

from __future__ import annotations

from dataclasses import dataclass

from .spool import Spool
from .stats import Stats


@dataclass(frozen=True, slots=True)
class ExtractorFacts:
    """The last heartbeat (None when absent), the lengths of stream and feature list, lag in s, and the spool."""

    stats: Stats | None
    stream_length: int
    list_length: int
    lag: float | None
    spool: Spool | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes used, and the limit or None."""

    used: int
    limit: int | None
