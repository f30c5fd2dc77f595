"""The points of a selection in InfluxDB: counted, exported as annotated CSV, deleted. All names are quoted strictly."""

from __future__ import annotations

import csv
import io
import re
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import IO

from . import kinds
from .influxdb_api import Away, InfluxDB
from .layout import Refused
from .selection import SECOND_US, Selection

MEASUREMENTS = tuple(kinds.MEASUREMENTS.values())
FIRST = "1970-01-01T00:00:00Z"
LAST = "2262-04-11T23:47:16.854775806Z"  # the greatest time InfluxDB takes
EACH_POINT = "schema"  # a field that every point has once
DELETIONS = 5
PAUSE_SECONDS = 1.0

Days = dict[str, dict[str, dict[str, int]]]
"""host -> measurement -> day (`2026-11-28`, in UTC) -> points"""


class Points:
    """The points of one bucket."""

    def __init__(self, influxdb: InfluxDB, token: str, org: str, bucket: str) -> None:
        self._influxdb = influxdb
        self._token = token
        self._org = org
        self._bucket = bucket

    def count(self, chosen: Selection) -> dict[str, int]:
        """How many points of each measurement there are; a point counts while any of its fields is left."""
        counts = dict.fromkeys(MEASUREMENTS, 0)
        for measurement in MEASUREMENTS:
            flux = f"""{self._from(chosen, measurement)}
                |> count() |> group(columns: ["_field"]) |> sum()"""
            counts[measurement] = max((int(row["_value"]) for row in self._rows(flux)), default=0)
        return counts

    def totals(self) -> dict[str, int]:
        """How many points of each measurement there are, of all persons."""
        flux = f"""from(bucket: {text(self._bucket)})
            |> range(start: time(v: {text(FIRST)}), stop: time(v: {text(LAST)}))
            |> filter(fn: (r) => r._field == {text(EACH_POINT)})
            |> count() |> group(columns: ["_measurement"]) |> sum()"""
        found = {row["_measurement"]: int(row["_value"]) for row in self._rows(flux)}
        return {measurement: found.get(measurement, 0) for measurement in MEASUREMENTS}

    def days(self, chosen: Selection) -> Days:
        """How many points there are of each host, measurement and day."""
        found: Days = defaultdict(lambda: defaultdict(dict))
        for measurement in MEASUREMENTS:
            flux = f"""{self._from(chosen, measurement)}
                |> filter(fn: (r) => r._field == {text(EACH_POINT)})
                |> window(every: 1d) |> count() |> group(columns: ["host", "_start"]) |> sum()"""
            for row in self._rows(flux):
                day = row["_start"][:10]
                known = found[row["host"]][measurement]
                known[day] = known.get(day, 0) + int(row["_value"])
        return {host: {name: dict(days) for name, days in of_host.items()} for host, of_host in found.items()}

    def hosts(self) -> set[str]:
        """Every host that has points."""
        flux = f"""import "influxdata/influxdb/schema"
            schema.tagValues(bucket: {text(self._bucket)}, tag: "host", start: time(v: {text(FIRST)}))"""
        return {row["_value"] for row in self._rows(flux)}

    def delete(self, chosen: Selection) -> None:
        """Delete them; a write that was under way is deleted as well. Raises Refused when points stay."""
        for attempt in range(DELETIONS):
            if attempt:
                time.sleep(PAUSE_SECONDS)
            for measurement in MEASUREMENTS:
                start, stop = bounds(chosen, inclusive=True)
                wish = {"start": start, "stop": stop, "predicate": predicate(chosen, measurement)}
                self._influxdb.must("POST", "/api/v2/delete", self._token, wish, org=self._org, bucket=self._bucket)
            if not any(self.count(chosen).values()):
                return
        raise Refused(f"InfluxDB still has points of this selection after {DELETIONS} deletions: run it again")

    def export(self, chosen: Selection, measurement: str, day: str) -> Iterator[list[str]]:
        """The rows of a day's points as annotated CSV, one row a point; a day bounds what InfluxDB has in memory."""
        start = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * SECOND_US
        stop = start + int(timedelta(days=1).total_seconds()) * SECOND_US
        part = Selection(chosen.user, chosen.host, max(chosen.since, start), min(chosen.until or stop, stop))
        flux = f"""{self._from(part, measurement)}
            |> drop(columns: ["_start", "_stop"])
            |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")"""
        return self._answer(flux, ["group", "datatype", "default"])

    def _from(self, chosen: Selection, measurement: str) -> str:
        """The points as Flux. Raises Refused for a selection of all persons."""
        start, stop = bounds(chosen, inclusive=False)
        which = " and ".join(f"r.{name} == {text(value)}" for name, value in _origin(chosen, measurement))
        return f"""from(bucket: {text(self._bucket)})
            |> range(start: time(v: {text(start)}), stop: time(v: {text(stop)}))
            |> filter(fn: (r) => {which})"""

    def _rows(self, flux: str) -> Iterator[dict[str, str]]:
        """Rows by column."""
        names: list[str] = []
        for row in self._answer(flux, []):
            if not row:
                names = []
            elif not names:
                names = row
            else:
                yield dict(zip(names, row, strict=True))

    def _answer(self, flux: str, annotations: list[str]) -> Iterator[list[str]]:
        """Lines of CSV as they come; an empty list parts tables."""
        dialect = {"annotations": annotations, "header": True}
        path = f"/api/v2/query?{urllib.parse.urlencode({'org': self._org})}"
        with closing(self._influxdb.stream("POST", path, self._token, {"query": flux, "dialect": dialect})) as answer:
            yield from csv_lines(answer)


def csv_lines(answer: IO[bytes]) -> Iterator[list[str]]:
    """CSV of InfluxDB's by line. Raises Refused for an error that it put into its answer, Away when cut off."""
    try:
        for row in csv.reader(io.TextIOWrapper(answer, "utf-8", newline="")):
            if row[1:3] == ["error", "reference"]:
                raise Refused("InfluxDB could not answer the whole query; its journal says why")
            yield row
    except OSError as error:
        raise Away(str(error)) from error


def predicate(chosen: Selection, measurement: str) -> str:
    """The predicate of a deletion, which knows only `=` and AND."""
    pairs = _origin(chosen, measurement)
    return " AND ".join(f"{name}={quoted(value)}" for name, value in pairs)


def text(value: str) -> str:
    """A string literal of Flux: whatever is no letter, digit or underscore of ASCII stands as bytes."""
    return '"' + re.sub(rb"[^A-Za-z0-9_]", lambda found: b"\\x%02x" % found[0][0], value.encode()).decode() + '"'


def quoted(value: str) -> str:
    """A string of a deletion's predicate. Raises Refused for a line's end, which it cannot hold and no tag has."""
    if re.search("[\x00-\x1f\x7f]", value):
        raise Refused(f"{value!r} holds a control character, which no tag of ours does")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def bounds(chosen: Selection, *, inclusive: bool) -> tuple[str, str]:
    """The times as InfluxDB reads them; a deletion takes its end in, a query does not."""
    start = _time(chosen.since) if chosen.since else FIRST
    if not chosen.until:
        return start, LAST
    return start, _time(chosen.until - 1, "999") if inclusive else _time(chosen.until)


def _origin(chosen: Selection, measurement: str) -> list[tuple[str, str]]:
    """Names and values that a point has to have. Raises Refused when neither a user nor a host is chosen."""
    if not chosen.user and not chosen.host:
        raise Refused("neither a user nor a host is chosen, which would select all persons")
    pairs = [("_measurement", measurement), ("user_id", chosen.user), ("host", chosen.host)]
    return [(name, value) for name, value in pairs if value]


def _time(us: int, rest: str = "") -> str:
    moment = datetime(1970, 1, 1) + timedelta(microseconds=us)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}{rest}Z"
