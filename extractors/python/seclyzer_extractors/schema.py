"""The spec as data: kinds and features of `features.json` and `kinds.json`; `document` reads any file of `schema/`."""

import json
import os
from dataclasses import dataclass
from functools import cache
from typing import Any

IMPLEMENTATION = "python"
_HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: `kind` is `number` (float64), `count` (integer), `bool` or `string`."""

    name: str
    unit: str
    kind: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What one extractor is about: `keystroke`, `mouse` or `app`."""

    name: str
    program: str
    min_events: int  # these two are defaults of settings
    buffer_events: int
    session_after: int  # so many late events in a row begin a new session
    channel: str
    measurement: str
    tags: tuple[str, ...]
    device_id: str | None
    features: tuple[Feature, ...]

    @property
    def stream_key(self) -> str:
        return f"seclyzer:stream:{self.name}"

    @property
    def cursor_key(self) -> str:
        return f"seclyzer:cursor:{self.name}"

    @property
    def stats_key(self) -> str:
        return f"seclyzer:stats:{self.name}"


@cache
def version() -> str:
    """The version of the whole project; it stands once, in the root's VERSION file."""
    with open(os.path.join(_HERE, "VERSION"), encoding="utf-8") as file:
        return file.read().strip()


@cache
def schema_version() -> int:
    """The version of the contract that features are made by."""
    return int(document("features")["schema"])


@cache
def state_version(name: str) -> int:
    """The version of a state that outlives a restart: `spool`, `cursor` or `app`."""
    return {one["name"]: int(one["version"]) for one in document("state")["states"]}[name]


@cache
def kinds() -> tuple[Kind, ...]:
    """All kinds, in the order of `kinds.json`."""
    made = []
    for own in document("kinds")["kinds"]:
        entry = document("features")["kinds"][own["name"]]
        made.append(
            Kind(
                name=own["name"],
                program=own["program"],
                min_events=own["min_events"],
                buffer_events=own["buffer_events"],
                session_after=own["session_after"],
                channel=entry["channel"],
                measurement=entry["measurement"],
                tags=tuple(entry["tags"]),
                device_id=entry["device_id"],
                features=tuple(Feature(one["name"], one["unit"], one["kind"]) for one in entry["features"]),
            )
        )
    return tuple(made)


@cache
def kind(name: str) -> Kind:
    """The description of `keystroke`, `mouse` or `app`; KeyError for anything else."""
    return {one.name: one for one in kinds()}[name]


@cache
def document(name: str) -> dict[str, Any]:
    """A file of the spec, as it stands: `features`, `kinds`, `settings`, `state`, `stats`, `log` or `waits`."""
    with open(os.path.join(_HERE, "schema", f"{name}.json"), encoding="utf-8") as file:
        read: dict[str, Any] = json.load(file)
        return read
