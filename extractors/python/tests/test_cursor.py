"""The cursor, as Redis has it."""

from seclyzer_extractors.cursor import Cursor


def test_the_cursor_reads_both_halves() -> None:
    read = Cursor({b"published": b"70", b"stored": b"50"}, host_time=60)
    assert (read.published, read.stored) == (70, 50)
    assert (Cursor({}, 0).published, Cursor({}, 0).stored) == (0, 0)


def test_a_cursor_far_ahead_of_the_hosts_clock_is_ignored() -> None:
    at_limit = Cursor({b"published": b"10000100", b"stored": b"10000101"}, host_time=100)
    assert (at_limit.published, at_limit.stored) == (10_000_100, 0)
    assert Cursor({b"published": b"-5", b"stored": b"x"}, 100).published == 0
