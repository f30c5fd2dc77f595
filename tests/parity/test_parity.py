"""Both implementations and the oracle agree on streams that hold every disturbance there is.

PARITY_STREAMS raises the number of streams (2000 at least), PARITY_SEED repeats a run.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.parity import implementations, reproduce
from tests.parity.batch import Report, check
from tests.parity.disturbances import REQUIRED
from tests.parity.streams import stream

LEAST = 2000
THROUGH_PROGRAM = 20
CHUNK = 40
SHOWN = 3


def seed() -> str:
    return os.environ.get("PARITY_SEED") or secrets.token_hex(4)


def chunks(total: int) -> Iterator[range]:
    for first in range(0, total, CHUNK):
        yield range(first, min(first + CHUNK, total))


def table(report: Report) -> str:
    lines = []
    for group, names in REQUIRED.items():
        lines += [f"  {group}"] + [f"  {report.seen[name]:9}  {name}" for name in names]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def run() -> tuple[str, Report]:
    """All streams, checked once; the tests below ask what came of it."""
    absent = implementations.missing()
    assert not absent, f"run `make build` first; missing: {', '.join(absent)}"
    name, total = seed(), max(LEAST, int(os.environ.get("PARITY_STREAMS", LEAST)))
    step = total // THROUGH_PROGRAM
    report = Report()
    with ProcessPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        parts = [pool.submit(check, name, part, [n for n in part if n % step == 0]) for part in chunks(total)]
        for part in parts:
            report.add(part.result())
    print(f"\nparity: seed {name}, {sum(report.streams.values())} streams ({dict(report.streams)})")
    print(f"rows: {dict(report.rows)}; {report.programs} streams through the Python programs as well")
    for pair, tally in report.tallies.items():
        print(
            f"{pair}: {tally.values} values, {tally.numbers} of them numbers, bit-equal {tally.share},"
            f" largest relative difference {tally.worst:.1e}"
        )
    print(f"disturbances, and how often each occurred:\n{table(report)}")
    return name, report


def test_every_stream_gives_equal_output_in_both_implementations_and_the_oracle(run: tuple[str, Report]) -> None:
    name, report = run
    reported = []
    for number, wrong in report.failures[:SHOWN]:
        path, count = reproduce.save(stream(name, number))
        reported += [f"seed {name} stream {number}: {len(wrong)} differences", *(f"    {line}" for line in wrong[:6])]
        reported += [
            f"  shrunk to {count} lines: python -m tests.parity.reproduce {path.relative_to(implementations.ROOT)}"
        ]
    if report.failures:
        pytest.fail(f"{len(report.failures)} streams differ\n" + "\n".join(reported), pytrace=False)


def test_both_implementations_give_the_same_bits(run: tuple[str, Report]) -> None:
    """The contract's order of arithmetic leaves no freedom but the C library's: that of atan2, in two features."""
    name, report = run
    inexact = set(report.tallies["python and rust"].inexact) - {"move_8", "move_9"}
    assert not inexact, f"seed {name}: {report.tallies['python and rust'].inexact}"


def test_no_fewer_streams_ran_than_promised(run: tuple[str, Report]) -> None:
    _, report = run
    assert sum(report.streams.values()) >= LEAST
    assert min(report.streams[kind] for kind in ("keystroke", "mouse", "app")) >= LEAST // 4
    assert report.programs >= THROUGH_PROGRAM


def test_every_disturbance_occurred(run: tuple[str, Report]) -> None:
    name, report = run
    never = [entry for names in REQUIRED.values() for entry in names if report.seen[entry] == 0]
    assert not never, f"seed {name}: never occurred: {never}"


def test_every_disturbance_that_occurred_is_one_that_must(run: tuple[str, Report]) -> None:
    _, report = run
    known = {entry for names in REQUIRED.values() for entry in names}
    assert sorted(set(report.seen) - known) == []
