"""What a host is, as far as a release must know."""

from __future__ import annotations

import os
import platform
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import credentials, existing, launcher, listening, memory, store_way
from .files import free_bytes, read
from .layout import Layout, Refused

STATE = Layout().state


def describe(layout: Layout, names: list[str], ports: list[int], redis_units: list[str]) -> dict[str, Any]:
    """What decides whether a release can run here."""
    return {
        **distribution(read(Path("/etc/os-release")) or ""),
        "architecture": platform.machine(),
        "glibc": glibc(),
        "python": layout.python_name() if layout.python.exists() else "",
        "root": os.geteuid() == 0,
        "time": time.time(),
        "systemd": Path("/run/systemd/system").is_dir(),
        "free": free_bytes(layout.releases),
        "free_state": free_bytes(STATE),
        "spooled": spooled(STATE),
        "memory": memory.available(),
        "write_token": has_token(store_way.TOKEN),
        "addresses": {name: addresses(name) for name in names},
        "listening": listening.at(ports),
        "existing": existing.look(layout, redis_units),
        "command": launcher.installed(),
    }


def distribution(os_release: str) -> dict[str, str]:
    """Which one runs, and its release: a number, or the name of one that has no number yet, as Debian testing."""
    fields = {name: value.strip("\"'") for name, _, value in (line.partition("=") for line in os_release.splitlines())}
    version = fields.get("VERSION_ID") or fields.get("VERSION_CODENAME", "")
    return {"distribution": fields.get("ID", ""), "distribution_version": version}


def glibc() -> str:
    """The version of the C library, such as `2.36`; empty where it is another than GNU's."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (OSError, ValueError):
        return ""
    return version if name == "glibc" else ""


def spooled(state: Path) -> int:
    """Bytes in the extractors' spools; they may be sent, and gone, while this counts."""
    size = 0
    for path in state.glob("*/spool/*.lp"):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def has_token(path: Path) -> bool:
    """Whether a token is there that the extractors could go on with."""
    try:
        return credentials.read_secret(path) is not None
    except Refused:
        return False


def addresses(name: str) -> list[str]:
    """The addresses a name has, as this host sees it; none when it has none."""
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except OSError:
        return []
    return sorted({str(entry[4][0]) for entry in found})
