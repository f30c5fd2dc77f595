"""A small Redis client over a unix socket: enough to fill streams, and to read what an extractor left there."""

import socket
from pathlib import Path
from typing import Any

from . import BenchError


def encode(*words: str | bytes | int) -> bytes:
    """One command as Redis wants it."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class Redis:
    """One connection, in RESP2. Texts come back as bytes."""

    def __init__(self, path: Path, timeout: float | None = 20.0) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self._file = self.socket.makefile("rb")

    def call(self, *words: str | bytes | int) -> Any:
        """A command's answer; BenchError when Redis refuses it."""
        self.socket.sendall(encode(*words))
        return self.answer()

    def answer(self) -> Any:
        """The next answer: bytes, int, None, or a list of them."""
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise BenchError("the throw-away Redis closed the connection")
        sort, rest = line[:1], line[1:-2]
        if sort == b"-":
            raise BenchError(f"the throw-away Redis says: {rest.decode()}")
        if sort == b"+":
            return rest
        number = int(rest)
        if sort == b":":
            return number
        if number < 0:
            return None
        if sort == b"$":
            return self._file.read(number + 2)[:-2]
        return [self.answer() for _ in range(number)]

    def hash(self, key: str) -> dict[str, str]:
        """All fields of a hash."""
        flat = [text.decode() for text in self.call("HGETALL", key)]
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def close(self) -> None:
        """Ends it."""
        self._file.close()
        self.socket.close()
