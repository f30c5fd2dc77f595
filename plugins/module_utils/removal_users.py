"""Users and groups of a host that SecLyzer leaves: those that it made go."""

from __future__ import annotations

from collections.abc import Iterable

from . import systemd
from .found import Found
from .kinds import SERVICES
from .layout import Refused
from .users import has_group, has_user

NAMES = (
    *(unit.removesuffix(".service") for unit in SERVICES),
    "seclyzer-agent",
    "seclyzer-store",
    "seclyzer-redis",
    "seclyzer-collector",
    "influxdb-gateway",
    "influxdb-watch",
    "influxdb",
)
"""Users and groups that the roles make, by their usual names."""


def gone(recorded: Found, groups: Iterable[str]) -> list[str]:
    """The users and groups that the host has and had not before. `groups`: those of the inventory's options."""
    names = dict.fromkeys([*NAMES, *groups])
    return [
        name
        for name in names
        if (has_user(name) and recorded.users.get(name) is False)
        or (has_group(name) and recorded.groups.get(name) is False)
    ]


def delete(name: str) -> None:
    """Deletes a user with the group of its name, or a group that no user has as its own."""
    for exists, program in ((has_user, "userdel"), (has_group, "groupdel")):
        if exists(name):
            done = systemd.run([f"/usr/sbin/{program}", name])
            if done.returncode and exists(name):
                raise Refused(systemd.last_line(done.stderr))
