"""Memory on its way to its limit is seen hours before; saw teeth, a start and a plateau are no alarm."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from seclyzer_agent.checks.memory import UnitMemory
from seclyzer_agent.model import Entry, Status
from seclyzer_agent.trend import AHEAD, PIECE, PIECES, Floors, follow, reaches
from seclyzer_agent.unit import Unit

MIB = 2**20
LIMIT = 64 * MIB
HOURS = 3600.0
STEP = 10.0
Use = Callable[[float], float]


def seen(use: Use, hours: float, limit: int = LIMIT) -> list[float | None]:
    """What is foretold at each reading of so many hours; `use` gives MiB at a time in s."""
    floors, found = None, []
    for n in range(int(hours * HOURS / STEP)):
        floors = follow(floors, 7, int(use(n * STEP) * MIB), n * STEP)
        found.append(reaches(floors, limit))
    return found


def test_a_leak_is_seen_after_two_hours_with_the_time_that_is_left() -> None:
    found = seen(lambda at: 36 + 2 * at / HOURS, 3)
    first = next(n for n, left in enumerate(found) if left is not None)
    assert PIECES * PIECE <= first * STEP <= (PIECES + 1) * PIECE
    left = found[first]
    assert left is not None and left == pytest.approx((64 - 36 - 2 * first * STEP / HOURS) / 2 * HOURS, rel=0.02)


def test_a_leak_below_saw_teeth_is_seen() -> None:
    assert seen(lambda at: 36 + 2 * at / HOURS + 6 * (at % 240) / 240, 3)[-1] is not None


@pytest.mark.parametrize("period", [30, 240, 900, 1700, 3600, 5400, 6500])
def test_saw_teeth_are_no_alarm(period: float) -> None:
    """Whatever they take, and however high they are."""
    rng = random.Random(period)
    assert set(seen(lambda at: 34 + 28 * (at % period) / period + rng.uniform(0, 0.3), 12)) == {None}


@pytest.mark.parametrize(
    "use",
    [
        lambda at: 40.0,
        lambda at: 60 - 20 * math.exp(-at / 2400),  # a start
        lambda at: 40 + min(at, 3600) / 200,  # grows for an hour, then stands
        lambda at: 50 - at / HOURS,
        lambda at: 2 + at / HOURS,  # far below its limit
        lambda at: 40 + 0.1 * at / HOURS,  # days from it
    ],
)
def test_what_does_not_go_to_its_limit_is_no_alarm(use: Use) -> None:
    assert set(seen(use, 6)) == {None}


def test_a_restart_begins_anew_and_so_do_readings_that_stopped() -> None:
    floors = Floors(7, 1000.0, 5, tuple(range(PIECES)))
    assert follow(floors, 8, 9, 1001.0) == Floors(8, 1001.0, 9)
    assert follow(floors, 7, 9, 1000.0 + 2 * PIECE + 1) == Floors(7, 1000.0 + 2 * PIECE + 1, 9)
    assert follow(floors, 7, 4, 1001.0).least == 4
    assert len(follow(floors, 7, 4, 1000.0 + PIECE).whole) == PIECES
    assert AHEAD == 24 * HOURS


def unit(name: str, memory: int) -> Unit:
    return Unit(name, "loaded", "active", "running", "success", 0, 7, 1.0, memory, LIMIT, "", "", 0.0)


def test_the_check_warns_in_words_and_the_unit_that_is_well_has_no_entry(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = [0.0]
    units: dict[str, Unit] = {}
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    check = UnitMemory(lambda _: units, 80, 95, root=tmp_path)

    def read() -> list[Entry]:
        grows, stands = int((36 + 2 * clock[0] / HOURS) * MIB), 40 * MIB
        units.update({"a.service": unit("a.service", grows), "b.service": unit("b.service", stands)})
        return [e for e in asyncio.run(check.read()).entries if e.measurement == "trend"]

    found: list[Entry] = []
    for n in range(int(2.2 * HOURS / 60)):
        clock[0] = n * 60.0
        found = read()
    (entry,) = found
    assert (entry.component, entry.status) == ("a.service", Status.WARN)
    words = "a.service uses more and more memory; going on so it is at its limit of 64.0 MiB in 12 h"
    assert entry.output == words
    assert entry.plain == "a.service uses more and more memory and goes to its limit"
    units["a.service"] = replace(units["a.service"], main_pid=8)
    clock[0] += 60
    assert [e for e in asyncio.run(check.read()).entries if e.measurement == "trend"] == []
