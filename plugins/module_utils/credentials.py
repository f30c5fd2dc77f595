"""Secrets of a host, and other small files that have to have an owner and a mode as well as a content.

`dry` looks and changes nothing; what is returned shows whether something differed.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from . import files
from .layout import Refused
from .secret_file import ALLOWED, secret_of

SECRET_BYTES = 32
OURS = "seclyzer"


def new_secret() -> str:
    """A fresh secret: 32 random bytes as 64 hexadecimal digits."""
    return secrets.token_hex(SECRET_BYTES)


def read_secret(path: Path) -> str | None:
    """The secret in a file that we made ourselves; None when it is absent or holds anything else, and is made anew.

    Raises Refused when it is not root's, or lies where others may write.
    """
    try:
        return secret_of(files.read_own_bytes(path) or b"")
    except ValueError:
        return None


def read_provided(path: Path) -> str | None:
    """The secret in a file that a person may have put there; None when it is absent.

    Raises Refused also when it holds anything else, for only that person can fix it.
    """
    data = files.read_own_bytes(path)
    try:
        return None if data is None else secret_of(data)
    except ValueError as fault:
        raise Refused(f"{path} {fault}: {ALLOWED}") from None


def keep_secret(path: Path, secret: str, gid: int | None = None, *, dry: bool = False) -> bool:
    """Keep a secret that only root may read, or a group as well."""
    return keep(path, f"{secret}\n", 0o600 if gid is None else 0o640, gid, dry=dry)


def keep(path: Path, text: str, mode: int, gid: int | None = None, *, dry: bool = False) -> bool:
    """Keep a file of one's own, which is root's on a host, with this content, mode and group."""
    group = os.getegid() if gid is None else gid
    opened = open_up(path, dry=dry)
    if _stands(path, stat.S_IFREG, mode, group) and files.read_own(path) == text:
        return opened
    if not dry:
        files.write(path, text, mode, group)
    return True


def keep_folder(path: Path, mode: int, *, dry: bool = False) -> bool:
    """Keep a folder of one's own with this mode. Folders above it that are missing are made 0755."""
    opened = open_up(path, dry=dry)
    if _stands(path, stat.S_IFDIR, mode, os.getegid()):
        return opened
    if not dry:
        files.make_folder(path, mode)
    return True


def open_up(path: Path, *, dry: bool = False) -> bool:
    """Keep the folder of ours that a path lies in, `/etc/seclyzer` or the like, open to every service: root's, 0755.

    A umask of root's, or a hand, may have closed it. True when it was.
    """
    ours = next((above for above in path.parents if above.name == OURS and above.is_dir()), None)
    if ours is None or _stands(ours, stat.S_IFDIR, 0o755, os.getegid()):
        return False
    if not dry:
        files.make_folder(ours)
    return True


def _stands(path: Path, kind: int, mode: int, gid: int) -> bool:
    """Whether that is at the path itself, and not behind a link."""
    found = files.status(path)
    desired = (kind | mode, os.geteuid(), gid)
    return found is not None and (found.st_mode, found.st_uid, found.st_gid) == desired
