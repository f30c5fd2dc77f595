"""Podman, always with the lab's own settings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.run import attempt, run

SETTINGS: Mapping[str, str] = {"CONTAINERS_CONF": str(Path(__file__).with_name("containers.conf"))}


def podman(*arguments: str, stdin: bytes = b"", timeout: float | None = 120) -> str:
    """Run podman; a failure is a LabError."""
    return run(["podman", *arguments], stdin=stdin, env=SETTINGS, timeout=timeout)


def succeeds(*arguments: str, timeout: float | None = 60) -> bool:
    """Whether this podman command ends well."""
    return attempt(["podman", *arguments], env=SETTINGS, timeout=timeout)[0] == 0


def containers(lab: str) -> dict[str, dict[str, Any]]:
    """The lab's containers by name: what `podman ps` reports of each."""
    text = podman("ps", "--all", "--filter", f"label=seclyzer.lab={lab}", "--format", "json")
    return {container["Names"][0]: container for container in json.loads(text or "[]") or []}
