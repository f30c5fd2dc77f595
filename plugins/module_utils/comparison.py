"""Two programs that read the same events, window by window: do they compute the same? Pure, standard library only.

A side is what one program published or would have: the JSON lines of section 4, number 1, of docs/contract.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Output = dict[str, Any]
Key = tuple[int, str, str]
"""When (µs since the Unix epoch), and for applications from which to which."""

AHEAD_US = 5_000_000
"""So much ahead of the host's clock an event's time may be: it may have come before its window began."""
SIGNED = ("timestamp", "implementation", "version", "schema")
"""What an output says of itself, or twice."""
INEXACT = ("move_8", "move_9", "gap_log_std", "gap_log_autocorrelation")
"""Features by a function of the C library, which two libraries need not round alike."""
RELATIVE, ABSOLUTE = 1e-9, 1e-12
SHOWN = 10
"""So many differences are kept in words."""


@dataclass(frozen=True)
class Difference:
    """One value of one output that the sides do not agree about."""

    ts: int
    feature: str
    left: Any
    right: Any


@dataclass
class Comparison:
    """What became of the outputs of one kind. Those that one side did not see whole are in `partial` only."""

    kind: str
    compared: int = 0
    equal: int = 0
    different: int = 0
    missing_left: int = 0  # the right side has them
    missing_right: int = 0  # the left side has them
    partial: int = 0
    unreadable: int = 0
    schemas: tuple[Any, Any] | None = None  # when they are not the same
    features: dict[str, int] = field(default_factory=dict)  # how many outputs differ in it
    first: list[Difference] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Nothing that was compared differs, and none is missing."""
        return not (self.different or self.missing_left or self.missing_right or self.unreadable)

    def words(self, left: str, right: str) -> str:
        """What does not agree, in one line; empty when all does. `left` and `right` name the sides."""
        parts = []
        if self.different:
            names = sorted(self.features, key=lambda name: (-self.features[name], name))
            named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            parts.append(f"{self.different} of {self.compared} outputs differ, in {named}")
        if self.missing_left:
            parts.append(f"{self.missing_left} outputs are missing of {left}")
        if self.missing_right:
            parts.append(f"{self.missing_right} outputs are missing of {right}")
        if self.unreadable:
            parts.append(f"{self.unreadable} lines are no outputs")
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "compared": self.compared,
            "equal": self.equal,
            "different": self.different,
            "missing_left": self.missing_left,
            "missing_right": self.missing_right,
            "partial": self.partial,
            "unreadable": self.unreadable,
            "schemas": list(self.schemas) if self.schemas else None,
            "features": self.features,
            "first": [vars(one) for one in self.first],
        }


def compare(
    kind: str, left: Iterable[str], right: Iterable[str], whole_from: int, until: int, window_us: int
) -> Comparison:
    """Compares two sides' lines by value, output by output.

    `whole_from`: since when both sides hear events (µs); an output counts if it is made of later events only. `until`:
    outputs that end later may not be out yet. `window_us`: how long windows are.
    """
    found = Comparison(kind)
    lefts, rights = _outputs(left, found), _outputs(right, found)
    begin = whole_from + AHEAD_US
    for key in sorted(lefts.keys() | rights.keys()):
        sides = [side[key] for side in (lefts, rights) if key in side]
        if key[0] > until or any(key[0] - _length(output, window_us) < begin for output in sides):
            found.partial += 1
            continue
        found.compared += 1
        if key not in rights:
            found.missing_right += 1
        elif key not in lefts:
            found.missing_left += 1
        else:
            _judge(found, key[0], lefts[key], rights[key])
    return found


def _outputs(lines: Iterable[str], found: Comparison) -> dict[Key, Output]:
    """By key; of a window that came twice the last one counts."""
    outputs: dict[Key, Output] = {}
    for line in lines:
        try:
            output = json.loads(line)
            key = output["ts"], str(output.get("from_app", "")), str(output.get("to_app", ""))
            if type(key[0]) is not int:
                raise TypeError(key[0])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            found.unreadable += 1
            continue
        outputs[key] = output
    return outputs


def _length(output: Output, window_us: int) -> int:
    """How far back the events of an output reach, in µs."""
    duration = output.get("duration_ms")
    # It is rounded down.
    return (duration + 1) * 1000 if isinstance(duration, int) else window_us


def _judge(found: Comparison, ts: int, left: Output, right: Output) -> None:
    schemas = left.get("schema"), right.get("schema")
    names = [name for name in {**left, **right} if name not in SIGNED]
    if schemas[0] != schemas[1]:  # another schema may have other features: those of both are compared
        found.schemas = schemas
        names = [name for name in names if name in left and name in right]
    wrong = [name for name in names if not same(name, left.get(name), right.get(name))]
    if not wrong:
        found.equal += 1
        return
    found.different += 1
    for name in wrong:
        found.features[name] = found.features.get(name, 0) + 1
        if len(found.first) < SHOWN:
            found.first.append(Difference(ts, name, left.get(name), right.get(name)))


def same(name: str, left: Any, right: Any) -> bool:
    """Equal and of the same type (1 is not 1.0, and not true); nearly, where the C library may differ."""
    if type(left) is not type(right):
        return False
    if name in INEXACT and isinstance(left, float):
        return math.isclose(left, right, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(left == right)


@dataclass(frozen=True)
class Cost:
    """What a side's process took meanwhile."""

    cpu_s: float
    seconds: float
    memory_mib: float

    @property
    def cpu_percent(self) -> float:
        return 100 * self.cpu_s / self.seconds if self.seconds > 0 else 0.0


def table(found: Iterable[Comparison], costs: Mapping[str, tuple[Cost | None, Cost | None]]) -> str:
    """A line for each kind, for people. `costs` by kind, of the left and the right side."""
    rows: list[tuple[str, ...]] = [
        ("kind", "compared", "equal", "different", "missing left", "missing right", "CPU % l/r", "MiB l/r")
    ]
    for one in found:
        left, right = costs.get(one.kind, (None, None))
        cpu = "/".join(f"{cost.cpu_percent:.2f}" if cost else "-" for cost in (left, right))
        memory = "/".join(f"{cost.memory_mib:.1f}" if cost else "-" for cost in (left, right))
        numbers = (one.compared, one.equal, one.different, one.missing_left, one.missing_right)
        rows.append((one.kind, *map(str, numbers), cpu, memory))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
