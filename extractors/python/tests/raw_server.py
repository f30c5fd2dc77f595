"""A server that answers whatever a test wants, byte by byte."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

Serve = Callable[[socket.socket], None]
GOOD = b"HTTP/1.1 204 No Content\r\n\r\n"


class RawServer:
    """Accepts connections; each is served by the next of `serve`, the last of them again and again."""

    def __init__(self) -> None:
        self.serve: list[Serve] = []
        self.served = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            serve = self.serve[min(self.served, len(self.serve) - 1)]
            self.served += 1
            threading.Thread(target=self._one, args=(connection, serve), daemon=True).start()

    def _one(self, connection: socket.socket, serve: Serve) -> None:
        with connection, suppress(OSError):
            serve(connection)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def asked(connection: socket.socket) -> bytes:
    """One whole request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return body


def says(*parts: bytes, pause_s: float = 0.0, stay_s: float = 0.0) -> Serve:
    """Answers the first request with these parts, then waits, then closes."""

    def serve(connection: socket.socket) -> None:
        asked(connection)
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)
        time.sleep(stay_s)

    return serve


def keeps_answering(answer: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        while True:
            asked(connection)
            connection.sendall(answer)

    return serve


def whole(status: int, body: bytes = b"", *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 %d Some Words" % status, b"Content-Length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)
