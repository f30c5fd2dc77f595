"""Units of a host that SecLyzer leaves: its own are taken away, one that it took over is given back as it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import existing, found, systemd
from .files import status, write
from .found import UNKNOWN
from .layout import Layout, is_socket

ABSENT = "not-found"
NOWHERE = Path("/dev/null")
DROPIN = "seclyzer.conf"
PASSING = ("seclyzer-compare*.service", "seclyzer-shadow*.service")


def own(layout: Layout) -> list[str]:
    """The units of ours that this host has; those that start others come first."""
    units = [unit for unit in existing.MARKS if found.is_ours(layout, unit)]
    return sorted(units, key=lambda unit: (not is_socket(unit) and not unit.endswith(".timer"), unit))


def passing() -> list[str]:
    """Units of ours that run for a while and have no file: a comparison of programs, a shadow before a switch."""
    words = ["systemctl", "list-units", "--plain", "--no-legend", "--no-pager", *PASSING]
    return [line.split()[0] for line in systemd.run(words).stdout.splitlines() if line.split()]


def remove(layout: Layout, units: Iterable[str]) -> None:
    """Stops units and takes their files away; the file itself goes last, so that a second run finds the rest."""
    units = list(units)
    systemd.systemctl("stop", *units, timeout=180)
    for unit in units:
        unlink_wants(layout, unit)
        shutil.rmtree(layout.units / f"{unit}.d", ignore_errors=True)
        (layout.units / unit).unlink()
    systemd.systemctl("daemon-reload")
    systemd.run(["systemctl", "reset-failed", *units])


def unlink_wants(layout: Layout, unit: str) -> None:
    """Takes away the links by which a unit starts with the host, and their folder when it is empty then."""
    for folder in [*layout.units.glob("*.wants"), *layout.units.glob("*.requires")]:
        if (folder / unit).is_symlink():
            (folder / unit).unlink()
            if not any(folder.iterdir()):
                folder.rmdir()


def dropins(layout: Layout) -> list[Path]:
    """Our drop-ins over units of others."""
    return sorted(layout.units.glob(f"*.service.d/{DROPIN}"))


def masks(layout: Layout, units: Mapping[str, Mapping[str, str]]) -> list[Path]:
    """The masks of units that were not on the host when SecLyzer came."""
    paths = [layout.units / unit for unit, before in units.items() if before["load"] == ABSENT]
    return [path for path in paths if path.is_symlink() and path.readlink() == NOWHERE]


def unveil(layout: Layout) -> None:
    """Takes our drop-ins away."""
    for path in dropins(layout):
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()


def differing(layout: Layout, units: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The units that SecLyzer took over and that are not as they were."""
    return [unit for unit, before in units.items() if before["load"] != ABSENT and _differs(layout, unit, before)]


def give_back(layout: Layout, unit: str, before: Mapping[str, str]) -> None:
    """Makes a unit what it was: its text, whether it starts with the host, whether it runs.

    One of which nothing is known is left stopped, and does not start with the host.
    """
    if "text" in before:
        write(layout.units / unit, before["text"])
    systemd.systemctl("daemon-reload")
    if before["load"] == UNKNOWN:
        systemd.systemctl("disable", "--now", unit)
        return
    if before["enabled"] in ("enabled", "disabled"):
        systemd.systemctl(before["enabled"].removesuffix("d"), unit)
    systemd.systemctl("start" if before["active"] == "yes" else "stop", unit, timeout=180)


def _differs(layout: Layout, unit: str, before: Mapping[str, str]) -> bool:
    now = found.state_of(layout, unit)
    if before["load"] == UNKNOWN:
        return now["load"] != ABSENT and (now["enabled"] == "enabled" or now["active"] == "yes")
    if status(layout.units / f"{unit}.d" / DROPIN):
        return True
    return any(now.get(key) != before.get(key) for key in ("enabled", "active", "text"))
