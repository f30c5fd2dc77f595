"""What is over is over: what was counted is past a minute later, shown as such, and no reason for a warning."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from agent_world import STATS

from seclyzer_agent.checks.extractor import Bounds, judge_growth
from seclyzer_agent.checks.redis import REFUSALS, judge_refusals
from seclyzer_agent.history import Growth, grow
from seclyzer_agent.model import Status
from seclyzer_agent.stats import ERRORS, LOSSES, parse

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL
BOUNDS = Bounds(lag_warn=30, lag_fail=90, stall=45, recent=300, spool=2**26)


def readings(counters: Mapping[str, str], counter: str, times: Mapping[int, int]) -> list[Growth]:
    """A counter that was 0 at first and stands at so much at each of these times."""
    growth, found = grow(None, "a", dict.fromkeys(counters, 0), 0.0, recent=300), []
    for now, count in times.items():
        growth = grow(growth, "a", dict.fromkeys(counters, 0) | {counter: count}, now, recent=300)
        found.append(growth)
    return found


@pytest.mark.parametrize(
    ("name", "counters", "counter", "words", "bad"),
    [
        ("losses", LOSSES, "gaps", "times that the stream was trimmed before it was read", FAIL),
        ("errors", ERRORS, "malformed", "messages that break the contract and were skipped", WARN),
        ("errors", ERRORS, "late", "events that fit closed windows only", WARN),
    ],
)
def test_what_was_lost_or_skipped_is_past_after_a_minute(
    name: str, counters: Mapping[str, str], counter: str, words: str, bad: Status
) -> None:
    stats = parse(STATS)
    assert stats is not None
    found = [
        (entry.status, entry.output)
        for growth in readings(counters, counter, {5: 3, 64: 3, 66: 3, 304: 3, 306: 3, 310: 4})
        for entry in (judge_growth("mouse", name, counters, stats, growth, bad, BOUNDS),)
    ]
    assert found == [
        (bad, f"mouse: 3 {words} in the last 300 s"),
        (bad, f"mouse: 3 {words} in the last 300 s"),
        (PASS, f"mouse: past: 3 {words} in the last 300 s"),
        (PASS, f"mouse: past: 3 {words} in the last 300 s"),
        (PASS, f"mouse: no {name} in the last 300 s"),
        (bad, f"mouse: 1 {words} in the last 300 s"),
    ]


def test_what_is_past_is_not_named_beside_what_is_present() -> None:
    stats = parse(STATS)
    assert stats is not None
    zero = dict.fromkeys(ERRORS, 0)
    growth = grow(grow(None, "a", zero, 0.0, recent=300), "a", zero | {"late": 2}, 5.0, recent=300)
    growth = grow(growth, "a", zero | {"late": 2, "malformed": 1}, 100.0, recent=300)
    entry = judge_growth("mouse", "errors", ERRORS, stats, growth, WARN, BOUNDS)
    assert entry.output == "mouse: 1 messages that break the contract and were skipped in the last 300 s"


def test_refusals_of_redis_are_past_after_a_minute() -> None:
    found = [
        (entry.status, entry.output)
        for growth in readings(REFUSALS, "WRONGPASS", {5: 30, 64: 30, 66: 30, 306: 30})
        for entry in (judge_refusals(growth, 300),)
    ]
    words = "Redis refused 30 logins with a wrong user or password in the last 300 s"
    nothing = "Redis refused no one in the last 300 s"
    assert found == [(WARN, words), (WARN, words), (PASS, f"past: {words}"), (PASS, nothing)]


def test_a_refusal_every_ninety_seconds_is_seen_between_two_as_well() -> None:
    times = {5: 1, 95: 2, 185: 3, 274: 3, 275: 4, 364: 4, 366: 4, 456: 4}
    found = [judge_refusals(growth, 300).status for growth in readings(REFUSALS, "NOPERM", times)]
    assert found == [WARN, WARN, WARN, WARN, WARN, WARN, WARN, PASS]
