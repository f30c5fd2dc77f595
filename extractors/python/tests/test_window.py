"""Which windows a time is in, when they close, and stream time: pure functions."""

from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors.event import Focus
from seclyzer_extractors.window import StreamTime, Timing, filled_windows

ms = st.integers(1, 10_000).map(lambda value: value * 1000)


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    interval = draw(ms)
    return Timing(interval, interval + draw(st.integers(0, 30_000)) * 1000, draw(st.integers(0, 5_000)) * 1000)


def ends_with(ts: int, timing: Timing) -> list[int]:
    """Every multiple of the interval whose window holds `ts`, found by looking."""
    first = ts // timing.interval * timing.interval - timing.interval
    ends = range(first, ts + timing.window + 2 * timing.interval, timing.interval)
    return [end for end in ends if end - timing.window < ts <= end]


@given(timings(), st.integers(1, 10**12))
def test_first_and_last_end_are_those_of_the_windows_that_hold_a_time(timing: Timing, ts: int) -> None:
    ends = ends_with(ts, timing)
    assert (timing.first_end(ts), timing.last_end(ts)) == (ends[0], ends[-1])


@given(timings(), st.integers(1, 10**12), st.integers(-50, 50))
def test_unusable_is_what_no_later_window_holds(timing: Timing, ts: int, intervals: int) -> None:
    closed = timing.first_end(ts) + intervals * timing.interval
    assert (ts <= timing.last_unusable(closed)) == (timing.last_end(ts) <= closed)


@given(timings(), st.integers(1, 10**12))
def test_a_window_is_closed_when_stream_time_is_more_than_lateness_past_it(timing: Timing, time: int) -> None:
    end = timing.closed_through(time)
    assert end % timing.interval == 0
    assert time > end + timing.lateness
    assert not time > end + timing.interval + timing.lateness


def test_stream_time_is_the_largest_ts_and_the_real_time_since_less_the_idle_timeout() -> None:
    stream = StreamTime(idle_timeout=20)
    assert stream.at(100) is None and stream.when(7) is None and stream.soon(7) is None
    stream.see(1_000, 50)
    stream.see(900, 70)  # not the largest: changes nothing
    assert [stream.at(clock) for clock in (20, 50, 70, 71, 100)] == [1_000, 1_000, 1_000, 1_001, 1_030]
    assert (stream.when(1_030), stream.when(1_001)) == (100, 71)
    assert (stream.soon(1_030), stream.soon(1_001)) == (80, 51)
    assert (stream.when(1_000), stream.when(990)) == (50, 40)  # it is there
    stream.see(1_010, 100)
    assert (stream.at(100), stream.at(120), stream.at(121)) == (1_010, 1_010, 1_011)


@given(st.integers(0, 50), st.integers(0, 100), st.integers(1, 200))
def test_when_is_the_first_moment_at_which_stream_time_is_there(idle_timeout: int, seen_at: int, more: int) -> None:
    stream = StreamTime(idle_timeout)
    stream.see(1_000, seen_at)
    when = stream.when(1_000 + more)
    assert when is not None
    assert (stream.at(when), stream.at(when - 1)) == (1_000 + more, 1_000 + more - 1)


@given(timings(), st.lists(st.integers(1, 200_000_000), min_size=1, max_size=30), st.integers(-3, 60))
def test_exactly_the_windows_that_hold_events_are_walked(timing: Timing, times: list[int], reach: int) -> None:
    events = [Focus(ts, False, "a") for ts in sorted(times)]
    after = timing.first_end(events[0].ts) - timing.interval
    through = after + reach * timing.interval
    walked = [(end, [one.ts for one in held]) for end, held in filled_windows(events, after, through, timing)]
    expected = []
    for end in range(after + timing.interval, through + 1, timing.interval):
        held = [ts for ts in sorted(times) if end - timing.window < ts <= end]
        if held:
            expected.append((end, held))
    assert walked == expected


def test_a_century_of_emptiness_is_not_walked() -> None:
    timing = Timing(5_000_000, 30_000_000, 250_000)
    century = 100 * 365 * 86_400 * 1_000_000
    events = [Focus(1, False, "a"), Focus(century, False, "a")]
    assert len(list(filled_windows(events, 0, 2 * century, timing))) == 12
