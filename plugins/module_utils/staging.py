"""Staging: what a deployment needs is brought to the host, written down and proven; nothing that runs is touched."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import access, deployments, found, mends, proof, releases, state_versions, users
from .deployments import Desired
from .history import FAILED, RETRY, RETURNED, STAGED, UNPROVEN, History
from .layout import Layout, Refused


class KnownBad(Refused):
    """What failed on this host before, or was returned from."""


@dataclass
class Staged:
    """What came of it: archives that must be sent first; the deployment's number, None when it would be a new one."""

    deployment: int | None
    changed: bool
    needs: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What of the saved state is lost by this way, or by the way back."""


def stage(
    layout: Layout,
    desired: Desired,
    manifest: Mapping[str, Any],
    archives: Path | None,
    by: str,
    check: bool = False,
    retry: bool = False,
    store_away: bool = False,
    accept_loss: bool = False,
) -> Staged:
    """Makes this host ready to switch to what is desired. Equal content is no change and no new deployment.

    Refuses what failed here or was returned from, unless it is tried again, and what cannot read the state that is
    saved here, unless that loss is accepted.
    """
    history = History.load(layout)
    release = releases.look(layout, manifest)
    lacking = users.missing(desired.units.values())
    running = deployments.current(layout)
    now = deployments.manifest(layout, running)
    same = now is not None and now["content"] == desired.content
    if not same and not retry and (verdict := history.bad.get(desired.content)):
        raise KnownBad(_known_bad(verdict))
    leaves = releases.kept(layout, now["release"]) if now else None
    notes = state_versions.verify_readable(leaves, manifest, accept_loss) + state_versions.raised(leaves, manifest)
    damage = deployments.faults(layout, running, desired) if same and running is not None else []
    if check:
        would = _would(layout, desired, release, running if same else None, damage, lacking)
        would.notes = notes
        return would
    if not release.whole and archives is None:
        releases.room(layout, manifest)
        return Staged(running, False, needs=releases.archives_for(manifest, layout))
    result = Staged(running if same else None, False, notes=notes)
    if lacking:
        named = users.named(desired.units.values())
        found.note(layout, users=named, groups=named)
    for user in lacking:
        users.create(user)
        result.changes.append(f"user {user}")
    result.changes += _bring(layout, history, desired, release, manifest, archives, by)
    if damage and running is not None:
        deployments.mend(layout, running, desired)
        result.changes.append(f"deployment {running} was damaged: {releases.words(damage)}; mended")
        mends.note(layout, history, by, result.changes[-1], deployment=running)
    if exposed := access.protect_all(layout):
        result.changes.append(f"owner and mode of {exposed} files")
    result.changed = bool(result.changes)
    if same:
        return result
    n = deployments.find_staged(layout, history, desired.content)
    if n is None:
        n = deployments.create(layout, history, desired, by, manifest.get("source"))
        result.changes.append(f"deployment {n}")
        result.changed = True
    elif changed := deployments.faults(layout, n, desired):
        deployments.mend(layout, n, desired)
        result.changes.append(f"deployment {n} was damaged: {releases.words(changed)}; mended")
        result.changed = True
    result.deployment = n
    prove(layout, n, by, store_away)
    return result


def _known_bad(verdict: Mapping[str, Any]) -> str:
    """Why a content is not rolled out again without a word."""
    words = {FAILED: "failed", RETURNED: "was returned from"}[verdict["state"]]
    run = f" (run {verdict['by_run']})" if verdict.get("by_run") else ""
    why = f": {verdict['why']}" if verdict.get("why") else ""
    return (
        f"release {verdict['release']} with this mode and these settings {words} on this host at {verdict['at']}, "
        f"as deployment {verdict['deployment']}{run}{why}. Nothing was changed; {RETRY} rolls it out again"
    )


def _would(
    layout: Layout, desired: Desired, release: releases.Look, same: int | None, damage: list[str], lacking: list[str]
) -> Staged:
    """What check mode reports."""
    planned: list[str] = []
    if not release.there:
        planned.append(f"release {desired.release} would be unpacked")
    elif release.faults:
        planned.append(f"release {desired.release} is damaged: {releases.words(release.faults)}; it would be mended")
    if damage:
        planned.append(f"deployment {same} is damaged: {releases.words(damage)}; it would be mended")
    if same is None:
        planned.append("a new deployment would be staged")
    if exposed := access.exposed(layout):
        planned.append(f"owner and mode of {exposed} files would be mended")
    return Staged(same, bool(planned or lacking), changes=planned)


def _bring(
    layout: Layout,
    history: History,
    desired: Desired,
    release: releases.Look,
    manifest: Mapping[str, Any],
    archives: Path | None,
    by: str,
) -> list[str]:
    """Makes the release whole; what was done, in words. The switch restarts what runs from a tree that was mended."""
    if not release.whole and archives is not None:
        before = releases.listed(layout, desired.release)
        releases.install(layout, manifest, archives)
        if not release.there:
            return [f"release {desired.release}"]
        found = releases.listed(layout, desired.release)
        # Where a list was changed with a file, only the list that is right tells which file.
        both = [f"{path} is not what was packed" for path in sorted(found) if before.get(path, "") != found[path]]
        mended = f"release {desired.release} was damaged: {releases.words([*release.faults, *both])}; mended"
        mends.note(layout, history, by, mended, release=desired.release)
        return [mended]
    if release.whole and not release.anchored:
        releases.anchor(layout, manifest)
        return [f"release {desired.release} is anchored now"]
    return []


def prove(layout: Layout, n: int, by: str, store_away: bool = False) -> None:
    """Verifies the units, replays the vectors, and lets each program check its configuration and reach its services."""
    history = History.load(layout)
    desired = deployments.load(layout, n)
    try:
        prove_alone(layout, n, desired)
        with proof.way_to_store(desired.units) as way:
            for unit, text in sorted(desired.units.items()):
                if proof.has_check(unit, text):
                    proof.check(layout, n, unit, text, way, store_away)
    except Refused as fault:
        history.mark(n, UNPROVEN, by, why=str(fault))
        history.note("not proven", n, by, str(fault))
        history.save(layout)
        raise Refused(f"deployment {n} is not switched to: {fault}") from None
    history.mark(n, STAGED, by)
    history.note("proven", n, by)
    history.save(layout)


def prove_alone(layout: Layout, n: int, desired: Desired) -> None:
    """What a host can prove though none of its services is in reach: its units, and its programs by their vectors."""
    proof.verify(layout.deployments / str(n) / "units")
    programs = {
        proof.program_of(desired.units[f"seclyzer-{kind}.service"]): implementation
        for kind, implementation in desired.implementations.items()
    }
    if programs:
        proof.replay(layout.releases / desired.release / "vectors", programs, "seclyzer-keystroke")


def differences(layout: Layout, desired: Desired) -> list[dict[str, str]]:
    """What `--diff` shows: every unit and setting that would be another than in the running deployment."""
    running = deployments.current(layout)
    before = deployments.load(layout, running).files() if running is not None else {}
    after = desired.files()
    shown: list[dict[str, str]] = []
    for path in sorted({*before, *after}):
        old, new = before.get(path, ""), after.get(path, "")
        if old != new:
            lines = difflib.unified_diff(
                old.splitlines(True), new.splitlines(True), f"running/{path}", f"desired/{path}", n=2
            )
            shown.append({"prepared": "".join(lines)})
    return shown
