"""An extractor's check over a real Redis, and what systemd and the extractor report beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from agent_world import RedisServer, with_redis

from seclyzer_agent.checks.extractor import Bounds, Extractor
from seclyzer_agent.heartbeats import Heartbeats
from seclyzer_agent.model import Entry
from seclyzer_agent.unit import Unit

MIB = 2**20


class Edge:
    """An extractor's check over a real Redis, with what the other checks know."""

    def __init__(self, server: RedisServer, kind: str = "keystroke") -> None:
        self.server, self.kind = server, kind
        self.facts: dict[str, Any] = {}

    def readings(self, *between: Callable[[], object], recent: float = 300.0) -> list[dict[str, Entry]]:
        """Read once, and once more after each step."""

        async def use(client: Any) -> list[dict[str, Entry]]:
            bounds = Bounds(lag_warn=30, lag_fail=90, stall=45, recent=recent, spool=64 * MIB)
            heartbeats = Heartbeats(client, (self.kind,))
            check = Extractor(self.kind, "seclyzer-x.service", heartbeats, lambda check: self.facts.get(check), bounds)
            found = [await check.read()]
            for step in between:
                step()
                found.append(await check.read())
            return [{e.measurement: e for e in reading.entries} for reading in found]

        return with_redis(self.server, use)

    def write_stats(self, stats: dict[str, str], **changes: object) -> None:
        """Write the heartbeat."""
        self.server.write_stats(self.kind, {**stats, **changes})


def main_process(pid: int, began: float = 60.0, asked: float = 1.0) -> dict[str, Unit]:
    """A unit with this main process, that began so many s ago, as systemd showed so many s ago."""
    unit = Unit(
        unit="seclyzer-x.service", load="loaded", active="active", sub="running", result="success",
        restarts=0, main_pid=pid, main_started=time.monotonic() - began, memory=None, memory_max=None,
        cgroup="", status_text="", read_at=time.time() - asked,
    )  # fmt: skip
    return {"seclyzer-x.service": unit}


def outage(
    direction: str, fault: str, reason: str, advice: str = "", since: int = 5_000_000, until: int = 0
) -> dict[str, str]:
    """The fields of an outage."""
    parts = {"fault": fault, "reason": reason, "advice": advice, "since": str(since), "until": str(until)}
    return {f"{direction}_{part}": value for part, value in parts.items()}
