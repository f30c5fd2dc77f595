"""What the loop reads: events out of the stream and the channel, and whether the stream is as it has to be."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .. import logs, waits
from ..clocks import host_time, now_us
from ..config import Settings
from ..core import Operator, Row
from ..dependency import Dependency
from ..entries import order_of
from ..notify import Notify
from ..publish import Publisher
from ..redis import Connection, RedisAway
from ..schema import Kind
from ..source import START, Reading, Source
from ..stream_bounds import SWAMPED_BYTES, StreamBounds

KEEP = waits.us("stream_age")


class Made(NamedTuple):
    """Rows of one message, or of time that has passed; `closed_at` is when their windows closed (monotonic µs)."""

    rows: list[Row]
    closed_at: int
    begins_session: bool = False


class Reader:
    """Events in, rows out. Times are monotonic µs; `resume` is called with the first connection."""

    def __init__(
        self,
        kind: Kind,
        settings: Settings,
        operator: Operator[Any],
        publisher: Publisher,
        notify: Notify,
        resume: Callable[[Connection], None],
        wake: int,
    ) -> None:
        self.dependency = Dependency("redis_read")
        self.source = Source(kind, settings.redis, self.dependency, resume, wake)
        self.bounds = StreamBounds(kind)
        self.caught_up = False  # all of the stream has been read once
        self.gaps = 0  # times that entries may have been trimmed before they were read
        self.read_at: int | None = None  # when the stream was read last
        self._kind = kind
        self._stream_bytes = settings.stream_bytes
        self._operator = operator
        self._publisher = publisher
        self._notify = notify
        self._ahead = False  # the stream's ids are ahead of the clock, and it is to be made anew
        self._unsure: str | None = None  # an entry read so long ago that what followed it may be gone

    def turn(self, connection: Connection, longest: int) -> Iterator[Made]:
        """Reads once, `longest` µs at most: what comes of it."""
        operator, source = self._operator, self.source
        due, due_by_event, now = operator.next_due(), operator.due_by_event(), now_us()
        at = source.clock.at(now)
        block = longest if due is None else min(longest, due - at)
        quiet = None if due_by_event is None else due_by_event - at
        before = source.last_id
        try:
            reading = self._made_anew(now) or source.read(connection, block, self._notify.patience(now), quiet)
        except RedisAway as error:
            source.lost(error)
            self._publisher.link.close()  # it is lost as well, though it may not know yet
            self.bounds.forget()
            return
        read_at = now_us()
        sessions = operator.counters.sessions
        for rows in operator.messages(reading.messages, reading.arrived, host_time()):
            begins_session, sessions = operator.counters.sessions > sessions, operator.counters.sessions
            if begins_session:
                logs.log("session_begun")
            yield Made(rows, read_at, begins_session)
        if reading.counted is not None:
            for row in operator.advance(reading.counted):
                yield Made([row], source.clock.moment(operator.due_at(row.ts), read_at))
            self.caught_up = True
        if reading.counted is not None or source.last_id != before:
            self._was_read(before, now_us())

    def _made_anew(self, now: int) -> Reading | None:
        """Makes the stream anew when that is due and no read is under way; what was unread in it."""
        if not self._ahead or self.source.waits:
            return None
        self._ahead = False
        if self._publisher.write([("MULTI",)], now) is None:  # alone: were it refused, the rest would run one by one
            return None
        answers = self._publisher.write(self.bounds.take_out(self.source.last_id), now)
        return None if answers is None else self.source.anew(self.bounds.made_anew(answers[-1]))

    # --- the stream's bounds -----------------------------------------------------------------------

    def check_stream(self, now: int) -> None:
        """Trims a stream that is too large; sees whether its ids are ahead, and whether entries went unread."""
        if not self._bound(now, self._stream_bytes):
            return
        answers = self._publisher.write([self.bounds.ids_question()], now)
        if answers is None:
            return
        self._ahead = self.bounds.is_ahead(answers[0], host_time() // 1000)
        if self.bounds.has_gap(answers[0], self.source.last_id, self.source.entries):
            self._count_gap()

    def bound_swamped(self, now: int) -> None:
        """Trims at once a stream whose last answer held what is too long for an event."""
        if self.source.swamped:
            self._bound(now, min(SWAMPED_BYTES, self._stream_bytes))

    def _bound(self, now: int, limit: int) -> bool:
        """Trims the stream when it is larger than `limit` bytes. Whether there is one."""
        answers = self._publisher.write(self.bounds.size_questions(), now)
        if answers is None or answers[1] is None:
            return False
        command = self.bounds.too_large(answers, limit)
        trimmed = self._publisher.write([command], now) if command else None
        if trimmed:
            self.bounds.trimmed(trimmed[0], now)
        return True

    # --- gaps --------------------------------------------------------------------------------------

    def _was_read(self, before: str, now: int) -> None:
        """The stream was read on from the entry `before`."""
        if self.read_at is not None and now - self.read_at > KEEP and before != START:
            self._unsure = before
        self.read_at = now

    def look_for_gap(self, now: int) -> None:
        """Counts a gap when the stream begins after the entry that was read last before a long break."""
        if self._unsure is None:
            return
        answers = self._publisher.write([("XRANGE", self._kind.stream_key, "-", "+", "COUNT", 1)], now)
        if answers is None:
            return
        first = answers[0]
        if first and order_of(first[0][0].decode()) > order_of(self._unsure):
            self._count_gap()
        self._unsure = None

    def _count_gap(self) -> None:
        self.gaps += 1
        self.bounds.forget()  # it is counted once
        logs.log("stream_gap")
