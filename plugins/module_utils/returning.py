"""Going back to a deployment that this host has had, proven first by what the host itself keeps of it."""

from __future__ import annotations

import json
from typing import Any

from . import deployments, releases, staging
from .deployments import Desired
from .files import read
from .layout import Layout, Refused


def prove(layout: Layout, n: int) -> list[str]:
    """Verifies the files of deployment `n` and of its release, its units and its programs; what else to report.

    Changes nothing. Raises Refused when it would not run as it did.
    """
    desired = _whole(layout, n)
    found = releases.look_alone(layout, desired.release)
    if not found.there:
        raise Refused(
            f"release {desired.release} of deployment {n} is not on this host; site.yml with that bundle brings it"
        )
    if found.faults:
        raise Refused(
            f"release {desired.release} of deployment {n} is damaged: {releases.words(found.faults)}. "
            "site.yml with that bundle mends it"
        )
    staging.prove_alone(layout, n, desired)
    return [] if found.anchored else [f"release {desired.release} is from before file lists were anchored"]


def _whole(layout: Layout, n: int) -> Desired:
    """A deployment whose files are what was staged."""
    try:
        desired = deployments.load(layout, n)
    except OSError as fault:
        raise Refused(f"deployment {n} is damaged: {fault.filename} cannot be read ({fault.strerror})") from None
    if (deployments.manifest(layout, n) or {}).get("content") != desired.content:
        raise Refused(f"deployment {n} is damaged: its units, configuration or manifest are not what was staged")
    return desired


def faults(layout: Layout, n: int | None) -> list[str]:
    """What was changed in the files of deployment `n` and of its release, and in the units that are installed."""
    if n is None:
        return []
    try:
        desired = _whole(layout, n)
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
