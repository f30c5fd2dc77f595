"""The manifest of the deployment on this host: the release, and the implementation configured for each extractor."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .kinds import KINDS

MODES = ("python", "rust", "hybrid")
IMPLEMENTATIONS = ("python", "rust")
MAX_BYTES = 64 * 1024
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}")


@dataclass(frozen=True, slots=True)
class Deployment:
    """The parts of a manifest that are read; None or absent where it has none.

    `number` is the name of the deployment's directory.
    """

    number: str | None
    release: str | None
    version: str | None
    mode: str | None
    implementations: Mapping[str, str] = field(default_factory=dict)


class BadManifest(ValueError):
    """The manifest is there, but not what it should be; the message says what is wrong."""


def load(directory: Path) -> Deployment:
    """Read `manifest.json` in the directory (through `current`). Raises OSError, BadManifest."""
    with (directory / "manifest.json").open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise BadManifest(f"is larger than {MAX_BYTES} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise BadManifest("is not JSON") from None
    if not isinstance(document, dict):
        raise BadManifest("is not a JSON object")
    implementations = document.get("implementations") or {}
    if not isinstance(implementations, dict) or not all(
        kind in KINDS and name in IMPLEMENTATIONS for kind, name in implementations.items()
    ):
        raise BadManifest(f"has implementations other than python or rust for {', '.join(KINDS)}")
    mode = _name(document, "mode")
    if mode is not None and mode not in MODES:
        raise BadManifest("has a mode other than python, rust, hybrid")
    number = directory.resolve().name
    return Deployment(number, _name(document, "release"), _name(document, "version"), mode, dict(implementations))


def _name(document: Mapping[str, object], key: str) -> str | None:
    value = document.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise BadManifest(f"has a {key} that is no plain name")
    return value
