#!/usr/bin/python
"""Keep Redis' users: their rights, and passwords that are made on the host and never leave it."""

from __future__ import annotations

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import credentials, former_passwords, found, redis_logins, redis_server
from ..module_utils.former_passwords import sha256
from ..module_utils.layout import Layout, Refused
from ..module_utils.redis_rules import diff, text_of
from ..module_utils.redis_server import HASH
from ..module_utils.redis_users import Host
from ..module_utils.resp import Redis, RedisAway, RedisError

DOCUMENTATION = r"""
module: redis_acl
short_description: Keep Redis' users, their rights and their passwords
version_added: "0.1.0"
description:
  - Makes a password of 32 random bytes on the host for every user that has none, in a file of its own, and writes the
    ACL file with the passwords' hashes.
  - The rules are tried by a throw-away server before they replace the old ones, and take effect by C(ACL LOAD), without
    a restart. Rules that the running server has in force and that differ from the file's, as after a change
    by hand, are repaired the same way.
  - No password is an argument, a result or part of a diff.
  - A C(default) user that is not among O(users) is switched off.
options:
  users:
    description:
      - Each user's name and its rules, as in C(ACL SETUSER), without password and without C(on).
      - The rules of C(default) are taken as they are, and no password is made for it.
    type: dict
    required: true
  groups:
    description: For some users a group of the host that may read the password. A missing group is made.
    type: dict
    default: {}
  rotate:
    description:
      - C(true) makes every password anew, a list of users only theirs. The former one stays valid beside it until
        O(finish), and no connection is closed. A user that has two passwords already keeps both.
    type: raw
    default: false
  finish:
    description:
      - C(true) ends every former password, a list of users only theirs, and closes the connections by it.
    type: raw
    default: false
  path:
    description: Where the ACL file stands.
    type: path
    default: /etc/seclyzer/redis/users.acl
  credentials:
    description: Folder of the password files. A user's file is called C(redis-<user>).
    type: path
    default: /etc/seclyzer/credentials
  server:
    description: Redis' program.
    type: path
    default: /usr/bin/redis-server
  socket:
    description: The running server's unix socket.
    type: path
    default: /run/redis/redis-server.sock
  server_group:
    description: The group of Redis' own user, which may read the ACL file.
    type: str
    default: redis
  socket_group:
    description: The group that may connect to Redis. It is made when it is missing.
    type: str
    default: seclyzer-redis
  members:
    description:
      - Users of the host that become members of O(socket_group) when it is made, those of them that there are. Programs
        that ran before it was made are under units that do not name it.
    type: list
    elements: str
    default: []
author:
  - The SecLyzer maintainers (@seclyzer)
"""

EXAMPLES = r"""
- name: Give every user a password and its rights
  seclyzer.edge.redis_acl:
    users:
      collector: "resetkeys resetchannels -@all +@connection -@dangerous %W~events +xadd"
      admin: "~* &* +@all"
    groups:
      collector: event-producers
"""

RETURN = r"""
users_changed:
  description: Users whose password was made in this run. Whoever uses one has to be given it anew.
  type: list
  elements: str
  returned: always
joined:
  description: The users that were made members of O(socket_group), which was made in this run.
  type: list
  elements: str
  returned: always
overlapping:
  description:
    - Users whose former password is still valid, by name. Of each C(since), when the new one was made (Unix seconds),
      and C(older), how many connections have not logged in since then.
  type: dict
  returned: always
finished:
  description: Users whose former password was ended in this run.
  type: list
  elements: str
  returned: always
closed:
  description: How many connections were closed that had logged in by a former password.
  type: int
  returned: always
open:
  description: Whether Redis lets clients in without a password.
  type: bool
  returned: always
loaded:
  description: Whether the running server was made to read the rules again.
  type: bool
  returned: always
restart:
  description: Why Redis has to be restarted; empty when it need not.
  type: list
  elements: str
  returned: always
"""

ADMIN = "admin"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "users": {"type": "dict", "required": True},
            "groups": {"type": "dict", "default": {}},
            "rotate": {"type": "raw", "default": False},
            "finish": {"type": "raw", "default": False},
            "path": {"type": "path", "default": "/etc/seclyzer/redis/users.acl"},
            "credentials": {"type": "path", "default": "/etc/seclyzer/credentials"},
            "server": {"type": "path", "default": "/usr/bin/redis-server"},
            "socket": {"type": "path", "default": "/run/redis/redis-server.sock"},
            "server_group": {"type": "str", "default": "redis"},
            "socket_group": {"type": "str", "default": "seclyzer-redis"},
            "members": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    options = dict(module.params)
    users = {str(name): str(rules) for name, rules in options.pop("users").items()}
    groups = [options["socket_group"], *options["groups"].values()]
    rotate, finish = options.pop("rotate"), options.pop("finish")
    try:
        found.note(Layout(), groups=groups, dry=module.check_mode)
        module.exit_json(**apply(Host(**options, dry=module.check_mode), users, rotate, finish))
    except Refused as error:
        module.fail_json(msg=str(error))


def apply(host: Host, users: dict[str, str], rotate: object, finish: object = False) -> dict[str, object]:
    """Bring a host's users to these rules; returns the module's result. Raises Refused with a sentence."""
    if ADMIN not in users:
        raise Refused(f"users must name {ADMIN}: it is who loads the rules")
    named = [name for name in users if name != "default"]
    stored = {name: credentials.read_secret(host.password_file(name)) for name in named}
    formers = host.formers()
    two = [name for name in named if former_passwords.is_open(formers, name, stored[name])]
    wish = [name for name in chosen("rotate", rotate, named) if name not in two]
    ended = {name: formers[name] for name in chosen("finish", finish, named) if name in two}
    fresh = [name for name in named if name in wish or stored[name] is None]
    passwords = {name: credentials.new_secret() if name in fresh else stored[name] or "" for name in named}
    left = former_passwords.after(formers, stored, fresh, ended, time.time())
    text = text_of(users, passwords, left)

    installed = Path(host.server).exists()
    if not installed and not host.dry:
        raise Refused(f"{host.server} is not there: install Redis first")
    in_force = host.in_force(text) if installed else []
    joined = host.keep_socket_group()
    before = host.written_rules()
    # Until the end both are recorded: a former password that is not known to be one would be taken for a stranger's.
    host.keep_formers(left | ended)
    changed = host.keep_rules(text) or joined is not None
    loaded, restart, closed, older = False, [], 0, dict.fromkeys(left, 0)
    try:
        with Redis(host.socket, ADMIN, stored[ADMIN] or "") as redis:
            if redis.pairs("CONFIG", "GET", "aclfile").get("aclfile") != host.path:
                restart.append("it reads its users from another file")
            else:
                if not host.dry:
                    added = {name: sha256(passwords[name]) for name in fresh if stored[name]}
                    redis_logins.exchange(redis, added, ended)
                loaded = redis_server.rules(redis) != in_force
                if loaded and not host.dry:
                    _load(host, redis, before)
                closed = redis_logins.close(redis, ended, host.dry)
                older = {name: len(redis_logins.older(redis, name, one)) for name, one in left.items()}
    except RedisAway:
        pass  # not running: it reads the file when it starts
    except RedisError as error:
        restart.append(f"the running Redis refuses the login as {ADMIN} ({error})")
    changed |= host.keep_passwords(passwords)
    changed |= host.keep_formers(left)
    return {
        "changed": changed or loaded or bool(restart),
        "users_changed": fresh,
        "joined": joined or [],
        "open": "default" in users,
        "loaded": loaded,
        "restart": restart,
        "overlapping": {name: {"since": one.since, "older": older[name]} for name, one in left.items()},
        "finished": sorted(ended),
        "closed": closed,
        "diff": diff(host.path, before, text, fresh),
    }


def chosen(option: str, wish: object, users: list[str]) -> list[str]:
    """The users that `rotate` or `finish` means. Raises Refused when the wish makes no sense."""
    if isinstance(wish, list):
        unknown = sorted(set(map(str, wish)) - set(users))
        if unknown:
            raise Refused(f"{option} names {', '.join(unknown)}; there are {', '.join(users)}")
        return [str(user) for user in wish]
    if str(wish).lower() in ("true", "yes", "1"):
        return users
    if str(wish).lower() in ("false", "no", "0", "none", ""):
        return []
    raise Refused(f"{option} is true, false or a list of users, not {wish!r}")


def _load(host: Host, redis: Redis, before: str) -> None:
    """Make the running server read the rules; the file goes back to what it was when the server refuses them."""
    try:
        redis.call("ACL", "LOAD")
    except RedisError as error:
        if before:
            host.keep_rules(before)
        raise Refused(f"the running Redis refuses the rules and keeps its own: {HASH.sub('#…', str(error))}") from error


if __name__ == "__main__":
    main()
