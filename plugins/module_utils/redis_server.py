"""What the Redis modules share: a client over the unix socket, and a throw-away server that tries a configuration.

The throw-away server is the installed program itself, started on a socket in a private folder with no port and no data.
So a configuration or a set of rules is judged by the very version that will run it, before anything on the host is
touched, and what Redis makes of it can be held word for word against what the running server has in force.
"""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .layout import Refused

Reply = str | int | list["Reply"] | None

TRIAL_SECONDS = 10.0
CALL_SECONDS = 5.0
HASH = re.compile(r"#[0-9a-f]{64}")


class RedisError(Exception):
    """Redis answered with an error; its text is Redis' own."""


class RedisAway(Exception):
    """Redis could not be reached, or went away before it answered."""


class Redis:
    """One connection to a Redis server over its unix socket. `with Redis(path) as redis: redis.call("PING")`."""

    def __init__(self, path: str, user: str = "", password: str = "") -> None:
        """Connect, and log in when a user is given. Raises RedisAway, or RedisError when the password is refused."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(CALL_SECONDS)
        try:
            self._socket.connect(path)
            self._reader = self._socket.makefile("rb")
            if user:
                self.call("AUTH", user, password)
        except OSError as error:
            self._socket.close()
            raise RedisAway(f"{path}: {error}") from error
        except RedisError:
            self._socket.close()
            raise

    def __enter__(self) -> Redis:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._socket.close()

    def call(self, *words: str) -> Reply:
        """Send one command and return its reply: text, number, list or None."""
        parts = [word.encode() for word in words]
        message = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        try:
            self._socket.sendall(message)
            return self._reply()
        except OSError as error:
            raise RedisAway(str(error)) from error

    def settings(self) -> dict[str, str]:
        """Every setting in force, as `CONFIG GET *` tells it."""
        flat = [str(item) for item in _items(self.call("CONFIG", "GET", "*"))]
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def rules(self) -> list[str]:
        """Every user's rules in force, as `ACL LIST` tells them, in an order that is the same for the same rules."""
        return sorted(ordered(str(item)) for item in _items(self.call("ACL", "LIST")))

    def _reply(self) -> Reply:
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise RedisAway("the connection was closed")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise RedisError(rest)
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        size = int(rest)
        if size < 0:
            return None
        if kind == b"*":
            return [self._reply() for _ in range(size)]
        return self._reader.read(size + 2)[:-2].decode(errors="replace")


def ordered(rule: str) -> str:
    """A line of `ACL LIST` with each selector's words sorted: Redis 7.0 tells them in another order at each start."""
    root, *selectors = rule.replace(")", "").split(" (")
    first, name, *words = root.split()
    told = [" ".join(sorted(selector.split())) for selector in selectors]
    return " ".join([first, name, *sorted(words), *(f"({selector})" for selector in told)])


def _items(reply: Reply) -> list[Reply]:
    return reply if isinstance(reply, list) else []


@contextlib.contextmanager
def trial(server: str, *, settings: str = "", rules: str = "") -> Iterator[str]:
    """Run a throw-away server with this configuration text and these rules; yields the path of its socket.

    Raises Refused with Redis' own words when it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="seclyzer-redis-") as made:
        folder = Path(made)
        config, acl, path = folder / "redis.conf", folder / "users.acl", str(folder / "socket")
        config.write_text(settings)
        acl.write_text(rules)
        private = {"port": "0", "unixsocket": path, "unixsocketperm": "700", "aclfile": str(acl), "dir": made}
        private |= {"daemonize": "no", "supervised": "no", "logfile": "", "pidfile": ""}
        command = [server, str(config), *(word for name, value in private.items() for word in (f"--{name}", value))]
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
            said = process.stdout.read() if process.stdout else ""
            raise Refused(_reason(said))
        try:
            with Redis(path):
                return
        except RedisAway:
            time.sleep(0.005)
    raise Refused(f"the throw-away server did not answer within {TRIAL_SECONDS:g} s")


def _reason(said: str) -> str:
    """Why a server gave up: its last words, without process ids, times and hashes."""
    lines = [re.sub(r"^\d+:\w \d+ \w+ \d+ [\d:.]+ [*#.-] ", "", line).strip() for line in said.splitlines()]
    said_why = [line for line in lines if line.startswith("Aborting")] or lines[-4:]
    return HASH.sub("#…", " ".join(line for line in said_why if line))
