"""Files that are either whole or not there: written beside, synced, and renamed."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CHUNK = 1 << 20


def sha256_of(stream: IO[bytes]) -> str:
    """The hash of what is left in an open file."""
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as stream:
        return sha256_of(stream)


def read(path: Path) -> str | None:
    """A file's text, or None when there is no such file."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def sync(folder: Path) -> None:
    """Makes renames in this folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file by rename(2): a reader sees the old one or the new one."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w") as stream:
        os.fchmod(handle, mode)
        stream.write(text)
        stream.flush()
        os.fsync(handle)
    part.rename(path)
    sync(path.parent)


def link(path: Path, target: str) -> bool:
    """Points a symbolic link at `target` by rename(2). False when it did already."""
    if path.is_symlink() and os.readlink(path) == target:
        return False
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.rename(path)
    sync(path.parent)
    return True


def free_bytes(path: Path) -> int:
    """What may still be written below a folder, or below the nearest one above it that exists."""
    while not path.exists():
        path = path.parent
    space = os.statvfs(path)
    return space.f_bavail * space.f_frsize


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock file, so that a rollout and a person on the host do not change things at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
