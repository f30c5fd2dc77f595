"""Points that InfluxDB has not answered, on disk: `<state_dir>/spool/`, one format for both implementations.

Constraints. Delivery is at least once and a point that is sent twice overwrites itself, so nothing has to be remembered
but the points. Memory is small: one segment is read at a time. SD cards wear out: nothing is written while InfluxDB
answers. Neither a full, broken or read-only disk nor what somebody has put there may stop the extractor.

Format. A segment is a file named by 20 decimal digits and `.lp`, its number from 1 on: lines of line protocol, each
ended by `\\n`, 256 KiB at most. There is nothing else: no index, no checksum. Other names are left alone.

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

A segment that cannot be read or unlinked is said once and passed over until the next start.
"""

import errno
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from . import logs
from .disk import Disk

FOLDER = "spool"
SEGMENT_BYTES = 262_144
UNREADABLE_BYTES = 1_048_576  # a longer file is none of ours
RETRY_S = 10.0  # between attempts to write while that fails
LAST_NUMBER = 2**64 - 1
_NAME = re.compile(r"([0-9]{20})\.lp")


@dataclass(slots=True)
class Segment:
    """`lines` are those not sent yet, None before they were counted."""

    size: int
    lines: int | None
    passed_over: bool = False  # not to be sent
    stuck: bool = False  # not to be unlinked either


class Spool:
    """For one thread at a time, but for the counters. Times are monotonic seconds."""

    def __init__(self, state_dir: str, cap: int, disk: Disk | None = None) -> None:
        self.usable = bool(state_dir and cap)
        self.bytes = 0  # in all segments
        self.dropped = 0  # points that made room
        self.retry_at = 0.0  # no append before this
        self._state_dir = state_dir
        self._path = os.path.join(state_dir, FOLDER)
        self._cap = cap
        self._disk = disk or Disk()
        self._folder: int | None = None  # open and locked
        self._rooted = False
        self._segments: dict[int, Segment] = {}  # by number, oldest first
        self._next = 1
        self._open: tuple[int, int] | None = None  # file descriptor and number of what is appended to
        self._broken = False  # the last append failed
        self._outage = _Outage()

    @property
    def empty(self) -> bool:
        """There is nothing to send."""
        return self._oldest_number() is None

    def __contains__(self, number: int) -> bool:
        return number in self._segments

    def open(self, now: float) -> None:
        """Takes up what an earlier process has left, if there is a spool already."""
        if not self.usable:
            return
        try:
            self._open_folder()
        except FileNotFoundError:
            pass
        except OSError as error:
            self._failed(error, now)

    def append(self, lines: Sequence[bytes], now: float) -> int:
        """Puts lines into the spool; returns how many are safe now, the first ones. A failure is said."""
        safe = 0
        try:
            if self._folder is None:
                with suppress(FileExistsError):
                    self._disk.mkdir(self._path, 0o700)
                self._open_folder()
            if not self._rooted:
                self._root()
            while safe < len(lines):
                safe += self._append_some(lines, safe)
        except OSError as error:
            self._failed(error, now)
        else:
            if self._broken:
                logs.info("the spool can be written again")
            self._broken = False
        if safe and not self._outage.said:
            self._outage.said = True
            logs.warning("InfluxDB is away: points go to the spool")
        return safe

    def oldest(self) -> tuple[int, list[bytes]] | None:
        """Number and lines of the segment to send first. It is not appended to any more."""
        while (number := self._oldest_number()) is not None:
            self._seal_if(number)
            segment = self._segments[number]
            try:
                lines = self._read(number)
            except FileNotFoundError:
                self._forget(number)
                continue
            except OSError as error:
                segment.passed_over = True
                logs.error("a segment of the spool cannot be read", reason=_reason(error))
                continue
            if lines:
                segment.lines = len(lines)
                return number, lines
            self.remove(number)
        return None

    def settled(self, number: int, lines: int) -> None:
        """So many lines of a segment were answered, the first of those that were left."""
        segment = self._segments[number]
        segment.lines = (segment.lines or 0) - lines
        self._outage.points += lines

    def remove(self, number: int) -> None:
        """All of a segment is answered."""
        if self._unlink(number) and self.empty:
            self._outage.end()
            self._outage = _Outage()

    def close(self) -> None:
        """Lets another process have it."""
        self._seal()
        if self._folder is not None:
            self._close(self._folder)
            self._folder = None

    # --- the folder --------------------------------------------------------------------------------

    def _root(self) -> None:
        """The folder's own entry is safe, whoever made it."""
        state_dir = self._disk.open(self._state_dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._disk.fsync(state_dir)
        finally:
            self._close(state_dir)
        self._rooted = True

    def _open_folder(self) -> None:
        folder = self._disk.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not self._disk.lock(folder):
                raise OSError(errno.EWOULDBLOCK, "state_dir is used by another process")
            found = sorted((name, size) for name, size in self._disk.files(self._path) if _NAME.fullmatch(name))
        except OSError:
            self._close(folder)
            raise
        self._folder = folder
        for name, size in found:
            number = int(name[:20])
            if 1 <= number <= LAST_NUMBER:
                self._segments[number] = Segment(size, None)
                self.bytes += size
                self._next = number + 1

    def _oldest_number(self) -> int | None:
        return next((number for number, segment in self._segments.items() if not segment.passed_over), None)

    def _name(self, number: int) -> str:
        return os.path.join(self._path, f"{number:020d}.lp")

    def _read(self, number: int) -> list[bytes]:
        """The whole lines of a segment; OSError when it cannot be read."""
        file = self._disk.open(self._name(number), os.O_RDONLY | os.O_NOFOLLOW)
        try:
            data = b""
            while more := self._disk.read(file, SEGMENT_BYTES):
                data += more
                if len(data) > UNREADABLE_BYTES:
                    raise OSError(errno.EFBIG, "it is larger than 1 MiB")
        finally:
            self._close(file)
        *lines, _torn = data.split(b"\n")
        return [line for line in lines if line]

    def _unlink(self, number: int) -> bool:
        """False, said once, when it cannot be."""
        try:
            self._disk.unlink(self._name(number))
        except FileNotFoundError:
            pass
        except OSError as error:
            self._segments[number].passed_over = self._segments[number].stuck = True
            logs.error("a segment of the spool cannot be removed", reason=_reason(error))
            return False
        self._forget(number)
        return True

    def _forget(self, number: int) -> None:
        self.bytes -= self._segments.pop(number).size

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
        return len(piece)

    def _begin(self) -> tuple[int, int]:
        """A new segment, and its folder entry is safe."""
        while self._next <= LAST_NUMBER:
            number, self._next = self._next, self._next + 1
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            try:
                file = self._disk.open(self._name(number), flags, 0o600)
            except FileExistsError:
                continue
            self._open = file, number
            self._segments[number] = Segment(0, 0)
            try:
                self._disk.fsync(self._folder or 0)
            except OSError:
                self._take_back()
                raise
            return file, number
        raise OSError(errno.EFBIG, "no number is left for a segment")

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
        segment.size += len(data)
        self.bytes += len(data)

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
                size = self._disk.size(file)
                self.bytes += size - segment.size
                segment.size = size
        self._seal()
        if segment.size == 0:
            self._unlink(number)

    def _seal_if(self, number: int) -> None:
        if self._open is not None and self._open[1] == number:
            self._seal()

    def _seal(self) -> None:
        """The segment takes no more."""
        if self._open is not None:
            self._close(self._open[0])
            self._open = None

    def _close(self, file: int) -> None:
        try:
            self._disk.close(file)
        except OSError as error:
            logs.debug("a file of the spool cannot be closed", reason=_reason(error))

    def _make_room(self, size: int) -> None:
        """Unlinks the oldest segments until `size` more bytes are within the cap; OSError when that does not go."""
        while self.bytes + size > self._cap:
            number = next((number for number, segment in self._segments.items() if not segment.stuck), None)
            if number is None:
                raise OSError(errno.ENOSPC, "it is full, and no segment can be removed")
            self._seal_if(number)
            lines = self._count(number)
            if self._unlink(number):
                self.dropped += lines
                self._outage.drop(lines)

    def _count(self, number: int) -> int:
        lines = self._segments[number].lines
        if lines is not None:
            return lines
        try:
            return len(self._read(number))
        except OSError:
            return 0

    def _failed(self, error: OSError, now: float) -> None:
        self.retry_at = now + RETRY_S
        if not self._broken:
            self._broken = True
            logs.error("the spool cannot be written", reason=_reason(error))


class _Outage:
    """What is said of one, from the first append until all is sent."""

    def __init__(self) -> None:
        self.said = False
        self.points = 0  # sent from the spool
        self._dropped: int | None = None

    def drop(self, points: int) -> None:
        if self._dropped is None:
            logs.warning("the spool is full: the oldest points go")
        self._dropped = (self._dropped or 0) + points

    def end(self) -> None:
        if self.points or self._dropped:
            dropped = {} if self._dropped is None else {"dropped": self._dropped}
            logs.info("the spool is sent", points=self.points, **dropped)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
