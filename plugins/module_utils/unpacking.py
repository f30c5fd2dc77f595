"""Archives out of which nothing reaches beyond their folder: only plain files, folders, and the links named here.

Every member is written relative to an open descriptor of its folder, and no link is followed on the way. What an
archive may bring is bounded before it is written: its bytes, the number of its members, the bytes of one header.
"""

from __future__ import annotations

import errno
import gzip
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .files import CHUNK, sha256_of
from .layout import Refused

LINKS = {"venv/bin/python": "/usr/bin/python3"}
"""The links that a release has, and where each leads. There are no others."""

MEMBERS = 20_000
"""Members that one archive may have; a real one has a thousand."""

HEADER = 4096
"""Bytes of the tar format for one member, at most: headers, a long name, filling."""

FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
SPECIAL = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


class Bounded:
    """A stream that tarfile may read: in pieces only, and no further than `limit` bytes."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit

    def read(self, size: int) -> bytes:
        """At most `size` bytes; a header that wants more than a piece is no honest one."""
        if not 0 <= size <= CHUNK or self._stream.tell() > self._limit:
            raise Refused("the archive is larger than its manifest says")
        return self._stream.read(size)

    def seek(self, place: int) -> int:
        """Goes on to a place."""
        if place > self._limit:
            raise Refused("the archive is larger than its manifest says")
        return self._stream.seek(place)

    def tell(self) -> int:
        """Where it stands."""
        return self._stream.tell()


class Unpacking:
    """One folder that archives are unpacked into; without a folder they are only looked at, as they would be unpacked.

    No two members may have the same name, in whichever archive.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = -1 if folder is None else os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        self._taken: set[str] = set()
        self._folders: set[str] = set()

    def __enter__(self) -> Unpacking:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder >= 0:
            os.close(self._folder)

    def take(self, archive: Path, checksum: str, unpacked: int) -> None:
        """Unpacks the archive of this hash, whose files hold `unpacked` bytes at most. Raises Refused."""
        with _opened(archive) as stream:
            if sha256_of(stream) != checksum:
                raise Refused(f"{archive.name} is not the archive its manifest describes")
            stream.seek(0)
            try:
                self._members(stream, unpacked)
            except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError) as fault:
                raise Refused(f"{archive.name} is no archive that can be read: {fault}") from None

    def _members(self, stream: IO[bytes], unpacked: int) -> None:
        left = unpacked
        bounded = Bounded(gzip.GzipFile(fileobj=stream), unpacked + MEMBERS * HEADER)  # type: ignore[arg-type]
        with tarfile.open(fileobj=bounded, mode="r:", errorlevel=2) as tar:  # type: ignore[call-overload]
            for number, member in enumerate(tar):
                left -= member.size
                if left < 0 or number >= MEMBERS:
                    raise Refused("the archive is larger than its manifest says")
                parts = self._place(member)
                if self._folder >= 0:
                    self._write(tar, member, parts)

    def _place(self, member: tarfile.TarInfo) -> list[str]:
        """The member's path in parts; refuses what is no plain file, folder or known link inside the folder."""
        shown = ascii(member.name)[:120]
        parts = member.name.split("/")
        if member.name.startswith("/") or ".." in parts:
            raise Refused(f"the archive holds {shown}, which lies outside the release")
        if any(part in ("", ".") or len(part) > 255 or not part.isprintable() or not part.isascii() for part in parts):
            raise Refused(f"the archive holds {shown}, which is no plain name")
        if member.issym() and LINKS.get(member.name) != member.linkname:
            raise Refused(f"the archive holds the link {shown} to {ascii(member.linkname)[:120]}, which no release has")
        if not (member.issym() or member.isdir() or member.type in FILES) or member.sparse is not None:
            raise Refused(f"the archive holds {shown}, which is neither a plain file nor a folder")
        if member.mode & SPECIAL:
            raise Refused(f"the archive holds {shown} with setuid, setgid or sticky bits")
        if member.name in self._taken:
            raise Refused(f"the archive holds {shown} twice")
        above = {"/".join(parts[:n]) for n in range(1, len(parts))}
        if above & self._taken or (member.name in self._folders and not member.isdir()):
            raise Refused(f"the archive holds {shown} where it has a file or a link")
        self._folders |= above
        if not member.isdir():
            self._taken.add(member.name)
        return parts

    def _write(self, tar: tarfile.TarFile, member: tarfile.TarInfo, parts: list[str]) -> None:
        *folders, name = parts
        try:
            with self._inside(folders) as folder:
                if member.isdir():
                    _folder(name, folder)
                elif member.issym():
                    os.symlink(member.linkname, name, dir_fd=folder)
                else:
                    _file(tar, member, name, folder)
        except OSError as fault:
            if fault.errno not in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP):
                raise
            raise Refused(f"the archive holds {ascii(member.name)[:120]} where it has a file or a link") from None

    @contextmanager
    def _inside(self, folders: list[str]) -> Iterator[int]:
        """A descriptor of a folder below, which is made where it is missing; links are not followed."""
        handle = os.dup(self._folder)
        try:
            for name in folders:
                _folder(name, handle)
                deeper = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
                os.close(handle)
                handle = deeper
            yield handle
        finally:
            os.close(handle)


@contextmanager
def _opened(archive: Path) -> Iterator[IO[bytes]]:
    """The archive, when it is a plain file: whoever logs in for Ansible put it there."""
    try:
        handle = os.open(archive, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Refused(f"{archive.name} did not arrive on this host") from None
    except OSError as fault:
        raise Refused(f"{archive.name} cannot be read: {fault.strerror}") from None
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Refused(f"{archive.name} is no plain file")
        yield stream


def _folder(name: str, where: int) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=where)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=where, follow_symlinks=False).st_mode):
            raise


def _file(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str, folder: int) -> None:
    """Writes a new file of exactly the member's size, readable by all users and writable by none."""
    source = tar.extractfile(member)
    assert source is not None
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    with os.fdopen(handle, "wb") as out, source:
        while chunk := source.read(CHUNK):
            out.write(chunk)
        out.flush()
        os.fchmod(handle, 0o555 if member.mode & 0o100 else 0o444)
