"""Both implementations say of every message what the oracle says, and stay as small as they were.

FUZZ_MESSAGES raises the number of messages (50 000 at least), FUZZ_SEED repeats a run.
"""

from __future__ import annotations

import os

import pytest

from . import run
from .agree import Report
from .messages import WAYS
from .run import Result
from .verdict import CLASSES

LEAST = 50_000
GROWTH_KIB = 4096  # tables that fill up; what leaks shows in the long run, python -m tests.fuzz.soak


@pytest.fixture(scope="module")
def done(seed: str) -> Result:
    """One run; the tests below ask what came of it."""
    total = max(LEAST, int(os.environ.get("FUZZ_MESSAGES", LEAST)))
    result = run.run(seed, total, lambda reported: None)
    report = result.report
    print(f"\nfuzz: seed {seed}, {report.messages} messages, {dict(report.classes)}, {report.values} values compared")
    for memory in result.memory:
        print(f"  {memory.implementation} {memory.program}: {memory.start} KiB, at the end {memory.end} KiB")
    return result


def test_both_implementations_say_of_every_message_what_the_oracle_says(done: Result) -> None:
    reported = "\n".join(map(str, done.report.differences[:3]))
    assert not done.report.differences, f"seed {done.seed}: {len(done.report.differences)} differences\n{reported}"


def test_a_program_that_does_not_end_counts_each_message_where_it_belongs(done: Result) -> None:
    assert not done.wrong


def test_memory_does_not_grow(done: Result) -> None:
    grown = [memory for memory in done.memory if memory.end - memory.start > GROWTH_KIB]
    assert len(done.memory) == 6 and not grown


def test_every_class_came_and_every_program_got_all(done: Result) -> None:
    report: Report = done.report
    assert report.messages >= LEAST and sum(report.classes.values()) == report.messages
    assert all(report.classes[name] >= report.messages // 50 for name in CLASSES)
    assert len(report.through) == 6 and set(report.through.values()) == {report.messages}
    assert all(report.rows[kind] >= 100 for kind in ("keystroke", "mouse", "app"))


def test_each_way_makes_messages_that_are_not_all_alike(seed: str) -> None:
    """Of the ways that change something, none gives the same message twice in a row."""
    import random

    from .messages import broken, event, mutated

    rng = random.Random(seed)
    assert sum(WAYS.values()) == 100
    made = event(rng, 1_700_000_000_000_000)
    for way in (broken, mutated):
        assert len({way(rng, made) for _ in range(200)}) > 50
