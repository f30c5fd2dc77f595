"""A second pipeline, apart from what people do: a Redis with this host's own configuration and users, and extractors by
the units, settings, credentials and sandboxes of those that run. It lives in memory for as long as one test.

Others are the socket of Redis, the user under whose name points are stored, and the settings of windows: with those of
the marked session its values are known.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from plugins.module_utils import proof, sandbox, systemd
from plugins.module_utils.layout import Refused
from plugins.module_utils.resp import Redis, RedisAway, RedisError

from .host import Host
from .marked_events import FLAGS, USER
from .probes.redis import password

FOLDER = "seclyzer-test"
SOCKET = f"/run/{FOLDER}/redis.sock"
REDIS = "seclyzer-test-redis"
LIVES = 180
"""Seconds after which systemd ends all of it, whatever became of this command."""
PAUSE = 0.1
NOT_OF_A_TEST = ("StateDirectory", "StateDirectoryMode", "StandardOutput", "StandardError")


def unit(kind: str) -> str:
    """The transient unit of a kind's extractor."""
    return f"seclyzer-test-{kind}"


@contextmanager
def redis(host: Host) -> Iterator[str]:
    """The Redis; the path of its socket. Raises Refused when it does not start."""
    end([])
    text = systemd.systemctl("cat", host.redis_unit)
    program = shlex.split(_last(text, "ExecStart"))
    if len(program) < 2:
        raise Refused(f"{host.redis_unit} starts no Redis with a configuration")
    argv = [*program[:2], "--port", "0", "--unixsocket", SOCKET, "--daemonize", "no", "--supervised", "no"]
    owner = [(key, value) for key in ("User", "Group", "SupplementaryGroups") if (value := _last(text, key))]
    settings = [("Type", "exec"), *owner, ("RuntimeDirectory", FOLDER), ("RuntimeDirectoryMode", "0750")]
    settings += [("MemoryMax", "96M"), ("RuntimeMaxSec", str(LIVES)), *sandbox.settings("none", umask="0007")]
    try:
        _start(REDIS, settings, argv)
        _until(lambda: _answers(SOCKET), 10, f"{REDIS} does not answer: journalctl -u {REDIS}")
        yield SOCKET
    finally:
        end([])


@contextmanager
def extractors(host: Host, kinds: list[str]) -> Iterator[None]:
    """The extractors, bound to that Redis: whatever ends it ends them."""
    try:
        for kind in kinds:
            text = host.units[f"seclyzer-{kind}.service"]
            of_unit = [(key, value) for key, value in systemd.section(text, "Service") if _is_kept(key)]
            more = [("Type", "exec"), ("RuntimeMaxSec", str(LIVES)), ("BindsTo", f"{REDIS}.service")]
            more += [("Environment", "SECLYZER_SPOOL_BYTES=0")]
            _start(unit(kind), [*of_unit, *more], command(text))
        yield
    finally:
        end(kinds)


def command(text: str) -> list[str]:
    """The program of an extractor's unit and its words, with what is another in a test. Raises Refused."""
    words = shlex.split(systemd.setting(text, "ExecStart") or "")
    if not words:
        raise Refused("the unit of an extractor starts nothing: seclyzer doctor says what is wrong")
    flags = [word for flag in FLAGS.items() for word in flag]
    return [*words, *flags, "--redis-url", f"unix://{SOCKET}", "--user-id", USER, "--dev-mode"]


def end(kinds: list[str]) -> None:
    """Stops what a test has started, and what one that was cut off has left."""
    names = [f"{unit(kind)}.service" for kind in kinds] or [f"{REDIS}.service"]
    systemd.run(["systemctl", "stop", *names], 60)
    systemd.run(["systemctl", "reset-failed", *names], 10)


def _is_kept(key: str) -> bool:
    return key not in (*proof.OWN, *NOT_OF_A_TEST)


def _start(name: str, settings: list[tuple[str, str]], argv: list[str]) -> None:
    properties = [f"--property={key}={value}" for key, value in settings]
    done = systemd.run(["systemd-run", "--quiet", "--collect", f"--unit={name}", *properties, *argv])
    if done.returncode:
        raise Refused(f"{name} cannot be started: {systemd.last_line(done.stderr)}")


def _last(text: str, key: str) -> str:
    """The last value that is set, over a unit and its drop-ins; several of a list are joined."""
    values = [value for name, value in systemd.section(text, "Service") if name == key and value]
    return " ".join(values) if key == "SupplementaryGroups" else values[-1] if values else ""


def _answers(path: str) -> bool:
    try:
        with Redis(path, "admin", password("admin"), timeout=2.0) as connection:
            return connection.call("PING") == "PONG"
    except (RedisAway, RedisError):
        return False


def _until(is_so: Callable[[], bool], seconds: float, words: str) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise Refused(words)
        time.sleep(PAUSE)
