"""An operator sees the same of both implementations: journal and STATUS, line by line, through all that goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.parity.journal import Story, Teller, bad_start_and_stop, outages, tell

NUMBERS = {"events", "windows", "outputs_left", "points_left", "after_s", "count", "status", "points", "oldest"}
SKIPPED = {
    "messages that break the contract": 300,
    "events from the future": 1,
    "events from more than 400 days ago": 1,
}
OUTAGES = """
    started
    Reading from Redis does not work, trying again
    Reading from Redis works again
    Writing to InfluxDB does not work, trying again
    InfluxDB is away: points go to the disk buffer
    Writing to InfluxDB works again
    the disk buffer was sent
    Writing to InfluxDB does not work, trying again
    InfluxDB is away: points go to the disk buffer
    Writing to InfluxDB does not work, trying again
    Writing to InfluxDB works again
    the disk buffer was sent
    InfluxDB rejected points
    InfluxDB rejected points
    InfluxDB rejected points
    the clock was set back: a new session begins
    Redis refused a command
    Reading from Redis does not work, trying again
    Reading from Redis does not work, trying again
    Reading from Redis works again
    stopping
    stopped
"""
BAD_START_AND_STOP = """
    started
    Reading from Redis does not work, trying again
    Reading from Redis does not work, trying again
    a key of the wrong type was ignored
    the saved state cannot be used; it is begun anew
    Reading from Redis works again
    Writing to Redis does not work, trying again
    Writing to InfluxDB does not work, trying again
    Redis refused a command
    stopping
    Redis did not take the last outputs; the next start makes them again
    InfluxDB did not confirm the last points
    stopped
"""


def both(log_format: str, story: Callable[[Teller], None]) -> tuple[Story, Story]:
    with ThreadPoolExecutor() as pool:
        python, rust = pool.map(lambda one: tell(one, log_format, story), ("python", "rust"))
    return python, rust


def messages(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(
    ("story", "expected", "skipped"), [(outages, OUTAGES, SKIPPED), (bad_start_and_stop, BAD_START_AND_STOP, {})]
)
@pytest.mark.parametrize("log_format", ["logfmt", "json"])
def test_journal_and_status_are_the_same(
    log_format: str, story: Callable[[Teller], None], expected: str, skipped: dict[str, int]
) -> None:
    python, rust = both(log_format, story)
    assert python.lines == rust.lines
    assert python.status == rust.status
    assert python.skipped == rust.skipped == skipped
    assert python.status[-1] == "stopping"
    if log_format == "logfmt":
        return
    lines = [json.loads(line) for line in python.lines]
    assert [line["msg"] for line in lines] == messages(expected)
    for text in (*python.raw.splitlines(), *rust.raw.splitlines()):
        line = json.loads(text)
        assert text == json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        assert {name for name, value in line.items() if isinstance(value, int)} == NUMBERS & set(line)
