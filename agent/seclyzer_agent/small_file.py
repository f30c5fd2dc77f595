"""A small file of the kernel's or of ours, read with three calls of the system; `Path.read_text` takes eight."""

from __future__ import annotations

import os
from collections.abc import Callable

MOST_BYTES = 64 * 1024

Read = Callable[[str], bytes]
"""Gives a file's first bytes, by its path. Raises OSError."""


def read(path: str) -> bytes:
    """Its first bytes. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, MOST_BYTES)
    finally:
        os.close(descriptor)


class Kept:
    """Small files of the kernel's that are read again and again: each stays open as long as the kernel has it."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def read(self, path: str) -> bytes:
        """Its first bytes as they are now. Raises OSError."""
        if (descriptor := self._open.get(path)) is not None:
            try:
                return os.pread(descriptor, MOST_BYTES, 0)
            except OSError:  # it is gone, and there may be another
                os.close(self._open.pop(path))
        self._open[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(self._open[path], MOST_BYTES, 0)


def number_after(name: bytes, text: bytes) -> int | None:
    """The number in the line that begins with this name and a blank; None when there is none. Raises ValueError."""
    _, found, rest = (b"\n" + text).partition(b"\n" + name + b" ")
    return int(rest.partition(b"\n")[0]) if found else None
