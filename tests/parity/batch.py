"""Checks streams: the two implementations and the oracle on the same input, with what was seen on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import compare, implementations, naive
from .compare import Tally
from .implementations import BadOutput
from .settings import Settings
from .streams import Stream, stream

PAIRS = ("python and oracle", "rust and oracle", "python and rust")


@dataclass
class Report:
    """What came of some streams."""

    streams: Counter[str] = field(default_factory=Counter)  # by kind
    rows: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    tallies: dict[str, Tally] = field(default_factory=lambda: {pair: Tally() for pair in PAIRS})
    programs: int = 0  # streams that went through the Python program as well
    failures: list[tuple[int, list[str]]] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.streams += other.streams
        self.rows += other.rows
        self.seen += other.seen
        self.programs += other.programs
        self.failures += other.failures
        for pair, tally in other.tallies.items():
            self.tallies[pair].add(tally)


def wrong_in(settings: Settings, raw: bytes, report: Report | None = None, through_program: bool = False) -> list[str]:
    """All differences between the three on one input, each named by the side it is about."""
    report = report or Report()
    oracle = naive.run(settings, raw, report.seen)
    report.rows[settings.kind] += len(oracle.rows)
    wrong: list[str] = []
    outputs = {}
    for name, run in (("python", implementations.python_in_process), ("rust", implementations.rust_program)):
        try:
            outputs[name] = run(settings, raw)
        except BadOutput as error:
            wrong.append(f"{name}: {error}")
            continue
        tally = report.tallies[f"{name} and oracle"]
        wrong += [f"{name}: {line}" for line in compare.against_oracle(oracle, outputs[name], name, tally)]
    if through_program:
        report.programs += 1
        try:
            output = implementations.python_program(settings, raw)
            wrong += [f"python program: {line}" for line in compare.against_oracle(oracle, output, "python", Tally())]
        except BadOutput as error:
            wrong.append(f"python program: {error}")
    if not wrong:
        tally = report.tallies["python and rust"]
        lines = compare.against_each_other(oracle, outputs["python"], outputs["rust"], tally)
        wrong += [f"python and rust: {line}" for line in lines]
    return wrong


def mislabelled(made: Stream, seen: naive.Result) -> list[str]:
    """The generator says of each message what it is; the oracle must see the same."""
    wrong = []
    for name, meant in (("malformed", "malformed"), ("events", "valid")):
        least = made.meant[meant]
        if not least <= seen.counters[name] <= least + made.meant["anything"]:
            wrong.append(f"oracle: {seen.counters[name]} {name}, {least} were made")
    return wrong


def check(seed: str, numbers: Iterable[int], through_program: Iterable[int] = ()) -> Report:
    """Streams of one run by number; a failing one is reported, the others go on."""
    sampled = set(through_program)
    report = Report()
    for number in numbers:
        made = stream(seed, number)
        report.streams[made.settings.kind] += 1
        report.seen += made.injected
        wrong = mislabelled(made, naive.run(made.settings, made.raw))
        wrong += wrong_in(made.settings, made.raw, report, number in sampled)
        if wrong:
            report.failures.append((number, wrong))
    return report
