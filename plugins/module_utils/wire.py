"""Redis' protocol (RESP2) on a stream: commands as bytes, replies as values. The standard library only.

The bench and the probes of the tests read it by a link, since both run on hosts without the collection.
"""

from __future__ import annotations

from typing import BinaryIO


class Refusal(str):
    """A reply that is an error, in Redis' own words: `NOPERM …`."""


Reply = bytes | int | None | Refusal | list["Reply"]


class NotRedis(ConnectionError):
    """The other side closed the connection, or speaks another protocol."""


def encode(*words: str | bytes | int) -> bytes:
    """One command."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def decode(stream: BinaryIO) -> Reply:
    """The next reply: bytes, a number, None, a list of replies, or a Refusal. Raises NotRedis, OSError."""
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise NotRedis("the connection was closed")
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return rest
    if kind == b"-":
        return Refusal(rest.decode(errors="replace"))
    if kind not in (b":", b"$", b"*"):
        raise NotRedis(f"this is not Redis' protocol: {line[:20]!r}")
    number = int(rest)
    if kind == b":":
        return number
    if number < 0:
        return None
    if kind == b"*":
        return [decode(stream) for _ in range(number)]
    text = stream.read(number + 2)
    if len(text) < number + 2:
        raise NotRedis("the connection was closed")
    return text[:-2]
