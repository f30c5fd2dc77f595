"""The deployment on this host by its manifest: release and implementations; and the host's last trial of one."""

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
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(?:Z|[+-][0-9:]{4,6})")
TRIAL = "trial-summary.json"
TRIAL_KEYS = ("state", "from", "to", "since", "until", "why")
STATES = ("going", "confirmed", "returned", "failed")
MAX_WHY = 500
LATEST = 2.0**33
"""Unix s that a time has to be before."""
MOST_OTHERS = 10
"""Deployments beside the one that runs that are read, the newest."""


@dataclass(frozen=True, slots=True)
class Other:
    """A deployment that is kept beside the one that runs: its number, release and mode, and when it was staged."""

    number: str
    release: str | None
    mode: str | None
    at: str | None


@dataclass(frozen=True, slots=True)
class Trial:
    """The host's last trial: its state (`going`, confirmed, returned, failed), the deployments that it is between, why.

    `since` and `until` are Unix s; a trial that goes on for longer has been left by its judge.
    """

    state: str
    before: str
    to: str
    since: float
    until: float
    why: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """The parts of a manifest that are read; None or absent where it has none.

    `number` is the name of the deployment's directory, `at` when it was staged (RFC 3339); `others` are kept beside it,
    `trial` is the last one of this host.
    """

    number: str | None
    release: str | None
    version: str | None
    mode: str | None
    implementations: Mapping[str, str] = field(default_factory=dict)
    at: str | None = None
    others: tuple[Other, ...] = ()
    trial: Trial | None = None


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
    release, version = (_name(document, key) for key in ("release", "version"))
    return Deployment(number, release, version, mode, dict(implementations), _at(document))


def others(running: Path) -> tuple[Path, ...]:
    """The folders of the deployments beside the running one (a link is followed), the newest first."""
    here = running.resolve()
    found = [path for path in here.parent.iterdir() if path.name.isdecimal() and path.name != here.name]
    return tuple(sorted(found, key=lambda path: int(path.name), reverse=True)[:MOST_OTHERS])


def trial(running: Path) -> Trial | None:
    """The last trial, by what its judge writes beside `current`; None without one, or when that is no trial."""
    try:
        with (running.parent / TRIAL).open("rb") as file:
            document = json.loads(file.read(MAX_BYTES))
        state, before, to, since, until, why = (document[key] for key in TRIAL_KEYS)
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return None
    numbers = type(to) is int and (before is None or type(before) is int)
    times = {type(since), type(until)} <= {int, float} and 0 <= since <= until < LATEST
    if not (state in STATES and numbers and times and isinstance(why, str)):
        return None
    return Trial(state, "" if before is None else str(before), str(to), since, until, why[:MAX_WHY])


def _at(document: Mapping[str, object]) -> str | None:
    """When it was staged; it decides nothing, so one that is no time is none."""
    value = document.get("at")
    return value if isinstance(value, str) and MOMENT.fullmatch(value) else None


def _name(document: Mapping[str, object], key: str) -> str | None:
    value = document.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise BadManifest(f"has a {key} that is no plain name")
    return value
