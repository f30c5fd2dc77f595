"""Who may read what a deployment is: each service its own configuration, the agent the manifest, root the rest.

Releases are readable by all users, since every service runs from them and they hold nothing of this site. Modes are set
through the open descriptor, and looked at in every run: hosts from before this rule are mended.
"""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from . import credentials, systemd
from .layout import Layout, Refused

AGENT = "seclyzer-agent"
ROOT_ONLY = ("", 0o600)


def protect(folder: Path) -> int:
    """Sets owners and modes of one deployment's files; how many had others."""
    return sum(_give(path, group, mode) for path, (group, mode) in _readable_files(folder))


def protect_all(layout: Layout) -> int:
    """The same for every deployment, the history and the lock of a host, and for the folders they lie in."""
    opened = sum(credentials.keep_folder(path, 0o755) for path in _folders(layout))
    return opened + sum(_give(path, group, mode) for path, (group, mode) in _everything(layout))


def exposed(layout: Layout) -> int:
    """How many files and folders have other owners or modes than they should."""
    closed = sum(credentials.keep_folder(path, 0o755, dry=True) for path in _folders(layout))
    return closed + sum(not _matches(path, group, mode) for path, (group, mode) in _everything(layout))


def _folders(layout: Layout) -> Iterator[Path]:
    """The folders that every service passes through; root's umask, or a hand, may have closed one."""
    for path in (layout.base, layout.releases, layout.deployments, layout.state):
        if path.is_dir():
            yield path
    for path in sorted(layout.deployments.glob("[0-9]*")):
        yield from (folder for folder in (path, path / "units", path / "config") if folder.is_dir())


def _everything(layout: Layout) -> Iterator[tuple[Path, tuple[str, int]]]:
    for path in (layout.history, layout.lease, layout.trial, layout.lock):
        yield path, ROOT_ONLY
    for folder in sorted(layout.deployments.glob("[0-9]*")):
        yield from _readable_files(folder)


def _readable_files(folder: Path) -> Iterator[tuple[Path, tuple[str, int]]]:
    """Each file of a deployment that not all users may read, the group that reads it, and its mode."""
    readers: dict[str, str] = {}
    for unit in sorted((folder / "units").glob("*")):
        text = unit.read_text(errors="replace")
        group = systemd.setting(text, "Group") or systemd.setting(text, "User") or ""
        command = systemd.setting(text, "ExecStart") or ""
        readers |= {Path(word).name: group for word in command.split() if "/current/config/" in word}
    yield folder / "manifest.json", (AGENT, 0o640)
    for path in sorted((folder / "config").glob("*")):
        yield path, (readers.get(path.name, ""), 0o640)


def _owner(group: str, mode: int) -> tuple[int, int, int]:
    """User, group and mode: only the owner reads where there is no such group."""
    with suppress(KeyError):
        if group:
            return os.geteuid(), grp.getgrnam(group).gr_gid, mode
    return os.geteuid(), os.getegid(), 0o600


def _matches(path: Path, group: str, mode: int) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return True
    return (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == _owner(group, mode)


def _give(path: Path, group: str, mode: int) -> bool:
    """Gives a file to its reader; False when it was so already, or is not there."""
    if _matches(path, group, mode):
        return False
    user, owner, bits = _owner(group, mode)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as fault:
        raise Refused(f"{path} is no plain file ({fault.strerror}); remove it and run again") from None
    try:
        os.fchmod(handle, bits & 0o600)
        os.fchown(handle, user, owner)
        os.fchmod(handle, bits)
    finally:
        os.close(handle)
    return True
