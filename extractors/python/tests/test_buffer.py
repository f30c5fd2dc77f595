"""Events in order, bounded."""

from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors.buffer import Buffer
from seclyzer_extractors.event import Focus


def filled(limit: int, *events: tuple[int, str]) -> tuple[Buffer[Focus], list[bool]]:
    buffer: Buffer[Focus] = Buffer(limit)
    return buffer, [buffer.insert(Focus(ts, False, app)) for ts, app in events]


def names(events: list[Focus]) -> str:
    return "".join(event.app for event in events)


def test_events_are_kept_in_order_of_ts_and_arrival() -> None:
    buffer, _ = filled(9, (5, "a"), (9, "b"), (5, "c"), (1, "d"), (9, "e"), (7, "f"))
    assert names(buffer.all()) == "dacfbe"


def test_over_the_limit_the_smallest_goes_be_it_the_new_one() -> None:
    buffer, went = filled(2, (5, "a"), (6, "b"), (4, "c"), (5, "d"))
    assert (went, names(buffer.all())) == ([False, False, True, True], "db")


def test_what_is_at_or_before_a_time_is_taken_out() -> None:
    buffer, _ = filled(9, (5, "a"), (6, "b"), (7, "c"))
    assert (names(buffer.take(4)), names(buffer.take(6)), names(buffer.all())) == ("", "ab", "c")
    buffer.clear()
    assert buffer.all() == []


@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=120))
def test_the_limit_holds_at_any_time(limit: int, inserted: list[tuple[int, bool]]) -> None:
    buffer: Buffer[Focus] = Buffer(limit)
    model: list[Focus] = []
    for number, (ts, look) in enumerate(inserted):
        event = Focus(ts, False, str(number))
        model = sorted([*model, event], key=lambda one: one.ts)
        assert buffer.insert(event) == (len(model) > limit)
        model = model[-limit:]
        if look:
            assert buffer.all() == model
    assert buffer.all() == model


@given(st.integers(1, 30), st.lists(st.lists(st.integers(0, 20), max_size=12), max_size=9))
def test_events_that_are_put_behind_the_others_together_are_as_those_inserted(limit: int, put: list[list[int]]) -> None:
    together: Buffer[Focus] = Buffer(limit)
    one_by_one: Buffer[Focus] = Buffer(limit)
    for batch in put:
        events = [Focus(together.last_ts() + after, False, str(after)) for after in sorted(batch)]
        assert together.extend(events) == sum([one_by_one.insert(event) for event in events])
    assert together.all() == one_by_one.all()
    assert together.last_ts() == max([event.ts for event in one_by_one.all()], default=0)
