"""Units: whether they run, stay up, and have memory left, by systemd, which answers whatever else is dead."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from plugins.module_utils import systemd
from plugins.module_utils.layout import Refused
from seclyzer_agent.checks import memory
from seclyzer_agent.history import CALM, Restarts
from seclyzer_agent.model import Entry, Status, Unreadable
from seclyzer_agent.unit import PROPERTIES, RESTARTS, Unit, judge, parse_show

from ..host import Host
from .seen import Seen

MEMORY = (80.0, 95.0)
"""Percent of a unit's limit: from here on `warn`, `fail`."""
LONGEST = 200
"""Characters of a last line that are repeated."""


def look(host: Host) -> Iterator[Seen]:
    """An entry for each unit, and for the memory of those that run."""
    names = tuple(sorted(host.units))
    how = f"systemctl show {' '.join(names)}"
    try:
        text = systemd.run(["systemctl", "show", "--no-pager", f"--property={','.join(PROPERTIES)}", "--", *names])
        units = parse_show(text.stdout, names, time.time())
    except (Refused, Unreadable) as fault:
        yield Seen("units", Entry("state", "systemd", "system", Status.FAIL, f"systemd: {fault}"), how)
        return
    now = time.monotonic()
    for name, unit in units.items():
        entry = judge_now(unit, now)
        if entry.status is Status.FAIL:
            entry = replace(entry, output=entry.output + _last_words(host, name, unit))
        yield Seen("units", entry, f"systemctl status {name}")
        if unit.main_pid and (used := memory.of_unit(memory.CGROUPS, unit)) is not None:
            yield Seen("memory", memory.judge(name, used, *MEMORY), f"systemctl show {name} -p MemoryCurrent,MemoryMax")


def judge_now(unit: Unit, now: float) -> Entry:
    """A unit by one look, `now` in monotonic s: of its restarts systemd knows how many, and when the last one was.

    So no count is stated: those of long ago are in systemd's, too.
    """
    entry = judge(unit, Restarts(unit.restarts), CALM, now)
    ago = now - (unit.main_started or now)
    down = unit.active in ("inactive", "failed") and RESTARTS not in unit.sub
    if not unit.restarts or ago >= CALM or down or unit.load != "loaded":
        return entry
    if entry.status is not Status.PASS:
        return replace(entry, finding="unit-restarts")
    words = f"{unit.unit} runs, but systemd restarted it {ago:.0f} s ago"
    return replace(entry, status=Status.WARN, output=words, finding="unit-restarts")


def _last_words(host: Host, name: str, unit: Unit) -> str:
    """What a unit that is down wrote last; only who may read the journal knows."""
    if unit.load != "loaded" or not host.is_root:
        return ""
    try:
        lines = systemd.last_words(name, 0.0)
    except Refused:
        return ""
    return f"; its last line: {lines[-1][:LONGEST]}" if lines else ""
