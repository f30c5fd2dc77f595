"""What an extractor makes of its stream's size and ids."""

from typing import Any

import pytest

from seclyzer_extractors import schema, source
from seclyzer_extractors.stream_bounds import AHEAD_MS, StreamBounds

STREAM = "seclyzer:stream:app"
NOW_MS = 1_790_000_000_000
GREATEST = f"{2**64 - 1}-{2**64 - 1}"


@pytest.fixture
def bounds() -> StreamBounds:
    return StreamBounds(schema.kind("app"))


def bounds_of(tip: str, length: int, added: int) -> dict[bytes, Any]:
    return {b"last-generated-id": tip.encode(), b"length": length, b"entries-added": added}


def test_a_stream_within_its_bound_is_left_alone(bounds: StreamBounds) -> None:
    assert bounds.too_large([10, 1000], 1000) is None
    assert bounds.too_large([0, None], 1000) is None


def test_a_larger_one_is_trimmed_to_half_of_it(bounds: StreamBounds) -> None:
    assert bounds.too_large([100, 4000], 1000) == ("XTRIM", STREAM, "MAXLEN", 12)
    assert bounds.too_large([1, 40_000_000], 1000) == ("XTRIM", STREAM, "MAXLEN", 0)


@pytest.mark.parametrize(
    ("tip", "ahead"),
    [
        (f"{NOW_MS}-3", False),
        (f"{NOW_MS + AHEAD_MS}-0", False),
        (f"{NOW_MS + AHEAD_MS + 1}-0", True),
        (GREATEST, True),
    ],
)
def test_ids_are_ahead_when_they_are_more_so_than_entries_are_kept(bounds: StreamBounds, tip: str, ahead: bool) -> None:
    assert bounds.is_ahead(bounds_of(tip, 1, 1), NOW_MS) is ahead


def test_a_gap_is_more_added_than_read_once_all_was_read(bounds: StreamBounds) -> None:
    assert not bounds.has_gap(bounds_of("5-0", 3, 10), "5-0", 3), "nothing to compare with"
    assert not bounds.has_gap(bounds_of("8-0", 2, 12), "8-0", 5)
    assert bounds.has_gap(bounds_of("9-0", 1, 15), "9-0", 6), "two of three were never read"
    assert not bounds.has_gap(bounds_of("9-1", 1, 16), "9-0", 6), "one is still to be read"
    assert not bounds.has_gap(bounds_of("9-1", 1, 16), "9-1", 7)


def test_a_stream_that_is_emptied_each_time_has_a_gap_once_nothing_more_comes(bounds: StreamBounds) -> None:
    assert not bounds.has_gap(bounds_of("5-0", 3, 10), "5-0", 3)
    assert not bounds.has_gap(bounds_of("7-0", 0, 14), "5-0", 3), "it may have just been added"
    assert bounds.has_gap(bounds_of("7-0", 0, 14), "5-0", 3)
    assert not bounds.has_gap(bounds_of("7-0", 0, 14), "5-0", 3), "it was reported"


def test_a_stream_that_began_anew_has_no_gap(bounds: StreamBounds) -> None:
    assert not bounds.has_gap(bounds_of("5-0", 3, 10), "5-0", 3)
    assert not bounds.has_gap(bounds_of("6-0", 1, 1), "6-0", 4)
    bounds.forget()
    assert not bounds.has_gap(bounds_of("9-0", 9, 90), "9-0", 5)


def test_a_redis_that_does_not_count_what_was_added_has_no_gaps(bounds: StreamBounds) -> None:
    old = {b"last-generated-id": b"5-0", b"length": 1}
    assert not bounds.has_gap(old, "5-0", 1)
    assert not bounds.has_gap(old, "5-0", 1)


@pytest.mark.parametrize(
    ("entries", "received", "count"),
    [
        (0, 3, 16),
        (1, 120, 16),
        (16, 1_920, 32),
        (512, 61_440, 512),
        (1, 900_000, 1),
        (16, 16 << 20, 1),
        (2, 80 << 20, 1),
        (10, 41_000, 20),
    ],
)
def test_so_many_entries_are_asked_for_that_an_answer_stays_short(entries: int, received: int, count: int) -> None:
    assert source.next_count(entries, received) == count
