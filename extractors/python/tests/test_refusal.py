"""What is reported of an answer that refuses points: why, and of which year the oldest is."""

import pytest

from seclyzer_extractors.store import refusal
from seclyzer_extractors.store.refusal import Refusal

PARTIAL = "failure writing points to database: partial write: "


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (422, f"{PARTIAL}points beyond retention policy dropped=1", "beyond_retention"),
        (422, f'{PARTIAL}field type conflict: input field "x" on measurement "Firefox" dropped=1', "field_type"),
        (422, "?", "other"),
        (400, "unable to parse 'Firefox'", "unreadable"),
        (413, "", "too_large"),
    ],
)
def test_known_phrases_and_statuses_have_a_reason(status: int, message: str, reason: str) -> None:
    assert refusal.judge(status, message, [b"a b=1 5000000"]) == Refusal(status, reason, 1970)
    assert "Firefox" not in refusal.WORDS[reason]


def test_the_oldest_time_gives_the_year() -> None:
    lines = [b"a b=1 1700000000000000", b"a b=1 5000000", b"a b=1", b"\xff"]
    assert refusal.oldest_year(lines) == 1970
    assert refusal.oldest_year(lines[:1]) == 2023
    assert refusal.oldest_year(lines[2:]) is None
    assert refusal.oldest_year([b"a 99999999999999999999"]) is None
