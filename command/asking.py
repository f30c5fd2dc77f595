"""The health agent, asked by its socket (the full figures, for root and its group) or by its address (for anybody)."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Mapping
from typing import Any

from plugins.module_utils import systemd
from plugins.module_utils.layout import Refused

from .host import Host

UNIT = "seclyzer-agent.service"
PATIENCE = 3.0
"""Seconds for an answer; it makes one in some ms."""
FIRST = 8.0
"""Seconds for which an agent that has just started is waited for: it has looked at everything once by then."""
PAUSE = 0.25


class Silent(Exception):
    """The agent gives no report; the message says why."""


def ask(host: Host) -> Mapping[str, Any]:
    """Its report. Raises Silent.

    One that does not run is not asked: its socket would start it, and what is looked at would be another thing.
    """
    try:
        state = systemd.show([UNIT], ("ActiveState", "SubState")).get(UNIT, {})
    except Refused as fault:
        raise Silent(str(fault)) from None
    if state.get("ActiveState") != "active":
        raise Silent(f"{UNIT} is {state.get('ActiveState') or 'unknown'} ({state.get('SubState') or 'not there'})")
    if not host.agent:
        raise Silent("it is not known where it listens: the unit of its socket is missing")
    until = time.monotonic() + FIRST
    while _get(host.agent, "/readyz")[0] != 200 and time.monotonic() < until:
        time.sleep(PAUSE)
    status, body = _get(host.agent, "/healthz")
    try:
        report = json.loads(body)
    except ValueError:
        raise Silent(f"it answers {status} without a report") from None
    if not isinstance(report, dict) or not isinstance(report.get("findings"), list):
        raise Silent(f"it answers {status} without findings")
    return report


def _get(places: tuple[str, ...], path: str) -> tuple[int, bytes]:
    """Status and body, by the first place that may be used. Raises Silent."""
    words = "it listens nowhere"
    for place in sorted(places, key=lambda one: not one.startswith("/")):
        try:
            return _request(place, path)
        except PermissionError:
            words = f"this user may not use {place}"
        except TimeoutError:
            raise Silent(f"it does not answer within {PATIENCE:g} s") from None
        except (OSError, http.client.HTTPException) as fault:
            words = f"{place}: {getattr(fault, 'strerror', None) or fault}"
    raise Silent(words)


def _request(place: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("localhost" if place.startswith("/") else place, timeout=PATIENCE)
    with contextlib.closing(connection):
        if place.startswith("/"):
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(PATIENCE)
            connection.sock.connect(place)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
