"""Where things lie on a host. Tests give another root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

UNITS = tuple(f"seclyzer-{name}.service" for name in ("keystroke", "mouse", "app", "agent", "extractors"))
"""Every unit a deployment may have. One that a host has and its deployment has not is taken away."""


class Refused(Exception):
    """Something that cannot go on; the message is a sentence for a person."""


@dataclass(frozen=True)
class Layout:
    """The paths of one host."""

    base: Path = Path("/opt/seclyzer")
    units: Path = Path("/etc/systemd/system")
    python: Path = Path("/usr/bin/python3")

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
    def lock(self) -> Path:
        return self.base / ".lock"

    @property
    def wants(self) -> Path:
        return self.units / "multi-user.target.wants"

    def python_name(self) -> str:
        """The Python release tree this host needs: `python3.11` on Debian 12, `python3.13` on Debian 13."""
        return self.python.resolve().name
