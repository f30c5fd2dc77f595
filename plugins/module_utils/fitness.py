"""Whether a deployment that this host has had can run as it did, by what the host itself keeps of it."""

from __future__ import annotations

from . import deployments, releases
from .deployments import Desired
from .layout import Layout, Refused


def fit(layout: Layout, n: int) -> list[str]:
    """Verifies the files of deployment `n` and of its release; what else to report. Raises Refused over damage."""
    release = whole(layout, n).release
    found = releases.look_alone(layout, release)
    if not found.there:
        raise Refused(f"release {release} of deployment {n} is not on this host; site.yml with that bundle brings it")
    if found.faults:
        raise Refused(
            f"release {release} of deployment {n} is damaged: {releases.words(found.faults)}. "
            "site.yml with that bundle mends it"
        )
    return [] if found.anchored else [f"release {release} is from before file lists were anchored"]


def whole(layout: Layout, n: int) -> Desired:
    """A deployment whose files are what was staged."""
    try:
        desired = deployments.load(layout, n)
    except OSError as fault:
        raise Refused(f"deployment {n} is damaged: {fault.filename} cannot be read ({fault.strerror})") from None
    if (deployments.manifest(layout, n) or {}).get("content") != desired.content:
        raise Refused(f"deployment {n} is damaged: its units, configuration or manifest are not what was staged")
    return desired
