"""The segments of the spool: what is in its folder, what is in them, and the lock on it. The package describes them."""

import errno
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from .. import logs
from ..schema import state_version
from ..versions import Later, Skipped
from .disk import Disk

FOLDER = "spool"
UNREADABLE_BYTES = 1_048_576  # a longer file is not of this project
READ_BYTES = 262_144
LAST_NUMBER = 2**64 - 1
_NAME = re.compile(r"([0-9]{20})\.lp")
_LATER = re.compile(r"[0-9]{20}\.lp([1-9][0-9]{0,8})")  # the version of its form stands behind the name
VERSION = state_version("spool")


@dataclass(slots=True)
class Segment:
    """`lines` are those not sent yet, None before they were counted; `oldest_ts` is the time of the first (µs)."""

    size: int
    lines: int | None
    oldest_ts: int | None = None  # before it was read, and when it has none
    passed_over: bool = False  # not to be sent
    stuck: bool = False  # not to be unlinked either


class Segments:
    """By number, oldest first. OSError where nothing else stands."""

    def __init__(self, state_dir: str, disk: Disk) -> None:
        self.size = 0  # bytes in all of them
        self.skipped = Skipped()  # those that a later version wrote
        self.disk = disk
        self._state_dir = state_dir
        self._path = os.path.join(state_dir, FOLDER)
        self._folder: int | None = None  # open and locked
        self._rooted = False
        self._all: dict[int, Segment] = {}
        self._next = 1

    def __contains__(self, number: int) -> bool:
        return number in self._all

    def __getitem__(self, number: int) -> Segment:
        return self._all[number]

    @property
    def to_send(self) -> int | None:
        """The number of the oldest that can be sent."""
        return next((number for number, segment in self._all.items() if not segment.passed_over), None)

    @property
    def to_unlink(self) -> int | None:
        """The number of the oldest that can be unlinked."""
        return next((number for number, segment in self._all.items() if not segment.stuck), None)

    @property
    def oldest_ts(self) -> int:
        """The time (µs) of the oldest point that can be sent; 0 when there is none, or it is not known."""
        number = self.to_send
        return 0 if number is None else self._all[number].oldest_ts or 0

    # --- the folder --------------------------------------------------------------------------------

    def make(self) -> None:
        """The folder is there, is locked, and its own entry is safe, whoever made it."""
        if self._folder is None:
            with suppress(FileExistsError):
                self.disk.mkdir(self._path, 0o700)
            self.open()
        if not self._rooted:
            self._root()

    def open(self) -> None:
        folder = self.disk.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not self.disk.lock(folder):
                raise OSError(errno.EWOULDBLOCK, "state_dir is used by another process")
            files = self.disk.files(self._path)
        except OSError:
            self.close_file(folder)
            raise
        self._folder = folder
        self._skip(name for name, _ in files)
        for name, size in sorted(file for file in files if _NAME.fullmatch(file[0])):
            number = int(name[:20])
            if 1 <= number <= LAST_NUMBER:
                self._all[number] = Segment(size, None)
                self.size += size
                self._next = number + 1

    def _skip(self, names: Iterable[str]) -> None:
        """Counts the segments that a later version wrote; they stay where they are."""
        found = [int(match[1]) for match in map(_LATER.fullmatch, names) if match]
        later = [version for version in found if version > VERSION]
        if later:
            self.skipped.skip(Later("spool", max(later)), len(later))

    def _root(self) -> None:
        """The folder's own entry is safe, whoever made it."""
        state_dir = self.disk.open(self._state_dir, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.disk.fsync(state_dir)
        finally:
            self.close_file(state_dir)
        self._rooted = True

    def close(self) -> None:
        """Lets another process have them."""
        if self._folder is not None:
            self.close_file(self._folder)
            self._folder = None

    # --- one segment -------------------------------------------------------------------------------

    def begin(self) -> tuple[int, int]:
        """A new one: its file descriptor and number. Its entry is safe after `sync` only."""
        while self._next <= LAST_NUMBER:
            number, self._next = self._next, self._next + 1
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            try:
                file = self.disk.open(self._name(number), flags, 0o600)
            except FileExistsError:
                continue
            self._all[number] = Segment(0, 0)
            return file, number
        raise OSError(errno.EFBIG, "no number is left for a segment")

    def sync(self) -> None:
        """The entries are safe."""
        assert self._folder is not None
        self.disk.fsync(self._folder)

    def resize(self, number: int, size: int) -> None:
        """It has become as large as this."""
        self.size += size - self._all[number].size
        self._all[number].size = size

    def read(self, number: int) -> list[bytes]:
        """The whole lines of a segment; OSError when it cannot be read."""
        file = self.disk.open(self._name(number), os.O_RDONLY | os.O_NOFOLLOW)
        try:
            data = b""
            while more := self.disk.read(file, READ_BYTES):
                data += more
                if len(data) > UNREADABLE_BYTES:
                    raise OSError(errno.EFBIG, "it is larger than 1 MiB")
        finally:
            self.close_file(file)
        *lines, _torn = data.split(b"\n")
        return [line for line in lines if line]

    def unlink(self, number: int) -> bool:
        """False, logged once, when it cannot be."""
        try:
            self.disk.unlink(self._name(number))
        except FileNotFoundError:
            pass
        except OSError as error:
            self._all[number].passed_over = self._all[number].stuck = True
            logs.log("segment_unremovable", segment=number, reason=reason(error))
            return False
        self.forget(number)
        return True

    def forget(self, number: int) -> None:
        self.size -= self._all.pop(number).size

    def count(self, number: int) -> int:
        lines = self._all[number].lines
        if lines is not None:
            return lines
        try:
            return len(self.read(number))
        except OSError:
            return 0

    def _name(self, number: int) -> str:
        return os.path.join(self._path, f"{number:020d}.lp")

    def close_file(self, file: int) -> None:
        with suppress(OSError):  # what has to be safe was synced before
            self.disk.close(file)


def reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
