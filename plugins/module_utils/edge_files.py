"""What an extractor keeps on disk of a person: its spool and the lines that InfluxDB refused, by selection.

The folders belong to the extractor's user, so whatever stands there may be a link or a trap that a compromised
extractor has set. All work on them is done as that user: what it could not do itself, root does not do for it.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .layout import Refused
from .selection import Selection, parse_line, tag_value

SEGMENT = re.compile(r"[0-9]{20}\.lp")
LATER = re.compile(r"[0-9]{20}\.lp[1-9][0-9]{0,8}")
"""A segment of a later version, whose form is not known here: who owns the host owns all of it."""
REJECTED = "rejected.lp"
LARGEST = 2 << 20  # of a file of lines: segments and rejected.lp stay below 1 MiB

Chosen = Callable[[bytes], bool]
"""Whether a line is meant."""


def chooser(chosen: Selection, owned: bool) -> Chosen:
    """Which lines a selection means on a host that is meant. A line that cannot be parsed is its owner's."""
    user = tag_value(chosen.user)

    def meant(line: bytes) -> bool:
        origin = parse_line(line)
        if origin is None:
            return owned
        return (not user or origin.tags.get("user_id") == user) and chosen.holds(origin.ts)

    return meant


@contextmanager
def acting_as_owner(folder: Path) -> Iterator[None]:
    """Rights of the folder's owner meanwhile; those of this process when it is not root."""
    found = folder.lstat()
    if os.geteuid() != 0 or found.st_uid == 0:
        yield
        return
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(found.st_gid)
    os.seteuid(found.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


@contextmanager
def at_rest(state: Path) -> Iterator[None]:
    """No process uses the spool meanwhile. Raises Refused when one does."""
    try:
        folder = os.open(state / "spool", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        yield
        return
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused(f"{state / 'spool'} is used by a running process, which is none of our units") from None
    finally:
        os.close(folder)


def segments(state: Path, name: re.Pattern[str] = SEGMENT) -> list[Path]:
    """The spool's files whose name is of this form, oldest first."""
    try:
        with os.scandir(state / "spool") as entries:
            return sorted(
                Path(one.path) for one in entries if name.fullmatch(one.name) and one.is_file(follow_symlinks=False)
            )
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_of(state: Path) -> dict[str, list[Path]]:
    """The files of lines by place."""
    return {"spool": segments(state), REJECTED: [state / REJECTED]}


def read_whole(path: Path) -> bytes:
    """A file's bytes, none when there is no such file. Raises Refused for none of ours."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error
    with os.fdopen(file, "rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Refused(f"{path} is larger than {LARGEST >> 20} MiB and so none of ours: look at it")
    return data


def read_lines(path: Path) -> tuple[list[bytes], bytes]:
    """The whole lines of a file, and what stands behind the last line's end. Raises Refused for none of ours."""
    *lines, rest = read_whole(path).split(b"\n")
    return [line for line in lines if line], rest


def drop(path: Path, meant: Chosen, cut: bool) -> None:
    """Take the lines that are meant out of a file; with `cut` also a torn one at its end, which had never been safe.

    A crash leaves the old file or the new one.
    """
    lines, torn = read_lines(path)
    kept = [line for line in lines if not meant(line)]
    if len(kept) == len(lines) and not (cut and torn):
        return
    if kept:
        _replace(path, b"".join(line + b"\n" for line in kept))
    else:
        path.unlink(missing_ok=True)
    _sync(path.parent)


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(file)
        part.rename(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def drop_later(state: Path) -> None:
    """Take the segments of later versions away."""
    for path in segments(state, LATER):
        path.unlink()
        _sync(path.parent)


def replace_text(path: Path, text: str) -> None:
    """A file of the extractor's with this text, for it alone."""
    _replace(path, text.encode())
    _sync(path.parent)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
