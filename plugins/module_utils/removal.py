"""Removal of SecLyzer from a host: what is to be done is worked out first, from what is there and what was found.

Every step may be done twice, and the record of what was found goes last: a removal that is cut off anywhere is
completed by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from . import (
    existing,
    files,
    found,
    lease,
    older,
    packages,
    removal_files,
    removal_influxdb,
    removal_units,
    removal_users,
    systemd,
)
from .found import Found
from .layout import Layout, Refused
from .removal_influxdb import Place

RECORDED = "packages that SecLyzer installed are not known, for it was here before it wrote that down"


@dataclass(frozen=True)
class Step:
    """One step, in words, and how it is done."""

    words: str
    do: Callable[[], object]


@dataclass
class Removal:
    """What is to be done on a host, what is kept of data there, and what else is to be reported."""

    steps: list[Step] = field(default_factory=list)
    kept: list[removal_files.Kept] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, words: str, do: Callable[[], object]) -> None:
        """A step more."""
        self.steps.append(Step(words, do))


def plan(
    layout: Layout,
    groups: Iterable[str],
    with_data: bool,
    place: Place | None = None,
    take_over: bool = False,
    root: Path = removal_files.ROOT,
) -> Removal:
    """Everything that is to be done on this host. Changes nothing.

    `groups`: those of the inventory's options. `place`: another's InfluxDB that is used.

    Raises Refused while a rollout is at work here, unless the host is taken over from it.
    """
    if (other := lease.load(layout)) and not other.is_stale and not take_over:
        raise Refused(other.sentence())
    result = Removal()
    recorded = found.load(layout)
    if found.is_here(layout) and (recorded is None or recorded.late):
        recorded = _late(layout, groups, result)
    data = removal_files.data(root, layout, recorded.paths if recorded else {})
    if recorded is not None:
        if place is not None:
            _others(place, recorded, with_data, result)
        _services(layout, recorded, result)
        _files(layout, recorded, with_data, root, result)
    _data(data, with_data, result)
    if recorded is not None:
        for name in removal_users.gone(recorded, groups):
            result.add(f"delete the user or group {name}", partial(removal_users.delete, name))
        _older(layout, recorded, result)
        _empty(removal_files.of_others(root, layout, recorded.units), result)
        _record(layout, recorded, with_data, root, result)
    _empty(removal_files.of_ours(root, layout), result, [layout.lock])
    return result


def _late(layout: Layout, groups: Iterable[str], result: Removal) -> Found:
    """The record of a host that SecLyzer was on before there were records: what is its own by name is its own."""
    names = [*removal_users.NAMES, *groups]
    paths = removal_files.OF_INFLUXDB if found.is_ours(layout, existing.INFLUXDB) else ()
    recorded = found.note(layout, users=names, groups=names, paths=paths, units=_taken_over(layout), dry=True)
    result.add("write down what is SecLyzer's here", lambda: found.save(layout, recorded))
    return recorded


def _data(paths: list[Path], with_data: bool, result: Removal) -> None:
    """Data stay where there are any, for root alone."""
    counts = {path: removal_files.count(path) for path in paths}
    going = [path for path in paths if with_data or not counts[path].files]
    staying = [path for path in paths if path not in going]
    for path in going:
        result.add(f"delete {path}", partial(removal_files.delete, path))
    for path in removal_files.exposed(staying):
        result.add(f"make {path} root's alone", partial(removal_files.close, path))
    result.kept += [counts[path] for path in staying]


def carry_out(removal: Removal) -> None:
    """Does all of it, in order. Raises Refused with the step that could not be done."""
    for step in removal.steps:
        try:
            step.do()
        except (OSError, Refused) as fault:
            raise Refused(f"{step.words}: {fault}; the next run of remove.yml goes on from here") from fault


def _others(place: Place, recorded: Found, with_data: bool, result: Removal) -> None:
    """First, while the operator's token is there. InfluxDB that is away stops all: its tokens would stay good."""
    going, stays = removal_influxdb.steps(place, recorded.made, with_data)
    if going:
        result.add("; ".join(going), lambda: removal_influxdb.remove(place, recorded.made, with_data))
    result.notes += [f"kept {words}" for words in stays]


def _empty(folders: Sequence[Path], result: Removal, but: Sequence[Path] = ()) -> None:
    """Folders that are empty in the end, or since a removal that was cut off."""
    if result.steps or removal_files.empty(folders, but):
        result.add("remove empty folders", lambda: removal_files.tidy(folders, but))


def _record(layout: Layout, recorded: Found, with_data: bool, root: Path, result: Removal) -> None:
    """The record goes; while InfluxDB's data stay, it still tells that these are SecLyzer's."""
    place = f"/{removal_files.INFLUXDB_DATA}"
    if with_data or recorded.paths.get(place) is not False or not (root / removal_files.INFLUXDB_DATA).exists():
        result.add("forget what was found", lambda: layout.found.unlink(missing_ok=True))
        return
    rest = Found(paths={place: False})
    if recorded != rest:
        result.add(f"forget what was found, but that {place} is SecLyzer's", lambda: found.save(layout, rest))


def _taken_over(layout: Layout) -> list[str]:
    """The units under a drop-in of ours, on a host of which nothing is written down."""
    return [path.parent.name.removesuffix(".d") for path in removal_units.dropins(layout)]


def _services(layout: Layout, recorded: Found, result: Removal) -> None:
    """Ours are stopped before anything else goes; what was taken over is given back once our packages are gone."""
    if briefly := removal_units.passing():
        result.add(f"stop {', '.join(briefly)}", lambda: systemd.systemctl("stop", *briefly, timeout=180))
    if units := removal_units.own(layout):
        result.add(f"stop and remove {', '.join(units)}", lambda: removal_units.remove(layout, units))
    taken = [path.parent.name.removesuffix(".d") for path in removal_units.dropins(layout)]
    if taken:
        result.add(f"stop {', '.join(taken)}", lambda: systemd.systemctl("stop", *taken, timeout=180))
    there = packages.installed(leftovers=True) if recorded.packages else set()
    going = packages.removable(recorded.packages, there, packages.by_hand()) if there else []
    if going:
        result.add(f"remove the packages {', '.join(going)}", lambda: packages.purge(going))
    if recorded.late:
        result.notes.append(f"{RECORDED}: see with `apt-mark showmanual`, and remove them by hand")
    units_back = removal_units.differing(layout, recorded.units)
    masks = removal_units.masks(layout, recorded.units)
    if taken:
        result.add("remove our drop-ins", lambda: removal_units.unveil(layout))
    for mask in masks:
        result.add(f"remove the mask {mask}", mask.unlink)
    if taken or masks:
        result.add("make systemd read its units again", lambda: systemd.systemctl("daemon-reload"))
    for unit in units_back:
        before = recorded.units[unit]
        result.add(_words(unit, before), partial(removal_units.give_back, layout, unit, before))


def _words(unit: str, before: dict[str, str]) -> str:
    if before["load"] == found.UNKNOWN:
        return f"stop and disable {unit}, of which is not known what it was before"
    runs = "running" if before["active"] == "yes" else "stopped"
    return f"give {unit} back as it was: {before['enabled'] or 'as its package has it'}, {runs}"


def _files(layout: Layout, recorded: Found, with_data: bool, root: Path, result: Removal) -> None:
    keeps = bool(files.status(root / removal_files.OPERATOR_TOKEN)) and not (
        with_data and recorded.paths.get(f"/{removal_files.INFLUXDB_DATA}") is False
    )
    if keeps:
        result.kept.append(removal_files.count(root / removal_files.OPERATOR_TOKEN))
    paths = removal_files.gone(root, layout, keeps)
    if recorded.paths.get(removal_files.NOTED_PROGRAM) is False:
        program = root / removal_files.NOTED_PROGRAM.lstrip("/")
        paths += [program] if program.exists() else []
    for path in paths:
        result.add(f"delete {path}", partial(removal_files.delete, path))
    if debris := removal_files.debris(root, recorded.paths):
        result.add(f"delete {', '.join(map(str, debris))}", partial(removal_files.sweep, root, debris))


def _older(layout: Layout, recorded: Found, result: Removal) -> None:
    if recorded.older:
        words = f"start the older SecLyzer again: {', '.join(sorted(recorded.older))}"
        result.add(words, lambda: older.resume(recorded.older))


def described(removal: Removal) -> dict[str, Any]:
    """As a module's result."""
    return {
        "done": [step.words for step in removal.steps],
        "kept": [vars(kept) for kept in removal.kept],
        "notes": removal.notes,
    }
