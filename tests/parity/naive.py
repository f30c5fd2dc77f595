"""docs/contract.md, transcribed a third time: a whole stream in, what `--replay` and `--stats` write out.

Batch, slow and plain on purpose. Rows have the keys of contract 4.1 in their order, without `implementation`
and `version`, which differ by design.
"""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass

from . import naive_apps, naive_keystroke, naive_mouse
from .naive_parse import Event, Malformed, read_message
from .naive_windows import Times, sessions, windows
from .settings import Settings

COUNTERS = (
    "events", "malformed", "future", "ancient", "late", "behind", "dropped", "sessions", "windows", "windows_short",
)  # fmt: skip
FEATURES = {"keystroke": naive_keystroke.features, "mouse": naive_mouse.features}

Row = dict[str, object]


@dataclass(frozen=True)
class Result:
    rows: list[Row]
    counters: dict[str, int]


def messages(raw: bytes) -> list[bytes]:
    """The messages of a JSON-lines file: one a line, line endings removed, empty lines passed over."""
    lines = raw.split(b"\n")
    ended, last = lines[:-1], lines[-1]
    return [line for line in [*(part.removesuffix(b"\r") for part in ended), last] if line]


def timestamp(ts: int) -> str:
    """µs since the epoch as `YYYY-MM-DDTHH:MM:SS.ffffffZ`; the year may need a fifth digit."""
    beyond = 253402300800000000  # 10000-01-01; 400 years repeat the calendar
    years, days = (400, 146097) if ts >= beyond else (0, 0)
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(days=-days, microseconds=ts)
    return f"{moment.year + years:04d}-{moment:%m-%dT%H:%M:%S.%f}Z"


def run(settings: Settings, raw: bytes, seen: Counter[str] | None = None) -> Result:
    """Replays `raw`; what occurred on the way is counted in `seen`."""
    seen = Counter() if seen is None else seen
    counters = dict.fromkeys(COUNTERS, 0)
    events: list[Event] = []
    for message in messages(raw):
        try:
            event = read_message(message)
        except Malformed:
            counters["malformed"] += 1
            continue
        if event is not None and event.type == settings.kind:
            events.append(event)
    counters["events"] = len(events)
    counters["last_event_ts"] = events[-1].ts if events else 0
    times = Times(settings.window_ms * 1000, settings.interval_ms * 1000, settings.lateness_ms * 1000)
    if settings.kind == "app":
        rows = app_rows(settings, events, times, counters, seen)
        emitted = [row for row in rows if row["type"] == "app"]
    else:
        rows = emitted = window_rows(settings, events, times, counters, seen)
    counters["windows"] = len(emitted)
    last = emitted[-1]["ts"] if emitted else 0
    assert isinstance(last, int)
    counters["last_window_ts"] = last
    return Result(rows, counters)


def finished(row: Row, ts: int | None, kind: str) -> Row:
    """The row with the fields that every output ends with."""
    row.pop("ts", None)
    return {**row, "timestamp": None if ts is None else timestamp(ts), "ts": ts, "type": kind, "schema": 2}


def window_rows(
    settings: Settings, events: list[Event], times: Times, counters: dict[str, int], seen: Counter[str]
) -> list[Row]:
    rows: list[Row] = []
    ends: set[int] = set()
    for session in sessions(events, times, counters, seen):
        for window in windows(session, times, settings.min_events, settings.buffer_events, counters, seen):
            if not window.emitted:
                continue
            row = FEATURES[settings.kind](window.events, times.window, seen)
            row["dev_mode"] = settings.dev_mode or any(event.dev for event in window.events)
            seen["window in developer mode by an event"] += any(event.dev for event in window.events)
            seen["a window's end that comes again"] += window.end in ends
            seen["window that ends after the year 9999"] += window.end >= 253402300800000000
            ends.add(window.end)
            rows.append(finished(row, window.end, settings.kind))
    return rows


def app_rows(
    settings: Settings, events: list[Event], times: Times, counters: dict[str, int], seen: Counter[str]
) -> list[Row]:
    groups = naive_apps.taken(events, times, settings.buffer_events, counters, seen)
    transitions, patterns = naive_apps.track(groups, settings.dev_mode, seen)
    rows = []
    for row in transitions:
        ts = row["ts"]
        assert isinstance(ts, int)
        rows.append(finished(row, ts, "app"))
    last = patterns["ts"]
    assert last is None or isinstance(last, int)
    return [*rows, finished(patterns, last, "app_patterns")]
