"""As much of Redis' protocol as a health gate needs: a few commands over the unix socket, each answer read whole."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import IO

Reply = str | int | None | list["Reply"]


class RedisError(Exception):
    """Redis said no, or said nothing; the message is what it said."""


class Connection:
    """One connection, as one ACL user. Use it with `with`."""

    def __init__(self, path: str, user: str, password: str, timeout: float = 2.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
            self._stream: IO[bytes] = self._socket.makefile("rb")
            if password:
                self.ask("AUTH", user, password)
        except OSError as fault:
            self._socket.close()
            raise RedisError(f"{path}: {fault.strerror or fault}") from None
        except RedisError:
            self._socket.close()
            raise

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._socket.close()

    def ask(self, *words: str) -> Reply:
        """Sends one command and gives back its answer."""
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            data = word.encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        try:
            self._socket.sendall(b"".join(parts))
            return self._reply()
        except OSError as fault:
            raise RedisError(f"no answer to {words[0]}: {fault.strerror or fault}") from None

    def hash(self, key: str) -> dict[str, str]:
        """All fields of a hash; empty when there is none."""
        flat = self.ask("HGETALL", key)
        texts = [str(item) for item in flat] if isinstance(flat, list) else []
        return dict(zip(texts[::2], texts[1::2], strict=True))

    def _reply(self) -> Reply:
        line = self._stream.readline()
        if not line.endswith(b"\r\n"):
            raise RedisError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RedisError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            if size < 0:
                return None
            return self._stream.read(size + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))] if int(rest) >= 0 else None
        raise RedisError(f"not Redis' protocol: {line[:20]!r}")
