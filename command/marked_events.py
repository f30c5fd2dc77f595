"""The events of a marked session, and what has to come of them: no key, application or person of this host is in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

USER = "seclyzer-test"
"""The reserved user under whose name the points of marked sessions are stored: no person's are."""
IGNORED = "seclyzer-test"
"""The `type` of an event that each extractor reads, and by the contract neither uses nor counts."""
INTERVAL = 5_000_000
"""µs between two ends of windows; a session lies between two of them."""
FLAGS = {
    "--window": "30",
    "--interval": str(INTERVAL // 1_000_000),
    "--lateness": "250",
    "--idle-timeout": "2000",
    "--min-events": "1",
    "--buffer-events": "1000",
}
"""What decides which events are in an output, whatever this host's settings are: EXPECTED is computed with these."""
KEYS = 24
MOVES = 60
PRESSED = 80
"""For how many ms each key of the session is down."""


@dataclass(frozen=True)
class Expected:
    """What a feature of the one output has to be."""

    feature: str
    value: float


EXPECTED = {
    "keystroke": (Expected("total_keys", KEYS), Expected("dwell_median", PRESSED)),
    "mouse": (Expected("click_2", 1),),
    "app": (Expected("duration_ms", 1000),),
}
"""By kind; of several outputs each."""


def begin(now_us: int) -> int:
    """When a session lies whose window is surely over: 1 ms after an end of windows, ten seconds ago or more."""
    return now_us // INTERVAL * INTERVAL - 2 * INTERVAL + 1000


def session(kind: str, start: int) -> Iterator[str]:
    """The events of a kind as JSON, in order; they take less than 5 s from `start` (µs)."""
    made = {"keystroke": _typing, "mouse": _moving, "app": _switching}[kind](start)
    for event in made:
        yield json.dumps({"type": kind, "dev_mode": True, **event})


def marker(session_id: str, now_us: int) -> str:
    """An event for the running extractors: read, ignored, uncounted, it moves no time and closes no window."""
    return json.dumps({"type": IGNORED, "ts": now_us, "session": session_id, "dev_mode": True})


def _typing(start: int) -> Iterator[dict[str, object]]:
    """Keys by class and slot, as a producer may name them: 24 presses, 150 ms from each to the next."""
    for number in range(KEYS):
        at = start + number * 150_000
        key = ("Left(1)", "Right(1)", "Space")[number % 3]
        yield {"ts": at, "key": key, "event": "press"}
        yield {"ts": at + PRESSED * 1000, "key": key, "event": "release"}


def _moving(start: int) -> Iterator[dict[str, object]]:
    for number in range(MOVES):
        yield {"ts": start + number * 20_000, "event": "move", "x": 100 + 3 * number, "y": 200 + number % 7}
    at = start + MOVES * 20_000
    yield {"ts": at, "event": "press", "button": "Left"}
    yield {"ts": at + 90_000, "event": "release", "button": "Left"}


def _switching(start: int) -> Iterator[dict[str, object]]:
    for number, name in enumerate(("seclyzer-test-a", "seclyzer-test-b", "seclyzer-test-a")):
        yield {"ts": start + number * 1_000_000, "app_name": name}
