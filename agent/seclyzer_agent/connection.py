"""One connection of a client: bytes, perhaps TLS, requests and their answers, one after the other."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .guard import HEAD_SECONDS, IDLE_SECONDS, MOST_BYTES, Guard
from .http import Malformed, Request, Requests, Response, written
from .logs import place
from .tls_stream import TlsStream

log = logging.getLogger("seclyzer_agent")

Answer = Callable[[Request], Response | Awaitable[Response]]
"""What is answered to a request: at once, or after a wait that holds up this connection only."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a listener's connections are for. `tls` gives the context of a new one; None: there is no TLS."""

    answer: Answer
    tls: Callable[[], ssl.SSLContext] | None = None


class Connection(asyncio.Protocol):
    """Reads requests and answers them in their order, as fast as the client takes the answers."""

    __slots__ = (
        "_bytes",
        "_guard",
        "_requests",
        "_site",
        "_task",
        "_timer",
        "_tls",
        "_transport",
        "_waiting",
        "_writable",
    )

    def __init__(self, guard: Guard, site: Site) -> None:
        self._guard, self._site = guard, site
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._tls: TlsStream | None = None
        self._requests = Requests()
        self._waiting: deque[Request] = deque()
        self._writable = True
        self._bytes = 0  # received since the last answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._site.tls is not None:
            self._tls = TlsStream(self._site.tls())
        self._guard.keep(self)
        self._wait(HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless a request has no end."""
        if self._transport is None:
            return
        if not self._bytes:  # the next request begins
            self._wait(HEAD_SECONDS)
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            self.drop()
            return
        try:
            found = self._requests.take(data if self._tls is None else self._decrypted(self._tls, data))
        except Malformed:
            self._send(Request("GET", "", {}, last=True), Response.words(400, "this is no request of HTTP/1.1"))
            return
        except ssl.SSLError as error:
            fields = {"why": error.reason or "unknown"}
            log.warning("a TLS handshake failed", extra={"fields": fields, "often": True})
            self._transport.close()
            return
        if found:
            self._guard.keep(self)
            self._wait(IDLE_SECONDS)
            self._waiting += found
            self._work()

    def _decrypted(self, tls: TlsStream, data: bytes) -> bytes:
        """What the client says by TLS, which ends the connection when it says that there is no more."""
        assert self._transport is not None
        ready = tls.ready
        try:
            plain = tls.received(data)
        finally:
            if outgoing := tls.outgoing():
                self._transport.write(outgoing)
        if tls.ready and not ready:
            self._guard.keep(self)
        if tls.ended and not plain and not self._waiting and self._task is None:
            self._transport.close()
        return plain

    def _work(self) -> None:
        """Answer what waits, until an answer takes its time or the client does not take any."""
        while self._waiting and self._writable and self._task is None and self._transport is not None:
            request = self._waiting.popleft()
            try:
                answer = self._site.answer(request)
            except Exception as error:
                answer = _broken(error)
            if isinstance(answer, Response):
                self._send(request, answer)
            else:
                self._task = asyncio.ensure_future(self._later(request, answer))

    async def _later(self, request: Request, answer: Awaitable[Response]) -> None:
        try:
            response = await answer
        except Exception as error:
            response = _broken(error)
        self._task = None
        self._send(request, response)
        self._work()

    def _send(self, request: Request, response: Response) -> None:
        """Send an answer; the last one ends the connection."""
        if self._transport is None or self._transport.is_closing():
            return
        data = written(response, request, time.time())
        if self._tls is not None:
            self._tls.sent(data)
            data = self._tls.outgoing()
        self._transport.write(data)
        self._bytes = 0
        self._guard.keep(self)
        self._wait(IDLE_SECONDS)
        if request.last:
            self._transport.close()

    def drop(self) -> None:
        """Close it at once, whatever it still has to send."""
        self._guard.forget(self)
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._guard.forget(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        self._transport = None

    def pause_writing(self) -> None:
        """The client reads slower than it is sent to."""
        self._writable = False

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writable = True
        self._work()

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.drop)


def _broken(error: Exception) -> Response:
    log.error(
        "an answer is broken", extra={"fields": {"error": type(error).__name__, "at": place(error)}, "often": True}
    )
    return Response.words(500, "the answer could not be made; the agent's journal says why")
