"""The passwords of a running Redis, exchanged while its clients stay connected, and who still uses a former one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from . import former_passwords, redis_server
from .former_passwords import Former, Formers
from .resp import Redis

CLIENT = re.compile(r"(id|age|user)=(\S*)")
"""What is used of a line of `CLIENT LIST`."""


def exchange(redis: Redis, added: Mapping[str, str], ended: Formers) -> None:
    """Give the running users their new passwords, and take former ones away. Unlike a load that closes no connection.

    What cannot be done so is done by the load that follows.
    """
    known = {rule.split()[1] for rule in redis_server.rules(redis)}
    for user, digest in added.items():
        if user in known:
            redis.call("ACL", "SETUSER", user, f"#{digest}")
    for user, former in ended.items():
        if any(f"#{former.sha256}" in rule for rule in redis_server.rules(redis) if rule.split()[1] == user):
            redis.call("ACL", "SETUSER", user, f"!{former.sha256}")


def older(redis: Redis, user: str, former: Former) -> list[str]:
    """The ids of a user's connections that began before its new password."""
    limit, found = former_passwords.age_limit(former), []
    for line in str(redis.call("CLIENT", "LIST")).splitlines():
        client = dict(CLIENT.findall(line))
        if client.get("user") == user and int(client.get("age", "0")) > limit:
            found.append(client["id"])
    return found


def close(redis: Redis, ended: Formers, dry: bool) -> int:
    """Close the connections that logged in by a password that has ended; how many."""
    ids: Iterable[str] = [one for user, former in ended.items() for one in older(redis, user, former)]
    return sum(1 for one in ids if dry or redis.call("CLIENT", "KILL", "ID", one))
