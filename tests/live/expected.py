"""What is to come out: what the program itself replays from the same events, and the same as points."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from tests.helpers import ROOT

from .events import SECRET
from .extractor import environment, program

_FEATURES = json.loads((ROOT / "extractors" / "schema" / "features.json").read_text())
SCHEMA = _FEATURES["kinds"]
NO_FIELDS = {"timestamp", "ts", "type", "schema", "implementation", "version"}

Json = dict[str, Any]
Key = tuple[int, str, str]  # when, and for applications from which to which


@dataclass(frozen=True)
class Replay:
    """The texts that are to be published, the patterns (applications only), and the counters."""

    texts: list[str]
    patterns: Json
    counters: dict[str, Any]


def replay(implementation: str, kind: str, events: Iterable[bytes]) -> Replay:
    """What the program makes of the events off-line."""
    return replay_with(implementation, kind, events, {})


def replay_with(implementation: str, kind: str, events: Iterable[bytes], settings: dict[str, str]) -> Replay:
    """The same, with these variables in its environment."""
    return _replay(implementation, kind, b"".join(event + b"\n" for event in events), tuple(settings.items()))


@cache
def _replay(implementation: str, kind: str, events: bytes, settings: tuple[tuple[str, str], ...]) -> Replay:
    words = [program(implementation, kind), "--replay", "-", "--stats"]
    env = environment(**dict(settings))
    done = subprocess.run(words, input=events, capture_output=True, env=env, timeout=60, check=True)
    texts = done.stdout.decode().splitlines()
    patterns = json.loads(texts.pop()) if kind == "app" else {}
    return Replay(texts, patterns, json.loads(done.stderr.decode().splitlines()[-1]))


def key_of(row: Json) -> Key:
    """What tells a row from others of its kind."""
    return row["ts"], row.get("from_app", ""), row.get("to_app", "")


@dataclass
class Point:
    """A point as InfluxDB has it."""

    measurement: str
    tags: dict[str, str]
    fields: Json = field(default_factory=dict)


def point_of(kind: str, text: str, host: str) -> tuple[Key, Point]:
    """The point that belongs to a published text: numbers are floats, but for the schema."""
    row = json.loads(text)
    known = {"user_id": "default", "device_id": SCHEMA[kind].get("device_id", ""), "host": host, **row}
    tags = {name: str(known[name]) for name in SCHEMA[kind]["tags"]}
    point = Point(SCHEMA[kind]["measurement"], tags)
    point.fields = {name: float(value) for name, value in row.items() if name not in {*NO_FIELDS, *tags}}
    point.fields |= {"implementation": row["implementation"], "schema": _FEATURES["schema"]}
    return key_of(row), point


def points_of(rows: list[Json], measurement: str) -> dict[Key, Point]:
    """The points of one measurement, from InfluxDB's rows of one field each."""
    points: dict[Key, Point] = {}
    for row in rows:
        if row["_measurement"] != measurement:
            continue
        tags = {
            name: value for name, value in row.items() if name in ("user_id", "device_id", "host", "from_app", "to_app")
        }
        at = datetime.fromisoformat(row["_time"])
        key = round(at.timestamp() * 1e6), tags.get("from_app", ""), tags.get("to_app", "")
        point = points.setdefault(key, Point(measurement, tags))
        assert row["_field"] not in point.fields, f"two series for one point: {point} {row}"
        point.fields[row["_field"]] = row["_value"]
    return points


def same(left: object, right: object) -> bool:
    """Equal, and of the same types: 1 is not 1.0, and not true."""
    return repr(left) == repr(right)


def assert_silent(reported: str) -> None:
    """No name of a key or of an application."""
    assert SECRET not in reported, [line for line in reported.splitlines() if SECRET in line]
