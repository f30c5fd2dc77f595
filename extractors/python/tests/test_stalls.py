"""A producer that lags: it stalls, and then sends what it held. By the pure core, with a clock of the test's own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import SECOND

from seclyzer_extractors.core import Row
from seclyzer_extractors.counters import Counters
from seclyzer_extractors.event import Key
from seclyzer_extractors.window import Timing
from seclyzer_extractors.windowing import WindowOperator

START = 1_700_000_000 * SECOND
MS = 1000
TIMING = Timing(5 * SECOND, 30 * SECOND, 250 * MS, 2 * SECOND)
SMALL = Timing(1 * SECOND, 3 * SECOND, 250 * MS, 2 * SECOND)
TOUCHING = Timing(5 * SECOND, 5 * SECOND, 250 * MS, 2 * SECOND)
HOUR = 3600 * SECOND


class Seen(WindowOperator[Key]):
    """Windows whose value is the `ts` of all their events."""

    def __init__(self, timing: Timing) -> None:
        super().__init__(
            (Key,), 20, lambda events, *_: (repr([event.ts for event in events]),), timing, 1, 100_000, False
        )


def key(ts: int) -> Key:
    return Key(ts, False, "a", True)


@dataclass
class Stalled:
    """Events of every `step` µs, each sent when it happens, but for stalls of (first event held, µs)."""

    step: int
    count: int
    stalls: Sequence[tuple[int, int]] = ()
    sent: list[tuple[int, int]] = field(default_factory=list)  # ts, and when it is sent

    def __post_init__(self) -> None:
        for place in range(self.count):
            at = place * self.step
            for first, long in self.stalls:
                begun = first * self.step
                if begun <= at < begun + long:
                    at = begun + long
            self.sent.append((START + 1 + place * self.step, START + 1 + at))


def run(timing: Timing, sent: Iterable[tuple[int, int]]) -> tuple[list[Row], Counters]:
    """Live, by a clock that shows Unix time; what is due is done before each event."""
    core = Seen(timing)
    rows: list[Row] = []
    for ts, at in sent:
        while (due := core.next_due()) is not None and due < at:
            rows += core.advance(due)
        rows += core.advance(at - 1) + core.event(key(ts), at)
    return rows + core.finish(), core.counters


def replayed(timing: Timing, times: Iterable[int]) -> list[Row]:
    core = Seen(timing)
    return [row for ts in times for row in core.event(key(ts))] + core.finish()


def first_too_late(end: int, timing: Timing, sent: Sequence[tuple[int, int]]) -> int:
    """The place of the first event that finds the window of this end closed, by the contract's words."""
    largest, seen_at = sent[0]
    for place, (ts, at) in enumerate(sent):
        if largest + max(0, at - 1 - seen_at - timing.idle_timeout) > end + timing.lateness:
            return place
        if ts > largest:
            largest, seen_at = ts, at
    return len(sent)


timings = st.sampled_from([TIMING, SMALL, TOUCHING])
steps = st.sampled_from([50 * MS, 130 * MS, 700 * MS])
# Stalls that run into one another are one long one: past the window and 120 s it may begin a session.
several_stalls = st.lists(st.tuples(st.integers(1, 250), st.integers(0, 110 * SECOND)), max_size=3).filter(
    lambda stalls: sum(long for _, long in stalls) < 110 * SECOND
)


@settings(deadline=None)
@given(timings, steps, st.integers(1, 250), st.integers(0, 2 * SECOND))
def test_up_to_the_idle_timeout_every_window_is_that_of_the_replay(
    timing: Timing, step: int, first: int, silent: int
) -> None:
    """`silent` is from the last event that it sends to the first one that it had held."""
    made = Stalled(step, 300, [(first, max(0, silent - step))])
    rows, counters = run(timing, made.sent)
    assert rows == replayed(timing, [ts for ts, _ in made.sent])
    assert (counters.late, counters.behind, counters.sessions) == (0, 0, 0)


@settings(deadline=None)
@given(timings, steps, several_stalls)
def test_what_a_stall_changes_is_explained_event_by_event_and_no_session_begins(
    timing: Timing, step: int, stalls: list[tuple[int, int]]
) -> None:
    made = Stalled(step, 300, stalls)
    rows, counters = run(timing, made.sent)
    times = [ts for ts, _ in made.sent]
    ends = sorted(
        {end for ts in times for end in range(timing.first_end(ts), timing.last_end(ts) + 1, timing.interval)}
    )
    missed, used = set(), set()
    expected = []
    for end in ends:
        until = first_too_late(end, timing, made.sent)
        whole = {ts for ts in times if end - timing.window < ts <= end}
        in_time = sorted(whole.intersection(times[:until]))
        used |= whole.intersection(in_time)
        missed |= whole.difference(in_time)
        if in_time and in_time[-1] > end - timing.interval:
            expected.append(Row(end, (repr(in_time),)))
    assert rows == expected
    assert (counters.late, counters.behind) == (len(missed - used), len(missed & used))
    assert counters.sessions == 0


@settings(deadline=None)
@given(timings, st.integers(100, 200), st.integers(2 * SECOND, 100 * SECOND))
def test_a_window_whose_end_did_not_pass_in_the_stall_is_that_of_the_replay(
    timing: Timing, first: int, long: int
) -> None:
    made = Stalled(100 * MS, 1500, [(first, long)])
    rows, _ = run(timing, made.sent)
    begun, ended = START + 1 + first * 100 * MS, START + 1 + first * 100 * MS + long
    passed = range(timing.first_end(begun), ended, timing.interval)
    assert [row for row in rows if row.ts not in passed] == [
        row for row in replayed(timing, [ts for ts, _ in made.sent]) if row.ts not in passed
    ]


@pytest.mark.parametrize("timing", [TIMING, SMALL, TOUCHING])
@pytest.mark.parametrize("share", [0.5, 0.93, 1.0])
def test_a_stall_up_to_the_window_begins_no_session_though_hundreds_of_events_come_late(
    timing: Timing, share: float
) -> None:
    """At 1000 events/s: between the last event that an open window holds and the window's length they are late."""
    made = Stalled(MS, 45_000, [(4_000, round(timing.window * share))])
    _, counters = run(timing, made.sent)
    assert counters.sessions == 0
    if share == 1.0 and timing != SMALL:  # of which real time closes no more than two
        assert counters.late > 500


def set_back(by: int, count: int, after: int) -> list[tuple[int, int]]:
    """Events that happen `after` the last of 20 s, by a clock that was set back meanwhile; 100 ms apart."""
    first = START + 20 * SECOND + after
    return [(first - by + place * 100 * MS, first + place * 100 * MS) for place in range(count)]


@pytest.mark.parametrize("after", [100 * MS, 10 * SECOND, 2 * HOUR])
def test_a_clock_set_back_by_an_hour_begins_a_session_also_after_a_long_rest(after: int) -> None:
    """After two hours without a key the event is newer than any before, and yet all its windows have closed."""
    typed = Stalled(100 * MS, 200).sent
    _, counters = run(TIMING, typed + set_back(HOUR, 19, after))
    assert (counters.late, counters.sessions) == (19, 0)
    rows, counters = run(TIMING, typed + set_back(HOUR, 100, after))
    assert (counters.late, counters.sessions) == (19, 1)
    last = set_back(HOUR, 100, after)[-1][0]
    assert rows[-1].ts == TIMING.first_end(last)


def test_a_clock_set_back_by_as_little_as_makes_events_late_begins_a_session_while_typing_goes_on() -> None:
    typed = Stalled(100 * MS, 200).sent
    _, counters = run(TIMING, typed + set_back(36 * SECOND, 40, 100 * MS))
    assert (counters.late, counters.sessions) == (19, 1)


def test_an_event_that_missed_some_of_its_windows_is_behind_and_one_that_missed_all_is_late() -> None:
    core = Seen(TIMING)
    core.event(key(START + 100 * SECOND), 0)
    core.advance(TIMING.idle_timeout + 10 * SECOND + TIMING.lateness + 1)  # through START + 110 s
    for ts, late, behind in ((85_000_000, 1, 0), (85_000_001, 1, 1), (110_000_000, 1, 2), (110_000_001, 1, 2)):
        core.event(key(START + ts), 13 * SECOND)
        assert (core.counters.late, core.counters.behind) == (late, behind)


def test_those_that_are_behind_are_counted_among_events_that_come_together() -> None:
    one, many = Seen(TIMING), Seen(TIMING)
    times = [START + 101 * SECOND + place * 100 * MS for place in range(200)]
    texts = [b'{"type":"keystroke","ts":%d,"key":"a","event":"press"}' % ts for ts in times]
    for core in (one, many):
        core.event(key(START + 100 * SECOND), 0)
        core.advance(TIMING.idle_timeout + 10 * SECOND + TIMING.lateness + 1)
    rows = [row for ts in times for row in one.event(key(ts), 13 * SECOND)]
    assert [row for made in many.messages(texts, 13 * SECOND) for row in made] == rows
    assert one.counters == many.counters
    assert one.counters.behind == len([ts for ts in times if ts <= START + 110 * SECOND])
