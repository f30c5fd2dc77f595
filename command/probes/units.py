"""Units: whether they run, stay up, and have memory left, by systemd, which answers whatever else is dead."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from plugins.module_utils import systemd
from plugins.module_utils.layout import Refused
from seclyzer_agent.checks import memory
from seclyzer_agent.history import restarted
from seclyzer_agent.model import Entry, Status, Unreadable
from seclyzer_agent.unit import PROPERTIES, Unit, judge, parse_show

from ..host import Host
from .seen import Seen

RECENT = 300.0
"""Seconds for which a restart counts as recent."""
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
        entry = judge(unit, restarted(None, unit.restarts, unit.main_started, now, recent=RECENT), RECENT, now)
        if entry.status is Status.FAIL:
            entry = replace(entry, output=entry.output + _last_words(host, name, unit))
        yield Seen("units", entry, f"systemctl status {name}")
        if unit.main_pid and (used := memory.of_unit(memory.CGROUPS, unit)) is not None:
            yield Seen("memory", memory.judge(name, used, *MEMORY), f"systemctl show {name} -p MemoryCurrent,MemoryMax")


def _last_words(host: Host, name: str, unit: Unit) -> str:
    """What a unit that is down wrote last; only who may read the journal knows."""
    if unit.load != "loaded" or not host.is_root:
        return ""
    try:
        lines = systemd.last_words(name, 0.0)
    except Refused:
        return ""
    return f"; its last line: {lines[-1][:LONGEST]}" if lines else ""
