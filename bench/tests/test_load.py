"""The load is what it says, and what is derived from it without running anything."""

import json
from itertools import pairwise

from bench import load
from bench.feeder import ticks
from bench.listener import Heard
from bench.phases.live import latency_us
from bench.reader import _requests, _sizes

END = 1_700_000_000_000_000


def test_a_second_of_the_load_is_a_thousand_events() -> None:
    kinds = [kind for _, kind, _ in ticks(1.0, 1.0)]
    assert {kind: kinds.count(kind) for kind in load.RATES} == {"mouse": 850, "keystroke": 145, "app": 5}


def test_events_end_where_they_are_to_end_and_are_in_order() -> None:
    for kind in load.RATES:
        rows = [json.loads(text) for text in load.events(kind, 100, END)]
        assert rows[-1]["ts"] == END
        assert all(a["ts"] < b["ts"] for a, b in pairwise(rows))
        assert {row["type"] for row in rows} == {kind}


def test_the_last_event_closes_the_last_window() -> None:
    end = load.last_end(END + 1)
    assert end % load.INTERVAL == 0
    assert load.closing(end) > end + load.LATENESS


def test_typing_has_as_many_keys_in_a_window_as_asked() -> None:
    rows = [json.loads(text) for text in load.typing(8, 600, END)]
    full = [row for row in rows if END - load.WINDOW < row["ts"] <= END and row["event"] == "press"]
    assert (len(full), len(rows)) == (600, 1600)
    times = [row["ts"] for row in rows]
    assert times == sorted(times) and END - times[-1] < 100_000


def test_typing_is_uneven_and_presses_some_keys_before_the_last_one_is_up() -> None:
    rows = [json.loads(text) for text in load.typing(8, 600, END)]
    presses = [row["ts"] for row in rows if row["event"] == "press"]
    gaps = [after - before for before, after in pairwise(presses)]
    assert len(set(gaps)) > 0.9 * len(gaps) and min(gaps) > 0
    rollovers = [row for before, row in pairwise(rows) if before["event"] == row["event"] == "press"]
    assert 0.2 < len(rollovers) / len(presses) < 0.5


def test_no_key_that_is_down_is_pressed() -> None:
    down: set[str] = set()
    for row in map(json.loads, load.typing(50, 600, END)):
        assert (row["key"] in down) == (row["event"] == "release")
        down ^= {row["key"]}


def test_a_window_closed_by_an_event_counts_from_its_sending() -> None:
    assert latency_us(Heard("mouse", END, END + 300_000, 0), END + 299_000, 0) == 1000


def test_a_window_closed_by_time_counts_from_when_it_was_due() -> None:
    assert latency_us(Heard("mouse", END, END + 251_000, 0), END + 299_000, 0) == 1000
    assert latency_us(Heard("mouse", END, END + 251_000, 0), END + 250_950, 0) == 1000
    assert latency_us(Heard("mouse", END, END + 2_751_000, 0), END + 2_799_000, 2_500_000) == 1000


def test_the_reader_asks_from_where_each_answer_ended() -> None:
    ids = [b"%d-0" % i for i in range(1024)]
    assert [request.split(b"\r\n")[-2] for request in _requests("app", ids, 512)] == [b"0-0", b"511-0"]
    assert len(_sizes("app", ids, [10] * 1024, 512)) == 2
