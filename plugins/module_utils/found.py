"""What a host had before SecLyzer changed it, and which packages SecLyzer brought: `found.json`, for its removal.

Each fact is written down before the change that it is about, and once: the first look counts. `late`: SecLyzer was
there before the first look, so that what is its own by name was made by it, and of the rest nothing is known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import existing, systemd
from .files import make_folder, read, read_own, write
from .layout import UNITS, Layout, Refused
from .users import has_group, has_user

UNKNOWN = "unknown"
"""The state of a unit that was SecLyzer's already at the first look."""
STATE = ("LoadState", "UnitFileState", "ActiveState", "FragmentPath")
STARTED = ("active", "activating", "reloading")


@dataclass
class Found:
    """What was there: users, groups and paths by name, whether each was; units by name, how each was.

    `packages`: those that SecLyzer installed, `asked` for or `needed` by one that it asked for. `made`: what it made in
    another's InfluxDB. `older`: the units of an older SecLyzer that were stopped, how each was.
    """

    late: bool = False
    users: dict[str, bool] = field(default_factory=dict)
    groups: dict[str, bool] = field(default_factory=dict)
    paths: dict[str, bool] = field(default_factory=dict)
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    older: dict[str, dict[str, str]] = field(default_factory=dict)


def load(layout: Layout) -> Found | None:
    """What is written down; None when nothing is. Raises Refused when it cannot be read."""
    text = read_own(layout.found) if layout.base.is_dir() else None
    if text is None:
        return None
    try:
        value = json.loads(text)
        return Found(**{name: value[name] for name in Found.__dataclass_fields__ if name in value})
    except (ValueError, TypeError, KeyError) as fault:
        raise Refused(
            f"{layout.found} cannot be read ({fault}): what this host had before SecLyzer is in it; repair it"
        ) from None


def save(layout: Layout, found: Found) -> None:
    """Writes it, atomically, for root alone."""
    if not layout.base.exists():
        make_folder(layout.base)
    write(layout.found, json.dumps({"schema": 1, **asdict(found)}, indent=2) + "\n", 0o600)


def note(
    layout: Layout,
    *,
    users: Iterable[str] = (),
    groups: Iterable[str] = (),
    paths: Iterable[str] = (),
    units: Iterable[str] = (),
    dry: bool = False,
) -> Found:
    """Looks at what is not written down yet, and writes it down, that this was looked at too; dry, it only looks."""
    known = load(layout)
    found = known or Found(late=is_here(layout))
    looks: tuple[tuple[dict[str, Any], Iterable[str], Callable[[str], Any]], ...] = (
        (found.users, users, lambda name: not found.late and has_user(name)),
        (found.groups, groups, lambda name: not found.late and has_group(name)),
        (found.paths, paths, lambda path: not found.late and os.path.lexists(path)),
        (found.units, units, lambda unit: {"load": UNKNOWN} if found.late else _unit(layout, unit, dry)),
    )
    fresh = [(table, name, look) for table, names, look in looks for name in names if name not in table]
    for table, name, look in fresh:
        table[name] = look(name)
    if (fresh or known is None) and not dry:
        save(layout, found)
    return found


def make(layout: Layout, what: str) -> None:
    """Writes down what is about to be made in another's InfluxDB."""
    recorded = note(layout)
    if what not in recorded.made:
        recorded.made.append(what)
        save(layout, recorded)


def is_here(layout: Layout) -> bool:
    """Whether SecLyzer is on this host, by its history or by a unit of its own."""
    return layout.history.exists() or any(is_ours(layout, unit) for unit in existing.MARKS)


def is_ours(layout: Layout, unit: str) -> bool:
    """Whether a unit file is SecLyzer's: by what every version writes into it, or on a host that has a history."""
    text = read(layout.units / unit)
    return text is not None and (existing.MARKS[unit] in text or (unit in UNITS and layout.history.exists()))


def state_of(layout: Layout, unit: str) -> dict[str, str]:
    """How a unit is: `load`, `enabled` and `active` as systemd has them, and its `text` when a person wrote it."""
    state = systemd.show([unit], STATE).get(unit, {})
    path = Path(state.get("FragmentPath") or "/")
    own = path.parent == layout.units and not path.is_symlink()
    return {
        "load": state.get("LoadState", ""),
        "enabled": state.get("UnitFileState", ""),
        "active": "yes" if state.get("ActiveState") in STARTED else "no",
        **({"text": read(path) or ""} if own else {}),
    }


def _unit(layout: Layout, unit: str, dry: bool) -> dict[str, str]:
    """How a unit is. Where systemd does not run, which may be looked at and not changed, it is not known."""
    try:
        return state_of(layout, unit)
    except Refused:
        if dry:
            return {"load": UNKNOWN}
        raise
