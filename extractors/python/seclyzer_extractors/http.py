"""A socket as http.client needs one, with one deadline for all that is sent and received by it."""

import io
import select
import socket
import time
from typing import Any


class Wire:
    """Every wait ends at `deadline` (time.monotonic()) with TimeoutError."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self.deadline = deadline
        self.in_head = True  # an end of what comes is a fault
        self._socket = connected

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(left(self.deadline))
            rest = rest[self._socket.send(rest) :]

    def receive(self, buffer: Any) -> int:
        """Fills a part of the buffer; 0 at the end of what comes."""
        self._socket.settimeout(left(self.deadline))
        count = self._socket.recv_into(buffer)
        if count == 0 and self.in_head:
            raise ConnectionResetError
        return count

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self))

    def is_quiet(self) -> bool:
        """Nothing has come unasked, nor the end of the connection."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self._socket.close()


class _Incoming(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive(buffer)


def left(deadline: float) -> float:
    """Seconds until then; TimeoutError when it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def dial_unix(path: str, deadline: float) -> socket.socket:
    """A connection to a unix socket; OSError when it is refused, at once when too many wait there already."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(left(deadline))
        made.connect(path)
    except OSError:
        made.close()
        raise
    return made


def dial(host: str, port: int, deadline: float) -> socket.socket:
    """A connection to the first address of `host` that takes one; OSError when none does in time."""
    trouble = OSError("it has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(left(deadline))
            made.connect(address)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
        except OSError as error:
            made.close()
            trouble = error
    raise trouble
