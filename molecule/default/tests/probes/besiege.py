"""Opens connections to the agent as any local user can, and sees what becomes of its answers, checks and log."""

import contextlib
import http.client
import json
import resource
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

ADDRESS = ("127.0.0.1", 9484)
READERS = "/run/seclyzer-agent/agent.sock"
UNIT = "seclyzer-agent.service"
GARBAGE = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" * 100


def main(how: str, count: int, hold: float) -> dict[str, Any]:
    """Open `count` connections for `hold` s: `half-open`, `slow` headers, `idle` after an answer, or with `garbage`.

    Returns the slowest of the answers of /livez (s), their statuses, what fails after that by the agent's own report,
    how old the oldest reading was then (s), bytes of its journal meanwhile, its descriptors, and whether it is the same
    process still.
    """
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * count + 100,) * 2)
    began, pid = time.time(), _pid()
    held = [socket.create_connection(ADDRESS, timeout=5) for _ in range(count)]
    try:
        for connection in held:
            with contextlib.suppress(OSError):
                connection.sendall(FIRST_WORDS[how])
        answers, until = [], time.monotonic() + hold
        descriptors = 0
        while time.monotonic() < until:
            answers.append(_livez())
            descriptors = max(descriptors, len(list(Path(f"/proc/{pid}/fd").iterdir())))
            time.sleep(0.5)
        report = _report()
    finally:
        for connection in held:
            connection.close()
    entries = [entry for rows in report["checks"].values() for entry in rows]
    command = ["journalctl", "-u", UNIT, "-o", "cat", f"--since=@{began:.0f}"]
    return {
        "slowest": max(seconds for _, seconds in answers),
        "statuses": sorted({status for status, _ in answers}),
        "fails": sorted(entry["output"] for entry in entries if entry["status"] == "fail"),
        "readings": {name: rows[0]["time"] for name, rows in report["checks"].items()},
        "began": began,
        "journal": len(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout),
        "descriptors": descriptors,
        "same": pid == _pid(),
    }


REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
FIRST_WORDS = {"half-open": b"", "slow": REQUEST[:-2] + b"X-A: ", "idle": REQUEST, "garbage": GARBAGE}


def _pid() -> int:
    shown = subprocess.run(["systemctl", "show", "-P", "MainPID", UNIT], stdout=subprocess.PIPE, check=True, text=True)
    return int(shown.stdout)


def _livez() -> tuple[int, float]:
    """The status and how long it took; 0 when nothing answered within 20 s."""
    began = time.monotonic()
    connection = http.client.HTTPConnection(*ADDRESS, timeout=20)
    try:
        connection.request("GET", "/livez")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    return status, time.monotonic() - began


def _report() -> Any:
    """The full report, as a reader."""
    return json.loads(ask_inside("/healthz?verbose")[1])


def ask_inside(path: str) -> tuple[int, str]:
    """Status and body, by the readers' socket."""
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(READERS)
    return _answer(connection, path, {})


def ask_outside(path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and body, by TCP."""
    return _answer(http.client.HTTPConnection(*ADDRESS, timeout=10), path, headers)


def _answer(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> tuple[int, str]:
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
