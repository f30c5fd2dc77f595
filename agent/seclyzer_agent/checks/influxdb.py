"""Does InfluxDB answer? `GET /health`, which needs no token.

On an edge that only writes to it, a store that is away is a warning as long as the spools keep every point.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..http_client import BrokenOff, CannotConnect, HttpClient
from ..model import Entry, Facts, Pace, Reading, Status, Unreadable
from ..parse import flag
from ..spec import Context, Metric, Setting, Spec, Trial, value_of
from ..spool import kept
from ..tls import words


class Untrusted(Unreadable):
    """It shows a certificate that is not trusted."""

    finding = "store-untrusted"


@dataclass(frozen=True, slots=True)
class InfluxFacts:
    """`latency` of the request in s."""

    latency: float


class InfluxCheck:
    """The check `influxdb`. Its facts: InfluxFacts, none while it is away. `slow` in s.

    `extractors` are the checks whose spools stand in for it; none where it is part of the host itself. `other`: it is
    a server that speaks InfluxDB's interface for writing, of whose health no more is known than that it answers.
    """

    name = "influxdb"
    primary = Entry("responseTime", "influxdb", "datastore", Status.FAIL, "")

    def __init__(
        self,
        client: HttpClient,
        slow: float,
        facts: Facts | None = None,
        extractors: Sequence[str] = (),
        timeout: float = 5.0,
        other: bool = False,
    ) -> None:
        self._other = other
        self._client, self._slow, self._timeout = client, slow, timeout
        self._facts, self.after = facts, tuple(extractors)

    async def read(self) -> Reading:
        """Ask once. Raises Unreadable when there is no good answer and points may be lost by that."""
        try:
            return await self._ask()
        except Unreadable as away:
            if self._facts is None or not self.after:
                raise
            readings = [self._facts(extractor) for extractor in self.after]
            good, words = kept(reading.spool if reading is not None else None for reading in readings)
            if not good:
                lost = f"{away}; points are lost" if words else str(away)
                raise type(away)(f"{away}; {words}" if words else str(away), plain=lost) from None
            output, plain = f"InfluxDB {away}; {words}", f"InfluxDB {away}; no point is lost"
            entry = replace(self.primary, status=Status.WARN, output=output, plain=plain, finding=away.finding)
            return Reading((entry,))

    async def _ask(self) -> Reading:
        """One request, over a connection that is kept."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._client.get("/health")
        except CannotConnect as error:
            if self._client.socket:  # systemd's proxy logs whether it was the name or the store
                way = f"cannot be reached by {self._client.socket}"
                raise Unreadable(f"{way}: {why(error.error)} (journalctl -u seclyzer-store)") from None
            raise Unreadable(f"cannot be reached: {why(error.error)}") from None
        except BrokenOff as error:
            raise Unreadable(f"broke off the answer ({error})") from None
        except TimeoutError:
            raise Unreadable("does not answer") from None
        except ValueError as error:
            raise Untrusted(f"is not trusted: {words(error, self._client.host)}") from None
        latency, body = time.perf_counter() - began, answer.body
        if self._other and (200 <= answer.status < 300 or 400 <= answer.status < 500):
            return Reading((judge(latency, self._slow, "the store"),), InfluxFacts(latency))
        if answer.status < 400 and (answer.status != 200 or not _is_influxdb(body)):
            raise Unreadable(f"answers GET /health with {answer.status} as no InfluxDB 2 does: check influx_url")
        if answer.status != 200:
            raise Unreadable(f"answers GET /health with {answer.status}")
        if not _says_pass(body):
            raise Unreadable("does not say that it is ready for queries and writes")
        return Reading((judge(latency, self._slow),), InfluxFacts(latency))


def why(error: OSError) -> str:
    """The operating system's words for a failed connection."""
    return os.strerror(error.errno) if error.errno else str(error)[:100] or "no connection"


def _is_influxdb(body: bytes) -> bool:
    found = _document(body)
    return isinstance(found.get("status"), str) and found.get("name", "influxdb") == "influxdb"


def _says_pass(body: bytes) -> bool:
    return _document(body).get("status") == "pass"


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def judge(latency: float, slow: float, who: str = "InfluxDB") -> Entry:
    """The entry of an answer; `latency` and `slow` in s."""
    ms = latency * 1000
    status = Status.WARN if latency > slow else Status.PASS
    words = f"{who} answered in {ms:.1f} ms" + (f", more than {slow * 1000:g} ms" if status else "")
    return Entry("responseTime", "influxdb", "datastore", status, words, round(ms, 3), "ms")


def _make(context: Context) -> list[InfluxCheck]:
    settings = context.settings
    spools = () if settings.store else settings.extractors
    slow = settings.slow_milliseconds / 1000
    # Less than the check's own deadline: the check knows what a store that hangs means, its runner does not.
    timeout = 0.8 * settings.checks["influxdb"].deadline
    return [InfluxCheck(context.http, slow, context.facts, spools, timeout, settings.own["influx_other"])]


SPEC = Spec(
    names=("influxdb",),
    order=80,
    help="InfluxDB, here or on the store",
    pace=Pace(10, 5, rise=2, fall=2),
    measurements={
        "responseTime": "of `GET /health`. On an edge that is no store, InfluxDB away is `warn` as long as the spools "
        "keep every point, and its words say how much they hold; `fail` when points are lost, or when it is not known",
    },
    settings=(
        Setting(
            "influx_other",
            flag,
            False,
            "whether the store may be another server with InfluxDB's interface for writing: any answer to "
            "`GET /health` but redirects and 500 or more will do",
            shown="`false`",
        ),
    ),
    uses=("influx_url", "influx_socket", "influx_ca_file", "slow_milliseconds"),
    metrics=(
        Metric(
            "seclyzer_influxdb_up",
            "gauge",
            "1 when InfluxDB was ready at the last reading",
            lambda _, facts: [((), 0 if facts is None else 1)],
            state=True,
            when_unread=True,
        ),
        Metric(
            "seclyzer_influxdb_health_seconds",
            "gauge",
            "Time that GET /health took",
            value_of(lambda facts: facts.latency),
        ),
    ),
    trial=Trial(),
    make=_make,
)
