"""Deployments: release, mode and settings as one value, numbered, with what became of each.

`deployments/<n>/` holds the units, the configuration and a manifest. `current` points at the one that runs.
`history.json` says of each which one ran before it and how it went: going back reads that, never the times of files.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from . import access
from .files import make_folder, read, sync, write
from .history import STAGED, UNPROVEN, History, now
from .layout import Layout, Refused
from .state_versions import HOST, verify_host_file


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
    `influx_ca_file`; and `influx_other`, when the store may be another server.
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
    verify_host_file(layout.deployments / str(n) / "manifest.json", value)
    return value if isinstance(value, dict) and {"content", "release"} <= {*value} else None


def probe(layout: Layout, name: str) -> str:
    """Where the running deployment is asked for something, an address; empty when it has none, or nothing runs."""
    found = manifest(layout, current(layout)) or {}
    return str((found.get("probes") or {}).get(name) or "")


def load(layout: Layout, n: int) -> Desired:
    """A deployment as the value it was made from."""
    found = manifest(layout, n)
    if found is None:
        raise Refused(
            f"the files of deployment {n} are gone from {layout.deployments}; rollback.yml -e to= goes to another, and "
            "-e to=list shows which there are"
        )
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
    if newest is None or history.records[newest].get("state") not in (STAGED, UNPROVEN):
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
    about = {"schema": HOST, "deployment": n, **_described(desired), "by": by, "at": now(), "source": source}
    _write_manifest(part, about)
    access.protect(part)
    part.rename(layout.deployments / str(n))
    sync(layout.deployments)
    record = {"release": desired.release, "mode": desired.mode, "content": desired.content}
    history.records[n] = record | {"state": UNPROVEN, "previous": current(layout)}
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
