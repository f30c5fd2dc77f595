"""What a producer, or another user of the host, can do to Redis, and what the extractors make of it."""

import json
import os
import socket
import time
from collections.abc import Callable
from typing import Any

from probes.resp import SOCKET, Redis, Refusal

GREATEST = f"{2**64 - 1}-{2**64 - 1}"
HOUR_MS = 3_600_000


def main(attack: str, **arguments: Any) -> Any:
    """Runs one of the attacks below."""
    return ATTACKS[attack](**arguments)


def id_ahead(kind: str, seconds: float, ahead: str) -> dict[str, Any]:
    """Adds an entry with an id ahead of the clock, then an event a second until `seconds` are over or all is well.

    Well is: an event gets an id of now, and its extractor counts it.
    """
    admin, collector = Redis.user("admin"), Redis.user("collector")
    before = _stats(admin, kind)
    entry = GREATEST if ahead == "greatest" else f"{_ms() + HOUR_MS}-0"
    first = collector.call("XADD", _stream(kind), entry, "e", _event(kind))
    until, refused, added = time.monotonic() + seconds, 0, ""
    while time.monotonic() < until and not added:
        time.sleep(1)
        answer = collector.call("XADD", _stream(kind), "*", "e", _event(kind))
        refused += isinstance(answer, Refusal)
        if not isinstance(answer, Refusal) and int(answer.partition("-")[0]) < _ms() + 1000:
            added = answer
    after = _await(admin, kind, lambda now: now["last_id"] == added, 30)
    return {
        "first": str(first),
        "refused": refused,
        "mended": bool(added) and after["last_id"] == added,
        "resets": int(after["streams_reset"]) - int(before["streams_reset"]),
        "events": int(after["events"]) - int(before["events"]),
    }


def emptied(kind: str, seconds: float) -> dict[str, Any]:
    """Adds events that a producer trims away as it adds them; returns how many gaps were counted."""
    admin, collector = Redis.user("admin"), Redis.user("collector")
    collector.call("XADD", _stream(kind), "*", "e", _event(kind))
    time.sleep(12)  # the stream was looked at once since
    before = _stats(admin, kind)
    for _ in range(3):
        collector.call("XADD", _stream(kind), "MAXLEN", 0, "*", "e", _event(kind))
    after = _await(admin, kind, lambda now: now["gaps"] != before["gaps"], seconds)
    return {"gaps": int(after["gaps"]) - int(before["gaps"])}


def flood(kind: str, other: str, size: int, seconds: float) -> dict[str, Any]:
    """Adds entries of up to `size` bytes as fast as Redis takes them, and 10 events a second of another kind too."""
    admin, victim = Redis.user("admin"), Redis.user("collector")
    before = {one: _stats(admin, one) for one in (kind, other)}
    pid = os.fork()
    if not pid:
        os._exit(_pour(kind, size, seconds))
    sent, refused, slowest, most = 0, 0, 0.0, 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        answer = victim.call("XADD", _stream(other), "*", "e", _event(other))
        slowest = max(slowest, time.monotonic() - began)
        sent += 1
        refused += isinstance(answer, Refusal)
        most = max(most, int(admin.call("MEMORY", "USAGE", _stream(kind)) or 0))
        time.sleep(max(0.0, 0.1 - (time.monotonic() - began)))
    os.waitpid(pid, 0)
    ended = time.monotonic()
    while isinstance(victim.call("XADD", _stream(other), "*", "e", _event(other)), Refusal):
        if time.monotonic() > ended + 150:
            break
        time.sleep(0.1)
    free = time.monotonic() - ended
    time.sleep(6)  # statistics are written every 5 s
    after = {one: _stats(admin, one) for one in (kind, other)}
    reported = {}
    for one in (kind, other):
        names = ("events", "malformed", "redis_reconnects", "entries_trimmed", "gaps")
        reported[one] = {name: int(after[one].get(name, 0)) - int(before[one].get(name, 0)) for name in names}
    return {"sent": sent, "refused": refused, "slowest": slowest, "most": most, "free_after": free, **reported}


def idle(connections: int, kind: str, seconds: float) -> dict[str, Any]:
    """Holds so many idle connections for a while; what a new producer hears, and whether an old one still counts."""
    admin, collector = Redis.user("admin"), Redis.user("collector")
    before = _stats(admin, kind)
    held = []
    for _ in range(connections):
        one = socket.socket(socket.AF_UNIX)
        one.connect(SOCKET)
        held.append(one)
    try:
        try:
            hears = str(Redis().call("PING"))
        except OSError as error:
            hears = f"closed: {error}"
        collector.call("XADD", _stream(kind), "*", "e", _event(kind))
        after = _await(admin, kind, lambda now: now["events"] != before["events"], 30)
        time.sleep(seconds)
    finally:
        for one in held:
            one.close()
    return {"hears": hears, "events": int(after["events"]) - int(before["events"])}


def connects(user: int, groups: list[int]) -> str:
    """What a process with these ids hears from the socket."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.setgroups(groups)
        os.setgid(user)
        os.setuid(user)
        try:
            word = str(Redis().call("PING"))
        except OSError as error:
            word = type(error).__name__
        os.write(writing, word.encode())
        os._exit(0)
    os.waitpid(pid, 0)
    return os.read(reading, 1000).decode()


def writes(user: int, groups: list[int], places: list[str]) -> list[str]:
    """In which of these folders a process with these ids can make a link."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.setgroups(groups)
        os.setgid(user)
        os.setuid(user)
        made = []
        for place in places:
            try:
                os.symlink("/etc/shadow", f"{place}/seclyzer-attack")
                os.unlink(f"{place}/seclyzer-attack")
                made.append(place)
            except OSError:
                pass
        os.write(writing, json.dumps(made).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    found: list[str] = json.loads(os.read(reading, 10_000))
    return found


def _pour(kind: str, size: int, seconds: float) -> int:
    redis, until = Redis.user("collector"), time.monotonic() + seconds
    # Where a large one has no room any more, smaller ones fill what is left.
    sizes = [size] * 8 + [size // 10] * 8 + [size // 100] * 8 + [200] * 64
    commands = [("XADD", _stream(kind), "*", "e", b"x" * one) for one in sizes]
    while time.monotonic() < until:
        redis.pipeline(commands)
    return 0


def _stream(kind: str) -> str:
    return f"seclyzer:stream:{kind}"


def _ms() -> int:
    return time.time_ns() // 1_000_000


def _event(kind: str) -> str:
    more = {
        "keystroke": {"key": "F24", "event": "press"},
        "mouse": {"event": "scroll"},
        "app": {"app_name": "attack"},
    }[kind]
    return json.dumps({"type": kind, "ts": time.time_ns() // 1000, "dev_mode": True, **more})


def _stats(admin: Redis, kind: str) -> dict[str, str]:
    flat = admin.call("HGETALL", f"seclyzer:stats:{kind}")
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _await(admin: Redis, kind: str, well: Callable[[dict[str, str]], bool], seconds: float) -> dict[str, str]:
    until = time.monotonic() + seconds
    while True:
        now = _stats(admin, kind)
        if (now and well(now)) or time.monotonic() > until:
            return now
        time.sleep(0.5)


ATTACKS: dict[str, Callable[..., Any]] = {
    one.__name__: one for one in (id_ahead, emptied, flood, idle, connects, writes)
}
