"""Somebody who listens to features, and notes when each arrived."""

import json
import threading
import time
from dataclasses import dataclass

from . import BenchError
from .resp import Redis
from .server import RedisServer
from .waiting import until

CHANNELS = "seclyzer:features:*"


@dataclass(frozen=True)
class Heard:
    """One output: its kind, its `ts` (µs), and when it arrived by the clock of the host and the monotonic one."""

    kind: str
    ts: int
    wall_us: int
    mono_ns: int


class Listener:
    """Listens from its making until `close`."""

    def __init__(self, server: RedisServer) -> None:
        self.heard: list[Heard] = []
        self._raw: list[tuple[bytes, bytes, int, int]] = []
        self._client = Redis(server.socket, timeout=None)
        self._client.call("PSUBSCRIBE", CHANNELS)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            while True:
                _, _, channel, text = self._client.answer()
                self._raw.append((channel, text, time.time_ns() // 1000, time.perf_counter_ns()))
        except (OSError, ValueError, BenchError):
            return  # closed, or Redis is gone

    def outputs(self, kind: str) -> list[Heard]:
        """All of a kind until now, in order."""
        found = []
        for channel, text, wall_us, mono_ns in list(self._raw):
            if channel.decode().rpartition(":")[2] == kind:
                found.append(Heard(kind, json.loads(text)["ts"], wall_us, mono_ns))
        return found

    def last(self, kind: str) -> Heard | None:
        """The last of a kind, by ts; cheap enough to be asked often."""
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
        self._client.socket.close()
