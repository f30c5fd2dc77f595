"""Watches the agent as any local user can, and as a reader, while the mouse moves; and tries other doors."""

import json
import os
import re
import socket
import time
from collections.abc import Callable
from typing import Any

from probes.besiege import READERS, ask_inside, ask_outside
from probes.resp import Redis

STATES = re.compile(r"seclyzer_check_status|seclyzer_check_last_run|seclyzer_unit_state|process_|python_|#")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
READ = re.compile(MOMENT.pattern + r"|\d\d:\d\d(:\d\d)?(, \d+ \w+ ago)?(?=</t)|, \d+ \w+ ago")
"""When the page and its readings are of, and how long ago that is; times of events in it stay."""
USERS = {"nobody": (65534, 65534, []), "member": (65534, 65534, ["seclyzer-agent"])}


def main(what: str, **arguments: Any) -> Any:
    """`watch`, `hosts` or `doors`."""
    tries: dict[str, Callable[..., Any]] = {"watch": watch, "hosts": hosts, "doors": doors}
    return tries[what](**arguments)


def watch(seconds: float) -> dict[str, Any]:
    """Look every second while the mouse moves, three times a second: too little for a window.

    Returns how many different answers there were by each way, and the times of events that were shown outside.
    """
    collector = Redis.user("collector")
    _settle(collector)
    seen: dict[str, list[str]] = {"metrics": [], "healthz": [], "page": [], "inside": []}
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for _ in range(3):
            n += 1
            _move(collector, n)
        seen["metrics"].append(_figures(ask_outside("/metrics", {})[1]))
        seen["healthz"].append(_healthz(ask_outside("/healthz?verbose", {})[1]))
        seen["page"].append(READ.sub("", ask_outside("/", {})[1]))
        seen["inside"].append(_figures(ask_inside("/metrics")[1]))
        time.sleep(1)
    times = re.findall(r"extractor_last_\w+_timestamp_seconds\{[^}]*\} (\S+)", "\n".join(seen["metrics"]))
    return {
        "different": {way: len(set(answers)) for way, answers in seen.items()},
        "times": sorted({float(at) % 60 for at in times}),
        "moves": n,
    }


def _settle(collector: Redis) -> None:
    """States are shown at once: that an earlier test's last event came late is over before anything is compared."""
    _move(collector, 0)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        clock = json.loads(ask_outside("/healthz?verbose", {})[1])["checks"].get("mouse:clock", [{}])[0]
        if clock.get("status", "pass") == "pass":
            return
        time.sleep(1)


def _move(collector: Redis, n: int) -> None:
    event = {"type": "mouse", "event": "move", "ts": time.time_ns() // 1000, "x": n, "y": n}
    collector.call("XADD", "seclyzer:stream:mouse", "*", "e", json.dumps(event))


def _figures(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not STATES.match(line))


def _healthz(text: str) -> str:
    checks = json.loads(text)["checks"]
    return MOMENT.sub("", json.dumps(checks, sort_keys=True))


def hosts(names: list[str]) -> dict[str, int]:
    """The status of /healthz for each Host."""
    return {name: _raw_status(name) for name in names}


def _raw_status(name: str) -> int:
    with socket.create_connection(("127.0.0.1", 9484), timeout=5) as connection:
        connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        return int(connection.recv(4096).split(b" ", 2)[1])


def doors() -> dict[str, str]:
    """What comes of connecting to the readers' socket, as a stranger and as a member of its group."""
    import grp

    reported = {}
    for name, (uid, gid, groups) in USERS.items():
        into, out = os.pipe()
        if (child := os.fork()) == 0:
            os.setgroups([grp.getgrnam(group).gr_gid for group in groups])
            os.setgid(gid)
            os.setuid(uid)
            os.write(out, _knock().encode())
            os._exit(0)
        os.close(out)
        os.waitpid(child, 0)
        reported[name] = os.read(into, 100).decode()
        os.close(into)
    return reported


def _knock() -> str:
    try:
        return str(ask_inside("/metrics")[0])
    except OSError as error:
        return type(error).__name__ if os.path.exists(READERS) else "no socket"
