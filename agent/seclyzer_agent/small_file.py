"""A small file of the kernel's or of ours, read with three calls of the system; `Path.read_text` takes eight."""

from __future__ import annotations

import os

MOST_BYTES = 64 * 1024


def read(path: str) -> bytes:
    """Its first bytes. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, MOST_BYTES)
    finally:
        os.close(descriptor)


def number_after(name: bytes, text: bytes) -> int | None:
    """The number in the line that begins with this name and a blank; None when there is none. Raises ValueError."""
    _, found, rest = (b"\n" + text).partition(b"\n" + name + b" ")
    return int(rest.partition(b"\n")[0]) if found else None
