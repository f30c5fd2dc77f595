"""Rows to text: the JSON to publish and the InfluxDB line to store, names and order from the schema."""

import json
import re
from typing import Any

from msgspec.json import Encoder

from . import schema
from .core import Row

SECOND_US = 1_000_000
DAY_S = 86_400
_SEPARATORS = (",", ":")
_encode = Encoder().encode  # an eighth of the time of `json.dumps`
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_SEPARATING = re.compile("([,= ])")


def timestamp(us: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ` of µs since the Unix epoch; the last window may end in the year 10000."""
    seconds, micros = divmod(us, SECOND_US)
    days, rest = divmod(seconds, DAY_S)
    year, month, day = _civil(days)
    hour, minute, second = rest // 3600, rest // 60 % 60, rest % 60
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01 in the Gregorian calendar.

    Years are counted from March, in eras of 400 years, so that the leap day comes last.
    """
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    return era * 400 + year_of_era + (month <= 2), month, day


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
