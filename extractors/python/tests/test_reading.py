"""When what was read closes windows: as an event comes, or when real time had to count so far."""

import os

import pytest
from support import SECOND, fed, focus

from seclyzer_extractors import config, schema
from seclyzer_extractors.clocks import host_time, now_us
from seclyzer_extractors.service import Service
from seclyzer_extractors.service.reading import Made, Reader
from seclyzer_extractors.source import Reading

LATENESS = SECOND // 2
START = host_time() - 20 * SECOND


@pytest.fixture
def reader() -> Reader:
    """It has read of an application, and of another one a second later."""
    wake, _ = os.pipe()
    service = Service(schema.kind("app"), config.settings("app", lateness_ms=500, idle_timeout_ms=0), wake)
    for second, app in enumerate("ab"):
        fed(service.operator, focus(START + second * SECOND, app), clock=0)
    return service.reader


def turned(reader: Reader, monkeypatch: pytest.MonkeyPatch, reading: Reading) -> list[Made]:
    """What comes of one answer of Redis."""
    monkeypatch.setattr(reader.source, "read", lambda *_: reading)
    return [made for made in reader.turn(None, 0) if made.rows]  # type: ignore[arg-type]


def test_what_time_closes_closes_when_it_was_due(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    began = now_us() - 10 * SECOND
    reader.source.clock.caught_up(0, began)
    counted = reader.source.clock.caught_up(began + 9 * SECOND, now_us())
    [made] = turned(reader, monkeypatch, Reading([], 0, counted))
    assert ([row.ts for row in made.rows], made.closed_at) == ([START + SECOND], began + LATENESS)


def test_what_an_event_closes_closes_as_it_is_read(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a backlog, though the event is older."""
    before = now_us()
    [made] = turned(reader, monkeypatch, Reading([focus(START + 9 * SECOND, "c")], 0, None))
    assert [row.ts for row in made.rows] == [START + SECOND]
    assert before <= made.closed_at <= now_us()
