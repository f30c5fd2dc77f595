"""One batch of messages through all programs, class by class, so that no two errors can make up for each other.

Of the messages that the oracle calls malformed, each of the six programs must count every one malformed; of the
ignored ones none at all; of the valid ones of a kind that kind's program must count every one, the others nothing.
The valid ones go in by their times, so that none is late, and what comes out must be the oracle's output.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.parity import compare, implementations, naive
from tests.parity.compare import Tally
from tests.parity.implementations import BadOutput, Output
from tests.parity.settings import Settings
from tests.parity.shrink import shrink

from .messages import as_line
from .verdict import CLASSES, KINDS, Verdict, verdict

Run = Callable[[Settings, bytes], Output]
RUNS: dict[str, Run] = {"python": implementations.python_program, "rust": implementations.rust_program}
SETTINGS = {kind: Settings(kind, window_ms=1000, interval_ms=1000, min_events=1) for kind in KINDS}
SHOWN = 600


@dataclass(frozen=True)
class Difference:
    """A message (or the fewest lines) on which a program does not say what the oracle says."""

    program: str
    implementation: str
    oracle: str
    found: str
    lines: list[bytes]

    def as_dict(self) -> dict[str, Any]:
        shown = [ascii(line)[:SHOWN] for line in self.lines[:20]]
        return {**self.__dict__, "lines": shown, "hex": [line.hex() for line in self.lines[:20]]}

    def __str__(self) -> str:
        return json.dumps(self.as_dict(), indent=1)


@dataclass
class Report:
    """What came of some batches."""

    messages: int = 0
    longest: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    through: Counter[str] = field(default_factory=Counter)  # messages by implementation and program
    values: int = 0
    differences: list[Difference] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.messages += other.messages
        self.longest = max(self.longest, other.longest)
        self.classes += other.classes
        self.rows += other.rows
        self.through += other.through
        self.values += other.values
        self.differences += other.differences


def judged(messages: list[bytes]) -> dict[str, list[tuple[bytes, Verdict]]]:
    """The lines by class, the valid ones by their times."""
    groups: dict[str, list[tuple[bytes, Verdict]]] = {name: [] for name in CLASSES}
    for message in messages:
        line = as_line(message)
        reported = verdict(line + b"\n")
        groups[reported.name].append((line, reported))
    for kind in KINDS:
        groups[kind].sort(key=lambda judged: judged[1].event.ts if judged[1].event else 0)
    return groups


def joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def check(messages: list[bytes], runs: dict[str, Run] | None = None) -> Report:
    """All differences between the programs and the oracle on these messages."""
    runs = RUNS if runs is None else runs
    report = Report(len(messages), max(map(len, messages), default=0))
    for name, group in judged(messages).items():
        report.classes[name] += len(group)
        lines = [line for line, _ in group]
        for kind in KINDS if lines else ():
            for implementation, run in runs.items():
                report.through[f"{implementation} {SETTINGS[kind].program}"] += len(lines)
                report.differences += miscounted(run, implementation, kind, name, lines)
        if name in KINDS and lines:
            contents(runs, name, lines, report)
    return report


def expected(kind: str, name: str, count: int) -> tuple[int, int, int]:
    """Events, malformed and future of so many messages of one class."""
    return (count if name == kind else 0), (count if name == "malformed" else 0), 0


def counted(run: Run, kind: str, lines: list[bytes]) -> tuple[int, int, int] | str:
    """Events, malformed and future as a program counts them, or how it failed."""
    try:
        counters = run(SETTINGS[kind], joined(lines)).counters
    except BadOutput as error:
        return str(error)
    return counters["events"], counters["malformed"], counters["future"]


def miscounted(run: Run, implementation: str, kind: str, name: str, lines: list[bytes]) -> list[Difference]:
    """The one message to blame, found by halving, when a program counts lines of one class as anything else."""

    def fault(part: list[bytes]) -> str:
        found = counted(run, kind, part)
        return "" if found == expected(kind, name, len(part)) else str(found)

    found = fault(lines)
    if not found:
        return []
    while len(lines) > 1:
        half = lines[: len(lines) // 2], lines[len(lines) // 2 :]
        at_fault = next(((part, reported) for part in half if (reported := fault(part))), None)
        if at_fault is None:
            break  # only together
        lines, found = at_fault
    return [Difference(SETTINGS[kind].program, implementation, name, found, lines)]


def contents(runs: dict[str, Run], kind: str, lines: list[bytes], report: Report) -> None:
    """What comes out of the valid messages of one kind, against the oracle's."""
    tally = Tally()
    for implementation, run in runs.items():

        def wrong(part: list[bytes], implementation: str = implementation, run: Run = run) -> list[str]:
            oracle = naive.run(SETTINGS[kind], joined(part))
            try:
                output = run(SETTINGS[kind], joined(part))
            except BadOutput as error:
                return [str(error)]
            report.rows[kind] += len(oracle.rows)
            return compare.against_oracle(oracle, output, implementation, tally)

        if reported := wrong(lines):
            fewest = shrink(lines, lambda part, wrong=wrong: bool(wrong(part)))  # type: ignore[misc]
            reported = wrong(fewest) or reported
            report.differences.append(Difference(SETTINGS[kind].program, implementation, "rows", reported[0], fewest))
    report.values += tally.values
