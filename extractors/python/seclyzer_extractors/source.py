"""Where events come from: Redis' stream of this kind and the shared pub/sub channel, on one connection.

`XREAD` blocks on the stream; what is published comes on the same connection meanwhile. Each answer says how
far real time may be counted: until then, all there was has been read.
"""

import select
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import hiredis

from . import waits
from .config.address import RedisAddress
from .dependency import Dependency
from .entries import event_of, order_of
from .redis import Command, Connection, Link, RedisAway
from .schema import Kind

CHANNEL = "seclyzer:events"
START = "0-0"
COUNT = waits.number("read_count")
FEW = waits.number("read_count_unknown")  # Redis closes a connection that leaves 32 MiB unread
ANSWER_BYTES = waits.number("read_bytes")
LONG_BYTES = 4096 + 512  # an entry that is longer is no event, going by what an answer has for each
GATHER_US = 10_000  # events that come one by one are requested this often: a request costs more than reading them
EXACT_US = 50_000  # but each at once from this long before one may make something due
CATCHING_UP_US = 10_000  # the longest BLOCK while it is not known whether all there was has been read
PROMPT_US = 250_000  # an answer later than this after its BLOCK says nothing about when the stream was empty
OVERDUE_US = waits.us("redis_answer")  # an answer later than this after its BLOCK does not come any more


class Clock:
    """Real time that counts only while the extractor has read all there was. Times are monotonic µs."""

    def __init__(self) -> None:
        self._counted = 0
        self._mark: int | None = None  # the time at which `_counted` was right; None while it stands still

    @property
    def runs(self) -> bool:
        return self._mark is not None

    def at(self, now: int) -> int:
        """What it shows now."""
        return self._counted if self._mark is None else self._counted + max(0, now - self._mark)

    def moment(self, counted: int, now: int) -> int:
        """When it showed `counted`, if it has not stood still since."""
        return now - (self.at(now) - counted)

    def caught_up(self, until: int, now: int) -> int:
        """All there was `until` then has been read: what it showed. When it stood, it goes on from `now`."""
        if self._mark is None:
            self._mark = now
        elif until > self._mark:
            self._counted += until - self._mark
            self._mark = until
        return self._counted

    def stop(self) -> None:
        """There may be something that was not read yet. What was counted stays."""
        self._mark = None


class Reading(NamedTuple):
    """What one read gave. `arrived` and `counted` are by the source's clock; None counts no time."""

    messages: list[bytes]
    arrived: int
    counted: int | None


class _Asked(NamedTuple):
    """An XREAD under way: µs, how many entries it asks for, and the bytes that had come until then."""

    at: int
    block: int
    entries: int
    received: int


class Source:
    """Reads on from the stream entry `last_id`, which `resume` may set, called with the first connection."""

    def __init__(
        self,
        kind: Kind,
        address: RedisAddress,
        dependency: Dependency,
        resume: Callable[[Connection], None],
        wake: int,
    ) -> None:
        self.last_id = START
        self.clock = Clock()
        self.entries = 0  # read from the stream
        self.swamped = False  # the last answer held what is too long for an event
        self._count = FEW
        self.link = Link(address, f"seclyzer-{kind.name}", dependency, self._greet)
        self._stream = kind.stream_key
        self._resume: Callable[[Connection], None] | None = resume
        self._wake = wake  # a file descriptor that ends any wait
        self._asked: _Asked | None = None
        self._subscribed = False
        self._gather_until = 0

    def _greet(self, connection: Connection) -> None:
        if self._resume is not None:
            self._resume(connection)
            self._resume = None
        if self.last_id != START and self._began_anew(connection):
            self.last_id = START
        connection.send(("SUBSCRIBE", CHANNEL))
        self._subscribed = False
        self._asked = None
        self._count = FEW

    def _began_anew(self, connection: Connection) -> bool:
        """Redis has forgotten the stream. If the clock was set back, its new ids are before the last one read."""
        if connection.call("XRANGE", self._stream, self.last_id, "+", "COUNT", 1):
            return False
        first = connection.call("XRANGE", self._stream, "-", "+", "COUNT", 1)
        return not first or order_of(first[0][0].decode()) < order_of(self.last_id)

    @property
    def waits(self) -> bool:
        """A read is under way, and will be answered."""
        return self._asked is not None

    def anew(self, entries: list[Any]) -> Reading:
        """The stream was made anew, and these are what was left of the old one. Nothing may be under way."""
        self.last_id = START
        self.clock.stop()
        return Reading([event_of(fields) for _, fields in entries], self.clock.at(_now()), None)

    def read(self, connection: Connection, block: int, patience: int | None, quiet: int | None = None) -> Reading:
        """Waits `block` µs at most for entries and never longer than `patience`; RedisAway when overdue.

        No event makes anything due for the next `quiet` µs; None is as long as `block`.
        """
        if self._asked is None:
            if not self.clock.runs:
                block = min(block, CATCHING_UP_US)
            block -= self._gather(min(block, block if quiet is None else quiet) - EXACT_US)
            block_ms = max(0, -(-block // 1000))
            blocking: Command = ("BLOCK", block_ms) if block_ms else ()  # BLOCK 0 would wait forever
            connection.send(("XREAD", "COUNT", self._count, *blocking, "STREAMS", self._stream, self.last_id))
            self._asked = _Asked(_now(), block_ms * 1000, self._count, connection.received)
        expected = self._asked.at + self._asked.block
        wait = expected + OVERDUE_US - _now()
        readable = self._wait(connection, wait if patience is None else min(wait, patience))
        now = _now()
        prompt = now <= expected + PROMPT_US
        if not prompt:
            self.clock.stop()
        if not readable and now > expected + OVERDUE_US:
            raise connection.no_answer()
        arrived = self.clock.at(now)
        messages: list[bytes] = []
        counted = None
        if readable:
            for answer in connection.receive():
                if isinstance(answer, hiredis.PushNotification):
                    if answer[0] == b"message":
                        messages.append(answer[2])
                    self._subscribed = True
                else:
                    counted = self._answered(connection, answer, messages, now, prompt)
        return Reading(messages, arrived, counted)

    def _gather(self, longest: int) -> int:
        """Lets events gather when some have just come, `longest` µs at most. Returns the µs for which it did."""
        wait = min(self._gather_until - _now(), longest)
        if wait <= 0:
            return 0
        time.sleep(wait / 1_000_000)
        return wait

    def _wait(self, connection: Connection, wait: int) -> bool:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        return any(fd == connection.fileno() for fd, _ in poll.poll(max(0, wait) / 1000))

    def _answered(
        self, connection: Connection, answer: Any, messages: list[bytes], now: int, prompt: bool
    ) -> int | None:
        """Takes XREAD's answer; returns what the clock may count to."""
        if isinstance(answer, hiredis.ReplyError):
            raise connection.refused("XREAD" if self._subscribed else "SUBSCRIBE", answer)
        self.link.worked()
        received = connection.received
        asked, self._asked = self._asked, None
        entries = next(iter(answer.values())) if answer else []
        messages += [event_of(fields) for _, fields in entries]
        full = asked is not None and len(entries) >= asked.entries
        if entries:
            self.last_id = entries[-1][0].decode()
            self.entries += len(entries)
            self._gather_until = 0 if full else now + GATHER_US
        if asked is not None:
            self._count = next_count(len(entries), received - asked.received)
            self.swamped = received - asked.received > LONG_BYTES * max(1, len(entries))
        if full:
            self.clock.stop()
        if asked is None or not prompt or full:
            return None
        # Nothing was left when Redis answered: after the whole BLOCK, or sometime after it was asked.
        return self.clock.caught_up(asked.at if entries else min(now, asked.at + asked.block), now)

    def lost(self, error: RedisAway) -> None:
        """The connection failed: time stands still until the backlog has been read."""
        self.clock.stop()
        self.link.lost(error, _now())


def next_count(entries: int, received: int) -> int:
    """How many entries to ask for after an answer of so many entries and bytes: twice as many, if they are short."""
    if not entries:
        return FEW
    return max(1, min(COUNT, max(FEW, 2 * entries), ANSWER_BYTES * entries // max(1, received)))


def _now() -> int:
    return time.monotonic_ns() // 1000
