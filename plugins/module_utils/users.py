"""Users and groups of a host. The user of a service has no home, shell or password."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterable

from . import systemd
from .layout import Refused


def named(units: Iterable[str]) -> list[str]:
    """The users that unit files name, but for root."""
    return sorted({user for text in units if (user := systemd.setting(text, "User")) and user != "root"})


def missing(units: Iterable[str]) -> list[str]:
    """The users that unit files name and the host does not have."""
    return [user for user in named(units) if not has_user(user)]


def create(name: str) -> None:
    """Makes a system user with a group of its own."""
    options = ["--system", "--user-group", "--no-create-home", "--home-dir=/nonexistent", "--shell=/usr/sbin/nologin"]
    done = systemd.run(["/usr/sbin/useradd", *options, name])
    if done.returncode and not has_user(name):
        raise Refused(f"user {name} cannot be made: {systemd.last_line(done.stderr)}")


def make_group(name: str, members: Iterable[str]) -> int:
    """Makes a system group; its id. `groupadd` of Debian 12 knows no list of members, which usermod adds."""
    joins = [["/usr/sbin/usermod", "-aG", name, user] for user in members]
    for command in [["/usr/sbin/groupadd", "--system", name], *joins]:
        done = systemd.run(command)
        if done.returncode:
            raise Refused(f"{' '.join(command)}: {done.stderr.strip()}")
    return grp.getgrnam(name).gr_gid


def has_user(name: str) -> bool:
    """Whether the host has this user."""
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def gid_of(group: str) -> int | None:
    """The id of a group; None when the host has none of this name."""
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return None


def has_group(name: str) -> bool:
    """Whether the host has this group."""
    return gid_of(name) is not None
