"""The host itself: its disks and its clock, and what is to be thought of them.

Standard library only: the command `seclyzer` looks at them by this as well.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .model import Entry, Status
from .parse import number
from .sizes import mebibytes
from .spec import Setting

MIB = 2**20
CONTAINER = Path("/run/systemd/container")
INODES_WARN, INODES_FAIL = 5.0, 1.0  # percent that are free
SETTINGS = (
    Setting(
        "disk_warn_mebibytes",
        number(1, 2**30),
        512,
        "a disk with less free space than this is `warn`; keep more for the spools than `spool_bytes` of each",
    ),
    Setting("disk_fail_mebibytes", number(1, 2**30), 32, "and with less than this `fail`"),
)


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system: free and all bytes, and free inodes in percent (None where it has no fixed number)."""

    free: int
    size: int
    inodes: float | None


def look(folder: str) -> Disk:
    """The file system that a folder is on. Raises OSError."""
    found = os.statvfs(folder)
    inodes = 100 * found.f_favail / found.f_files if found.f_files else None
    return Disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, inodes)


def judge_disk(folder: str, disk: Disk, warn: float, fail: float) -> Entry:
    """One file system; `warn` and `fail` in bytes that are free."""
    status = Status.falling(disk.free, warn, fail)
    words = f"the disk of {folder} has {mebibytes(disk.free)} free of {mebibytes(disk.size)}"
    if disk.inodes is not None and (few := Status.falling(disk.inodes, INODES_WARN, INODES_FAIL)):
        status = max(status, few)
        words += f", and room for few more files ({disk.inodes:.1f} % of its inodes)"
    plain = f"the disk of {folder} is almost full" if status else f"the disk of {folder} has room"
    return Entry("disk", folder, "system", status, words, disk.free, "bytes", plain=plain)


def judge_clock(synchronised: bool | None) -> Entry:
    """The clock: windows of all hosts are compared by it, and certificates are judged by it."""
    if synchronised is None:
        words = "whether the clock is synchronised is known elsewhere: this is a container, or systemd does not say"
        return Entry("clock", "clock", "system", Status.PASS, words, figures=False)
    status = Status.PASS if synchronised else Status.WARN
    words = "the clock is synchronised" if synchronised else "the clock is not synchronised with a time server"
    return Entry("clock", "clock", "system", status, words, synchronised, figures=False)
