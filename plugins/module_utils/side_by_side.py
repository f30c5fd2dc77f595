"""The comparison of two programs on a host: shadows of one or both, and what runs, on the same live events.

It is a program of the release, which compare_job starts as a unit of its own. It needs no controller. All outputs stay
in its memory; what it leaves is the result, without a name of a key or of an application.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from . import comparison_report, credentials, credible, processes, shadow_unit, systemd
from .comparison import Comparison, Cost, compare
from .files import read
from .kinds import PROGRAMS
from .layout import Refused
from .observed import LOOK, Observed
from .resp import Redis, RedisAway, RedisError

FOLDER = Path("/run/seclyzer-compare")
UNIT = "seclyzer-compare.service"
SECRET = Path("/etc/seclyzer/credentials/redis-admin")
"""The only user of Redis that may read features back."""
EVERY_S = 5.0
"""Between two looks: an extractor writes its counters so often."""
GRACE_S = 6.0
"""So long after the end, counters are of later than the end, and all that was due has been put out."""
SETTLE_S = 2.0
WORDS = 300
"""Characters of a program's last words."""
CONFIGURATION = "exited 78"
KILLED, STOPPED = "killed KILL", "killed TERM"


def keep(path: Path, text: str) -> None:
    """Writes a file of one's own, whole or not at all. It has to change no owner, which the unit could not."""
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
    part.replace(path)


@dataclass(frozen=True)
class Plan:
    """What is compared. `shadows`: for the left and the right side, by kind, the unit's `text`, its `program` and its
    `memory_max`; none for what runs. `windows`: see window_times. `declared`: the right side is known to compute other
    values. `began`: Unix s.
    """

    names: tuple[str, str]
    seconds: float
    kinds: list[str]
    shadows: list[dict[str, dict[str, str]]]
    windows: dict[str, tuple[int, int, int]]
    redis_socket: str
    declared: bool = False
    job: str = ""
    began: float = 0.0

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Plan | None:
        """The plan of the last comparison; None when there is none since the machine came up."""
        text = read(folder / "plan.json")
        return None if text is None else cls(**json.loads(text))

    def save(self, folder: Path = FOLDER) -> None:
        """Writes it, for root."""
        keep(folder / "plan.json", json.dumps(asdict(self)))


@dataclass
class Seen:
    """What a side made of one kind of events. `fault`: what is wrong with the program; `hindered`: why it could not be
    seen, for which it is not to blame.
    """

    lines: list[str] = field(default_factory=list)
    since: int = 0
    last_event: int = 0
    grown: Mapping[str, int] = field(default_factory=dict)
    cost: Cost | None = None
    fault: str = ""
    hindered: str = ""


class Meter:
    """What a process takes, from the first look at it on."""

    def __init__(self) -> None:
        self._pid, self._at, self._cpu = 0, 0.0, 0.0
        self.cost: Cost | None = None

    def look(self, pid: int) -> None:
        """One look; of another process than before it begins anew."""
        with suppress(OSError):
            cpu, at = processes.cpu_s(pid), time.monotonic()
            if pid != self._pid:
                self._pid, self._at, self._cpu = pid, at, cpu
            self.cost = Cost(cpu - self._cpu, at - self._at, processes.memory_mib(pid))


class Shadow:
    """One program as a shadow, in its transient unit; what it prints is read as it comes."""

    def __init__(self, side: str, kind: str, of: Mapping[str, str], seconds: float) -> None:
        self.unit = f"seclyzer-shadow-{side}-{kind}.service"
        self._program = PROGRAMS[kind]
        settings = shadow_unit.settings(of["text"], UNIT, seconds, of.get("memory_max", ""))
        argv = shadow_unit.start(self.unit, settings, shadow_unit.command(of["text"], of["program"]))
        self._lines: list[str] = []
        self._printed: deque[str] = deque(maxlen=100)
        self._gaps = 0
        environment = os.environ | {"LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"}
        self._client = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        pairs = ((self._client.stdout, self._line), (self._client.stderr, self._word))
        self._readers = [threading.Thread(target=_each, args=pair, daemon=True) for pair in pairs]
        for reader in self._readers:
            reader.start()
        self._meter = Meter()
        self._early = False

    def _line(self, line: str) -> None:
        self._lines.append(line)

    def _word(self, line: str) -> None:
        self._gaps += "stream_gap" in line
        self._printed.append(line)

    def look(self, pid: int) -> None:
        """A look at its process."""
        self._early = self._early or self._client.poll() is not None
        self._meter.look(pid)

    def finish(self) -> Seen:
        """What it made, once its unit was stopped."""
        with suppress(subprocess.TimeoutExpired):
            self._client.wait(2 * shadow_unit.STOP_S)
        for reader in self._readers:
            reader.join(shadow_unit.STOP_S)
        how, words = shadow_unit.ended(self._printed)
        stats = _stats(self._printed)
        if self._early or not stats:
            return _ended(self._program, self._early, how, words[:WORDS])
        if not stats["listening_since"]:
            return Seen(hindered=f"{self._program} did not reach Redis")
        grown = {name: int(stats.get(name, 0)) for name in credible.COUNTED} | {"gaps": self._gaps}
        return Seen(self._lines, int(stats["listening_since"]), int(stats["last_event_ts"]), grown, self._meter.cost)


def _each(stream: BinaryIO, take: Callable[[str], None]) -> None:
    """Gives each line on; a name may hold other ends of lines than this one."""
    with stream:
        for line in stream:
            take(line.decode(errors="replace").removesuffix("\n"))


def _stats(printed: deque[str]) -> dict[str, Any]:
    """The counters that a shadow prints last; empty when it did not."""
    for line in reversed(printed):
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict) and "listening_since" in found:
                return found
    return {}


def _ended(program: str, early: bool, how: str, words: str) -> Seen:
    """What it means that a program ended by itself, or without its counters."""
    last = f": {words}" if words else ""
    if how == KILLED:
        return Seen(hindered=f"{program} was killed, as when memory is short")
    if how == CONFIGURATION:
        return Seen(hindered=f"{program} does not take the settings of what runs{last}")
    if not early:
        return Seen(fault=f"{program} did not report its counters when it was stopped{last}")
    if how == STOPPED:
        return Seen(hindered=f"{program} was stopped by hand")
    return Seen(fault=f"{program} ended by itself{f' ({how})' if how else ''}{last}")


class Comparing:
    """One comparison, from its plan to its result. Tests give another clock and other ways out."""

    def __init__(self, plan: Plan, sleep: Callable[[float], None] = time.sleep) -> None:
        self._plan, self._sleep = plan, sleep
        self._observed = {kind: Observed() for kind in plan.kinds}
        self._meters = {kind: Meter() for kind in plan.kinds}

    def run(self) -> dict[str, Any]:
        """Compares; the result, for JSON."""
        plan = self._plan
        begun = time.monotonic()
        ended = time.time_ns() // 1000 + round((plan.seconds - SETTLE_S) * 1e6)
        with self._shadows() as shadows:
            while (left := begun + plan.seconds + GRACE_S - time.monotonic()) > 0:
                self._look(shadows)
                self._sleep(min(EVERY_S, max(left, 0.1)))
            self._look(shadows)
            systemd.run(["systemctl", "stop", *(shadow.unit for shadow in shadows.values())], 3 * shadow_unit.STOP_S)
            seen = {at: shadow.finish() for at, shadow in shadows.items()}
        for kind in plan.kinds:
            for side in (0, 1):
                seen.setdefault((side, kind), self._running(kind))
        return conclude(plan, seen, ended)

    @contextmanager
    def _shadows(self) -> Iterator[dict[tuple[int, str], Shadow]]:
        """Starts them; however this ends, none is left running."""
        begun: dict[tuple[int, str], Shadow] = {}
        try:
            for side, shadows in enumerate(self._plan.shadows):
                for kind, of in shadows.items():
                    begun[side, kind] = Shadow(("left", "right")[side], kind, of, self._plan.seconds)
            yield begun
        finally:
            units = [shadow.unit for shadow in begun.values()]
            if units:
                systemd.run(["systemctl", "stop", *units], 3 * shadow_unit.STOP_S)

    def _look(self, shadows: Mapping[tuple[int, str], Shadow]) -> None:
        states = systemd.show([shadow.unit for shadow in shadows.values()], ("MainPID",))
        for shadow in shadows.values():
            shadow.look(int(states.get(shadow.unit, {}).get("MainPID") or 0))
        if not all(self._plan.shadows):
            self._see_services()

    def _see_services(self) -> None:
        try:
            with Redis(self._plan.redis_socket, "admin", credentials.read_secret(SECRET) or "") as redis:
                for kind, observed in self._observed.items():
                    stats = redis.pairs("HGETALL", f"seclyzer:stats:{kind}")
                    # Read after the counters: whatever these count has been put out.
                    newest = redis.texts("LRANGE", f"seclyzer:features:{kind}", "0", str(LOOK - 1))
                    now = time.time_ns() // 1000
                    if "pid" in stats:
                        observed.take(stats, newest, now)
                        self._meters[kind].look(observed.pid)
                    else:
                        observed.missed(now)
        except (RedisAway, RedisError, Refused):
            for observed in self._observed.values():
                observed.missed(time.time_ns() // 1000)

    def _running(self, kind: str) -> Seen:
        observed = self._observed[kind]
        if not observed.pid:
            return Seen(hindered="nothing that runs was seen at Redis")
        return Seen(observed.lines, observed.since, observed.last_event, observed.grown(), self._meters[kind].cost)


def conclude(plan: Plan, seen: Mapping[tuple[int, str], Seen], ended: int) -> dict[str, Any]:
    """The result: what was compared, and of each kind what is concluded and why."""
    found: list[Comparison] = []
    costs: dict[str, tuple[Cost | None, Cost | None]] = {}
    verdicts: dict[str, dict[str, str]] = {}
    for kind in plan.kinds:
        left, right = seen[0, kind], seen[1, kind]
        window, by_events, by_time = plan.windows[kind]
        costs[kind] = left.cost, right.cost
        if trouble := _trouble(left, right):
            found.append(Comparison(kind))
            verdicts[kind] = trouble
            continue
        # What both have closed by now: by the events that came later, or by the time that has passed.
        until = max(min(left.last_event, right.last_event) - by_events, ended - by_time)
        one = compare(kind, left.lines, right.lines, max(left.since, right.since), until, window)
        grown = {name: left.grown.get(name, 0) + right.grown.get(name, 0) for name in credible.COUNTED}
        verdict = credible.conclude(one, grown, plan.declared)
        why = credible.why_unsure(grown) if verdict == credible.UNSURE else one.words(*plan.names)
        found.append(one)
        verdicts[kind] = {"verdict": verdict, "why": why}
    report = comparison_report.document(plan.names, found, costs, plan.seconds)
    return {"job": plan.job, "report": report, "verdicts": verdicts}


def _trouble(left: Seen, right: Seen) -> dict[str, str]:
    """Why a kind could not be compared; empty when it could."""
    for side in (right, left):
        if side.fault:
            return {"verdict": credible.DIFFERENT, "why": side.fault}
    for side in (right, left):
        if side.hindered:
            return {"verdict": credible.NOTHING, "why": side.hindered}
    return {}


def main() -> int:
    """The program of the unit."""
    os.umask(0o077)
    plan = Plan.load()
    if plan is None:
        print(f"seclyzer-compare: there is no {FOLDER}/plan.json", file=sys.stderr)
        return 1
    try:
        result = Comparing(plan).run()
    except Refused as fault:
        print(f"seclyzer-compare: {fault}", file=sys.stderr)
        return 1
    keep(FOLDER / "result.json", json.dumps(result))
    return 0
