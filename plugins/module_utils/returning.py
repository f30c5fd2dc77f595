"""Going back to a deployment that this host has had, proven first by what the host itself keeps of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import deployments, fitness, releases, staging, state_versions
from .files import read
from .layout import Layout, Refused


def prove(layout: Layout, n: int, accept_loss: bool = False) -> list[str]:
    """Verifies the files of deployment `n` and of its release, its units and its programs; what else to report.

    Changes nothing. Raises Refused when it would not run as it did, or would not read the state that is saved here.
    """
    leaves, enters = (deployments.manifest(layout, one) for one in (deployments.current(layout), n))
    notes = state_versions.verify_readable(_kept(layout, leaves), _kept(layout, enters), accept_loss)
    notes += fitness.fit(layout, n)
    staging.prove_alone(layout, n, fitness.whole(layout, n))
    return notes


def _kept(layout: Layout, deployment: dict[str, Any] | None) -> Mapping[str, Any] | None:
    return releases.kept(layout, str(deployment["release"])) if deployment else None


def faults(layout: Layout, n: int | None) -> list[str]:
    """What was changed in the files of deployment `n` and of its release, and in the units that are installed."""
    if n is None:
        return []
    try:
        desired = fitness.whole(layout, n)
        wrong = releases.look_alone(layout, desired.release).faults
    except Refused as fault:
        return [str(fault)]
    installed = [name for name, text in desired.units.items() if read(layout.units / name) != text]
    return wrong + [f"{layout.units / name} is not what deployment {n} has" for name in sorted(installed)]


def trial(layout: Layout) -> dict[str, Any] | None:
    """The trial that is written down on this host, whatever its state; None without one."""
    try:
        found = json.loads(read(layout.trial) or "")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
