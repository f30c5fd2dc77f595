"""A Redis client of a page: enough to ask as a given ACL user and to hear refusals in Redis' own words."""

import socket
from pathlib import Path
from typing import Any

SOCKET = "/run/redis/redis-server.sock"
CREDENTIALS = Path("/etc/seclyzer/credentials")


class Refusal(str):
    """An error Redis answered, word for word: `NOPERM …`."""


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
        out = bytearray()
        for words in commands:
            out += b"*%d\r\n" % len(words)
            for word in words:
                data = word if isinstance(word, bytes) else str(word).encode()
                out += b"$%d\r\n%b\r\n" % (len(data), data)
        self.socket.sendall(out)

    def read(self) -> Any:
        """The next answer or push: int, text, list, None, or a `Refusal`."""
        line = self.stream.readline()
        if not line:
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return Refusal(rest.decode())
        if kind == b":":
            return int(rest)
        size = int(rest)
        if size < 0:
            return None
        if kind == b"$":
            return self.stream.read(size + 2)[:-2].decode()
        return [self.read() for _ in range(size)]


def password(user: str) -> str:
    """An ACL user's password, from the host's credentials."""
    return (CREDENTIALS / f"redis-{user}").read_text().strip()
