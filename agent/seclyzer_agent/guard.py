"""Bounds on the connections of a listener, so that whoever opens many of them takes nothing from anybody else.

A connection costs next to nothing until its first request is there. It has to bring a whole request within
HEAD_SECONDS, its TLS handshake included, and may be idle between requests for IDLE_SECONDS. When there are too many,
the one that made no progress for longest goes, never the new one: a client that asks at once is answered.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import Protocol

from .logs import QUIET_SECONDS

log = logging.getLogger("seclyzer_agent")

HEAD_SECONDS = 5.0
IDLE_SECONDS = 30.0
MOST_BYTES = 16 * 1024  # of one request, and of those that wait for their answers
MOST_CONNECTIONS = 64  # of one listener; as many requests may come between two steps of a check
BURST = 8  # accepted before those that are there already get their turn; far below the number that is kept
BACKLOG = 1024  # that the kernel keeps meanwhile


def room(listeners: int) -> int:
    """How many connections each listener may keep, so that most descriptors are left to the checks."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = MOST_CONNECTIONS * 4 if soft == resource.RLIM_INFINITY else soft
    return max(4, min(MOST_CONNECTIONS, spare // 4 // max(1, listeners)))


class Kept(Protocol):
    """A connection as the guard sees it."""

    def drop(self) -> None:
        """Close it at once, whatever it still has to send; it calls `forget`."""
        ...


class Guard:
    """Keeps at most `limit` connections."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._kept: dict[Kept, None] = {}  # the one without progress for longest first
        self._closed = 0  # since the last line about it

    def keep(self, connection: Kept) -> None:
        """Take a connection, or note that it made progress; the oldest goes when there are too many."""
        self._kept.pop(connection, None)
        self._kept[connection] = None
        while len(self._kept) > self.limit:
            next(iter(self._kept)).drop()
            if not self._closed:
                asyncio.get_running_loop().call_later(QUIET_SECONDS, self._tell)
            self._closed += 1

    def forget(self, connection: Kept) -> None:
        """The connection is gone."""
        self._kept.pop(connection, None)

    def _tell(self) -> None:
        fields = {"closed": self._closed, "in_seconds": f"{QUIET_SECONDS:g}", "kept": self.limit}
        log.warning("too many connections: the oldest were closed for new ones", extra={"fields": fields})
        self._closed = 0

    def close(self) -> None:
        """Drop all."""
        for connection in list(self._kept):
            connection.drop()
