"""The features as data: names, order, units, channels, measurements; from the shared `features.json`."""

import json
import os
from dataclasses import dataclass
from functools import cache

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
    return int(_document()["schema"])


@cache
def kind(name: str) -> Kind:
    """The description of `keystroke`, `mouse` or `app`; KeyError for anything else."""
    entry = _document()["kinds"][name]
    features = tuple(Feature(one["name"], one["unit"], one["kind"]) for one in entry["features"])
    tags = tuple(entry["tags"])
    return Kind(name, entry["channel"], entry["measurement"], tags, entry["device_id"], features)


@cache
def _document():  # type: ignore[no-untyped-def]  # JSON as it stands in the file
    with open(os.path.join(_HERE, "schema", "features.json"), encoding="utf-8") as file:
        return json.load(file)
