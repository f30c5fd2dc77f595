"""A run: batches of messages through all programs, and all of them once more through programs that do not end."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from . import agree, steady
from .messages import as_line, batch

SIZE = 10_000
AT_ONCE = 3  # batches that go through a program together: a program's start is dear

Say = Callable[[str], None]


@dataclass
class Memory:
    """What one program took, in KiB: after the first batch, half way, at the end, and at most; what it counted."""

    program: str
    implementation: str
    start: int
    half: int
    end: int
    peak: int
    counters: dict[str, Any]


@dataclass
class Result:
    """Of one run."""

    seed: str
    report: agree.Report = field(default_factory=agree.Report)
    memory: list[Memory] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what the programs that did not end got wrong


def numbers(messages: int) -> Iterator[int]:
    yield from range(-(-messages // SIZE))


def _checked(seed: str, some: list[int]) -> agree.Report:
    return agree.check([message for number in some for message in batch(seed, number, SIZE)])


def agreement(seed: str, messages: int, say: Say) -> agree.Report:
    """At least so many messages, in batches, on all cores."""
    report = agree.Report()
    with ProcessPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        all_of_them = list(numbers(messages))
        groups = [all_of_them[first : first + AT_ONCE] for first in range(0, len(all_of_them), AT_ONCE)]
        parts = [pool.submit(_checked, seed, group) for group in groups]
        for part in parts:
            report.add(part.result())
            say(f"{report.messages} messages in batches, {len(report.differences)} differences")
    return report


def endurance(seed: str, messages: int, classes: Counter[str], say: Say) -> tuple[list[Memory], list[str]]:
    """The same messages through programs that do not end. `classes` says what they are to count."""
    programs = steady.all_six()
    memory: list[Memory] = []
    wrong: list[str] = []
    try:
        for number in numbers(messages):
            steady.feed(programs, agree.joined([as_line(message) for message in batch(seed, number, SIZE)]))
            say(f"{(number + 1) * SIZE} messages through programs that do not end")
        for program in programs:
            counters = program.finish()
            name = steady.PROGRAMS[program.kind]
            rss = program.rss
            memory.append(
                Memory(name, program.implementation, rss[0], rss[len(rss) // 2], rss[-1], program.peak, counters)
            )
            for counter, count in (("events", classes[program.kind]), ("malformed", classes["malformed"])):
                if counters[counter] != count:
                    wrong.append(f"{program}: {counters[counter]} {counter}, {count} were sent")
    except AssertionError as ended:
        wrong.append(str(ended))
    finally:
        for program in programs:
            program.close()
    return memory, wrong


def run(seed: str, messages: int, say: Say) -> Result:
    """Both."""
    result = Result(seed, agreement(seed, messages, say))
    result.memory, result.wrong = endurance(seed, messages, result.report.classes, say)
    return result
