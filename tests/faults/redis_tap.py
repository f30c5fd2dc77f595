"""What passes between an extractor and Redis: which entry it reads behind, and where its transaction is."""

import socket
import time
from collections import deque
from pathlib import Path

import hiredis

from .relay import Relay, Target, Wire

NEVER = float("inf")


def split(data: bytes) -> tuple[list[tuple[bytes, list[bytes]]], bytes]:
    """Whole commands, each as (its bytes, its parts), and the rest of `data`."""
    commands = []
    start = 0
    while (command := _command(data, start)) is not None:
        end, parts = command
        commands.append((data[start:end], parts))
        start = end
    return commands, data[start:]


def _command(data: bytes, start: int) -> tuple[int, list[bytes]] | None:
    end = data.find(b"\r\n", start)
    if end < 0:
        return None
    at, parts = end + 2, []
    for _ in range(int(data[start + 1 : end])):
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        length = int(data[at + 1 : end])
        at = end + 2 + length + 2
        if at > len(data):
            return None
        parts.append(data[end + 2 : end + 2 + length])
    return at, parts


class RedisTap:
    """Watches one connection. Times are of time.monotonic(); NEVER is later than all."""

    def __init__(self, door: "RedisDoor", wire: Wire) -> None:
        self.wire = wire
        self.reads = False  # events, on this connection
        self.multi_at = NEVER  # the transaction under way began
        self.exec_at = NEVER  # its EXEC went on to Redis
        self.done_at = NEVER  # EXEC's answer went on to the extractor
        self.stored_at = 0.0  # the cursor `stored` was last moved
        self.cut = False  # nothing passes any more, and no end is notified
        self.closed_at = NEVER
        self._door = door
        self._rest = b""
        self._asked: deque[bytes] = deque()
        self._reader = hiredis.Reader()
        self._held = False

    def asked(self, data: bytes) -> bytes:
        if self.cut:
            return b""
        commands, self._rest = split(self._rest + data)
        return b"".join(whole for whole, parts in commands if self._command(parts))

    def _command(self, parts: list[bytes]) -> bool:
        """Notes a command; False when it does not go on."""
        name = parts[0].upper()
        if name == b"MULTI":
            self.multi_at, self.exec_at, self.done_at = time.monotonic(), NEVER, NEVER
        elif name == b"EXEC":
            if self._door.aim_taken("before EXEC"):
                self._strike("before EXEC")
                return False
            self.exec_at = time.monotonic()
            self._held = self._door.aim_taken("after EXEC")
        elif name == b"XREAD":
            self.reads = True
            self._door.behind = parts[-1].decode()
        elif name == b"HSET" and b"stored" in parts:
            self.stored_at = time.monotonic()
            self._door.stored_at = self.stored_at
        if name != b"SUBSCRIBE":  # answered by a push
            self._asked.append(name)
        return True

    def answered(self, data: bytes) -> bytes:
        if self.cut:
            return b""
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            if isinstance(answer, hiredis.PushNotification) or not self._asked:
                continue
            if self._asked.popleft() == b"EXEC":
                if self._held:
                    self._strike("after EXEC" if isinstance(answer, list) else "aborted EXEC")
                else:
                    self.done_at = time.monotonic()
        return b"" if self._held else data

    def _strike(self, where: str) -> None:
        self.cut = True
        self._door.on_strike(where)
        if self._door.closes:
            self.wire.close()

    def gone(self) -> None:
        self.closed_at = time.monotonic()

    def hit_at(self, moment: float) -> str:
        """Where a kill at this time hit, as far as this connection can tell; empty when nothing was under way."""
        if self.multi_at >= moment or self.done_at < moment or self.closed_at < moment:
            return ""
        return "after EXEC" if self.exec_at < NEVER else "before EXEC"


class RedisDoor(Target):
    """A socket of its own for one extractor.

    After a strike nothing passes on that connection any more, and it
    closes if `closes`.
    """

    def __init__(self, relay: Relay, path: Path, server: Path) -> None:
        super().__init__()
        self.url = f"unix://{path}"
        self.behind = "0-0"  # the entry that the extractor reads behind: it has taken all up to there
        self.stored_at = 0.0
        self.wires: list[RedisTap] = []
        self.closes = False
        self._relay, self._server = relay, server
        door = socket.socket(socket.AF_UNIX)
        door.bind(str(path))
        relay.add_door(door, self._connect, self._tap)

    def _connect(self) -> socket.socket:
        up = socket.socket(socket.AF_UNIX)
        up.connect(str(self._server))
        return up

    def _tap(self, wire: Wire) -> RedisTap:
        tap = RedisTap(self, wire)
        self.wires = [one for one in self.wires if one.wire.open] + [tap]
        return tap

    def reads(self) -> bool:
        """The extractor has a connection on which it asks for events."""
        return any(tap.reads and tap.wire.open for tap in self.wires)

    def cut(self, reading: bool | None = None) -> int:
        """From now on nothing passes on the connections there are (those that read, or those that do not)."""
        with self._relay.lock:
            wires = [tap for tap in self.wires if tap.wire.open and reading in (None, tap.reads)]
            for tap in wires:
                tap.cut = True
            return len(wires)

    def hit_at(self, moment: float) -> str:
        """Where in a transaction a kill at this time hit; empty when in none."""
        with self._relay.lock:
            hits = [tap.hit_at(moment) for tap in self.wires]
        return next((hit for hit in hits if hit), "")
