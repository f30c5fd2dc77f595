"""Staging: what a deployment needs is brought to the host, written down and proven; nothing that runs is touched."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import deployments, proof, releases, users
from .deployments import History, Wanted
from .layout import Layout, Refused


@dataclass
class Staged:
    """What came of it: archives that must be sent first; the deployment's number, None when it would be a new one."""

    deployment: int | None
    changed: bool
    needs: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def stage(
    layout: Layout, wanted: Wanted, manifest: Mapping[str, Any], archives: Path | None, by: str, check: bool = False
) -> Staged:
    """Makes this host ready to switch to what is wanted. Equal content is no change and no new deployment."""
    history = History.load(layout)
    whole = releases.present(layout, manifest)
    lacking = users.missing(wanted.units.values())
    running = deployments.current(layout)
    found = deployments.manifest(layout, running)
    same = found is not None and found["content"] == wanted.content
    if not whole and archives is None and not check:
        releases.room(layout, manifest)
        return Staged(running, False, needs=releases.archives_for(manifest, layout))
    result = Staged(running if same else None, bool(lacking) or not whole or not same)
    if check:
        result.said = [] if whole else [f"release {wanted.release} would be unpacked"]
        result.said += [] if same else ["a new deployment would be staged"]
        return result
    for user in lacking:
        users.create(user)
        result.said.append(f"user {user}")
    if not whole and archives is not None:
        releases.install(layout, manifest, archives)
        result.said.append(f"release {wanted.release}")
    result.changed = bool(result.said)
    if same:
        return result
    n = deployments.find_staged(layout, history, wanted.content)
    if n is None:
        n = deployments.create(layout, history, wanted, by, manifest.get("source"))
        result.said.append(f"deployment {n}")
        result.changed = True
    result.deployment = n
    prove(layout, n, by)
    return result


def prove(layout: Layout, n: int, by: str) -> None:
    """Verifies the units, replays the vectors, and lets each program check its configuration and reach its services."""
    history = History.load(layout)
    wanted = deployments.load(layout, n)
    programs = {
        proof.program_of(wanted.units[f"seclyzer-{kind}.service"]): implementation
        for kind, implementation in wanted.implementations.items()
    }
    try:
        proof.verify(layout.deployments / str(n) / "units")
        if programs:
            proof.replay(layout.releases / wanted.release / "vectors", programs, "seclyzer-keystroke")
        with proof.way_to_store(wanted.units) as way:
            for unit, text in sorted(wanted.units.items()):
                if proof.has_check(unit, text):
                    proof.check(layout, n, unit, text, way)
    except Refused as fault:
        history.records[n]["state"] = "unproven"
        history.note("not proven", n, by, str(fault))
        history.save(layout)
        raise Refused(f"deployment {n} is not switched to: {fault}") from None
    history.records[n]["state"] = "staged"
    history.note("proven", n, by)
    history.save(layout)


def differences(layout: Layout, wanted: Wanted) -> list[dict[str, str]]:
    """What `--diff` shows: every unit and setting that would be another than in the running deployment."""
    running = deployments.current(layout)
    before = deployments.load(layout, running).files() if running is not None else {}
    after = wanted.files()
    shown: list[dict[str, str]] = []
    for path in sorted({*before, *after}):
        old, new = before.get(path, ""), after.get(path, "")
        if old != new:
            lines = difflib.unified_diff(
                old.splitlines(True), new.splitlines(True), f"running/{path}", f"wanted/{path}", n=2
            )
            shown.append({"prepared": "".join(lines)})
    return shown
