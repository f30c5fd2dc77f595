"""Windows by the core: their edges, lateness, sessions, bounds and real time. Defaults: 5 s, 30 s, 250 ms."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import SECOND, START, fed, focus, key, message, move, replayed, typed

from seclyzer_extractors import config, schema
from seclyzer_extractors.core import Operator, Row
from seclyzer_extractors.event import MALFORMED, Event, Unusable, parse
from seclyzer_extractors.operators import make_operator
from seclyzer_extractors.plausible import advice, earliest, latest

E0 = START - 1  # a window's end
TOTAL_KEYS = [feature.name for feature in schema.kind("keystroke").features].index("total_keys")


def core(kind: str = "keystroke", **values: object) -> Operator[Event]:
    return make_operator(kind, config.settings(kind, **values))


def ends(lines: list[bytes], **values: object) -> list[int]:
    """The ends of the windows emitted, in s after E0."""
    windows, _ = replayed("keystroke", lines, **{"min_events": 1, **values})
    return [(window["ts"] - E0) // SECOND for window in windows]


def test_an_event_at_a_windows_end_is_in_it_and_one_a_window_before_is_not() -> None:
    windows, _ = replayed("keystroke", [key(E0), key(E0 + 1, "KeyB"), key(E0 + 30 * SECOND, "KeyC")], min_events=1)
    assert [(w["ts"] - E0, w["total_keys"]) for w in windows] == [(0, 1), (5 * SECOND, 2), (30 * SECOND, 2)]


def test_a_window_without_an_event_in_its_last_interval_is_not_emitted_and_counted_nowhere() -> None:
    windows, counters = replayed("keystroke", typed(START, 10))
    assert [window["ts"] for window in windows] == [E0 + 5 * SECOND]
    assert (counters.windows, counters.windows_short) == (1, 0)


def test_a_window_with_too_few_events_is_short() -> None:
    windows, counters = replayed("keystroke", typed(START, 9))
    assert windows == []
    assert (counters.windows, counters.windows_short, counters.last_window_ts) == (0, 6, 0)


def test_auto_repeats_and_other_buttons_count_for_the_minimum() -> None:
    windows, _ = replayed("keystroke", [key(START + i * 30_000) for i in range(10)])
    assert windows[0]["total_keys"] == 1
    button = [message(type="mouse", ts=START + i, event="press", button="Unknown(8)") for i in range(50)]
    windows, _ = replayed("mouse", button)
    assert windows[0]["click_8"] == 0.0


def test_a_window_closes_when_stream_time_is_more_than_lateness_past_its_end() -> None:
    lines = [key(START + i, f"Key{i}") for i in range(10)]
    at_lateness = core()
    for line in [*lines, key(E0 + 5 * SECOND + 250_000)]:
        assert fed(at_lateness, line) == []
    past_lateness = core()
    for line in lines:
        assert fed(past_lateness, line) == []
    [row] = fed(past_lateness, key(E0 + 5 * SECOND + 250_001))
    assert row.ts == E0 + 5 * SECOND


def test_an_event_that_closes_a_window_does_so_among_those_taken_together() -> None:
    ends = [START, START + SECOND, E0 + 5 * SECOND + 250_000, E0 + 5 * SECOND + 250_001]
    together = [key(ts, f"Key{ts}") for ts in ends]
    assert list(core(min_events=1).messages(together[:3])) == []
    [[row]] = core(min_events=1).messages(together)
    assert (row.ts, row.values[TOTAL_KEYS]) == (E0 + 5 * SECOND, 2)


def test_a_late_event_is_used_for_the_windows_still_open_and_only_late_when_all_are_closed() -> None:
    on = key(E0 + 40 * SECOND + 250_001, "KeyZ")  # closes all through 40 s
    windows, counters = replayed("keystroke", [on, key(E0 + 15 * SECOND + 1, "KeyA")], min_events=1)
    assert counters.late == 0
    assert [(w["ts"] - E0) // SECOND for w in windows] == [45]
    assert windows[0]["total_keys"] == 2
    windows, counters = replayed("keystroke", [on, key(E0 + 15 * SECOND, "KeyA")], min_events=1)
    assert (counters.late, counters.events) == (1, 2)
    assert windows[0]["total_keys"] == 1


def test_the_twentieth_late_event_in_a_row_starts_a_new_session() -> None:
    forward = [key(E0 + 100 * SECOND + 1, "KeyZ")]
    back = [key(START + i, f"Key{i}") for i in range(30)]
    windows, counters = replayed("keystroke", forward + back[:19], min_events=1)
    assert (counters.late, counters.sessions, len(windows)) == (19, 0, 1)
    windows, counters = replayed("keystroke", forward + back, min_events=1)
    assert (counters.late, counters.sessions, counters.events) == (19, 1, 31)
    assert [window["total_keys"] for window in windows] == [1, 11]
    assert [window["ts"] - E0 for window in windows] == [105 * SECOND, 5 * SECOND]


def test_a_good_event_ends_the_run_of_late_ones_and_others_neither_break_nor_extend_it() -> None:
    now = E0 + 100 * SECOND + 1
    late = [key(START + i) for i in range(19)]
    _, counters = replayed("keystroke", [key(now), *late, key(now), *late], min_events=1)
    assert (counters.late, counters.sessions) == (38, 0)
    foreign = [b"{]\n", b'{"type":"other"}\n', focus(now, "a")]
    _, counters = replayed("keystroke", [key(now), *late, *foreign, key(START)], min_events=1)
    assert (counters.late, counters.sessions, counters.malformed) == (19, 1, 1)


def test_a_window_end_that_comes_again_in_a_new_session_is_emitted_again() -> None:
    once = [key(START + i, f"Key{i}") for i in range(10)]
    away = [key(E0 + 100 * SECOND + 1)]
    again = [key(START + i, f"Key{i}") for i in range(40)]
    windows, _ = replayed("keystroke", once + away + again)
    assert [(w["ts"] - E0) // SECOND for w in windows] == [5, 5]
    assert [w["total_keys"] for w in windows] == [10, 21]


def test_over_the_buffers_bound_the_smallest_goes_be_it_the_new_one() -> None:
    lines = [key(START + 10 * i, f"Key{i}") for i in range(5)]
    windows, counters = replayed("keystroke", lines, min_events=1, buffer_events=3)
    assert (counters.dropped, windows[0]["total_keys"]) == (2, 3)
    windows, counters = replayed("keystroke", [*lines[2:], lines[0]], min_events=1, buffer_events=3)
    assert (counters.dropped, counters.late, windows[0]["total_keys"]) == (1, 0, 3)
    assert windows[0]["digraph_0_mean"] == 0.01  # the three later ones stayed


def test_only_events_that_an_open_window_can_use_are_held() -> None:
    lines = [key(START + i * SECOND, f"Key{i}") for i in range(100)]
    _, counters = replayed("keystroke", lines, buffer_events=36)
    assert counters.dropped == 0
    _, counters = replayed("keystroke", lines, buffer_events=30)
    assert counters.dropped > 0


def test_interval_and_window_need_not_divide() -> None:
    values = {"window_seconds": 0.5, "update_interval": 0.3, "lateness_ms": 0}
    multiple = E0 // 300_000 * 300_000
    windows, _ = replayed("keystroke", [key(multiple + 100_000)], min_events=1, **values)
    assert [window["ts"] - multiple for window in windows] == [300_000]
    later = key(multiple + 350_000, "KeyB")  # closes the window that ends at 0.3 s
    windows, _ = replayed("keystroke", [later, key(multiple + 100_001)], min_events=1, **values)
    assert [(w["ts"] - multiple, w["total_keys"]) for w in windows] == [(600_000, 2)]
    _, counters = replayed("keystroke", [later, key(multiple + 100_000)], min_events=1, **values)
    assert counters.late == 1


def test_real_time_closes_a_window_without_further_events() -> None:
    live = core()
    for line in typed(START, 10):
        assert fed(live, line, clock=7_000_000) == []
    last = START + 9 * 100_000
    by_event = 7_000_000 + (E0 + 5 * SECOND + 250_000 + 1 - last)
    due = by_event + 2 * SECOND
    assert live.due_by_event() == by_event
    assert live.next_due() == by_event - 125_000  # half of lateness is over: it is computed
    assert live.advance(by_event - 125_000) == []
    assert live.next_due() == due
    assert live.advance(due - 1) == []
    [row] = live.advance(due)
    assert row.ts == E0 + 5 * SECOND
    assert live.advance(due + 1) == []


def test_what_is_closed_stays_closed_when_an_event_sets_stream_time_back() -> None:
    live = core(min_events=1)
    fed(live, key(START, "KeyA"), clock=0)
    assert len(live.advance(22 * SECOND)) == 1
    fed(live, key(START + SECOND, "KeyB"), clock=22 * SECOND)  # stream time goes back by 19 s
    rows = live.finish()
    assert live.counters.late == 0
    assert [(row.ts - E0) // SECOND for row in rows] == []  # its last interval is closed; later ones are idle
    assert live.next_due() is not None


def test_a_late_event_moves_stream_time_too() -> None:
    live = core(min_events=1)
    fed(live, key(START), clock=0)
    live.advance(60 * SECOND)
    assert fed(live, key(START + SECOND), clock=60 * SECOND) == []
    assert live.counters.late == 1
    assert live.stream_time() == START + SECOND


def test_an_event_from_the_future_is_skipped_and_moves_nothing() -> None:
    live = core()
    host = START + 100
    fed(live, key(host + 5 * SECOND + 1), host_time=host)
    assert (live.counters.future, live.counters.events, live.stream_time()) == (1, 0, None)
    fed(live, key(host + 5 * SECOND), host_time=host)
    assert (live.counters.future, live.counters.events) == (1, 1)


@pytest.mark.parametrize("kind", ["keystroke", "mouse", "app"])
def test_an_event_of_more_than_400_days_ago_is_skipped_and_moves_nothing(kind: str) -> None:
    live = core(kind)
    host = START + 400 * 86_400 * SECOND

    def line(ts: int) -> bytes:
        return {"keystroke": key(ts), "mouse": move(ts), "app": focus(ts, "a")}[kind]

    fed(live, line(START - 1), host_time=host)
    assert (live.counters.ancient, live.counters.events, live.stream_time()) == (1, 0, None)
    assert live.ancient_ts == START - 1
    fed(live, line(START), host_time=host)
    fed(live, line(START), host_time=host + 1)
    assert (live.counters.ancient, live.counters.events) == (2, 1)
    _, counters = replayed(kind, [line(START // 1000), line(1)])
    assert (counters.ancient, counters.events) == (0, 2), "a replay knows no clock"


def test_the_unit_is_named_in_which_an_ancient_time_would_be_believed() -> None:
    now = 1_790_000_000_000_000
    in_ms = "their ts looks like milliseconds: it has to be in microseconds"
    assert [advice(ts, now) for ts in (now // 1000, earliest(now) // 1000, latest(now) // 1000)] == [in_ms] * 3
    assert advice(now // 1_000_000, now) == "their ts looks like seconds: it has to be in microseconds"
    for other in (earliest(now) // 1000 - 1, latest(now) // 1000 + 1, 1, now // 2, earliest(now) - 1):
        assert advice(other, now) == "is the clock of their producer right?"


def test_anothers_events_are_passed_over_uncounted() -> None:
    live = core("mouse")
    for line in (key(START), focus(START, "a"), b'{"type":"x"}'):
        fed(live, line, host_time=1)
    assert set(live.counters.as_dict().values()) == {0}
    fed(live, move(START))
    assert live.counters.events == 1


def test_empty_lines_are_passed_over_and_blank_ones_are_malformed() -> None:
    _, counters = replayed("keystroke", [b"\n", b"\r\n", b"", b" \n", b"\r", key(START)])
    assert (counters.malformed, counters.events) == (2, 1)


@pytest.mark.parametrize("kind", ["keystroke", "mouse", "app"])
def test_nothing_in_gives_nothing_out(kind: str) -> None:
    lines, counters = replayed(kind, [])
    assert [line["type"] for line in lines] == (["app_patterns"] if kind == "app" else [])
    assert set(counters.as_dict().values()) == {0}


def test_dev_mode_of_a_window_is_that_of_any_event_used_or_of_the_process() -> None:
    plain, marked = key(START, "KeyA"), key(E0 + 31 * SECOND, "KeyB", dev_mode=True)
    windows, _ = replayed("keystroke", [plain, marked], min_events=1)
    assert [window["dev_mode"] for window in windows] == [False, True]
    windows, _ = replayed("keystroke", [plain], min_events=1, dev_mode=True)
    assert windows[0]["dev_mode"] is True


def test_the_last_instant_of_time_has_a_window() -> None:
    windows, _ = replayed("keystroke", [key(253402300799999999)], min_events=1)
    assert windows[0]["timestamp"] == "10000-01-01T00:00:00.000000Z"


def test_windows_in_order_after_a_jump() -> None:
    lines = [key(START), key(E0 + 7 * SECOND), key(E0 + 86_400 * SECOND), key(E0 + 86_401 * SECOND)]
    assert ends(lines) == [5, 10, 86_400, 86_405]


def test_an_event_from_the_future_is_reported_among_those_taken_together() -> None:
    live = core()
    fed(live, key(START))
    host = START + 100
    together = [key(ts) for ts in (START + 1, host, host + 5 * SECOND, host + 5 * SECOND + 1)]
    assert list(live.messages(together, host_time=host)) == []
    assert (live.counters.events, live.counters.future, live.stream_time()) == (4, 1, host + 5 * SECOND)


def singly(core: Operator[Event], line: bytes, clock: int, host: int | None) -> list[Row]:
    """The rows of one message, without the short way of those that are taken together."""
    event = parse(line)
    if isinstance(event, Unusable) or not isinstance(event, core._own):
        core.counters.malformed += event is MALFORMED
        return []
    if host is not None and not earliest(host) <= event.ts <= latest(host):
        core.counters.future += event.ts > host
        core.counters.ancient += event.ts < host
        return []
    return core.event(event, clock)


@given(st.randoms(use_true_random=False), st.sampled_from(["keystroke", "mouse", "app"]), st.integers(5, 400))
def test_messages_read_together_are_as_those_read_one_by_one(rng: random.Random, kind: str, buffered: int) -> None:
    values = {"min_events": 1, "buffer_events": buffered, "window_seconds": 3, "update_interval": 1}
    together, one_by_one = core(kind, **values), core(kind, **values)
    ts, clock = START, 0
    for _ in range(12):
        batch, host = [], rng.choice([None, ts - 5 * SECOND + rng.randrange(SECOND)])
        if rng.random() < 0.1:  # the first ones are not believed for their age
            host = ts + 400 * 86_400 * SECOND + rng.randrange(SECOND)
        for _ in range(rng.randrange(30)):
            ts += rng.choice([0, 900, 40_000, 40_000, 400_000]) - (rng.random() < 0.02) * rng.randrange(9 * SECOND)
            at = ts - (rng.random() < 0.05) * rng.randrange(2 * SECOND)
            one = {
                "keystroke": key(at, rng.choice("ABC")),
                "mouse": move(at, at % 97),
                "app": focus(at, rng.choice("ab")),
            }
            batch.append(rng.choice([b"{", key(at), move(at)]) if rng.random() < 0.05 else one[kind])
        clock += rng.choice([0, 10, 300_000, 2 * SECOND])
        arrived = clock - rng.choice([0, 0, 200_000])
        rows = [row for each in together.messages(batch, arrived, host) for row in each]
        assert rows == [row for line in batch for row in singly(one_by_one, line, arrived, host)]
        if rng.random() < 0.7:
            assert together.advance(clock) == one_by_one.advance(clock)
        assert together.counters == one_by_one.counters
        assert (together.stream_time(), together.next_due()) == (one_by_one.stream_time(), one_by_one.next_due())
    assert together.finish() == one_by_one.finish()
