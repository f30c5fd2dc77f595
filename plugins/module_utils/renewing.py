"""New credentials reach a host's units: those that hold an older one are restarted one at a time, each proven first.

Both credentials are valid meanwhile, so a unit that does not come up well ends this, and the others go on as they were.
"""

from __future__ import annotations

from collections.abc import Callable

from . import deployments, health, lease, switching, systemd, trials
from .before_switch import look_before
from .history import History
from .layout import Layout, Refused, is_socket

Restarted = Callable[[str], None]


def held_back(layout: Layout) -> str:
    """Why nothing may be restarted now, in a sentence; empty when nothing speaks against it."""
    if trial := trials.going(layout):
        return f"deployment {trial.to} is on trial, and a restart would fail it: run this again when that is decided"
    other = lease.held(layout, "")
    return other.sentence() if other else ""


def stale(layout: Layout) -> list[str]:
    """The units that hold an older credential than there is, the agent last."""
    n = deployments.current(layout)
    if n is None:
        return []
    desired = deployments.load(layout, n)
    services = sorted((name for name in desired.units if not is_socket(name)), key=lambda name: name == switching.AGENT)
    states = systemd.show(services, switching.STATE)
    return [
        name
        for name in services
        if states.get(name, {}).get("Type") != "oneshot" and switching.is_stale(name, desired, states.get(name, {}))
    ]


def renew(layout: Layout, by: str, seconds: float) -> list[str]:
    """Restarts what is stale; which units. Raises Refused when one is not well within so many seconds."""
    units = stale(layout)
    if not units:
        return []
    if why := held_back(layout):
        raise Refused(why)
    before = look_before(layout)
    for name in units:
        systemd.systemctl("restart", name)
        found = health.wait(health.Target.of(layout, True, before), seconds)
        if found.faults:
            raise Refused(
                f"{switching.short(name)} has the new credential and is not well: {'; '.join(found.faults)}. "
                "The former credential is still valid, and what was not restarted goes on with it: mend that and run "
                "this again"
            )
    history, n = History.load(layout), deployments.current(layout)
    history.note("restarted for new credentials", n or 0, by, units=units)
    history.save(layout)
    return units
