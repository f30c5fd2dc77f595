"""Versions of what outlives a restart: what of it a release can read, and whether a file of the host is a later one's.

A bundle's manifest says of each state the version that its release writes, and what a release that reads less does
without. The release reads every version up to its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .layout import Refused

FIRST = 1
"""Of every state of a release from before its manifest named them."""

HOST = 1
"""Of history.json, trial.json, lease.json and the manifests of deployments, as this code writes them."""

FLAG = "accept_state_loss"
"""The variable that lets a host go to a release that reads less."""

Manifest = Mapping[str, Any]


def version(manifest: Manifest | None, name: str) -> int:
    """The version of a state that a release writes."""
    return int(((manifest or {}).get("state") or {}).get(name, {}).get("version", FIRST))


def is_well_formed(states: object) -> bool:
    """Whether a manifest's `state` is a table of versions and losses."""
    if not isinstance(states, dict):
        return False
    entries = [one for one in states.values() if isinstance(one, dict)]
    return len(entries) == len(states) and all(
        type(one.get("version")) is int and one["version"] >= FIRST and isinstance(one.get("loss"), str)
        for one in entries
    )


def losses(leaves: Manifest | None, enters: Manifest | None) -> list[str]:
    """What is lost by going from one release to another: a phrase for each state that the latter cannot read."""
    found = []
    for name, about in sorted(((leaves or {}).get("state") or {}).items()):
        reads = version(enters, name)
        if about["version"] > reads:
            found.append(f"{name} (version {about['version']}; it reads up to {reads}): {about['loss']}")
    return found


def verify_readable(leaves: Manifest | None, enters: Manifest | None, accepted: bool) -> list[str]:
    """Refuses a release that cannot read what the other one wrote; what is lost when that was accepted."""
    lost = losses(leaves, enters)
    if not lost or accepted:
        return [f"accepted: {words}" for words in lost]
    names = [str((one or {}).get("release") or "the other release") for one in (leaves, enters)]
    raise Refused(
        f"{names[1]} cannot read all that {names[0]} has saved: {'; '.join(lost)}. Nothing was changed and nothing is "
        f"deleted; -e {FLAG}=true goes there all the same"
    )


def raised(leaves: Manifest | None, enters: Manifest | None) -> list[str]:
    """What going to a release means for the way back, for the report."""
    lost = losses(enters, leaves)
    return [f"going back will need -e {FLAG}=true, for it loses {words}" for words in lost]


def verify_host_file(path: object, value: object) -> None:
    """Refuses a file of the host that a later version of this code wrote: what it means is not known here."""
    form = value.get("schema", FIRST) if isinstance(value, dict) else FIRST
    if type(form) is int and form > HOST:
        raise Refused(
            f"{path} was written by a later version of SecLyzer Edge (its form is {form}, and {HOST} is read here), so "
            "nothing was changed: run the checkout that wrote it, or a later one"
        )
