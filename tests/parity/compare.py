"""What makes two outputs equal, and how nearly equal they are.

Integers, strings, booleans and null must be the same and of the same type; numbers agree to 1e-9 relative or
1e-12 absolute. The oracle's types say which is which.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .implementations import VERSION, Json, Output
from .naive import Result

RELATIVE, ABSOLUTE = 1e-9, 1e-12
TAIL = ["implementation", "version"]


@dataclass
class Tally:
    """How many values were compared, and how many of the numbers had the same 64 bits."""

    values: int = 0
    numbers: int = 0
    bit_equal: int = 0
    worst: float = 0.0
    inexact: Counter[str] = field(default_factory=Counter)  # by feature: numbers whose bits differ

    def number(self, expected: float, got: float, where: str) -> None:
        """`where` is `row N.feature` and may go on."""
        self.numbers += 1
        if struct.pack("<d", expected) == struct.pack("<d", got):
            self.bit_equal += 1
        else:
            self.inexact[where.split(".")[1]] += 1
        largest = max(abs(expected), abs(got))
        if abs(expected - got) > ABSOLUTE:
            self.worst = max(self.worst, abs(expected - got) / largest)

    def add(self, other: Tally) -> None:
        self.values += other.values
        self.numbers += other.numbers
        self.bit_equal += other.bit_equal
        self.worst = max(self.worst, other.worst)
        self.inexact += other.inexact

    @property
    def share(self) -> str:
        return f"{100 * self.bit_equal / self.numbers:.4f} %" if self.numbers else "-"


def differences(expected: Any, got: Any, where: str, tally: Tally) -> Iterator[str]:
    """Everything in which `got` is not what `expected` says, one line each."""
    reported = f"{where}: {expected!r} expected, {got!r} found"
    if isinstance(expected, dict):
        if not isinstance(got, dict) or set(got) != set(expected):
            yield reported[:600]
            return
        for key, value in expected.items():
            yield from differences(value, got[key], f"{where}.{key}", tally)
        return
    if isinstance(expected, list):
        if not isinstance(got, list) or len(got) != len(expected):
            yield reported[:600]
            return
        for place, value in enumerate(expected):
            yield from differences(value, got[place], f"{where}[{place}]", tally)
        return
    tally.values += 1
    if not isinstance(expected, float):
        if type(got) is not type(expected) or got != expected:
            yield reported
        return
    if isinstance(got, bool) or not isinstance(got, int | float) or not math.isfinite(got):
        yield reported
        return
    tally.number(expected, float(got), where)
    if not math.isclose(expected, got, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
        yield reported


def against_oracle(oracle: Result, output: Output, implementation: str, tally: Tally) -> list[str]:
    """An implementation's output against the contract's transcription."""
    wrong: list[str] = []
    for name, count in oracle.counters.items():
        wrong += differences(count, output.counters.get(name), f"counter {name}", tally)
    if len(output.rows) != len(oracle.rows):
        ends = [[row.get("ts") for row in rows] for rows in (oracle.rows, output.rows)]
        wrong.append(f"{len(oracle.rows)} rows expected, {len(output.rows)} found; ts: {ends}"[:600])
        return wrong
    for number, (expected, got) in enumerate(zip(oracle.rows, output.rows, strict=True)):
        where = f"row {number}"
        full = {**expected, "implementation": implementation, "version": VERSION}
        if expected["type"] != "app_patterns" and list(got) != list(full):
            wrong.append(f"{where}: the keys are {list(got)}")
        wrong += differences(full, got, where, tally)
    return wrong


def shaped(shape: Any, value: Any) -> Any:
    """The value with float64 wherever the oracle has one, so that 600 and 600.0 are the same number."""
    if isinstance(shape, dict):
        return {key: shaped(shape[key], value[key]) for key in shape}
    if isinstance(shape, list):
        return [shaped(one, other) for one, other in zip(shape, value, strict=True)]
    return float(value) if isinstance(shape, float) else value


def against_each_other(oracle: Result, first: Output, second: Output, tally: Tally) -> list[str]:
    """Two outputs that have the oracle's shape: a loop over their values."""
    wrong: list[str] = []
    for number, shape in enumerate(oracle.rows):
        rows: list[Json] = [shaped(shape, output.rows[number]) for output in (first, second)]
        wrong += differences(rows[0], rows[1], f"row {number}", tally)
    left, right = ({k: v for k, v in output.counters.items() if k not in TAIL} for output in (first, second))
    wrong += differences(left, right, "counters", tally)
    return wrong
