"""Where things lie on a host. Tests give another root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .kinds import SERVICES

STORE_SOCKET, STORE_PROXY = "seclyzer-store.socket", "seclyzer-store.service"
"""A host's way to the store: the socket that its programs use, and what passes on what they say."""

SOCKET_FOLDER = Path("/run/seclyzer")
"""Where the sockets of a running deployment are."""

UNITS = (
    *SERVICES,
    "seclyzer-extractors.service",
    "seclyzer-agent.service",
    "seclyzer-agent.socket",
    STORE_SOCKET,
    STORE_PROXY,
)
"""Every unit a deployment may have. One that a host has and its deployment has not is taken away."""


def is_socket(unit: str) -> bool:
    """Whether it is systemd that listens, for the service of the same name."""
    return unit.endswith(".socket")


def service_of(socket: str) -> str:
    """The service that a socket is for."""
    return socket.removesuffix(".socket") + ".service"


class Refused(Exception):
    """Something that cannot go on; the message is a sentence for a person."""


@dataclass(frozen=True)
class Layout:
    """The paths of one host."""

    base: Path = Path("/opt/seclyzer")
    units: Path = Path("/etc/systemd/system")
    python: Path = Path("/usr/bin/python3")
    state: Path = Path("/var/lib/seclyzer")

    @property
    def releases(self) -> Path:
        return self.base / "releases"

    @property
    def deployments(self) -> Path:
        return self.base / "deployments"

    @property
    def current(self) -> Path:
        return self.base / "current"

    @property
    def history(self) -> Path:
        return self.base / "history.json"

    @property
    def found(self) -> Path:
        return self.base / "found.json"

    @property
    def lease(self) -> Path:
        return self.base / "lease.json"

    @property
    def trial(self) -> Path:
        return self.base / "trial.json"

    @property
    def trial_summary(self) -> Path:
        return self.base / "trial-summary.json"

    @property
    def lock(self) -> Path:
        return self.base / ".lock"

    @property
    def wants(self) -> Path:
        return self.units / "multi-user.target.wants"

    def wants_link(self, unit: str) -> Path:
        """The link by which a unit starts with the host."""
        return (self.units / "sockets.target.wants" if is_socket(unit) else self.wants) / unit

    def python_name(self) -> str:
        """The Python release tree this host needs: `python3.11` on Debian 12, `python3.13` on Debian 13."""
        return self.python.resolve().name


BASE: dict[str, dict[str, Any]] = {"base": {"type": "path", "default": str(Layout.base)}}
UNIT_DIR: dict[str, dict[str, Any]] = {"unit_dir": {"type": "path", "default": str(Layout.units)}}
"""Options that the modules share; plugins/doc_fragments/layout.py tells what they mean."""
