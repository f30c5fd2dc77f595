"""A small Redis client over a unix socket: enough to fill streams, and to read what an extractor left there."""

import socket
from pathlib import Path
from typing import Any

from . import BenchError
from .wire import NotRedis, Refusal, decode
from .wire import encode as encode


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
        try:
            reply = decode(self._file)
        except NotRedis as fault:
            raise BenchError(f"the throw-away Redis: {fault}") from fault
        if isinstance(reply, Refusal):
            raise BenchError(f"the throw-away Redis refuses: {reply}")
        return reply

    def hash(self, key: str) -> dict[str, str]:
        """All fields of a hash."""
        flat = [text.decode() for text in self.call("HGETALL", key)]
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def close(self) -> None:
        """Ends it."""
        self._file.close()
        self.socket.close()
