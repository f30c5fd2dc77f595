"""Windows that are computed before they close, and the short way of most events: neither changes what comes out."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import SECOND, START

from seclyzer_extractors.core import Row
from seclyzer_extractors.event import Key
from seclyzer_extractors.window import Timing
from seclyzer_extractors.windowing import WindowOperator

E0 = START - 1
TIMING = Timing(5 * SECOND, 30 * SECOND, SECOND // 4)
END = E0 + 5 * SECOND


class Computed(WindowOperator[Key]):
    """Windows whose only value is the number of their events; `ends` are those computed, s after E0."""

    def __init__(self, buffer_events: int = 100, timing: Timing = TIMING) -> None:
        super().__init__((Key,), 20, self._count, timing, 1, buffer_events, False)
        self.ends: list[int] = []

    def _count(self, events: Sequence[Key], window: int, dev_mode: bool) -> tuple[int]:
        self.ends.append(-(-(events[-1].ts - E0) // self._timing.interval) * 5)
        return (len(events),)


class Plain(Computed):
    """Without that; and without the short way, when events are given one by one."""

    def _prepare(self) -> None: ...


def key(ts: int) -> Key:
    return Key(ts, False, "a", True)


def given_as_messages(core: Computed, arrived: int, *events: Key) -> list[Row]:
    texts = [b'{"type":"keystroke","ts":%d,"key":"a","event":"press"}' % event.ts for event in events]
    return [row for rows in core.messages(texts, arrived) for row in rows]


def prepared(buffer_events: int = 100) -> Computed:
    """One whose first window, of a single event, is computed at the clock's 125 ms and one µs."""
    core = Computed(buffer_events)
    assert core.event(key(END), clock=0) == []
    assert core.advance(125_000) == [] and core.ends == []
    assert core.next_due() == 125_001
    assert core.advance(125_001) == [] and core.ends == [5]
    return core


def test_a_window_that_time_closes_was_due_when_lateness_was_over() -> None:
    core = prepared()
    [row] = core.advance(9_000_000)
    assert core.due_at(row.ts) == 250_001


def test_a_window_is_computed_before_it_closes_and_only_once() -> None:
    core = prepared()
    assert core.advance(250_000) == []
    assert core.next_due() == 250_001
    assert core.advance(250_001) == [Row(END, (1,))]
    assert core.ends == [5]


def test_what_is_computed_stands_when_an_event_comes_for_a_later_window() -> None:
    core = prepared()
    assert core.event(key(END + 130_000), clock=130_000) == []
    assert core.event(key(END + 5 * SECOND), clock=5 * SECOND) == [Row(END, (1,))]
    assert core.ends == [5]


@pytest.mark.parametrize("ts", [END, END - SECOND])
def test_an_event_that_still_comes_into_it_is_counted_in(ts: int) -> None:
    core = prepared()
    assert core.event(key(ts), clock=200_000) == []
    assert core.advance(230_000) == [] and core.ends == [5]  # not computed again and again
    assert core.advance(450_001) == [Row(END, (2,))]
    assert core.ends == [5, 5]


def test_events_that_come_together_are_counted_in_if_the_first_one_is() -> None:
    core = prepared()
    assert given_as_messages(core, 200_000, key(END), key(END + 1)) == []
    assert core.advance(450_001) == [Row(END, (2,))]


def test_an_event_that_is_dropped_from_it_is_not_counted_in() -> None:
    core = Computed(buffer_events=2)
    core.event(key(END - 1))
    core.event(key(END))
    assert core.advance(200_000) == [] and core.ends == [5]
    assert core.event(key(END + 1), clock=200_000) == []
    assert core.counters.dropped == 1
    assert core.advance(SECOND) == [Row(END, (1,))]


def test_nothing_is_computed_early_for_a_window_that_is_not_emitted() -> None:
    core = prepared()
    core.advance(5 * SECOND)
    assert core.next_due() == 5_250_001
    assert core.advance(5_250_001) == [] and core.ends == [5]


def test_an_event_in_time_ends_a_run_of_late_ones() -> None:
    core = prepared()
    core.advance(60 * SECOND)
    for late in [*range(19), 0]:
        core.event(key(END + 50 * SECOND), clock=60 * SECOND) if late == 7 else None
        core.event(key(START + late), clock=60 * SECOND)
    assert (core.counters.late, core.counters.sessions, core.counters.events) == (20, 0, 22)


def test_a_new_session_computes_the_same_window_anew() -> None:
    core = prepared()
    core.new_session()
    core.event(key(END - 1), clock=SECOND)
    core.event(key(END), clock=SECOND)
    assert core.advance(2 * SECOND) == [Row(END, (2,))]


times = st.integers(0, 20) | st.integers(0, 400)
steps = st.lists(
    st.tuples(times, st.sampled_from([0, 1, 5, 20, 300]), st.sampled_from([None, 0, 0, 3, -9])), max_size=80
)


@given(steps, st.sampled_from([(5, 30, 25), (3, 7, 0), (10, 10, 1), (4, 9, 50)]), st.sampled_from([1, 5, 100]))
def test_neither_changes_windows_or_counters(
    steps: list[tuple[int, int, int | None]], timing: tuple[int, int, int], buffer_events: int
) -> None:
    """Events at `times` (10 ms, sometimes far back), that come some real time after what was counted, or only that."""
    unit = SECOND // 100
    interval, window, lateness = (unit * value for value in timing)
    quick, plain = (kind(buffer_events, Timing(interval, window, lateness)) for kind in (Computed, Plain))
    clock = 0
    for at, passed, after in steps:
        clock += passed * unit
        if after is not None:
            event, arrived = key(E0 + (at if at > 20 else clock // unit + at) * unit), clock + after * unit
            assert given_as_messages(quick, arrived, event) == plain.event(event, arrived)
        else:
            assert quick.advance(clock) == plain.advance(clock)
        assert (quick.counters, quick.stream_time()) == (plain.counters, plain.stream_time())
    assert quick.finish() == plain.finish()
