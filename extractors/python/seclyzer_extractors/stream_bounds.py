"""Keeps the own stream in bounds, whatever its producers add: its size, and how far its ids are ahead of the clock.

An entry's id decides when it is trimmed and what may come after it, and producers may choose it. So a stream whose
ids are ahead is made anew, and one that is larger than events make it is trimmed, oldest first and unread.
"""

from collections.abc import Mapping
from typing import Any

import hiredis

from . import logs, waits
from .entries import order_of
from .redis import Command
from .schema import Kind

SWAMPED_BYTES = 2 << 20  # what is kept of a stream that holds what is too long for an event
AHEAD_MS = waits.ms("stream_age")  # ids less ahead than entries are kept are trimmed a little later, that is all
COUNT = waits.number("read_count")  # entries that are taken out of a stream before it is made anew
LOG_EVERY = waits.us("log_repeat")


class StreamBounds:
    """What is known of the stream's bounds, and what was done about them. Times are monotonic µs."""

    def __init__(self, kind: Kind) -> None:
        self.entries_trimmed = 0
        self.streams_reset = 0
        self._stream = kind.stream_key
        self._log_at = 0
        self._base: tuple[int, int] | None = None  # entries added and read, when all had been read
        self._tip = ""  # the last id that was assigned, at the last look

    def size_questions(self) -> list[Command]:
        """Asks how much the stream holds; `too_large` takes the answers."""
        return [("XLEN", self._stream), ("MEMORY", "USAGE", self._stream, "SAMPLES", 0)]

    def too_large(self, answers: list[Any], limit: int) -> Command | None:
        """Trims a stream of more than `limit` bytes to half of that; `trimmed` takes the answer."""
        length, size = answers
        if not size or size <= limit:
            return None
        return "XTRIM", self._stream, "MAXLEN", length * limit // (2 * size)

    def trimmed(self, count: int, now: int) -> None:
        self.entries_trimmed += count
        self._base = None
        if now >= self._log_at:
            self._log_at = now + LOG_EVERY
            logs.log("stream_trimmed", entries=count)

    def ids_question(self) -> Command:
        """Asks which id was assigned last; `is_ahead` and `has_gap` take the answer."""
        return "XINFO", "STREAM", self._stream

    @staticmethod
    def is_ahead(answer: Any, host_ms: int) -> bool:
        return order_of(_tip_of(answer))[0] > host_ms + AHEAD_MS

    def has_gap(self, answer: Any, last_id: str, read: int) -> bool:
        """Whether entries were taken away by others before they were read; `read` counts those that were.

        That is known only when all there was has been read: up to the last id assigned, or nothing is left and
        nothing was added since the last look.
        """
        tip, added = _tip_of(answer), answer.get(b"entries-added")
        same, self._tip = tip == self._tip, tip
        if added is None or not (tip == last_id or (same and not answer[b"length"])):
            return False
        base, self._base = self._base, (added, read)
        return base is not None and added - base[0] > read - base[1] and added >= base[0]

    def forget(self) -> None:
        """What had been added is not known any more, or need not be compared again: Redis may be another one."""
        self._base = None

    def take_out(self, last_id: str) -> list[Command]:
        """Takes what is unread out of the stream and the stream away, at once; behind `MULTI`."""
        unread: Command = ("XRANGE", self._stream, f"({last_id}", "+", "COUNT", COUNT)
        return [unread, ("DEL", self._stream), ("EXEC",)]

    def made_anew(self, done: Any) -> list[Any]:
        """The entries that EXEC gave back."""
        self.streams_reset += 1
        self._base = None
        logs.log("stream_reset")
        entries = done[0] if isinstance(done, list) and done else []
        return [] if isinstance(entries, hiredis.ReplyError) else entries


def _tip_of(answer: Mapping[bytes, Any]) -> str:
    tip: bytes = answer[b"last-generated-id"]
    return tip.decode()
