"""What was found damaged on a host and mended, and which units still run what stood there before.

The record is an event of the history. Its time is that of the monotonic clock, which cannot be set, and of one boot:
what started after the machine did, started from what is on its disk.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import deployments
from .files import read
from .history import History
from .layout import Layout

WHAT = "mended"
BOOT = Path("/proc/sys/kernel/random/boot_id")


def note(layout: Layout, history: History, by: str, why: str, release: str = "", deployment: int | None = None) -> None:
    """Writes down, at once, what was mended: a release, or a deployment."""
    n = deployments.current(layout) if deployment is None else deployment
    history.note(WHAT, n or 0, by, why, release=release, boot=boot(), monotonic=time.monotonic())
    history.save(layout)


def of(history: History, n: int) -> list[Mapping[str, Any]]:
    """What was mended since this machine came up: of releases, and of deployment `n`."""
    return [
        event
        for event in history.events
        if event.get("what") == WHAT
        and event.get("boot") == boot()
        and (event.get("release") or event.get("deployment") == n)
    ]


def after(events: list[Mapping[str, Any]], text: str, state: Mapping[str, str]) -> list[str]:
    """What was mended under a unit after its process had started, a sentence each: it runs what was there before.

    A release is under the units that name it, a deployment under all of its units.
    """
    started = int(state.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    since = [event for event in events if started and float(event["monotonic"]) >= started]
    return [str(event["why"]) for event in since if not event["release"] or f"/{event['release']}/" in text]


def boot() -> str:
    """Which boot of the machine this is."""
    return (read(BOOT) or "").strip()
