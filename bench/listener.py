"""A subscriber to features, which records when each arrived."""

import json
import re
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass

from .resp import Redis, encode
from .server import RedisServer
from .waiting import until

CHANNELS = "seclyzer:features:*"
ROOM = 1 << 16
# Four texts: a word, the pattern, the channel and the output, which is a line of JSON.
MESSAGE = re.compile(rb"\*4\r\n\$8\r\npmessage\r\n\$\d+\r\n.*\r\n\$\d+\r\n(.*)\r\n\$\d+\r\n(.*)\r\n")


@dataclass(frozen=True)
class Heard:
    """One output: its kind, its `ts` (µs), and when it arrived by the clock of the host and the monotonic one."""

    kind: str
    ts: int
    wall_us: int
    mono_ns: int


class Listener:
    """Listens from its making until `close`.

    What is measured shares the machine with it: as it listens it takes down bytes and times, and no more.
    """

    def __init__(self, server: RedisServer) -> None:
        self._came: deque[tuple[bytes, int, int]] = deque()  # not looked at yet: bytes, wall µs, monotonic ns
        self._begun = b""  # of a message that has not come whole
        self._raw: list[tuple[bytes, bytes, int, int]] = []  # channel, output, and when its end came
        self._client = Redis(server.socket, timeout=None)
        self._client.socket.sendall(encode("PSUBSCRIBE", CHANNELS))
        self._take_down()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _take_down(self) -> bool:
        data = self._client.socket.recv(ROOM)
        self._came.append((data, time.time_ns() // 1000, time.perf_counter_ns()))
        return bool(data)

    def _listen(self) -> None:
        while self._take_down():
            pass

    def _look(self) -> None:
        """Takes apart what has come."""
        while self._came:
            data, wall_us, mono_ns = self._came.popleft()
            data, looked = self._begun + data, 0
            for found in MESSAGE.finditer(data):
                self._raw.append((found[1], found[2], wall_us, mono_ns))
                looked = found.end()
            self._begun = data[looked:]

    def outputs(self, kind: str) -> list[Heard]:
        """All of a kind until now, in order."""
        self._look()
        found = []
        for channel, text, wall_us, mono_ns in self._raw:
            if channel.decode().rpartition(":")[2] == kind:
                found.append(Heard(kind, json.loads(text)["ts"], wall_us, mono_ns))
        return found

    def last(self, kind: str) -> Heard | None:
        """The last of a kind, by ts; cheap enough to be asked often."""
        self._look()
        for channel, text, wall_us, mono_ns in reversed(self._raw):
            if channel.decode().rpartition(":")[2] == kind:
                return Heard(kind, json.loads(text)["ts"], wall_us, mono_ns)
        return None

    def wait(self, kind: str, ts: int, what: str) -> Heard:
        """Waits until the output at `ts` or a later one has come; gives the first such."""
        until(lambda: (found := self.last(kind)) is not None and found.ts >= ts, what)
        return next(heard for heard in self.outputs(kind) if heard.ts >= ts)

    def close(self) -> None:
        """Ends it."""
        self._client.socket.shutdown(socket.SHUT_RDWR)  # else its thread would wait on
        self._thread.join()
        self._client.close()
