"""One run of the whole way: events fed on an edge, what its Redis gave out, what the store holds of it."""

import json
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hostchecks.features import KINDS, Window, replay
from hostchecks.host import Host, name, run_on
from hostchecks.polling import poll
from hostchecks.systemd import EXTRACTORS
from lab.generate import events as generate
from lab.generate import line

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SEED = 20_240_229
LENGTH = 45.0
# The last window of what was fed before ends at most 5 s after its last event.
APART = 6.0
# Between them two edges take every kind of event by either way.
WAYS = [
    {"keystroke": "stream", "mouse": "pubsub", "app": "stream"},
    {"keystroke": "pubsub", "mouse": "stream", "app": "pubsub"},
]
MEASUREMENTS = {"keystroke": "keystroke_features", "mouse": "mouse_features", "app": "app_transitions"}


@dataclass(frozen=True)
class Fed:
    """What went in from `start` (µs) on, what came out of the edge, and what should have."""

    start: int
    events: dict[str, list[str]]
    expected: dict[str, list[Window]]
    published: dict[str, list[Window]]
    listed: dict[str, list[Window]]
    stats: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Flow(Fed):
    """And what came to the store."""

    stored: dict[str, list[Window]]


def run(edge: Host, store: Host, by: dict[str, str], seed: int = SEED) -> Flow:
    """Feed an edge, and gather what came to the store."""
    fed = feed(edge, by, seed)
    return Flow(**vars(fed), stored=gather(edge, store, fed.start, fed.expected))


def feed(edge: Host, by: dict[str, str], seed: int = SEED) -> Fed:
    """Feed an edge 45 s of a person's events that ended just now.

    The extractors are started anew and without memory first: stream time never goes back, so what they had seen, or
    only waited for, would make a fed event late.
    """
    _wait_until_apart(edge)
    units = " ".join(EXTRACTORS.values())
    edge.check_output(f"systemctl stop {units}")
    run_on(edge, "forget", "resp")
    edge.check_output(f"systemctl start {units}")
    start = time.time_ns() // 1000 - int(LENGTH * 1e6)
    events = _events(seed, start)
    everything = [event for kind in KINDS for event in events[kind]]
    expected = {kind: replay("rust", kind, everything) for kind in KINDS}
    required = {kind: len(expected[kind]) for kind in KINDS}
    raw = run_on(edge, "flow", "resp", events=events, by=by, expected=required, seconds=20)
    texts: dict[str, dict[str, list[str]]] = {way: raw[way] for way in ("published", "listed")}
    parsed = {way: {kind: [json.loads(text) for text in texts[way][kind]] for kind in KINDS} for way in texts}
    return Fed(
        start=start,
        events=events,
        expected=expected,
        published=parsed["published"],
        listed={kind: list(reversed(parsed["listed"][kind])) for kind in KINDS},
        stats=raw["stats"],
    )


def gather(edge: Host, store: Host, start: int, expected: dict[str, list[Window]]) -> dict[str, list[Window]]:
    """What the store holds of an edge since `start` (µs), once there is as much as expected, or after 10 s."""
    return {kind: stored(store, name(edge), kind, start, len(expected[kind])) for kind in KINDS}


def _events(seed: int, start: int) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for event in generate(seed, LENGTH):
        made[str(event.fields["type"])].append(line(event, start).rstrip("\n"))
    return made


def _wait_until_apart(edge: Host) -> None:
    stats: dict[str, dict[str, str]] = run_on(edge, "stats", "resp")
    last = max(int(values.get("last_event_ts", 0)) for values in stats.values())
    time.sleep(max(0.0, last / 1e6 + APART + LENGTH - time.time()))


def stored(store: Host, edge: str, kind: str, start: int, required: int) -> list[Window]:
    """The points of that time, as windows in order; waits up to 10 s for the last batch."""

    def read() -> list[Window]:
        stop = time.time_ns() // 1000 + 10_000_000
        rows = run_on(store, "query", measurement=MEASUREMENTS[kind], host=edge, start=start, stop=stop)
        points: dict[tuple[str, ...], Window] = {}
        for row in rows:
            tags = {tag: value for tag, value in row.items() if tag[0] != "_" and tag not in ("result", "table")}
            point = points.setdefault((row["_time"], *tags.values()), {"_time": row["_time"], **tags})
            point[row["_field"]] = row["_value"]
        return [points[key] for key in sorted(points)]

    return poll(read, lambda found: len(found) >= required, 10)


def microseconds(time_of_point: str) -> int:
    """InfluxDB's time of a point as `ts` counts."""
    return (datetime.fromisoformat(time_of_point.replace("Z", "+00:00")) - EPOCH) // timedelta(microseconds=1)


def counts(windows: list[Window]) -> Counter[Any]:
    """How often each window came, by its time."""
    return Counter(window["ts"] for window in windows)
