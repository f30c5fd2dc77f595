"""Deployments: release, mode and settings as one value, numbered, with what became of each.

`deployments/<n>/` holds the units, the configuration and a manifest. `current` points at the one that runs.
`history.json` says of each which one ran before it and how it went: going back reads that, never the times of files.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from . import access, trials
from .files import make_folder, read, sync, write
from .layout import Layout, Refused
from .releases import remove as remove_release

EVENTS = 200
"""Lines of history that are kept."""


@dataclass(frozen=True)
class Desired:
    """What shall run on a host: texts by file name, all without secrets."""

    release: str
    version: str
    mode: str | None
    implementations: Mapping[str, str]
    units: Mapping[str, str]
    config: Mapping[str, str]
    probes: Mapping[str, str]
    """Where health asks, each when there is one: `redis_socket`, `agent`, `influx_url`, `influx_socket`,
    `influx_ca_file`.
    """

    @property
    def content(self) -> str:
        """The hash of all of it: two deployments with the same one are the same."""
        tables = (self.implementations, self.units, self.config, self.probes)
        value = [self.release, self.version, self.mode, *(dict(table) for table in tables)]
        return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

    def files(self) -> dict[str, str]:
        """Every text by its path inside the deployment."""
        units = {f"units/{name}": text for name, text in self.units.items()}
        return units | {f"config/{name}": text for name, text in self.config.items()}


@dataclass
class History:
    """What history.json says. `records` has one entry a deployment, `events` one a thing that happened."""

    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def load(cls, layout: Layout) -> History:
        """Reads it; none is an empty one. One that cannot be read is refused: guessing would go back wrongly."""
        text = read(layout.history)
        if text is None:
            return cls()
        try:
            value = json.loads(text)
            return cls({int(n): dict(record) for n, record in value["deployments"].items()}, list(value["events"]))
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise Refused(f"{layout.history} cannot be read ({fault}); mend it or move it away") from None

    def save(self, layout: Layout) -> None:
        """Writes it, atomically."""
        records = {str(n): record for n, record in self.records.items()}
        value = {"schema": 1, "deployments": records, "events": self.events[-EVENTS:]}
        write(layout.history, json.dumps(value, indent=2) + "\n", 0o600)

    def note(self, what: str, n: int, by: str, why: str = "", **more: object) -> None:
        """Adds an event."""
        event = {"at": now(), "what": what, "deployment": n, "by": by, **more}
        self.events.append(event | ({"why": why} if why else {}))

    def previous(self, n: int | None) -> int | None:
        """What ran before deployment `n` was switched to."""
        if n is None or n not in self.records:
            return None
        previous = self.records[n].get("previous")
        return previous if isinstance(previous, int) and previous in self.records else None

    def rollout(self, n: int | None) -> str:
        """The run over many hosts by which a deployment came to run; empty when it is not known."""
        return str(self.records.get(n, {}).get("rollout", "")) if n is not None else ""

    def state(self, n: int | None) -> str:
        """How far a deployment came: unproven, staged, switched, healthy or failed; empty when it is not known."""
        return str(self.records.get(n, {}).get("state", "")) if n is not None else ""

    def failed(self) -> int | None:
        """The newest deployment that failed, by its proof or after its switch."""
        return max((n for n in self.records if self.state(n) in ("failed", "unproven")), default=None)


def now() -> str:
    """The time as history writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def current(layout: Layout) -> int | None:
    """The number of the deployment that runs."""
    try:
        name = os.readlink(layout.current)
    except FileNotFoundError:
        return None
    tail = Path(name).name
    return int(tail) if tail.isdecimal() else None


def manifest(layout: Layout, n: int | None) -> dict[str, Any] | None:
    """The manifest of a deployment; None when it is not there, or was damaged."""
    try:
        text = None if n is None else read(layout.deployments / str(n) / "manifest.json")
        value = None if text is None else json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and {"content", "release"} <= {*value} else None


def load(layout: Layout, n: int) -> Desired:
    """A deployment as the value it was made from."""
    found = manifest(layout, n)
    if found is None:
        raise Refused(f"deployment {n} is not on this host")
    folder = layout.deployments / str(n)
    return Desired(
        release=found["release"],
        version=found["version"],
        mode=found["mode"],
        implementations=found["implementations"],
        units={path.name: path.read_text(errors="replace") for path in sorted((folder / "units").iterdir())},
        config={path.name: path.read_text(errors="replace") for path in sorted((folder / "config").iterdir())},
        probes=found["probes"],
    )


def find_staged(layout: Layout, history: History, content: str) -> int | None:
    """The newest deployment, if it has this content and was never switched to."""
    newest = max(history.records, default=None)
    if newest is None or history.records[newest].get("state") not in ("staged", "unproven"):
        return None
    found = manifest(layout, newest)
    return newest if found and found["content"] == content else None


def create(layout: Layout, history: History, desired: Desired, by: str, source: object) -> int:
    """Writes a new deployment and enters it in the history; touches nothing that runs."""
    numbers = [int(path.name) for path in layout.deployments.glob("*") if path.name.isdecimal()]
    n = max([0, *numbers, *history.records]) + 1
    part = layout.deployments / f".{n}.part"
    shutil.rmtree(part, ignore_errors=True)
    for name in ("units", "config"):
        make_folder(part / name)
    for path, text in desired.files().items():
        write(part / path, text, _mode(path))
    about = {"schema": 1, "deployment": n, **_described(desired), "by": by, "at": now(), "source": source}
    _write_manifest(part, about)
    access.protect(part)
    part.rename(layout.deployments / str(n))
    sync(layout.deployments)
    record = {"release": desired.release, "mode": desired.mode, "state": "unproven", "previous": current(layout)}
    history.records[n] = record
    history.note("staged", n, by)
    history.save(layout)
    return n


def _described(desired: Desired) -> dict[str, Any]:
    """What a deployment's manifest says of what is desired."""
    return {
        "release": desired.release,
        "version": desired.version,
        "mode": desired.mode,
        "implementations": dict(desired.implementations),
        "probes": dict(desired.probes),
        "content": desired.content,
    }


def _write_manifest(folder: Path, about: Mapping[str, Any]) -> None:
    write(folder / "manifest.json", json.dumps(about, indent=2) + "\n", 0o600)


def _mode(path: str) -> int:
    """The mode a file is written with, before its reader gets it: units are copied to where all users read them."""
    return 0o644 if path.startswith("units/") else 0o600


def faults(layout: Layout, n: int, desired: Desired) -> list[str]:
    """What was changed in deployment `n`, which should be what is desired."""
    folder = layout.deployments / str(n)
    paths = [f"{part}/{path.name}" for part in ("units", "config") for path in sorted((folder / part).glob("*"))]
    meant = desired.files()
    changed = [path for path, text in sorted(meant.items()) if _plain(folder / path) != text.encode()]
    found = manifest(layout, n) or {}
    if any(found.get(name) != value for name, value in _described(desired).items()):
        changed.append("manifest.json")
    more = [ascii(path)[1:-1] for path in paths if path not in meant]
    return [f"{path} is not what was staged" for path in changed] + [
        f"{path} is not of this deployment" for path in more
    ]


def _plain(path: Path) -> bytes | None:
    """What is in a plain file; None when there is none."""
    try:
        return None if path.is_symlink() else path.read_bytes()
    except OSError:
        return None


def mend(layout: Layout, n: int, desired: Desired) -> None:
    """Writes deployment `n` anew where it was changed; its number and its history stay."""
    folder = layout.deployments / str(n)
    meant = desired.files()
    for part in ("units", "config"):
        make_folder(folder / part)
        for found in (folder / part).glob("*"):
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found)
            elif f"{part}/{found.name}" not in meant:
                found.unlink()
    for path, text in meant.items():
        if _plain(folder / path) != text.encode():
            write(folder / path, text, _mode(path))
    _write_manifest(folder, (manifest(layout, n) or {}) | _described(desired))
    access.protect(folder)


def prune(layout: Layout, history: History, keep: int) -> list[str]:
    """Removes deployments that are not needed any more, and releases none of the rest uses.

    The last `keep` stay, and the last `keep` that one can go back to from what runs, and the newest that failed.
    Returns the names of what was removed.
    """
    keep = max(keep, 2)
    stay = {history.failed(), *sorted(history.records)[-keep:], *trials.needed(layout)}
    step = current(layout)
    for _ in range(keep):
        stay.add(step)
        step = history.previous(step)
    removed: list[str] = []
    for n in [n for n in history.records if n not in stay]:
        shutil.rmtree(layout.deployments / str(n), ignore_errors=True)
        del history.records[n]
        removed.append(f"deployment {n}")
    for record in history.records.values():
        if record.get("previous") not in history.records:
            record["previous"] = None
    used = {record["release"] for record in history.records.values()}
    for path in sorted(layout.releases.iterdir()) if layout.releases.is_dir() else []:
        if not path.name.startswith(".") and path.name not in used:
            remove_release(layout, path.name)
            removed.append(f"release {path.name}")
    return removed
