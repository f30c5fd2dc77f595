"""Which programs of a host are compared: what was staged with what runs before a switch, and any two by name."""

from __future__ import annotations

import filecmp
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import compare_job, deployments, memory, proof, releases, shadow_unit, systemd
from .before_switch import look_before
from .deployments import Desired
from .history import STAGED, UNPROVEN, History
from .kinds import PROGRAMS
from .layout import Layout, Refused
from .modes import IMPLEMENTATIONS
from .side_by_side import Plan

RUNNING, NEW = "running", "staged"
"""Sides that are no release."""
FOLDERS = {"rust": "bin", "python": "venv/bin"}
"""Where the programs of an implementation are in a release."""
NOT_COMPARED = "the staged programs were not compared with what runs"

Side = dict[str, dict[str, str]]
"""By kind, the unit's `text`, the `program` and its `memory_max`; empty for what runs."""


@dataclass(frozen=True)
class Terms:
    """For how long staged programs are compared (0: not at all), and whether they are known to compute other values."""

    seconds: float = 0.0
    values_change: bool = False


def before_switch(layout: Layout, n: int, terms: Terms) -> dict[str, str]:
    """Begins to compare the programs of deployment `n` that are other than those that run; the `job`.

    Nothing when there is no such program, and a `note` when there is a reason not to.
    """
    running = deployments.current(layout)
    if running is None or running == n or not terms.seconds:
        return {}
    old, new = (deployments.load(layout, number) for number in (running, n))
    kinds = changed(old, new)
    if not kinds:
        return {}
    if not look_before(layout).busy:
        return {"note": f"{NOT_COMPARED}, for no events flowed"}
    tool = compare_job.program(layout, [new.release])
    if tool is None:
        return {"note": f"{NOT_COMPARED}, for their release brings no comparison"}
    shadows = {kind: {"text": text, "program": proof.program_of(text)} for kind, text in units(new, kinds).items()}
    needed, free = shadow_unit.memory([one["text"] for one in shadows.values()]), memory.available() or 0
    if needed > free:
        words = f"that may take {needed >> 20} MiB of memory, and {free >> 20} MiB are free"
        return {"note": f"{NOT_COMPARED}, for {words}"}
    try:
        return {"job": compare_job.start(tool, plan(old, (RUNNING, NEW), [{}, shadows], terms))}
    except Refused as fault:
        return {"note": f"{NOT_COMPARED}: {fault}"}


def plan(running: Desired, names: tuple[str, str], sides: list[Side], terms: Terms) -> Plan:
    """The plan of a comparison, by the settings of what runs."""
    kinds = sorted({*running.implementations} if not any(sides) else {kind for side in sides for kind in side})
    windows = {kind: compare_job.window_times(running.config.get(f"{kind}.yaml", "")) for kind in kinds}
    redis = running.probes.get("redis_socket", "")
    return Plan(names, terms.seconds, kinds, sides, windows, redis, terms.values_change)


def changed(old: Desired, new: Desired) -> list[str]:
    """The kinds that another program would run, by its path, and by its content where that is all of the program."""
    before, after = units(old, PROGRAMS), units(new, PROGRAMS)
    return [kind for kind in PROGRAMS if kind in before and kind in after and _differs(before[kind], after[kind])]


def units(of: Desired, kinds: Iterable[str]) -> dict[str, str]:
    """The text of each kind's unit, of those that there are."""
    names = {kind: f"seclyzer-{kind}.service" for kind in kinds}
    return {kind: of.units[name] for kind, name in names.items() if name in of.units}


def _differs(before: str, after: str) -> bool:
    old, new = proof.program_of(before), proof.program_of(after)
    if old == new:
        return False
    try:
        return not (systemd.is_binary(new) and filecmp.cmp(old, new, shallow=False))
    except OSError:
        return True


def by_name(layout: Layout, names: tuple[str, str], seconds: float, memory_max: Mapping[str, str]) -> str:
    """Begins to compare two sides; the job. Raises Refused when a side is not there."""
    n = deployments.current(layout)
    if n is None:
        raise Refused("this host runs no release yet; site.yml brings one")
    running = deployments.load(layout, n)
    if not running.implementations:
        raise Refused("this host runs no extractor, so there is nothing to compare")
    if names[0] == names[1]:
        raise Refused(f"both sides are {names[0]}; name another one with -e left= or -e right=")
    sides = [side(layout, running, name, memory_max) for name in names]
    kinds = set.intersection(*({*one} or {*running.implementations} for one in sides))
    sides = [{kind: of for kind, of in one.items() if kind in kinds} for one in sides]
    tool = compare_job.program(layout, [running.release, *newest_first(layout)])
    if tool is None:
        raise Refused("no release of this host brings the comparison; roll one out that does")
    return compare_job.start(tool, plan(running, names, sides, Terms(seconds)))


def newest_first(layout: Layout) -> list[str]:
    """The releases of the host, the one that came last first."""
    history = History.load(layout)
    of_deployments = [str(history.records[n].get("release")) for n in sorted(history.records, reverse=True)]
    return list(dict.fromkeys([*of_deployments, *known(layout)]))


def known(layout: Layout) -> list[str]:
    """The releases that are on the host."""
    return sorted(path.name for path in layout.releases.glob("[!.]*")) if layout.releases.is_dir() else []


def side(layout: Layout, running: Desired, name: str, memory_max: Mapping[str, str]) -> Side:
    """What a name means: `running`, `staged`, `python`, `rust`, a release, or one of its implementations."""
    if name == RUNNING:
        return {}
    if name == NEW:
        new = deployments.load(layout, staged(layout))
        return {kind: {"text": text, "program": proof.program_of(text)} for kind, text in units(new, PROGRAMS).items()}
    release, _, implementation = name.partition(":")
    if name in IMPLEMENTATIONS:
        release, implementation = running.release, name
    if release not in known(layout) or implementation not in ("", *IMPLEMENTATIONS):
        raise Refused(
            f"{name!r} is no side; there are running, staged, python, rust, and the releases of this host, with "
            f":python or :rust behind it: {', '.join(known(layout))}"
        )
    look = releases.look_alone(layout, release)
    if not look.whole:
        raise Refused(
            f"release {release} is damaged: {releases.words(look.faults)}. site.yml with that bundle mends it"
        )
    found: Side = {}
    for kind, text in units(running, running.implementations).items():
        chosen = implementation or running.implementations[kind]
        program = layout.releases / release / FOLDERS[chosen] / PROGRAMS[kind]
        if not program.is_file():
            raise Refused(f"release {release} has no {FOLDERS[chosen]}/{PROGRAMS[kind]}")
        found[kind] = {"text": text, "program": str(program), "memory_max": memory_max.get(chosen, "")}
    return found


def staged(layout: Layout) -> int:
    """The newest deployment that was staged and never ran. Raises Refused when there is none."""
    records: Mapping[int, Mapping[str, Any]] = History.load(layout).records
    running = deployments.current(layout)
    found = [n for n, record in records.items() if record.get("state") in (STAGED, UNPROVEN) and n != running]
    if not found:
        raise Refused("nothing is staged on this host that does not run; site.yml stages")
    return max(found)
