"""The reader that only reads: it asks as an extractor does, and looks at nothing.

Before it is timed it has gone through the stream once and knows of every answer where it starts and how long it is. So
while it is timed it sends requests it has at hand and lets the kernel copy bytes; how fast that is, is Redis' affair.
`ahead` is how many requests wait in Redis: with 1 it asks as an extractor has to, which learns the next id from the
answer; with more, Redis is never idle, which shows what Redis can give at all.
"""

import socket
import time
from collections import deque
from dataclasses import dataclass

from . import BenchError, proc
from .fill import stream_of
from .resp import encode
from .testbed import Testbed

COUNTS = {"rust": 768, "python": 512}  # what each extractor asks for at a time
ROOM = 1 << 20
ANSWER_S = 20.0


@dataclass(frozen=True)
class Reading:
    """What came of one run: events a second, and the share of the time that Redis worked or waited for a CPU."""

    rate: float
    redis_busy: float
    seconds: float


def read(testbed: Testbed, kind: str, ids: list[bytes], messages: list[int], ahead: int = 1) -> Reading:
    """Reads a stream with these ids and lengths of messages once."""
    count, server = COUNTS[testbed.implementation], testbed.redis
    requests = _requests(kind, ids, count)
    sizes = _sizes(kind, ids, messages, count)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_S)
        connection.connect(str(server.socket))
        connection.sendall(encode("HELLO", 3))
        connection.recv(ROOM)
        before, start = proc.usage(server.pid), time.perf_counter()
        _exchange(connection, requests, sizes, ahead)
        seconds = time.perf_counter() - start
        used = proc.usage(server.pid).since(before)
    return Reading(len(ids) / seconds, (used.cpu_ns + used.waited_ns) / 1e9 / seconds, seconds)


def _exchange(connection: socket.socket, requests: list[bytes], sizes: list[int], ahead: int) -> None:
    room = memoryview(bytearray(ROOM))
    waiting = deque(requests)
    for _ in range(min(ahead, len(requests))):
        connection.sendall(waiting.popleft())
    for size in sizes:
        left = size
        while left:
            came = connection.recv_into(room, min(left, ROOM))
            if came == 0:
                raise BenchError("the throw-away Redis closed the connection")
            left -= came
        if waiting:
            connection.sendall(waiting.popleft())


def _requests(kind: str, ids: list[bytes], count: int) -> list[bytes]:
    starts = [b"0-0", *ids[count - 1 : -1 : count]]
    return [encode("XREAD", "COUNT", count, "BLOCK", 1000, "STREAMS", stream_of(kind), start) for start in starts]


def _sizes(kind: str, ids: list[bytes], messages: list[int], count: int) -> list[int]:
    """The bytes of each answer in RESP3: a map of the key to entries of id and [`e`, message]."""
    key = stream_of(kind)
    entries = [_entry(len(entry_id), length) for entry_id, length in zip(ids, messages, strict=True)]
    sizes = []
    for first in range(0, len(entries), count):
        part = entries[first : first + count]
        sizes.append(len(b"%%1\r\n$%d\r\n%b\r\n*%d\r\n" % (len(key), key.encode(), len(part))) + sum(part))
    return sizes


def _entry(entry_id: int, message: int) -> int:
    fixed = len(b"*2\r\n$%d\r\n\r\n*2\r\n$1\r\ne\r\n$%d\r\n\r\n" % (entry_id, message))
    return fixed + entry_id + message
