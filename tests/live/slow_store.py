"""A door before a real InfluxDB that holds each answer for a while."""

import socket
import socketserver
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.helpers.serving import running

HELD_S = 0.3
PIECE = 1 << 20


class SlowStore(socketserver.ThreadingTCPServer):
    """Takes connections on a port of its own, each with one to the InfluxDB behind it."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Held)
        self.behind = port
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Held(socketserver.BaseRequestHandler):
    """One connection; a request fits into one piece, and so does its answer."""

    server: SlowStore

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.behind)) as influxd:
            while asked := self.request.recv(PIECE):
                influxd.sendall(asked)
                answer = influxd.recv(PIECE)
                time.sleep(HELD_S)
                self.request.sendall(answer)


@contextmanager
def slow_store(port: int) -> Iterator[str]:
    """The address of one before the InfluxDB at this port."""
    server = SlowStore(port)
    with running(server):
        yield server.url
