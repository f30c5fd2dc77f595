"""Sends events, JSON lines on stdin, into a Redis on this machine, by the standard library only.

`lab feed` starts it on a host through ssh; `scripts/dev feed` starts it here, in the checkout:
    python3 -m lab.sender --socket /run/redis/redis-server.sock --password-file FILE < events.jsonl
"""

import argparse
import json
import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

from lab.wire import Refusal, Reply, decode, encode

CHANNEL = "seclyzer:events"
STREAM = "seclyzer:stream:"
TYPES = ("keystroke", "mouse", "app")
KEEP_MS = 120_000
BATCH = 500
AHEAD_US = 5_000_000


class SendError(Exception):
    """Why sending ended, in a sentence."""


def add(kind: str, text: bytes, now_ms: int) -> bytes:
    """XADD of one event to its stream, which forgets what is older than 120 s."""
    return encode("XADD", STREAM + kind, "MINID", "~", now_ms - KEEP_MS, "*", "e", text)


def publish(text: bytes) -> bytes:
    """PUBLISH of one event on the channel of all types."""
    return encode("PUBLISH", CHANNEL, text)


class Redis:
    """As much of a Redis client as sending needs: commands in, one reply each out."""

    def __init__(self, path: str, user: str, password: str | None) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        try:
            self.socket.connect(path)
        except OSError as error:
            raise SendError(f"no Redis at {path}: {error.strerror or error}") from error
        self.file = self.socket.makefile("rb")
        if password is not None:
            answer = self.ask([encode("AUTH", user, password)])[0]
            if isinstance(answer, Refusal):
                raise SendError(f"Redis refuses user {user}: {answer}")

    def ask(self, commands: list[bytes]) -> list[Reply]:
        """Send commands in one go and read their replies."""
        try:
            self.socket.sendall(b"".join(commands))
            return [decode(self.file) for _ in commands]
        except OSError as error:
            raise SendError(f"the connection to Redis was lost: {error}") from error


class Lines:
    """Lines of a file descriptor, read without waiting longer than the caller allows."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.buffer = bytearray()
        self.ended = False

    def next(self, wait: float | None) -> bytes | None:
        """The next line; None when there is none within `wait` seconds or at all."""
        until = None if wait is None else time.monotonic() + wait
        while (end := self.buffer.find(b"\n")) < 0 and not self.ended:
            left = None if until is None else max(0.0, until - time.monotonic())
            if not select.select([self.descriptor], [], [], left)[0]:
                return None
            read = os.read(self.descriptor, 65536)
            self.ended = not read
            self.buffer += read
        if end < 0:
            end = len(self.buffer)
        if not self.buffer:
            return None
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 1]
        return line.removesuffix(b"\r")


class Pace:
    """When each event is to be sent, and with what time in it."""

    def __init__(self, speed: float, shift: bool) -> None:
        self.speed = speed  # 0: as fast as it goes
        self.shift = shift
        self.first: int | None = None
        self.begun = 0.0
        self.shift_us = 0

    def place(self, event: dict[str, Any]) -> float:
        """Move the event's time if required; returns when it is due on the monotonic clock."""
        ts = event["ts"]
        if self.first is None:
            self.first, self.begun = ts, time.monotonic()
            self.shift_us = time.time_ns() // 1000 - ts if self.shift else 0
        if self.shift:
            event["ts"] = ts + self.shift_us
        return self.begun + (ts - self.first) / 1e6 / self.speed if self.speed else 0.0


class Sender:
    """Reads, waits, sends and counts."""

    def __init__(self, redis: Redis, options: argparse.Namespace) -> None:
        self.redis = redis
        self.pace = Pace(0.0 if options.speed == "max" else float(options.speed), options.shift == "now")
        self.pubsub = options.transport == "pubsub"
        self.batch: list[bytes] = []
        self.kinds: dict[str, int] = {}
        self.sent = self.refused = self.skipped = self.heard = self.ahead = 0
        self.refusal = ""
        self.started = self.reported_at = time.monotonic()

    def run(self, lines: Lines) -> None:
        """Send until the lines end."""
        while not lines.ended or lines.buffer:
            line = lines.next(0.0 if self.batch else 1.0)
            if line is None:
                self.flush()
            elif line.strip():
                self._one(line)
            self._tell()
        self.flush()

    def _one(self, line: bytes) -> None:
        kind, text, due = self._read(line)
        while (wait := due - time.monotonic()) > 0:
            self.flush()
            self._tell()
            time.sleep(min(wait, 1.0))
        if kind is None and not self.pubsub:
            self.skipped += 1
            return
        self.kinds[kind or "other"] = self.kinds.get(kind or "other", 0) + 1
        self.batch.append(publish(text) if self.pubsub else add(str(kind), text, time.time_ns() // 1_000_000))
        if len(self.batch) >= BATCH:
            self.flush()

    def _read(self, line: bytes) -> tuple[str | None, bytes, float]:
        """Its type if it is one of ours, its text with the time moved, and when it is due."""
        try:
            event = json.loads(line)
        except ValueError:
            return None, line, 0.0
        if not isinstance(event, dict):
            return None, line, 0.0
        due = 0.0
        if type(event.get("ts")) is int:
            due = self.pace.place(event)
            sent_at = time.time_ns() // 1000 + max(0.0, due - time.monotonic()) * 1e6
            self.ahead += event["ts"] > sent_at + AHEAD_US
            if self.pace.shift:
                line = json.dumps(event, separators=(",", ":")).encode()
        return (event["type"] if event.get("type") in TYPES else None), line, due

    def flush(self) -> None:
        """Send what is gathered and read every reply."""
        if not self.batch:
            return
        for answer in self.redis.ask(self.batch):
            if isinstance(answer, Refusal):
                self.refused += 1
                self.refusal = self.refusal or answer
            else:
                self.sent += 1
                self.heard += answer if isinstance(answer, int) else 0
        self.batch.clear()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self.reported_at >= 1.0:
            self.reported_at = now
            rate = self.sent / (now - self.started)
            print(f"  {self.sent} sent, {rate:.0f}/s", file=sys.stderr, flush=True)

    def report(self) -> Iterator[str]:
        """What became of the events, in sentences."""
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.kinds.items()))
        seconds = time.monotonic() - self.started
        yield f"{self.sent} sent, {self.refused} refused in {seconds:.1f} s ({kinds or 'nothing came'})"
        if self.refused:
            yield f"Redis refused: {self.refusal}"
        if self.skipped:
            yield f"{self.skipped} lines skipped: no type of ours, so no stream for them"
        if self.ahead:
            yield f"{self.ahead} events were over 5 s ahead of the clock: extractors count those as future"
        if self.pubsub and self.sent and not self.heard:
            yield "no subscriber: events published to an empty channel are gone"


def main(arguments: list[str] | None = None) -> int:
    """Send stdin; 0 when all was taken, 1 when something was refused or Redis was not there."""
    options = _options(arguments)
    sender: Sender | None = None
    try:
        sender = Sender(Redis(options.socket, options.user, _password(options.password_file)), options)
        sender.run(Lines(sys.stdin.fileno()))
    except SendError as error:
        after = f" (after {sender.sent} events)" if sender else ""
        print(f"feed: {error}{after}", file=sys.stderr)
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        return 130
    for sentence in sender.report():
        print(f"feed: {sentence}", file=sys.stderr)
    return 1 if sender.refused else 0


def _password(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError as error:
        raise SendError(f"no password in {path}: {error.strerror}") from error


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Send JSON lines of events into Redis on this machine.")
    parser.add_argument("--socket", required=True, help="Redis' unix socket")
    parser.add_argument("--user", default="collector")
    parser.add_argument("--password-file", help="without it, no AUTH is sent")
    parser.add_argument("--speed", type=_speed, default="max", help="1: as it happened; 10: faster; or max")
    parser.add_argument("--shift", choices=["now"], help="move all times so that the first event is now")
    parser.add_argument("--transport", choices=["stream", "pubsub"], default="stream")
    return parser.parse_args(arguments)


def _speed(text: str) -> str:
    if text != "max" and not 0 < float(text) < 1e9:
        raise ValueError(text)
    return text


if __name__ == "__main__":
    sys.exit(main())
