"""A Redis client of a page: enough to ask as a given ACL user and to hear refusals in Redis' own words."""

import os
import socket
from pathlib import Path
from typing import Any

from probes.wire import Refusal as Refusal
from probes.wire import Reply, decode, encode

SOCKETS = ("/run/seclyzer-redis/redis.sock", "/run/redis/redis-server.sock")
SOCKET = next((path for path in SOCKETS if os.path.exists(path)), SOCKETS[-1])
"""Of our Redis: where there is one beside another's, that."""
CREDENTIALS = Path("/etc/seclyzer/credentials")


class Redis:
    """One connection, through the unix socket or, with an address, by TCP."""

    def __init__(self, address: tuple[str, int] | None = None, timeout: float = 5.0) -> None:
        if address is None:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(SOCKET)
        else:
            self.socket = socket.create_connection(address, timeout)
        self.stream = self.socket.makefile("rb")

    @classmethod
    def user(cls, name: str) -> "Redis":
        """A connection that is logged in as an ACL user, with the password from its credential file."""
        connection = cls()
        answer = connection.call("AUTH", name, password(name))
        if isinstance(answer, Refusal):
            raise PermissionError(f"AUTH {name}: {answer}")
        return connection

    def call(self, *words: Any) -> Any:
        """Send one command and wait for its answer; an error is returned as a `Refusal`, not raised."""
        self.send([words])
        return self.read()

    def pipeline(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """Send all commands in one go and return all answers."""
        self.send(commands)
        return [self.read() for _ in commands]

    def send(self, commands: list[tuple[Any, ...]]) -> None:
        """Only send."""
        self.socket.sendall(b"".join(encode(*words) for words in commands))

    def read(self) -> Any:
        """The next answer or push: int, text, list, None, or a `Refusal`."""
        return _text(decode(self.stream))


def _text(reply: Reply) -> Any:
    """The reply with its bytes as text."""
    if isinstance(reply, list):
        return [_text(item) for item in reply]
    return reply.decode() if isinstance(reply, bytes) else reply


def password(user: str) -> str:
    """An ACL user's password, from the host's credentials."""
    return (CREDENTIALS / f"redis-{user}").read_text().strip()
