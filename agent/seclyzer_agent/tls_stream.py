"""TLS between bytes and bytes, for a connection that another part reads and writes.

asyncio's own TLS tells a server of a connection only once its handshake has ended, so nothing could bound those that
never end theirs.
"""

from __future__ import annotations

import ssl

PIECE = 16 * 1024
ANSWER_TO_PLAIN = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


class TlsStream:
    """The server's end. What it has to send is in `outgoing` after each call."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_side=True)
        self._plain = b""
        self.ready = False
        self.ended = False
        """Whether the client has announced that it sends no more."""

    def received(self, data: bytes) -> bytes:
        """What these bytes hold. Raises ssl.SSLError when there can be no connection any more."""
        self._in.write(data)
        found = []
        try:
            if not self.ready:
                self._object.do_handshake()
                self.ready = True
            while part := self._object.read(PIECE):
                found.append(part)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            self._plain = ANSWER_TO_PLAIN if error.reason == "HTTP_REQUEST" else b""
            raise
        return b"".join(found)

    def sent(self, data: bytes) -> None:
        """Send these bytes."""
        self._object.write(data)

    def outgoing(self) -> bytes:
        """What has to go to the client now: at an error the alert, or words for who speaks no TLS."""
        return self._plain or self._out.read()
