"""Whether data can flow on this host: asked of the parts themselves, until all say yes or the time is up.

What should run is read from the running deployment, so the same question can be asked by Ansible and on the host.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.error
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import by_socket, deployments, direct, systemd
from .files import read
from .layout import STORE_PROXY, Layout, Refused, is_socket
from .resp import Redis, RedisAway, RedisError

PASSWORD = Path("/etc/seclyzer/credentials/redis-agent")
FULLNESS = {"redis:memory", "redis:connections"}
"""What producers fill. It was so before a switch, or came by chance, and going back would not mend it."""
STATE = ("ActiveState", "SubState", "MainPID", "Result", "Type")


@dataclass
class Health:
    """One look at a host: what runs, in words, what is wrong, in sentences; `spools`: the agent says that InfluxDB is
    away and every point is kept.
    """

    running: list[str] = field(default_factory=list)
    spools: bool = False
    faults: list[str] = field(default_factory=list)
    warns: bool = False
    journals: dict[str, list[str]] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)

    def summary(self) -> str:
        """One line."""
        return ", ".join(self.running)


@dataclass(frozen=True)
class Target:
    """What should be found: from the running deployment's manifest and units."""

    version: str
    implementations: Mapping[str, str]
    units: Mapping[str, str]
    probes: Mapping[str, str]
    without_store: bool = False

    @classmethod
    def of(cls, layout: Layout, without_store: bool = False) -> Target:
        """The deployment that runs; `without_store`: InfluxDB may be away as long as no point is lost by that."""
        n = deployments.current(layout)
        found = deployments.manifest(layout, n)
        if n is None or found is None:
            raise Refused("nothing is deployed on this host; site.yml deploys")
        wanted = deployments.load(layout, n)
        return cls(wanted.version, wanted.implementations, wanted.units, wanted.probes, without_store)


def wait(target: Target, seconds: float, settle: float = 0.0, pause: float = 0.5) -> Health:
    """Looks until all is well or the time is up; the last look comes back.

    A warning is no fault. But right after a switch the agent may still speak of what ran before, so within `settle`
    seconds a warning is looked at again.
    """
    start = time.monotonic()
    while True:
        found = look(target)
        patience = seconds if found.faults else min(settle, seconds) if found.warns else 0.0
        if time.monotonic() - start >= patience:
            return found
        time.sleep(pause)


def look(target: Target) -> Health:
    """One look at everything."""
    found = Health()
    _units(target, found)
    parts: list[Callable[[Target, Health], None]] = []
    if "redis_socket" in target.probes:
        parts.append(_extractors)
    if "agent" in target.probes:
        parts.append(_agent)
    if "influx_url" in target.probes:
        parts.append(_influxdb)
    for part in parts:
        part(target, found)
    return found


def _units(target: Target, found: Health) -> None:
    states = systemd.show(sorted(target.units), STATE)
    for unit in sorted(target.units):
        state = states.get(unit, {})
        if state.get("ActiveState") != "active":
            result = state.get("Result", "")
            why = f" ({result})" if result not in ("", "success") else ""
            found.faults.append(f"{unit} is {state.get('ActiveState', 'not there')}/{state.get('SubState', '')}{why}")
            found.journals[unit] = systemd.journal(unit)
        if not is_socket(unit):
            found.pids[unit] = int(state.get("MainPID") or 0)


def _extractors(target: Target, found: Health) -> None:
    password = (read(PASSWORD) or "").strip()
    try:
        with Redis(target.probes["redis_socket"], "agent", password, timeout=2.0) as redis:
            stats = {kind: redis.pairs("HGETALL", f"seclyzer:stats:{kind}") for kind in target.implementations}
    except (RedisError, RedisAway) as fault:
        found.faults.append(f"Redis does not answer: {fault}")
        return
    for kind, wanted in target.implementations.items():
        unit = f"seclyzer-{kind}.service"
        seen = stats[kind]
        problem = _heartbeat(seen, wanted, target.version, found.pids.get(unit, 0))
        if problem:
            found.faults.append(f"{kind}: {problem}")
            found.journals.setdefault(unit, systemd.journal(unit))
        else:
            found.running.append(f"{kind}={wanted}")


def _heartbeat(seen: Mapping[str, str], implementation: str, version: str, pid: int) -> str:
    """What is wrong with an extractor's stats hash; empty when nothing is."""
    if not seen:
        return "writes no heartbeat (seclyzer:stats is empty)"
    if seen.get("pid") != str(pid):
        return f"the heartbeat is of process {seen.get('pid')}, the unit's is {pid}"
    if seen.get("implementation") != implementation:
        return f"{seen.get('implementation')} runs where {implementation} should"
    if seen.get("version") != version:
        return f"version {seen.get('version')} runs where {version} should"
    return ""


def _agent(target: Target, found: Health) -> None:
    address = target.probes["agent"]
    try:
        with direct.opener().open(f"http://{address}/healthz", timeout=3) as answer:
            report = json.load(answer)
    except urllib.error.HTTPError as refusal:
        report = _json(refusal)
        if not report:
            found.faults.append(f"the agent answers {refusal.code} without a report")
            return
    except (OSError, ValueError) as fault:
        found.faults.append(f"the agent does not answer on {address}: {fault}")
        return
    found.spools = _statuses(report, "influxdb") == {"warn"}
    status = str(report.get("status"))
    words = _said(report, "fail" if status == "fail" else "warn")
    fails = _fails(report)
    if fails and fails <= FULLNESS:
        found.running.append(f"agent fail ({short(words)}), which is none of this deployment's doing")
    elif status == "fail":
        found.faults.append(f"the agent says fail: {words}")
    else:
        found.warns = status == "warn"
        found.running.append(f"agent {status}" + (f" ({short(words)})" if status == "warn" and words else ""))


def _influxdb(target: Target, found: Health) -> None:
    url, way = target.probes["influx_url"], target.probes.get("influx_socket")
    ca = target.probes.get("influx_ca_file") or None
    try:
        if way:
            status = by_socket.status_of(f"{url}/health", way, ca, 5)
            if status != 200:
                raise OSError(f"status {status}")
        else:  # a deployment from before there were sockets
            context = ssl.create_default_context(cafile=ca) if url.startswith("https:") else None
            with direct.opener(context).open(f"{url}/health", timeout=5) as answer:
                answer.read()
        found.running.append("InfluxDB answers")
    except (OSError, ValueError, http.client.HTTPException) as fault:
        if target.without_store and found.spools:
            found.running.append("InfluxDB is away, points are kept")
            return
        where = f"{url} by {way}" if way else url
        why = fault.reason if isinstance(fault, urllib.error.URLError) else fault
        found.faults.append(f"InfluxDB does not answer at {where}: {why}")
        if way:
            found.journals[STORE_PROXY] = systemd.journal(STORE_PROXY)


def short(words: str, width: int = 120) -> str:
    """Words that fit into a line."""
    return words if len(words) <= width else f"{words[: width - 1]}…"


def _json(refusal: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        value = json.load(refusal)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _statuses(report: Mapping[str, Any], check: str) -> set[Any]:
    """What the entries of one check say."""
    entries = [rows for name, rows in report.get("checks", {}).items() if name.partition(":")[0] == check]
    return {row.get("status") for rows in entries for row in rows}


def _fails(report: Mapping[str, Any]) -> set[str]:
    """The checks that say fail, with what they measured."""
    checks = report.get("checks", {}).items()
    return {name for name, rows in checks if any(row.get("status") == "fail" for row in rows)}


def _said(report: Mapping[str, Any], status: str) -> str:
    """The checks of that status, with what they say."""
    words = [
        f"{name}: {entry.get('output') or entry.get('observedValue')}"
        for name, entries in report.get("checks", {}).items()
        for entry in entries
        if entry.get("status") == status
    ]
    return "; ".join(words[:3]) or str(report.get("output", ""))
