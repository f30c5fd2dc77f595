"""What passes between an extractor and InfluxDB: whether a write is under way; and answers that InfluxDB never gives.

A request is held until it is whole; then a rule says what becomes of it. Most pass to the real influxd.
"""

import gzip
import http.client
import io
import re
import socket
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from .relay import Relay, Target, Wire

NEVER = float("inf")


@dataclass(frozen=True)
class Rule:
    """What becomes of a request.

    `status` 0: InfluxDB answers itself. `stores`: InfluxDB gets it all the same. `gives`: the share of the answer that
    comes, before the connection closes when it is less than 1; with `silent` none comes, and nothing closes.
    `breaks`: InfluxDB gets half of the request, and the connection closes. `limit`: 413 past so many lines, else pass.
    """

    name: str = "pass"
    status: int = 0
    headers: tuple[str, ...] = ()
    stores: bool = False
    gives: float = 1.0
    silent: bool = False
    breaks: bool = False
    limit: int = 0


PASS = Rule()
SILENT = Rule("silent", silent=True)
STORED_BUT_SILENT = Rule("stored, but silent", silent=True, stores=True)
HALF_ANSWER = Rule("half an answer", gives=0.5)
HALF_REQUEST = Rule("half a request", breaks=True)
AWAY = Rule("away")


@dataclass
class Request:
    """One write, as the proxy saw it. `done_at`: the answer went on, or never will (time.monotonic())."""

    at: float
    rule: Rule
    lines: list[str] = field(default_factory=list)
    done_at: float = NEVER
    went_up: bool = False  # all of it, to InfluxDB
    answered: bool = False

    def took(self, now: float) -> float:
        """Seconds until it was done, or until now."""
        return min(self.done_at, now) - self.at


class InfluxTap:
    """Watches one connection."""

    def __init__(self, door: "InfluxDoor", wire: Wire) -> None:
        self.wire = wire
        self.request: Request | None = None
        self._door = door
        self._head = b""
        self._answer = b""
        self._held = False
        if door.default is AWAY:
            wire.close()

    def asked(self, data: bytes) -> bytes:
        if self._held:
            return b""
        if self.request is None or self.request.done_at < NEVER:
            self.request = Request(time.monotonic(), PASS)
            self._door.requests.append(self.request)
            self._answer = b""
        self._head += data
        whole = body_of(self._head)
        if whole is None:
            return b""
        request, self._head = self._head, b""
        return self._decide(request, whole)

    def _decide(self, data: bytes, body: bytes) -> bytes:
        assert self.request is not None
        request, door = self.request, self._door
        request.lines = body.decode(errors="replace").splitlines()
        if door.aim_taken("half a send"):
            self._held = True
            self.wire.send(self.wire.up, data[: len(data) // 2])
            door.strike("in a send")
            return b""
        rule = door.script.popleft() if door.script else door.default
        if rule.limit and len(request.lines) <= rule.limit:
            rule = PASS
        request.rule = rule
        if rule.breaks or rule is AWAY:
            self.wire.send(self.wire.up, data[: len(data) // 2] if rule.breaks else b"")
            self.wire.close()
            return b""
        if rule.status and not rule.silent:
            self._give(fixed(rule))
            request.went_up = rule.stores
        else:
            request.went_up = rule.stores or not rule.silent
        return data if request.went_up else b""

    def answered(self, data: bytes) -> bytes:
        self._answer += data
        if self._held or self.request is None or not is_whole(self._answer):
            return b""
        answer, self._answer = self._answer, b""
        if self._door.aim_taken("answer of a send"):
            self._held = True
            self._door.strike("in a send")
        elif not self.request.rule.silent and not self.request.rule.status:
            self._give(answer)
        return b""

    def _give(self, answer: bytes) -> None:
        assert self.request is not None
        share = self.request.rule.gives
        self.request.done_at = time.monotonic()
        self.request.answered = share == 1
        self.wire.send(self.wire.down, answer[: round(len(answer) * share)])
        if share < 1:
            self.wire.close()

    def gone(self) -> None:
        if self.request is not None:
            self.request.done_at = min(self.request.done_at, time.monotonic())


def body_of(request: bytes) -> bytes | None:
    """The body of a whole request, unpacked; None while it is not whole."""
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if not end or length is None or len(body) < int(length[1]):
        return None
    return gzip.decompress(body) if re.search(rb"(?i)\r\ncontent-encoding: *gzip", head) else body


class _Fake:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        """As a socket does."""
        return io.BytesIO(self._data)


def is_whole(answer: bytes) -> bool:
    """Whether an answer is there to its end."""
    parsed = http.client.HTTPResponse(_Fake(answer))  # type: ignore[arg-type]
    try:
        parsed.begin()
        parsed.read()
    except (http.client.HTTPException, OSError):
        return False
    return b"\r\n\r\n" in answer


def fixed(rule: Rule) -> bytes:
    """An answer that the proxy gives itself."""
    reported = b'{"code":"fault","message":"written by the test"}'
    lines = [f"HTTP/1.1 {rule.status} {http.client.responses[rule.status]}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(reported)}", *rule.headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + reported


def _times(requests: Iterable[Request]) -> set[int]:
    """Of all their points (µs)."""
    return {int(line.rpartition(" ")[2]) for one in requests for line in one.lines}


class InfluxDoor(Target):
    """A port of its own for one extractor. The next requests go by `script`, all others by `default`."""

    def __init__(self, relay: Relay, port: int) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.script: deque[Rule] = deque()
        self.default = PASS
        self.taps: list[InfluxTap] = []
        self._relay, self._server = relay, port
        door = socket.socket()
        door.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        relay.add_door(door, self._connect, self._tap)

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._server), 5)

    def _tap(self, wire: Wire) -> InfluxTap:
        tap = InfluxTap(self, wire)
        self.taps = [one for one in self.taps if one.wire.open] + [tap]
        return tap

    def strike(self, where: str) -> None:
        """The moment has come."""
        self.on_strike(where)

    def go_away(self) -> None:
        """As if a cable were cut: connections end, and none is taken."""
        with self._relay.lock:
            self.default = AWAY
            for tap in self.taps:
                tap.wire.close()

    def come_back(self) -> None:
        """All passes again."""
        with self._relay.lock:
            self.default = PASS
            self.script.clear()

    def in_doubt(self) -> set[int]:
        """The times (µs) of points that InfluxDB may hold, though who sent them never had an answer."""
        with self._relay.lock:
            sent = [one for one in self.requests if one.went_up]
        return _times(sent) - _times(one for one in sent if one.answered)

    def hit_at(self, moment: float) -> str:
        """Whether a kill at this time hit a write."""
        with self._relay.lock:
            return "in a send" if any(one.at < moment <= one.done_at for one in self.requests[-3:]) else ""
