"""Bounds on the connections of a listener, so that whoever opens many of them takes nothing from anybody else.

A connection costs next to nothing until its first request is there: only then the HTTP server hears of it. It has to
bring a whole request within HEAD_SECONDS, and may be idle between requests for IDLE_SECONDS. When there are too many,
the one that made no progress for longest goes, never the new one: a client that asks at once is answered.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Callable

from .logs import QUIET_SECONDS

log = logging.getLogger("seclyzer_agent")

HEAD_SECONDS = 5.0
IDLE_SECONDS = 30.0
MOST_BYTES = 16 * 1024  # of one request, and of those that wait for their answers
MOST_CONNECTIONS = 64  # of one listener; as many requests may come between two steps of a check
END_OF_HEAD = b"\r\n\r\n"
BURST = 8  # accepted before those that are there already get their turn; far below the number that is kept
BACKLOG = 1024  # that the kernel keeps meanwhile


def room(listeners: int) -> int:
    """How many connections each listener may keep, so that most descriptors are left to the checks."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = MOST_CONNECTIONS * 4 if soft == resource.RLIM_INFINITY else soft
    return max(4, min(MOST_CONNECTIONS, spare // 4 // max(1, listeners)))


class Guard:
    """Keeps at most `limit` connections; `serve` makes the HTTP server's protocol for one."""

    def __init__(self, serve: Callable[[], asyncio.Protocol], limit: int) -> None:
        self.serve = serve
        self.limit = limit
        self._kept: dict[Connection, None] = {}  # the one without progress for longest first
        self._closed = 0  # since the last line about it

    def __call__(self) -> Connection:
        """A protocol for a new connection."""
        return Connection(self)

    def keep(self, connection: Connection) -> None:
        """Take a connection, or note that it made progress; the oldest goes when there are too many."""
        self._kept.pop(connection, None)
        self._kept[connection] = None
        while len(self._kept) > self.limit:
            next(iter(self._kept)).drop()
            if not self._closed:
                asyncio.get_running_loop().call_later(QUIET_SECONDS, self._tell)
            self._closed += 1

    def forget(self, connection: Connection) -> None:
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


class Connection(asyncio.Protocol):
    """One connection, between the transport and the HTTP server's own protocol."""

    __slots__ = ("_bytes", "_first", "_guard", "_inner", "_timer", "_transport")

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._bytes = 0  # received since the last answer
        self._first = b""  # of the first request, until its head is there

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it; the server hears nothing yet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._guard.keep(self)
        self._wait(HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Hand it on, unless a request has no end."""
        if self._transport is None:
            return
        if self._inner is not None and not self._bytes:  # the next request begins
            self._wait(HEAD_SECONDS)
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            self.drop()
        elif self._inner is not None:
            self._inner.data_received(data)
        elif END_OF_HEAD in (first := self._first + data):
            self._first = b""
            self._inner = self._guard.serve()
            self._inner.connection_made(self._transport)
            self._inner.data_received(first)
        else:
            self._first = first

    def answered(self) -> None:
        """A whole request has come and its answer is on its way."""
        if self._transport is not None:
            self._bytes = 0
            self._guard.keep(self)
            self._wait(IDLE_SECONDS)

    def drop(self) -> None:
        """Close it at once, whatever it still has to send."""
        self._guard.forget(self)
        if self._transport is not None:
            self._transport.abort()

    def eof_received(self) -> bool | None:
        """The client sends no more."""
        return self._inner.eof_received() if self._inner is not None else None

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._guard.forget(self)
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None
        if self._inner is not None:
            self._inner.connection_lost(error)

    def pause_writing(self) -> None:
        """The client reads slower than it is sent to."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._inner is not None:
            self._inner.resume_writing()

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.drop)
