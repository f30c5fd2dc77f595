"""What the Redis modules share: what a server has in force, and a throw-away server that tries a configuration.

The throw-away server is the installed program itself, started on a socket in a private folder with no port and no data.
So a configuration or a set of rules is judged by the very version that will run it, before anything on the host is
touched, and what Redis makes of it can be held word for word against what the running server has in force.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .layout import Refused
from .resp import Redis, RedisAway, RedisError

TRIAL_SECONDS = 10.0
HASH = re.compile(r"#[0-9a-f]{64}")


def settings(redis: Redis) -> dict[str, str]:
    """Every setting in force, as `CONFIG GET *` tells it."""
    return redis.pairs("CONFIG", "GET", "*")


def rules(redis: Redis) -> list[str]:
    """Every user's rules in force, as `ACL LIST` tells them, in an order that is the same for the same rules."""
    return sorted(ordered(rule) for rule in redis.texts("ACL", "LIST"))


def ordered(rule: str) -> str:
    """A line of `ACL LIST` with each selector's words sorted: Redis 7.0 tells them in another order at each start."""
    root, *selectors = rule.replace(")", "").split(" (")
    first, name, *words = root.split()
    ordered_selectors = [" ".join(sorted(selector.split())) for selector in selectors]
    return " ".join([first, name, *sorted(words), *(f"({selector})" for selector in ordered_selectors)])


@contextlib.contextmanager
def trial(server: str, *, config: str = "", acl: str = "") -> Iterator[str]:
    """Run a throw-away server with this configuration text and these rules; yields the path of its socket.

    Raises Refused with Redis' own words when it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="seclyzer-redis-") as made:
        folder = Path(made)
        file, users, path = folder / "redis.conf", folder / "users.acl", str(folder / "socket")
        file.write_text(config)
        users.write_text(acl)
        private = {"port": "0", "unixsocket": path, "unixsocketperm": "700", "aclfile": str(users), "dir": made}
        private |= {"daemonize": "no", "supervised": "no", "logfile": "", "pidfile": ""}
        command = [server, str(file), *(word for name, value in private.items() for word in (f"--{name}", value))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                _await(process, path)
                yield path
            finally:
                process.kill()


def _await(process: subprocess.Popen[str], path: str) -> None:
    until = time.monotonic() + TRIAL_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            output = process.stdout.read() if process.stdout else ""
            raise Refused(_reason(output))
        try:
            with Redis(path) as redis:
                redis.call("PING")
            return
        except RedisError:  # it wants a login: it is up
            return
        except RedisAway:  # not up yet; or it listened, and then gave up over its rules
            time.sleep(0.005)
    raise Refused(f"the throw-away server did not answer within {TRIAL_SECONDS:g} s")


def _reason(output: str) -> str:
    """Why a server gave up: its last words, without process ids, times and hashes."""
    lines = [re.sub(r"^\d+:\w \d+ \w+ \d+ [\d:.]+ [*#.-] ", "", line).strip() for line in output.splitlines()]
    reasons = [line for line in lines if line.startswith("Aborting")] or lines[-4:]
    return HASH.sub("#…", " ".join(line for line in reasons if line))
