"""Files that are either whole or not there: written beside, synced, and renamed.

All goes through an open folder that only root, or this process' own user, may write to, and so may each folder above
it: who could write to one of them could put a link in the way of what is written. Owner and mode are set through the
open file, before it has its name.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .layout import Refused

CHUNK = 1 << 20
LINKS = 40
"""Links that are followed on the way to a folder, as the kernel does."""


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


def read_own(path: Path) -> str | None:
    """The text of such a file as `read_own_bytes` reads."""
    data = read_own_bytes(path)
    return None if data is None else data.decode(errors="replace")


def read_own_bytes(path: Path) -> bytes | None:
    """What is in a file that is root's or one's own, in a folder that no other user may write to; None without one.

    Raises Refused for anything else: a file of another user is not read.
    """
    try:
        with folder(path.parent) as where:
            handle = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=where)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise Refused(f"{path} cannot be read: {fault.strerror}") from None
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (0, os.geteuid()):
            raise Refused(f"{path} is no file of root's: look at who put it there, and remove it")
        return stream.read()


def status(path: Path) -> os.stat_result | None:
    """What stands at a path itself, without following a link; None when nothing does."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


@contextmanager
def folder(path: Path) -> Iterator[int]:
    """An open folder, as a descriptor for `dir_fd`. Raises Refused when others could change what is in it."""
    handle = _opened(path)
    try:
        yield handle
    finally:
        os.close(handle)


def make_folder(path: Path, mode: int = 0o755) -> None:
    """A folder of one's own with this mode, new or not. Folders above it that are missing are made 0755."""
    if not path.parent.exists():
        make_folder(path.parent)
    with folder(path.parent) as above:
        with suppress(FileExistsError):
            os.mkdir(path.name, 0o700, dir_fd=above)
        try:
            handle = os.open(path.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
        except OSError:
            raise Refused(f"{path} is no folder: remove what stands there") from None
    try:
        os.fchown(handle, os.geteuid(), os.getegid())
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """Makes renames in this folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def writing(path: Path, mode: int = 0o644, gid: int | None = None) -> Iterator[IO[bytes]]:
    """A file to be written that gets its name by rename(2) when all is written and synced; none if that fails.

    It is the own user's, with this group (the own one by default) and mode, before it has its name.
    """
    part = f".{path.name}.part"
    with folder(path.parent) as where:
        _unlink(part, where)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=where)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
                stream.flush()
                os.fchown(handle, os.geteuid(), os.getegid() if gid is None else gid)
                os.fchmod(handle, mode)
                os.fsync(handle)
        except BaseException:
            _unlink(part, where)
            raise
        _rename(part, path.name, where)


def write(path: Path, text: str, mode: int = 0o644, gid: int | None = None) -> None:
    """Writes a file by rename(2): a reader sees the old one or the new one."""
    with writing(path, mode, gid) as stream:
        stream.write(text.encode())


def link(path: Path, target: str) -> bool:
    """Points a symbolic link at `target` by rename(2). False when it did already."""
    part = f".{path.name}.part"
    with folder(path.parent) as where:
        with suppress(OSError):
            if os.readlink(path.name, dir_fd=where) == target:
                return False
        _unlink(part, where)
        os.symlink(target, part, dir_fd=where)
        _rename(part, path.name, where)
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
    if not path.parent.exists():
        make_folder(path.parent)
    with folder(path.parent) as where:
        handle = os.open(path.name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=where)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _unlink(name: str, where: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=where)


def _rename(part: str, name: str, where: int) -> None:
    os.rename(part, name, src_dir_fd=where, dst_dir_fd=where)
    os.fsync(where)


def _opened(path: Path) -> int:
    """Opens a folder that was inspected. No other user can change it in between: none may write above it."""
    _inspect(Path(os.path.abspath(path)), 0)
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _inspect(path: Path, links: int) -> None:
    """Raises Refused when another user may change this folder, one above it, or a link on the way to it."""
    if links > LINKS:
        raise Refused(f"{path} goes round in links")
    for place in [*reversed(path.parents), path]:
        found = place.lstat()
        if found.st_uid not in (0, os.geteuid()):
            raise Refused(
                f"{place} belongs to user {found.st_uid}, who could put anything there: "
                f"look at what it holds, then make it root's with chown root {place}"
            )
        if stat.S_ISLNK(found.st_mode):
            _inspect(Path(os.path.normpath(place.parent / os.readlink(place))), links + 1)
        elif _others_write(found) and not (found.st_mode & stat.S_ISVTX and place != path):
            raise Refused(
                f"others than root may write to {place}, and could put anything there: "
                f"look at what it holds, then take their right away with chmod go-w {place}"
            )


def _others_write(found: os.stat_result) -> bool:
    """Whether all users may write, or on a host, where this runs as root, another group than root's."""
    others = stat.S_IWOTH | (stat.S_IWGRP if found.st_gid and not os.geteuid() else 0)
    return bool(found.st_mode & others)
