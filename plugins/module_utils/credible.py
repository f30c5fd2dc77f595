"""Which differences between two programs on the same live events may be held against one of them. Pure.

Once no event has come for the idle timeout, each side closes windows by its own clock. So of events that come after a
stall, one may miss a window on one side and reach it on the other. Where that can have been, `late`, `behind` or
`sessions` of one side grew: then only what differs throughout is a difference, for a stall touches some windows and a
program that computes otherwise all of them. Where events were lost on one side, nothing can be concluded.
"""

from __future__ import annotations

from collections.abc import Mapping

from .comparison import Comparison

EQUAL, DIFFERENT, UNSURE, NOTHING, CHANGED = "equal", "different", "unsure", "nothing", "changed"
"""What is concluded: of UNSURE and CHANGED there are differences for which no program is to blame."""

STALLS = ("late", "behind", "sessions")
LOSSES = ("dropped", "gaps", "streams_reset", "entries_trimmed", "outputs_dropped", "output_errors")
"""Counters whose growth on one side may make the other side's outputs others."""
COUNTED = (*STALLS, *LOSSES)
THROUGHOUT = 3
"""So many outputs at least, and none of them equal, differ throughout."""


def conclude(found: Comparison, grown: Mapping[str, int], declared: bool = False) -> str:
    """What is concluded of a comparison. `grown`: by how much counters of COUNTED grew, on both sides together.
    `declared`: the new side is known to compute other values.
    """
    if found.agrees:
        return EQUAL if found.compared else NOTHING
    if declared or found.schemas:
        return CHANGED
    if any(grown.get(name) for name in LOSSES):
        return UNSURE
    throughout = found.equal == 0 and found.different >= THROUGHOUT
    if any(grown.get(name) for name in STALLS) and not throughout:
        return UNSURE
    return DIFFERENT


def why_unsure(grown: Mapping[str, int]) -> str:
    """The counters that grew, in words."""
    return ", ".join(f"{name} grew by {grown[name]}" for name in COUNTED if grown.get(name))
