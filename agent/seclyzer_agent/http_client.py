"""GET over one kept connection to one server, by TCP or through a unix socket; `httptools` reads the answers.

Through a unix socket, whose listener relays bytes to the server, TLS and names stay those of the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass

import httptools

from .per_loop import PerLoop
from .store_address import InfluxAddress
from .store_connection import connected

PIECE = 16 * 1024
LONGEST = 16 * 1024
"""Bytes of a body that are kept; what follows is not read."""
CLOSED = "it closed the connection before it had answered"


class CannotConnect(Exception):
    """There is no connection; `error` says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class BrokenOff(Exception):
    """The connection ended, or what came was no HTTP; the message says which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with what is kept of its body."""

    status: int
    body: bytes


class HttpClient:
    """One connection at a time, made anew when it was closed. `socket` is the path of a unix socket, or empty.

    `tls` is for `https`; None trusts the system's authorities.
    """

    def __init__(self, address: InfluxAddress, socket: str, tls: ssl.SSLContext | None, agent: str) -> None:
        self._address, self.socket = address, socket
        context = (tls or ssl.create_default_context()) if address.tls else None
        self._connection = PerLoop(lambda: _Connection(address, socket, context, agent))

    @property
    def host(self) -> str:
        """The server's name."""
        return self._address.host

    async def get(self, path: str) -> Answer:
        """Ask for a path below the server's own. Raises CannotConnect, BrokenOff, ssl.CertificateError, ValueError.

        The last two say that the server is not trusted. Cancelled, it leaves no connection behind.
        """
        return await self._connection.here().get(path)

    def close(self) -> None:
        """Close the connection."""
        if (connection := self._connection.last()) is not None:
            connection.close()


class _Connection:
    """The connection of one event loop."""

    def __init__(self, address: InfluxAddress, socket: str, tls: ssl.SSLContext | None, agent: str) -> None:
        self._address, self._socket, self._tls, self._agent = address, socket, tls, agent
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str) -> Answer:
        """As HttpClient's."""
        kept = self._writer is not None
        try:
            try:
                return await self._asked(path)
            except BrokenOff:
                if not kept:
                    raise
                self.close()  # it was closed while nothing was asked
                return await self._asked(path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close it."""
        if self._writer is not None:
            with contextlib.suppress(RuntimeError):  # its event loop is closed
                self._writer.transport.abort()
        self._reader = self._writer = None

    async def _asked(self, path: str) -> Answer:
        if self._writer is None:
            await self._connect()
        assert self._reader is not None and self._writer is not None
        name = self._address.url.partition("://")[2].partition("/")[0]
        head = f"GET {self._address.prefix}{path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: {self._agent}\r\n"
        self._writer.write(f"{head}Accept: application/json\r\n\r\n".encode("ascii"))
        reading = _Reading()
        try:
            while not reading.done:
                data = await self._reader.read(PIECE)
                reading.take(data)
        except OSError as error:
            raise BrokenOff(type(error).__name__) from None
        if not reading.keeps:
            self.close()
        return Answer(reading.status, reading.body)

    async def _connect(self) -> None:
        try:
            opened = await connected(self._address, self._socket, self._tls)
        except (ssl.CertificateError, TimeoutError):
            raise
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError) as error:
            raise CannotConnect(OSError(CLOSED) if self._socket else error) from None
        except OSError as error:
            raise CannotConnect(error) from None
        self._reader, self._writer = opened


class _Reading:
    """One answer, as it comes. `keeps`: the connection may be used for the next."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.status, self.body, self.done, self.keeps = 0, b"", False, False

    def take(self, data: bytes) -> None:
        """Raises BrokenOff."""
        if not data:
            if not self.status:
                raise BrokenOff("ServerDisconnected")
            self.done = True  # an answer without a length ends with its connection
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self.done:
                raise BrokenOff("no HTTP") from None
            self.keeps = False

    def on_headers_complete(self) -> None:
        """Status and headers are there."""
        self.status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        """Part of the body."""
        self.body += data
        if len(self.body) > LONGEST:
            self.done = True

    def on_message_complete(self) -> None:
        """All of it is there."""
        if self.status >= 200:
            self.done, self.keeps = True, self._parser.should_keep_alive()
