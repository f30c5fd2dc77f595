"""Events into streams, as fast as Redis takes them."""

from collections.abc import Iterable, Iterator
from itertools import islice

from .resp import Redis, encode

BATCH = 1000


def stream_of(kind: str) -> str:
    """The key of a kind's stream."""
    return f"seclyzer:stream:{kind}"


def add(client: Redis, kind: str, messages: Iterable[bytes]) -> list[bytes]:
    """Appends messages; the ids that Redis gave them, in order."""
    ids: list[bytes] = []
    rest = iter(messages)
    while batch := list(islice(rest, BATCH)):
        client.socket.sendall(b"".join(_commands(kind, batch)))
        ids += [client.answer() for _ in batch]
    return ids


def _commands(kind: str, batch: list[bytes]) -> Iterator[bytes]:
    before = encode("XADD", stream_of(kind), "*", "e", "")[: -len(b"$0\r\n\r\n")]
    for text in batch:
        yield b"%b$%d\r\n%b\r\n" % (before, len(text), text)
