"""A comparison as people read it and as programs do; what a host found is made a report of on the controller. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .comparison import Comparison, Cost, Difference, table

NOTHING = "nothing was compared: events have to flow, for longer than a window and 5 s after the start"
Costs = Mapping[str, tuple[Cost | None, Cost | None]]


def agree(found: Sequence[Comparison]) -> bool:
    """Whether something was compared, and all of that is equal."""
    return any(one.compared for one in found) and all(one.agrees for one in found)


def text(names: Sequence[str], found: Sequence[Comparison], costs: Costs, seconds: float, more: Sequence[str]) -> str:
    """The table, what does not agree, and what `more` there is to know, a line each."""
    left, right = names
    lines = [f"left: {left}, right: {right}, {seconds:.0f} s", table(found, costs)]
    for one in found:
        if not one.agrees:
            lines.append(f"{one.kind}: {one.words(left, right)}")
            lines += [f"  {diff.ts} {diff.feature}: {diff.left!r} {diff.right!r}" for diff in one.first]
    lines += more
    if not any(one.compared for one in found):
        lines.append(NOTHING)
    return "\n".join(lines) + "\n"


def document(names: Sequence[str], found: Sequence[Comparison], costs: Costs, seconds: float) -> dict[str, Any]:
    """For JSON."""
    kinds = [one.as_dict() | {"costs": [vars(cost) if cost else None for cost in costs[one.kind]]} for one in found]
    return {"sides": list(names), "seconds": seconds, "agree": agree(found), "kinds": kinds}


def parsed(content: Mapping[str, Any]) -> tuple[list[Comparison], Costs]:
    """What `document` was made from; of a host, so it may be anything. Raises ValueError, TypeError, KeyError."""
    found = [_comparison(one) for one in content["kinds"]]
    costs = {str(one["kind"]): (_cost(one["costs"][0]), _cost(one["costs"][1])) for one in content["kinds"]}
    return found, costs


COUNTS = ("compared", "equal", "different", "missing_left", "missing_right", "partial", "unreadable")


def _comparison(one: Mapping[str, Any]) -> Comparison:
    counts = {name: int(one[name]) for name in COUNTS}
    schemas = (one["schemas"][0], one["schemas"][1]) if one["schemas"] else None
    features = {str(name): int(often) for name, often in one["features"].items()}
    first = [Difference(int(d["ts"]), str(d["feature"]), d["left"], d["right"]) for d in one["first"]]
    return Comparison(str(one["kind"]), **counts, schemas=schemas, features=features, first=first)


def _cost(one: Mapping[str, Any] | None) -> Cost | None:
    return Cost(float(one["cpu_s"]), float(one["seconds"]), float(one["memory_mib"])) if one else None
