"""What the store holds of marked sessions: a host that has the operator's token reads it, an edge may only write."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from plugins.module_utils import credentials, existing, influxdb_api, influxdb_points, store_way
from plugins.module_utils.influxdb_api import InfluxDB
from plugins.module_utils.layout import Refused
from plugins.module_utils.selection import Selection

from .exits import UNKNOWN, WELL, Stop
from .host import Host
from .marked_events import USER
from .probes import store
from .screen import Screen

GATEWAY = Path("/etc/seclyzer/gateway/nginx.conf")
"""The configuration of the gateway, which names the InfluxDB behind it: one of ours, or one that was there."""
BACKEND = re.compile(r"^\s*server (127\.0\.0\.1:[0-9]+)[ ;]", re.MULTILINE)


def run(screen: Screen, host: Host) -> int:
    """On a store: what arrived of the marked sessions of all edges; 3 when nothing has."""
    try:
        found = days(host)
    except (Refused, influxdb_api.Away) as fault:
        raise Stop(f"the store cannot be read: {fault}") from None
    screen.document({"host": host.name, "user": USER, "points": found})
    screen.line(f"{screen.paint(host.name, 'bold')}: points of the user {USER}, by host, measurement and day")
    for edge, measurements in sorted(found.items()):
        for name, counts in measurements.items():
            for day, count in sorted(counts.items()):
                screen.line(f"  {edge:<20} {name:<20} {day}  {count}")
    if not found:
        screen.line("  none: sudo seclyzer test-events on an edge sends some")
    return WELL if found else UNKNOWN


def days(host: Host) -> influxdb_points.Days:
    """How many points there are of each host, measurement and day. Raises Refused, Away."""
    return _points(host).days(Selection(USER, "", 0, 0))


def proven(stage: Callable[[str, Callable[[], str]], None], host: Host) -> str:
    """Reads the points back where this host can; what was proven, in a sentence."""
    if not Path(existing.TOKEN).exists():
        return (
            "Proven: producers get in, the running extractors read, and the store confirmed the points of a session "
            "that went through the same programs, settings and credentials. Not proven: that it still has them, for "
            f"{host.name} may only write. On the store: sudo seclyzer test-events"
        )

    def read() -> str:
        try:
            found = days(host)
        except influxdb_api.Away as fault:
            raise Refused(str(fault)) from None
        counts = [count for of_kind in found.values() for by_day in of_kind.values() for count in by_day.values()]
        if not counts:
            raise Refused(f"InfluxDB has no point of the user {USER}")
        return f"InfluxDB has {sum(counts)} points of the user {USER}"

    stage("store → read back", read)
    return "Proven from the producer to a query."


def backend(configuration: Path) -> str:
    """The URL of the InfluxDB behind the gateway. Raises Refused."""
    try:
        found = BACKEND.search(configuration.read_text())
    except OSError as fault:
        raise Refused(f"where InfluxDB listens is not known: {configuration}: {fault.strerror}") from None
    if found is None:
        raise Refused(f"where InfluxDB listens is not known: {configuration} names no server")
    return f"http://{found[1]}"


def _points(host: Host) -> influxdb_points.Points:
    token = credentials.read_provided(existing.TOKEN)
    if token is None:
        raise Refused(f"{existing.TOKEN} is missing: only a store reads what is stored")
    way = store.way(host)
    org, bucket = (way.org, way.bucket) if way else tuple(store_way.DEFAULTS.values())
    return influxdb_points.Points(InfluxDB(backend(GATEWAY)), token, org, bucket)
