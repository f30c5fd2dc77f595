"""The user of each service: without home, shell or password."""

from __future__ import annotations

import pwd
from collections.abc import Iterable

from . import systemd
from .layout import Refused


def named(units: Iterable[str]) -> list[str]:
    """The users that unit files name, but for root."""
    return sorted({user for text in units if (user := systemd.setting(text, "User")) and user != "root"})


def missing(units: Iterable[str]) -> list[str]:
    """The users that unit files name and the host does not have."""
    return [user for user in named(units) if not _exists(user)]


def create(name: str) -> None:
    """Makes a system user with a group of its own."""
    options = ["--system", "--user-group", "--no-create-home", "--home-dir=/nonexistent", "--shell=/usr/sbin/nologin"]
    done = systemd.run(["/usr/sbin/useradd", *options, name])
    if done.returncode and not _exists(name):
        raise Refused(f"user {name} cannot be made: {systemd.last_line(done.stderr)}")


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
