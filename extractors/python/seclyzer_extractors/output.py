"""Rows to text: the JSON to publish and the InfluxDB line to store, names and order from the schema."""

import json
import re
from typing import Any

from msgspec.json import Encoder

from . import schema
from .core import Row
from .timestamp import timestamp

_SEPARATORS = (",", ":")
_encode = Encoder().encode  # an eighth of the time of `json.dumps`
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_SEPARATING = re.compile("([,= ])")


def dumps(document: dict[str, Any]) -> str:
    """Compact JSON without NaN, in the order given."""
    return json.dumps(document, ensure_ascii=False, separators=_SEPARATORS, allow_nan=False)


def _signature(ts: int | None, type_name: str) -> dict[str, Any]:
    """What every published object ends with."""
    return {
        "timestamp": None if ts is None else timestamp(ts),
        "ts": ts,
        "type": type_name,
        "schema": schema.schema_version(),
        "implementation": schema.IMPLEMENTATION,
        "version": schema.version(),
    }


def feature_json(kind: schema.Kind, row: Row) -> str:
    """The flat JSON object of one window or transition."""
    record: dict[str, Any] = {feature.name: value for feature, value in zip(kind.features, row.values, strict=True)}
    record.update(_signature(row.ts, kind.name))
    return str(_encode(record), "utf-8")


def patterns_json(document: dict[str, Any], last_taken: int | None) -> str:
    """The app tracker's last line of a replay: the patterns, as of the last event taken."""
    return dumps({**document, **_signature(last_taken, "app_patterns")})


def tag(value: str) -> str:
    """A tag's value as line protocol has it.

    A tag can hold no control character, and no backslash before a separator or at its end: the first becomes
    `_`, the second `/`.
    """
    return _SEPARATING.sub(r"\\\1", _CONTROL.sub("_", value).replace("\\", "/"))


def line_ts(line: bytes) -> int | None:
    """The time (µs) at the end of a line of line protocol; None when there is none."""
    tail = line.rpartition(b" ")[2]
    return int(tail) if tail.isdigit() and len(tail) < 19 else None


class LineProtocol:
    """The InfluxDB line of a row: all features are floats, time is in µs (`precision=us`)."""

    def __init__(self, kind: schema.Kind, user_id: str, device_id: str, host: str) -> None:
        own = {"user_id": user_id, "device_id": device_id, "host": host}
        tags = "".join(f",{name}={tag(own[name])}" for name in kind.tags if name in own)
        self._start = kind.measurement + tags
        self._features = kind.features
        self._tags = frozenset(kind.tags)
        self._end = f'implementation="{schema.IMPLEMENTATION}",schema={schema.schema_version()}i'

    def line(self, row: Row) -> str:
        tags, fields = "", ""
        for feature, value in zip(self._features, row.values, strict=True):
            if feature.name in self._tags:
                tags += f",{feature.name}={tag(str(value))}"
            else:
                fields += f"{feature.name}={int(value) if value is True or value is False else value!r},"
        return f"{self._start}{tags} {fields}{self._end} {row.ts}"
