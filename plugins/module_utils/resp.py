"""A Redis client over the unix socket, with the standard library only: one command at a time, each reply read whole."""

from __future__ import annotations

import socket

from . import wire

Reply = str | int | None | list["Reply"]

CALL_SECONDS = 5.0


class RedisError(Exception):
    """Redis answered with an error; its text is Redis' own."""


class RedisAway(Exception):
    """Redis could not be reached, went away before it answered, or speaks another protocol."""


class Redis:
    """One connection, as one ACL user. `with Redis(path) as redis: redis.call("PING")`."""

    def __init__(self, path: str, user: str = "", password: str = "", timeout: float = CALL_SECONDS) -> None:
        """Connect, and log in when a user is given. Raises RedisAway, or RedisError when the password is refused."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
            self._stream = self._socket.makefile("rb")
            if user:
                self.call("AUTH", user, password)
        except OSError as fault:
            self._socket.close()
            raise RedisAway(f"{path}: {fault.strerror or fault}") from fault
        except (RedisError, RedisAway):
            self._socket.close()
            raise

    def __enter__(self) -> Redis:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._socket.close()

    def call(self, *words: str) -> Reply:
        """Send one command and return its reply: text, number, list or None."""
        try:
            self._socket.sendall(wire.encode(*words))
            return _text(wire.decode(self._stream))
        except wire.NotRedis as fault:
            raise RedisAway(str(fault)) from fault
        except OSError as fault:
            raise RedisAway(f"no answer to {words[0]}: {fault.strerror or fault}") from fault

    def texts(self, *words: str) -> list[str]:
        """Send a command whose reply is a list of texts; empty when there is none."""
        reply = self.call(*words)
        return [str(item) for item in reply] if isinstance(reply, list) else []

    def pairs(self, *words: str) -> dict[str, str]:
        """Send a command whose reply is names and values by turns, such as a hash; empty when there is none."""
        flat = self.texts(*words)
        return dict(zip(flat[::2], flat[1::2], strict=True))


def _text(reply: wire.Reply) -> Reply:
    """The reply with its bytes as text. Raises RedisError for an error in it."""
    if isinstance(reply, wire.Refusal):
        raise RedisError(reply)
    if isinstance(reply, list):
        return [_text(item) for item in reply]
    return reply.decode(errors="replace") if isinstance(reply, bytes) else reply
