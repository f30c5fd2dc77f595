"""What the tests of the spool on a real disk share."""

import errno
import os
from pathlib import Path

from seclyzer_extractors.spool import Spool
from seclyzer_extractors.spool.disk import Disk

MIB = 1_048_576


class SickDisk(Disk):
    """A disk where the calls that are `sick` fail, each with this error."""

    def __init__(self, *sick: str, number: int = errno.ENOSPC) -> None:
        self.sick, self.number = set(sick), number

    def _call(self, name: str) -> None:
        if name in self.sick:
            raise OSError(self.number, os.strerror(self.number))

    def read(self, file: int, size: int) -> bytes:
        self._call("read")
        return super().read(file, size)

    def write(self, file: int, data: bytes) -> int:
        if "write" in self.sick:
            super().write(file, data[: len(data) // 2])
        self._call("write")
        return super().write(file, data)

    def fsync(self, file: int) -> None:
        self._call("fsync")

    def fdatasync(self, file: int) -> None:
        self._call("fdatasync")

    def ftruncate(self, file: int, size: int) -> None:
        self._call("ftruncate")
        super().ftruncate(file, size)

    def unlink(self, path: str) -> None:
        self._call("unlink")
        super().unlink(path)


def found(state_dir: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((state_dir / "spool").iterdir()) if path.is_file()}


def reopened(held: Spool, state_dir: Path, disk: Disk | None = None) -> Spool:
    """As a new process finds it."""
    held.close()
    again = Spool(str(state_dir), MIB, disk)
    again.open(0.0)
    return again


def name(number: int) -> str:
    return f"{number:020d}.lp"


def fill(state_dir: Path, **segments: bytes) -> None:
    (state_dir / "spool").mkdir(exist_ok=True)
    for key, data in segments.items():
        (state_dir / "spool" / name(int(key[1:]))).write_bytes(data)


def drained(held: Spool) -> list[list[bytes]]:
    """All that it gives, as if InfluxDB answered."""
    came = []
    while (segment := held.oldest()) is not None:
        came.append(segment[1])
        held.settled(segment[0], len(segment[1]))
        held.remove(segment[0])
    return came
