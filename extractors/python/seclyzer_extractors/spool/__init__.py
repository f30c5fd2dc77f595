"""The disk buffer: points that InfluxDB has not confirmed, in `<state_dir>/spool/`, one format for both programs.

Constraints. Delivery is at least once and a point that is sent twice overwrites itself, so nothing has to be remembered
but the points. Memory is small: one segment is read at a time. SD cards wear out: nothing is written while InfluxDB
answers. Neither a full, broken or read-only disk nor what another program has put there may stop the extractor.

Format. A segment is a file named by 20 decimal digits and `.lp`, its number from 1 on: lines of line protocol, each
ended by `\\n`, 256 KiB at most. There is nothing else: no index, no checksum. Other names are left alone. A later
version of this form would stand behind the name, as in `.lp2`: such segments are counted, logged and left alone too.

Invariants.
* A point is in the spool once its line and the entries of segment and folder have been synced. Only then does it leave
  memory.
* Segments hold points in order, and their numbers rise; the oldest is sent first, whole, and unlinked after the answer.
  A crash between the two sends it again.
* Only the newest segment is appended to, and only by the process that made it. So a line without an end, which a crash
  leaves, stands at the end of a segment; it is cut when the segment is read. It had never been in the spool.
* An append that fails is taken back, and its segment is not appended to again.
* The segments together stay within a cap: the oldest make room, and their points are counted as dropped.
* One process at a time: it holds a lock on the folder.

A segment that cannot be read or unlinked is logged once and passed over until the next start.
"""

import errno
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

from .. import logs
from ..dependency import Outage
from ..output import line_ts
from .disk import Disk
from .segments import Segments, reason

SEGMENT_BYTES = 262_144
UNWRITABLE = "unwritable"
RETRY_S = 10.0  # between attempts to write while that fails


class Spool:
    """For one thread at a time, but for the counters. Times are monotonic seconds."""

    def __init__(self, state_dir: str, cap: int, disk: Disk | None = None) -> None:
        self.usable = bool(state_dir and cap)
        self.dropped = 0  # points that made room
        self.retry_at = 0.0  # no append before this
        self.oldest_ts = 0  # the time of the oldest point (µs); 0 when there is none, or it was not read yet
        self._cap = cap
        self._disk = disk or Disk()
        self._segments = Segments(state_dir, self._disk)
        self._open: tuple[int, int] | None = None  # file descriptor and number of what is appended to
        self.outage = Outage()  # the last time that it could not be written; replaced as a whole
        self._outage = _Outage()

    @property
    def empty(self) -> bool:
        """There is nothing to send."""
        return self._segments.to_send is None

    @property
    def size(self) -> int:
        """Bytes in all segments."""
        return self._segments.size

    @property
    def skipped(self) -> int:
        """Segments that a later version wrote, left alone."""
        return self._segments.skipped.count

    def __contains__(self, number: int) -> bool:
        return number in self._segments

    def open(self, now: float) -> None:
        """Takes up what an earlier process has left, if there is a spool already."""
        if not self.usable:
            return
        try:
            self._segments.open()
        except FileNotFoundError:
            pass
        except OSError as error:
            self._failed(error, now)

    def append(self, lines: Sequence[bytes], now: float) -> int:
        """Puts lines into the spool; returns how many are safe now, the first ones. A failure is logged."""
        safe = 0
        try:
            self._segments.make()
            while safe < len(lines):
                safe += self._append_some(lines, safe)
        except OSError as error:
            self._failed(error, now)
        else:
            if self.outage.fault:
                logs.log("spool_writable")
            self.outage = self.outage.over()
        if safe and not self._outage.logged:
            self._outage.logged = True
            logs.log("spool_begun")
        self.oldest_ts = self._segments.oldest_ts
        return safe

    def oldest(self) -> tuple[int, list[bytes]] | None:
        """Number and lines of the segment to send first. It is not appended to any more."""
        while (number := self._segments.to_send) is not None:
            self._seal_if(number)
            segment = self._segments[number]
            try:
                lines = self._segments.read(number)
            except FileNotFoundError:
                self._segments.forget(number)
                continue
            except OSError as error:
                segment.passed_over = True
                logs.log("segment_unreadable", segment=number, reason=reason(error))
                continue
            if lines:
                segment.lines, segment.oldest_ts = len(lines), line_ts(lines[0])
                self.oldest_ts = self._segments.oldest_ts
                return number, lines
            self.remove(number)
        self.oldest_ts = 0
        return None

    def settled(self, number: int, lines: int) -> None:
        """So many lines of a segment were answered, the first of those that were left."""
        segment = self._segments[number]
        segment.lines = (segment.lines or 0) - lines
        self._outage.points += lines

    def remove(self, number: int) -> None:
        """All of a segment is answered."""
        if self._segments.unlink(number) and self.empty:
            self._outage.end()
            self._outage = _Outage()
        self.oldest_ts = self._segments.oldest_ts

    def close(self) -> None:
        """Lets another process have it."""
        self._seal()
        self._segments.close()

    # --- appending ---------------------------------------------------------------------------------

    def _append_some(self, lines: Sequence[bytes], first: int) -> int:
        """Puts as many lines as one segment takes, from `first` on; returns how many. OSError when none are safe."""
        used = self._segments[self._open[1]].size if self._open else 0
        piece: list[bytes] = []
        size = used
        for line in islice(lines, first, None):
            if size and size + len(line) + 1 > SEGMENT_BYTES:
                break
            piece.append(line)
            size += len(line) + 1
        if not piece:
            self._seal()
            return 0
        self._make_room(size - used)
        file, number = self._open or self._begin()
        self._write(file, number, b"\n".join([*piece, b""]))
        segment = self._segments[number]
        segment.lines = (segment.lines or 0) + len(piece)
        if segment.oldest_ts is None:
            segment.oldest_ts = line_ts(piece[0])
        return len(piece)

    def _begin(self) -> tuple[int, int]:
        """A new segment, and its folder entry is safe."""
        file, number = self._open = self._segments.begin()
        try:
            self._segments.sync()
        except OSError:
            self._take_back()
            raise
        return file, number

    def _write(self, file: int, number: int, data: bytes) -> None:
        segment = self._segments[number]
        rest = data
        try:
            while rest:
                count = self._disk.write(file, rest)
                if count == 0:
                    raise OSError(errno.EIO, "nothing is written")
                rest = rest[count:]
            self._disk.fdatasync(file)
        except OSError:
            self._take_back()
            raise
        self._segments.resize(number, segment.size + len(data))

    def _take_back(self) -> None:
        """Cuts what an append that failed has written, as well as that goes; the segment takes no more."""
        assert self._open is not None
        file, number = self._open
        segment = self._segments[number]
        try:
            self._disk.ftruncate(file, segment.size)
        except OSError:
            segment.lines = None
            with suppress(OSError):
                self._segments.resize(number, self._disk.size(file))
        self._seal()
        if segment.size == 0:
            self._segments.unlink(number)

    def _seal_if(self, number: int) -> None:
        if self._open is not None and self._open[1] == number:
            self._seal()

    def _seal(self) -> None:
        """The segment takes no more."""
        if self._open is not None:
            self._segments.close_file(self._open[0])
            self._open = None

    def _make_room(self, size: int) -> None:
        """Unlinks the oldest segments until `size` more bytes are within the cap; OSError when that does not go."""
        while self.size + size > self._cap:
            number = self._segments.to_unlink
            if number is None:
                raise OSError(errno.ENOSPC, "it is full, and no segment can be removed")
            self._seal_if(number)
            lines = self._segments.count(number)
            if self._segments.unlink(number):
                self.dropped += lines
                self._outage.drop(lines)

    def _failed(self, error: OSError, now: float) -> None:
        self.retry_at = now + RETRY_S
        if not self.outage.fault:
            logs.log("spool_unwritable", reason=reason(error))
        self.outage = self.outage.lasting(UNWRITABLE, reason(error))


class _Outage:
    """What is logged of one, from the first append until all is sent."""

    def __init__(self) -> None:
        self.logged = False
        self.points = 0  # sent from the spool
        self._dropped: int | None = None

    def drop(self, points: int) -> None:
        if self._dropped is None:
            logs.log("spool_full")
        self._dropped = (self._dropped or 0) + points

    def end(self) -> None:
        if self.points or self._dropped:
            logs.log("spool_sent", points=self.points, dropped=self._dropped)
