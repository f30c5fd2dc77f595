"""An older SecLyzer that a host has: stopped on request, never deleted, and started again by going back."""

from __future__ import annotations

from collections.abc import Mapping

from . import existing, found, systemd
from .layout import UNITS, Layout, Refused
from .removal_units import remove

Units = Mapping[str, Mapping[str, str]]


def stop(layout: Layout) -> list[str]:
    """Stops and disables the units of an older SecLyzer, once how they were is written down; their names."""
    units = existing.older(layout, existing.PROC)
    if strange := existing.without_unit(units):
        raise Refused(f"{', '.join(strange)} of an older SecLyzer runs without a unit: stop it by hand, and run again")
    if not units:
        return []
    recorded = found.note(layout)
    fresh = {unit: found.state_of(layout, unit) for unit in units if unit not in recorded.older}
    for state in fresh.values():
        state.pop("text", None)
    if fresh:
        recorded.older |= fresh
        found.save(layout, recorded)
    systemd.systemctl("disable", "--now", *units, timeout=180)
    return units


def start_again(layout: Layout) -> None:
    """Starts again what `stop` has stopped."""
    recorded = found.load(layout)
    if recorded is not None:
        resume(recorded.older)


def resume(units: Units) -> None:
    """Starts again what ran, and lets start with the host what did."""
    for verb, names in (("enable", _those(units, "enabled", "enabled")), ("start", _those(units, "active", "yes"))):
        if names:
            systemd.systemctl(verb, *names, timeout=180)


def leave(layout: Layout) -> list[str]:
    """Leaves what this project rolled out for the older SecLyzer; the older one's units. Releases and history stay.

    Raises Refused when none was stopped here.
    """
    recorded = found.load(layout)
    if recorded is None or not recorded.older:
        raise Refused("no older SecLyzer was stopped on this host; playbooks/remove.yml takes SecLyzer away")
    ours = [unit for unit in UNITS if found.is_ours(layout, unit)]
    if ours:
        remove(layout, ours)
    resume(recorded.older)
    layout.current.unlink(missing_ok=True)
    return sorted(recorded.older)


def was_stopped(layout: Layout) -> bool:
    """Whether this host has an older SecLyzer to go back to."""
    recorded = found.load(layout)
    return recorded is not None and bool(recorded.older)


def _those(units: Units, key: str, value: str) -> list[str]:
    return sorted(unit for unit, state in units.items() if state.get(key) == value)
