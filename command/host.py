"""What is known of this host without asking any service: from links, unit files and manifests.

The manifest of the deployment is for root and the agent; any other user gets what the unit files say.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from plugins.module_utils import deployments, existing, systemd
from plugins.module_utils.kinds import KINDS
from plugins.module_utils.layout import UNITS, Layout, Refused

from .exits import UNKNOWN, Stop

INFLUXDB = ("influxdb.service", "influxdb-gateway.service", "influxdb-watch.timer")
REDIS_UNITS = ("redis-server.service", existing.OWN_REDIS)
RELEASE = re.compile(r"^ExecStart=/opt/seclyzer/releases/([^/\s]+)/", re.MULTILINE)
LISTENS = re.compile(r"^ListenStream=(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Host:
    """One host. Tests give another layout."""

    layout: Layout = field(default_factory=Layout)
    name: str = field(default_factory=socket.gethostname)

    @cached_property
    def is_root(self) -> bool:
        """Whether everything may be looked at."""
        return os.geteuid() == 0

    @cached_property
    def number(self) -> int | None:
        """The number of the deployment that runs."""
        return deployments.current(self.layout)

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest of the deployment; empty when there is none, it is damaged, or this user may not read it."""
        try:
            return deployments.manifest(self.layout, self.number) or {}
        except (OSError, Refused):
            return {}

    @cached_property
    def units(self) -> dict[str, str]:
        """Every unit of ours with the text of its file, and the Redis and InfluxDB that SecLyzer configured.

        A unit that the deployment has and the host has not is there with an empty text.
        """
        folder = self.layout.current / "units"
        meant = {path.name for path in folder.glob("*")} if folder.is_dir() else set()
        names = [unit for unit in UNITS if unit in meant or (self.layout.units / unit).exists()]
        names += [unit for unit in REDIS_UNITS if self._is_our_redis(unit)]
        names += [unit for unit in INFLUXDB if (self.layout.units / unit).exists()]
        return {unit: _text(self.layout.units / unit) for unit in names}

    def _is_our_redis(self, unit: str) -> bool:
        own = self.layout.units / (unit if unit == existing.OWN_REDIS else f"{unit}.d/seclyzer.conf")
        return own.exists()

    @cached_property
    def is_edge(self) -> bool:
        """Whether extractors run here."""
        return any(f"seclyzer-{kind}.service" in self.units for kind in KINDS)

    @cached_property
    def is_store(self) -> bool:
        """Whether the store is here."""
        return "influxdb-gateway.service" in self.units

    @cached_property
    def redis_unit(self) -> str:
        """The unit of SecLyzer's Redis."""
        return next((unit for unit in REDIS_UNITS if unit in self.units), REDIS_UNITS[0])

    @cached_property
    def redis_socket(self) -> str:
        """Where that Redis is reached."""
        known = str(self.probes.get("redis_socket") or "")
        return known or (existing.OWN_SOCKET if self.redis_unit == existing.OWN_REDIS else existing.REDIS_SOCKET)

    @cached_property
    def probes(self) -> Mapping[str, Any]:
        """Where the parts are asked, by the manifest."""
        found = self.manifest.get("probes")
        return found if isinstance(found, Mapping) else {}

    @property
    def agent(self) -> tuple[str, ...]:
        """Where the agent listens: paths of sockets and addresses, by the unit of its socket."""
        return tuple(LISTENS.findall(self.units.get("seclyzer-agent.socket", "")))

    @property
    def release(self) -> str:
        """The release that runs; empty when nothing says it."""
        if name := str(self.manifest.get("release") or ""):
            return name
        found = (RELEASE.search(text) for text in self.units.values())
        return next((match[1] for match in found if match), "")

    @property
    def tree(self) -> Path:
        """Where that release lies."""
        return self.layout.releases / (self.release or "none")

    def require(self) -> None:
        """Stops a command that has nothing to look at."""
        if self.number is None and not self.units:
            raise Stop(
                f"SecLyzer is not on {self.name}: ansible-playbook site.yml --limit {self.name} brings it", UNKNOWN
            )

    def require_root(self, what: str) -> None:
        """Stops a command that only root can do."""
        if not self.is_root:
            raise Stop(f"this needs root: sudo seclyzer {what}", UNKNOWN)

    def states(self, *properties: str) -> dict[str, dict[str, str]]:
        """Properties of all units, as systemd has them. Raises Refused."""
        return systemd.show(sorted(self.units), properties)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
