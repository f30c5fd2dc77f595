"""Whether data can flow on this host: asked of the parts themselves, until all say yes or the time is up.

What should run is read from the running deployment, so the same question can be asked by Ansible and on the host.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import agent_report, by_socket, deployments, direct, store_way, systemd, tls
from . import before as earlier
from .before import Before
from .files import read
from .layout import STORE_PROXY, Layout, Refused, is_socket
from .resp import Redis, RedisAway, RedisError
from .store_way import Way

PASSWORD = Path("/etc/seclyzer/credentials/redis-agent")
FULLNESS = {"redis:memory", "redis:connections", "redis:refusals"}
"""What producers fill. It was so before a switch, or came by chance, and going back would not mend it."""
AWAY = "influxdb:responseTime"
"""The agent's check that fails while InfluxDB is away and points may be lost by that."""
STATE = (
    "ActiveState",
    "SubState",
    "MainPID",
    "Result",
    "Type",
    "NRestarts",
    "MemoryCurrent",
    "MemoryMax",
    "ControlGroup",
)
STORES = ("influxdb", "spool")
"""What the agent's checks are about when InfluxDB is away: the check itself, and the measurement of each extractor."""


@dataclass
class Health:
    """One look at a host: what runs, in words, what is wrong, in sentences.

    `spools`: the agent reports that InfluxDB is away and every point is kept. `counted`: the extractors whose losses
    were read from their own counters. `away`: what does not answer and is not the deployment's doing. `outer`: the
    faults that the agent and InfluxDB brought. `states`, `stats`: units and extractors as they were read. `unknown`:
    what the agent could not read, in a trial. `takes`: whether the store took a write of nothing, where it was asked.
    """

    running: list[str] = field(default_factory=list)
    spools: bool = False
    faults: list[str] = field(default_factory=list)
    warns: bool = False
    journals: dict[str, list[str]] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)
    away: list[str] = field(default_factory=list)
    outer: list[str] = field(default_factory=list)
    states: dict[str, dict[str, str]] = field(default_factory=dict)
    stats: dict[str, dict[str, str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    takes: bool = False

    def summary(self) -> str:
        """One line."""
        return ", ".join(self.running)


@dataclass(frozen=True)
class Target:
    """What should be found: from the running deployment's manifest and units.

    `trial`: that Redis is away is not the deployment's doing, and what the agent could not read is no fault.
    `outside`: nor is it the deployment's doing that InfluxDB is away, which is reached as before the switch. `way`: by
    which the store is asked whether it takes a write of nothing.
    """

    version: str
    implementations: Mapping[str, str]
    units: Mapping[str, str]
    probes: Mapping[str, str]
    going_back: bool = False
    before: Before | None = None
    trial: bool = False
    outside: bool = False
    way: Way | None = None

    @classmethod
    def of(cls, layout: Layout, going_back: bool = False, before: Before | None = None) -> Target:
        """The deployment that runs, to be compared with what was `before` the switch to it.

        A host that is `going_back` does not fail over trouble that it had before, nor because InfluxDB is away while
        every point is kept.
        """
        n = deployments.current(layout)
        found = deployments.manifest(layout, n)
        if n is None or found is None:
            raise Refused("nothing is deployed on this host; site.yml deploys")
        desired = deployments.load(layout, n)
        return cls(desired.version, desired.implementations, desired.units, desired.probes, going_back, before)


def wait(target: Target, seconds: float, grace: float = 0.0, pause: float = 0.5) -> Health:
    """Looks until all is well and could be read, or the time is up; the last look comes back.

    A warning is no fault. But right after a switch the agent may still describe what ran before, so within `grace`
    seconds a warning is looked at again.
    """
    start = time.monotonic()
    while True:
        found = look(target)
        undecided = found.faults or found.away or found.unknown
        patience = seconds if undecided else min(grace, seconds) if found.warns else 0.0
        if time.monotonic() - start >= patience:
            return found
        time.sleep(pause)


def look(target: Target, narrow: bool = False) -> Health:
    """One look at everything; a `narrow` one leaves out the agent and InfluxDB, which are not asked every second."""
    found = Health()
    _units(target, found)
    if "redis_socket" in target.probes:
        _extractors(target, found)
    own = len(found.faults)
    if target.way is not None and not narrow:
        found.takes = store_way.takes_writes(target.way)
    if "agent" in target.probes and not narrow:
        _agent(target, found)
    if "influx_url" in target.probes and not narrow:
        _influxdb(target, found)
    found.outer = found.faults[own:]
    return found


def _units(target: Target, found: Health) -> None:
    found.states = systemd.show(sorted(target.units), STATE)
    for unit in sorted(target.units):
        state = found.states.get(unit, {})
        if state.get("ActiveState") != "active":
            result = state.get("Result", "")
            why = f" ({result})" if result not in ("", "success") else ""
            found.faults.append(f"{unit} is {state.get('ActiveState', 'not there')}/{state.get('SubState', '')}{why}")
            found.journals[unit] = systemd.journal(unit)
        if not is_socket(unit):
            found.pids[unit] = int(state.get("MainPID") or 0)


def _extractors(target: Target, found: Health) -> None:
    try:
        found.stats = stats(target)
    except (RedisError, RedisAway) as fault:
        words = f"Redis does not answer: {fault}"
        if target.trial and isinstance(fault, RedisAway):
            found.away.append(words)
        else:
            found.faults.append(words)
        return
    for kind, desired in target.implementations.items():
        unit = f"seclyzer-{kind}.service"
        seen = found.stats[kind]
        problem = _heartbeat(seen, desired, target.version, found.pids.get(unit, 0))
        if problem:
            found.faults.append(f"{kind}: {problem}")
            found.journals.setdefault(unit, systemd.journal(unit))
        else:
            found.running.append(f"{kind}={desired}")
            if target.before is not None:
                _losses(kind, seen, target, target.before, found)


def _losses(kind: str, seen: Mapping[str, str], target: Target, before: Before, found: Health) -> None:
    """What the extractor lost since the switch; the agent's word for it may be of before."""
    found.counted.add(kind)
    if lost := before.lost(kind, seen):
        words = earlier.sentence(kind, lost, seen)
        if target.going_back and before.had_losses(kind):
            found.running.append(f"{words}, and before it too")
        else:
            unit = f"seclyzer-{kind}.service"
            found.faults.append(words)
            found.journals.setdefault(unit, systemd.journal(unit))


def stats(target: Target) -> dict[str, dict[str, str]]:
    """The stats hash of each extractor. Raises RedisError, RedisAway."""
    password = (read(PASSWORD) or "").strip()
    with Redis(target.probes["redis_socket"], "agent", password, timeout=2.0) as redis:
        return {kind: redis.pairs("HGETALL", f"seclyzer:stats:{kind}") for kind in target.implementations}


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
    try:
        report = agent_report.read(target.probes["agent"])
    except Refused as fault:
        found.faults.append(str(fault))
        return
    found.spools = agent_report.statuses(report, "influxdb") == {"warn"}
    status = str(report.get("status"))
    words = agent_report.reported(report, "fail" if status == "fail" else "warn")
    unread = agent_report.unread(report) if target.trial else set()
    fails = agent_report.fails(report) - unread
    if unread:
        found.unknown.append(f"the agent could not read {agent_report.reported(report, 'fail', unread)}")
        if not fails:
            return
    older = {check for check in fails if _is_older(check, target, found)}
    if fails and fails <= FULLNESS:
        found.running.append(f"agent fail ({short(words)}), which is none of this deployment's doing")
    elif fails and fails <= FULLNESS | older:
        found.warns = True
        found.running.append(f"agent fail ({short(words)}), which is older than the switch")
    elif status == "fail":
        words = agent_report.reported(report, "fail", fails - older) if fails else words
        found.faults.append(f"the agent says fail: {words}")
    else:
        found.warns = status == "warn"
        found.running.append(f"agent {status}" + (f" ({short(words)})" if status == "warn" and words else ""))


def _is_older(check: str, target: Target, found: Health) -> bool:
    """Whether what the agent reports as failing is no news since the switch."""
    kind, _, what = check.partition(":")
    if what == "losses" and kind in found.counted:
        return True
    if target.outside and (kind in STORES or what in STORES):
        return True
    if what == "store" and target.outside and target.way is not None and not found.takes:
        return True
    return target.before is not None and target.before.excuses(check)


def _influxdb(target: Target, found: Health) -> None:
    url, way = target.probes["influx_url"].rstrip("/"), target.probes.get("influx_socket")
    ca = target.probes.get("influx_ca_file") or None
    try:
        if way:
            status = by_socket.status_of(f"{url}/health", way, ca, 5, "influx_other" in target.probes)
            if status != 200:
                raise OSError(f"status {status}")
        else:  # a deployment from before there were sockets
            context = tls.context(ca or "") if url.startswith("https:") else None
            with direct.opener(context).open(f"{url}/health", timeout=5) as answer:
                answer.read()
        found.running.append("InfluxDB answers")
    except (OSError, ValueError, http.client.HTTPException) as fault:
        if target.going_back and found.spools:
            found.running.append("InfluxDB is away, points are kept")
            return
        if target.outside:
            found.running.append("InfluxDB is away, which is not this deployment's doing")
            return
        if target.going_back and target.before is not None and target.before.excuses(AWAY):
            found.running.append("InfluxDB is away, as before the switch")
            return
        where = f"{url} by {way}" if way else url
        why = fault.reason if isinstance(fault, urllib.error.URLError) else fault
        found.faults.append(f"InfluxDB does not answer at {where}: {why}")
        if way:
            found.journals[STORE_PROXY] = systemd.journal(STORE_PROXY)


def short(words: str, width: int = 120) -> str:
    """Words that fit into a line."""
    return words if len(words) <= width else f"{words[: width - 1]}…"
